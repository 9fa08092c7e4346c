"""failover.yaml uses the second endpoint while the first is away, and goes back to it."""

from __future__ import annotations

from pathlib import Path

from tests.support.client import calling, request
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import GRAPHS, until
from tests.support.running import listening, running
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "failover.yaml"


async def test_events_go_to_the_standby_and_back(tmp_path: Path) -> None:
    async with Webhook("/events") as primary, Webhook("/events") as standby:
        set_vars = {
            "listen": "127.0.0.1:0", "primary": primary.url, "standby": standby.url
        }  # fmt: skip
        async with running(DOCUMENT, tmp_path, set_vars) as live:
            port = listening(live, "orders")
            sent = 0

            async with calling(port) as client:

                async def send(count: int = 1) -> None:
                    nonlocal sent
                    for _ in range(count):
                        answer = await client.send(request(b'{"n":%d}' % sent, "/orders"))
                        assert answer.status == 202
                        sent += 1

                await send(20)
                await until(lambda: len(primary.seen) == 20, "the first endpoint has all")
                assert standby.seen == []

                await primary.down()
                await send(20)
                await until(lambda: len(standby.seen) == 20, "the second endpoint stands in")
                assert live.snapshot()["first"].breaker == "open"

                await primary.up()
                before = len(primary.seen)

                while len(primary.seen) == before:
                    await send()
                    await until(lambda: len(primary.seen) + len(standby.seen) == sent, "it came")
                await until(lambda: live.snapshot()["first"].breaker == "closed", "it is closed")
                stood_in = len(standby.seen)
                await send(20)
                await until(lambda: len(primary.seen) + len(standby.seen) == sent, "all arrived")
    assert_nothing_lost(live)
    assert len(standby.seen) == stood_in, "the first endpoint is used again"
    assert sorted(one["n"] for one in primary.events + standby.events) == list(range(sent))
    for hook in (primary, standby):
        numbers = [one["n"] for one in hook.events]
        assert numbers == sorted(numbers)
