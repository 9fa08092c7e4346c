"""A queue that was renamed goes on with what it has on disk, whatever happened in between."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.errors import StartFailed
from sinkgraph.testing import World, simulate

ORIGIN = "http://hooks.test"


def document(name: str, **fields: Any) -> dict[str, Any]:
    hook = {"kind": "http", "url": f"{ORIGIN}/in"}
    retry = {"kind": "retry", "backoff": {"base": "1s", "cap": "1s"}, "to": hook}
    sinks = {name: {"kind": "queue", "store": "disk", "to": "tries", **fields}, "tries": retry}
    return {"sinkgraph": 1, "name": "x", "sinks": sinks}


@pytest.mark.parametrize("crashed", [False, True])
def test_was_works_after_a_start_without_it_was_refused(crashed: bool) -> None:
    async def story(world: World) -> None:
        hooks = world.destination(ORIGIN).down(0, 100)
        async with world.run(document("a"), durable=True) as live:
            for n in range(3):
                await live.write({"n": n})
        for _ in range(2):
            with pytest.raises(StartFailed, match="write `was: a`"):
                async with world.run(document("b"), durable=True):
                    pass
        async with world.run(document("b", was="a"), durable=True) as live:
            assert live.snapshot()["b"].ledger.recovered == 3
            await live.write({"n": 3})
            if crashed:
                await world.crash()
        await world.until(101)
        async with world.run(document("b", was="a"), durable=True) as live:
            assert live.snapshot()["b"].ledger.recovered == 4
            assert await live.drain(60)
        assert [one["n"] for one in hooks.payloads] == [0, 1, 2, 3]

    simulate(story)
