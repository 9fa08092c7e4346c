"""Answer `python -m sinkgraph_tui.layout FILE`: print the map of a graph, to look at a layout.

FILE is what a running graph answers to `GET /v1/graph`; `-` is standard input. It is for people
who work on the layout, and connects to nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sinkgraph_tui.layout import ASCII, UNICODE, ZOOMS, MapEdge, MapGraph, MapNode, arrange, painted

__all__ = ["main"]


def _graph(said: Any) -> MapGraph:
    return MapGraph.of(
        (
            MapNode(one["name"], one["kind"], one.get("role", ""), one.get("group"))
            for one in said["nodes"]
        ),
        (
            MapEdge(
                one["source"],
                one["target"],
                one.get("port", "to"),
                one.get("index", 0),
                one.get("required", True),
                one.get("port") == "dead_letter",
            )
            for one in said["edges"]
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a map; return 2 when the file is not a graph."""
    parser = argparse.ArgumentParser(prog="python -m sinkgraph_tui.layout", description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--zoom", choices=ZOOMS, default="lanes")
    parser.add_argument("--width", type=int, default=80)
    parser.add_argument("--errors", action="store_true", help="draw edges of dead letters")
    parser.add_argument("--fold", action="store_true", help="fold branches")
    parser.add_argument("--ascii", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        text = sys.stdin.read() if asked.file == "-" else Path(asked.file).read_text("utf-8")
        graph = _graph(json.loads(text))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.stderr.write(f"error: {asked.file} is not a graph: {error!r}\n")
        return 2
    loud = () if asked.fold else None
    made = arrange(graph, zoom=asked.zoom, width=asked.width, errors=asked.errors, loud=loud)
    sys.stdout.write(painted(made, glyphs=ASCII if asked.ascii else UNICODE).text() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
