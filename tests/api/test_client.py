"""The client: typed answers, refusals, streams that come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sinkgraph.api.addresses import Address, Unreachable
from sinkgraph.api.client import Client, Refused
from sinkgraph.api.folding import Folded
from sinkgraph.api.messages import TapEvent, TapGap
from sinkgraph.api.sse import Message, messages_of
from sinkgraph.control.server import Control, Listen
from sinkgraph.graph.load import load
from sinkgraph.runtime.run import run
from tests.support.control import DOCUMENT, TOKENS, End, Watched, watched
from tests.support.program import until


def client(graph: Watched, token: str | None = None) -> Client:
    if token is not None:
        assert graph.control.address is not None
        return Client(Address(url=f"http://127.0.0.1:{graph.control.address[1]}"), token=token)
    return Client(Address(socket=graph.control.socket))


async def test_it_reads_all_there_is_to_read() -> None:
    async with watched() as graph, client(graph) as one:
        await graph.live.write({"n": 1}, to="in")
        seen = await one.graph()
        assert {node.name: node.role for node in seen.nodes}["q"] == "reliability"
        assert ("in", "to", "fan") in {(e.source, e.port, e.target) for e in seen.edges}
        snapshot = await one.snapshot()
        assert snapshot.nodes["again"].breaker is not None
        assert snapshot.residue == 0
        assert (await one.health()).ready
        history = await one.history(nodes=["q"])
        assert list(history.nodes) == ["q"]
        assert len(history.at) == len(history.nodes["q"]["depth"])
        assert (await one.history(since=4e9)).at == []
        assert [e.kind for e in (await one.events(limit=1)).entries] != []
        assert (await one.letter_groups(node="q")).total == 0


async def test_it_writes_and_acts() -> None:
    async with watched() as graph, client(graph) as one:
        assert await one.write([{"n": 1}, {"n": 2}], to="in", type="t") == 2
        done = await one.act("pause", "eu/kept", for_s=5, why="because")
        assert (done.state, done.changed) == ("paused", True)
        assert (await one.act("trip", "again")).state == "isolated"
        assert (await one.act("reset", "again")).state == "closed"


async def test_a_refusal_carries_its_problem() -> None:
    async with watched() as graph, client(graph) as one:
        with pytest.raises(Refused, match="no node is named `qq`") as caught:
            await one.act("pause", "qq")
        assert (caught.value.problem.status, caught.value.problem.nearest) == (404, "q")
        with pytest.raises(Refused) as invalid:
            await one.act("pause", "q", for_s=-1)
        assert invalid.value.problem.errors == ["for_s: input should be greater than 0"]
        with pytest.raises(Refused, match="cannot be reloaded"):
            await one.apply("x")


async def test_a_token_is_sent_over_an_address() -> None:
    async with watched() as graph:
        async with client(graph, token=TOKENS["read"]) as one:
            await one.snapshot()
            with pytest.raises(Refused, match="needs the scope `operate`"):
                await one.act("pause", "q")
        async with client(graph, token="wrong-token-0000000") as one:
            with pytest.raises(Refused, match="not known"):
                await one.snapshot()


async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    for address in (Address(socket=str(tmp_path / "none.sock")), Address(url="http://127.0.0.1:1")):
        async with Client(address) as one:
            with pytest.raises(Unreachable, match="cannot reach"):
                await one.snapshot()


async def test_a_client_that_was_not_entered_says_so() -> None:
    with pytest.raises(Exception, match="enter the client first"):
        await Client(Address(socket="/x")).snapshot()


async def test_what_is_watched_is_what_a_snapshot_says() -> None:
    async with watched() as graph, client(graph) as one:
        seen = one.watch()
        first = await anext(seen)
        assert first.live
        await graph.post("/v1/nodes/q/pause")
        for k in range(5):
            await graph.live.write({"n": k}, to="in")
        async with asyncio.timeout(20):
            async for one_seen in seen:
                if one_seen.snapshot and one_seen.snapshot.nodes["q"].depth >= 5:
                    break
        graph.control.desk.sampler.look()
        last = await anext(seen)
        assert last.snapshot is not None
        now = await one.snapshot()
        assert last.snapshot.nodes["q"].model_dump(exclude={"oldest_s", "in_per_s"}) == now.nodes[
            "q"
        ].model_dump(exclude={"oldest_s", "in_per_s"})
        await seen.aclose()  # type: ignore[attr-defined]


async def test_a_lost_graph_is_said_and_found_again(tmp_path: Path) -> None:
    socket = str(tmp_path / "c.sock")
    graph = load(DOCUMENT)
    async with Client(Address(socket=socket)) as one:
        seen = one.watch()
        lost = await anext(seen)
        assert (lost.live, lost.snapshot) == (False, None)
        for k in range(2):
            async with (
                run(graph, provide={"end": End()}) as live,
                Control(live, graph=graph, listen=Listen(socket=socket)),
            ):
                async with asyncio.timeout(20):
                    found = await anext(seen)
                    while not found.live:
                        found = await anext(seen)
                assert found.snapshot is not None
                assert found.snapshot.run_id == live.topology.run_id
            lost = await anext(seen)
            while lost.live:
                lost = await anext(seen)
            assert lost.snapshot is not None, k
            assert lost.error
        await seen.aclose()  # type: ignore[attr-defined]


async def test_the_journal_is_followed() -> None:
    async with watched() as graph, client(graph) as one:
        entries = one.journal()
        kinds = [(await anext(entries)).kind]
        await graph.post("/v1/nodes/q/pause")
        async with asyncio.timeout(10):
            while kinds[-1] != "queue_paused":
                kinds.append((await anext(entries)).kind)
        assert kinds[0] == "graph_started"
        await entries.aclose()  # type: ignore[attr-defined]


async def test_a_tap_shows_events_and_what_was_left_out() -> None:
    async with watched() as graph, client(graph) as one:
        shown = one.tap("eu/kept", where="data.n > 1", rate=50)

        async def write() -> None:
            await until(lambda: graph.control.desk.taps)
            for k in range(4):
                await graph.live.write({"n": k, "token": "x"}, to="in")

        writing = asyncio.ensure_future(write())
        found: list[TapEvent] = []
        async with asyncio.timeout(10):
            async for message in shown:
                if isinstance(message, TapEvent):
                    found.append(message)
                elif message.seen >= 4:
                    break
        await writing
        assert [event.data for event in found] == [
            {"n": 2, "token": "***"},
            {"n": 3, "token": "***"},
        ]
        assert isinstance(message, TapGap)
        assert (message.shown, message.filtered) == (2, 2)
        await shown.aclose()  # type: ignore[attr-defined]


async def test_a_wrong_expression_is_refused() -> None:
    async with watched() as graph, client(graph) as one:
        with pytest.raises(Refused, match="`where` is not an expression"):
            await anext(one.tap("q", where="data.n >"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_messages_are_read_however_they_are_cut(size: int) -> None:
    text = (
        b"retry: 1\n\n: hello\n\nid: r.1\nevent: full\ndata: {}\n\ndata: a\ndata: b\n\nevent: x\n\n"
    )

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(text), size):
            yield text[at : at + size]

    assert [one async for one in messages_of(chunks())] == [
        Message("full", b"{}", "r.1"),
        Message("message", b"a\nb", None),
    ]


async def test_a_message_without_end_is_refused() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    with pytest.raises(Unreachable, match="larger than 5000 bytes"):
        async for _ in messages_of(chunks(), most=5000):
            pass


def test_a_delta_that_does_not_follow_is_a_lost_connection() -> None:
    with pytest.raises(Unreachable, match="missing"):
        Folded().take(
            Message("delta", b'{"seq":4,"at":1,"snapshot":{},"nodes":{},"gone":[]}', "r.4")
        )
