"""Who may do what over the control plane: every way, by every caller (P21)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.control.access import SCOPES, Access, Token, host_of, parse_tokens
from sinkgraph.control.problems import Refusal
from sinkgraph.control.ways import WAYS, Way
from tests.support.control import TOKENS, Watched, watched

HOLDS = {
    "read": {"read"},
    "tap": {"read", "tap"},
    "operate": {"read", "operate"},
    "admin": set(SCOPES),
}
STRANGE = ("nobody", "wrong", "basic")


def concrete(way: Way) -> str:
    return way.path.replace("{name}", "nonsense").replace("{number}", "x")


async def outcome(graph: Watched, way: Way, **how: object) -> int:
    """Return the status of a way's answer; streams are left after their head."""
    if way.streams and "{name}" not in way.path and way.gives == "text/event-stream":
        return await head(graph, way, **how)
    how.setdefault("headers", {})
    reply = await graph.ask(way.method, concrete(way), **how)  # type: ignore[arg-type]
    return reply.status


async def head(graph: Watched, way: Way, **how: object) -> int:
    assert graph.control.address is not None
    session, base = graph.http, "http://sinkgraph"
    headers = dict(how.get("headers") or {})  # type: ignore[call-overload]
    if "token" in how:
        session, base = graph.tcp, f"http://127.0.0.1:{graph.control.address[1]}"
        headers |= {"Authorization": f"Bearer {how['token']}"} if how["token"] else {}
    async with session.request(way.method, base + concrete(way), headers=headers) as answer:
        return answer.status


async def test_every_way_is_open_to_its_scope_and_shut_to_every_other_caller() -> None:
    tried = 0
    async with watched() as graph:
        for way in WAYS:
            for holder, scopes in HOLDS.items():
                status = await outcome(graph, way, token=TOKENS[holder])
                allowed = way.scope is None or way.scope in scopes
                assert (status != 403) == allowed, (way.method, way.path, holder, status)
                assert status not in (401, 421, 500), (way.path, holder)
                tried += 1
            for token in ("", "not-a-token-of-ours-000"):
                status = await outcome(graph, way, token=token)
                assert (status == 401) == (way.scope is not None), (way.path, token, status)
                tried += 1
            assert await outcome(graph, way) not in (401, 403, 421, 500), way.path
            tried += 1
    assert tried >= 100


@pytest.mark.parametrize("door", ["unix", "tcp"])
async def test_a_web_page_is_refused_everywhere(door: str) -> None:
    how: dict[str, object] = {} if door == "unix" else {"token": TOKENS["admin"]}
    async with watched() as graph:
        for way in WAYS:
            for name, value in (
                ("Origin", "http://localhost"),
                ("Origin", "null"),
                ("Sec-Fetch-Site", "cross-site"),
            ):
                status = await outcome(graph, way, headers={name: value}, **how)
                assert status == 403, (way.path, name)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", ""])
async def test_another_host_is_refused_but_for_probes(host: str) -> None:
    async with watched() as graph:
        for way in WAYS:
            status = await outcome(graph, way, headers={"Host": host}, token=TOKENS["admin"])
            assert (status == 421) == (way.scope is not None), (way.path, status)


async def test_only_json_is_read() -> None:
    async with watched(tcp=False) as graph:
        for way in WAYS:
            if way.asks is None:
                continue
            for content in ("text/plain", "application/x-www-form-urlencoded", "multipart/form"):
                headers = {"Content-Type": content, "If-Match": "*"}
                reply = await graph.ask("POST", concrete(way), data=b"{}", headers=headers)
                assert reply.status in (415, 501), (way.path, content, reply.status)
        for body in (b"{", b"[" * 100_000, b'{"for_s": "x"}', b'{"for": 5}', b"[]", b"NaN"):
            headers = {"Content-Type": "application/json"}
            reply = await graph.ask("POST", "/v1/nodes/q/pause", data=body, headers=headers)
            assert reply.status == 400, body[:20]


async def test_a_token_in_the_query_is_none() -> None:
    async with watched() as graph:
        reply = await graph.ask("GET", f"/v1/graph?token={TOKENS['admin']}", token="")
        assert reply.status == 401


async def test_a_name_that_was_told_is_a_host_of_ours() -> None:
    async with watched(listen={"hosts": ["graph.internal"]}) as graph:
        how: dict[str, Any] = {"token": TOKENS["read"], "headers": {"Host": "Graph.Internal:9000"}}
        assert (await graph.ask("GET", "/v1/graph", **how)).status == 200


async def test_readiness_tells_nodes_only_to_those_who_may_read() -> None:
    async with watched() as graph:
        assert "nodes" not in await graph.get("/readyz", token="")
        assert "nodes" in await graph.get("/readyz", token=TOKENS["read"])
        assert "nodes" in await graph.get("/readyz")


async def test_the_socket_is_closed_to_others(runtime: Path) -> None:
    async with watched() as graph:
        path = graph.control.socket or ""
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.stat(runtime).st_mode & 0o777 == 0o700
        assert path.startswith(str(runtime))
    assert os.listdir(runtime) == []


def test_another_user_of_the_socket_is_refused() -> None:
    access = Access(uids=[4711])
    peer = {"door": "unix", "uid": 4712}
    with pytest.raises(Refusal, match="uid 4712 is not who runs this graph"):
        access.caller({"host": "localhost"}, peer)
    assert access.caller({"host": "localhost"}, {**peer, "uid": 4711}).name == "uid 4711"


def test_on_an_address_the_user_of_a_socket_counts_for_nothing() -> None:
    with pytest.raises(Refusal) as caught:
        Access().caller({"host": "localhost"}, {"door": "tcp", "uid": os.geteuid()})
    assert caught.value.status == 401


def test_tokens_are_read_line_by_line() -> None:
    text = "# of the graph\nann read,tap aaaaaaaaaaaaaaaa\nbob operate bbbbbbbbbbbbbbbb\n"
    ann, bob = parse_tokens(text, "tokens")
    assert (ann.name, set(ann.scopes)) == ("ann", {"read", "tap"})
    assert (bob.name, set(bob.scopes)) == ("bob", {"read", "operate"})
    assert parse_tokens("cccccccccccccccc\n", "tokens")[0].scopes == frozenset(SCOPES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "tokens holds no token"),
        ("# none\n\n", "tokens holds no token"),
        ("short", "the token on line 1 of tokens is shorter than 16 characters"),
        ("a b c d", "line 1 of tokens is not `NAME SCOPE[,SCOPE] TOKEN`"),
        ("\nann write aaaaaaaaaaaaaaaa", "line 2 of tokens names no scope: a scope is read, tap,"),
        ("an:n read aaaaaaaaaaaaaaaa", "line 1 of tokens has no name that can stand in a journal"),
        ("a read aaaaaaaaaaaaaaaa\na tap bbbbbbbbbbbbbbbb", "gives the name `a` a second time"),
    ],
)
def test_what_is_no_list_of_tokens_is_named_by_its_line_and_never_shown(
    text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        parse_tokens(text, "tokens")
    assert "aaaaaaaaaaaaaaaa" not in str(caught.value)


def test_a_token_is_not_kept_as_text() -> None:
    assert "s3cr3t" not in repr(Token.of("a", "s3cr3t-s3cr3t-s3cr3t", ["read"]))


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:80", "localhost"),
        ("[::1]:9000", "::1"),
        (" 127.0.0.1 ", "127.0.0.1"),
        ("a:b@localhost", "a"),
        ("", ""),
    ],
)
def test_a_host_is_what_stands_before_the_port(header: str, host: str) -> None:
    assert host_of(header) == host
