"""Which screens there are, by the name of their tab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from sinkgraph_tui.screens.topology import TopologyScreen

__all__ = ["SCREENS"]

SCREENS: dict[str, str | Callable[[], Screen[Any]]] = {
    "topology": TopologyScreen,
}
