"""Globs find documents, in order, and cannot be made to look for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.spec.including import paths
from sinkgraph.spec.including.paths import Budget, documents_in, is_glob, matches, tidy


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_a_glob_finds_documents_of_every_syntax_sorted() -> None:
    make("p/b.yaml", "p/a.toml", "p/c.json", "p/d.yml", "p/notes.txt", "p/x.schema.json")
    make("p/folder.yaml/inside.yaml", "p/E.YAML")
    assert matches("", "p/*").files == ["p/E.YAML", "p/a.toml", "p/b.yaml", "p/c.json", "p/d.yml"]
    assert matches("", "p/[ab].*").files == ["p/a.toml", "p/b.yaml"]
    assert matches("", "p/?.yaml").files == ["p/b.yaml"]


def test_two_stars_are_any_number_of_folders() -> None:
    make("p/a.yaml", "p/q/b.yaml", "p/q/r/c.yaml", "p/q/r/c.toml")
    assert matches("", "p/**/*.yaml").files == ["p/a.yaml", "p/q/b.yaml", "p/q/r/c.yaml"]
    assert matches("p", "**").files == ["p/a.yaml", "p/q/b.yaml", "p/q/r/c.toml", "p/q/r/c.yaml"]
    assert matches("", "p/**/r/*.toml").files == ["p/q/r/c.toml"]


def test_hidden_names_are_matched_only_where_they_are_asked_for() -> None:
    make("p/.a.yaml", "p/b.yaml", "p/.h/c.yaml")
    assert matches("", "p/*.yaml").files == ["p/b.yaml"]
    assert matches("", "p/**/*.yaml").files == ["p/b.yaml"]
    assert matches("", "p/.*.yaml").files == ["p/.a.yaml"]


def test_links_in_a_circle_cost_nothing() -> None:
    make("p/a.yaml")
    for n in range(12):
        Path(f"p/link{n}").symlink_to(".", target_is_directory=True)
    found = matches("", "p/**/*.yaml")
    assert (found.files, found.whole) == (["p/a.yaml"], True)


def test_a_glob_that_would_look_at_too_much_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_LOOKED_AT", 10)
    make(*(f"p/{n}.yaml" for n in range(11)))
    assert not matches("", "p/*.yaml").whole
    assert matches("", "p/**").files == []


def test_the_folders_in_which_documents_may_appear_are_told() -> None:
    make("p/q/a.yaml")
    assert matches("", "p/*/*.yaml").folders == ["p", "p/q"]
    assert matches("", "none/*.yaml").folders == ["."]


def test_a_file_whose_name_looks_like_a_glob_is_that_file() -> None:
    make("p/[a].yaml")
    assert not is_glob("p/[a].yaml")
    assert is_glob("p/[b].yaml")
    assert matches("", "p/\0*.yaml").files == []


def test_a_path_is_shortened_only_where_it_stays_the_same_file() -> None:
    make("p/a.yaml", "q/r/b.yaml", "q/a.yaml")
    assert tidy("./p/./a.yaml") == "p/a.yaml"
    assert tidy("p/../p/a.yaml") == "p/a.yaml"
    assert tidy("p/../gone.yaml") == "gone.yaml"
    Path("link").symlink_to("q/r", target_is_directory=True)
    assert tidy("link/../a.yaml") == "link/../a.yaml", "which is q/a.yaml"


def test_names_in_a_folder_that_is_none_are_none() -> None:
    make("a.yaml", "b.txt")
    assert documents_in("") == ["a.yaml"]
    assert documents_in("gone") == []
    assert documents_in("\0") == []


def test_globs_that_share_a_budget_stop_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_LOOKED_AT", 10)
    make(*(f"p/{n}.yaml" for n in range(4)))
    budget = Budget()
    assert [matches("", f"p/{n}*", budget).whole for n in range(3)] == [True, True, False]
