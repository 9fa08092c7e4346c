"""Holds random trees under random faults to the conservation law (P4), order and liveness (P5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.testing import run
from tests.reliability.trees import Spec, narrow_trees, trees
from tests.reliability.world import Act, World, acts, pressing

pytestmark = pytest.mark.timeout(180)  # a shrinking failure takes its time, and is to be told


@settings(max_examples=20 * settings().max_examples)
@given(
    spec=trees(),
    program=acts(),
    graveyard=st.lists(st.sampled_from(["fail", "ok", "full", "partly", 0.5]), max_size=3),
    seed=st.integers(0, 3),
)
def test_every_event_is_accounted_for_at_every_step_and_at_the_end(
    spec: Spec, program: list[Act], graveyard: list[Any], seed: int
) -> None:
    world = World(spec, graveyard)
    run(world.play(program), seed=seed)


@settings(max_examples=8 * settings().max_examples)
@given(spec=narrow_trees(), program=pressing())
def test_nothing_is_lost_when_the_tree_changes_under_writers_that_wait(
    spec: Spec, program: list[Act]
) -> None:
    world = World(spec)
    run(world.play(program))
