"""The http sink against a scripted peer over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, NotOwned, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event, Json
from sinkgraph.formats.docker import decode_envelope
from sinkgraph.formats.limits import Limits
from sinkgraph.sinks.base import Context
from sinkgraph.sinks.http import HttpSink
from sinkgraph.spec.secret import Secret
from tests.support.contexts import Journal, make_context
from tests.support.http_peer import Peer, Seen, Writer, reply, reset

REAL = Path(__file__).parents[2] / "graphs" / "data" / "registry-envelopes.ndjson"
Script = Callable[[Seen, Writer], Awaitable[bytes | None]]


class Delivering:
    """Is a peer and a bound sink that sends to it."""

    def __init__(self, script: Script | None = None, **options: Any) -> None:
        self.peer = Peer(script) if script is not None else Peer()
        self.options = options
        self.context: Context = make_context()

    async def __aenter__(self) -> Delivering:
        await self.peer.__aenter__()
        self.sink = HttpSink(self.peer.url(), **self.options)
        self.sink.name = "hook"
        self.sink.bind(self.context)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.sink.close()
        await self.context.network.close()
        await self.peer.__aexit__(None, None, None)
        assert self.sink.account().residue == 0


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=1.5)


def answers(*statuses: int, **headers: str) -> Script:
    left = list(statuses)

    async def script(_seen: Seen, _writer: Writer) -> bytes:
        return reply(left.pop(0) if len(left) > 1 else left[0], b"", **headers)

    return script


def refusing(bad: set[Any], status: int = 422) -> Script:
    """Refuse every request that carries a bad payload."""

    async def script(seen: Seen, _writer: Writer) -> bytes:
        values = [json.loads(line) for line in seen.body.splitlines()]
        return reply(status if bad & set(values) else 200)

    return script


async def test_one_event_is_one_json_request_with_its_envelope() -> None:
    async with Delivering() as it:
        event = Event("a%b", "order.paid", "shop é", 1.5, {"n": 1})
        await it.sink.write([event])
    (seen,) = it.peer.seen
    assert seen.method == "POST"
    assert seen.body == b'{"n":1}'
    assert seen.headers["content-type"] == "application/json"
    assert {name: text for name, text in seen.headers.items() if name.startswith("ce-")} == {
        "ce-specversion": "1.0",
        "ce-id": "a%25b",
        "ce-type": "order.paid",
        "ce-source": "shop%20%C3%A9",
        "ce-time": "1970-01-01T00:00:01.500000Z",
    }


async def test_control_characters_never_become_headers() -> None:
    async with Delivering() as it:
        await it.sink.write([Event("a\r\nx: y", "t\x00", "s\x1b", 0.0, 1)])
    (seen,) = it.peer.seen
    assert seen.headers["ce-id"] == "a%0D%0Ax:%20y"
    assert "x" not in seen.headers


async def test_original_bytes_are_sent() -> None:
    async with Delivering() as it:
        await it.sink.write(batch(Json(b'{"a" : 1.50}')))
    assert it.peer.seen[0].body == b'{"a" : 1.50}'


async def test_several_json_events_are_one_request_each() -> None:
    async with Delivering(concurrency=4) as it:
        await it.sink.write(batch(*range(20)))
        assert it.sink.ledger.delivered == 20
    assert sorted(seen.json for seen in it.peer.seen) == list(range(20))
    assert it.peer.most_at_once <= 4


async def test_ndjson_is_cut_at_max_batch() -> None:
    async with Delivering(format="ndjson", max_batch=3) as it:
        await it.sink.write(batch(*range(7)))
    assert [seen.body for seen in it.peer.seen] == [b"0\n1\n2\n", b"3\n4\n5\n", b"6\n"]
    assert it.peer.seen[0].headers["content-type"] == "application/x-ndjson"
    assert not any(name.startswith("ce-") for name in it.peer.seen[0].headers)


async def test_real_notifications_go_out_in_an_envelope_as_they_came() -> None:
    lines = REAL.read_bytes().splitlines()
    events = [event for line in lines for event in decode_envelope(line, Limits(), received=0.0)]
    async with Delivering(format="docker") as it:
        await it.sink.write(events)
    sent = [entry for seen in it.peer.seen for entry in seen.json["events"]]
    assert sent == [json.loads(line)["events"][0] for line in lines]
    assert [len(seen.json["events"]) for seen in it.peer.seen] == [100, 100, 100, 50]
    assert it.peer.seen[0].headers["content-type"] == (
        "application/vnd.docker.distribution.events.v1+json"
    )


async def test_headers_of_the_document_are_sent_and_secrets_are_not_shown() -> None:
    headers = {"Authorization": Secret("Bearer canary"), "content-type": "application/cloud"}
    async with Delivering(headers=headers) as it:
        await it.sink.write(batch(1))
        assert "canary" not in repr(vars(it.sink))
    (seen,) = it.peer.seen
    assert seen.headers["authorization"] == "Bearer canary"
    assert seen.headers["content-type"] == "application/cloud"


@pytest.mark.parametrize(
    "headers",
    [{"a b": "x"}, {"a": "x\r\ny: z"}, {"a": "\u20ac"}, {"Host": "x"}, {"content-length": "1"},
     {"a:": "x"}, {"": "x"}, {"a": "x\x00"}],
)  # fmt: skip
def test_headers_that_cannot_be_sent_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        HttpSink("http://h/", headers=headers)


@pytest.mark.parametrize(
    "url", ["", "h/x", "ftp://h/", "http://", "http://h:0/", "http://h:65536/", "http://h/ x",
            "http://u:canary@h/\x1b", "http://[::1"],
)  # fmt: skip
def test_urls_that_cannot_be_requested_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|blank") as caught:
        HttpSink(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("options", [{"format": "xml"}, {"timeout": 0}, {"concurrency": 0}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        HttpSink("http://h/", **options)


@pytest.mark.parametrize("status", [401, 404, 408, 429, 302, 500, 503])
async def test_an_endpoints_fault_is_a_failed_delivery(status: int) -> None:
    async with Delivering(answers(status, Retry_After="7")) as it:
        with pytest.raises(DeliveryFailed) as caught:
            await it.sink.write(batch(1))
        assert caught.value.status == status
        assert caught.value.retry_after_s == 7
        assert not caught.value.unsent
        assert it.sink.ledger.returned == 1
    assert len(it.peer.seen) == 1


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422, 501])
async def test_an_events_fault_is_rejected(status: int) -> None:
    async with Delivering(answers(status)) as it:
        with pytest.raises(Rejected) as caught:
            await it.sink.write(batch(1))
        assert caught.value.status == status
        assert not caught.value.isolate


async def test_gone_asks_to_isolate() -> None:
    async with Delivering(answers(410)) as it:
        with pytest.raises(Rejected) as caught:
            await it.sink.write(batch(1))
        assert caught.value.isolate


async def test_on_status_decides() -> None:
    async with Delivering(answers(307, 404), on_status={"3xx": "ok", 404: "reject"}) as it:
        await it.sink.write(batch(1))
        with pytest.raises(Rejected):
            await it.sink.write(batch(2))


async def test_junk_in_retry_after_is_ignored_and_counted() -> None:
    async with Delivering(answers(503, Retry_After="tomorrow")) as it:
        with pytest.raises(DeliveryFailed) as caught:
            await it.sink.write(batch(1))
        assert caught.value.retry_after_s is None
        assert it.sink.facts()["junk_retry_after"] == 1


async def test_a_refusal_of_us_is_journalled_once() -> None:
    async with Delivering(answers(403, 403, 200, 403)) as it:
        for k in range(4):
            try:
                await it.sink.write(batch(k))
            except DeliveryFailed:
                assert k != 2
        journal = it.context.journal
        assert isinstance(journal, Journal)
        assert [kind for kind, _ in journal.facts] == ["endpoint_refused"] * 2


@pytest.mark.parametrize("wire", ["ndjson", "json"])
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_bad_events_are_found_and_the_others_delivered(wire: str, status: int) -> None:
    bad = {3, 11, 12}
    async with Delivering(refusing(bad, status), format=wire, concurrency=3) as it:
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(*range(16)))
        owed = caught.value.owed
        assert sorted(part.events[0].data for part in owed) == sorted(bad)
        assert all(isinstance(part.error, Rejected) for part in owed)
        assert it.sink.ledger.delivered == 13
        assert it.sink.ledger.returned == 3
    taken = [json.loads(line) for seen in it.peer.seen for line in seen.body.splitlines()]
    assert set(taken) == set(range(16))


async def test_a_batch_of_bad_events_only_is_all_rejected() -> None:
    async with Delivering(refusing({0, 1, 2}), format="ndjson") as it:
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(0, 1, 2))
        assert [part.events[0].data for part in caught.value.owed] == [0, 1, 2]


async def test_a_batch_refused_for_another_reason_is_not_split() -> None:
    async with Delivering(answers(415), format="ndjson") as it:
        with pytest.raises(Rejected):
            await it.sink.write(batch(0, 1, 2))
    assert len(it.peer.seen) == 1


async def test_halving_stops_when_the_endpoint_goes_down() -> None:
    async with Delivering(answers(422, 200, 503), format="ndjson") as it:
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(0, 1, 2, 3))
        (part,) = caught.value.owed
        assert [event.data for event in part.events] == [2, 3]
        assert isinstance(part.error, DeliveryFailed)
    assert len(it.peer.seen) == 3


async def test_an_outage_is_one_bare_error_and_stops_at_once() -> None:
    async with Delivering(answers(503), concurrency=1) as it:
        with pytest.raises(DeliveryFailed) as caught:
            await it.sink.write(batch(*range(50)))
        assert caught.value.counts
        assert caught.value.status == 503
        assert it.sink.ledger.returned == 50
    assert len(it.peer.seen) == 1


async def test_chunks_after_a_failure_are_owed_unsent() -> None:
    async with Delivering(answers(200, 503), format="ndjson", max_batch=2) as it:
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(*range(6)))
        first, second = caught.value.owed
        assert isinstance(first.error, DeliveryFailed)
        assert isinstance(second.error, DeliveryFailed)
        assert first.error.counts
        assert not first.error.unsent
        assert second.error.unsent
        assert not second.error.counts
        assert it.sink.ledger.delivered == 2


async def test_what_is_owed_can_be_paid() -> None:
    async with Delivering(answers(200, 503, 200), format="ndjson", max_batch=2) as it:
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(*range(6)))
        for part in caught.value.owed:
            await part.write(part.events)
        assert it.sink.ledger.delivered == 6


async def test_concurrency_is_shared_by_all_writers() -> None:
    release = asyncio.Event()

    async def script(_seen: Seen, _writer: Writer) -> bytes:
        if len(it.peer.seen) == 2:
            release.set()
        await release.wait()
        return reply()

    async with Delivering(script, concurrency=2) as it:
        await asyncio.gather(*[it.sink.write(batch(k)) for k in range(10)])
    assert it.peer.most_at_once == 2


async def test_after_a_failure_requests_ramp_up_from_one() -> None:
    async with Delivering(answers(503, 200), concurrency=8) as it:
        with pytest.raises(DeliveryFailed):
            await it.sink.write(batch(0))
        it.peer.most_at_once = 0
        assert it.sink.facts()["in_flight_limit"] == 1
        await it.sink.write(batch(1))
        assert it.peer.most_at_once == 1
        await it.sink.write(batch(*range(100)))
        assert it.sink.facts()["in_flight_limit"] == 8


async def test_a_timeout_and_a_reset_may_have_been_delivered() -> None:
    async def script(seen: Seen, writer: Writer) -> bytes | None:
        if seen.json == 1:
            reset(writer)
            return None
        await asyncio.Event().wait()
        return None

    async with Delivering(script, timeout=0.2) as it:
        for payload in (0, 1):
            with pytest.raises(DeliveryFailed) as caught:
                await it.sink.write(batch(payload))
            assert not caught.value.unsent


async def test_nobody_listening_is_unsent_and_secrets_stay_out() -> None:
    async with Delivering() as it:
        pass
    context = make_context()
    sink = HttpSink(f"http://u:canary@127.0.0.1:{it.peer.port}/x?key=canary")
    sink.bind(context)
    with pytest.raises(DeliveryFailed) as caught:
        await sink.write(batch(1))
    assert caught.value.unsent
    assert "canary" not in str(caught.value) + repr(sink.facts())
    await context.network.close()


async def test_a_closed_keep_alive_is_tried_at_once_with_the_same_id() -> None:
    async def script(seen: Seen, writer: Writer) -> bytes | None:
        if seen.connection == 1 and seen.json == 2:
            writer.close()
            return None
        return reply()

    async with Delivering(script) as it:
        await it.sink.write(batch(1))
        await it.sink.write(batch(2))
    first, second = it.peer.seen[1:]
    assert first.headers["ce-id"] == second.headers["ce-id"] == "u-0"


async def test_a_cancelled_write_gives_its_slot_back() -> None:
    arrived = asyncio.Event()

    async def script(_seen: Seen, _writer: Writer) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with Delivering(script, concurrency=1) as it:
        task = asyncio.ensure_future(it.sink.write(batch(1)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert it.sink.slots.in_flight == 0
        assert it.sink.ledger.returned == 1


async def test_what_json_cannot_hold_is_rejected_alone() -> None:
    async with Delivering() as it:
        with pytest.raises(Rejected):
            await it.sink.write(batch({"a": object()}))
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(1, {"a": object()}, 2))
        assert len(caught.value.owed) == 1
    assert sorted(seen.json for seen in it.peer.seen) == [1, 2]


async def test_one_payload_json_cannot_hold_does_not_stop_a_batch() -> None:
    async with Delivering(format="ndjson") as it:
        with pytest.raises(PartialWrite) as caught:
            await it.sink.write(batch(1, {"a": object()}, 2))
        assert [len(part.events) for part in caught.value.owed] == [1]
    assert [seen.body for seen in it.peer.seen] == [b"1\n", b"2\n"]


async def test_a_closed_sink_refuses() -> None:
    async with Delivering() as it:
        await it.sink.close()
        await it.sink.close()
        with pytest.raises(SinkClosed):
            await it.sink.write(batch(1))


async def test_without_a_topology_it_says_so() -> None:
    with pytest.raises(NotOwned):
        await HttpSink("http://h/").write(batch(1))


async def test_answers_are_counted_by_class() -> None:
    async with Delivering(answers(200, 204, 404, 422, 503, 302)) as it:
        for n in range(6):
            with contextlib.suppress(DeliveryFailed, Rejected):
                await it.sink.write(batch(n))
        counted = {"ok": 2, "4xx": 2, "5xx": 1, "other": 1, "timeout": 0, "refused": 0}
        assert it.sink.facts()["answers"] == counted


async def test_what_gets_no_answer_is_counted_as_a_timeout_or_as_refused() -> None:
    async def silent(_seen: Seen, _writer: Writer) -> bytes:
        await asyncio.sleep(60)
        return reply(200)

    async with Delivering(silent, timeout=0.1) as it:
        with pytest.raises(DeliveryFailed):
            await it.sink.write(batch(1))
        assert it.sink.facts()["answers"]["timeout"] == 1
    async with Delivering() as it:
        await it.peer.__aexit__(None, None, None)
        with pytest.raises(DeliveryFailed):
            await it.sink.write(batch(1))
        assert it.sink.facts()["answers"]["refused"] == 1
