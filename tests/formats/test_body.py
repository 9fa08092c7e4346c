"""Request bodies: media types, encodings, batches."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.formats.body import decode_body, inflate, media_type
from sinkgraph.formats.limits import BadBody, BadItem, Limits
from tests.formats.test_limits import VALUES

LIMITS = Limits()
JSON = "application/json"
NDJSON = "application/x-ndjson"


def values(body: bytes, media: str, limits: Limits = LIMITS) -> list[Any]:
    return [payload.value for payload in decode_body(body, media, limits, received=0.0)]


def refusal(body: bytes, media: str, limits: Limits = LIMITS) -> BadBody:
    with pytest.raises(BadBody) as caught:
        decode_body(body, media, limits, received=0.0)
    return caught.value


@pytest.mark.parametrize(
    "header",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/x-ndjson;charset="utf-8"',
     "application/vnd.docker.distribution.events.v2+json", "application/json; x=1"],
)  # fmt: skip
def test_known_media_types_are_taken(header: str) -> None:
    assert media_type(header) == header.split(";")[0].lower()


@pytest.mark.parametrize(
    "header",
    [None, "", "text/plain", "application/json; charset=utf-16", "application/jsonx", "*/*",
     "application/x-www-form-urlencoded", "application/json, application/json"],
)  # fmt: skip
def test_other_media_types_get_415(header: str | None) -> None:
    with pytest.raises(BadBody) as caught:
        media_type(header)
    assert caught.value.status == 415


@pytest.mark.parametrize("header", [None, "application/x-www-form-urlencoded"])
def test_a_refused_content_type_is_told_which_are_taken(header: str | None) -> None:
    with pytest.raises(BadBody, match="send application/json or application/x-ndjson"):
        media_type(header)


def test_an_object_is_one_event_and_an_array_is_many() -> None:
    assert values(b'{"a":1}', JSON) == [{"a": 1}]
    assert values(b' [{"a":1}, [2], "x"]\n', JSON) == [{"a": 1}, [2], "x"]
    assert values(b"[]", JSON) == []


def test_lines_are_events_and_blank_lines_are_not() -> None:
    assert values(b'{"a":1}\r\n\n[2,3]\n  \n"x"', NDJSON) == [{"a": 1}, [2, 3], "x"]


@given(st.lists(VALUES.filter(lambda value: value is not None), max_size=8))
def test_an_array_and_lines_carry_the_same(items: list[Any]) -> None:
    lines = "\n".join(json.dumps(item) for item in items).encode()
    if items:
        assert values(lines, NDJSON) == values(json.dumps(items).encode(), JSON)


@pytest.mark.parametrize("media", [JSON, NDJSON])
def test_an_empty_body_is_refused(media: str) -> None:
    assert refusal(b"", media).reason == "the body is empty"
    assert refusal(b" \n\t", media).reason == "the body is empty"


def test_bad_items_are_named_by_index() -> None:
    error = refusal(b'[{"a":1}, null, 1e999]', JSON)
    assert error.status == 400
    assert error.items == (
        BadItem(1, "null is not an event"),
        BadItem(2, "number out of range"),
    )
    assert [item.index for item in refusal(b"{}\n{\n{}\nNaN", NDJSON).items] == [1, 3]


@pytest.mark.parametrize(
    "body", [b"[1,]", b"[1", b"[1]]", b"[" * 200_000, b"{} {}", b'{"a":}', b'["\\ud800"]']
)
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    assert refusal(body, JSON).status == 400


def test_events_of_an_array_may_be_as_deep_as_single_ones() -> None:
    deep = b"[" * 64 + b"]" * 64
    assert len(values(b"[" + deep + b"]", JSON)) == 1
    assert refusal(b"[[" + deep + b"]]", JSON).items == (BadItem(0, "nested deeper than 64"),)


def test_too_many_events_get_413() -> None:
    limits = Limits(max_batch=3)
    assert refusal(b"[1,2,3,4]", JSON, limits).status == 413
    assert refusal(b"1\n2\n3\n4", NDJSON, limits).status == 413
    assert values(b"1\n2\n3\n", NDJSON, limits) == [1, 2, 3]


TEXT = json.dumps({"text": "some words, " * 20}).encode()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP", gzip.compress(TEXT, mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT, wbits=-15)),
    ],
)
def test_known_encodings_are_undone(encoding: str, body: bytes) -> None:
    assert inflate(body, encoding, LIMITS) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("br", TEXT, 415),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0), 415),
        ("gzip", TEXT, 415),
        ("deflate", TEXT, 415),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-4], 415),
        ("gzip", b"", 415),
        ("deflate", b"", 415),
        ("gzip", gzip.compress(TEXT, mtime=0) * 2, 415),
        ("gzip", gzip.compress(bytes(1_000_000), mtime=0), 413),
        ("gzip", gzip.compress(bytes(64 * 1024 * 1024), mtime=0), 413),
        ("deflate", zlib.compress(bytes(1_000_000)), 413),
    ],
)
def test_bad_encodings_and_bombs_are_refused(encoding: str, body: bytes, status: int) -> None:
    with pytest.raises(BadBody) as caught:
        inflate(body, encoding, LIMITS)
    assert caught.value.status == status


def test_the_inflated_limit_holds_below_the_ratio() -> None:
    body = gzip.compress(TEXT, mtime=0)
    with pytest.raises(BadBody, match="inflates to more"):
        inflate(body, "gzip", Limits(max_inflated=len(TEXT) - 1))
    assert inflate(body, "gzip", Limits(max_inflated=len(TEXT))) == TEXT


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_junk_is_refused_or_read_and_never_crashes(body: bytes, encoding: str) -> None:
    try:
        text = inflate(body, encoding, LIMITS)
    except BadBody as error:
        text, status = b"", error.status
    else:
        status = 200
    assert status in (200, 413, 415)
    assert len(text) <= len(body) * LIMITS.max_ratio
