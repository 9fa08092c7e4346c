"""SG513: a file sink writes to a plain file of its own, inside the output directory."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.rules.shared import field_place
from sinkgraph.graph.view import View

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield paths that are something else, or lead astray."""
    for one in view.outputs:
        if one.problem:
            yield Diagnostic(
                "SG513",
                f"{one.decl.label} would write to `{safe_text(one.spec.path, 80)}`, "
                f"which {one.problem}",
                "error",
                field_place(one.decl, "path"),
                one.problem,
                f"sinks.{one.decl.shown}.path",
                help=("write to a plain file; `kind: stdout` prints",),
            )
