"""The end of a graph waits for whatever is already closing."""

from __future__ import annotations

import asyncio

from sinkgraph.runtime.leaving import close_nodes
from sinkgraph.testing import RecordingSink
from tests.support.virtual import start, virtual


class SlowToClose(RecordingSink):
    """Takes half a second to close."""

    done = False

    async def close(self) -> None:
        self.closed = True
        await asyncio.sleep(0.5)
        self.done = True


@virtual
async def test_a_graph_ends_after_a_close_somebody_else_began() -> None:
    sink = SlowToClose()
    async with start(sink) as live:
        await live.write("event")
        closing = asyncio.ensure_future(sink.close())
        await asyncio.sleep(0.1)
    assert sink.done
    await closing


@virtual
async def test_a_close_that_is_cancelled_before_it_begins_leaves_no_coroutine_behind() -> None:
    sink = SlowToClose()
    closing = asyncio.ensure_future(close_nodes([sink], lambda *_, **__: None))
    await asyncio.sleep(0)  # it has made the task that closes the sink
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others)
    assert closing.cancelled()
    assert not sink.closed
