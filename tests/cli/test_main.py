"""Every run of the command line ends in one way: with a code, and without a traceback."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import sinkgraph
from sinkgraph.cli import check, schema
from sinkgraph.cli.main import SECTIONS, cli
from sinkgraph.errors import SinkgraphError

HEAVY = (
    *("networkx", "pydantic", "aiohttp", "uvicorn", "textual", "yaml", "graphviz", "asyncio"),
    *("rich", "rich_click", "msgspec", "cel_expr_python", "pygraphviz"),
)

PROGRAM = "from sinkgraph.cli.main import main; main()"

BROKEN = """\
sinkgraph: 1
name: broken
sources:
  in: {kind: stdin, to: nirvana}
sinks:
  end: {kind: blackhole}
"""


def invoke(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, list(args), prog_name="sinkgraph", **options)


def process(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"capture_output": True, "text": True, "timeout": 50, "check": False} | options
    return subprocess.run([sys.executable, "-c", PROGRAM, *args], **options)


def test_help_names_every_command() -> None:
    done = invoke("--help")
    assert done.exit_code == 0
    for commands in SECTIONS.values():
        for name, text in commands.items():
            shown = re.search(rf"^  {name} +(.*(?:\n {{6,}}.*)*)", done.stdout, re.MULTILINE)
            assert shown is not None, name
            assert " ".join(shown[1].split()) == text


@pytest.mark.parametrize("name", [name for commands in SECTIONS.values() for name in commands])
def test_what_help_says_of_a_command_is_what_the_command_says(name: str) -> None:
    module = f"{name}_" if iskeyword(name) else name
    command = import_module(f"sinkgraph.cli.{module}").command
    said = {name: text for commands in SECTIONS.values() for name, text in commands.items()}
    assert command.name == name
    assert command.help.splitlines()[0] == said[name]


@pytest.mark.parametrize("name", [name for commands in SECTIONS.values() for name in commands])
def test_every_command_has_help(name: str) -> None:
    done = invoke(name, "--help")
    assert done.exit_code == 0
    assert f"sinkgraph {name}" in done.stdout
    assert "--help" in done.stdout


def test_help_of_the_group_loads_nothing_heavy() -> None:
    probe = (
        "import sys\n"
        "from sinkgraph.cli.main import cli\n"
        "try:\n    cli.main(['--help'], prog_name='sinkgraph')\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        f"print(*[one for one in {HEAVY!r} if one in sys.modules], 'end', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stderr == "end\n"


def test_the_version_is_that_of_the_package() -> None:
    done = invoke("--version")
    assert (done.exit_code, done.stdout) == (0, f"sinkgraph {sinkgraph.__version__}\n")


def test_without_arguments_help_goes_to_stderr() -> None:
    done = invoke()
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: sinkgraph")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["chek"], "error: `chek` is not a command; the nearest is `check`"),
        (["xyzzy"], "error: `xyzzy` is not a command\n"),
        (["check", "--fromat", "json"], "`--fromat` is not an option; the nearest is `--format`"),
        (["check"], "error: missing argument 'FILES...'"),
        (["check", "--format", "xml", "x.yaml"], "'xml' is not one of"),
        (["check", "-", "-"], "`-` is given more than once"),
        (["check", "--set", "novalue", "x.yaml"], "`--set novalue` does not give a var a value"),
        (["check", "--set", "=1", "x.yaml"], "`--set =1` does not give a var a value"),
        (["render", "x.yaml", "-o", "x.gif"], "`.svg`, `.png`, `.pdf`, `.dot`, `.mmd`"),
        (["kinds", "quue"], "error: `quue` is not a kind; the nearest is `queue`"),
        (["--nonsense"], "error: `--nonsense` is not an option"),
        (["-V"], "error: `-V` is not an option\n"),
    ],
)
def test_a_usage_error_is_short_and_exits_2(args: list[str], said: str) -> None:
    done = invoke(*args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 2
    assert "--help` says what it takes" in done.stderr


@pytest.mark.parametrize("bad", ["\x1b[31mx", "\x07", "a\u202eb", "-\x1b]52;c;x\x07", "--\x9b"])
def test_control_characters_of_an_argument_are_made_visible(bad: str) -> None:
    for args in ([bad], ["check", bad], ["kinds", bad], ["render", "x.yaml", "-o", bad]):
        done = invoke(*args)
        assert done.exit_code in {1, 2}
        shown = done.stdout + done.stderr
        assert [c for c in shown if not c.isprintable() and c != "\n"] == []


def test_an_interrupt_exits_130_without_a_word() -> None:
    stop = (
        "import os, signal\n"
        "from sinkgraph.cli import check\n"
        "def callback(**_):\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\n"
        "check.command.callback = callback\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", stop + PROGRAM, "check", "x.yaml"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


def test_an_error_of_sinkgraph_is_one_line_and_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise SinkgraphError("the queue is on \x1b[31mfire")

    monkeypatch.setattr(check.command, "callback", fail)
    done = invoke("check", "x.yaml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "error: the queue is on \\x1b[31mfire\n"


def test_an_error_nobody_foresaw_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(check.command, "callback", fail)
    assert isinstance(invoke("check", "x.yaml").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "args", [["schema"], ["kinds"], ["--help"], ["kinds", "--help"]], ids=" ".join
)
def test_a_closed_pipe_is_quiet(args: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process(*args, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = process("schema", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "no space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_streams_at_all_is_no_crash() -> None:
    shell = f'"{sys.executable}" -c "{PROGRAM}" kinds queue >&- 2>&- <&-; echo "code $?"'
    done = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout in {"code 0\n", "code 1\n"}


def test_another_encoding_than_utf8_is_survived(tmp_path: Path) -> None:
    document = tmp_path / "brøken.yaml"
    document.write_text(BROKEN, encoding="utf-8")
    env = dict(os.environ, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert process("kinds", env=env).returncode == 0
    done = process("check", str(document), env=env)
    assert done.returncode == 1
    assert done.stderr.isascii()
    assert "SG204" in done.stderr


def on_a_terminal(*args: str, **variables: str) -> bytes:
    """Return what a run on a terminal printed."""
    ours, theirs = pty.openpty()
    env = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM"}}
    try:
        process(
            *args,
            capture_output=False,
            stdout=theirs,
            stderr=theirs,
            stdin=theirs,
            env=env | {"TERM": "xterm"} | variables,
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:
                return shown
            if not part:
                return shown
            shown += part
    finally:
        os.close(ours)


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    document = tmp_path / "broken.yaml"
    document.write_text(BROKEN, encoding="utf-8")
    assert b"\x1b[1;31merror" in on_a_terminal("check", str(document))
    assert b"\x1b" not in on_a_terminal("check", str(document), NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal("check", str(document), TERM="dumb")
    assert "\x1b" not in process("check", str(document)).stderr


def test_a_terminal_is_not_read_as_a_document() -> None:
    assert b"standard input is a terminal" in on_a_terminal("check", "-", NO_COLOR="1")


def test_completion_offers_commands_without_loading_them() -> None:
    done = process(
        env=dict(
            os.environ,
            _SINKGRAPH_COMPLETE="bash_complete",
            COMP_WORDS="sinkgraph re",
            COMP_CWORD="1",
        ),
    )
    assert done.returncode == 0
    assert {"plain,render", "plain,receive"} <= set(done.stdout.split())


def test_the_schema_is_json_on_stdout_or_in_a_file(tmp_path: Path) -> None:
    import json

    from sinkgraph.spec.schema import document_schema

    assert schema.command.name == "schema"
    done = invoke("schema")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads(json.dumps(document_schema()))
    target = tmp_path / "sinkgraph.schema.json"
    written = invoke("schema", "-o", str(target))
    assert (written.exit_code, written.stdout) == (0, f"{target}: written\n")
    assert target.read_text(encoding="utf-8") == done.stdout
    refused = invoke("schema", "-o", str(tmp_path / "no" / "such"))
    assert refused.exit_code == 1
    assert "no such file or directory" in refused.stderr
