"""SG514: no two sources take requests for one address and path."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.outputs import stood_in
from sinkgraph.graph.rules.shared import shared
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.kinds.source import HttpSourceSpec

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield each source whose address and path a source before it has."""
    listeners: dict[tuple[str, int, str], NodeDecl] = {}
    for decl in view.sources:
        spec = decl.spec
        if type(spec) is not HttpSourceSpec or stood_in(decl, "listen", "path"):
            continue
        key = (spec.listen.host, spec.listen.port, spec.path)
        first = listeners.setdefault(key, decl)
        if first is not decl:
            what = f"listen on `{spec.listen}` with path `{safe_text(spec.path, 80)}`"
            help = "give each a `path` of its own"
            yield shared("SG514", decl, first, "listen", what, help)
