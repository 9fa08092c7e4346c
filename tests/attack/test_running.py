"""What stands where running graphs are looked for, and what answers there, hangs no command."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from sinkgraph.api.addresses import Address, Unreachable, running
from sinkgraph.api.client import Client, Refused
from sinkgraph.cli.main import cli

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
RECORD = {
    "pid": 1, "name": "evil", "socket": "/nope", "url": None, "state_dir": None, "started_at": 1.0,
}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "runs"
    made.mkdir(mode=0o700)
    return made


def test_a_pipe_among_the_records_is_passed_by(place: Path) -> None:
    os.mkfifo(place / "a.1.run.json")
    (place / "b.2.run.json").symlink_to("/dev/zero")
    (place / "c.3.run.json").mkdir()
    assert running(str(place)) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "[" * 60_000, json.dumps({**RECORD, "pid": "x"}), '{"pid": 1e999}'],
)
def test_a_record_that_is_none_is_no_running_graph(place: Path, text: str) -> None:
    (place / "a.1.run.json").write_text(text)
    assert running(str(place)) == []


async def answering(answer: Answer, ask: Callable[[Client], Awaitable[object]]) -> str:
    """Return what is said of a server that is no graph."""
    ended: list[asyncio.Event] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done = asyncio.Event()
        ended.append(done)
        try:
            await answer(reader, writer)
        finally:
            writer.close()
            await writer.wait_closed()
            done.set()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with Client(Address(url=f"http://127.0.0.1:{port}"), timeout_s=0.3) as client:
            with pytest.raises(Unreachable) as caught:
                await ask(client)
        for one in ended:
            await one.wait()
    return str(caught.value).replace(f":{port}", "")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\n\x1b[31m{"error":"x"}'[:-1])
    await writer.drain()


async def test_who_was_asked_to_act_and_says_nothing_may_have_done_it() -> None:
    said = "http://127.0.0.1 was asked, and it is not known whether it does it: no answer in time"
    assert await answering(silent, lambda client: client.act("pause", "q")) == said


async def test_who_was_asked_to_act_and_goes_away_may_have_done_it() -> None:
    said = await answering(hasty, lambda client: client.act("pause", "q"))
    assert said.startswith("http://127.0.0.1 was asked, and it is not known whether it does it: ")


async def test_who_only_was_looked_at_and_says_nothing_cannot_be_reached() -> None:
    said = await answering(silent, lambda client: client.snapshot())
    assert said == "cannot reach http://127.0.0.1: no answer in time"


async def test_another_program_is_told_from_a_graph() -> None:
    said = await answering(other, lambda client: client.snapshot())
    assert said == "http://127.0.0.1 does not speak as a graph does: it answered 404"


async def test_nobody_there_is_told_in_plain_words() -> None:
    async with Client(Address(url="http://127.0.0.1:1")) as client:
        with pytest.raises(Unreachable) as caught:
            await client.snapshot()
    assert str(caught.value) == "cannot reach http://127.0.0.1:1: connection refused"


@pytest.mark.parametrize("name", ["..", "", ".", "q/../h", "../breakers/r", "/", "a//b"])
async def test_what_no_node_can_be_called_is_not_sent(name: str) -> None:
    async with Client(Address(url="http://127.0.0.1:1")) as client:
        with pytest.raises(Refused, match="no node is named"):
            await client.act("pause", name)
        with pytest.raises(Refused, match="no node is named"):
            await anext(client.tap(name))


@pytest.mark.parametrize("lasting", ["0s", "31d", "1000d"])
def test_how_long_a_pause_may_last_is_told_in_the_words_of_the_command(lasting: str) -> None:
    done = CliRunner().invoke(cli, ["pause", "q", "--for", lasting], prog_name="sinkgraph")
    assert done.exit_code == 2
    assert f"`--for {lasting}` is not between 1ms and 30d" in done.stderr


def test_a_document_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yaml")
    done = CliRunner().invoke(cli, ["apply", missing], prog_name="sinkgraph")
    assert done.exit_code == 1
    assert f"{missing}: the document does not exist" in done.stderr
