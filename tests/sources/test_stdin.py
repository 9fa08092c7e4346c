"""Standard input: pipes, files, ends, lines without end."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.sources.stdin import Stdin
from tests.support.contexts import Recorder, dead_letters, make_context


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = list(os.pipe())
    yield ends[0], ends[1]
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


def reading(sink: Any, fd: int, **options: Any) -> Stdin:
    source = Stdin(sink, fd=fd, **options)
    source.name = "stdin"
    source.bind(make_context())
    return source


async def test_lines_are_read_to_the_end(pipe: tuple[int, int]) -> None:
    sink = Recorder()
    source = reading(sink, pipe[0])
    await source.open()
    os.write(pipe[1], b'{"a":1}\n\n2\nbad\n"last"')
    os.close(pipe[1])
    await source.run(source.to)
    assert sink.data == [{"a": 1}, 2, "last"]
    (dead,) = dead_letters(source.bound)
    assert dead.data == "bad"
    assert dead.meta["reason"] == "bad_line"
    assert (source.ledger.delivered, source.ledger.dead_lettered) == (3, 1)
    assert source.account().residue == 0
    assert source.facts()["bad_lines"] == 1


async def test_a_file_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"".join(b"%d\n" % k for k in range(5_000)))
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    sink = Recorder()
    source = reading(sink, fd)
    await source.run(source.to)
    os.close(fd)
    assert sink.data == list(range(5_000))
    assert max(sink.sizes) <= 1_000


async def test_nothing_is_read_from_dev_null() -> None:
    fd = os.open("/dev/null", os.O_RDONLY)
    source = reading(Recorder(), fd)
    await source.run(source.to)
    os.close(fd)
    assert source.ledger.entered == 0


async def test_what_comes_later_is_waited_for(pipe: tuple[int, int]) -> None:
    sink = Recorder()
    source = reading(sink, pipe[0], format="lines")
    running = asyncio.ensure_future(source.run(source.to))
    await asyncio.sleep(0)
    os.write(pipe[1], b"one\ntw")
    await sink.asked.wait()
    assert sink.data == ["one"]
    os.write(pipe[1], b"o\n")
    os.close(pipe[1])
    await running
    assert sink.data == ["one", "two"]


async def test_stop_ends_a_waiting_read(pipe: tuple[int, int]) -> None:
    source = reading(Recorder(), pipe[0])
    running = asyncio.ensure_future(source.run(source.to))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.stop()
    await running


async def test_a_line_without_end_is_bounded(pipe: tuple[int, int]) -> None:
    sink = Recorder()
    source = reading(sink, pipe[0], max_line=1_000)

    def feed() -> None:
        for _ in range(100):
            os.write(pipe[1], b"x" * 100_000)
        os.write(pipe[1], b'\n"ok"\n')
        os.close(pipe[1])

    thread = threading.Thread(target=feed)
    thread.start()
    await source.run(source.to)
    thread.join(10)
    assert sink.data == ["ok"]
    (dead,) = dead_letters(source.bound)
    assert len(dead.data) <= 1024
    assert "10000000 bytes long" in dead.meta["errors"][0]


async def test_registry_notifications_are_taken_apart(pipe: tuple[int, int]) -> None:
    sink = Recorder()
    source = reading(sink, pipe[0], registry=True)
    os.write(pipe[1], b'{"events":[{"id":"a","action":"push"},{"id":"b","action":"pull"}]}\n')
    os.close(pipe[1])
    await source.run(source.to)
    assert [event.type for event in sink.events] == [
        "docker.registry.push",
        "docker.registry.pull",
    ]


async def test_a_closed_input_refuses_the_start(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(OSError, match="the input is closed"):
        await reading(Recorder(), pipe[0]).open()
