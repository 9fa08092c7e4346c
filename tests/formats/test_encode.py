"""Payloads to bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, Json
from sinkgraph.formats.encode import encode_many, line_of, ndjson
from sinkgraph.formats.url import origin, shown_url
from tests.formats.test_limits import VALUES


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=0.0)


def test_original_bytes_go_out_unchanged() -> None:
    assert encode_many(batch(Json(b'{"a": 1.50}')), "json") == b'{"a": 1.50}'


def test_each_format_wraps_the_payloads() -> None:
    two = batch({"a": 1}, Json(b"[2, 3]"))
    assert encode_many(two, "json") == b'[{"a":1},[2, 3]]'
    assert encode_many(two, "ndjson") == b'{"a":1}\n[2, 3]\n'
    assert encode_many(two, "docker") == b'{"events":[{"a":1},[2, 3]]}'


@given(st.lists(st.tuples(VALUES, st.sampled_from([None, 2])), max_size=6))
def test_ndjson_has_one_line_an_event(items: list[tuple[Any, int | None]]) -> None:
    texts = [json.dumps(value, indent=indent).encode() for value, indent in items]
    lines = ndjson(texts).splitlines()
    assert [json.loads(line) for line in lines] == [value for value, _ in items]


def test_what_json_cannot_hold_is_rejected() -> None:
    with pytest.raises(Rejected):
        encode_many(batch({"a": object()}), "json")
    with pytest.raises(Rejected):
        encode_many(batch("\ud800"), "json")


def test_lines_are_text_as_it_is() -> None:
    assert line_of("héllo") == "héllo\n".encode()
    assert line_of(b"\xff") == b"\xff\n"
    assert line_of({"a": 1}) == b'{"a":1}\n'
    assert line_of(Json(b'{"a":\n1}')) == b'{"a": 1}\n'


@pytest.mark.parametrize("payload", ["a\nb", b"a\rb", "\ud800"])
def test_a_line_with_a_break_is_rejected(payload: Any) -> None:
    with pytest.raises(Rejected):
        line_of(payload)


def test_a_shown_url_hides_userinfo_query_and_fragment() -> None:
    shown = shown_url("https://user:secret@host:8443/a/b?token=secret#secret")
    assert shown == "https://host:8443/a/b?…"
    assert "secret" not in shown_url("http://[::1?secret")
    assert shown_url("http://h/\x1b[0m").isprintable()


def test_an_origin_has_the_default_port() -> None:
    assert origin("https://user@Host/x") == ("https", "host", 443)
    assert origin("http://h:81") == ("http", "h", 81)
