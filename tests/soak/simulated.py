"""`python -m tests.soak.simulated FIRST COUNT`: simulated worlds by their seeds, one by one.

A failure names its seed; `tests/reliability/test_simulated.py` says what is judged.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sinkgraph.testing import simulate
from tests.reliability.documents import Stores
from tests.reliability.simulated import trial

__all__ = ["main"]

TRIALS: tuple[tuple[Stores, int], ...] = (
    ("memory", 0),
    ("memory", 2),
    ("disk", 2),
    ("mixed", 1),
    ("mixed", 2),
)
"""Where events are kept, and how often the process is killed."""


def main(arguments: Sequence[str]) -> int:
    """Play so many seeds, each in another kind of trial than the one before."""
    first, count = map(int, arguments)
    for seed in range(first, first + count):
        stores, crashes = TRIALS[seed % len(TRIALS)]
        simulate(trial(stores, crashes=crashes), seed=seed)
    sys.stdout.write(f"{count} seeds from {first} on\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
