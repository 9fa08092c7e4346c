"""What a plan says of nodes is what a reload does with them, for documents drawn at random."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import sinkgraph as sg
from sinkgraph.runtime.outcome import Applied
from tests.graph.diff.drawing import drawn, edited


@pytest.mark.parametrize("seed", range(12))
async def test_nodes_go_on_begin_and_end_as_planned(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    document = drawn(chance.randrange(10**6))
    async with sg.run(document, state_dir=tmp_path, drain=1.0) as live:
        for _ in range(4):
            document = edited(document, chance.randrange(10**6))
            if chance.random() < 0.3:
                document = drawn(chance.randrange(10**6))
            before = dict(live.topology.assembly.nodes)
            applied = await live.reload(document)
            assert isinstance(applied, Applied), str(applied)
            after = live.topology.assembly.nodes
            plan = applied.plan
            if not plan and not plan.document:
                assert after == before
                continue
            planned = [one for one in plan.changes if one.action != "remove"]
            assert sorted(after) == sorted(one.name for one in planned)
            for one in planned:
                node = after[one.name]
                assert (node.name, node.kind) == (one.name, one.kind)
                if one.action == "add":
                    assert node not in before.values()
                elif one.action != "replace":
                    assert node is before[one.was or one.name], one
