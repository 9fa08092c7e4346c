"""What a page shows now: the last drawing that could be made, and what is wrong since.

It knows no network. Loading and drawing are handed in, and may take their time: call `renew` and
`picture` in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.model import Graph
from sinkgraph.render.image import RenderError
from sinkgraph.render.output import OutputTheme, made
from sinkgraph.render.parts import Drawing, nodes_in
from sinkgraph.render.serve.findings import placed
from sinkgraph.render.sketch import sketch
from sinkgraph.spec.document_tree import Mapping as Tree

__all__ = ["Board", "Loaded"]

PATIENCE_S = 20.0
"""How long `dot` may draw while somebody looks at the page."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Is what came of reading a document: a graph or none, and what there is to say about it.

    `others` are findings about another document, which has no nodes here.
    """

    graph: Graph | None
    found: list[Diagnostic]
    tree: Tree | None = None
    others: list[Diagnostic] = field(default_factory=list)
    drawing: Drawing | None = None


class Board:
    """Holds one document's drawing, its findings, and the number of times it was renewed."""

    def __init__(self, shown: str, load: Callable[[], Loaded]) -> None:
        self._shown = shown
        self._load = load
        self._lock = threading.Lock()
        self._version = 0
        self._drawing: Drawing | None = None
        self._pictures: dict[OutputTheme, bytes] = {}
        self._state: dict[str, Any] = {}
        self._may_sketch = True  # as long as no drawing is there that is more

    @property
    def version(self) -> int:
        """How often it was renewed."""
        return self._version

    def renew(self) -> dict[str, Any]:
        """Load and draw the document; return what `state` returns from now on."""
        loaded = self._load()
        problem = ""
        pictures: dict[OutputTheme, bytes] = {}
        drawing = loaded.drawing
        sketched = drawing is None and loaded.tree is not None and self._may_sketch
        if sketched and loaded.tree is not None:
            drawing = sketch(loaded.tree, self._shown)
        if drawing is not None:
            try:
                pictures["light"] = made(drawing, "svg", "light", timeout_s=PATIENCE_S)
            except RenderError as error:
                problem, drawing = str(error), None
        with self._lock:
            if drawing is not None:
                self._drawing, self._pictures, self._may_sketch = drawing, pictures, sketched
            self._version += 1
            self._state = {
                **self._told(loaded, problem),
                "stale": drawing is None,
                "sketched": sketched and drawing is not None,
            }
            return self._state

    def state(self) -> dict[str, Any]:
        """Return what the page is told, as JSON values."""
        with self._lock:
            return self._state

    def picture(self, theme: OutputTheme) -> bytes | None:
        """Return the last drawing as SVG, or None when there was none yet."""
        with self._lock:
            drawing, held = self._drawing, self._pictures
            if theme in held:
                return held[theme]
        if drawing is None:
            return None
        try:
            drawn = made(drawing, "svg", theme, timeout_s=PATIENCE_S)
        except RenderError:
            return None
        with self._lock:
            held[theme] = drawn
        return drawn

    def _told(self, loaded: Loaded, problem: str) -> dict[str, Any]:
        drawing = self._drawing
        nodes = [] if drawing is None else list(nodes_in(drawing.frame))
        found = placed(loaded.found, loaded.graph, loaded.tree)
        found += [{**one, "node": None} for one in placed(loaded.others, None, None)]
        return {
            "version": self._version,
            "file": self._shown,
            "name": self._shown if drawing is None else drawing.name,
            "nodes": len(nodes),
            "edges": 0 if drawing is None else len(drawing.edges),
            "drawn": drawing is not None,
            "problem": problem,
            "findings": found,
        }
