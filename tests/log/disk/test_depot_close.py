"""A depot closes in time, whatever its disk does, and nobody is left waiting for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.errors import StoreFailed
from sinkgraph.testing import World, simulate

ORIGIN = "http://hooks.test"


def document() -> dict[str, Any]:
    hook = {"kind": "http", "url": f"{ORIGIN}/in"}
    sinks = {"a": {"kind": "queue", "store": "disk", "to": hook}}
    return {"sinkgraph": 1, "name": "x", "sinks": sinks}


def test_a_writer_whose_commit_hangs_is_told_when_the_store_closes() -> None:
    async def story(world: World) -> None:
        world.destination(ORIGIN)
        async with world.run(document(), durable=True, drain=1) as live:
            await live.write({"n": 1})
            world.stall_disk(world.now, 1_000)
            writing = asyncio.ensure_future(live.write({"n": 2}))
            await asyncio.sleep(0.1)
            depot = live.topology.ctx.depot
            assert depot is not None
            began = world.now
            closing = asyncio.ensure_future(depot.close())
            with pytest.raises(StoreFailed, match="what was stored is not known"):
                await writing
            await closing
            assert world.now - began <= 15.5
            with pytest.raises(StoreFailed):
                await live.write({"n": 3})

    simulate(story)


def test_what_is_put_after_the_close_starts_no_timer() -> None:
    async def story(world: World) -> None:
        world.destination(ORIGIN)
        async with world.run(document(), durable=True) as live:
            depot = live.topology.ctx.depot
            assert depot is not None
            await depot.close()
            depot.put("source", "late", b"1")
            assert depot._timer is None

    simulate(story)
