"""hello.yaml prints ten events and ends."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, finished

DOCUMENT = GRAPHS / "hello.yaml"


async def test_ten_greetings_are_printed_and_it_ends(tmp_path: Path) -> None:
    run = await finished("run", DOCUMENT, cwd=tmp_path)
    assert run.code == 0
    assert [json.loads(line) for line in run.out.splitlines()] == [
        {"greeting": "hello", "from": "sinkgraph"}
    ] * 10
    assert ledger(run.err)["screen"].delivered == 10
    assert os.listdir(tmp_path) == [".run"]  # where tests have runs registered, see `finished`
    assert os.listdir(tmp_path / ".run") == []
