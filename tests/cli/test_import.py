"""`import registry` writes a document, and says what somebody has to do besides."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli

CONFIG = """
notifications:
  endpoints:
    - {name: hooks, url: "http://hooks.test/in", headers: {Authorization: Bearer x}, port: 5}
"""


def run(*args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(args), prog_name="sinkgraph", input=text)


def test_the_document_goes_to_stdout_and_the_notes_to_stderr(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(CONFIG)
    done = run("import", "registry", str(path), "--name", "mine", "--listen", "127.0.0.1:9999")
    assert done.exit_code == 0
    assert "\nname: mine\n" in done.stdout
    assert 'listen: "127.0.0.1:9999"' in done.stdout
    assert done.stderr.splitlines() == [
        "note: `port` of endpoint 1 is left out",
        "note: set `HOOKS_AUTHORIZATION`: it is the value of a header, and was not copied",
    ]
    made = tmp_path / "graph.yaml"
    made.write_text(done.stdout)
    assert run("check", str(made)).exit_code == 0


def test_it_reads_stdin_and_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "graph.yaml"
    done = run("import", "registry", "-", "-o", str(out), text=CONFIG)
    assert (done.exit_code, done.stdout) == (0, "")
    assert out.read_text().startswith("# Made from a Docker registry's")


def test_what_is_wrong_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "graph.yaml"
    wrong = CONFIG.replace("http://hooks.test/in", "not a url")
    done = run("import", "registry", "-", "-o", str(out), text=wrong)
    assert done.exit_code == 1
    assert "error[" in done.stderr
    assert not out.exists()
    assert run("import", "registry", str(tmp_path / "none.yml")).exit_code == 1
    assert run("import", "registry", "-", "--listen", "nowhere", text=CONFIG).exit_code == 1
