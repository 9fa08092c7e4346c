"""A line holds the whole event, and is one line whatever the event holds."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.event import Event, Json, Meta
from sinkgraph.formats.event_line import event_line, event_lines

AT = 1_700_000_000.25


def test_a_line_has_the_names_of_cloudevents() -> None:
    event = Event("u-1", "push", "registry", AT, {"a": 1})
    assert event_line(event) == (
        b'{"specversion":"1.0","id":"u-1","source":"registry","type":"push",'
        b'"time":"2023-11-14T22:13:20.250000Z","data":{"a":1}}\n'
    )


def test_the_text_of_a_payload_is_kept_on_one_line() -> None:
    line = event_line(Event("u-1", "t", "s", AT, Json(b'{"b": 1.10,\r\n "a":2}')))
    assert line.endswith(b'"data":{"b": 1.10,   "a":2}}\n')
    assert line.count(b"\n") == 1


def test_bytes_go_as_base64_and_meta_as_it_is() -> None:
    event = Event("u-1", "t", "s", AT, b"\x00\n\xff", Meta(attempts=3, odd=object))
    made = json.loads(event_line(event))
    assert base64.b64decode(made["data_base64"]) == b"\x00\n\xff"
    assert made["meta"]["attempts"] == 3
    assert "data" not in made


def test_what_utf8_and_64_bits_cannot_hold_is_still_a_line() -> None:
    made = json.loads(event_line(Event("\udc80", "t", "s", 1e30, 1, Meta(big=1 << 70))))
    assert made["id"] == "\udc80"
    assert made["time"] == "1e+30"
    assert made["meta"] == {"big": 1 << 70}


@given(st.lists(st.tuples(st.text(), st.text(), st.floats(), st.binary() | st.text())))
def test_every_event_is_exactly_one_line(facts: list[tuple[str, str, float, bytes | str]]) -> None:
    lines = event_lines([Event(id, "t", source, at, data) for id, source, at, data in facts])
    assert lines.count(b"\n") == len(facts)
    for line, (id, source, _, _) in zip(lines.splitlines(), facts, strict=True):
        made = json.loads(line)
        assert (made["id"], made["source"]) == (id, source)
