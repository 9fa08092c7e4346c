"""How much of a long test is done: all of it in `make soak`, a small part of it in every change."""

from __future__ import annotations

import os
import random

__all__ = ["factor", "rounds", "seed", "seeded"]


def factor() -> float:
    """Return how many times the usual amount is asked for: `SINKGRAPH_SOAK`, or 1."""
    return max(1.0, float(os.environ.get("SINKGRAPH_SOAK") or 1))


def rounds(usual: int, most: int | None = None) -> int:
    """Return `usual` times the factor, at most `most`."""
    wanted = round(usual * factor())
    return wanted if most is None else min(wanted, max(most, usual))


def seed() -> int:
    """Return what all chance of this run begins with: `SINKGRAPH_SEED`, or 0."""
    return int(os.environ.get("SINKGRAPH_SEED") or 0)


def seeded(*what: object) -> random.Random:
    """Return a source of chance of its own for `what`, the same in every process."""
    return random.Random(f"{seed()} {what!r}")
