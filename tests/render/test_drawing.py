"""Every way to draw goes with every other, for every document."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.render.dot import to_dot
from sinkgraph.render.drawing import draw
from sinkgraph.render.fold import fold, groups_of
from sinkgraph.render.guarantees import guarantees
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.parts import nodes_in
from tests.render.test_golden import OWN, SHIPPED, graph_of

PAIRS = list(pairwise([*SHIPPED, *OWN, SHIPPED[0]]))


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=lambda path: path.stem)
@pytest.mark.parametrize("isolation", [False, True])
@pytest.mark.parametrize("dead_letters", [False, True])
def test_all_options_together_give_a_drawing_without_loose_ends(
    old: Path, new: Path, isolation: bool, dead_letters: bool
) -> None:
    graph = graph_of(new)
    drawing = draw(
        graph,
        dead_letters=dead_letters,
        isolation=isolation,
        guarantees=guarantees(conclude(graph)),
        against=graph_of(old),
    )
    for shown in (drawing, fold(drawing, lanes=True, groups=groups_of(drawing)).drawing):
        names = [node.name for node in nodes_in(shown.frame)]
        assert len(names) == len(set(names))
        assert {end for edge in shown.edges for end in (edge.source, edge.target)} <= set(names)
        assert to_dot(shown).count(" -> ") == len(shown.edges)
        assert to_mermaid(shown).startswith("---\n")
