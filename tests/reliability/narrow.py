"""The engine with its bounds made small, so that a short run meets what otherwise takes millions.

How much a queue keeps in memory, reads ahead, puts into one row or forgets at a time changes what
it costs, and must not change what comes out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

from sinkgraph.log.disk import depot, draft, shelf, store, stragglers, thinning
from sinkgraph.sinks import lanes, shelved

__all__ = ["narrowed"]

_BOUNDS: tuple[tuple[ModuleType, str, tuple[float, ...]], ...] = (
    (lanes, "_HELD", (1, 10)),
    (shelved, "_HOT", (2, 20)),
    (shelved, "_AHEAD", (1, 2, 10)),
    (shelf, "_MOST", (1, 3, 20)),
    (depot, "_REFRESH_ROWS", (1, 5)),
    (depot, "_FORGET_EVENTS", (1, 10, 50)),
    (depot, "ANSWER_S", (1.0, 3.0)),
    (draft, "_ROW_EVENTS", (1, 3)),
    (stragglers, "_SPARE", (1, 10)),
    (thinning, "_ROWS", (1, 5)),
    (store, "CHECKPOINT_PAGES", (2, 20)),
)


@contextmanager
def narrowed(chance: random.Random) -> Iterator[None]:
    """Make about half of the bounds small, as drawn, within the scope."""
    with ExitStack() as stack:
        for module, name, small in _BOUNDS:
            if chance.random() < 0.5:
                stack.enter_context(patch.object(module, name, chance.choice(small)))
        yield
