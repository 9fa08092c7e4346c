"""`sinkgraph fmt`: what it writes, what it says, what it leaves alone, and how it ends."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli import fmt
from sinkgraph.cli.main import cli
from tests.support.unprivileged import a_folder, rights_of_nobody

UNTIDY = """\
# yaml-language-server: $schema=./sinkgraph.schema.json
sinks:
    out:  {kind: 'stdout'}   # the end
name:   a
sinkgraph: 1
"""
TIDY = """\
# yaml-language-server: $schema=./sinkgraph.schema.json
sinkgraph: 1
name: a
sinks:
  out: {kind: stdout}        # the end
"""
BROKEN = "sinkgraph: 1\nname: [a\nsinks: {}\n"


def run(*args: str | Path, **options: object) -> Result:
    return CliRunner().invoke(cli, ["fmt", *map(str, args)], prog_name="sinkgraph", **options)  # type: ignore[arg-type]


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    document = tmp_path / "graph.yaml"
    document.write_text(UNTIDY)
    return document


def test_a_document_is_written_in_order_and_named(untidy: Path) -> None:
    done = run(untidy)
    assert done.exit_code == 0
    assert done.stdout == f"{untidy}: written\n"
    assert done.stderr == "1 document written\n"
    assert untidy.read_text() == TIDY


def test_a_document_in_order_is_not_touched(untidy: Path) -> None:
    untidy.write_text(TIDY)
    before = untidy.stat()
    done = run(untidy)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "1 document in order\n")
    after = untidy.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_check_writes_nothing_and_exits_1_when_something_would_change(untidy: Path) -> None:
    done = run("--check", untidy)
    assert done.exit_code == 1
    assert done.stdout == f"{untidy}: would change\n"
    assert done.stderr == "1 document would change\n"
    assert untidy.read_text() == UNTIDY
    untidy.write_text(TIDY)
    assert run("--check", untidy).exit_code == 0


def test_diff_shows_what_would_change_and_writes_nothing(untidy: Path) -> None:
    done = run("--diff", untidy)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"--- {untidy}", f"+++ {untidy}"]
    assert "-name:   a" in lines
    assert "+name: a" in lines
    assert untidy.read_text() == UNTIDY
    assert run("--diff", "--check", untidy).exit_code == 1


def test_line_ends_and_a_byte_order_mark_are_a_difference_too(untidy: Path) -> None:
    untidy.write_bytes(b"\xef\xbb\xbf" + TIDY.replace("\n", "\r\n").encode())
    done = run("--diff", "--check", untidy)
    assert done.exit_code == 1
    assert done.stdout != ""
    assert run(untidy).exit_code == 0
    assert untidy.read_bytes() == TIDY.encode()


def test_standard_input_is_printed_in_order() -> None:
    done = run("-", input=UNTIDY)
    assert (done.exit_code, done.stdout, done.stderr) == (0, TIDY, "")
    assert run("-", input=TIDY).stdout == TIDY


def test_the_name_of_standard_input_tells_its_syntax() -> None:
    done = run("--stdin-name", "a.toml", "-", input="name='a'\nsinkgraph=1\n")
    assert done.stdout == 'sinkgraph = 1\nname = "a"\n'
    done = run("-", "--syntax", "json", input='{"name": "a", "sinkgraph": 1}')
    assert done.stdout == '{"sinkgraph": 1, "name": "a"}\n'
    done = run("-", input='{"name": "a", "sinkgraph": 1}')
    assert done.stdout == '{"sinkgraph": 1, "name": "a"}\n'
    done = run("--check", "--stdin-name", "here.yaml", "-", input=UNTIDY)
    assert (done.exit_code, done.stdout) == (1, "here.yaml: would change\n")


def test_a_name_of_standard_input_without_standard_input_is_a_usage_error(untidy: Path) -> None:
    done = run("--stdin-name", "a.yaml", untidy)
    assert done.exit_code == 2
    assert "`--stdin-name` is for `-`, standard input" in done.stderr
    assert run("-", "-").exit_code == 2


def test_a_document_with_errors_is_left_as_it_is_and_they_are_shown(untidy: Path) -> None:
    untidy.write_text(BROKEN)
    done = run(untidy)
    assert done.exit_code == 1
    assert "error[SG105]" in done.stderr
    assert f"--> {untidy}:3:6" in done.stderr
    assert f"{untidy}: left as it is: 1 error\n1 document left as it is\n" in done.stderr
    assert untidy.read_text() == BROKEN
    done = run("-", input=BROKEN)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "<stdin>: left as it is" in done.stderr


def test_the_others_are_written_when_one_has_errors(untidy: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(BROKEN)
    done = run(broken, untidy)
    assert done.exit_code == 1
    assert done.stdout == f"{untidy}: written\n"
    assert done.stderr.endswith("1 document written, 1 document left as it is\n")
    assert untidy.read_text() == TIDY


def test_a_file_that_is_no_graph_document_is_left_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "compose.yaml"
    other.write_text("services:\n    a: {image:  b}\n")
    done = run(other)
    assert done.exit_code == 1
    assert "left as it is: it is no graph document" in done.stderr
    assert other.read_text() == "services:\n    a: {image:  b}\n"


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    (tmp_path / "notes.md").write_text("# a\n")
    for name, said in {
        "missing.yaml": "the document does not exist",
        "pipe.yaml": "the document is not a regular file",
        "notes.md": "does not tell the syntax",
        "missing": "the document does not exist",
    }.items():
        done = run(tmp_path / name)
        assert done.exit_code == 1, name
        assert said in done.stderr
        assert f"--> {tmp_path / name}:1:1\n" in done.stderr
        assert done.stderr.endswith("\n1 not read\n")


def test_folders_and_globs_are_searched(untidy: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "part.toml").write_text('[sinks.a]\nkind="stdout"\n')
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    done = run(tmp_path)
    assert done.stdout == f"{tmp_path}/deep/part.toml: written\n{untidy}: written\n"
    assert done.stderr == "2 documents written, 1 other file left out\n"
    done = run(tmp_path / "**" / "*.yaml")
    assert (done.exit_code, done.stderr) == (0, "1 document in order, 1 other file left out\n")
    done = run(tmp_path / "*.json")
    assert done.exit_code == 1
    assert done.stderr == f"{tmp_path}/*.json: no graph document is found here\n1 not read\n"


def test_without_paths_the_folder_one_is_in_is_searched(
    untidy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(untidy.parent)
    assert run().stdout == "./graph.yaml: written\n"
    assert untidy.read_text() == TIDY


def test_mode_bits_and_a_link_are_kept(untidy: Path, tmp_path: Path) -> None:
    untidy.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to("graph.yaml")
    assert run(link).exit_code == 0
    assert link.is_symlink()
    assert untidy.read_text() == TIDY
    assert stat.S_IMODE(untidy.stat().st_mode) == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["graph.yaml", "link.yaml"]


def test_the_owner_is_kept_or_the_document_is_left_as_it_is(
    untidy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def refuse(handle: int, user: int, group: int) -> None:
        asked.append((user, group))
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.fchown", refuse)
    monkeypatch.setattr(fmt, "_owner", lambda one: (one.st_ino, 7))
    done = run(untidy)
    assert done.exit_code == 1
    assert "left as it is: its owner and group could not be kept" in done.stderr
    assert asked == [(untidy.stat().st_ino, 7)]
    assert untidy.read_text() == UNTIDY
    assert [one.name for one in untidy.parent.iterdir()] == ["graph.yaml"]


def test_a_document_named_twice_is_written_once(untidy: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to("graph.yaml")
    assert run(untidy, link).stdout == f"{untidy}: written\n"


def test_a_document_that_changed_meanwhile_is_left_as_it_is(
    untidy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = fmt._mark

    def changed_after(path: str) -> os.stat_result | None:
        before = mark(path)
        untidy.write_text(UNTIDY + "# another hand\n")
        return before

    monkeypatch.setattr(fmt, "_mark", changed_after)
    done = run(untidy)
    assert done.exit_code == 1
    assert "left as it is: it changed while it was being read" in done.stderr
    assert untidy.read_text() == UNTIDY + "# another hand\n"
    assert [one.name for one in untidy.parent.iterdir()] == ["graph.yaml"]


def test_a_file_or_folder_that_may_not_be_written_is_said() -> None:
    with a_folder() as folder:
        untidy = folder / "graph.yaml"
        untidy.write_text(UNTIDY)
        assert run(untidy).exit_code == 0
        untidy.write_text(UNTIDY)
        with rights_of_nobody(folder):
            untidy.chmod(0o444)
            done = run(untidy)
            assert "left as it is: it may not be written by this user" in done.stderr
            untidy.chmod(0o644)
            folder.chmod(0o555)
            done = run(untidy)
            folder.chmod(0o755)
        assert done.exit_code == 1
        assert "left as it is: it cannot be written: permission denied" in done.stderr
        assert untidy.read_text() == UNTIDY


def test_a_full_disk_leaves_the_document_whole(
    untidy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = run(untidy)
    assert done.exit_code == 1
    assert "left as it is: it cannot be written: no space left on device" in done.stderr
    assert untidy.read_text() == UNTIDY
    assert [one.name for one in untidy.parent.iterdir()] == ["graph.yaml"]
