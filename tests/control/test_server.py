"""Where the control plane listens: what is in its place, and what happens when it cannot be had."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from sinkgraph.control.access import Token
from sinkgraph.control.server import Control, Listen
from sinkgraph.graph.load import load
from sinkgraph.runtime.run import run
from tests.support.control import DOCUMENT, End, watched

TOKEN = Token.of("t", "0123456789abcdef", ["read"])


async def warnings_of(listen: Listen) -> list[str]:
    """Return what is warned of when a graph is run so; it always runs."""
    told: list[str] = []
    graph = load(DOCUMENT)
    async with run(graph, provide={"end": End()}) as live:
        async with Control(live, graph=graph, listen=listen, warn=told.append):
            await live.write({"n": 1}, to="in")
        assert (await live.close()).residue == 0
    return told


async def test_a_socket_of_a_dead_run_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    assert await warnings_of(Listen(socket=str(place))) == []
    assert not place.exists()


async def test_what_is_no_socket_is_left_alone_and_warned_of(tmp_path: Path) -> None:
    place = tmp_path / "c.sock"
    place.write_text("mine")
    (said,) = await warnings_of(Listen(socket=str(place)))
    assert said.startswith("the control plane cannot use a socket for it: something that is no")
    assert place.read_text() == "mine"


async def test_a_live_socket_is_never_stolen() -> None:
    async with watched(tcp=False) as graph:
        (said,) = await warnings_of(Listen(socket=graph.control.socket))
        assert "another run listens there" in said
        assert (await graph.get("/livez"))["ready"] is True


async def test_a_path_that_is_too_long_is_warned_of(tmp_path: Path) -> None:
    (said,) = await warnings_of(Listen(socket=str(tmp_path / ("x" * 120))))
    assert said.startswith("the control plane cannot use a socket for it: ")


async def test_an_address_that_is_taken_is_warned_of() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = Listen(unix=False, tcp=taken.getsockname(), tokens=[TOKEN])
        (said,) = await warnings_of(listen)
        assert "address already in use" in said


async def test_an_address_without_a_token_is_refused() -> None:
    async with run(load(DOCUMENT), provide={"end": End()}) as live:
        with pytest.raises(ValueError, match="needs a token"):
            Control(live, listen=Listen(tcp=("127.0.0.1", 0)))


async def test_a_tree_of_sinks_is_watched_without_a_document() -> None:
    from sinkgraph.sinks import Blackhole, Queue

    async with run(Queue(Blackhole())) as live, Control(live) as control:
        await live.write({"n": 1})
        view = control.desk.sampler.view()
        roles = {name: node["role"] for name, node in view["nodes"].items()}
        assert roles["queue"] == "change"
        assert roles["blackhole"] == "terminal"


async def test_watchers_are_bounded() -> None:
    async with watched(tcp=False) as graph:
        graph.control.desk.sampler.hub.most_readers = 2
        taps, streams = [], []
        for _ in range(8):
            taps.append(await graph.http.get("http://sinkgraph/v1/tap/q"))
            assert await taps[-1].content.readline() == b": tapped\n"
        assert (await graph.ask("GET", "/v1/tap/q")).status == 503
        for _ in range(2):
            streams.append(await graph.http.get("http://sinkgraph/v1/stream"))
        assert (await graph.ask("GET", "/v1/stream")).status == 503
        for one in (*taps, *streams):
            one.close()
