"""shards.yaml keeps every customer in one file and in order, and drops orders seen before."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, finished

DOCUMENT = GRAPHS / "shards.yaml"
FILES = ("shard-1.ndjson", "shard-2.ndjson", "shard-3.ndjson")


def orders(count: int, customers: int) -> list[dict[str, Any]]:
    draw = random.Random(3)
    return [{"order": n, "customer": f"c{draw.randrange(customers)}"} for n in range(count)]


async def test_a_customer_stays_in_one_file_in_order(tmp_path: Path) -> None:
    made = orders(600, customers=20)
    again = made[100:150]
    stdin = b"".join(json.dumps(one).encode() + b"\n" for one in [*made, *again])
    run = await finished("run", DOCUMENT, cwd=tmp_path, stdin=stdin)
    assert run.code == 0, run.err
    rows = ledger(run.err)
    assert (rows["once"].filtered, rows["spread"].delivered) == (50, 600)
    shards = [
        [json.loads(line) for line in (tmp_path / name).read_bytes().splitlines()] for name in FILES
    ]
    assert all(shards), "every shard has customers"
    assert sorted(one["order"] for shard in shards for one in shard) == list(range(600))
    for customer in {one["customer"] for one in made}:
        holding = [shard for shard in shards if any(o["customer"] == customer for o in shard)]
        assert len(holding) == 1
        kept = [one for one in holding[0] if one["customer"] == customer]
        assert kept == [one for one in made if one["customer"] == customer]


async def test_a_customer_has_the_same_file_in_the_next_run(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    places = []
    for folder in (first, second):
        folder.mkdir()
        stdin = b"".join(json.dumps(one).encode() + b"\n" for one in orders(60, customers=12))
        run = await finished("run", DOCUMENT, "--quiet", cwd=folder, stdin=stdin)
        assert run.code == 0, run.err
        places.append([(folder / name).read_bytes() for name in FILES])
    assert places[0] == places[1]
