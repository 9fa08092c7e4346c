"""SG515: one source at most reads standard input."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.rules.shared import shared
from sinkgraph.graph.view import View
from sinkgraph.spec.kinds.source import StdinSource

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield each source but the first that reads standard input."""
    readers = [decl for decl in view.sources if type(decl.spec) is StdinSource]
    for decl in readers[1:]:
        yield shared(
            "SG515", decl, readers[0], "kind", "both read standard input", "keep one of them"
        )
