"""P1: the sync comes before the acknowledgement. Shown on a real disk, by the calls that reach it.

Every payload carries a mark of its own. When a write returns, a file in the state dir has been
given the mark, and was synced after that: by a file system that watches, and by strace where it is
there.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import sinkgraph
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import StalledSink

BASE = "unix"  # SQLite's own
WRITERS = 12
EACH = 15
ROOT = Path(__file__).parents[2]


class WatchingVfs(apsw.VFS):
    """Is the default file system; it knows which bytes were written and which were synced."""

    def __init__(self) -> None:
        self.unsynced: dict[str, list[bytes]] = {}
        self.synced: list[bytes] = []
        self.syncs = 0
        super().__init__("watching", BASE, makedefault=True)

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        """Open a file."""
        return WatchedFile(self, name, flags)

    def durable(self, mark: bytes) -> bool:
        """Whether bytes that hold this mark were written, and synced since."""
        return any(mark in one for one in self.synced)


class WatchedFile(apsw.VFSFile):
    """Is a file that is watched."""

    def __init__(self, vfs: WatchingVfs, name: Any, flags: Any) -> None:
        self.vfs = vfs
        self.path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__(BASE, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        """Write, and note it."""
        self.vfs.unsynced.setdefault(self.path, []).append(bytes(data))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Sync, and note it."""
        super().xSync(flags)
        self.vfs.syncs += 1
        self.vfs.synced += self.vfs.unsynced.pop(self.path, [])


@pytest.fixture
def watching() -> Iterator[WatchingVfs]:
    vfs = WatchingVfs()
    yield vfs
    vfs.unregister()


def mark(k: int, n: int) -> str:
    return f"<{k:03}.{n:05}>"


def payload(k: int, n: int) -> dict[str, str]:
    """Return a body in which the mark stands three times: a page's end cuts one at most."""
    return {"a": mark(k, n), "pad": "x" * 90, "b": mark(k, n), "rest": "y" * 90, "c": mark(k, n)}


@pytest.mark.parametrize("branches", [1, 3])
async def test_no_write_returns_before_its_bytes_are_synced(
    branches: int, watching: WatchingVfs, tmp_path: Path
) -> None:
    early: list[str] = []

    async def write(live: Any, k: int) -> None:
        for n in range(EACH):
            if n % 5 == 4:
                await live.write_many([payload(k, 100 * n + i) for i in range(20)])
                marks = [mark(k, 100 * n + i) for i in range(20)]
            else:
                await live.write(payload(k, n))
                marks = [mark(k, n)]
            early.extend(one for one in marks if not watching.durable(one.encode()))

    queues = [Queue(StalledSink(), store="disk") for _ in range(branches)]
    async with sinkgraph.run(Broadcast(queues), state_dir=tmp_path / "state", drain=0) as live:
        await asyncio.gather(*(write(live, k) for k in range(WRITERS)))
        assert live.snapshot().residue == 0
    assert watching.syncs > EACH
    assert not early, f"{len(early)} were acknowledged before they were synced: {early[:5]}"


def test_what_is_only_written_is_not_taken_for_synced(
    watching: WatchingVfs, tmp_path: Path
) -> None:
    """Hold the proof itself to the opposite: SQLite that does not sync is found out."""
    database = apsw.Connection(str(tmp_path / "careless.db"))
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = off")
    database.execute("CREATE TABLE events (body)")
    database.execute("INSERT INTO events VALUES (?)", (mark(1, 1),))
    assert not watching.durable(mark(1, 1).encode())
    database.execute("PRAGMA synchronous = full")
    database.execute("INSERT INTO events VALUES (?)", (mark(2, 2),))
    assert watching.durable(mark(2, 2).encode())
    database.close()


_CHILD = """
import asyncio, os, sinkgraph, sys
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import StalledSink
async def main():
    tree = Queue(StalledSink(), store="disk")
    async with sinkgraph.run(tree, state_dir=sys.argv[1], drain=0) as live:
        os.write(1, b"ready\\n")
        for n in range(30):
            await live.write({"n": n})
            os.write(1, b"ack %d\\n" % n)
asyncio.run(main())
"""


def syncs_before_each(lines: list[str], word: str) -> list[int]:
    """Return how many syncs of the log ended before each line on stdout that matches."""
    begun: set[str] = set()  # threads in a call that strace showed in two halves
    between = [0]
    for line in lines:
        thread, _, call = line.partition(" ")
        if re.match(r"\s*f(data)?sync\(\d+<[^>]*events\.db-wal>", call):
            if "unfinished" in call:
                begun.add(thread)
            else:
                between[-1] += call.rstrip().endswith("= 0")
        elif re.match(r"\s*<\.\.\. f(data)?sync resumed", call) and thread in begun:
            begun.discard(thread)
            between[-1] += call.rstrip().endswith("= 0")
        elif re.search(rf'write\(1<[^>]*>, "{word}', call):
            between.append(0)
    return between[:-1]


def test_strace_sees_a_sync_between_any_two_acknowledgements(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    seen = tmp_path / "calls"
    calls = ["-f", "-qq", "-y", "-e", "trace=write,fsync,fdatasync", "-o", str(seen)]
    done = subprocess.run(
        [strace, *calls, sys.executable, "-c", _CHILD, str(tmp_path / "state")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    between = syncs_before_each(seen.read_text(errors="replace").splitlines(), r"ack \d+")
    assert len(between) == 30
    assert min(between) >= 1, f"syncs before each acknowledgement: {between}"
