"""Lays the terminal map out: graph and width in, placed and drawn cells out, by pure functions.

It imports neither a terminal toolkit nor anything of sinkgraph, and holds no state.
"""

from __future__ import annotations

from sinkgraph_tui.layout.arrange import Arrangement, Box, arrange, fitted
from sinkgraph_tui.layout.forms import ZOOMS, Zoom
from sinkgraph_tui.layout.glyphs import ASCII, UNICODE, Glyphs
from sinkgraph_tui.layout.graph import MapEdge, MapGraph, MapNode
from sinkgraph_tui.layout.grid import Grid
from sinkgraph_tui.layout.hits import Hit, Way, hit, step
from sinkgraph_tui.layout.looks import TONES, Look, Looks, Tone, worst
from sinkgraph_tui.layout.paint import box_tones, painted
from sinkgraph_tui.layout.window import Ribbon, ribbon, scrolled

__all__ = [
    "ASCII",
    "TONES",
    "UNICODE",
    "ZOOMS",
    "Arrangement",
    "Box",
    "Glyphs",
    "Grid",
    "Hit",
    "Look",
    "Looks",
    "MapEdge",
    "MapGraph",
    "MapNode",
    "Ribbon",
    "Tone",
    "Way",
    "Zoom",
    "arrange",
    "box_tones",
    "fitted",
    "hit",
    "painted",
    "ribbon",
    "scrolled",
    "step",
    "worst",
]
