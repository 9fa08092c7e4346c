"""pipe.toml passes errors from standard input to standard output, with the host added."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.ledgers import ledger
from tests.support.program import DATA, GRAPHS, finished

DOCUMENT = GRAPHS / "pipe.toml"
LOG = (DATA / "service.log.ndjson").read_bytes()
ERRORS = [one for one in map(json.loads, LOG.splitlines()) if one["level"] == "error"]


async def test_errors_pass_in_order_with_the_host(tmp_path: Path) -> None:
    run = await finished("run", DOCUMENT, "--set", "host=web-1", cwd=tmp_path, stdin=LOG)
    assert run.code == 0
    assert [json.loads(line) for line in run.out.splitlines()] == [
        {**one, "host": "web-1"} for one in ERRORS
    ]
    row = ledger(run.err)["errors"]
    assert (row.entered, row.delivered) == (len(LOG.splitlines()), len(ERRORS))
    assert row.filtered == row.entered - row.delivered


async def test_a_line_without_a_level_is_counted_and_a_broken_one_is_kept(tmp_path: Path) -> None:
    lines = b'{"msg": "no level"}\n{"level": "error", "n": 1}\n{"level": \n{"level": "error"}'
    run = await finished("run", DOCUMENT, cwd=tmp_path, stdin=lines)
    assert run.code == 0
    assert [json.loads(line) for line in run.out.splitlines()] == [
        {"level": "error", "n": 1, "host": "localhost"},
        {"level": "error", "host": "localhost"},
    ]
    rows = ledger(run.err)
    assert rows["errors"].filtered == 1
    assert rows["lines"].dead == 1
    assert rows["dead-letters"].entered == 1
