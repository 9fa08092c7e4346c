"""Stops random trees at random moments (P17): in time, with every event accounted for."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.testing import run
from tests.reliability.trees import Spec, narrow_trees, trees
from tests.reliability.world import Act, World, acts, pressing

STUCK = 1e6


@settings(max_examples=6 * settings().max_examples)
@given(
    spec=st.one_of(trees(), narrow_trees()),
    program=st.one_of(acts(), pressing()),
    drain=st.sampled_from([0.0, 1.0, 10.0]),
    stuck=st.booleans(),
)
def test_a_stop_ends_in_time_and_leaves_nothing_in_nobodys_account(
    spec: Spec, program: list[Act], drain: float, stuck: bool
) -> None:
    async def story() -> None:
        world = World(spec)
        for path in world.forest.paths if stuck else ():
            path.spot.script += [STUCK, STUCK]
        program_only = [act for act in program if act.what != "write" or act.spawn]
        before = asyncio.all_tasks()
        await world.abandon(program_only, drain)
        report = world.live.report
        assert report is not None
        assert report.took_s <= drain + 0.1, f"{report.took_s:g} s for a drain of {drain:g} s"
        unsettled = {n.name: n.ledger for n in report.snapshot.nodes.values() if n.ledger.residue}
        assert not unsettled, unsettled
        world.judge_stopped(report.left)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        left = [task.get_name() for task in asyncio.all_tasks() - before]
        assert not left, left

    run(story())
