"""Sources over reloads: http sources swap what they are reached by, file sources go on reading."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
from pathlib import Path
from typing import Any

import aiohttp

import sinkgraph
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.outcome import Refused
from sinkgraph.testing import World, simulate
from tests.support.program import until
from tests.support.reloading import applied, chain, document, edited, numbers
from tests.support.running import listening


def with_source(**source: Any) -> dict[str, Any]:
    return {
        "sinkgraph": 1,
        "name": "swapped",
        "sources": {"in": {"kind": "http", "listen": "127.0.0.1:0", "to": "hole", **source}},
        "sinks": {"hole": {"kind": "blackhole"}},
    }


async def posted(port: int, path: str = "/", token: str | None = None) -> int:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    url = f"http://127.0.0.1:{port}{path}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json={"n": 1}) as answer,
    ):
        return answer.status


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


async def refused_at(port: int) -> bool:
    try:
        await posted(port)
    except aiohttp.ClientConnectionError:
        return True
    return False


async def test_a_path_and_a_token_are_others_on_the_same_socket_and_come_back() -> None:
    one = with_source(path="/one", token="first-token-0123456789")
    two = with_source(path="/two", token="other-token-0123456789")
    async with sinkgraph.run(one) as live:
        port = listening(live, "in")
        for old, new in ((one, two), (two, one)) * 2:
            was, now = old["sources"]["in"], new["sources"]["in"]
            assert await posted(port, was["path"], was["token"]) == 200
            await applied(live, new)
            assert listening(live, "in") == port
            assert await posted(port, was["path"], was["token"]) == 404
            assert await posted(port, now["path"], was["token"]) == 401
            assert await posted(port, now["path"], now["token"]) == 200
    assert live.report is not None
    assert live.report.residue == 0


async def test_an_address_changes_and_comes_back_and_a_busy_one_changes_nothing() -> None:
    first, second = free_port(), free_port()
    one, two = (with_source(listen=f"127.0.0.1:{port}") for port in (first, second))
    async with sinkgraph.run(one) as live:
        for _ in range(2):
            await applied(live, two)
            assert await posted(second) == 200
            await until(lambda: not live.topology.retiring, "the old one has gone")
            assert await refused_at(first)
            with socket.create_server(("127.0.0.1", first)):
                result = await live.reload(one)
                assert isinstance(result, Refused)
                assert f"{first}" in str(result)
                assert await posted(second) == 200
            await applied(live, one)
            assert await posted(first) == 200
            await until(lambda: not live.topology.retiring, "the old one has gone")
            assert await refused_at(second)


def following(folder: Path, name: str = "log", **more: Any) -> dict[str, Any]:
    source = {"kind": "file", "paths": [str(folder / "in.ndjson")], "follow": True, "to": "out"}
    return {
        "sinkgraph": 1,
        "name": "followed",
        "sources": {name: {**source, **more}, "idle": {"kind": "inlet", "to": "out"}},
        "sinks": {"out": {"kind": "file", "path": str(folder / "out.ndjson")}},
    }


def append(folder: Path, *given: int) -> None:
    with (folder / "in.ndjson").open("a") as file:
        file.writelines(f'{{"n":{n}}}\n' for n in given)


def written(folder: Path) -> list[int]:
    made = folder / "out.ndjson"
    lines = made.read_bytes().rpartition(b"\n")[0].splitlines() if made.exists() else []
    return [json.loads(line)["n"] for line in lines]


async def come(folder: Path, count: int) -> None:
    await until(lambda: len(written(folder)) >= count, f"{count} lines")


async def quiet(live: Live) -> None:
    await until(lambda: not live.topology.retiring, "what left has gone")


async def test_a_file_source_reads_on_where_it_was_also_under_another_name(tmp_path: Path) -> None:
    append(tmp_path, 0, 1)
    state = tmp_path / "state"
    async with sinkgraph.run(following(tmp_path), state_dir=state) as live:
        await come(tmp_path, 2)
        await applied(live, following(tmp_path, description="read on"))
        append(tmp_path, 2)
        await come(tmp_path, 3)
        await applied(live, following(tmp_path, "lines", was="log"))
        await quiet(live)
        append(tmp_path, 3)
        await come(tmp_path, 4)
        assert await live.drain(10)
    async with sinkgraph.run(following(tmp_path, "lines"), state_dir=state):
        append(tmp_path, 4)
        await come(tmp_path, 5)
    assert written(tmp_path) == [0, 1, 2, 3, 4]


def test_a_renamed_dedupe_knows_what_it_saw() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test")
        sinks = {"once": {"kind": "dedupe", "by": "data.n", "to": "queue"}, **chain()}
        before = document(sinks, to="once")
        after = copy.deepcopy(before)
        after["sources"]["in"]["to"] = "unique"
        after["sinks"]["unique"] = {**after["sinks"].pop("once"), "was": "once"}
        async with world.run(before, drain=0) as live:
            for n in (1, 2):
                await live.write({"n": n})
            await applied(live, after)
            for n in (2, 3, 1):
                await live.write({"n": n})
            assert await live.drain(100)
        assert numbers(host) == [1, 2, 3]

    simulate(story)


def test_a_filter_before_a_queue_changes_while_events_come() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test", latency=0.5)
        sinks = {"odd": {"kind": "filter", "where": "data.n % 2 == 1", "to": "queue"}, **chain()}
        before = document(sinks, to="odd")
        after = edited(before, odd={"where": "data.n % 2 == 0"})
        async with world.run(before, drain=0) as live:
            for turn in range(10):
                writing = asyncio.gather(
                    *(live.write({"n": n}) for n in range(turn * 10, turn * 10 + 10))
                )
                await writing
                await applied(live, after if turn % 2 == 0 else before)
            assert await live.drain(1000)
        wanted = [n for n in range(100) if n % 2 != (n // 10) % 2]
        assert numbers(host) == wanted

    simulate(story)


def test_a_name_that_comes_back_while_its_old_node_drains_loses_nothing() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test", latency=1.0)
        before = document(chain(http_max_batch=1, http_format="json"))
        without = document({"queue-2": {**chain()["queue"], "to": "http-2"}})
        without["sinks"]["http-2"] = {"kind": "http", "url": "http://b.test/"}
        world.destination("http://b.test")
        async with world.run(before, drain=0) as live:
            for n in range(5):
                await live.write({"n": n})
            await applied(live, without, drain=100)
            result = await live.reload(before)
            if not result:
                assert "it can go back when that is done" in str(result)
                await asyncio.sleep(20)
                await applied(live, before)
            for n in range(5, 8):
                await live.write({"n": n})
            assert await live.drain(100)
        assert numbers(host) == list(range(8))

    simulate(story)
