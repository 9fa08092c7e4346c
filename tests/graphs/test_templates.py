"""templates.yaml makes two webhooks of one template, each with its file and its own filter."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.client import post
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import GRAPHS, until
from tests.support.running import listening, running
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "templates.yaml"


async def test_each_use_is_a_webhook_and_a_file(tmp_path: Path) -> None:
    async with Webhook() as billing, Webhook() as storage:
        set_vars = {"listen": "127.0.0.1:0", "billing": billing.url, "storage": storage.url}
        async with running(DOCUMENT, tmp_path, set_vars) as live:
            port = listening(live, "orders")
            events = [{"n": n, "size": n * 10} for n in range(20)]
            answer = await post(port, json.dumps(events), "/orders")
            assert answer.status == 202
            await until(lambda: len(billing.events) == 20, "billing gets every event")
            await until(lambda: len(storage.events) == 10, "storage gets the large ones")
            assert live.snapshot()["storage.filter"].ledger.filtered == {"no_match": 10}
    assert_nothing_lost(live)
    assert billing.events == events
    assert storage.events == events[10:]
    assert _lines(tmp_path) == {"billing": 20, "storage": 20}


def _lines(place: Path) -> dict[str, int]:
    return {
        one.stem: len(one.read_text(encoding="utf-8").splitlines())
        for one in place.rglob("*.jsonl")
    }
