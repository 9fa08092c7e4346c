"""`python -m tests.soak.simulated FIRST COUNT`: simulated worlds by their seeds, one by one.

A failure names its seed; `tests/reliability/test_simulated.py` says what is judged.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import get_args

from sinkgraph.testing import simulate
from tests.reliability.documents import Stores
from tests.reliability.simulated import trial

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Play so many seeds, each with another kind of store, with crashes or without."""
    first, count = map(int, arguments)
    stores: tuple[Stores, ...] = get_args(Stores)
    for seed in range(first, first + count):
        kind = stores[seed % len(stores)]
        crashes = seed // len(stores) % 3
        simulate(trial(kind, crashes=crashes), seed=seed)
    sys.stdout.write(f"{count} seeds from {first} on\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
