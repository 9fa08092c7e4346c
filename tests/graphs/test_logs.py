"""logs.yaml splits a log by level into files, and follows it through a rotation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.ledgers import assert_nothing_lost
from tests.support.program import DATA, GRAPHS, until
from tests.support.running import entered, running

DOCUMENT = GRAPHS / "logs.yaml"
LINES = (DATA / "service.log.ndjson").read_bytes().splitlines(keepends=True)
LOG = [json.loads(line) for line in LINES]


def of(*levels: str) -> list[Any]:
    return [one for one in LOG if one["level"] in levels]


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


async def test_a_log_is_split_by_level_and_ends(tmp_path: Path) -> None:
    async with running(DOCUMENT, tmp_path, {"follow": "false"}) as live:
        await live.topology.sources_ended()
    assert_nothing_lost(live)
    assert read(tmp_path / "errors.ndjson") == of("error")
    assert read(tmp_path / "rest.ndjson") == of("info", "warn")
    sampled, debug = read(tmp_path / "debug.ndjson"), of("debug")
    assert sampled == debug[9::10] or sampled == debug[::10]
    assert live.report is not None
    filtered = live.report.snapshot["some_debug"].ledger.filtered
    assert sum(filtered.values()) == len(debug) - len(sampled)


async def test_a_log_is_followed_through_a_rotation(tmp_path: Path) -> None:
    log, out = tmp_path / "service.ndjson", tmp_path / "out"
    out.mkdir()
    log.write_bytes(b"".join(LINES[:100]))
    async with running(DOCUMENT, out, {"log": str(log)}) as live:
        await until(lambda: entered(live, "by_level") == 100, "the first part is read")
        with log.open("ab") as more:
            more.write(b"".join(LINES[100:200]))
        log.rename(tmp_path / "service.ndjson.1")
        log.write_bytes(b"".join(LINES[200:300]))
        await until(lambda: entered(live, "by_level") == 300, "both files are read to their ends")
        with log.open("ab") as more:
            more.write(b"".join(LINES[300:]))
        await until(lambda: entered(live, "by_level") == len(LINES), "what was appended is read")
    assert_nothing_lost(live)
    assert read(out / "errors.ndjson") == of("error")
    assert read(out / "rest.ndjson") == of("info", "warn")
