"""What the engine costs per event, by shape and by how it is written to.

Everything goes in through `Live.write` and `Live.write_many`; nothing leaves the process.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import sinkgraph
from benchmarks.figures import Effort, Figure, Row, Table, measure
from benchmarks.payloads import groups, singles
from benchmarks.shapes import SHAPES, STEP, Shape, Tree, settle, verify
from sinkgraph import Live

__all__ = ["BATCHES", "ENGINE", "how", "measure_shape"]

BATCHES = (1, 100, 1_000)
"""Events in one write; 1 stands for `write`, more for `write_many`."""


def how(batch: int) -> str:
    """Return how a batch size is written, in words."""
    return "write" if batch == 1 else f"write_many {batch:,}"


async def measure_shape(shape: Shape, batch: int, effort: Effort) -> Figure:
    """Start a tree of this shape and measure one batch size on it."""
    tree = shape.build()
    written = 0
    async with sinkgraph.run(tree.root) as live:

        async def once(n: int) -> float:
            nonlocal written
            took = await (_one_by_one(live, tree, n) if batch == 1 else _many(live, tree, n, batch))
            written += n
            verify(live, tree, written)
            return took

        return await measure(once, effort, step=max(batch, STEP))


async def _one_by_one(live: Live, tree: Tree, n: int) -> float:
    payloads = singles(n)
    write = live.write
    began = perf_counter()
    for payload in payloads:
        await write(payload)
    await settle(live, tree)
    return perf_counter() - began


async def _many(live: Live, tree: Tree, n: int, batch: int) -> float:
    lists = groups(n, batch)
    write_many = live.write_many
    began = perf_counter()
    for payloads in lists:
        await write_many(payloads)
    await settle(live, tree)
    return perf_counter() - began


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    rows: list[Row] = []
    for shape in SHAPES:
        if not wanted(shape.name):
            continue
        for batch in BATCHES:
            figure = await measure_shape(shape, batch, effort)
            rows.append(Row(shape.name, shape.label, how(batch), figure))
    return rows


ENGINE = Table(
    "engine",
    "Engine: one event, from the first write until every queue is empty",
    tuple(shape.name for shape in SHAPES),
    ("Every retry has a breaker. Half of the events pass the filters; the route asks in turn.",),
    _measured,
)
