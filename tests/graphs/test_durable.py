"""durable.yaml answers when the disk has it, and goes on where it stopped.

That a kill loses nothing either is in `tests/e2e/test_durable.py`, over a real process.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.client import calling, request
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import DATA, GRAPHS, until
from tests.support.running import entered, listening, running
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "durable.yaml"
DOCKER = "application/vnd.docker.distribution.events.v1+json"
ENVELOPES = (DATA / "registry-envelopes.ndjson").read_bytes().splitlines()[:60]
ENTRIES = [entry for line in ENVELOPES for entry in json.loads(line)["events"]]


async def notify(port: int, envelopes: list[bytes]) -> None:
    async with calling(port) as registry:
        for body in envelopes:
            answer = await registry.send(request(body, content_type=DOCKER))
            assert (answer.status, answer.json) == (202, {"accepted": 1, "worth": "durable"})


async def test_what_waits_for_the_webhook_waits_over_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with Webhook() as hook:
        set_vars = {"listen": "127.0.0.1:0", "hook_url": hook.url}
        await hook.down()
        async with running(DOCUMENT, tmp_path, set_vars, state_dir=state, drain=0.2) as live:
            await notify(listening(live, "registry"), ENVELOPES[:40])
            await until(lambda: entered(live, "audit.file") == 40, "the file needs no webhook")
        assert live.report is not None
        assert (live.report.left, live.report.kept) == ({}, {"hooks": 40})
        assert live.report.residue == 0
        await hook.up()
        async with running(DOCUMENT, tmp_path, set_vars, state_dir=state) as live:
            assert live.snapshot()["hooks"].ledger.recovered == 40
            await notify(listening(live, "registry"), ENVELOPES[40:])
            await until(lambda: len(hook.events) >= 60, "the webhook has every event")
    assert_nothing_lost(live)
    assert hook.events == ENTRIES
    kept = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in kept] == ENTRIES


async def test_what_the_webhook_rejects_is_a_dead_letter(tmp_path: Path) -> None:
    async with Webhook(status=400) as hook:
        set_vars = {"listen": "127.0.0.1:0", "hook_url": hook.url}
        async with running(DOCUMENT, tmp_path, set_vars, state_dir=tmp_path / "state") as live:
            await notify(listening(live, "registry"), ENVELOPES[:3])
            await until(lambda: entered(live, "letters") == 3, "each is rejected once")
    assert live.report is not None
    assert (live.report.residue, live.report.left, live.report.kept) == (0, {}, {})
    assert live.report.snapshot["tries"].ledger.dead_lettered == 3
    assert live.report.snapshot["dead-letters"].ledger.entered == 0
