"""Which state dir a run uses, and what `--fate` may say."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from sinkgraph.cli.state_dir import default_dir, given_dir, parse_fates, run_dir


def test_the_option_is_asked_first_then_the_environment() -> None:
    env = {
        "SINKGRAPH_STATE_DIR": "/ours",
        "STATE_DIRECTORY": "/systemd:/second",
        "XDG_STATE_HOME": "/xdg",
        "HOME": "/users/ada",
    }
    found = []
    for gone in ("", "SINKGRAPH_STATE_DIR", "STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        env.pop(gone, None)
        found.append(given_dir(None, env) or default_dir("orders", env))
    assert found == [
        "/ours",
        "/systemd",
        "/xdg/sinkgraph/orders",
        "/users/ada/.local/state/sinkgraph/orders",
        None,
    ]
    assert given_dir("here", {"SINKGRAPH_STATE_DIR": "/ours"}) == "here"
    with pytest.raises(click.UsageError, match="`--state-dir` is empty"):
        given_dir(" ", {})


def test_a_relative_state_home_is_not_followed() -> None:
    env = {"XDG_STATE_HOME": "state", "HOME": "/users/ada"}
    assert default_dir("g", env) == "/users/ada/.local/state/sinkgraph/g"


@pytest.mark.parametrize(
    ("name", "folder"),
    [("eu/orders", "eu%2Forders"), ("..", "%2E%2E"), (".", "%2E"), ("v1.2", "v1.2")],
)
def test_the_name_of_a_graph_is_one_folder(name: str, folder: str) -> None:
    assert default_dir(name, {"XDG_STATE_HOME": "/xdg"}) == f"/xdg/sinkgraph/{folder}"


def test_nothing_is_used_when_nothing_needs_it(tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path)}
    place = tmp_path / "sinkgraph" / "g"
    assert run_dir("g", None, needed=(), env=env) is None
    assert run_dir("g", None, needed=("audit",), env=env) == str(place)
    assert run_dir("g", "given", needed=(), env=env) == "given"
    place.mkdir(parents=True)
    assert run_dir("g", None, needed=(), env=env) is None
    (place / "events.db").touch()
    assert run_dir("g", None, needed=(), env=env) == str(place)


def test_a_run_that_needs_a_place_and_has_none_says_so() -> None:
    with pytest.raises(click.UsageError, match=r"`audit` needs a state dir.*--state-dir DIR"):
        run_dir("g", None, needed=("audit",), env={})
    assert run_dir("g", None, needed=(), env={}) is None


def test_fates_are_read_by_name() -> None:
    given = ["a=discard", "eu/b = move_to: c", "d=dead_letter", "e=drain", "a=discard"]
    assert parse_fates(given, "/state") == {
        "a": "discard",
        "eu/b": "move_to:c",
        "d": "dead_letter",
        "e": "drain",
    }
    assert parse_fates([], None) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a"], "`--fate a` is not NAME=FATE; a fate is `drain`, `dead_letter`, `discard` or"),
        (["=discard"], "is not NAME=FATE"),
        (["a="], "is not NAME=FATE"),
        (["a=discrad"], "`--fate a=discrad` names no fate: the nearest is `discard`"),
        (["a=keep"], "names no fate: a fate is `drain`"),
        (["a=move_to"], "names no fate: the nearest is `move_to:NAME`"),
        (["a=move_to:"], "names no fate: the nearest is `move_to:NAME`"),
        (["a=discard:"], "names no fate: the nearest is `discard`"),
        (["a=discard:b"], "names no fate: the nearest is `discard`"),
        (["a=discard", "a=dead_letter"], "`--fate` says two things of `a`"),
    ],
)
def test_a_fate_that_is_none_is_one_line(given: list[str], said: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        parse_fates(given, "/state")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_fates_without_a_state_dir_decide_nothing() -> None:
    with pytest.raises(click.UsageError, match="this run has no state dir"):
        parse_fates(["a=discard"], None)
