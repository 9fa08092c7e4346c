"""A batch as lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, PartialWrite, Rejected
from sinkgraph.event import Batch, Json
from sinkgraph.sinks.lines import encode_lines


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=0.0)


async def write(_events: Any) -> None:
    """Is what is owed."""


def test_good_events_have_a_line_each() -> None:
    lines = encode_lines(batch({"a": "\n"}, Json(b"[1,\n2]"), "x"), "ndjson")
    assert [json.loads(piece) for piece in lines.pieces] == [{"a": "\n"}, [1, 2], "x"]
    lines.raise_bad(batch(), write)


def test_bad_events_are_set_apart() -> None:
    given = batch(1, {"a": object()}, Json(b"{\n}"), "\ud800")
    lines = encode_lines(given, "ndjson")
    assert lines.text == b"1\n{ }\n"
    assert lines.good == [0, 2]
    with pytest.raises(PartialWrite) as caught:
        lines.raise_bad(given, write)
    assert [len(part.events) for part in caught.value.owed] == [1, 1]


def test_text_lines_hold_no_break() -> None:
    lines = encode_lines(batch("a", "b\nc", {"d": 1}), "lines")
    assert lines.text == b'a\n{"d":1}\n'
    assert [k for k, _ in lines.bad] == [1]


def test_a_single_bad_event_is_a_bare_error() -> None:
    with pytest.raises(Rejected):
        encode_lines(batch("\ud800"), "ndjson").raise_bad(batch("\ud800"), write)


def test_a_failed_write_owes_the_good_ones_too() -> None:
    given = batch(1, "\ud800", 2)
    error = encode_lines(given, "ndjson").failed(given, write, DeliveryFailed("full"))
    assert isinstance(error, PartialWrite)
    good, bad = error.owed
    assert [event.data for event in good.events] == [1, 2]
    assert isinstance(bad.error, Rejected)
