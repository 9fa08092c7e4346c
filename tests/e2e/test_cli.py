"""The command line as a stranger meets it: usage, odd terminals, interpreters and names."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ledgers import ledger
from tests.support.program import GRAPHS, finished

HELLO = GRAPHS / "hello.yaml"
COMMANDS = ["check", "render", "run", "kinds", "schema", "receive", "demo"]


def quiet(text: str) -> None:
    """Hold that nothing there is a traceback or a terminal's control sequence."""
    assert "Traceback" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "Usage: sinkgraph"),
        (("rum",), 2, "the nearest is `run`"),
        (("chekc", "x.yaml"), 2, "the nearest is `check`"),
        (("run",), 2, "missing argument 'FILE'"),
        (("check",), 2, "missing argument"),
        (("render",), 2, "missing argument"),
        (("run", "a.yaml", "b.yaml"), 2, "unexpected extra argument"),
        (("run", "--outputdir", "x", "a.yaml"), 2, "the nearest is `--output-dir`"),
        (("run", "a.yaml", "--drain", "5"), 2, "has no unit"),
        (("run", "a.yaml", "--drain", "-1s"), 2, "is negative"),
        (("run", "a.yaml", "--set", "x"), 2, "NAME=VALUE"),
        (("run", HELLO, "--set", "x=1"), 1, "no var is named `x`"),
        (("check", "a.yaml", "--format", "xml"), 2, "is not one of"),
        (("render", HELLO, "-o", "x.gif"), 2, "does not say what to draw"),
        (("kinds", "quue"), 2, "the nearest is `queue`"),
        (("check", "-", "-"), 2, "standard input can be read once"),
        (("check", "no\x1b]52;c;aGk=\x07.yaml"), 1, "does not exist"),
        (("check", "-h.yaml"), 2, "is not an option"),
        (("check", "--", "-h.yaml"), 1, "does not exist"),
        (("check", 'it\'s "quoted" and spaced.yaml'), 1, "does not exist"),
        (("demo", "--rate", "0"), 2, "--rate"),
    ],
)
async def test_usage_is_answered_with_a_code_and_one_clear_error(
    tmp_path: Path, args: tuple[str, ...], code: int, says: str
) -> None:
    run = await finished(*args, cwd=tmp_path)
    assert run.code == code, run.err
    assert says in run.err
    assert run.out == b""
    quiet(run.err)
    assert all(line.isprintable() for line in run.err.splitlines())
    assert os.listdir(tmp_path) == []


async def test_help_lists_every_command(tmp_path: Path) -> None:
    run = await finished("--help", cwd=tmp_path)
    assert (run.code, run.err) == (0, "")
    assert all(f"\n  {command} " in run.out.decode() for command in COMMANDS)


TERMINALS = {
    "dumb": {"TERM": "dumb"},
    "no colour": {"NO_COLOR": "1"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LANG": None},
    "one column": {"COLUMNS": "1", "LINES": "1"},
    "no home": {"HOME": None, "XDG_STATE_HOME": None, "XDG_RUNTIME_DIR": None},
}


@pytest.mark.parametrize("terminal", TERMINALS)
async def test_odd_terminals_get_the_same_facts(tmp_path: Path, terminal: str) -> None:
    env = TERMINALS[terminal]
    run = await finished("run", HELLO, cwd=tmp_path, env=env)
    assert run.code == 0, run.err
    assert len([json.loads(line) for line in run.out.splitlines()]) == 10
    assert "conservation law: residue 0" in run.err
    quiet(run.err)
    check = await finished("check", GRAPHS / "broken" / "cycle.yaml", cwd=tmp_path, env=env)
    assert check.code == 1
    assert "error[SG210]: sinks form a cycle" in check.err
    quiet(check.err)


INTERPRETERS = [("-OO",), ("-X", "dev", "-W", "error"), ("-I",)]


@pytest.mark.parametrize("flags", INTERPRETERS, ids=" ".join)
async def test_interpreter_flags_change_nothing(tmp_path: Path, flags: tuple[str, ...]) -> None:
    args = ("run", GRAPHS / "logs.yaml", "--set", "follow=false")
    run = await finished(*args, cwd=tmp_path, flags=flags)
    assert run.code == 0, run.err
    assert ledger(run.err)["by_level"].delivered == 400
    assert "Warning" not in run.err
    check = await finished("check", GRAPHS / "broken" / "names.yaml", cwd=tmp_path, flags=flags)
    assert check.code == 1
    assert "error[SG201]" in check.err
    quiet(check.err)


@pytest.mark.parametrize("command", [("kinds",), ("schema",), ("render", str(HELLO))])
async def test_output_that_cannot_be_written_is_one_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", 'exec "$0" "$@" > /dev/full', sys.executable, "-m", "sinkgraph", *command,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 1
    (line,) = err.decode().splitlines()
    assert line.startswith("error: ")
    assert "no space left on device" in line


async def test_a_graph_from_standard_input_is_checked_and_drawn(tmp_path: Path) -> None:
    hello = HELLO.read_bytes()
    check = await finished("check", "-", cwd=tmp_path, stdin=hello)
    assert check.code == 0
    assert check.out.endswith(b": ok, 2 nodes, 1 edge\n")
    drawn = await finished("render", "-", cwd=tmp_path, stdin=hello)
    assert drawn.code == 0
    assert drawn.out.startswith(b"digraph")
    empty = await finished("check", "-", cwd=tmp_path)
    assert empty.code == 1
    assert "the document is empty" in empty.err


async def test_event_text_reaches_a_pipe_as_it_was_and_names_are_shown_inert(
    tmp_path: Path,
) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(
        "sinkgraph: 1\nname: pipe\n"
        'description: "a \\e]52;c;aGk=\\a title"\n'
        "sources:\n  in: {kind: stdin, to: out}\nsinks:\n  out: {kind: stdout}\n"
    )
    text = b'{"a":"\\u001b]52;c;x\\u0007 \xe2\x80\xae [@click=x]"}\n'
    run = await finished("run", path, cwd=tmp_path, stdin=text)
    assert run.code == 0, run.err
    assert run.out == text
    quiet(run.err)
    assert "title" in run.err
