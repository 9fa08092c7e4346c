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


@pytest.mark.parametrize("crashes", [0, 1])
def test_a_seed_makes_the_same_run_in_every_process(crashes: int) -> None:
    seeds = range(100, 100 + rounds(3))
    first = digests("0", "memory", crashes, *seeds)
    assert len(set(first.splitlines())) == len(seeds)
    assert first == digests("12345", "memory", crashes, *seeds)
