"""How long a running graph stands still when it is reloaded, with every destination sick.

500 nodes: a broadcast to 166 queues, each before a retry with a breaker and an http sink. Queues
are full; every other destination refuses, so that its breaker is open, the rest never answer.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import sinkgraph
from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table
from sinkgraph.graph.load import load
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.outcome import Applied

__all__ = ["RELOAD"]

_BRANCHES = 166
_COMMITS = 200
_CAPACITY = 100
_SHARES = {"1%": 0.01, "10%": 0.1, "100%": 1.0}
_P99_S, _WORST_S = 0.005, 0.05
_BEAT_S = 0.001


def _document(hangs: int, changed: int, branches: int) -> dict[str, Any]:
    """Return the graph; every node of the first `changed` branches is another than otherwise."""
    names = [f"queue-{k}" for k in range(branches)]
    sinks: dict[str, Any] = {"fan": {"kind": "broadcast", "to": names}}
    for k in range(branches):
        other = k < changed
        sinks[f"queue-{k}"] = {
            "kind": "queue",
            "to": f"retry-{k}",
            "capacity": _CAPACITY,
            "when_full": "drop_newest",
            "max_batch": 20 if other else 10,
        }
        breaker = {"failure_threshold": 2 if other else 1, "open_for": "4m", "jitter": 0}
        sinks[f"retry-{k}"] = {"kind": "retry", "to": f"http-{k}", "breaker": breaker}
        where = f"http://127.0.0.1:{hangs if k % 2 else 9}"
        timeout = "31s" if other else "30s"
        sinks[f"http-{k}"] = {"kind": "http", "url": f"{where}/{k}", "timeout": timeout}
    inlet = {"in": {"kind": "inlet", "to": "fan"}}
    return {"sinkgraph": 1, "name": "reloaded", "sources": inlet, "sinks": sinks}


class _Heart:
    """Beats every millisecond; `gap_s` is the longest it ever was late."""

    def __init__(self) -> None:
        self.gap_s = 0.0
        self._task = asyncio.ensure_future(self._beat())

    async def _beat(self) -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(_BEAT_S)
            self.gap_s = max(self.gap_s, perf_counter() - began - _BEAT_S)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def _alternated(
    live: Live, graphs: list[Any], commits: int
) -> tuple[list[float], list[float]]:
    """Reload between two graphs; return how long each commit took, and each reload."""
    stood: list[float] = []
    whole: list[float] = []
    for k in range(commits):
        began = perf_counter()
        result = await live.reload(graphs[k % 2])
        whole.append(perf_counter() - began)
        if not isinstance(result, Applied) or not result.commit_s:
            raise EventsLost(f"reload {k} was not applied: {result}")
        stood.append(result.commit_s)
        await asyncio.sleep(0.01)
    return sorted(stood), sorted(whole)


async def _reloaded(name: str, effort: Effort) -> Row:
    branches, commits = (12, 4) if effort is QUICK else (_BRANCHES, _COMMITS)
    with socket.socket() as hangs:
        hangs.bind(("127.0.0.1", 0))
        hangs.listen(1024)
        port = hangs.getsockname()[1]
        changed = max(1, round(branches * _SHARES[name]))
        plain, other = (load(_document(port, n, branches)) for n in (0, changed))
        async with sinkgraph.run(plain, drain=0) as live:
            for n in range(2 * _CAPACITY):
                await live.write({"n": n})
            await asyncio.sleep(0.5)
            heart = _Heart()
            stood, whole = await _alternated(live, [other, plain], commits)
            await heart.stop()
            snapshot = live.snapshot()
            full = sum(node.depth == _CAPACITY for node in snapshot.nodes.values())
            if full != branches or snapshot.residue:
                raise EventsLost(
                    f"{full} of {branches} queues are full; residue {snapshot.residue}"
                )
    p99_s, worst_s = stood[int(0.99 * (commits - 1))], stood[-1]
    note = (
        f"commit p99 {p99_s * 1e3:.1f} ms, worst {worst_s * 1e3:.1f} ms; "
        f"reload {statistics.median(whole) * 1e3:.0f} ms, worst {whole[-1] * 1e3:.0f} ms; "
        f"loop gap {heart.gap_s * 1e3:.0f} ms"
    )
    if effort is not QUICK:
        reached = p99_s <= _P99_S and worst_s <= _WORST_S
        note += f"; target ≤ 5 ms, ≤ 50 ms: {'reached' if reached else 'MISSED'}"
    nodes = 3 * branches + 2
    median = statistics.median(stood)
    figure = Figure(nodes, commits, stood[0] * 1e9 / nodes, median * 1e9 / nodes)
    extra = {
        "commit_p50_ms": median * 1e3,
        "commit_p99_ms": p99_s * 1e3,
        "commit_worst_ms": worst_s * 1e3,
        "reload_ms": statistics.median(whole) * 1e3,
        "loop_gap_ms": heart.gap_s * 1e3,
    }
    return Row(name, f"{name} of {nodes} nodes differ", "two graphs in turn", figure, note, extra)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    return [await _reloaded(name, effort) for name in _SHARES if wanted(name)]


RELOAD = Table(
    "reload",
    "Reload while every destination is sick: queues full, breakers open, requests unanswered",
    tuple(_SHARES),
    (
        "A time is one commit, the step in which nothing else runs, over the nodes of the graph.",
        "Plan and nodes are made in a thread: the loop gap, of a 1 ms heartbeat, is the collector.",
    ),
    _measured,
)
