"""Standard output: pipes that fill, readers that leave, terminals that must not be steered."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import PartialWrite, SinkClosed
from sinkgraph.event import Batch, Json
from sinkgraph.sinks.stdout import Stdout


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=0.0)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = list(os.pipe())
    yield ends[0], ends[1]
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


async def test_events_are_lines(pipe: tuple[int, int]) -> None:
    sink = Stdout(pipe[1])
    await sink.open()
    await sink.write(batch({"a": "\x1b[0m"}, Json(b"[1,\n2]")))
    assert os.read(pipe[0], 1000) == b'{"a":"\\u001b[0m"}\n[1, 2]\n'
    assert sink.ledger.delivered == 2


async def test_a_regular_file_is_written_at_once(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "out", os.O_CREAT | os.O_WRONLY)
    await Stdout(fd).write(batch(*range(10_000)))
    os.close(fd)
    assert (tmp_path / "out").read_text().split() == [str(k) for k in range(10_000)]


async def test_a_full_pipe_makes_the_writer_wait_and_not_the_loop(pipe: tuple[int, int]) -> None:
    sink = Stdout(pipe[1])
    payload = "x" * 300_000
    writing = asyncio.ensure_future(sink.write(batch(payload)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not writing.done()
    got = bytearray()

    def drain() -> None:
        while len(got) < len(payload) + 3:
            got.extend(os.read(pipe[0], 65_536))

    thread = threading.Thread(target=drain)
    thread.start()
    await writing
    thread.join(10)
    assert json.loads(got) == payload


async def test_a_reader_that_left_closes_the_sink(pipe: tuple[int, int]) -> None:
    sink = Stdout(pipe[1])
    os.close(pipe[0])
    for _ in range(2):
        with pytest.raises(SinkClosed, match="nobody reads"):
            await sink.write(batch(1))
    assert sink.ledger.returned == 2


async def test_a_closed_descriptor_refuses_the_start(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    with pytest.raises(OSError, match="the output is closed"):
        await Stdout(pipe[1]).open()


async def test_a_cancelled_write_tears_no_line(pipe: tuple[int, int]) -> None:
    sink = Stdout(pipe[1])
    first, second = "a" * 100_000, "b" * 100_000
    writing = asyncio.ensure_future(sink.write(batch(first, second)))
    for _ in range(50):
        await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    got = bytearray()

    def drain() -> None:
        while not got.endswith(b"7\n"):
            got.extend(os.read(pipe[0], 65_536))

    thread = threading.Thread(target=drain)
    thread.start()
    await sink.write(batch(7))
    thread.join(10)
    lines = [json.loads(line) for line in got.splitlines()]
    assert lines == [first, 7]


async def test_closing_wakes_a_writer_that_waits(pipe: tuple[int, int]) -> None:
    sink = Stdout(pipe[1])
    writing = asyncio.ensure_future(sink.write(batch("x" * 300_000)))
    for _ in range(50):
        await asyncio.sleep(0)
    await sink.close()
    await sink.close()
    with pytest.raises(SinkClosed):
        await writing


async def test_what_json_cannot_hold_is_owed_alone(pipe: tuple[int, int]) -> None:
    with pytest.raises(PartialWrite) as caught:
        await Stdout(pipe[1]).write(batch(1, {"a": object()}))
    assert len(caught.value.owed) == 1
    assert os.read(pipe[0], 100) == b"1\n"


async def test_a_terminal_is_not_steered() -> None:
    leader, follower = pty.openpty()
    try:
        sink = Stdout(follower)
        await sink.open()
        text = "\x9b31m \x7f \u202e \x1b]52;c;eA==\x07"
        await sink.write(batch(Json(json.dumps(text, ensure_ascii=False).encode()), text))
        shown = os.read(leader, 4096)
    finally:
        os.close(leader)
        os.close(follower)
    lines = shown.decode().split()
    assert not any(ord(one) < 32 or ord(one) >= 127 for line in lines for one in line)
    assert [json.loads(line) for line in shown.decode().splitlines()] == [text, text]
