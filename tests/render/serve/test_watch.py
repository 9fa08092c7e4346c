"""A file has changed when it holds something else, however it came to do so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sinkgraph.render.serve.watch import Watched


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "graph.yaml"
    made.write_text("one")
    return made


def replace(file: Path, text: str) -> None:
    """Put a new file in place of another, as editors save."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


def test_a_file_that_stays_has_not_changed(file: Path) -> None:
    watched = Watched([file])
    assert [watched.changed() for _ in range(3)] == [False, False, False]


def test_a_file_written_to_has_changed_once(file: Path) -> None:
    watched = Watched([file])
    file.write_text("another")
    assert [watched.changed(), watched.changed()] == [True, False]


def test_a_file_that_is_replaced_is_followed(file: Path) -> None:
    watched = Watched([file])
    for text in ("two", "three", "four"):
        replace(file, text)
        assert [watched.changed(), watched.changed()] == [True, False]


def test_the_same_size_and_time_hide_nothing_when_it_is_another_file(file: Path) -> None:
    watched = Watched([file])
    before = file.stat()
    replace(file, "two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.changed()


def test_a_file_that_was_only_touched_has_not_changed(file: Path) -> None:
    watched = Watched([file])
    os.utime(file, ns=(1, 1))
    assert not watched.changed()
    replace(file, "one")
    assert not watched.changed()


def test_a_file_that_is_away_for_a_moment_is_waited_for(file: Path) -> None:
    watched = Watched([file])
    file.unlink()
    assert not watched.changed()
    file.write_text("one")
    assert not watched.changed()


def test_a_file_that_stays_away_has_changed_and_so_has_its_return(file: Path) -> None:
    watched = Watched([file])
    file.unlink()
    assert [watched.changed() for _ in range(6)].count(True) == 1
    file.write_text("one")
    assert watched.changed()
    file.unlink()
    file.mkdir()
    assert [watched.changed() for _ in range(6)].count(True) == 1


def test_one_of_several_is_enough(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    watched = Watched([file, other])
    assert not watched.changed()
    other.write_text("here now")
    assert watched.changed()


def test_a_file_that_was_gone_and_is_put_back_as_it_was_has_changed_twice(
    file: Path, tmp_path: Path
) -> None:
    watched = Watched([file])
    file.rename(tmp_path / "away")
    assert [watched.changed() for _ in range(4)].count(True) == 1
    (tmp_path / "away").rename(file)
    assert [watched.changed() for _ in range(4)].count(True) == 1
