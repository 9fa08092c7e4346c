"""What `sinkgraph run` refuses to start, and how it says so: exit 1, clear lines, no effects."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from tests.support.program import GRAPHS, Program, finished

HEAD = "sinkgraph: 1\nname: x\n"


def document(folder: Path, sources: str, sinks: str, name: str = "graph.yaml") -> Path:
    path = folder / name
    path.write_text(f"{HEAD}sources:\n  s: {sources}\nsinks:\n  {sinks}\n")
    return path


async def refused(folder: Path, *args: str | os.PathLike[str], **options: object) -> str:
    """Return what a run said that must not start."""
    run = await finished("run", *args, cwd=folder, **options)
    assert run.code == 1, run.err
    assert run.out == b""
    assert "Traceback" not in run.err
    assert "is running" not in run.err
    return run.err


async def test_a_busy_port_is_one_clear_line_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        listen = f"listen=127.0.0.1:{port}"
        said = await refused(tmp_path, GRAPHS / "registry.yaml", "--set", listen)
    assert said.splitlines() == [
        f"error: http registry: cannot listen on 127.0.0.1:{port}: address already in use",
        "nothing was started",
    ]
    assert not list(tmp_path.glob("*.jsonl"))  # noqa: ASYNC240


async def test_every_reason_is_told_at_once(tmp_path: Path) -> None:
    path = document(
        tmp_path,
        "{kind: file, paths: [missing.ndjson], to: fan}",
        "fan: {kind: broadcast, to: [one, two, three]}\n"
        '  one: {kind: call, target: "no.such:function"}\n'
        '  two: {kind: call, target: "provided:nobody"}\n'
        '  three: {kind: call, target: "json:nothing"}',
    )
    lines = (await refused(tmp_path, path)).splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert any("no.such" in line for line in errors)
    assert any("'nobody'" in line for line in errors)
    assert any("json has no nothing" in line for line in errors)
    assert any("missing.ndjson" in line for line in errors)
    assert len(errors) == 4
    assert lines[-1] == "nothing was started"
    assert not any(re.search(r"(\w+ \w+): \1:", line) for line in errors), "a name is said once"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("no.such.module:f", "No module named 'no'"),
        ("json:nothing", "has no attribute 'nothing'"),
        ("json:__name__", "not a function"),
        ("asyncio:sleep", "is async"),
    ],
)
async def test_a_python_function_that_is_none_is_named(
    tmp_path: Path, target: str, why: str
) -> None:
    made = f'{{kind: transform, python: "{target}", to: {{kind: stdout}}}}'
    said = await refused(tmp_path, document(tmp_path, "{kind: stdin, to: t}", f"t: {made}"))
    assert said.startswith("error: transform t: ")
    assert target in said
    assert why in said


async def test_functions_are_found_beside_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def add(event):\n    return {'n': event.data['n'] + 1}\n\n"
        "def keep(event):\n    open('kept.txt', 'a').write(str(event.data))\n"
    )
    made = '{kind: transform, python: "mine:add", to: {kind: call, target: "mine:keep"}}'
    path = document(tmp_path, "{kind: stdin, to: t}", f"t: {made}")
    run = await finished("run", path, cwd=tmp_path, stdin=b'{"n":1}\n')
    assert run.code == 0, run.err
    assert (tmp_path / "kept.txt").read_text() == "{'n': 2}"


async def test_an_invalid_document_gets_all_its_findings(tmp_path: Path) -> None:
    said = await refused(tmp_path, GRAPHS / "broken" / "wrong-type.yaml")
    assert len(re.findall(r"^error\[SG\d+\]: ", said, re.MULTILINE)) >= 10
    assert "wrong-type.yaml:5:30" in said


@pytest.mark.parametrize("name", ["cycle.yaml", "unknown-target.yaml", "names.yaml"])
async def test_what_check_refuses_run_refuses_in_the_same_words(tmp_path: Path, name: str) -> None:
    path = GRAPHS / "broken" / name
    said = await refused(tmp_path, path)
    check = await finished("check", path, cwd=tmp_path)
    assert check.code == 1
    for line in said.strip().splitlines():
        assert line in check.err


async def test_a_document_without_a_source_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(f"{HEAD}sinks:\n  out: {{kind: stdout}}\n")
    said = await refused(tmp_path, path)
    assert f"error: `{path}` has no source: nothing could ever enter it" in said
    assert "help: add a source" in said


async def test_a_document_with_inlets_only_is_for_python(tmp_path: Path) -> None:
    said = await refused(tmp_path, GRAPHS / "embedded.yaml")
    assert "has only inlets, and only Python writes to those" in said
    assert os.listdir(tmp_path) == []


async def test_an_unset_secret_is_a_warning_in_check_and_an_error_in_run(tmp_path: Path) -> None:
    path = document(
        tmp_path,
        "{kind: stdin, to: hook}",
        'hook: {kind: endpoint, url: "http://127.0.0.1:1/", '
        'headers: {Authorization: "Bearer ${env:SINKGRAPH_TEST_UNSET}"}}',
    )
    env = {"SINKGRAPH_TEST_UNSET": None}
    said = await refused(tmp_path, path, env=env)
    assert "error[SG501]" in said
    assert "`SINKGRAPH_TEST_UNSET` is not set" in said
    check = await finished("check", path, cwd=tmp_path, env=env)
    assert check.code == 0
    assert "warning[SG501]" in check.err


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "the document does not exist"),
        (lambda path: path.mkdir(), "the document is a directory"),
        (lambda path: os.mkfifo(path), "the document is not a regular file"),
        (lambda path: path.write_bytes(b""), "the document is empty"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "error[SG1"),
        (lambda path: path.write_text("- a\n- b\n"), "not a mapping"),
    ],
)
async def test_a_file_that_is_no_document(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "graph.yaml"
    make(path)  # type: ignore[operator]
    assert says in await refused(tmp_path, path)


async def test_a_folder_whose_name_tells_no_syntax_is_said_to_be_one(tmp_path: Path) -> None:
    assert "the document is a directory" in await refused(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/dev/full", "is a device, not a file"),
        ("pipe", "is a named pipe, not a file"),
        ("folder", "is a directory, not a file"),
        ("link", "is a symlink"),
        ("../up.jsonl", "climbs with `..`"),
        ("out/x.jsonl", "leads out of the output directory"),
    ],
)
async def test_a_file_sink_writes_plain_files_of_its_own_only(
    tmp_path: Path, path: str, says: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "folder").mkdir()
    (here / "out").symlink_to(tmp_path)
    (here / "link").symlink_to("/etc/hostname")
    os.mkfifo(here / "pipe")
    made = document(here, "{kind: stdin, to: out}", f"out: {{kind: file, path: {path}}}")
    assert says in await refused(here, made)


async def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source, says in (
        ("pipe", "is not a regular file"),
        ("missing.ndjson", "there is no file"),
        (".", "is not a regular file"),
    ):
        made = document(tmp_path, f"{{kind: file, paths: [{source}], to: o}}", "o: {kind: stdout}")
        said = await refused(tmp_path, made)
        assert said.startswith("error: file s: ")
        assert says in said


async def test_an_output_directory_nobody_may_write_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    made = document(tmp_path, "{kind: stdin, to: o}", "o: {kind: file, path: a.jsonl}")
    said = await refused(tmp_path, made, "--output-dir", tmp_path / "taken", stdin=b"{}\n")
    assert said.startswith("error: file o: ")
    assert said.endswith("nothing was started\n")


async def test_two_readers_of_standard_input_are_refused(tmp_path: Path) -> None:
    made = document(
        tmp_path,
        "{kind: stdin, to: o}\n  t: {kind: stdin, to: o}",
        "o: {kind: stdout}",
    )
    assert "sources `s` and `t` both read standard input" in await refused(tmp_path, made)


async def test_a_document_from_standard_input_runs_unless_a_source_reads_there(
    tmp_path: Path,
) -> None:
    hello = (GRAPHS / "hello.yaml").read_bytes()
    run = await finished("run", "-", cwd=tmp_path, stdin=hello)
    assert (run.code, len(run.out.splitlines())) == (0, 10)
    pipe = document(tmp_path, "{kind: stdin, to: o}", "o: {kind: stdout}").read_bytes()
    said = await refused(tmp_path, "-", stdin=pipe)
    assert "the document came from standard input, where source `s` reads" in said


async def test_two_runs_of_one_address_do_not_share_it(tmp_path: Path) -> None:
    path = document(
        tmp_path, '{kind: http, listen: "127.0.0.1:0", path: /, to: o}', "o: {kind: blackhole}"
    )
    async with Program("run", path, cwd=tmp_path) as first:
        port = await first.port()
        other = document(
            tmp_path,
            f'{{kind: http, listen: "127.0.0.1:{port}", path: /, to: o}}',
            "o: {kind: blackhole}",
            "other.yaml",
        )
        assert "address already in use" in await refused(tmp_path, other)
        assert await first.interrupted() == 0
