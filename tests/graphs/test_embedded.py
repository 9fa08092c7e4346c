"""embedded.yaml hands logins back to Python and keeps everything in an audit file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.support.ledgers import assert_nothing_lost
from tests.support.program import GRAPHS
from tests.support.running import running

DOCUMENT = GRAPHS / "embedded.yaml"


async def test_logins_come_back_and_the_audit_file_has_all(tmp_path: Path) -> None:
    logins: list[Any] = []

    async def read(events: Any) -> None:
        async for event in events:
            logins.append(event.data)

    async with running(DOCUMENT, tmp_path) as live:
        reading = asyncio.ensure_future(read(live.channel("logins")))
        written = [
            {"user": f"u{n}", "action": "login" if n % 3 == 0 else "view"} for n in range(300)
        ]
        for one in written[:100]:
            await live.write(one)
        await live.write_many(written[100:])
        await live.write({"user": "nobody"})
        assert await live.drain(20)
    await asyncio.wait_for(reading, 20)
    assert_nothing_lost(live)
    assert logins == [one for one in written if one["action"] == "login"]
    audit = [json.loads(line) for line in (tmp_path / "audit.ndjson").read_bytes().splitlines()]
    assert audit == [*written, {"user": "nobody"}]
    assert live.report is not None
    only = live.report.snapshot["only_logins"].ledger
    assert sum(only.dropped.values()) == 1
    assert sum(only.filtered.values()) == 200


async def test_a_reader_that_never_comes_costs_the_oldest_logins_only(tmp_path: Path) -> None:
    async with running(DOCUMENT, tmp_path, drain=0.2) as live:
        await live.write_many([{"action": "login", "n": n} for n in range(3000)], timeout=20)
    report = live.report
    assert report is not None
    assert report.residue == 0
    assert len((tmp_path / "audit.ndjson").read_bytes().splitlines()) == 3000
    assert sum(report.snapshot["login_queue"].ledger.dropped.values()) > 0
