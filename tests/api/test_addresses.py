"""Where running graphs are found, and what an ADDR means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sinkgraph.api.addresses import Address, Unreachable, resolve, running, runtime_dir
from sinkgraph.control.registration import Registration, leave, place_for, prepare


def register(name: str, **more: object) -> Registration:
    given = {"socket": f"/s/{name}", "address": None, "state_dir": None, "started_at": 1.0, **more}
    return Registration.write(name=name, **given)  # type: ignore[arg-type]


def test_the_only_running_graph_is_meant_when_none_is_named() -> None:
    one = register("alone")
    assert resolve(None) == Address(socket="/s/alone")
    one.remove()
    with pytest.raises(Unreachable, match="no graph of this user is running"):
        resolve(None)


def test_several_are_listed_and_found_by_name() -> None:
    both = [register("a", started_at=1.0), register("b", started_at=2.0)]
    with pytest.raises(Unreachable) as caught:
        resolve(None)
    pid = os.getpid()
    assert str(caught.value) == f"2 graphs are running; say which:\n  {pid}  a\n  {pid}  b"
    assert resolve("b") == Address(socket="/s/b")
    with pytest.raises(Unreachable, match="no running graph is `bb`; the nearest is `b`"):
        resolve("bb")
    for one in both:
        one.remove()
        one.remove()


def test_a_record_nobody_holds_is_removed(runtime: Path) -> None:
    one = register("dead")
    path = Path(one.path)
    kept = path.read_bytes()
    one.remove()
    path.write_bytes(kept)
    assert running() == []
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid":"x"}'])
def test_a_record_that_cannot_be_read_is_passed_over(text: str) -> None:
    one = register("odd")
    Path(one.path).write_text(text)
    assert running() == []
    one.remove()


def test_a_graph_without_a_socket_is_reached_by_its_address() -> None:
    one = register("net", socket=None, address=("::1", 9000))
    assert resolve("net") == Address(url="http://[::1]:9000")
    one.remove()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://127.0.0.1:9000", Address(url="http://127.0.0.1:9000")),
        ("https://user:pw@host/base/", Address(url="https://host/base")),
    ],
)
def test_a_url_is_an_address(given: str, address: Address) -> None:
    assert resolve(given) == address


@pytest.mark.parametrize("given", ["ftp://x", "http://", "http://h:x"])
def test_what_is_no_url_is_refused(given: str) -> None:
    with pytest.raises(Unreachable, match="is not a"):
        resolve(given)


def test_a_runtime_directory_of_another_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    monkeypatch.setenv("SINKGRAPH_RUNTIME_DIR", str(link))
    with pytest.raises(PermissionError, match="does not belong to this user"):
        prepare(runtime_dir())
    assert running() == []


def test_the_runtime_directory_is_below_the_users_own() -> None:
    assert runtime_dir({"SINKGRAPH_RUNTIME_DIR": "/x"}) == "/x"
    assert runtime_dir({"XDG_RUNTIME_DIR": "/tmp"}) == "/tmp/sinkgraph"
    assert runtime_dir({"TMPDIR": "/var/tmp"}).endswith((str(os.geteuid()), "sinkgraph"))


def test_a_socket_goes_into_a_closed_state_dir_and_else_among_the_runs(
    tmp_path: Path, runtime: Path
) -> None:
    closed, opened, long = tmp_path / "closed", tmp_path / "open", tmp_path / ("x" * 100)
    closed.mkdir(0o700)
    opened.mkdir(0o755)
    long.mkdir(0o700)
    assert place_for("g", str(closed)) == str(closed / "control.sock")
    for other in (str(opened), str(long), None):
        assert Path(place_for("g", other)).parent == runtime
    assert runtime.stat().st_mode & 0o777 == 0o700


def test_a_name_of_any_length_has_a_place(runtime: Path) -> None:
    assert len(place_for("n/" * 300, None)) < 108


def test_where_paths_are_too_long_for_a_socket_it_gets_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINKGRAPH_RUNTIME_DIR", str(tmp_path / ("d" * 100)))
    place = Path(place_for("g", None))
    assert len(str(place)) < 108
    assert place.parent.stat().st_mode & 0o777 == 0o700
    leave(str(place))
    assert not place.parent.exists()


def test_the_socket_of_a_dead_run_goes_with_its_record(runtime: Path) -> None:
    one = register("dead", socket=str(runtime / "dead.1.sock"))
    path, socket = Path(one.path), runtime / "dead.1.sock"
    kept = path.read_bytes()
    one.remove()
    path.write_bytes(kept)
    socket.write_bytes(b"")
    assert running() == []
    assert list(runtime.iterdir()) == []


def test_a_runtime_directory_open_to_others_is_closed(runtime: Path) -> None:
    runtime.mkdir()
    runtime.chmod(0o777)
    prepare(runtime_dir())
    assert runtime.stat().st_mode & 0o777 == 0o700
