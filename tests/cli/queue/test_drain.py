"""`queue drain`: what it settled is in the file, and what it did not settle is in the queue."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sinkgraph.log.disk.offline import Drain
from tests.log.disk.pending import Commit, Step, filled
from tests.support.queue_commands import digests, ids, queue, spoil

EVERY = [f"e1-{k}" for k in range(40)]


def pending(state: Path, name: str = "one") -> list[str]:
    return ids(queue("export", name, "--state-dir", state).stdout)


def test_a_drain_moves_every_event_in_order_and_spares_other_queues(
    state: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.ndjson"
    out.write_bytes(b'{"id":"before"}\n')
    done = queue("drain", "one", "--to", out, "--expect", "40", "--state-dir", state)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"40 events of `one` moved to {out}, and nothing is left in it\n"
    assert ids(out.read_bytes()) == ["before", *EVERY]
    assert pending(state) == []
    assert pending(state, "two") == EVERY[:10]
    assert out.stat().st_size == len(out.read_bytes())
    done = queue("drain", "one", "--to", out, "--state-dir", state)
    assert (done.exit_code, done.stderr) == (0, "nothing waits for `one`\n")


def test_a_new_file_is_for_its_owner_only(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ndjson"
    assert queue("drain", "one", "--to", out, "--state-dir", state).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600


def test_another_number_than_expected_takes_nothing(state: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = digests(state)
    done = queue("drain", "one", "--to", out, "--expect", "39", "--state-dir", state)
    assert done.exit_code == 1
    assert done.stderr == "error: 40 events wait for `one`, not 39: nothing was taken\n"
    assert not out.exists()
    assert digests(state).keys() >= before.keys()
    assert pending(state) == EVERY


@pytest.mark.parametrize("args", [["drain", "one", "--to", "out"], ["repair"], ["migrate"]])
def test_nothing_is_changed_while_another_process_uses_it(used: Path, args: list[str]) -> None:
    done = queue(*args, "--state-dir", used)
    assert done.exit_code == 1
    assert done.stderr == (
        f"error: state directory {used} is in use by process {os.getpid()}: stop that first;"
        " `queue ls`, `peek`, `export` and `check` work meanwhile\n"
    )


@pytest.mark.parametrize("torn", [0, 1, 150, 700, 2_000, 10**6])
def test_a_drain_killed_before_it_settled_goes_on_in_the_same_file(
    state: Path, tmp_path: Path, torn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.ndjson"
    out.write_bytes(b'{"id":"before"}\n')

    def die(drain: Drain, batches: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Drain, "settle", die)
        assert queue("drain", "one", "--to", out, "--state-dir", state).exit_code == 130
    assert ids(out.read_bytes()) == ["before", *EVERY]
    os.truncate(out, max(16, out.stat().st_size - torn))  # what a power cut leaves of it
    assert pending(state) == EVERY
    assert queue("drain", "one", "--to", out, "--state-dir", state).exit_code == 0
    assert ids(out.read_bytes()) == ["before", *EVERY]
    assert pending(state) == []


def test_a_kill_between_two_blocks_repeats_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, out = tmp_path / "state", tmp_path / "out"
    filled(str(state), [Commit([Step(1, 500, {1: None})], {}) for _ in range(6)])
    settle = Drain.settle
    calls = 0

    def die_at_the_second(drain: Drain, batches: list[object]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        settle(drain, batches)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Drain, "settle", die_at_the_second)
        done = queue("drain", "one", "--to", out, "--state-dir", state)
    assert (done.exit_code, done.stderr.strip()) == (130, "stopped: 1,000 events moved, 2,000 left")
    assert len(pending(state)) == 2_000
    done = queue("drain", "one", "--to", out, "--state-dir", state)
    assert "2,000 events of `one` moved" in done.stderr
    assert ids(out.read_bytes()) == [f"e1-{k}" for k in range(3_000)]


def test_a_file_that_ends_in_the_middle_of_something_else_is_not_touched(
    state: Path, tmp_path: Path
) -> None:
    out = tmp_path / "notes.txt"
    out.write_bytes(b"a line\nand half a")
    done = queue("drain", "one", "--to", out, "--state-dir", state)
    assert done.exit_code == 1
    assert "does not end with a whole line" in done.stderr
    assert out.read_bytes() == b"a line\nand half a"
    assert pending(state) == EVERY


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("/dev/full", "no space left on device"),
        ("folder", "is a directory"),
        ("folder/none/out", "no such file or directory"),
        ("pipe", "nobody reads from it"),
        ("state/events.db", "belongs to the state dir itself"),
    ],
)
def test_what_cannot_be_written_to_is_one_line_and_nothing_leaves_the_queue(
    state: Path, tmp_path: Path, where: str, why: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    done = queue("drain", "one", "--to", tmp_path / where, "--state-dir", state)
    assert done.exit_code in (1, 2)
    assert why in done.stderr.splitlines()[0]
    assert pending(state) == EVERY


def test_a_pipe_without_a_reader_takes_nothing(state: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        args = ["queue", "drain", "one", "--to", "-", "--state-dir", str(state)]
        done = subprocess.run(
            [sys.executable, "-m", "sinkgraph", *args],
            stdout=writer, stderr=subprocess.PIPE, timeout=50, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
    assert pending(state) == EVERY


def test_a_drain_to_standard_output_says_on_stderr_what_it_did(state: Path) -> None:
    done = queue("drain", "two", "--to", "-", "--state-dir", state)
    assert ids(done.stdout) == EVERY[:10]
    assert "10 events of `two` moved to standard output" in done.stderr
    assert pending(state, "two") == []


def test_damaged_events_stay_and_a_repair_ends_the_matter(state: Path, tmp_path: Path) -> None:
    spoil(state, 10)
    out = tmp_path / "out"
    done = queue("drain", "one", "--to", out, "--state-dir", state)
    assert done.exit_code == 1
    assert "30 events of `one` moved" in done.stderr
    assert "; 10 events left\n" in done.stderr
    assert f"run `sinkgraph queue repair --state-dir {state}`, then drain again" in done.stderr
    assert queue("repair", "--state-dir", state).exit_code == 0
    done = queue("drain", "one", "--to", out, "--state-dir", state)
    assert done.exit_code == 1
    assert "error: 10 events could not be read, and no repair will" in done.stderr
    assert ids(out.read_bytes()) == EVERY[:10] + EVERY[20:]
    assert queue("drain", "one", "--to", out, "--state-dir", state).exit_code == 0
