"""Committed documents: kept for good, ten of them, in files of one's own, and loaded as read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from sinkgraph.control.documents import Document, Part, Recipe, read_file
from sinkgraph.control.generations import KEPT, Generations, Kept, last_kept

TEXT = """sinkgraph: 1
name: kept
include: parts/*
sources: {in: {kind: http, listen: "127.0.0.1:0", token: "${env:WT_TOKEN}", to: out}}
"""
PART = '[sinks.out]\nkind = "file"\npath = "${file:where.txt}"\n'


def a_document(text: str = "sinkgraph: 1\n") -> Document:
    return Document(Part("a.yaml", "/", text), "yaml", path="/a.yaml")


def kept(generation: int, *, digest: str | None = None, of: int | None = None) -> Kept:
    known = digest or f"digest {generation}"
    return Kept(
        generation,
        known,
        a_document(f"# {generation}"),
        float(generation),
        "api",
        "uid 1",
        False,
        of or generation,
    )


def commit(held: Generations, one: Kept) -> None:
    path = held.write(one)
    held.settle(path, one.generation, held.hold(one))


def test_the_last_ten_are_there_after_a_restart_and_no_more(tmp_path: Path) -> None:
    held = Generations(str(tmp_path))
    for number in range(1, KEPT + 4):
        commit(held, kept(number))
    again = Generations(str(tmp_path))
    again.open()
    assert again.all() == held.all()
    assert [one.generation for one in again.all()] == list(range(4, KEPT + 4))
    assert len(os.listdir(tmp_path / "documents")) == KEPT
    assert last_kept(str(tmp_path)) == kept(KEPT + 3)


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        commit(Generations(str(tmp_path)), kept(1))
    finally:
        os.umask(before)
    folder = tmp_path / "documents"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()] == [0o600]


def opened(tmp_path: Path) -> Generations:
    again = Generations(str(tmp_path))
    again.open()
    return again


def test_what_was_only_written_does_not_count_and_is_named(tmp_path: Path) -> None:
    held = Generations(str(tmp_path))
    commit(held, kept(1))
    path = held.write(kept(2))
    again = opened(tmp_path)
    assert again.last() == last_kept(str(tmp_path)) == kept(1)
    assert (again.uncommitted, again.unreadable) == ([path], [])
    again.discard(path)
    assert opened(tmp_path).uncommitted == []


def test_a_document_that_waits_for_its_place_is_not_written_over(tmp_path: Path) -> None:
    held = Generations(str(tmp_path))
    first, second = held.write(kept(1)), held.write(kept(2))
    held.settle(first, 1, held.hold(kept(1)))
    held.settle(second, 2, held.hold(kept(2)))
    assert opened(tmp_path).all() == [kept(1), kept(2)]


def test_a_document_cut_anywhere_is_never_run(tmp_path: Path) -> None:
    held = Generations(str(tmp_path))
    commit(held, kept(1))
    commit(held, kept(2))
    path = tmp_path / "documents" / "0000000002.json"
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        again = opened(tmp_path)
        assert (again.last(), again.unreadable) == (kept(1), [str(path)]), end
        assert again.next == 3


def test_any_flipped_bit_of_a_document_is_seen(tmp_path: Path) -> None:
    commit(Generations(str(tmp_path)), kept(1))
    path = tmp_path / "documents" / "0000000001.json"
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert opened(tmp_path).last() in (None, kept(1)), at
        if at > whole.index(b"\n"):
            assert opened(tmp_path).last() is None, at


def test_a_full_disk_leaves_nothing_and_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Generations(str(tmp_path))
    commit(held, kept(1))

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space") as error:
            held.write(kept(2))
    assert error.value.filename is not None
    assert os.listdir(tmp_path / "documents") == ["0000000001.json"]
    commit(held, kept(2))
    assert last_kept(str(tmp_path)) == kept(2)


def test_a_copy_under_another_number_is_not_run(tmp_path: Path) -> None:
    commit(Generations(str(tmp_path)), kept(1))
    folder = tmp_path / "documents"
    copy = folder / "0000000009.json"
    copy.write_bytes((folder / "0000000001.json").read_bytes())
    again = opened(tmp_path)
    assert (again.all(), again.unreadable, again.next) == ([kept(1)], [str(copy)], 10)


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    commit(Generations(str(tmp_path)), kept(1))
    folder = tmp_path / "documents"
    os.mkfifo(folder / "0000000002.json")
    (folder / "0000000003.json").mkdir()
    (folder / "0000000004.json").symlink_to("0000000004.json")
    again = opened(tmp_path)
    assert again.last() == kept(1)
    assert [os.path.basename(one) for one in again.unreadable] == [
        f"{number:010}.json" for number in (2, 3, 4)
    ]


@pytest.mark.parametrize(
    "spoil", [b"", b"{}", b"\xff\xfe", b"[" * 999, b"5\n{}", b'{"version": 1, "sha256": "0"}\n{}']
)
def test_a_damaged_one_is_named_and_the_one_before_is_the_last(
    tmp_path: Path, spoil: bytes
) -> None:
    held = Generations(str(tmp_path))
    commit(held, kept(1))
    commit(held, kept(2))
    path = tmp_path / "documents" / "0000000002.json"
    path.write_bytes(spoil)
    again = Generations(str(tmp_path))
    again.open()
    assert again.unreadable == [str(path)]
    assert again.last() == kept(1)


def test_without_a_state_dir_nothing_is_written(tmp_path: Path) -> None:
    held = Generations(None)
    held.open()
    commit(held, kept(1))
    assert held.last() == kept(1)
    assert list(tmp_path.iterdir()) == []


def test_a_rollback_goes_further_back_each_time() -> None:
    held = Generations(None)
    for number in (1, 2, 3):
        held.hold(kept(number))
    first = held.before(kept(3))
    assert first == kept(2)
    back = kept(4, digest="digest 2", of=2)
    held.hold(back)
    assert held.before(back) == kept(1)
    assert held.before(kept(1)) is None


def test_a_document_is_loaded_as_it_was_though_its_files_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WT_TOKEN", "canary-0123456789abcdef")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "out.toml").write_text(PART)
    (tmp_path / "parts" / "where.txt").write_text("there.ndjson")
    (tmp_path / "graph.yaml").write_text(TEXT)
    recipe = Recipe()
    first = read_file("graph.yaml", None, recipe)
    assert first.graph is not None, first.found
    assert first.document is not None
    held = Generations(str(tmp_path / "state"))
    os.mkdir(tmp_path / "state")
    commit(held, Kept(1, first.graph.digest, first.document, 1.0, "start", "", False, 1))
    (tmp_path / "graph.yaml").unlink()
    (tmp_path / "parts" / "out.toml").unlink()
    last = last_kept(str(tmp_path / "state"))
    assert last is not None
    again = last.document.load(recipe)
    assert again.graph is not None, again.found
    assert again.graph.digest == first.graph.digest
    assert again.document == first.document
    (stored,) = (tmp_path / "state" / "documents").iterdir()
    assert b"canary" not in stored.read_bytes()
    assert b"there.ndjson" not in stored.read_bytes()


def test_a_finding_in_a_kept_part_has_its_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WT_TOKEN", raising=False)
    parts = (Part("parts/out.toml", str(tmp_path), '[sinks.out]\nkind = "fille"\n'),)
    document = Document(Part("graph.yaml", str(tmp_path), TEXT), "yaml", parts)
    loaded = document.load(Recipe(secrets="placeholder"))
    (error,) = [one for one in loaded.found if one.severity == "error"]
    assert error.span is not None
    assert (error.span.source.name, error.span.line) == ("parts/out.toml", 2)
