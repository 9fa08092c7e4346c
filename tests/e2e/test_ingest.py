"""Bad requests against the real process: each refused by its status, and nothing of it stored."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from pathlib import Path

from tests.support.client import Answered, Caller, calling, post, request
from tests.support.ledgers import ledger
from tests.support.program import Program, until
from tests.support.registry import ENTRIES, ENVELOPES, V1, V2, raw_entry
from tests.support.webhook import Webhook

STRAIGHT = """
sinkgraph: 1
name: ingest
sources:
  in: {kind: http, listen: "127.0.0.1:0", path: /events, to: out}
sinks:
  out: {kind: file, path: out.ndjson}
"""
MIB = 1024 * 1024


def document(folder: Path, text: str = STRAIGHT) -> Path:
    path = folder / "graph.yaml"
    path.write_text(text)
    return path


def chunked(*parts: bytes) -> bytes:
    return request(b"", content_length=None, transfer_encoding="chunked") + b"".join(parts)


def envelope(**changes: object) -> bytes:
    return json.dumps({"events": [{**ENTRIES[0], **changes}]}).encode()


DEEP = b"[" * 200_000
BOMB = gzip.compress(b"[" + b"0," * 5_000_000 + b"0]")

REFUSED: dict[str, tuple[bytes, set[int]]] = {
    # bodies
    "no body": (request(b""), {400}),
    "no length": (request(b"", content_length=None), {400, 411}),
    "blank": (request(b" \n\t "), {400}),
    "cut short": (request(b'{"a":'), {400}),
    "trailing comma": (request(b'{"a":1,}'), {400}),
    "two values": (request(b'{"a":1} {"b":2}'), {400}),
    "not a number": (request(b'{"a":NaN}'), {400}),
    "infinity": (request(b'{"a":-Infinity}'), {400}),
    "lone surrogate": (request(rb'{"a":"\ud800"}'), {400}),
    "not utf-8": (request(b'{"a":"\xff\xfe"}'), {400}),
    "a byte order mark and utf-16": (request('{"a":1}'.encode("utf-16")), {400}),
    "deep": (request(DEEP), {400}),
    "deep and closed": (request(b'{"a":' * 100 + b"1" + b"}" * 100), {400}),
    "null": (request(b"null"), {400}),
    "a long key": (request(b'{"' + b"k" * 900_000 + b'":1}'), {400}),
    "many keys": (request(b"{" + b",".join(b'"%d":1' % n for n in range(60_000)) + b"}"), {400}),
    "half of a batch": (request(b'[{"a":1},null,{"b":NaN}]'), {400}),
    "a bad line": (request(b'{"a":1}\n{"b":\n', content_type="application/x-ndjson"), {400}),
    "too many": (request(b"[" + b"1," * 10_000 + b"1]"), {400, 413}),
    "too large": (request(b'"' + b"x" * MIB + b'"'), {413}),
    # content types and encodings
    "no content type": (request(b"{}", content_type=None), {415}),
    "text": (request(b"{}", content_type="text/plain"), {415}),
    "a form": (request(b"a=1", content_type="application/x-www-form-urlencoded"), {415}),
    "another charset": (request(b"{}", content_type="application/json; charset=utf-7"), {415}),
    "an unknown version": (request(envelope(), content_type=V1.replace("v1", "v9")), {415}),
    "an unknown encoding": (request(b"{}", content_encoding="br"), {415}),
    "twice compressed": (request(b"{}", content_encoding="gzip, gzip"), {415}),
    "not compressed": (request(b"{}", content_encoding="gzip"), {400, 415}),
    "compressed and cut": (
        request(gzip.compress(b'{"a":1}')[:-9], content_encoding="gzip"), {400, 415},
    ),
    "more after the end": (
        request(gzip.compress(b'{"a":1}') + b"x", content_encoding="gzip"), {400, 415},
    ),
    "a bomb": (request(BOMB, content_encoding="gzip"), {413}),
    # notifications
    "no events": (request(b'{"event":[]}', content_type=V1), {400}),
    "events twice": (request(b'{"events":[],"events":[]}', content_type=V1), {400}),
    "no id": (request(b'{"events":[{"action":"push"}]}', content_type=V1), {400}),
    "no action": (request(envelope(action=""), content_type=V1), {400}),
    "an id with a line break": (request(envelope(id="a\nb"), content_type=V1), {400}),
    "an id with an escape": (request(envelope(id="a\x1b]52;c;x\x07"), content_type=V1), {400}),
    "a long id": (request(envelope(id="x" * 10_000), content_type=V1), {400}),
    "an id with a dot": (request(envelope(id="a.b"), content_type=V1), {400}),
    "an id twice in one entry": (
        request(b'{"events":[{"id":"a","id":"b","action":"push"}]}', content_type=V1), {400},
    ),
    "one good entry and one bad": (
        request(json.dumps({"events": [ENTRIES[0], {"id": "x"}]}), content_type=V2), {400},
    ),
    # requests
    "another path": (request(b"{}", "/other"), {404}),
    "below the path": (request(b"{}", "/events/more"), {404}),
    "a doubled slash": (request(b"{}", "//events"), {404}),
    "an encoded path": (request(b"{}", "/%65vents/%2e%2e"), {404}),
    "a zero byte": (request(b"{}", "/events%00"), {404}),
    "get": (request(b"", method="GET"), {405}),
    "put": (request(b"{}", method="PUT"), {405}),
    "delete": (request(b"{}", method="DELETE"), {405}),
    "an unknown method": (request(b"{}", method="BREW"), {400, 405, 501}),
    "length and chunks": (
        request(b"{}", transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n\r\n", {400},
    ),
    "two lengths": (request(b"{}", content_length="2\r\ncontent-length: 3"), {400}),
    "a negative length": (request(b"{}", content_length="-1"), {400}),
    "a length of letters": (request(b"{}", content_length="two"), {400}),
    "a chunk of letters": (chunked(b"xyz\r\n{}\r\n0\r\n\r\n"), {400}),
    "a chunk too long": (chunked(b"1\r\n{}\r\n0\r\n\r\n"), {400}),
    "mostly chunk overhead": (chunked(b"1;" + b"x" * 4_000_000 + b"\r\n"), {400, 413}),
    "a large header": (request(b"{}", x_large="y" * 60_000), {431}),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello tls\r\n\r\n", {400}),
    "no host": (request(b"{}", host=None), {400}),
}  # fmt: skip

ACCEPTED: dict[str, bytes] = {
    "a repeated key of a payload": b'{"a":1,"a":2}',
    "escapes": b'{"a":"\\u001b]52;c;x\\u0007 \xe2\x80\xae [@click=x]hi[/"}',
    "python names": b'{"__class__":{"__init__":1},"constructor":2}',
    "spaces of its own": b'{ "a" : [ 1 , 2.50e1 ] }',
    "a text": b'"text"',
    "a number": b"17",
    "false": b"false",
}


async def ask(port: int, raw: bytes) -> Answered | None:
    """Send bytes and return the answer; None when the connection was dropped without one."""
    async with calling(port) as caller:
        try:
            return await caller.send(raw)
        except (ConnectionError, asyncio.IncompleteReadError):
            return None


async def test_bad_requests_are_refused_and_nothing_of_them_is_stored(tmp_path: Path) -> None:
    wrong: dict[str, object] = {}
    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        for what, (raw, statuses) in REFUSED.items():
            answer = await ask(port, raw)
            if answer is None or answer.status not in statuses:
                wrong[what] = answer
            elif not isinstance(answer.json.get("error"), str):
                wrong[what] = answer.body
        assert (await post(port, b'{"still":"well"}')).status == 200
        assert await program.interrupted() == 0
    assert wrong == {}
    assert (tmp_path / "out.ndjson").read_bytes() == b'{"still":"well"}\n'
    assert ledger(program.err)["in"].entered == 1
    assert "Traceback" not in program.err


async def test_a_bad_batch_names_each_bad_event(tmp_path: Path) -> None:
    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        answer = await post(port, b"[1,null,2,null]")
        assert (answer.status, [one["index"] for one in answer.json["items"]]) == (400, [1, 3])
        assert all(one["reason"] for one in answer.json["items"])
        bad = {**ENTRIES[1], "id": "a.b"}
        body = json.dumps({"events": [ENTRIES[0], bad, ENTRIES[2]]})
        answer = await post(port, body, content_type=V1)
        assert (answer.status, [one["index"] for one in answer.json["items"]]) == (400, [1])
        assert await program.interrupted() == 0
    assert (tmp_path / "out.ndjson").read_bytes() == b""


async def test_odd_payloads_are_plain_data_and_keep_their_bytes(tmp_path: Path) -> None:
    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        for what, body in ACCEPTED.items():
            answer = await post(port, body)
            assert answer.status == 200, what
            assert answer.json == {"accepted": 1, "worth": "delivered"}
        lines = b"".join(body + b"\n" for body in ACCEPTED.values())
        answer = await post(port, lines, content_type="application/x-ndjson")
        assert answer.json["accepted"] == len(ACCEPTED)
        compressed = gzip.compress(b"[1,2]")
        answer = await post(port, compressed, content_encoding="gzip")
        assert answer.json["accepted"] == 2
        answer = await post(port, zlib.compress(b"3"), content_encoding="deflate")
        assert answer.json["accepted"] == 1
        async with calling(port) as caller:
            answer = await caller.send(chunked(b"2\r\n[4\r\n1\r\n]\r\n0\r\n\r\n"))
            assert answer.json["accepted"] == 1
        assert await program.interrupted() == 0
    assert (tmp_path / "out.ndjson").read_bytes() == lines + lines + b"1\n2\n3\n4\n"


async def test_times_of_any_kind_are_kept_as_data(tmp_path: Path) -> None:
    times = [
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2016-12-31T23:59:60Z",
        "-0044-03-15T12:00:00Z", "yesterday", "",
    ]  # fmt: skip
    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        for at in times:
            assert (await post(port, envelope(timestamp=at), content_type=V1)).status == 200
        assert await program.interrupted() == 0
    kept = [json.loads(line) for line in (tmp_path / "out.ndjson").read_bytes().splitlines()]
    assert [one["timestamp"] for one in kept] == times


async def test_one_id_sent_twice_is_two_events(tmp_path: Path) -> None:
    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        for media in (V1, V2, V1 + "; charset=utf-8"):
            assert (await post(port, ENVELOPES[0], content_type=media)).status == 200
        assert await program.interrupted() == 0
    kept = (tmp_path / "out.ndjson").read_bytes().splitlines()
    assert kept == [raw_entry(ENVELOPES[0])] * 3


REJECTING = """
sinkgraph: 1
name: rejecting
vars: {hook_url: {}}
sources:
  in: {kind: http, listen: "127.0.0.1:0", path: /events, to: fan}
sinks:
  fan: {kind: broadcast, to: [audit, hooks]}
  audit: {kind: queue, to: {kind: file, path: audit.ndjson}}
  hooks: {kind: queue, capacity: 5, when_full: reject, to: {kind: retry, to: hook}}
  hook: {kind: http, url: "${var:hook_url}"}
"""


async def test_a_full_queue_is_429_stores_nothing_and_a_resend_repeats_nothing(
    tmp_path: Path,
) -> None:
    path = document(tmp_path, REJECTING)
    async with Webhook() as hook:
        args = ("run", path, "--set", f"hook_url={hook.url}")
        async with Program(*args, cwd=tmp_path) as program:
            port = await program.port()
            hook.hold.clear()
            sent = [b'{"n":%d}' % n for n in range(5)]
            for body in sent:
                assert (await post(port, body)).status == 202
            more = b'[{"n":5},{"n":6}]'
            for _ in range(3):
                answer = await post(port, more)
                assert answer.status == 429
                assert int(answer.headers["retry-after"]) >= 1
                assert "hooks" in answer.json["error"]
            hook.hold.set()
            await until(lambda: len(hook.seen) == 5, "there is room again")

            async def resend() -> int:
                return (await post(port, more)).status

            while await resend() != 202:
                pass
            await until(lambda: len(hook.seen) == 7, "the resent events arrive")
            answer = await post(port, b"[1,2,3,4,5,6]")
            assert answer.status in (413, 422, 429), "it can never fit"
            assert await program.interrupted() == 0
    assert [one["n"] for one in hook.events] == list(range(7))
    kept = (tmp_path / "audit.ndjson").read_bytes().splitlines()
    assert [json.loads(line)["n"] for line in kept] == list(range(7))
    ledger(program.err)


BLOCKING = REJECTING.replace("when_full: reject", "when_full: block").replace(
    "path: /events,", "path: /events, max_wait: 300ms,"
)


async def test_a_request_waits_for_room_and_then_gets_429(tmp_path: Path) -> None:
    path = document(tmp_path, BLOCKING)
    async with Webhook() as hook:
        args = ("run", path, "--set", f"hook_url={hook.url}")
        async with Program(*args, cwd=tmp_path) as program:
            port = await program.port()
            hook.hold.clear()
            for n in range(5):
                assert (await post(port, b'{"n":%d}' % n)).status == 202
            assert (await post(port, b'{"n":5}')).status == 429
            waiting = asyncio.ensure_future(post(port, b'{"n":6}'))
            hook.hold.set()
            answer = await waiting
            assert await program.interrupted() == 0
    expected = [*range(5), *([6] if answer.status == 202 else [])]
    assert [one["n"] for one in hook.events] == expected
    kept = (tmp_path / "audit.ndjson").read_bytes().splitlines()
    assert [json.loads(line)["n"] for line in kept] == expected


async def test_a_client_that_left_is_kept_once_or_not_at_all(tmp_path: Path) -> None:
    path = document(tmp_path, BLOCKING.replace("300ms", "20s"))
    async with Webhook() as hook:
        args = ("run", path, "--set", f"hook_url={hook.url}")
        async with Program(*args, cwd=tmp_path) as program:
            port = await program.port()
            hook.hold.clear()
            for n in range(5):
                assert (await post(port, b'{"n":%d}' % n)).status == 202
            for n in range(5, 25):
                async with calling(port) as caller:
                    caller.writer.write(request(b'{"n":%d}' % n))
                    await caller.writer.drain()
            hook.hold.set()
            await until(lambda: len(hook.seen) >= 5, "what was accepted is delivered")
            assert await program.interrupted() == 0
    delivered = [one["n"] for one in hook.events]
    kept = (tmp_path / "audit.ndjson").read_bytes().splitlines()
    assert delivered == [json.loads(line)["n"] for line in kept]
    assert delivered[:5] == list(range(5))
    assert len(delivered) == len(set(delivered))
    ledger(program.err)


TOKEN = """
sinkgraph: 1
name: guarded
sources:
  in:
    kind: http
    listen: "127.0.0.1:0"
    path: /events
    token: "${env:SINKGRAPH_TEST_TOKEN}"
    to: out
sinks:
  out: {kind: file, path: out.ndjson}
"""


async def test_a_token_is_asked_for_and_shown_nowhere(tmp_path: Path) -> None:
    secret = "canary-3f9a"
    env = {"SINKGRAPH_TEST_TOKEN": secret}
    async with Program("run", document(tmp_path, TOKEN), cwd=tmp_path, env=env) as program:
        port = await program.port()
        for given in (None, "Bearer wrong", f"Basic {secret}", f"Bearer {secret}x", "Bearer "):
            answer = await post(port, b"{}", authorization=given)
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert secret.encode() not in answer.body
        assert (await post(port, b"{}", path=f"/events?token={secret}")).status == 401
        assert (await post(port, b"{}", authorization=f"Bearer {secret}")).status == 200
        assert await program.interrupted() == 0
    assert (tmp_path / "out.ndjson").read_bytes() == b"{}\n"
    assert secret not in program.err
    assert secret.encode() not in program.out


async def test_slow_clients_are_closed_and_others_are_served(tmp_path: Path) -> None:
    """Waits for the real limits (5 s for a head, 10 s for a request), once, side by side."""
    beginnings = [
        b"",
        b"POST /events HTTP/1.1\r\nhost: h\r\n",
        request(b'{"a":1}')[:-3],
        chunked(b"2\r\n{"),
        request(b'{"a":1}', content_length="4000"),
    ]
    loop = asyncio.get_running_loop()

    async def slow(port: int, begun: bytes) -> tuple[float, bytes]:
        began = loop.time()
        async with calling(port) as caller:
            caller.writer.write(begun)
            said = await caller.closed()
        return loop.time() - began, said

    async def trickle(port: int) -> tuple[float, bytes]:
        began = loop.time()
        async with calling(port) as caller:
            reading = asyncio.ensure_future(caller.closed())
            for byte in request(b'{"a":1}', x_long="y" * 5000):
                caller.writer.write(bytes([byte]))
                await asyncio.wait([reading], timeout=0.05)
                if reading.done():
                    break
            said = await reading
        return loop.time() - began, said

    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        clients = [asyncio.ensure_future(slow(port, begun)) for begun in beginnings]
        clients.append(asyncio.ensure_future(trickle(port)))
        served = 0
        while not all(client.done() for client in clients):
            assert (await post(port, b"%d" % served)).status == 200
            served += 1
            await asyncio.wait(clients, timeout=0.5)
        results = [client.result() for client in clients]
        assert await program.interrupted() == 0
    assert max(took for took, _ in results) <= 20, "all closed at the limits, busy as it may be"
    for begun, (_, said) in zip(beginnings, results, strict=False):
        assert said == b"" if not begun else said.startswith(b"HTTP/1.1 408 ")
    assert results[-1][1].startswith(b"HTTP/1.1 408 ")
    kept = (tmp_path / "out.ndjson").read_bytes().splitlines()
    assert kept == [b"%d" % n for n in range(served)]


async def test_connections_beyond_the_cap_are_turned_away(tmp_path: Path) -> None:
    async with Program("run", document(tmp_path), cwd=tmp_path) as program:
        port = await program.port()
        opened: list[Caller] = []
        try:
            for _ in range(300):
                opened.append(Caller(*await asyncio.open_connection("127.0.0.1", port)))
            answers: list[int] = []

            async def ask_on(caller: Caller) -> None:
                try:
                    answers.append((await caller.send(request(b"1"))).status)
                except (ConnectionError, asyncio.IncompleteReadError):
                    answers.append(0)

            await asyncio.gather(*(ask_on(caller) for caller in opened))
        finally:
            for caller in opened:
                caller.writer.transport.abort()
        assert answers.count(200) == 256
        assert set(answers) <= {0, 200, 503}

        async def served() -> bool:
            answer = await ask(port, request(b"2"))
            return answer is not None and answer.status == 200

        while not await served():
            pass
        assert await program.interrupted() == 0
    kept = (tmp_path / "out.ndjson").read_bytes().splitlines()
    assert kept == [b"1"] * 256 + [b"2"]
