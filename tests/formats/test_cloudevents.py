"""CloudEvents 1.0: structured, in batches, and in headers; what is none is refused with its why."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.event import Event, Json
from sinkgraph.formats.cloudevents import BATCH, STRUCTURED, decode_cloud_event, decode_request
from sinkgraph.formats.event_line import event_line
from sinkgraph.formats.json_text import BadJson
from sinkgraph.formats.limits import BadBody, Limits

LIMITS = Limits()
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a-1",
    "type": "order.created",
    "source": "/shop",
}
HEADERS = {f"ce-{name}": value for name, value in EVENT.items()}
JSON_BODY = {"content-type": "application/json"}


def one(body: bytes, headers: dict[str, str]) -> Event:
    (event,) = decode_request(body, headers, LIMITS, received=7.0)
    return event


def structured(**fields: Any) -> Event:
    held = {name: value for name, value in {**EVENT, **fields}.items() if value is not ...}
    return one(json.dumps(held).encode(), {"content-type": STRUCTURED})


def refusal(body: bytes, headers: dict[str, str]) -> BadBody:
    with pytest.raises(BadBody) as caught:
        decode_request(body, headers, LIMITS, received=7.0)
    return caught.value


def test_a_structured_event_keeps_its_head_and_its_data_as_written() -> None:
    text = (
        b'{"specversion":"1.0","id":"a-1","type":"order.created","source":"/shop",'
        b'"time":"1970-01-01T00:00:01.5Z","subject":"s","dataschema":"http://x/y",'
        b'"datacontenttype":"application/json","traceparent":"00-1","hops":2,"hot":true,"no":null,'
        b'"data":{"n" : 1.0}}'
    )
    event = one(text, {"content-type": f"{STRUCTURED}; charset=UTF-8"})
    assert (event.id, event.type, event.source) == ("a-1", "order.created", "/shop")
    assert event.time == 1.5
    assert isinstance(event.payload, Json)
    assert event.payload.raw == b'{"n" : 1.0}'
    assert event.meta == {
        "subject": "s",
        "dataschema": "http://x/y",
        "datacontenttype": "application/json",
        "traceparent": "00-1",
        "hops": 2,
        "hot": True,
    }


def test_an_event_without_time_has_the_time_it_came_and_without_data_has_null() -> None:
    event = structured()
    assert (event.time, event.data, event.meta) == (7.0, None, {})


def test_a_time_the_calendar_has_not_is_kept_as_it_was_told() -> None:
    event = structured(time="2016-12-31T23:59:60Z")
    assert (event.time, event.meta) == (7.0, {"time": "2016-12-31T23:59:60Z"})


def test_data_in_base64_is_bytes() -> None:
    assert structured(data_base64=base64.b64encode(b"\x00\xff").decode()).data == b"\x00\xff"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": ...}, "there is no `id`"),
        ({"id": None}, "there is no `id`"),
        ({"source": ...}, "there is no `source`"),
        ({"type": ""}, "`type` is empty"),
        ({"type": 1}, "`type` is not text"),
        ({"specversion": ...}, "there is no `specversion`"),
        ({"specversion": "0.3"}, "`specversion` is not 1.0 but '0.3'"),
        ({"id": "a.b"}, "`id` holds a dot or a character that cannot be shown"),
        ({"id": "x" * 10_000}, "`id` is 10000 characters long, more than 256"),
        ({"time": "yesterday"}, "`time` is not an RFC 3339 time"),
        ({"time": 5}, "`time` is not an RFC 3339 time"),
        ({"data": 1, "data_base64": "AA=="}, "`data` and `data_base64` are both given"),
        ({"data_base64": "?"}, "`data_base64` is not base64"),
        ({"data_base64": 5}, "`data_base64` is not text"),
        ({"Trace-Id": "x"}, "'Trace-Id' is not the name of an attribute: a to z and 0 to 9"),
        ({"trace": {"a": 1}}, "`trace` is not text, a whole number, true or false"),
        ({"trace": 1.5}, "`trace` is not text, a whole number, true or false"),
        ({"meta": {"a": 1}}, "`meta` is not text, a whole number, true or false"),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(fields: dict[str, Any], why: str) -> None:
    held = {name: value for name, value in {**EVENT, **fields}.items() if value is not ...}
    error = refusal(json.dumps(held).encode(), {"content-type": STRUCTURED})
    assert (error.status, error.reason) == (400, f"not an event: {why}")
    assert [(item.index, item.reason) for item in error.items] == [(0, why)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is empty"),
        (b"[]", "not an event: expected `object`, got `array`"),
        (b"{", "not an event: input data was truncated"),
        (b"[" * 100, "not an event: nested deeper than 64"),
        (b'{"id":"a","id":"b"}', "not an event: `id` is given twice"),
        (b'{"id":"a","\\u0069d":"b"}', "not an event: `id` is given twice"),
    ],
)
def test_a_body_that_holds_none_is_refused(body: bytes, why: str) -> None:
    assert refusal(body, {"content-type": STRUCTURED}).reason == why


def test_a_key_given_twice_inside_the_data_is_the_payloads_own_affair() -> None:
    text = json.dumps(EVENT)[:-1].encode() + b',"data":{"id":1,"id":2}}'
    assert one(text, {"content-type": STRUCTURED}).data == {"id": 2}


def test_one_bad_item_refuses_a_batch_with_index_and_reason() -> None:
    items = [EVENT, {**EVENT, "id": ""}, EVENT, {**EVENT, "specversion": "2"}]
    error = refusal(json.dumps(items).encode(), {"content-type": BATCH})
    assert error.reason == "2 of 4 events are bad"
    assert [(item.index, item.reason) for item in error.items] == [
        (1, "`id` is empty"),
        (3, "`specversion` is not 1.0 but '2'"),
    ]
    body = json.dumps([EVENT, {**EVENT, "id": "b"}]).encode()
    made = decode_request(body, {"content-type": BATCH}, LIMITS, received=7.0)
    assert [event.id for event in made] == ["a-1", "b"]
    assert decode_request(b"[]", {"content-type": BATCH}, LIMITS, received=7.0) == []
    assert refusal(b"{}", {"content-type": BATCH}).reason.startswith("not a batch of events")
    many = b"[" + b",".join([b"1"] * 10_001) + b"]"
    assert refusal(many, {"content-type": BATCH}).status == 413


def test_headers_carry_an_event_and_the_body_its_data() -> None:
    extra = {"ce-time": "1970-01-01T00:00:02Z", "ce-subject": "%C3%A9%25", "ce-note": '"a \\"b"'}
    event = one(b'{"n" : 1}', {**HEADERS, **extra, **JSON_BODY})
    assert (event.id, event.type, event.source, event.time) == (
        "a-1",
        "order.created",
        "/shop",
        2.0,
    )
    assert isinstance(event.payload, Json)
    assert event.payload.raw == b'{"n" : 1}'
    assert event.meta == {"subject": "é%", "note": 'a "b', "datacontenttype": "application/json"}


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/problem+json", b"[1]", [1]),
        ("text/plain", "é".encode(), "é"),
        ("text/plain", b"\xe9", b"\xe9"),
        ("application/octet-stream", b"\x00", b"\x00"),
        (None, b"", None),
    ],
)
def test_the_content_type_says_what_the_data_is(
    content_type: str | None, body: bytes, data: Any
) -> None:
    kind = {} if content_type is None else {"content-type": content_type}
    assert one(body, {**HEADERS, **kind}).data == data


@pytest.mark.parametrize(
    ("headers", "status", "why"),
    [
        (JSON_BODY, 415, "the request carries no CloudEvent"),
        ({}, 415, "the request carries no CloudEvent"),
        ({**HEADERS}, 415, "no content type"),
        ({**HEADERS, "content-type": "text/plain; charset=latin-1"}, 415, "the charset must be"),
        ({**HEADERS, "content-type": STRUCTURED}, 400, "the event is in the body, and there is"),
        ({"content-type": "application/cloudevents+xml"}, 415, "this form of CloudEvents"),
        ({**HEADERS, **JSON_BODY, "ce-id": ""}, 400, "not an event: `id` is empty"),
        ({**HEADERS, **JSON_BODY, "ce-note": "%ff"}, 400, "not an event: `ce-note` is not UTF-8"),
        ({**HEADERS, **JSON_BODY, "ce-datacontenttype": "x"}, 400, "not an event: `datacontent"),
        ({"ce-id": "a", **JSON_BODY}, 400, "not an event: there is no `specversion`"),
    ],
)
def test_a_request_without_an_event_is_refused(
    headers: dict[str, str], status: int, why: str
) -> None:
    error = refusal(b"{}", headers)
    assert error.status == status
    assert error.reason.startswith(why)


def test_a_line_sinkgraph_wrote_is_read_back() -> None:
    event = Event("a-1", "t", "s", 1.5, {"n": 1}, {"attempts": 3, "errors": ["x"]})
    made = decode_cloud_event(event_line(event).strip(), LIMITS, received=7.0, own=True)
    assert (made.id, made.type, made.source, made.time) == ("a-1", "t", "s", 1.5)
    assert (made.data, made.meta) == ({"n": 1}, {"attempts": 3, "errors": ["x"]})


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_text_is_an_event_or_refused(text: bytes) -> None:
    try:
        event = decode_cloud_event(text, LIMITS, received=7.0)
    except BadJson as error:
        assert str(error)
    else:
        assert event.id


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "type", "source", "specversion", "time", "data", "x", "data_base64"]
        ),
        st.none() | st.booleans() | st.integers() | st.sampled_from(["1.0", "", "a"]) | st.just({}),
    )
)
def test_any_attributes_are_an_event_or_refused(fields: dict[str, Any]) -> None:
    try:
        event = decode_cloud_event(json.dumps(fields).encode(), LIMITS, received=7.0)
    except BadJson as error:
        assert str(error)
    else:
        assert all(fields.get(name) for name in ("id", "type", "source", "specversion"))
        assert event.id == fields["id"]


@pytest.mark.parametrize("name", ["datacontenttype", "dataschema", "subject"])
def test_attributes_that_the_specification_has_as_text_are_no_numbers(name: str) -> None:
    with pytest.raises(BadBody, match=f"`{name}` is not text"):
        structured(**{name: 5})
