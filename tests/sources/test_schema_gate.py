"""Events that are not valid under the schema of their source: refused, told, or let through."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.compiler.build import build
from sinkgraph.expr.validator import validator
from sinkgraph.graph.load import check, load
from sinkgraph.sources.http import HttpSource
from sinkgraph.sources.line_source import LineSource
from sinkgraph.sources.schema_gate import SchemaGate
from tests.support.client import post
from tests.support.contexts import Journal, Recorder, make_context

SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}


async def answers(gate: SchemaGate, *bodies: Any) -> tuple[list[Any], Recorder, Journal]:
    sink, context = Recorder(), make_context()
    source = HttpSource(sink, port=0, path="/events", gate=gate)
    source.name = "orders"
    source.bind(context)
    await source.open()
    running = asyncio.ensure_future(source.run(source.to))
    try:
        said = [await post(source.address[1], json.dumps(body)) for body in bodies]
    finally:
        source.stop()
        await asyncio.wait_for(running, 10)
        await source.close()
    assert isinstance(context.journal, Journal)
    return said, sink, context.journal


async def test_a_request_with_an_event_that_is_not_valid_is_refused_whole() -> None:
    gate = SchemaGate(validator(SCHEMA), refuse=True)
    said, sink, _ = await answers(gate, [{"id": 1}, {"id": "x"}, {}], [{"id": 2}])
    assert [one.status for one in said] == [400, 202]
    assert said[0].json == {
        "error": "2 of 3 events are not valid under the schema",
        "items": [
            {"index": 1, "reason": "id is not of type integer"},
            {"index": 2, "reason": "the event has no `id`"},
        ],
    }
    assert [event.data for event in sink.events] == [{"id": 2}]


async def test_with_warn_events_pass_and_are_told_once_a_minute() -> None:
    gate = SchemaGate(validator(SCHEMA), refuse=False)
    said, sink, journal = await answers(gate, [{"id": 1}, {}], [{}], [{}])
    assert [one.status for one in said] == [202, 202, 202]
    assert len(sink.events) == 4
    assert gate.invalid == 3
    told = [one for one in journal.facts if one[0] == "events_invalid"]
    assert told == [
        ("events_invalid", {"node": "orders", "count": 1, "error": "the event has no `id`"})
    ]


async def test_a_line_that_is_not_valid_becomes_a_dead_letter() -> None:
    sink, context = Recorder(), make_context()
    source = LineSource(sink, gate=SchemaGate(validator(SCHEMA), refuse=True))
    source.name = "orders"
    source.bind(context)
    await source.take([b'{"id": 1}', b'{"id": "x"}', b"{"])
    assert [event.data for event in sink.events] == [{"id": 1}]
    assert source.ledger.dead_lettered == 2
    assert source.facts()["invalid"] == 1


def document(**fields: Any) -> dict[str, Any]:
    source = {"kind": "http", "listen": "127.0.0.1:0", "to": "out", **fields}
    return {
        "sinkgraph": 1,
        "name": "orders",
        "sources": {"orders": source},
        "sinks": {"out": {"kind": "blackhole"}},
    }


@pytest.mark.parametrize(("word", "refuse"), [("warn", False), ("reject", True), ("off", None)])
def test_a_document_says_what_becomes_of_them(
    tmp_path: Path, word: str, refuse: bool | None
) -> None:
    (tmp_path / "order.schema.json").write_text(json.dumps(SCHEMA))
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(document(schema="order.schema.json", validate=word)))
    assembly = build(load(path))
    source = assembly.sources["orders"]
    assert isinstance(source, HttpSource)
    assert (None if source.gate is None else source.gate.refuse) is refuse


def test_validate_needs_a_schema_it_can_hold_events_against(tmp_path: Path) -> None:
    assert [one.code for one in check(document(validate="warn"))] == ["SG142"]
    (tmp_path / "odd.json").write_text('{"type": "object", "unevaluatedProperties": false}')
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(document(schema="odd.json", validate="reject")))
    assert [one.code for one in check(path)] == ["SG406"]
    path.write_text(json.dumps(document(schema="odd.json")))
    assert check(path) == []
