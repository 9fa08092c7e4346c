"""fanout.json gives each endpoint its own queue: one that is away delays no other."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.client import post
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import GRAPHS, until
from tests.support.running import listening, running
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "fanout.json"


async def test_each_endpoint_gets_its_own(tmp_path: Path) -> None:
    async with Webhook() as billing, Webhook() as search, Webhook() as mail:
        set_vars = {
            "listen": "127.0.0.1:0",
            "billing": billing.url,
            "search": search.url,
            "mail": mail.url,
        }
        search.hold.clear()
        async with running(DOCUMENT, tmp_path, set_vars) as live:
            port = listening(live, "webhook")
            events = [
                {"n": n, "kind": "invoice.paid" if n % 4 == 0 else "invoice.sent"}
                for n in range(40)
            ]
            events.append({"n": 40})
            answer = await post(port, json.dumps(events))
            assert (answer.status, answer.json) == (202, {"accepted": 41, "worth": "memory"})
            await until(lambda: len(billing.seen) == 41, "billing is not delayed by search")
            await until(lambda: len(mail.seen) == 10, "nor is mail")
            assert search.seen == []
            search.hold.set()
            await until(lambda: len(search.events) == 41, "search gets all it missed")
    assert_nothing_lost(live)
    assert billing.events == events
    assert search.events == events
    assert len(search.seen) < 41, "lines went together"
    assert mail.events == [one for one in events if one.get("kind") == "invoice.paid"]
    assert live.report is not None
    assert live.report.snapshot["dead-letters"].ledger.entered == 0
