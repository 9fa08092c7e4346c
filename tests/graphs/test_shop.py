"""shop.yaml tells orders from bills by the types of their CloudEvents, each with its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sinkgraph.graph.load import check
from tests.support.client import post
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import GRAPHS
from tests.support.running import listening, running

DOCUMENT = GRAPHS / "shop.yaml"
BATCH = "application/cloudevents-batch+json"
ORDER = {"id": "1", "customer": "c", "total_cents": 100_000, "lines": [{"sku": "a", "count": 1}]}


def event(id: str, type: str, data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "type": type, "source": "/shop", "data": data}


def written(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_each_type_goes_its_way_and_a_wrong_one_refuses_the_request(tmp_path: Path) -> None:
    good = [
        event("a", "order.created", ORDER),
        event("b", "bill.sent", {"cents": 950}),
        event("c", "visit", "anything"),
    ]
    async with running(DOCUMENT, tmp_path, {"listen": "127.0.0.1:0"}) as live:
        port = listening(live, "shop")
        bad = json.dumps([*good, event("d", "bill.paid", {"total_cents": 1})])
        answer = await post(port, bad, path="/events", content_type=BATCH)
        assert answer.status == 400
        assert [one["index"] for one in answer.json["items"]] == [3]
        answer = await post(port, json.dumps(good), path="/events", content_type=BATCH)
        assert (answer.status, answer.json["accepted"]) == (200, 3)
    assert_nothing_lost(live)
    assert written(tmp_path / "review.jsonl") == [ORDER]
    assert written(tmp_path / "bills.jsonl") == [{"cents": 950}]
    assert written(tmp_path / "rest.jsonl") == ["anything"]


def test_the_slip_its_comment_suggests_is_found(tmp_path: Path) -> None:
    (tmp_path / "schemas").symlink_to(GRAPHS / "schemas")
    text = DOCUMENT.read_text(encoding="utf-8").replace("&& data.cents", "&& data.total_cents")
    path = tmp_path / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    (found,) = check(path)
    assert found.code == "SG401"
    assert found.headline.endswith("is not a field of schemas/bill.schema.json")
