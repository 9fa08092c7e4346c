"""Random documents in simulated worlds: accounted for (P4), alive (P5), and the same again (P6).

`SINKGRAPH_SOAK=100` plays a hundred times as many seeds; `SINKGRAPH_SEED=7` plays that one alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sinkgraph.testing import simulate
from tests.reliability.simulated import trial
from tests.support.scale import factor, rounds

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.timeout(60 * factor())


@pytest.mark.parametrize("block", range(3))
def test_every_event_is_accounted_for_and_comes_to_its_end(block: int) -> None:
    n = rounds(10)
    simulate(trial("memory"), seeds=range(block * n, (block + 1) * n))


@pytest.mark.parametrize("block", range(2))
def test_a_crash_loses_nothing_that_was_accepted_after_it(block: int) -> None:
    n = rounds(5)
    simulate(trial("memory", crashes=2), seeds=range(block * n, (block + 1) * n))


@pytest.mark.parametrize("block", range(5))
def test_what_is_on_disk_outlives_crashes_and_bad_disks(block: int) -> None:
    n = rounds(8)
    simulate(trial("disk", crashes=2), seeds=range(block * n, (block + 1) * n))


@pytest.mark.parametrize("block", range(3))
def test_memory_and_disk_side_by_side_keep_what_each_promises(block: int) -> None:
    n = rounds(7)
    simulate(trial("mixed", crashes=1 + block), seeds=range(block * n, (block + 1) * n))


_DIGESTS = """
import sys
from sinkgraph.testing import simulate
from tests.reliability.simulated import trial
stores, crashes = sys.argv[1], int(sys.argv[2])
for seed in sys.argv[3:]:
    print(seed, simulate(trial(stores, crashes), seed=int(seed)))
"""


def digests(hash_seed: str, stores: str, crashes: int, *seeds: int) -> str:
    """Return the digests of trials that a process of its own has played."""
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    env.pop("SINKGRAPH_SEED", None)
    told = [stores, str(crashes), *map(str, seeds)]
    return subprocess.run(
        [sys.executable, "-c", _DIGESTS, *told],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60 * factor(),
    ).stdout


@pytest.mark.parametrize(("stores", "crashes"), [("memory", 1), ("disk", 2), ("mixed", 0)])
def test_a_seed_makes_the_same_run_in_every_process(stores: str, crashes: int) -> None:
    seeds = range(100, 100 + rounds(3))
    first = digests("0", stores, crashes, *seeds)
    assert len(set(first.splitlines())) == len(seeds)
    assert first == digests("12345", stores, crashes, *seeds)
