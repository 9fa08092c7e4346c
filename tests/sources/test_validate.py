"""`validate` and `schemas` hold events of every source, over real sockets and running graphs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sinkgraph as sg
from sinkgraph.errors import Rejected
from sinkgraph.graph.load import check
from tests.support.client import calling, post
from tests.support.running import listening

ORDER = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
BILL = {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "number"}}}
EVENT = {"specversion": "1.0", "id": "a", "type": "order.created", "source": "/shop"}
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@pytest.fixture
def document(tmp_path: Path) -> Any:
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    (tmp_path / "bill.json").write_text(json.dumps(BILL))

    def made(sinks: dict[str, Any] | None = None, **source: Any) -> Path:
        path = tmp_path / "graph.json"
        sinks = {"out": {"kind": "channel", "capacity": 100}} if sinks is None else sinks
        held = {"to": "out", **source}
        path.write_text(
            json.dumps({"sinkgraph": 1, "name": "x", "sources": {"in": held}, "sinks": sinks})
        )
        assert check(path) == []
        return path

    return made


HTTP = {"kind": "http", "listen": "127.0.0.1:0", "path": "/events"}
BY_TYPE = {"order.created": "order.json", "bill.*": "bill.json"}


async def read(live: Any, n: int) -> list[Any]:
    """Return the next events of the channel `out`."""
    return [event async for _, event in _counted(live.channel("out"), n)]


async def _counted(events: Any, n: int) -> Any:
    k = 0
    if n == 0:
        return
    async for event in events:
        k += 1
        yield k, event
        if k == n:
            return


# --- cloudevents over http ---------------------------------------------------------------------


async def test_cloud_events_arrive_in_every_form(document: Any) -> None:
    async with sg.run(document(**HTTP, schema="cloudevents")) as live:
        port = listening(live, "in")
        one = json.dumps({**EVENT, "data": {"n": 1}, "tenant": "eu"})
        assert (await post(port, one, content_type=STRUCTURED)).status == 200
        two = json.dumps([{**EVENT, "id": "b"}, {**EVENT, "id": "c", "data_base64": "AP8="}])
        answer = await post(port, two, content_type=BATCH)
        assert (answer.status, answer.json["accepted"]) == (200, 2)
        head = "".join(f"ce-{name}: {value}\r\n" for name, value in EVENT.items())
        async with calling(port) as caller:
            raw = (
                f"POST /events HTTP/1.1\r\nhost: x\r\n{head}content-type: application/json\r\n"
                'content-length: 7\r\n\r\n{"n":2}'
            )
            assert (await caller.send(raw.encode())).status == 200
        events = await read(live, 4)
    assert [event.id for event in events] == ["a", "b", "c", "a"]
    assert [event.data for event in events] == [{"n": 1}, None, b"\x00\xff", {"n": 2}]
    assert {(event.type, event.source) for event in events} == {("order.created", "/shop")}
    assert events[0].meta == {"tenant": "eu"}


async def test_one_bad_item_refuses_the_whole_request(document: Any) -> None:
    async with sg.run(document(**HTTP, schema="cloudevents")) as live:
        port = listening(live, "in")
        items = [EVENT, {**EVENT, "specversion": "0.3"}, {**EVENT, "id": ""}]
        answer = await post(port, json.dumps(items), content_type=BATCH)
        assert answer.status == 400
        assert answer.json == {
            "error": "2 of 3 events are bad",
            "items": [
                {"index": 1, "reason": "`specversion` is not 1.0 but '0.3'"},
                {"index": 2, "reason": "`id` is empty"},
            ],
        }
        assert (await post(port, "{}")).status == 415, "JSON without `ce-` headers is no CloudEvent"
        assert live.snapshot()["in"].ledger.entered == 0


async def test_an_attribute_given_twice_in_headers_is_refused(document: Any) -> None:
    async with sg.run(document(**HTTP, schema="cloudevents")) as live:
        head = "".join(f"ce-{name}: {value}\r\n" for name, value in EVENT.items())
        async with calling(listening(live, "in")) as caller:
            raw = f"POST /events HTTP/1.1\r\nhost: x\r\n{head}ce-id: b\r\ncontent-length: 0\r\n\r\n"
            answer = await caller.send(raw.encode())
    assert (answer.status, answer.json) == (400, {"error": "header ce-id is given twice"})


# --- schemas by type ---------------------------------------------------------------------------


async def test_each_event_is_held_against_the_schema_of_its_type(document: Any) -> None:
    path = document(**HTTP, schema="cloudevents", schemas=BY_TYPE, validate="reject")
    async with sg.run(path) as live:
        port = listening(live, "in")
        items = [
            {**EVENT, "data": {"n": 1}},
            {**EVENT, "data": {"n": "x"}},
            {**EVENT, "type": "bill.sent", "data": {"sum": 1.5}},
            {**EVENT, "type": "bill.sent", "data": {}},
            {**EVENT, "type": "other", "data": "anything"},
        ]
        answer = await post(port, json.dumps(items), content_type=BATCH)
        assert answer.status == 400
        assert [one["index"] for one in answer.json["items"]] == [1, 3]
        good = [items[k] for k in (0, 2, 4)]
        assert (await post(port, json.dumps(good), content_type=BATCH)).status == 200
        assert live.snapshot()["in"].facts["invalid"] == 2
        assert len(await read(live, 3)) == 3


async def test_the_default_is_for_every_other_type(document: Any) -> None:
    by_type = {"order.created": "json", "default": "order.json"}
    path = document(**HTTP, schema="cloudevents", schemas=by_type, validate="reject")
    async with sg.run(path) as live:
        port = listening(live, "in")
        for type, status in (("order.created", 200), ("other", 400)):
            body = json.dumps({**EVENT, "type": type, "data": {"n": "x"}})
            assert (await post(port, body, content_type=STRUCTURED)).status == status
        await read(live, 1)


# --- validate everywhere -----------------------------------------------------------------------


@pytest.mark.parametrize("validate", ["warn", "reject"])
async def test_lines_that_are_not_valid_are_counted_or_become_dead_letters(
    validate: str, document: Any, tmp_path: Path
) -> None:
    (tmp_path / "in.ndjson").write_text('{"n": 1}\n{"n": "x"}\n')
    path = document(kind="file", paths=["in.ndjson"], schema="order.json", validate=validate)
    async with sg.run(path) as live:
        await live.topology.sources_ended()
        node = live.snapshot()["in"]
        assert node.facts["invalid"] == 1
        assert node.ledger.dead_lettered == (1 if validate == "reject" else 0)
        await read(live, 1 if validate == "reject" else 2)


async def test_lines_of_cloud_events_have_their_own_heads(document: Any, tmp_path: Path) -> None:
    lines = [{**EVENT, "data": {"n": 1}}, {**EVENT, "id": ""}, {**EVENT, "data": {"n": "x"}}]
    (tmp_path / "in.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines))
    path = document(
        kind="file", paths=["in.ndjson"], schema="cloudevents", schemas=BY_TYPE, validate="reject"
    )
    async with sg.run(path) as live:
        await live.topology.sources_ended()
        node = live.snapshot()["in"]
        (event,) = await read(live, 1)
    assert (event.id, event.type, event.data) == ("a", "order.created", {"n": 1})
    assert (node.facts["bad_lines"], node.facts["invalid"]) == (1, 1)
    assert node.ledger.dead_lettered == 2


@pytest.mark.parametrize("validate", ["warn", "reject"])
async def test_made_events_are_held_too(validate: str, document: Any) -> None:
    path = document(
        kind="generate", count=3, event={"n": "x"}, schema="order.json", validate=validate
    )
    async with sg.run(path) as live:
        await live.topology.sources_ended()
        node = live.snapshot()["in"]
        assert node.facts["invalid"] == 3
        assert node.ledger.dead_lettered == (3 if validate == "reject" else 0)
        await read(live, 0 if validate == "reject" else 3)


@pytest.mark.parametrize("sinks", ["channel", "queue"])
async def test_a_write_that_is_not_valid_is_refused_whole(sinks: str, document: Any) -> None:
    nodes = {"out": {"kind": "channel", "capacity": 100}}
    to = "out"
    if sinks == "queue":
        nodes, to = {**nodes, "held": {"kind": "queue", "to": "out"}}, "held"
    path = document(nodes, kind="inlet", schema="order.json", validate="reject", to=to)
    async with sg.run(path) as live:
        with pytest.raises(Rejected, match=r"in: the event is not valid .* n is not of type"):
            await live.write({"n": "x"})
        with pytest.raises(Rejected, match=r"in: 1 of 2 events are not valid .* \[1\] "):
            await live.write_many([{"n": 1}, {"n": "x"}])
        await live.write({"n": 1})
        await live.write_many([{"n": 2}, {"n": 3}])
        events = await read(live, 3)
        node = live.snapshot()["in"]
    assert [event.data["n"] for event in events] == [1, 2, 3]
    assert node.facts["invalid"] == 2
    assert (node.ledger.entered, node.ledger.delivered, node.ledger.returned) == (6, 3, 3)


async def test_with_warn_a_write_passes_and_is_counted(document: Any) -> None:
    async with sg.run(document(kind="inlet", schema="order.json", validate="warn")) as live:
        await live.write({"n": "x"})
        await live.write({"n": 1}, type="order.created")
        assert live.snapshot()["in"].facts["invalid"] == 1
        assert len(await read(live, 2)) == 2


async def test_a_write_is_held_against_the_schema_of_its_type(document: Any) -> None:
    path = document(kind="inlet", schemas=BY_TYPE, validate="reject")
    async with sg.run(path) as live:
        with pytest.raises(Rejected, match="sum"):
            await live.write({"n": 1}, type="bill.sent")
        await live.write({"n": 1}, type="order.created")
        await live.write({"x": 1})
        assert len(await read(live, 2)) == 2


async def test_an_emitted_event_that_is_not_valid_is_counted_as_lost(document: Any) -> None:
    async with sg.run(document(kind="inlet", schema="order.json", validate="reject")) as live:
        assert live.emit({"n": "x"})
        assert live.emit({"n": 1})
        (event,) = await read(live, 1)
        assert event.data == {"n": 1}
        assert live.snapshot()["inbox"].ledger.dropped == {"failed": 1}


# --- what a document may say -------------------------------------------------------------------


def findings(**source: Any) -> list[tuple[str, str]]:
    document = {
        "sinkgraph": 1,
        "name": "x",
        "sources": {"in": {"to": "out", **source}},
        "sinks": {"out": {"kind": "blackhole"}},
    }
    return [(one.code, one.headline) for one in check(document)]


@pytest.mark.parametrize(
    ("source", "headline"),
    [
        (
            {**HTTP, "schema": "json", "schemas": {"default": "json"}},
            "`schema` and `schemas` both say what events look like",
        ),
        ({**HTTP, "schemas": {"a.b": "json"}}, "no event of this source is of type `a.b`"),
        ({"kind": "stdin", "schemas": {"a*": "json"}}, "no event of this source is of type `a*`"),
        (
            {"kind": "generate", "count": 1, "schemas": {"docker.registry.*": "json"}},
            "no event of this source is of type `docker.registry.*`",
        ),
        (
            {"kind": "inlet", "schema": "cloudevents"},
            "events of `inlet` are written in no format",
        ),
        (
            {**HTTP, "schema": "cloudevents", "validate": "warn"},
            "`validate: warn` has no schema to hold events against",
        ),
        ({"kind": "inlet", "schemas": {"a*b": "json"}}, "`a*b` is no pattern"),
        ({"kind": "inlet", "schemas": {"*": "json"}}, "`*` is no pattern"),
    ],
)
def test_a_schema_that_cannot_be_meant_is_told(source: dict[str, Any], headline: str) -> None:
    ((_, said),) = findings(**source)
    assert headline in said


@pytest.mark.parametrize(
    "source",
    [
        {**HTTP, "schemas": {"docker.registry.*": "docker.registry", "event": "json"}},
        {**HTTP, "schema": "docker.registry", "schemas": {"docker.registry.push": "json"}},
        {"kind": "inlet", "schemas": {"a.*": "json", "default": "any"}},
    ],
)
def test_a_schema_by_type_is_taken(source: dict[str, Any]) -> None:
    assert findings(**source) == []


# --- what an event without data is to the rest, and a reload -----------------------------------


async def test_an_event_without_data_goes_through_queues_conditions_and_the_disk(
    document: Any, tmp_path: Path
) -> None:
    sinks = {
        "out": {"kind": "queue", "store": "disk", "to": "null"},
        "null": {"kind": "filter", "where": "data == null", "to": "told"},
        "told": {"kind": "transform", "compute": {"data": '{"id": id, "was": data}'}, "to": "file"},
        "file": {"kind": "file", "path": "out.ndjson"},
    }
    path = document(sinks, **HTTP, schema="cloudevents")
    async with sg.run(path, state_dir=tmp_path / "state", output_dir=tmp_path) as live:
        port = listening(live, "in")
        assert (await post(port, json.dumps(EVENT), content_type=STRUCTURED)).status == 202
        await live.drain()
    assert json.loads((tmp_path / "out.ndjson").read_text()) == {"id": "a", "was": None}


async def test_a_reload_turns_validate_on_and_off(document: Any) -> None:
    async with sg.run(document(kind="inlet", schema="order.json")) as live:
        await live.write({"n": "x"})
        await live.reload(document(kind="inlet", schema="order.json", validate="reject"))
        with pytest.raises(Rejected):
            await live.write({"n": "x"})
        await live.reload(document(kind="inlet", schema="order.json"))
        await live.write({"n": "x"})
        assert len(await read(live, 2)) == 2


async def test_a_reload_takes_cloud_events_from_then_on(document: Any) -> None:
    async with sg.run(document(**HTTP)) as live:
        port = listening(live, "in")
        one = json.dumps(EVENT)
        assert (await post(port, one, content_type=STRUCTURED)).status == 415
        await live.reload(document(**HTTP, schema="cloudevents"))
        assert (await post(port, one, content_type=STRUCTURED)).status == 200
        assert len(await read(live, 1)) == 1
