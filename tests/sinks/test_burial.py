"""Dead letters that no port claims are kept, and the first of a reason is journalled."""

from __future__ import annotations

import asyncio
from typing import Any

import sinkgraph as sg
from sinkgraph.event import Batch, Json
from sinkgraph.simulation.loop import run
from sinkgraph.sinks import Broadcast, Filter, Queue
from sinkgraph.sinks.burial import DeadLetters


class Refusing:
    """Rejects every event."""

    async def write(self, events: Any) -> None:
        """Reject."""
        raise sg.Rejected("no thanks")

    async def close(self) -> None:
        """Hold nothing."""


def _kept(live: sg.Live) -> list[dict[str, Any]]:
    entries = live.topology.journal.entries
    return [one.facts for one in entries if one.kind == "dead_letter_kept"]


def test_the_first_dead_letter_a_minute_is_journalled() -> None:
    async def story() -> list[int]:
        counts = []
        async with sg.run(Queue(Refusing())) as live:
            for wait_s in (1.0, 1.0, 60.0):
                await live.write_many([{"n": 1}, {"n": 2}])
                await asyncio.sleep(wait_s)
                counts.append(len(_kept(live)))
            await live.write({"n": 3})
            await live.drain()
            assert _kept(live)[-1] == {
                "node": "queue", "reason": "rejected", "error": "Rejected: no thanks",
            }  # fmt: skip
            return [*counts, len(_kept(live))]

    assert run(story()) == [1, 1, 1, 2]


def _batch(payloads: list[Any]) -> Batch:
    return Batch.from_payloads(payloads, "u", 0, source="", type="event", time=0.0)


async def test_dead_letters_are_bounded_by_their_bytes_too() -> None:
    dead = DeadLetters(max_bytes=1000)
    for n in range(10):
        await dead.write(_batch([Json(b'"' + b"x" * 298 + b'"')] * 2))
        assert dead.pending() == min(2 * (n + 1), 3)
    assert dead.facts()["bytes"] == 900
    assert dead.ledger.dropped == {"dead_letters_full": 17}
    assert dead.ledger.entered == 17 + dead.pending()
    await dead.write(_batch([{"text": "x" * 2000}]))
    assert dead.pending() == 1


def test_an_expression_that_fails_is_journalled_once_by_its_node() -> None:
    async def story() -> list[str]:
        async with sg.run(Broadcast([Queue(Filter(Refusing(), "data.x > 1"))])) as live:
            await live.write({"y": 1})
            await live.drain()
            return [one.kind for one in live.topology.journal.entries]

    kinds = run(story())
    assert kinds.count("expression_failed") == 1
    assert "dead_letter_kept" not in kinds
