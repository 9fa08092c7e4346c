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

            def arrived() -> int:
                return len({one["n"] for one in primary.events + standby.events})

            async with calling(port) as client:

                async def send(count: int = 1) -> None:
                    nonlocal sent
                    for _ in range(count):
                        answer = await client.send(request(b'{"n":%d}' % sent, "/orders"))
                        assert answer.status == 202
                        sent += 1
                    await until(lambda: arrived() == sent, "all that was sent arrived")

                async def send_until_used(hook: Webhook, times: int) -> None:
                    goal = len(hook.seen) + times
                    while len(hook.seen) < goal:
                        await send()

                await send_until_used(primary, 20)
                await primary.down()
                before = len(primary.seen)
                await send_until_used(standby, 20)
                assert len(primary.seen) == before
                assert live.snapshot()["first"].breaker in ("open", "half_open")

                await primary.up()
                await send_until_used(primary, 20)
                await until(lambda: live.snapshot()["first"].breaker == "closed", "it is closed")
    assert_nothing_lost(live)
    assert arrived() == sent
    for hook in (primary, standby):
        numbers = [one["n"] for one in hook.events]
        assert numbers == sorted(numbers)
