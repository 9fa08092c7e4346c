"""Files read and followed: rotation, truncation, positions; nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, SinkClosed
from sinkgraph.sinks.backoff import ExponentialBackoff
from sinkgraph.sources import base
from sinkgraph.sources.file import FileSource
from tests.support.contexts import Journal, Recorder, dead_letters, make_context


def reading(sink: Any, *paths: Path | str, **options: Any) -> FileSource:
    source = FileSource(sink, [str(path) for path in paths], **options)
    source.name = "logs"
    source.bind(make_context())
    return source


async def read(*paths: Path | str, position: Any = None, **options: Any) -> tuple[Any, FileSource]:
    sink = Recorder()
    source = reading(sink, *paths, **options)
    await source.open()
    await source.run(source.to, position)
    return sink.data, source


class Following(Recorder):
    """Remembers, and can be waited for until it has so many."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()

    async def write(self, events: Any) -> None:
        await super().write(events)
        self.came.set()

    async def until(self, n: int) -> list[Any]:
        async with asyncio.timeout(10):
            while len(self.events) < n:
                self.came.clear()
                await self.came.wait()
        return self.data


@asynccontextmanager
async def following(
    *paths: Path | str, **options: Any
) -> AsyncIterator[tuple[Following, FileSource]]:
    sink = Following()
    source = reading(sink, *paths, follow=True, poll_s=0.005, **options)
    await source.open()
    running = asyncio.ensure_future(source.run(source.to, options.get("position")))
    try:
        yield sink, source
    finally:
        source.stop()
        await asyncio.wait_for(running, 10)
        assert source.account().residue == 0


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text('{"a":1}\n\nbad\n"last"')
    data, source = await read(log)
    assert data == [{"a": 1}, "last"]
    assert [event.data for event in dead_letters(source.bound)] == ["bad"]
    assert source.position["files"][0][2] == log.stat().st_size


async def test_globs_are_read_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.log", "a.log", "c.txt"):
        (tmp_path / name).write_text(f'"{name}"\n')
    (tmp_path / "dir.log").mkdir()
    data, _ = await read(f"{tmp_path}/*.log", tmp_path / "a.log")
    assert data == ["a.log", "b.log"]


async def test_large_files_come_in_batches(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{k}\n" for k in range(30_000)))
    sink = Recorder()
    source = reading(sink, log)
    await source.run(source.to)
    assert sink.data == list(range(30_000))
    assert max(sink.sizes) == 1_000


async def test_plain_lines_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"GET /\r\n\xff\n{\n")
    data, _ = await read(tmp_path / "a.log", format="lines")
    assert data == ["GET /", b"\xff", "{"]


async def test_reading_goes_on_at_a_position(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n2\n")
    data, source = await read(log)
    position = source.position
    append(log, "3\n")
    (tmp_path / "new.log").write_text("9\n")
    data, source = await read(f"{tmp_path}/*.log", position=position)
    assert data == [3, 9]
    again, _ = await read(f"{tmp_path}/*.log", position=source.position)
    assert again == []


async def test_the_position_moves_only_with_what_was_accepted(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{k}\n" for k in range(1000, 3500)))
    sink = Recorder()
    source = reading(sink, log)
    write = sink.write

    async def closing(events: Any) -> None:
        if len(sink.events) >= 2_000:
            raise SinkClosed("closed")
        await write(events)

    sink.write = closing  # type: ignore[method-assign]
    source.to.retarget(sink)
    await source.run(source.to)
    assert source.position["files"][0][2] == 2_000 * 5
    assert source.last_error == "closed"
    data, _ = await read(log, position=source.position)
    assert data == list(range(3000, 3500))


async def test_a_failing_target_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_BACKOFF", ExponentialBackoff(base=0.0, cap=0.01))
    (tmp_path / "a.log").write_text("1\n2\n")
    sink = Recorder(DeliveryFailed("down"), DeliveryFailed("down"))
    source = reading(sink, tmp_path / "a.log")
    await source.run(source.to)
    assert sink.data == [1, 2]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "there is no file"),
        (lambda path: path.mkdir(), "is not a regular file"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
    ],
)
async def test_what_cannot_be_read_refuses_the_start(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "in")
    with pytest.raises(OSError, match=reason):
        await reading(Recorder(), tmp_path / "in").open()


async def test_a_long_line_is_set_apart(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("1\n" + "x" * 5_000 + "\n2\n")
    data, source = await read(tmp_path / "a.log", max_line=100)
    assert data == [1, 2]
    assert source.bad_lines == 1
    assert source.position["files"][0][2] == 5_005


async def test_a_growing_file_is_followed_and_a_torn_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n2")
    async with following(log) as (sink, source):
        await sink.until(1)
        append(log, "2\n3\n")
        assert await sink.until(3) == [1, 22, 3]
        append(log, "4")
    assert sink.data == [1, 22, 3]
    assert source.position["files"][0][2] == 7


async def test_following_may_begin_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n")
    async with following(f"{tmp_path}/*.log", start="end") as (sink, source):
        await asyncio.sleep(0)
        assert source.facts()["files"] == 1
        append(log, "2\n")
        await sink.until(1)
        (tmp_path / "b.log").write_text("3\n")  # new: from its start
        assert await sink.until(2) == [2, 3]


async def test_a_file_that_comes_later_is_found(tmp_path: Path) -> None:
    async with following(tmp_path / "late.log") as (sink, _):
        (tmp_path / "late.log").write_text("1\n")
        assert await sink.until(1) == [1]


async def test_a_rename_and_a_new_file_lose_and_repeat_nothing(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n")
    async with following(f"{tmp_path}/a.log*") as (sink, _):
        await sink.until(1)
        with log.open("a") as old:
            log.rename(tmp_path / "a.log.1")
            log.write_text("3\n")
            old.write("2\n")
            old.flush()
            assert sorted(await sink.until(3)) == [1, 2, 3]
            (tmp_path / "a.log.1").rename(tmp_path / "a.log.2")
            log.rename(tmp_path / "a.log.1")
            log.write_text("4\n")
            assert sorted(await sink.until(4)) == [1, 2, 3, 4]
            append(log, "5\n")
            assert sorted(await sink.until(5)) == [1, 2, 3, 4, 5]


async def test_a_removed_file_is_read_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n")
    async with following(log) as (sink, _):
        await sink.until(1)
        with log.open("a") as old:
            log.unlink()
            old.write("2\n")
            old.flush()
            assert await sink.until(2) == [1, 2]
            log.write_text("3\n")
            assert await sink.until(3) == [1, 2, 3]


async def test_a_file_that_nothing_leads_to_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinkgraph.sources.file._QUIET_S", 0.02)
    log = tmp_path / "a.log"
    log.write_text("1\n2")
    async with following(log) as (sink, source):
        await sink.until(1)
        log.unlink()
        assert await sink.until(2) == [1, 2]  # its last line needs no break any more
        assert source.facts()["files"] == 0


async def test_a_truncated_file_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1111\n2222\n")
    async with following(log) as (sink, _):
        await sink.until(2)
        log.write_text("3\n")
        assert await sink.until(3) == [1111, 2222, 3]


async def test_an_unreadable_file_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").symlink_to(tmp_path / "a.log")  # a loop: cannot even be looked at
    (tmp_path / "b.log").write_text("1\n")
    async with following(f"{tmp_path}/*.log") as (sink, source):
        await sink.until(1)
        append(tmp_path / "b.log", "2\n")
        await sink.until(2)
        journal = source.bound.journal
        assert isinstance(journal, Journal)
        assert [kind for kind, _ in journal.facts] == ["file_unreadable"]
        assert source.status == "degraded" or source.last_error


@pytest.mark.parametrize(
    "options",
    [{"paths": []}, {"paths": "a"}, {"start": "middle"}, {"format": "csv"}, {"max_line": 0}],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        FileSource(Recorder(), **{"paths": ["a"], **options})


@pytest.mark.parametrize("follow", [False, True])
async def test_a_pattern_that_matches_nothing_is_journalled(tmp_path: Path, follow: bool) -> None:
    (tmp_path / "a.log").write_text("1\n")
    missed = str(tmp_path / "*.txt")
    source = reading(Recorder(), tmp_path / "*.log", missed, follow=follow)
    source.stop()
    await source.run(source.to)
    journal = source.bound.journal
    assert isinstance(journal, Journal)
    assert journal.facts == [("file_missed", {"node": "logs", "path": missed})]
