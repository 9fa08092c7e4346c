"""What an HTTP answer means."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.sinks.http_outcome import Ok, Override, Reject, Retry, classify, parse_retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()
ENDPOINT = (401, 403, 404, 407, 408, 425, 429)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_2xx_is_ok(status: int) -> None:
    assert classify(status, {}, {}, NOW) == Ok()


@pytest.mark.parametrize("status", [*ENDPOINT, 300, 301, 302, 307, 308, 399, 500, 502, 503, 504])
def test_the_endpoints_faults_are_tried_again(status: int) -> None:
    assert classify(status, {}, {}, NOW) == Retry(refused=status in (401, 403, 404, 407))


@pytest.mark.parametrize("status", [100, 101, 199, 0, 600, 999])
def test_what_is_no_final_status_is_tried_again(status: int) -> None:
    assert isinstance(classify(status, {}, {}, NOW), Retry)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_content_may_be_split(status: int) -> None:
    assert classify(status, {}, {}, NOW) == Reject(split=True)


@pytest.mark.parametrize("status", [402, 405, 406, 409, 411, 414, 415, 418, 431, 451, 501, 505])
def test_the_events_faults_are_rejected(status: int) -> None:
    assert classify(status, {}, {}, NOW) == Reject()


def test_gone_isolates() -> None:
    assert classify(410, {}, {}, NOW) == Reject(isolate=True)


@given(st.integers(-10, 2000))
def test_every_status_has_an_outcome(status: int) -> None:
    assert isinstance(classify(status, {}, {}, NOW), Ok | Retry | Reject)


@pytest.mark.parametrize(
    ("status", "overrides", "outcome"),
    [
        (307, {"3xx": "ok"}, Ok()),
        (404, {"404": "reject"}, Reject()),
        (404, {"4xx": "dead_letter"}, Reject()),
        (404, {"404": "ok", "4xx": "reject"}, Ok()),
        (403, {"404": "ok", "4xx": "reject"}, Reject()),
        (400, {"400": "retry"}, Retry()),
        (200, {"2xx": "retry"}, Retry()),
        (200, {"200": "reject"}, Reject()),
        (422, {"4xx": "reject"}, Reject(split=True)),
        (503, {"4xx": "ok"}, Retry()),
    ],
)
def test_a_document_may_say_otherwise(
    status: int, overrides: dict[str, Override], outcome: Ok | Retry | Reject
) -> None:
    assert classify(status, {}, overrides, NOW) == outcome


def test_retry_after_is_capped() -> None:
    assert classify(503, {"retry-after": "9999999999"}, {}, NOW) == Retry(3600.0)
    assert classify(503, {"retry-after": "7"}, {}, NOW, cap_s=5) == Retry(5.0)


def test_junk_in_retry_after_is_noted() -> None:
    assert classify(429, {"retry-after": "soon"}, {}, NOW) == Retry(None, junk=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120\t", 120.0),
        ("0000000120", 120.0),
        ("9999999999", 9999999999.0),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60.0),
        ("Monday, 23-Nov-26 12:01:00 GMT", 60.0),
        ("Mon Nov 23 12:01:00 2026", 60.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read(text: str, seconds: float) -> None:
    assert parse_retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "-1", "+1", "1.5", "1e9", "abc", "12345678901", "1, 2", "\u0667", "0x10", "7 s", "nan",
        "Mon, 23 Nov 2026 12:01:00", "Mon, 23 Nov 2026 25:61:00 GMT",
        "Mon, 99 Xyz 2026 12:01:00 GMT",
        "2026-11-23T12:01:00Z", "Mon, 23 Nov 2026 12:01:00 GMT, 7", "7" * 100_000, "\x1b[0m",
    ],
)  # fmt: skip
def test_junk_is_no_time(text: str) -> None:
    assert parse_retry_after(text, NOW) is None


def test_year_9999_is_far_away() -> None:
    far = parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", NOW)
    assert far is not None
    assert far > 1e11


@given(st.integers(0, 7_000_000_000))
def test_any_http_date_is_read(seconds: int) -> None:
    when = datetime.fromtimestamp(seconds, UTC)
    text = format_datetime(when, usegmt=True)
    assert parse_retry_after(text, NOW) == max(0.0, when.timestamp() - NOW)


@given(st.text(max_size=60))
def test_any_text_is_survived(text: str) -> None:
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or seconds >= 0
