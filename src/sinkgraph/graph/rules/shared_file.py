"""SG512: no two sinks write to one file, under whatever name, nor rotate into another's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.outputs import Output
from sinkgraph.graph.rules.shared import shared
from sinkgraph.graph.view import View

__all__ = ["check"]

_ROTATED = re.compile(r"(.+)\.([1-9][0-9]{0,4})", re.DOTALL)


def check(view: View) -> Iterator[Diagnostic]:
    """Yield sinks whose file, or one that it becomes by rotation, is another's."""
    files: dict[str, Output] = {}
    for one in view.outputs:
        first = files.setdefault(one.real.casefold(), one)
        if first is not one:
            what = f"write to one file, `{safe_text(one.spec.path, 80)}`"
            help = "give each a file of its own, or put one below both"
            yield shared("SG512", one.decl, first.decl, "path", what, help)
    yield from _rotated_into(files)


def _rotated_into(files: dict[str, Output]) -> Iterator[Diagnostic]:
    """Yield sinks whose file another one would replace with its rotated ones: `a.log.1`."""
    for real, one in files.items():
        found = _ROTATED.fullmatch(real)
        first = files.get(found[1]) if found else None
        rotate = None if first is None else first.spec.rotate
        if found is None or first is None or rotate is None:
            continue
        if int(found[2]) <= rotate.keep:
            what = f"write to one file: `{first.decl.shown}` rotates into it"
            help = "give one of them another name"
            yield shared("SG512", one.decl, first.decl, "path", what, help)
