"""quickstart.yaml keeps every notification in a file and sends the pushes to a webhook."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.client import calling, request
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import DATA, GRAPHS, until
from tests.support.running import listening, running
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "quickstart.yaml"
DOCKER = "application/vnd.docker.distribution.events.v1+json"
ENVELOPES = (DATA / "registry-envelopes.ndjson").read_bytes().splitlines()
ENTRIES = [entry for line in ENVELOPES for entry in json.loads(line)["events"]]


async def test_all_is_kept_and_pushes_are_sent(tmp_path: Path) -> None:
    async with Webhook() as hook:
        set_vars = {"listen": "127.0.0.1:0", "hook_url": hook.url}
        async with running(DOCUMENT, tmp_path, set_vars) as live:
            port = listening(live, "registry")
            async with calling(port) as registry:
                for body in ENVELOPES:
                    answer = await registry.send(request(body, content_type=DOCKER))
                    assert answer.status == 202
                    assert answer.json == {"accepted": 1, "worth": "memory"}
            await until(lambda: len(hook.seen) >= 180, "the webhook has the pushes")
    assert_nothing_lost(live)
    pushes = [entry for entry in ENTRIES if entry["action"] == "push"]
    assert hook.events == pushes
    kept = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in kept] == ENTRIES
    assert live.report is not None
    assert sum(live.report.snapshot["pushes"].ledger.filtered.values()) == 170
