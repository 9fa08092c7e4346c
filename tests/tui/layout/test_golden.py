"""Maps are text that people review: each graph here has its drawings in `golden/`.

`python -m tests.tui.layout.test_golden` writes them anew; then `git diff` shows what moved.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sinkgraph_tui.layout import ASCII, UNICODE, Looks, MapGraph, arrange, fitted, painted
from tests.tui.layout import shapes

GOLDEN = Path(__file__).parent / "golden"
FOUR = ("eu", "us", "ap", "sa")
LOUD = {"us/billing.breaker", "sa/push"}
_Way = dict[str, Any]

DRAWN: dict[str, tuple[Callable[[], MapGraph], tuple[_Way, ...]]] = {
    "0-nothing": (lambda: MapGraph((), ()), ({"zoom": "lanes"},)),
    "1-one": (lambda: shapes.chain(1), ({"zoom": "map"}, {"zoom": "lanes"}, {"zoom": "cards"})),
    "8-quickstart": (
        shapes.eight,
        ({"zoom": "map"}, {"zoom": "lanes"}, {"zoom": "cards"}, {"fit": (80, 24)}),
    ),
    "18-outage": (
        shapes.eighteen,
        (
            {"zoom": "map", "errors": True, "width": 60},
            {"zoom": "lanes", "width": 120},
            {"zoom": "lanes", "errors": True, "width": 80},
            {"zoom": "cards", "errors": True, "width": 130},
            {"zoom": "cards", "errors": True, "width": 100, "glyphs": "ascii"},
            {"fit": (80, 24)},
            {"fit": (60, 10)},
        ),
    ),
    "40-two-regions": (
        lambda: shapes.regions(("eu", "us"), 4, dead=False),
        ({"zoom": "lanes", "width": 110}, {"zoom": "cards", "width": 110}),
    ),
    "176-four-regions": (
        lambda: shapes.regions(FOUR, 10),
        (
            {"zoom": "lanes", "width": 132},
            {"zoom": "lanes", "width": 132, "errors": True},
            {"zoom": "lanes", "width": 80, "loud": LOUD},
            {"zoom": "cards", "width": 100, "loud": LOUD, "groups": {"eu", "ap"}},
            {"fit": (80, 24), "loud": LOUD},
        ),
    ),
    "200-four-regions": (
        lambda: shapes.regions(FOUR, 12, dead=False),
        ({"zoom": "map", "width": 60}, {"fit": (168, 48)}),
    ),
    "chain-of-200": (lambda: shapes.chain(200), ({"zoom": "map"}, {"zoom": "lanes"})),
    "star-of-1000": (
        lambda: shapes.star(1000),
        ({"zoom": "lanes", "loud": {"end7", "end500"}}, {"zoom": "cards", "loud": set()}),
    ),
    "diamond-ladder": (
        lambda: shapes.ladder(3),
        ({"zoom": "map", "width": 60}, {"zoom": "cards", "width": 160}),
    ),
    "two-components": (shapes.islands, ({"zoom": "lanes"}, {"zoom": "cards"})),
    "names": (
        shapes.long_names,
        ({"zoom": "map", "width": 40}, {"zoom": "lanes", "width": 100}, {"zoom": "cards"}),
    ),
    "dense": (lambda: shapes.dense(12, 20), ({"zoom": "map"}, {"zoom": "cards", "width": 160})),
}


def drawn(name: str) -> str:
    """Return every drawing of a graph, one below the other."""
    make, ways = DRAWN[name]
    graph = make()
    looks = shapes.outage() if name == "18-outage" else Looks(folds={"us/audit": "2.5k/s  p99 1s"})
    parts: list[str] = []
    for way in ways:
        said = " ".join(
            f"{key}={'|'.join(sorted(value)) if isinstance(value, set) else value}"
            for key, value in way.items()
        )
        given = dict(way)
        glyphs = ASCII if given.pop("glyphs", "") == "ascii" else UNICODE
        size = given.pop("fit", None)
        made = fitted(graph, *size, **given) if size else arrange(graph, **given)
        grid = painted(made, looks, glyphs)
        parts += [f"# {said}: {made.zoom} {made.width}×{made.height}", grid.text(), ""]
    return "\n".join(parts)


@pytest.mark.parametrize("name", DRAWN)
def test_a_map_is_drawn_as_it_was_reviewed(name: str) -> None:
    assert drawn(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_reviewed_drawing_is_drawn() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(DRAWN)


if __name__ == "__main__":
    for drawing in DRAWN:
        (GOLDEN / f"{drawing}.txt").write_text(drawn(drawing), encoding="utf-8")
