"""batches.yaml sends NDJSON in batches; what the API refuses stands alone in a file."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.http_peer import Seen, reply
from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, Program
from tests.support.webhook import Webhook

DOCUMENT = GRAPHS / "batches.yaml"


def lines(numbers: range) -> bytes:
    return b"".join(b'{"n":%d}\n' % n for n in numbers)


async def test_events_arrive_in_few_batches_in_order(tmp_path: Path) -> None:
    async with Webhook("/bulk") as bulk:
        args = ("run", DOCUMENT, "--set", f"bulk_url={bulk.url}")
        async with Program(*args, cwd=tmp_path, stdin=lines(range(1200))) as run:
            assert await run.ends() == 0, run.err
    sizes = [len(body.splitlines()) for body in bulk.bodies]
    assert max(sizes) <= 500
    assert sum(sizes) == 1200
    assert len(sizes) <= 6, "events that came together went together"
    assert [one["n"] for one in bulk.events] == list(range(1200))
    assert {seen.headers["content-type"].partition(";")[0] for seen in bulk.seen} == {
        "application/x-ndjson"
    }
    assert ledger(run.err)["bulk"].delivered == 1200


async def test_what_is_refused_stands_alone(tmp_path: Path) -> None:
    bad = {17, 230}

    async def judge(seen: Seen) -> bytes:
        held = {json.loads(line)["n"] for line in seen.body.splitlines()}
        return reply(422 if held & bad else 200)

    async with Webhook("/bulk", judge=judge) as bulk:
        args = ("run", DOCUMENT, "--set", f"bulk_url={bulk.url}")
        async with Program(*args, cwd=tmp_path, stdin=lines(range(300))) as run:
            assert await run.ends() == 0, run.err
    assert sorted(one["n"] for one in bulk.events) == [n for n in range(300) if n not in bad]
    refused = (tmp_path / "refused.ndjson").read_bytes().splitlines()
    assert sorted(json.loads(line)["n"] for line in refused) == sorted(bad)
    assert ledger(run.err)["again"].dead == len(bad)
