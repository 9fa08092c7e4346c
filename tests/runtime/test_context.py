"""What runs in a topology does not carry the context of whoever happened to write first."""

from __future__ import annotations

from contextvars import ContextVar

import sinkgraph as sg

REQUEST: ContextVar[str] = ContextVar("request", default="none")


async def test_a_lane_outlives_the_context_of_the_write_that_woke_it() -> None:
    seen: list[str] = []

    async def heard(event: sg.Event) -> None:
        seen.append(REQUEST.get())

    call = {"kind": "call", "target": "provided:heard"}
    sinks = {"a": {"kind": "queue", "to": call}}
    document = {"sinkgraph": 1, "name": "x", "sinks": sinks}
    async with sg.run(document, provide={"heard": heard}) as live:
        token = REQUEST.set("the first request")
        await live.write({"n": 1})
        assert await live.drain(5)
        REQUEST.reset(token)
        await live.write({"n": 2})
        assert await live.drain(5)
    assert seen == ["none", "none"]
