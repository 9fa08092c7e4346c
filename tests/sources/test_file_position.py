"""Where a file source goes on after a restart: nothing lost, and nothing again that was saved."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.simulation.loop import run
from sinkgraph.sources.file import FileSource
from sinkgraph.sources.position import encode_position
from tests.support.contexts import Journal, Recorder, make_context
from tests.support.records import DictRecords
from tests.support.virtual import virtual

ONCE_S = 10.0  # virtual: longer than a file is held open that no path leads to


class Reading:
    """Is one run of a file source over records that earlier runs wrote."""

    def __init__(self, records: DictRecords, *paths: Path | str, **options: Any) -> None:
        self.records = records
        self.sink = Recorder()
        self.source = FileSource(self.sink, [str(path) for path in paths], **options)
        self.source.name = "logs"
        self.source.bind(make_context(records=records))

    async def to_its_end(self) -> list[Any]:
        """Run a source that does not follow; return what it read."""
        await self.source.open()
        await self.source.run(self.source.to)
        return self.sink.data

    async def for_a_while(self, seconds: float = ONCE_S) -> list[Any]:
        """Run a source that follows; return what it read."""
        running = asyncio.ensure_future(self.source.run(self.source.to))
        await asyncio.sleep(seconds)
        self.source.stop()
        await running
        return self.sink.data

    async def until_it_wrote_once(self) -> list[Any]:
        """Run a source whose target takes one write, then hangs; end it by a cancellation."""
        write = self.sink.write

        async def once(events: Any) -> None:
            if self.sink.events:
                await asyncio.Event().wait()
            await write(events)

        self.sink.write = once  # type: ignore[method-assign]
        self.source.to.retarget(self.sink)
        running = asyncio.ensure_future(self.source.run(self.source.to))
        await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.wait([running])
        return self.sink.data

    @property
    def journal(self) -> list[tuple[str, dict[str, Any]]]:
        journal = self.source.bound.journal
        assert isinstance(journal, Journal)
        return journal.facts


async def read(records: DictRecords, *paths: Path | str, **options: Any) -> list[Any]:
    """Return what a whole run read; what it saved is committed."""
    reading = Reading(records, *paths, **options)
    follow = options.get("follow", False)
    got = await (reading.for_a_while() if follow else reading.to_its_end())
    records.commit()
    return got


def append(path: Path, *lines: Any) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def wide(*numbers: int) -> list[str]:
    """Return lines long enough that a few of them tell a file from another."""
    return [f'"{number:0400d}"' for number in numbers]


def numbers(got: list[str]) -> list[int]:
    return [int(line) for line in got]


both = pytest.mark.parametrize("follow", [False, True])


# the same files


@both
@virtual
async def test_only_what_is_new_is_read(tmp_path: Path, follow: bool) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1, 2)
    assert await read(records, log, follow=follow) == [1, 2]
    assert await read(records, log, follow=follow) == []
    append(log, 3)
    assert await read(records, log, follow=follow) == [3]


@virtual
async def test_a_renamed_source_goes_on_where_its_old_name_stopped(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    assert await read(records, log) == [1]
    append(log, 2)
    for n in (2, 3):
        renamed = Reading(records, log)
        renamed.source.name, renamed.source.was = "journal", "logs"
        assert await renamed.to_its_end() == [n]
        records.commit()
        append(log, n + 1)


@both
@virtual
async def test_a_glob_that_matches_more_reads_the_new_ones_from_their_start(
    tmp_path: Path, follow: bool
) -> None:
    records = DictRecords()
    append(tmp_path / "b.log", 1)
    options: dict[str, Any] = {"follow": follow, "start": "end"}
    assert await read(records, f"{tmp_path}/*.log", **options) == []
    append(tmp_path / "a.log", 2)
    append(tmp_path / "b.log", 3)
    assert sorted(await read(records, f"{tmp_path}/*.log", **options)) == [2, 3]


@virtual
async def test_what_came_while_it_was_down_is_read_also_when_it_begins_at_the_end(
    tmp_path: Path,
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    reading = Reading(records, log, tmp_path / "late.log", follow=True, start="end")
    running = asyncio.ensure_future(reading.source.run(reading.source.to))
    await asyncio.sleep(1.0)
    records.commit()
    after = records.killed()
    reading.source.stop()
    await running
    append(log, 2)
    append(tmp_path / "late.log", 3)
    paths = (log, tmp_path / "late.log")
    assert sorted(await read(after, *paths, follow=True, start="end")) == [2, 3]


@virtual
async def test_a_name_that_is_not_utf_8_is_known_again(tmp_path: Path) -> None:
    log, records = tmp_path / os.fsdecode(b"\xff.log"), DictRecords()
    append(log, 1)
    assert await read(records, f"{tmp_path}/*.log") == [1]
    append(log, 2)
    assert await read(records, f"{tmp_path}/*.log") == [2]


@virtual
async def test_a_device_that_got_another_number_holds_the_same_files(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    reading = Reading(records, log)
    await reading.to_its_end()
    position = reading.source.position
    position["files"][0][0] += 1
    records.put("source", "logs", encode_position("file", position))
    append(log, 2)
    assert await read(records, log) == [2]


# what happens to files while nobody looks


@both
@virtual
async def test_a_file_that_became_shorter_is_read_from_its_start(
    tmp_path: Path, follow: bool
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1111, 2222)
    await read(records, log, follow=follow)
    log.write_text("3\n")
    assert await read(records, log, follow=follow) == [3]


@both
@pytest.mark.parametrize("size", ["the same", "more"])
@virtual
async def test_a_file_with_the_same_inode_and_other_content_is_read_from_its_start(
    tmp_path: Path, follow: bool, size: str
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1, 2)
    await read(records, log, follow=follow)
    inode = log.stat().st_ino
    lines = [3, 4] if size == "the same" else [3, 4, 5]
    with log.open("r+") as file:
        file.writelines(f"{line}\n" for line in lines)
    assert log.stat().st_ino == inode
    assert await read(records, log, follow=follow) == lines


@both
@pytest.mark.parametrize("watched", ["a.log", "a.log*"])
@virtual
async def test_a_rotated_file_is_finished_before_the_new_one_is_begun(
    tmp_path: Path, follow: bool, watched: str
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    assert await read(records, tmp_path / watched, follow=follow) == [1]
    append(log, 2)
    log.rename(tmp_path / "a.log.1")
    append(log, 3)
    assert await read(records, tmp_path / watched, follow=follow) == [2, 3]
    append(log, 4)
    assert await read(records, tmp_path / watched, follow=follow) == [4]


@virtual
async def test_a_rotated_file_that_was_not_finished_is_looked_for_again(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    assert await read(records, log, follow=True) == [1]
    append(log, 2)
    log.rename(tmp_path / "a.log.1")
    append(log, 3)
    for _ in range(3):
        held = Reading(records, log, follow=True)
        held.sink.gate.clear()
        assert await held.until_it_wrote_once() == []
        records.commit()
    assert await read(records, log, follow=True) == [2, 3]


@virtual
async def test_a_file_behind_a_link_is_finished_where_it_was_rotated(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    log, link, records = tmp_path / "real" / "a.log", tmp_path / "link.log", DictRecords()
    link.symlink_to(log)
    append(log, 1)
    assert await read(records, link, follow=True) == [1]
    append(log, 2)
    log.rename(tmp_path / "real" / "a.log.1")
    append(log, 3)
    assert await read(records, link, follow=True) == [2, 3]


@both
@pytest.mark.parametrize("watched", ["a.log", "a.log*"])
@virtual
async def test_a_copied_and_truncated_file_is_finished_in_its_copy(
    tmp_path: Path, follow: bool, watched: str
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, *wide(1, 2))
    assert numbers(await read(records, tmp_path / watched, follow=follow)) == [1, 2]
    append(log, *wide(3))
    shutil.copy(log, tmp_path / "a.log.1")
    log.write_text("")
    append(log, *wide(4, 5, 6))
    assert numbers(await read(records, tmp_path / watched, follow=follow)) == [3, 4, 5, 6]
    append(log, *wide(7))
    assert numbers(await read(records, tmp_path / watched, follow=follow)) == [7]


@virtual
async def test_a_file_that_begins_as_a_lost_one_did_is_not_taken_for_it(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    assert await read(records, f"{tmp_path}/*.log") == [1]
    fresh = tmp_path / "b.log"
    append(fresh, 1, 2)
    log.unlink()
    assert await read(records, f"{tmp_path}/*.log") == [1, 2]


@both
@virtual
async def test_a_file_that_is_gone_is_told_and_the_others_go_on(
    tmp_path: Path, follow: bool
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    append(tmp_path / "b.log", 2)
    await read(records, f"{tmp_path}/*.log", follow=follow)
    log.unlink()
    append(tmp_path / "b.log", 3)
    reading = Reading(records, f"{tmp_path}/*.log", follow=follow)
    got = await (reading.for_a_while() if follow else reading.to_its_end())
    assert got == [3]
    assert reading.journal == [("file_gone", {"node": "logs", "path": str(log), "offset": 2})]
    records.commit()
    again = Reading(records, f"{tmp_path}/*.log", follow=follow)
    await (again.for_a_while() if follow else again.to_its_end())
    assert again.journal == []


@virtual
async def test_a_file_that_is_watched_no_more_is_not_read_on(tmp_path: Path) -> None:
    log, other, records = tmp_path / "a.log", tmp_path / "b.log", DictRecords()
    append(log, 1)
    append(other, 2)
    assert await read(records, log, follow=True) == [1]
    append(log, 3)
    log.rename(tmp_path / "a.log.1")
    assert await read(records, other, follow=True) == [2]


@virtual
async def test_a_directory_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    logs, records = tmp_path / "logs", DictRecords()
    logs.mkdir()
    append(logs / "a.log", 1)
    assert await read(records, logs / "a.log", follow=True) == [1]
    logs.rename(tmp_path / "aside")
    reading = Reading(records, logs / "a.log", follow=True)
    running = asyncio.ensure_future(reading.for_a_while())
    await asyncio.sleep(1.0)
    assert [kind for kind, _ in reading.journal] == ["file_missed", "file_gone"]
    logs.mkdir()
    append(logs / "a.log", 2)
    assert await running == [2]


@virtual
async def test_more_files_than_are_held_open_keep_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = DictRecords()
    for k in range(4):
        append(tmp_path / f"{k}.log", k)
    paths = f"{tmp_path}/*.log"
    assert sorted(await read(records, paths)) == [0, 1, 2, 3]
    monkeypatch.setattr("sinkgraph.sources.file.MAX_FILES", 2)
    reading = Reading(records, paths, follow=True)
    assert await reading.for_a_while() == []
    assert {kind for kind, _ in reading.journal} == {"file_unreadable"}
    records.commit()
    for k in range(4):
        append(tmp_path / f"{k}.log", 10 + k)
    assert sorted(await read(records, paths)) == [10, 11, 12, 13]


@virtual
async def test_a_file_that_cannot_be_opened_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    assert await read(records, f"{tmp_path}/*.log", follow=True) == [1]
    append(log, 2)
    opened = os.open

    def refuse(path: Any, *args: Any, **options: Any) -> int:
        if str(path) == str(log):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr("sinkgraph.sources.file.os.open", refuse)
        assert await read(records, f"{tmp_path}/*.log", follow=True) == []
    assert await read(records, f"{tmp_path}/*.log", follow=True) == [2]


@virtual
async def test_a_place_without_path_and_mark_is_taken_at_its_word(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1, 2)
    status = log.stat()
    place = [status.st_dev, status.st_ino, 2]
    records.put("source", "logs", encode_position("file", {"files": [place]}))
    assert await read(records, log) == [2]


# what is saved, and when


@virtual
async def test_nothing_is_saved_of_what_the_target_has_not_accepted(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, *range(1000, 3500))
    reading = Reading(records, log)
    reading.sink.gate.clear()
    running = asyncio.ensure_future(reading.source.run(reading.source.to))
    await reading.sink.asked.wait()
    await asyncio.sleep(1.0)
    records.commit()
    after = records.killed()
    reading.sink.gate.set()
    await running
    assert await read(after, log) == list(range(1000, 3500))


@virtual
async def test_a_kill_between_batches_costs_repetition_and_no_loss(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, *range(1000, 9000))
    reading = Reading(records, log)
    left: list[tuple[int, DictRecords]] = []
    write = reading.sink.write

    async def slow(events: Any) -> None:
        await asyncio.sleep(0.05)
        left.append((len(reading.sink.events), records.killed()))
        await write(events)
        records.commit()

    reading.sink.write = slow  # type: ignore[method-assign]
    reading.source.to.retarget(reading.sink)
    await reading.to_its_end()
    assert len(left) == 8
    for taken, after in left:
        again = await read(after, log)
        assert again == list(range(again[0], 9000))
        assert 1000 + taken - 1_000 <= again[0] <= 1000 + taken


@virtual
async def test_many_batches_a_second_are_not_as_many_saves(tmp_path: Path) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, *range(30_000))
    await read(records, log)
    assert records.puts <= 3  # virtual time stood still


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"\x00\xff", "damaged"),
        (encode_position("file", {"files": 3})[:-2], "damaged"),
        (encode_position("stdin", {"files": []}), "is of a stdin source"),
        (encode_position("file", 7), "names no files"),
        (encode_position("file", {"files": [[1, 2, -5]]}), "is not how far a file was read"),
        (encode_position("file", {"files": [[1, 2, 5, "a", "b"]]}), "is not how far"),
        (b"\x93\x63" + encode_position("file", {"files": []})[2:], "has version 99"),
    ],
)
@virtual
async def test_a_position_that_cannot_be_read_is_journalled_and_ignored(
    tmp_path: Path, value: bytes, says: str
) -> None:
    log, records = tmp_path / "a.log", DictRecords()
    append(log, 1)
    records.put("source", "logs", value)
    reading = Reading(records, log)
    assert await reading.to_its_end() == [1]
    ((kind, facts),) = reading.journal
    assert (kind, facts["node"]) == ("position_ignored", "logs")
    assert says in facts["error"]
    assert await read(records, log) == []


# everything at once

_STEPS = st.lists(
    st.sampled_from(["append", "append", "rename", "copy", "read", "brief", "kill", "stop"]),
    max_size=16,
)


@pytest.mark.parametrize("watched", ["a.log", "a.log*"])
@settings(max_examples=60, deadline=None)
@given(steps=_STEPS)
def test_no_line_is_lost_whatever_happens_between_the_runs(watched: str, steps: list[str]) -> None:
    """Files are rotated while nobody reads, and without a pattern only once they were seen.

    One that is copied has to have been read, for its copy is known by that.
    """

    async def main(directory: Path) -> None:
        log, records = directory / "a.log", DictRecords()
        written, got, seen = 0, set[int](), set[str]()
        for step in [*steps, "stop"]:
            match step:
                case "append":
                    append(log, *wide(*range(written, written + 3)))
                    written += 3
                case "rename" | "copy":
                    if step in seen or "*" in watched:
                        rotate(log, step)
                        seen.clear()
                case _:
                    reading = Reading(records, directory / watched, follow=step != "read")
                    before = records.killed()
                    if step != "kill" and log.exists():
                        seen |= {"rename"} if step == "brief" else {"rename", "copy"}
                    if step == "read":
                        if log.exists():
                            got |= set(numbers(await reading.to_its_end()))
                    elif step == "brief":
                        got |= set(numbers(await reading.until_it_wrote_once()))
                    else:
                        got |= set(numbers(await reading.for_a_while()))
                    records = before if step == "kill" else records.stopped()
        assert got == set(range(written))

    with tempfile.TemporaryDirectory() as directory:
        run(main(Path(directory)))


def rotate(log: Path, how: str) -> None:
    for k in range(9, 0, -1):
        if (older := Path(f"{log}.{k}")).exists():
            older.rename(f"{log}.{k + 1}")
    if log.exists() and how == "rename":
        log.rename(f"{log}.1")
    elif log.exists():
        shutil.copy(log, f"{log}.1")
        log.write_text("")
