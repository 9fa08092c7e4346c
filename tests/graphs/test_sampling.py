"""sampling.yaml passes one event in a hundred and counts all of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.ledgers import assert_nothing_lost
from tests.support.program import GRAPHS
from tests.support.running import running

DOCUMENT = GRAPHS / "sampling.yaml"


async def test_one_in_a_hundred_goes_on_and_all_are_counted(tmp_path: Path) -> None:
    async with running(DOCUMENT, tmp_path, {"count": "3000"}) as live:
        await live.topology.sources_ended()
    assert_nothing_lost(live)
    assert live.report is not None
    nodes = live.report.snapshot.nodes
    assert nodes["clicks"].ledger.delivered == 3000
    assert nodes["counted.blackhole"].ledger.delivered == 3000
    assert sum(nodes["taste"].ledger.filtered.values()) == 2970
    assert nodes["calm"].ledger.delivered == 30
    lines = (tmp_path / "sample.ndjson").read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == [{"page": "/", "ms": 12}] * 30
