"""registry.yaml sends notifications on as a registry would, with an audit file beside them.

The outage, over a real process, is in `tests/e2e/test_registry.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.client import post
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import DATA, GRAPHS, until
from tests.support.running import listening, running
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "registry.yaml"
DOCKER = "application/vnd.docker.distribution.events.v1+json"
ENTRIES = [
    entry
    for line in (DATA / "registry-envelopes.ndjson").read_bytes().splitlines()
    for entry in json.loads(line)["events"]
]


async def test_one_notification_of_many_events_goes_on_in_envelopes(tmp_path: Path) -> None:
    async with Webhook() as hook:
        set_vars = {"listen": "127.0.0.1:0", "hook_url": hook.url, "audit_path": "kept.jsonl"}
        state_dir = tmp_path / "state"
        async with running(DOCUMENT, tmp_path, set_vars, state_dir=state_dir) as live:
            port = listening(live, "registry")
            body = json.dumps({"events": ENTRIES})
            answer = await post(port, body, content_type=DOCKER)
            assert (answer.status, answer.json["accepted"]) == (202, 350)
            await until(lambda: len(hook.events) >= 350, "the webhook has every event")
    assert_nothing_lost(live)
    assert hook.events == ENTRIES
    assert {seen.headers["content-type"].partition(";")[0] for seen in hook.seen} == {DOCKER}
    assert max(len(seen.json["events"]) for seen in hook.seen) == 100
    kept = (tmp_path / "kept.jsonl").read_bytes().splitlines()
    assert [json.loads(line) for line in kept] == ENTRIES
