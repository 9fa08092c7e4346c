"""Is how it looks: palettes, and the styles that tones and parts of the map have in them.

It knows no screen, and no node.
"""

from __future__ import annotations

from sinkgraph_tui.looks.palette import PALETTES, Palette
from sinkgraph_tui.looks.styles import Ink, Styles

__all__ = ["PALETTES", "Ink", "Palette", "Styles"]
