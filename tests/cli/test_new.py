"""`new` writes documents that are right at once: from a starter, or from answers on a terminal."""

from __future__ import annotations

import itertools
import json
import os
import pty
import select
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import sinkgraph
from sinkgraph.cli import new
from sinkgraph.cli.main import SECTIONS, cli
from sinkgraph.cli.new import files
from sinkgraph.cli.new.answers import ENDS, SOURCES, STARTERS, Answers, composed, starter_text
from sinkgraph.cli.new.tree import leaf, read_tree, value_of, yaml_text
from sinkgraph.cli.new.written import document_text
from sinkgraph.graph.load import load_graph
from sinkgraph.spec.schema import schema_text
from tests.support.client import post
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import until
from tests.support.registry import ENTRIES, V1
from tests.support.running import listening, running
from tests.support.webhook import Webhook

SYNTAXES = ("yaml", "toml", "json")
COMMANDS = {name for commands in SECTIONS.values() for name in commands}


def invoke(*args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["new", *args], prog_name="sinkgraph", input=text)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new, "on_terminal", lambda: True)


# --- documents -----------------------------------------------------------------------------------


@pytest.mark.parametrize("starter", STARTERS)
def test_a_starter_is_what_the_default_answers_give(starter: str) -> None:
    text = starter_text(starter)
    assert yaml_text(read_tree(text)) == text
    assert yaml_text(composed(Answers.of(starter), f"{starter}.yaml")) == text
    assert max(map(len, text.splitlines())) <= 100


def test_every_answer_gives_a_document_without_findings_in_every_syntax(tmp_path: Path) -> None:
    conditions = (None, 'data.action == "push"')
    for source, end, where, durable in itertools.product(SOURCES, ENDS, conditions, (True, False)):
        if source not in ENDS[end].sources:
            continue
        answers = Answers(source=source, end=end, name="any", where=where, durable=durable)
        shapes = set[str]()
        for syntax in SYNTAXES:
            path = tmp_path / f"any.{syntax}"
            path.write_text(document_text(composed(answers, path.name), syntax), encoding="utf-8")
            graph, found = load_graph(path)
            assert found == [], (answers, syntax)
            assert graph is not None
            shapes.add(graph.digest)
            stores = {str(getattr(one.spec, "store", "disk")) for one in graph.nodes.values()}
            assert stores <= ({"disk"} if durable else {"disk", "memory"})
            kept = (durable and answers.queued) or source == "logs"  # a place in a file is kept too
            assert bool(graph.needs_state) == kept, answers
        assert len(shapes) == 1


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("starter", STARTERS)
def test_every_comment_or_description_of_a_starter_is_kept(starter: str, syntax: str) -> None:
    text = document_text(composed(Answers.of(starter), f"{starter}.yaml"), syntax)
    for line in starter_text(starter).splitlines()[1:]:
        if line.startswith("  #"):
            assert line.strip("# ") in text
    assert "sinkgraph.schema.json" in "".join(text.splitlines()[:2])


@pytest.mark.skipif("fmt" not in COMMANDS, reason="this version has no `fmt`")
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("starter", STARTERS)
def test_a_new_document_is_as_fmt_writes_it(starter: str, syntax: str, here: Path) -> None:
    assert invoke(f"a.{syntax}", "--from", starter).exit_code == 0
    done = CliRunner().invoke(cli, ["fmt", "--check", "--diff", f"a.{syntax}"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    "text", ["no", "1.10", "a: b", "a #b", "'a", '"', "[x", "{", "- a", "", "é\x07", "@a", "!x"]
)
def test_an_answer_is_text_whatever_it_looks_like(text: str) -> None:
    tree = read_tree("a:\n  b: c\n")
    tree.at("a", "b").text = leaf(text)
    assert value_of(tree) == {"a": {"b": text}}
    assert value_of(read_tree(yaml_text(tree))) == {"a": {"b": text}}


def test_a_file_name_cannot_end_a_comment(here: Path) -> None:
    assert invoke("a\nb: c.yaml", "--from", "logs").exit_code == 0
    assert sinkgraph.check("a\nb: c.yaml") == []


def test_a_source_other_machines_reach_asks_for_a_token(tmp_path: Path) -> None:
    answers = replace(Answers.of("webhook"), listen="0.0.0.0:8700")
    path = tmp_path / "a.yaml"
    path.write_text(yaml_text(composed(answers, "a.yaml")), encoding="utf-8")
    graph, found = load_graph(path, env={"INGEST_TOKEN": "x" * 32}, secrets="strict")
    assert graph is not None
    assert found == []


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("starter", STARTERS)
def test_a_document_and_its_schema_are_written_and_check_finds_nothing(
    starter: str, syntax: str, here: Path
) -> None:
    name = f"deep/er/my-{starter}.{syntax}"
    done = invoke(name, "--from", starter)
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"next: sinkgraph check {name}\n" in done.stderr
    assert f"sinkgraph run {name}" in done.stderr
    assert (here / "deep/er/sinkgraph.schema.json").read_text("utf-8") == schema_text()
    graph, found = load_graph(name)
    assert graph is not None
    assert (graph.name, found) == (f"my-{starter}", [])


def test_without_a_file_it_is_graph_and_the_folder_gives_the_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in [("shop.eu", "shop.eu"), ("two words", "webhook")]:
        (here / folder).mkdir()
        monkeypatch.chdir(here / folder)
        assert invoke("--yes", "--format", "toml").exit_code == 0
        assert sinkgraph.load("graph.toml").name == name
        assert sorted(os.listdir()) == ["graph.toml", "sinkgraph.schema.json"]


def test_a_dash_prints_the_document_and_writes_nothing(here: Path) -> None:
    done = invoke("-", "--from", "logs", "--format", "json")
    assert json.loads(done.stdout)["name"] == "logs"
    assert (done.exit_code, done.stderr, os.listdir()) == (0, "", [])


def test_a_file_that_is_there_is_written_over_only_by_force(here: Path) -> None:
    (here / "a.yaml").write_text("mine")
    done = invoke("a.yaml", "--from", "logs")
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert ((here / "a.yaml").read_text(), os.listdir()) == ("mine", ["a.yaml"])
    (here / "a.yaml").chmod(0o640)
    (here / "link.yaml").symlink_to("a.yaml")
    assert invoke("link.yaml", "--from", "logs", "--force").exit_code == 0
    assert (here / "link.yaml").is_symlink()
    assert sinkgraph.load("a.yaml").name == "link"
    assert (here / "a.yaml").stat().st_mode & 0o777 == 0o640


def test_a_link_that_leads_nowhere_is_there_already(here: Path) -> None:
    (here / "a.yaml").symlink_to("gone.yaml")
    assert invoke("a.yaml", "--from", "logs").exit_code == 1
    assert not (here / "gone.yaml").exists()


def test_a_schema_that_differs_is_kept_and_told(here: Path) -> None:
    schema = here / "sinkgraph.schema.json"
    schema.write_text("{}")
    done = invoke("a.yaml", "--from", "logs")
    assert done.exit_code == 0
    assert "sinkgraph.schema.json: kept" in done.stderr
    assert schema.read_text() == "{}"
    assert "written" in invoke("b.yaml", "--from", "logs", "--force").stderr
    assert schema.read_text("utf-8") == schema_text()
    assert "is there already" in invoke("c.yaml", "--from", "logs").stderr


@pytest.mark.parametrize("broken", [KeyboardInterrupt, OSError])
def test_what_was_made_is_taken_away_when_it_cannot_be_finished(
    broken: type[BaseException], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = files._create

    def fail(path: Path, *args: object, **given: object) -> None:
        if path.name == files.SCHEMA_NAME:
            raise broken
        create(path, *args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "_create", fail)
    assert invoke("a/b/c.yaml", "--from", "logs").exit_code in {1, 130}
    assert os.listdir() == []


@pytest.mark.parametrize("name", ["plain/a.yaml", "folder.yaml", "a\0.yaml"])
def test_a_place_that_takes_no_file_is_one_line(name: str, here: Path) -> None:
    (here / "plain").write_text("")
    (here / "folder.yaml").mkdir()
    done = invoke(name, "--from", "logs")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "`--from webhook|registry|logs|failover`"),
        ([".", "--from", "logs"], "`.` is a folder: name a file in it, as `./graph.yaml`"),
        (["a.txt", "--from", "logs"], "does not end in `.yaml`, `.toml` or `.json`"),
        (["a.yaml", "--format", "toml", "--from", "logs"], "is YAML by its name"),
        (["--from", "log"], "'log' is not one of"),
        (["--from", "logs", "--name", "a b"], "the name `a b` holds a character no name may hold"),
    ],
)
def test_a_usage_error_says_how(args: list[str], said: str, here: Path) -> None:
    done = invoke(*args)
    assert (done.exit_code, done.stdout, os.listdir()) == (2, "", [])
    assert said in done.stderr


# --- questions -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("terminal")
def test_questions_lead_to_a_document(here: Path) -> None:
    answers = ["registry", "failover", "127.0.0.1:9999", "http://a.test/x", "", "all", "n", "mine"]
    done = invoke(text="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.stderr
    graph = sinkgraph.load("graph.yaml")
    assert graph.name == "mine"
    assert str(graph.nodes["registry"].spec.listen) == "127.0.0.1:9999"  # type: ignore[attr-defined]
    assert str(graph.nodes["primary"].spec.url) == "http://a.test/x"  # type: ignore[attr-defined]
    assert not graph.needs_state


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("starter", ["webhook", "registry", "logs"])
def test_the_defaults_of_every_question_give_the_starter(starter: str, here: Path) -> None:
    assert invoke(f"{starter}.yaml", text=f"{starter}\n" + "\n" * 10).exit_code == 0
    assert (here / f"{starter}.yaml").read_text("utf-8") == starter_text(starter)


@pytest.mark.usefixtures("terminal")
def test_a_wrong_answer_is_told_in_the_words_of_the_checker_and_asked_again(here: Path) -> None:
    wrong = ["nowhere", "127.0.0.1:99999999"]
    where = ["data.action ==", "data.actoin == 'push'"]
    lines = ["registry", "webhook", *wrong, "", "ftp://x", "", *where, "", "", "a b", "ok"]
    done = invoke(text="\n".join(lines) + "\n")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("error[") == 6
    assert "`data.actoin` is not a field of docker.registry" in done.stderr
    assert "the nearest field is `data.action`" in done.stderr
    assert sinkgraph.check("graph.yaml") == []
    assert sinkgraph.load("graph.yaml").name == "ok"


@pytest.mark.usefixtures("terminal")
def test_a_warning_is_told_once_and_does_not_ask_again(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INGEST_TOKEN", raising=False)
    done = invoke(text="webhook\n\n0.0.0.0:8700\n" + "\n" * 5)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("warning[SG501]") == 1
    assert "export INGEST_TOKEN=" in done.stderr
    assert [one.severity for one in sinkgraph.check("graph.yaml")] == ["warning"]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("answered", range(8))
def test_whoever_leaves_leaves_nothing(answered: int, here: Path) -> None:
    done = invoke("a/b.yaml", text="\n" * answered)
    assert done.exit_code == (130 if answered < 7 else 0)
    assert os.listdir() == ([] if answered < 7 else ["a"])


def test_ctrl_c_on_a_real_terminal_leaves_nothing(tmp_path: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "sinkgraph", "new"])
    try:
        seen = b""
        while b"Which one" not in seen:
            seen += os.read(terminal, 65_536)
        os.write(terminal, b"webhook\n")
        while seen.count(b"Which one") < 2:
            seen += os.read(terminal, 65_536)
        os.write(terminal, b"\x03")
        with suppress(OSError):  # it ends once all it wrote is read, and then there is no terminal
            while True:
                if not select.select([terminal], [], [], 2)[0]:
                    os.write(terminal, b"\x03")  # the first came just before the line was read
                elif not os.read(terminal, 65_536):
                    break
        _, status = os.waitpid(child, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
    assert os.listdir(tmp_path) == []


# --- running -------------------------------------------------------------------------------------


def written(tmp_path: Path, answers: Answers) -> Path:
    path = tmp_path / "graph.yaml"
    path.write_text(yaml_text(composed(answers, path.name)), encoding="utf-8")
    return path


async def test_webhook_keeps_events_in_a_file_and_sends_them_on(tmp_path: Path) -> None:
    async with Webhook() as hook:
        answers = replace(Answers.of("webhook"), listen="127.0.0.1:0", url=hook.url)
        document = written(tmp_path, answers)
        async with running(document, tmp_path, state_dir=tmp_path / "state") as live:
            answer = await post(listening(live, "incoming"), '{"n": 1}', path="/events")
            assert (answer.status, answer.json) == (202, {"accepted": 1, "worth": "durable"})
            await until(lambda: len(hook.events) == 1, "the webhook has it")
    assert_nothing_lost(live)
    assert hook.events == [{"n": 1}]
    assert json.loads((tmp_path / "audit.jsonl").read_text()) == {"n": 1}


async def test_registry_sends_pushes_on(tmp_path: Path) -> None:
    entries = ENTRIES[:40]
    pushes = [one for one in entries if one["action"] == "push"]
    async with Webhook() as hook:
        answers = replace(Answers.of("registry"), listen="127.0.0.1:0", url=hook.url)
        document = written(tmp_path, answers)
        async with running(document, tmp_path, state_dir=tmp_path / "state") as live:
            body = json.dumps({"events": entries})
            port = listening(live, "registry")
            assert (await post(port, body, path="/events", content_type=V1)).status == 202
            await until(lambda: len(hook.events) == len(pushes), "the webhook has every push")
    assert_nothing_lost(live)
    assert 0 < len(pushes) < len(entries)
    assert hook.events == pushes
    assert len((tmp_path / "audit.jsonl").read_bytes().splitlines()) == len(entries)


async def test_logs_are_split_by_level(tmp_path: Path) -> None:
    document = written(tmp_path, Answers.of("logs"))
    async with running(document, tmp_path, state_dir=tmp_path / "state") as live:
        (tmp_path / "logs").mkdir()
        lines = ['{"level": "error", "n": 1}', '{"level": "info", "n": 2}', '{"n": 3}']
        (tmp_path / "logs/service.ndjson").write_text("\n".join(lines) + "\n")
        await until(lambda: live.snapshot()["by_level"].ledger.entered == 3, "all is read")
    assert_nothing_lost(live)
    assert (tmp_path / "errors.ndjson").read_text().splitlines() == lines[:1]
    assert (tmp_path / "rest.ndjson").read_text().splitlines() == lines[1:]


async def test_failover_uses_the_second_while_the_first_is_down(tmp_path: Path) -> None:
    async with Webhook("/a") as first, Webhook("/b") as second:
        answers = replace(
            Answers.of("failover"),
            listen="127.0.0.1:0",
            first_url=first.url,
            second_url=second.url,
        )
        document = written(tmp_path, answers)
        async with running(document, tmp_path, state_dir=tmp_path / "state") as live:
            port = listening(live, "incoming")
            assert (await post(port, '{"n": 1}', path="/events")).status == 202
            await until(lambda: len(first.events) == 1, "the first has it")
            await first.down()
            assert (await post(port, '{"n": 2}', path="/events")).status == 202
            await until(lambda: len(second.events) == 1, "the second has it")
    assert_nothing_lost(live)
    assert (first.events, second.events) == ([{"n": 1}], [{"n": 2}])
