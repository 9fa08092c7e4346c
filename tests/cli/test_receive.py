"""The webhook receiver as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sinkgraph.cli.receive import _as_lines, _line
from sinkgraph.clock import Request
from sinkgraph.errors import DeliveryFailed
from sinkgraph.runtime.network import HttpNetwork
from sinkgraph.sources.http_wire import Head

Process = asyncio.subprocess.Process


async def start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sinkgraph", "receive", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def url_of(process: Process) -> str:
    assert process.stderr is not None
    line = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
    assert line.startswith("listening on "), line
    return line.split()[2]


@asynccontextmanager
async def receiving(*arguments: str) -> AsyncIterator[tuple[Process, str, HttpNetwork]]:
    process = await start("--listen", "127.0.0.1:0", *arguments)
    network = HttpNetwork()
    try:
        yield process, await url_of(process), network
    finally:
        await network.close()
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def post(network: HttpNetwork, url: str, body: str = "{}", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await network.send(Request("POST", url, named, body.encode()))).status


async def test_it_prints_keeps_and_ends_after_so_many(tmp_path: Path) -> None:
    out = tmp_path / "got.ndjson"
    async with receiving("--count", "3", "--out", str(out)) as (process, url, network):
        assert await post(network, f"{url}/a", '{"n":\n1}', ce_type="t", ce_id="x-1") == 200
        assert await post(network, f"{url}/b?q=1", "2\n3\n") == 200
        assert await post(network, url, "\x1b]52;c;eA==\x07") == 200
        printed, told = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    lines = printed.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["#1", "#2", "#3"]
    assert "POST /a 200 8 B t x-1" in lines[0]
    assert "\x1b" not in printed.decode()
    assert told.decode().splitlines()[-1] == "3 requests: 3 × 200"
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        {"n": 1}, 2, 3, "\x1b]52;c;eA==\x07",
    ]  # fmt: skip


async def test_it_fails_as_it_is_told(tmp_path: Path) -> None:
    out = tmp_path / "got.ndjson"
    async with receiving("--fail-rate", "1", "--out", str(out)) as (_, url, network):
        assert await post(network, url) == 503
    assert out.read_text() == ""
    async with receiving("--status", "204", "--delay", "10ms") as (_, url, network):
        assert await post(network, url) == 204
        assert await post(network, url) == 204


async def test_it_takes_one_path_if_told() -> None:
    async with receiving("--path", "/hook") as (_, url, network):
        assert url.endswith("/hook")
        assert await post(network, url) == 200
        assert await post(network, url + "/other") == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_with_a_summary(number: signal.Signals) -> None:
    async with receiving("--fail-rate", "0.5") as (process, url, network):
        for _ in range(40):
            await post(network, url)
        process.send_signal(number)
        _, told = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0
        last = told.decode().splitlines()[-1]
    assert last.startswith("40 requests: ")
    assert "× 200" in last
    assert "× 503" in last


async def test_it_goes_down_and_comes_back_on_the_same_port() -> None:
    arguments = ("--down-after", "300ms", "--down-for", "300ms")
    async with receiving(*arguments) as (process, url, network):
        assert await post(network, url) == 200
        assert process.stderr is not None
        assert await process.stderr.readline() == b"down for 0.3 s\n"
        with pytest.raises(DeliveryFailed) as caught:
            await post(network, url)
        assert caught.value.unsent
        assert await url_of(process) == url
        assert await post(network, url) == 200


async def test_nobody_reading_ends_it_quietly() -> None:
    async with receiving() as (process, url, network):
        assert process.stdout is not None
        process.stdout._transport.close()  # type: ignore[attr-defined]
        for _ in range(5):
            try:
                await post(network, url)
            except DeliveryFailed:
                break
        assert process.stderr is not None
        told = await asyncio.wait_for(process.stderr.read(), 20)
        await asyncio.wait_for(process.wait(), 20)
    assert process.returncode == 141
    assert b"Traceback" not in told


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--listen", "nonsense"], 2, "--listen"),
        (["--delay", "5"], 2, "--delay"),
        (["--fail-rate", "2"], 2, "fail-rate"),
        (["--count", "0"], 2, "count"),
        (["--path", "x"], 2, "--path"),
        (["--out", "/nowhere/x"], 1, "cannot write `/nowhere/x`"),
    ],
)
async def test_bad_options_are_one_clear_line(arguments: list[str], code: int, reason: str) -> None:
    process = await start(*arguments)
    _, told = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == code
    assert reason in told.decode().splitlines()[0]
    assert "Traceback" not in told.decode()


async def test_a_busy_port_is_named() -> None:
    async with receiving() as (_, url, _network):
        process = await start("--listen", url.removeprefix("http://"))
        _, told = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert "cannot listen on 127.0.0.1:" in told.decode()


def test_a_printed_line_cannot_steer_a_terminal() -> None:
    head = Head("POST", "/\x1b[2J", {"ce-id": "\u202e", "ce-type": "\x9b"})
    line = _line(1, head, b"\x1b]0;x\x07" + b"y" * 10_000, 200)
    assert line.isprintable()
    assert len(line) < 400


def test_bodies_become_lines() -> None:
    assert _as_lines(b'{"a":\n1}') == b'{"a": 1}\n'
    assert _as_lines(b"1\n\n2") == b"1\n2\n"
    assert _as_lines(b"a\n\xff") == '"a\\n\ufffd"\n'.encode()
    assert _as_lines(b"[" * 100_000).endswith(b'"\n')
    assert _as_lines(b"") == b""
