"""Proves that a place that cannot be used is refused with one clear line, and never changed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sinkgraph.log.disk import directory as place
from sinkgraph.log.disk.errors import StateDamaged, StateLocked, StateUnusable
from sinkgraph.log.disk.format import key_of
from sinkgraph.log.disk.lock import holder
from sinkgraph.log.disk.store import Store


def refused(directory: Path, *, read_only: bool = False) -> str:
    with pytest.raises(StateUnusable) as raised:
        Store.open(str(directory), read_only=read_only)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert refused(file) == f"state directory {file} is not a directory"
    assert refused(file, read_only=True) == f"state directory {file} is not a directory"
    below = file / "below"
    assert refused(below) == f"cannot make state directory {below}: not a directory"


def test_a_directory_without_a_store_has_nothing_to_read(tmp_path: Path) -> None:
    said = f"state directory {tmp_path} holds no stored events"
    assert refused(tmp_path, read_only=True) == said
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "events.db").touch()
    assert refused(tmp_path, read_only=True) == said


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "precious"
    elsewhere.write_bytes(b"mine")
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    for name in ("events.db", "events.db-wal"):
        (state / name).symlink_to(elsewhere)
        assert "is a symbolic link, which is never followed" in refused(state)
        (state / name).unlink()
    (state / "events.lock").symlink_to(elsewhere)
    assert refused(state).startswith("cannot lock state directory: ")
    assert elsewhere.read_bytes() == b"mine"


def test_a_linked_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store = Store.open(str(tmp_path / "link"))
    store.commit([(key_of(1, 0), 1, 1, 1, None, b"x")])
    store.close()
    assert (tmp_path / "real" / "events.db").stat().st_size


def test_what_stands_in_for_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.db").mkdir()
    assert "events.db is not a file" in refused(tmp_path)
    (tmp_path / "events.db").rmdir()
    os.mkfifo(tmp_path / "events.db")
    assert "events.db is not a file" in refused(tmp_path)


def test_a_directory_everybody_writes_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert "is writable for everybody: chmod 700 it" in refused(tmp_path)


def test_another_users_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert f"belongs to user {me}, and this is user {me + 1}" in refused(tmp_path)


def test_a_directory_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the superuser may write anywhere
    assert refused(tmp_path) == f"state directory {tmp_path} is not writable for this user"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"some text, not long", "does not begin as a database does"),
        (b"text " * 1_000, "does not begin as a database does"),
    ],
)
def test_another_kind_of_file_is_damage_and_stays(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "events.db").write_bytes(content)
    with pytest.raises(StateDamaged, match=why):
        Store.open(str(tmp_path))
    assert (tmp_path / "events.db").read_bytes() == content


def test_another_programs_database_is_refused_and_stays(tmp_path: Path) -> None:
    import apsw

    db = apsw.Connection(str(tmp_path / "events.db"))
    db.execute("CREATE TABLE mine (x); PRAGMA application_id = 7")
    db.close()
    before = (tmp_path / "events.db").read_bytes()
    with pytest.raises(StateDamaged, match="belonging to program 0x00000007"):
        Store.open(str(tmp_path))
    assert (tmp_path / "events.db").read_bytes() == before


def test_a_store_that_was_cut_to_nothing_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([(key_of(1, 0), 1, 3, 1, None, b"x")])
    wal = (tmp_path / "events.db-wal").read_bytes()
    store.close()
    os.truncate(tmp_path / "events.db", 0)
    store = Store.open(str(tmp_path))
    assert store.cut == 3
    store.close()
    os.truncate(tmp_path / "events.db", 0)
    (tmp_path / "events.db-wal").write_bytes(wal)
    with pytest.raises(StateDamaged, match="it is empty, and its log is not"):
        Store.open(str(tmp_path))


def test_a_crash_while_a_store_is_made_leaves_one_that_can_be_made(tmp_path: Path) -> None:
    import apsw

    db = apsw.Connection(str(tmp_path / "events.db"))
    db.pragma("journal_mode", "wal")
    db.close()
    Store.open(str(tmp_path)).close()


@pytest.fixture
def other() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start another process that opens a store, and holds it until it is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(directory: str) -> subprocess.Popen[str]:
        code = (
            "import sys; from sinkgraph.log.disk.store import Store\n"
            "store = Store.open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_directory_in_use_names_the_process_and_frees_itself_when_that_dies(
    tmp_path: Path, other: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = other(str(tmp_path))
    assert holder(str(tmp_path)) == process.pid
    with pytest.raises(StateLocked) as raised:
        Store.open(str(tmp_path))
    assert raised.value.pid == process.pid
    assert str(raised.value) == (
        f"state directory {tmp_path} is in use by process {process.pid}: stop that, choose"
        " another --state-dir, or put both graphs into one document"
    )
    look = Store.open(str(tmp_path), read_only=True)
    assert look.heads() == {}
    look.close()
    process.kill()
    process.wait()
    assert (tmp_path / "events.lock").read_text() == f"{process.pid}\n"
    assert holder(str(tmp_path)) is None
    Store.open(str(tmp_path)).close()


def test_a_store_is_opened_once_within_a_process_too(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    with pytest.raises(StateLocked, match=f"in use by process {os.getpid()}"):
        Store.open(str(tmp_path))
    store.close()
    Store.open(str(tmp_path)).close()


def test_a_refused_store_leaves_the_directory_free(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"x" * 1_000)
    with pytest.raises(StateDamaged):
        Store.open(str(tmp_path))
    assert holder(str(tmp_path)) is None


def test_looking_makes_nothing(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([(key_of(1, 0), 1, 1, 1, None, b"x")])
    store.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    look = Store.open(str(tmp_path), read_only=True)
    assert look.read(1, 0)[0].body == b"x"
    look.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert holder(str(tmp_path)) is None


def test_no_room_is_said_when_a_directory_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "makedirs", full)
    with pytest.raises(StateUnusable, match=r"cannot make state .*: no space left"):
        place.prepare(os.path.join(tempfile.gettempdir(), "never-made"))
