"""A graph that is reloaded at random loses nothing, repeats nothing and keeps its order (P9).

Every reload comes with traffic, sick endpoints and readers that come and go; documents that cannot
run come between, and change nothing. `SINKGRAPH_SOAK=100` plays a hundred times as many seeds.
"""

from __future__ import annotations

import pytest

from sinkgraph.testing import simulate
from tests.reliability.documents import Stores
from tests.reliability.edits import EDITS
from tests.reliability.reloaded import Tally, reloads
from tests.support.scale import factor, rounds

pytestmark = pytest.mark.timeout(180 * factor())


@pytest.mark.parametrize("block", range(2))
def test_random_reloads_lose_nothing_and_repeat_nothing(block: int) -> None:
    tally, n = Tally(), rounds(10)
    simulate(reloads(tally, "memory"), seeds=range(block * n, (block + 1) * n))
    assert tally.applied >= 5 * n
    assert set(tally.edits) == set(EDITS) - {"store"}
    assert all(tally.actions[one] for one in ("keep", "retune", "replace", "add", "remove"))
    assert len(tally.refused) <= tally.applied // 50, tally.refused


def test_queues_on_disk_are_reloaded_while_disks_fail() -> None:
    tally, n = Tally(), rounds(8)
    simulate(reloads(tally, "mixed"), seeds=range(n))
    assert tally.applied >= 5 * n
    assert tally.edits["store"]
    assert len(tally.refused) <= tally.applied // 50, tally.refused


@pytest.mark.parametrize("stores", ["mixed", "disk"])
def test_what_is_on_disk_outlives_crashes_between_reloads(stores: Stores) -> None:
    tally, n = Tally(), rounds(6)
    simulate(reloads(tally, stores, crashes=2), seeds=range(n))
    assert tally.applied >= 4 * n


def test_a_storm_of_reloads_is_a_reload_like_any_other() -> None:
    tally, n = Tally(), rounds(2)
    simulate(reloads(tally, "memory", busy=0.1), seeds=range(50, 50 + n))
    assert tally.applied >= 100 * n
