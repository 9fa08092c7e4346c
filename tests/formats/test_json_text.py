"""One event as JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.formats.json_text import BadJson, one_line, parse_json, terminal_safe
from sinkgraph.formats.limits import Limits
from tests.formats.test_limits import VALUES

LIMITS = Limits()


def test_the_original_bytes_are_kept() -> None:
    text = b'  {"b" : 1.50,\n "a":"\\u00e9"}\n'
    payload = parse_json(text, LIMITS)
    assert payload.raw == text.strip()
    assert payload.value == {"b": 1.5, "a": "é"}


def test_the_last_of_two_keys_wins_in_a_payload() -> None:
    assert parse_json(b'{"a":1,"a":2}', LIMITS).value == {"a": 2}


def test_keys_that_look_like_python_are_plain() -> None:
    payload = parse_json(b'{"__class__":{"constructor":1}}', LIMITS)
    assert payload.value == {"__class__": {"constructor": 1}}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b'"\\ud800"',
        b'{"a":"\\udc00\\ud800"}',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\x1b[0m"',
        b"1" * 5000,
        b"[1,]",
        b"1 2",
        b"{'a':1}",
        b'{"a":1',
        b"\xef\xbb\xbf{}",
        b"null",
        b"[" * 200_000,
        b"[" * 65 + b"]" * 65,
        b"\x00",
        "{}".encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused_with_a_reason(text: bytes) -> None:
    with pytest.raises(BadJson) as caught:
        parse_json(text, LIMITS)
    reason = str(caught.value)
    assert reason
    assert reason.isprintable()


def test_a_megabyte_key_is_refused() -> None:
    with pytest.raises(BadJson, match="a key is 1000000 characters long"):
        parse_json(json.dumps({"k" * 1_000_000: 1}).encode(), LIMITS)


def test_a_hundred_thousand_keys_are_refused() -> None:
    with pytest.raises(BadJson, match="100000 keys"):
        parse_json(json.dumps({str(n): 1 for n in range(100_000)}).encode(), LIMITS)


@given(VALUES, st.sampled_from([None, 1, "\n", "\r\n\t"]))
def test_one_line_means_the_same(value: Any, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    line = one_line(text)
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line) == value


@given(st.text())
def test_terminal_safe_means_the_same_and_holds_no_control(text: str) -> None:
    safe = terminal_safe(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
    assert json.loads(safe) == text.encode("utf-8", "replace").decode()
    shown = safe.decode()
    assert not any(ord(one) < 32 or 0x7F <= ord(one) <= 0x9F for one in shown)
    assert not any(one in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068" for one in shown)
