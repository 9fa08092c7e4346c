"""Runs a test on a virtual loop of its own, where waiting costs nothing, and starts trees on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, cast

from sinkgraph.runtime.run import Run
from sinkgraph.runtime.run import run as start_graph
from sinkgraph.simulation.loop import VirtualLoop
from sinkgraph.testing import VirtualClock, run

__all__ = ["start", "virtual"]

_Params = ParamSpec("_Params")


def virtual(
    test: Callable[_Params, Coroutine[Any, Any, None]],
) -> Callable[_Params, None]:
    """Make an async test an ordinary one that runs in virtual time."""

    @wraps(test)
    def play(*args: _Params.args, **kwargs: _Params.kwargs) -> None:
        run(test(*args, **kwargs))

    return play


def start(what: Any, **options: Any) -> Run:
    """Return the context manager that runs `what` by the virtual clock and the loop's chance."""
    options.setdefault("random", cast(VirtualLoop, asyncio.get_running_loop()).random)
    return start_graph(what, clock=VirtualClock(), **options)
