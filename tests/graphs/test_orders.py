"""orders.yaml routes orders of a known shape; what is none becomes a dead letter."""

from __future__ import annotations

import json
from pathlib import Path

from sinkgraph.graph.load import check
from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, Program

DOCUMENT = GRAPHS / "orders.yaml"
LINE = {"sku": "a", "count": 1}


def order(id: str, **fields: object) -> dict[str, object]:
    return {"id": id, "customer": "c", "total_cents": 500, "lines": [LINE], **fields}


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_orders_go_where_their_fields_say(tmp_path: Path) -> None:
    given = [
        order("1"),
        order("2", total_cents=100_000),
        order("3", lines=[{"sku": "b", "count": 101}]),
        order("4", coupon="SPRING"),
        order("5", total_cents="500"),
        order("6", note="x"),
    ]
    text = "".join(json.dumps(one) + "\n" for one in given)
    async with Program("run", DOCUMENT, cwd=tmp_path, stdin=text.encode()) as run:
        assert await run.ends() == 0, run.err
    assert [one["id"] for one in written(tmp_path / "review.jsonl")] == ["2", "3"]
    accepted = sorted(written(tmp_path / "accepted.jsonl"), key=lambda one: str(one["id"]))
    assert accepted == [order("1"), order("4", campaign="spring")]
    assert ledger(run.err)["shop"].dead == 2


def test_a_slip_in_an_expression_is_found_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    schema = (GRAPHS / "schemas" / "order.schema.json").read_text()
    (tmp_path / "schemas" / "order.schema.json").write_text(schema)
    text = DOCUMENT.read_text()
    path = tmp_path / "orders.yaml"
    path.write_text(text.replace("data.total_cents >=", "data.totl_cents >="))
    assert [one.code for one in check(path)] == ["SG401"]
    path.write_text(text.replace("when: has(data.coupon)", 'when: data.customer == "c"'))
    found = check(path)
    assert [one.code for one in found] == ["SG404"]
    assert (
        found[0].headline == "`data.coupon` may be missing in events of schemas/order.schema.json"
    )
