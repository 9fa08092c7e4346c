"""registry.yaml delivers every notification of a registry through an outage of its webhook."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.client import calling, request
from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, Program, until
from tests.support.registry import ACTIONS, ENTRIES, ENVELOPES, IDS, V1, V2, raw_entry
from tests.support.webhook import Webhook


def state(folder: Path) -> tuple[str, str]:
    """Return the option that keeps the audit queue below `folder`."""
    return "--state-dir", str(folder / "state")


def test_the_notifications_are_the_real_ones() -> None:
    assert len(ENTRIES) == len(set(IDS)) == 350
    assert Counter(entry["action"] for entry in ENTRIES) == ACTIONS
    assert {e["action"] for e in ENTRIES if "mediaType" not in e["target"]} == {"delete"}


@pytest.mark.parametrize("media", [V1, V2])
async def test_every_notification_is_delivered_through_an_outage(
    tmp_path: Path, media: str
) -> None:
    async with Webhook() as hook:
        args = ("--set", "listen=127.0.0.1:0", "--set", f"hook_url={hook.url}", *state(tmp_path))
        async with Program("run", GRAPHS / "registry.yaml", *args, cwd=tmp_path) as program:
            port = await program.port()
            async with calling(port) as registry:

                async def notify(envelopes: list[bytes]) -> None:
                    for body in envelopes:
                        answer = await registry.send(request(body, content_type=media))
                        assert answer.status == 202
                        assert answer.json == {"accepted": 1, "worth": "memory"}

                await notify(ENVELOPES[:100])
                await until(lambda: len(hook.events) == 100, "the webhook is well")
                await hook.down()
                await notify(ENVELOPES[100:250])
                await program.says(r"hooks\.retry: breaker opened; .*next probe in \d")
                await hook.up()
                await notify(ENVELOPES[250:])
                await until(lambda: len({e["id"] for e in hook.events}) == 350, "all arrived")
            assert await program.interrupted() == 0
    rows = ledger(program.err)
    assert rows["hooks.http"].delivered == rows["audit.file"].delivered == 350
    assert rows["dead-letters"].entered == 0
    assert sum(row.pending for row in rows.values()) == 0
    kept = (tmp_path / "audit.jsonl").read_bytes().splitlines()
    assert kept == [raw_entry(body) for body in ENVELOPES], "the bytes are the registry's own"
    assert {entry["id"] for entry in hook.events} == set(IDS)
    assert [e for k, e in enumerate(hook.events) if e not in hook.events[:k]] == ENTRIES
    for seen in hook.seen:
        assert seen.headers["content-type"].partition(";")[0] == V1
    assert b"".join(hook.bodies).count(b'"events":[') == len(hook.seen)
    for entry in map(raw_entry, ENVELOPES):
        assert any(entry in body for body in hook.bodies)


async def test_the_breaker_closes_again_and_the_journal_tells_it_in_order(tmp_path: Path) -> None:
    async with Webhook(status=503) as hook:
        args = ("--set", "listen=127.0.0.1:0", "--set", f"hook_url={hook.url}", *state(tmp_path))
        async with Program("run", GRAPHS / "registry.yaml", *args, cwd=tmp_path) as program:
            async with calling(await program.port()) as registry:
                for body in ENVELOPES[:5]:
                    answer = await registry.send(request(body, content_type=V1))
                    assert answer.status == 202
            await program.says(r"hooks\.retry: breaker opened; .*503.*; next probe in \d")
            hook.status = 200
            await program.says(r"hooks\.retry: breaker closed")
            assert await program.interrupted() == 0
    told = re.findall(r"breaker (opened|half-open|closed)", program.err)
    assert told[0] == "opened"
    assert told[-2:] == ["half-open", "closed"]
    assert sorted(e["id"] for e in hook.events) == sorted(IDS[:5])
