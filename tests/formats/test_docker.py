"""The registry's notification envelope, against notifications a real registry sent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sinkgraph.event import Batch, Json
from sinkgraph.formats.docker import decode_envelope, encode_envelope
from sinkgraph.formats.limits import BadBody, BadItem, Limits

LIMITS = Limits()
REAL = Path(__file__).parents[2] / "graphs" / "data" / "registry-envelopes.ndjson"
ENTRY = {"id": "a", "timestamp": "2026-11-23T08:03:33Z", "action": "push"}


def envelope(*entries: object) -> bytes:
    return json.dumps({"events": list(entries)}).encode()


def refusal(body: bytes, limits: Limits = LIMITS) -> BadBody:
    with pytest.raises(BadBody) as caught:
        decode_envelope(body, limits, received=7.0)
    return caught.value


def test_every_real_notification_becomes_one_event() -> None:
    lines = REAL.read_bytes().splitlines()
    events = [event for line in lines for event in decode_envelope(line, LIMITS, received=0.0)]
    assert Counter(event.type for event in events) == {
        "docker.registry.push": 180,
        "docker.registry.pull": 112,
        "docker.registry.mount": 46,
        "docker.registry.delete": 12,
    }
    assert len({event.id for event in events}) == 350
    assert all(event.source == "vm:5055" for event in events)
    assert all(event.time > 1_700_000_000 for event in events)


def test_a_real_notification_goes_out_as_it_came_in() -> None:
    for line in REAL.read_bytes().splitlines():
        events = decode_envelope(line, LIMITS, received=0.0)
        assert encode_envelope(Batch.of(events).json()) == line


def test_the_entry_is_the_payload_in_its_own_bytes() -> None:
    body = b'{"events":[{"action" : "push", "id":"a", "size":1.0}]}'
    (event,) = decode_envelope(body, LIMITS, received=7.0)
    assert isinstance(event.payload, Json)
    assert event.payload.raw == b'{"action" : "push", "id":"a", "size":1.0}'
    assert event.data == {"action": "push", "id": "a", "size": 1.0}
    assert event.id == "a"


def test_a_time_that_cannot_be_read_becomes_the_time_of_reception() -> None:
    body = envelope({**ENTRY, "timestamp": "2016-12-31T23:59:60Z"})
    (event,) = decode_envelope(body, LIMITS, received=7.0)
    assert event.time == 7.0
    assert event.data["timestamp"] == "2016-12-31T23:59:60Z"


def test_without_an_address_the_request_host_is_the_source() -> None:
    body = envelope(ENTRY, {**ENTRY, "source": {"addr": "reg:5000"}})
    first, second = decode_envelope(body, LIMITS, received=7.0, host="hub.local")
    assert (first.source, second.source) == ("hub.local", "reg:5000")


def test_every_bad_entry_is_named_and_nothing_is_taken() -> None:
    error = refusal(envelope(ENTRY, {"action": "push"}, 7, {**ENTRY, "action": ""}))
    assert [item.index for item in error.items] == [1, 2, 3]
    assert error.items[0] == BadItem(1, "object missing required field `id`")
    assert error.items[2] == BadItem(3, "`action` is empty")


@pytest.mark.parametrize("bad", ["", ".", "a.b", "a\nb", "\x1b[0m", "x" * 10_000, "\u202e"])
def test_an_id_that_cannot_be_shown_is_refused(bad: str) -> None:
    (item,) = refusal(envelope({**ENTRY, "id": bad})).items
    assert item.reason.startswith("`id`")
    assert item.reason.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b'{"events":[],"events":[]}',
        b'{"events":[],"e\\u0076ents":[]}',
    ],
)
def test_events_given_twice_is_refused(body: bytes) -> None:
    assert "`events` is given twice" in refusal(body).reason


@pytest.mark.parametrize(
    "entry",
    [
        '{"id":"a","id":"b","action":"push"}',
        '{"id":"a","action":"push","acti\\u006fn":"pull"}',
        '{"id":"a","action":"push","source":{},"source":{"addr":"x"}}',
    ],
)
def test_an_attribute_given_twice_is_refused(entry: str) -> None:
    (item,) = refusal(f'{{"events":[{entry}]}}'.encode()).items
    assert item.reason.endswith("is given twice")


def test_other_keys_given_twice_are_the_payloads_business() -> None:
    body = b'{"events":[{"id":"a","action":"push","x":1,"x":2,"request":{"id":1,"id":2}}]}'
    (event,) = decode_envelope(body, LIMITS, received=7.0)
    assert event.data["x"] == 2


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"events":{}}', b'{"events":[', b"7"])
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    error = refusal(body)
    assert error.status == 400
    assert error.reason.startswith("not a notification envelope: ")


def test_too_many_entries_are_refused() -> None:
    assert refusal(envelope(ENTRY, ENTRY, ENTRY), Limits(max_batch=2)).status == 413


def test_control_characters_are_kept_verbatim() -> None:
    body = envelope({**ENTRY, "actor": {"name": "\x1b]52;c;eA==\x07[@click=x]"}})
    (event,) = decode_envelope(body, LIMITS, received=7.0)
    assert event.data["actor"]["name"] == "\x1b]52;c;eA==\x07[@click=x]"
