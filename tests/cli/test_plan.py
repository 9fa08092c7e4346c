"""`plan` says what a reload would do, in words and as JSON, and what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli

OLD = """\
sinkgraph: 1
name: orders
sources:
  in: {kind: stdin, to: fanout}
sinks:
  fanout: {kind: broadcast, to: [hooks, legacy]}
  hooks:
    kind: endpoint
    url: https://a.example/hook
    breaker: {failure_threshold: 5}
  legacy: {kind: queue, to: {kind: http, url: "https://old.example/"}}
"""
NEW = """\
sinkgraph: 1
name: orders
sources:
  in: {kind: stdin, to: fanout}
sinks:
  fanout: {kind: broadcast, to: [hooks, audit]}
  hooks:
    kind: endpoint
    url: https://b.example/hook
    breaker: {failure_threshold: 10}
  audit: {kind: file, path: audit.jsonl}
"""
PAGE = Path(__file__).parents[2] / "docs" / "reloading.md"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINKGRAPH_RUNTIME_DIR", str(tmp_path / "rt"))
    for name in ("SINKGRAPH_STATE_DIR", "STATE_DIRECTORY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "old.yaml").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(NEW, encoding="utf-8")
    return tmp_path


def plan(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["plan", *args], prog_name="sinkgraph", **options)


PRINTED = """\
  ~ retuned   fanout       broadcast  it follows in place
      to  none → audit
      to  legacy → none
  ~ retuned   hooks.retry  retry      it follows in place
      breaker.failure_threshold  5 → 10
      its breaker begins closed, since events go to another origin
      events: stay
  ± replaced  hooks.http   http       events go to another address
      url  https://a.example/hook → https://b.example/hook
      it learns anew how many requests the other side takes
      events: those of `hooks` go on to the new URL
  + added     audit        file       not in the old document
  - removed   legacy       queue      not in the new document
      events: drain in the background to `legacy.http`; the rest become dead letters at the deadline
  - removed   legacy.http  http       not in the new document

Plan: 1 to add, 2 to retune, 1 to replace, 2 to remove; 3 nodes stay as they are.
"""


def test_a_plan_is_a_row_for_each_node_its_fields_and_a_line_that_counts() -> None:
    done = plan("new.yaml", "--against", "old.yaml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == PRINTED


def test_the_page_shows_what_is_printed() -> None:
    shown = PAGE.read_text(encoding="utf-8")
    assert f"$ sinkgraph plan new.yaml --against old.yaml\n{PRINTED}```" in shown


def test_equal_documents_have_nothing_to_do() -> None:
    done = plan("old.yaml", "--against", "old.yaml")
    assert done.exit_code == 0
    assert done.stdout == "Plan: nothing changes; 8 nodes stay as they are.\n"


def test_a_description_changes_nothing_that_runs_and_is_shown(here: Path) -> None:
    text = OLD.replace("name: orders", "name: orders\ndescription: What is ordered.")
    (here / "told.yaml").write_text(text.replace("to: [hooks", "description: All, to: [hooks"))
    done = plan("told.yaml", "--against", "old.yaml")
    assert done.stdout.splitlines() == [
        "  the document itself",
        "      description  none → What is ordered.",
        "  = kept      fanout  broadcast  only what describes it differs",
        "      description  none → All",
        "",
        "Plan: nothing that runs changes; 8 nodes stay as they are.",
    ]


def test_all_lists_the_nodes_that_stay_too() -> None:
    listed = plan("new.yaml", "--against", "old.yaml", "--all").stdout
    assert "  = kept      hooks         queue        nothing of it differs\n" in listed
    assert "  = kept      dead-letters  dead_letter  nothing of it differs\n" in listed


def test_json_holds_every_node_and_both_digests() -> None:
    done = plan("new.yaml", "--against", "old.yaml", "--json")
    made = json.loads(done.stdout)
    assert (done.exit_code, made["changed"], made["refused"]) == (0, True, [])
    assert made["counts"] == {
        "add": 1,
        "retune": 2,
        "replace": 1,
        "rename": 0,
        "remove": 2,
        "keep": 3,
    }
    assert len({made["before"], made["after"]}) == 2
    (retry,) = [one for one in made["nodes"] if one["name"] == "hooks.retry"]
    assert retry == {
        "name": "hooks.retry",
        "kind": "retry",
        "action": "retune",
        "was": None,
        "changes": [
            {
                "field": "breaker.failure_threshold",
                "before": "5",
                "after": "10",
                "tunable": True,
                "drawing": False,
                "at": "new.yaml:10:34",
            }
        ],
        "reason": "it follows in place; its breaker begins closed,"
        " since events go to another origin",
        "events": "stay",
        "fate": None,
        "forgets": ["breaker"],
        "at": "new.yaml:7:3",
    }


def test_a_fate_takes_the_place_of_on_remove() -> None:
    done = plan("new.yaml", "--against", "old.yaml", "--fate", "legacy=move_to:hooks")
    assert done.exit_code == 0
    assert "      events: move to `hooks`\n" in done.stdout


def test_a_plan_that_cannot_be_carried_out_is_refused() -> None:
    done = plan("new.yaml", "--against", "old.yaml", "--fate", "legacy=move_to:audit")
    assert done.exit_code == 1
    assert "2 to remove; 3 nodes stay as they are, and it cannot be carried out." in done.stdout
    assert "error[SG230]: the events of `legacy` cannot move to `audit`" in done.stderr
    assert "`audit` is a file, which holds no events" in done.stderr
    found = json.loads(
        plan(
            *("new.yaml", "--against", "old.yaml", "--json"), *("--fate", "legacy=move_to:audit")
        ).stdout
    )
    assert [one["code"] for one in found["refused"]] == ["SG230"]


def test_a_word_that_is_no_fate_is_a_usage_error() -> None:
    done = plan("new.yaml", "--against", "old.yaml", "--fate", "legacy=kepp")
    assert done.exit_code == 2
    assert "the nearest is `keep`" in done.stderr
    done = plan("new.yaml", "--against", "old.yaml", "--fate", "legacy")
    assert "`drain`, `dead_letter`, `discard`, `move_to:NAME` or `keep`" in done.stderr


def test_a_document_that_is_not_valid_is_told_and_nothing_is_planned(here: Path) -> None:
    (here / "bad.yaml").write_text(NEW.replace("audit]", "audti]"), encoding="utf-8")
    for args in (("bad.yaml", "--against", "old.yaml"), ("old.yaml", "--against", "bad.yaml")):
        done = plan(*args)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "error[SG204]" in done.stderr


def test_one_of_both_may_come_from_standard_input() -> None:
    done = plan("-", "--against", "old.yaml", input=NEW)
    assert "1 to add" in done.stdout
    assert plan("-", "--against", "-", input=NEW).exit_code == 2


def test_a_version_that_was_put_aside_reads_the_same_files(here: Path) -> None:
    text = "sinkgraph: 1\nname: t\nsources: {in: {kind: file, paths: [x], to: out}}\n"
    text += "sinks: {out: {kind: stdout}}\n"
    (here / "aside").mkdir()
    for path in ("read.yaml", "aside/read.yaml"):
        (here / path).write_text(text, encoding="utf-8")
    assert "nothing changes" in plan("read.yaml", "--against", "aside/read.yaml").stdout


def test_vars_are_set_in_both(here: Path) -> None:
    for name, default in (("one.yaml", 1), ("two.yaml", 2)):
        text = OLD.replace("sources:", f"vars: {{limit: {{default: {default}}}}}\nsources:")
        text = text.replace("to: fanout}", "to: few}", 1)
        few = "sinks:\n  few: {kind: filter, where: data.n > vars.limit, to: fanout}\n"
        (here / name).write_text(text.replace("sinks:\n", few), encoding="utf-8")
    done = plan("two.yaml", "--against", "one.yaml")
    assert "      where  vars.limit = 1 → vars.limit = 2\n" in done.stdout
    assert "nothing" in plan("two.yaml", "--against", "one.yaml", "--set", "limit=3").stdout


@pytest.mark.parametrize("address", ["unix:run/sinkgraph.sock", "127.0.0.1:7000", "http://h/", "7"])
def test_a_graph_that_does_not_run_cannot_be_asked(address: str) -> None:
    done = plan("new.yaml", "--against", address)
    assert (done.exit_code, done.stdout) == (3, "")
    assert address.rstrip("/") in done.stderr


def test_what_to_compare_with_has_to_be_there(here: Path) -> None:
    done = plan("new.yaml")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "no graph of this user is running" in done.stderr
    done = plan("new.yaml", "--state-dir", "state")
    assert done.exit_code == 1
    assert "state dir state holds no document to compare with" in done.stderr
    done = plan("new.yaml", "--state-dir", "state", "--against", "old.yaml")
    assert done.exit_code == 2
    assert not (here / "state").exists()


def test_a_document_with_a_strange_name_is_a_document(here: Path) -> None:
    (here / "7000").write_text(OLD, encoding="utf-8")
    assert plan("new.yaml", "--against", "7000").exit_code == 1
    assert "SG119" in plan("new.yaml", "--against", "7000").stderr


def test_signs_and_words_say_what_colours_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinkgraph.cli.options.wants_color", lambda *, err=False: not err)
    colored = plan("new.yaml", "--against", "old.yaml", color=True).stdout
    assert "\x1b[32m+ added" in colored
    assert "\x1b[31m- removed" in colored


def test_names_and_values_of_a_document_do_not_steer_the_terminal(here: Path) -> None:
    text = OLD.replace("name: orders", 'name: orders\ndescription: "a\\u001b[31mb"')
    (here / "odd.yaml").write_text(text, encoding="utf-8")
    done = plan("odd.yaml", "--against", "old.yaml")
    assert "\x1b" not in done.stdout
    assert "description  none → a" in done.stdout
