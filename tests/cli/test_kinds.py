"""`kinds` tells of every kind what its model says."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from click.testing import CliRunner, Result

from sinkgraph.api.fields import FieldWords, fields_of
from sinkgraph.cli.main import cli
from sinkgraph.spec.kind import Kind, all_kinds, find_kind

KINDS = all_kinds()
IDS = [f"{kind.side}-{kind.name}" for kind in KINDS]


def kinds(*args: str) -> Result:
    return CliRunner().invoke(cli, ["kinds", *args], prog_name="sinkgraph")


def every(fields: Iterable[FieldWords]) -> Iterable[FieldWords]:
    for one in fields:
        yield one
        for _, inner in one.inner:
            yield from every(inner)


def field(kind: Kind | None, name: str) -> FieldWords:
    assert kind is not None
    return next(one for one in fields_of(kind) if one.name == name)


def test_the_list_has_every_kind_with_its_summary() -> None:
    done = kinds()
    assert (done.exit_code, done.stderr) == (0, "")
    for kind in KINDS:
        row = next(line for line in done.stdout.splitlines() if kind.summary in line)
        assert row.startswith(f"  {kind.name} ")
        for port in kind.ports:
            assert port.name in row


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_every_field_of_a_kind_is_told(kind: Kind) -> None:
    told = {one.name for one in fields_of(kind)}
    known = {one.alias or name for name, one in kind.model.model_fields.items()}
    assert told == known - {"kind"}
    page = kinds(kind.name).stdout
    for name in told:
        assert f"\n  {name}: " in page


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_every_field_has_a_type_and_a_description_in_words(kind: Kind) -> None:
    for one in every(fields_of(kind)):
        assert one.description or one.name == "kind", one.name
        assert not {"value", "str", "int", "float", "Any", ""} & set(one.type.split(" | ")), one


def test_types_and_defaults_are_as_a_document_writes_them() -> None:
    queue, http = find_kind("sink", "queue"), find_kind("sink", "http")
    assert field(queue, "capacity").type == "whole number, 1 to 100,000,000"
    assert field(queue, "capacity").default == 10_000
    assert field(queue, "to").type == "name of a sink"
    assert field(queue, "to").required
    assert field(queue, "store").type == "memory | disk"
    assert field(queue, "on_stop").type == "save | discard"
    assert field(queue, "linger").default == "0s"
    assert field(http, "timeout").type == "duration"
    assert field(http, "timeout").default == "10s"
    assert field(http, "headers").type == "mapping of header to secret"
    assert field(find_kind("source", "http"), "max_body").default == "1MiB"
    assert field(find_kind("sink", "broadcast"), "to").type == "names of sinks"


def test_words_that_a_later_version_brings_are_not_offered() -> None:
    assert "cloudevents" not in field(find_kind("sink", "http"), "format").type


def test_the_mappings_inside_a_field_are_told() -> None:
    inner = dict(field(find_kind("sink", "retry"), "backoff").inner)
    assert set(inner) == {"exponential", "go_events"}
    assert {one.name for one in inner["exponential"]} >= {"base", "factor", "cap", "jitter"}
    page = kinds("retry").stdout
    assert "with `kind: go_events`:" in page
    assert "failure_threshold: whole number" in page


def test_a_name_of_a_source_and_a_sink_shows_both() -> None:
    page = kinds("http").stdout
    assert "http (source): " in page
    assert "http (sink, terminal): " in page


def test_json_says_the_same() -> None:
    told = json.loads(kinds("--json").stdout)
    assert [(one["side"], one["name"]) for one in told] == [(k.side, k.name) for k in KINDS]
    queue = json.loads(kinds("queue", "--json").stdout)
    assert [one["name"] for one in queue] == ["queue"]
    assert queue[0]["ports"][0] == {"name": "to", "many": False, "optional": False}
    capacity = next(one for one in queue[0]["fields"] if one["name"] == "capacity")
    assert capacity["default"] == 10_000
    assert capacity["description"] == "Events it holds at most [on disk 1,000,000]."


def test_a_page_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = kinds("queue").stdout.splitlines()
    assert max(len(line) for line in lines if line.startswith("      ")) <= 60


@pytest.mark.parametrize("columns", ["1", "10000"])
def test_a_terminal_of_any_width_is_survived(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert kinds("endpoint").exit_code == 0
