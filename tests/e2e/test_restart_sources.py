"""What a file source and a dedupe know outlives a kill: the real process, the real disk."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from sinkgraph.log.disk.store import Store
from sinkgraph.sources.position import decode_position
from tests.support.program import Program, until

GRAPH = """
sinkgraph: 1
name: lines
sources:
  logs: {kind: file, paths: [app.log], follow: true, to: once}
sinks:
  once: {kind: dedupe, by: BY, to: hold}
  hold: {kind: queue, store: disk, to: {kind: file, path: out.jsonl}}
"""


def program(folder: Path, by: str) -> Program:
    path = folder / "graph.yaml"
    path.write_text(GRAPH.replace("BY", by))
    return Program("run", path, "--state-dir", folder / "state", cwd=folder)


def append(path: Path, numbers: range) -> None:
    with path.open("a") as file:
        file.writelines(f'{{"n":{n},"id":{n % 1_000_000}}}\n' for n in numbers)


def arrived(folder: Path) -> list[int]:
    """Return the numbers in the output, in order; a torn last line is none."""
    out = folder / "out.jsonl"
    if not out.exists():
        return []
    whole = out.read_bytes().rpartition(b"\n")[0]
    return [line["n"] for line in msgspec.json.Decoder().decode_lines(whole)]


def kept(folder: Path, kind: str, name: str) -> Any:
    """Return a record of the state dir, of which a process may be alive."""
    store = Store.open(str(folder / "state"), read_only=True)
    try:
        _, value = store.records.get((kind, name), (0, b""))
    finally:
        store.close()
    return value


def saved_offsets(folder: Path) -> list[int]:
    value = kept(folder, "source", "logs")
    return [entry[2] for entry in decode_position(value, "file")["files"]] if value else []


async def test_every_line_arrives_though_the_process_is_killed_and_the_file_rotated(
    tmp_path: Path,
) -> None:
    log = tmp_path / "app.log"
    append(log, range(5_000))
    async with program(tmp_path, "id") as first:
        await until(lambda: len(arrived(tmp_path)) >= 5_000, "the first lines")
        size = log.stat().st_size
        await until(lambda: saved_offsets(tmp_path) == [size], "their place was saved")
        append(log, range(5_000, 45_000))
        await until(lambda: len(arrived(tmp_path)) > 6_000, "some more lines")
        first.signal(signal.SIGKILL)
        assert await first.ends() == -signal.SIGKILL
    log.rename(tmp_path / "app.log.1")
    append(log, range(45_000, 46_000))
    async with program(tmp_path, "id") as second:
        await until(lambda: len(set(arrived(tmp_path))) >= 46_000, "every line")
        append(log, range(46_000, 46_010))
        await until(lambda: len(set(arrived(tmp_path))) >= 46_010, "lines that came later")
        assert await second.interrupted() == 0
    times = Counter(arrived(tmp_path))
    assert set(times) == set(range(46_010))
    assert max(times.values()) <= 3, "once more by the queue, once more by the source"
    again = [n for n, count in times.items() if count > 1]
    assert len([n for n in again if n < 5_000]) <= 1_000, "what was saved is read once"
    assert not [n for n in again if n >= 45_000], "what the second process read came once"
    async with program(tmp_path, "id") as third:
        append(log, range(46_010, 46_020))
        await until(lambda: 46_019 in arrived(tmp_path), "the last lines")
        assert await third.interrupted() == 0
    assert arrived(tmp_path)[-10:] == list(range(46_010, 46_020))
    assert len(arrived(tmp_path)) == times.total() + 10


async def test_a_duplicate_of_what_was_accepted_before_a_kill_is_counted_away(
    tmp_path: Path,
) -> None:
    log = tmp_path / "app.log"
    append(log, range(10))

    def remembered() -> int:
        value = kept(tmp_path, "dedupe", "once/0")
        groups = msgspec.msgpack.decode(value)[2] if value else []
        return sum(len(keys) for _, keys in groups)

    async with program(tmp_path, "data.id") as first:
        await until(lambda: len(arrived(tmp_path)) == 10, "the first lines")
        await until(lambda: remembered() == 10, "the ids were saved")
        first.signal(signal.SIGKILL)
        assert await first.ends() == -signal.SIGKILL
    append(log, range(1_000_000, 1_000_020))  # the ids 0 … 19
    async with program(tmp_path, "data.id") as second:
        await until(lambda: 1_000_019 in arrived(tmp_path), "what is new")
        assert await second.interrupted() == 0
    assert set(arrived(tmp_path)) == {*range(10), *range(1_000_010, 1_000_020)}
