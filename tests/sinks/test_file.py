"""The file sink on a real disk: whole lines or nothing, rotation, refusals."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Json
from sinkgraph.sinks.file import FileSink, Sync
from tests.support.contexts import make_context


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=0.0)


async def opened(tmp_path: Path, path: Any = "audit.jsonl", **options: Any) -> FileSink:
    sink = FileSink(path, **options)
    sink.name = "audit"
    sink.bind(make_context(output_dir=str(tmp_path)))
    await sink.open()
    return sink


@pytest.mark.parametrize("sync", ["none", "batch", "each"])
async def test_a_line_is_written_for_each_event(tmp_path: Path, sync: Sync) -> None:
    sink = await opened(tmp_path, sync=sync)
    await sink.write(batch({"a": 1}, Json(b'{"b" : 2}')))
    await sink.write(batch("x"))
    await sink.close()
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b'{"a":1}\n{"b" : 2}\n"x"\n'
    assert sink.ledger.delivered == 3
    with pytest.raises(SinkClosed):
        await sink.write(batch(1))


async def test_what_is_there_is_appended_to(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b"1\n")
    sink = await opened(tmp_path)
    await sink.write(batch(2))
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b"1\n2\n"


async def test_a_line_torn_by_a_kill_stays_its_own(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_bytes(b'1\n{"a":')
    sink = await opened(tmp_path)
    await sink.write(batch(2))
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b'1\n{"a":\n2\n'


async def test_a_new_file_is_private(tmp_path: Path) -> None:
    sink = await opened(tmp_path, "deep/er/audit.jsonl")
    sink.start()
    await sink.close()
    mode = (tmp_path / "deep/er/audit.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep/er").stat().st_mode) == 0o700


async def test_a_missing_directory_of_an_absolute_path_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "audit.jsonl"
    with pytest.raises(OSError, match=f"cannot open {path}: No such file"):
        await opened(tmp_path, path)


@pytest.mark.parametrize("path", ["../out.jsonl", "a/../../out.jsonl", "link/out.jsonl"])
async def test_a_relative_path_stays_inside(tmp_path: Path, path: str) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="lies outside"):
        await opened(base, path)
    assert not (tmp_path / "out.jsonl").exists()


async def test_links_pipes_devices_and_directories_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dir").mkdir()
    for path in ("link", "pipe", "dir", "/dev/full", "x" * 300):
        with pytest.raises(OSError, match="cannot"):
            await opened(tmp_path, path)


async def test_a_full_disk_is_tried_again_and_tears_no_line(tmp_path: Path) -> None:
    sink = await opened(tmp_path, sync="none")
    await sink.write(batch(1))
    assert sink._file is not None
    log = sink._file.log
    real, full = log._fd, os.open("/dev/full", os.O_RDWR)
    log._fd = full
    with pytest.raises(DeliveryFailed, match="No space left"):
        await sink.write(batch(2))
    log._fd = real
    os.close(full)
    await sink.write(batch(3))
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b"1\n3\n"
    assert sink.account().residue == 0


@pytest.mark.parametrize("sync", ["none", "batch", "each"])
async def test_a_short_write_is_taken_back(
    tmp_path: Path, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await opened(tmp_path, sync=sync)
    await sink.write(batch("before"))
    real, calls = os.write, 0

    def short(fd: int, text: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, bytes(text)[:3])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(DeliveryFailed):
        await sink.write(batch("one", "two"))
    monkeypatch.undo()
    assert (tmp_path / "audit.jsonl").read_bytes() == b'"before"\n'
    await sink.write(batch("one", "two"))
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b'"before"\n"one"\n"two"\n'


async def test_a_failed_sync_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = await opened(tmp_path, sync="each")

    def broken(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(DeliveryFailed, match="Input/output"):
        await sink.write(batch(1, 2))
    monkeypatch.undo()
    assert (tmp_path / "audit.jsonl").read_bytes() == b""
    await sink.close()


async def test_no_permission_is_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = await opened(tmp_path, sync="none")

    def forbidden(_fd: int, _text: Any) -> int:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "write", forbidden)
    with pytest.raises(Rejected, match=r"audit: audit\.jsonl: Permission denied"):
        await sink.write(batch(1))
    assert sink.status == "failed"
    monkeypatch.undo()
    await sink.close()


async def test_what_cannot_be_a_line_is_owed_and_the_rest_written(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    with pytest.raises(PartialWrite) as caught:
        await sink.write(batch(1, {"a": object()}, 2))
    await sink.close()
    assert [len(part.events) for part in caught.value.owed] == [1]
    assert (tmp_path / "audit.jsonl").read_bytes() == b"1\n2\n"
    assert (sink.ledger.delivered, sink.ledger.returned) == (2, 1)


async def test_plain_lines_are_written_as_they_are(tmp_path: Path) -> None:
    sink = await opened(tmp_path, format="lines")
    await sink.write(batch("héllo", b"raw", {"a": 1}))
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == 'héllo\nraw\n{"a":1}\n'.encode()


def contents(directory: Path) -> dict[str, list[str]]:
    return {path.name: path.read_text().split() for path in directory.iterdir()}


@pytest.mark.parametrize("sync", ["none", "batch"])
async def test_it_rotates_by_size_and_keeps_so_many(tmp_path: Path, sync: Sync) -> None:
    sink = await opened(tmp_path, max_size=8, keep=2, sync=sync)
    for k in range(10):
        await sink.write(batch(1000 + k))  # 5 bytes a line: one fits, a second does not
    await sink.close()
    assert contents(tmp_path) == {
        "audit.jsonl": ["1009"],
        "audit.jsonl.1": ["1008"],
        "audit.jsonl.2": ["1007"],
    }
    assert sink.facts()["rotations"] == 9


async def test_a_batch_larger_than_max_size_gets_a_file_of_its_own(tmp_path: Path) -> None:
    sink = await opened(tmp_path, max_size=4, sync="none")
    await sink.write(batch("long enough"))
    await sink.write(batch(1))
    await sink.close()
    assert (tmp_path / "audit.jsonl.1").read_text() == '"long enough"\n'
    assert (tmp_path / "audit.jsonl").read_text() == "1\n"


async def test_a_file_moved_or_removed_by_others_is_begun_anew(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    await sink.write(batch(1))
    (tmp_path / "audit.jsonl").rename(tmp_path / "moved")
    await sink.write(batch(2))
    (tmp_path / "audit.jsonl").unlink()
    await sink.write(batch(3))
    await sink.close()
    assert (tmp_path / "moved").read_text() == "1\n"
    assert (tmp_path / "audit.jsonl").read_text() == "3\n"


async def test_concurrent_writers_tear_no_line(tmp_path: Path) -> None:
    sink = await opened(tmp_path, sync="each")
    await asyncio.gather(*[sink.write(batch(*[k] * 3)) for k in range(20)])
    await sink.close()
    values = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().split()]
    assert sorted(values) == sorted([*range(20)] * 3)
    assert all(values[at : at + 3] == [values[at]] * 3 for at in range(0, 60, 3))


async def test_a_cancelled_write_is_finished_before_the_file_is_closed(tmp_path: Path) -> None:
    sink = await opened(tmp_path, sync="each")
    task = asyncio.ensure_future(sink.write(batch(*range(50))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await sink.close()
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert lines in ([], [str(k) for k in range(50)])


@pytest.mark.parametrize(
    "options", [{"format": "csv"}, {"sync": "often"}, {"max_size": 0}, {"keep": 0}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        FileSink("x", **options)


async def test_an_empty_file_made_for_a_start_that_failed_is_removed(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    await sink.close()
    assert not (tmp_path / "audit.jsonl").exists()


@pytest.mark.parametrize("content", ["", '{"a":1}\n'])
async def test_a_file_that_was_there_before_is_not_removed(tmp_path: Path, content: str) -> None:
    (tmp_path / "audit.jsonl").write_text(content)
    sink = await opened(tmp_path)
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_text() == content


async def test_the_empty_file_of_a_graph_that_ran_is_kept(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    sink.start()
    await sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == b""
