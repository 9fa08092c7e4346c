"""Rules where a document beside its findings does not say enough."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.graph.load import check, load
from tests.graph.documents import codes, of_nodes, read

IN = {"in": {"kind": "stdin", "to": "all"}}


def _files(*paths: str) -> Any:
    sinks: dict[str, Any] = {
        f"f{i}": {"kind": "file", "path": path} for i, path in enumerate(paths)
    }
    sinks["all"] = {"kind": "broadcast", "to": list(sinks)}
    return of_nodes(sinks, IN)


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_file_under_two_names_is_found_through_a_folder_symlink(output: Path) -> None:
    (output / "real").mkdir()
    (output / "link").symlink_to("real")
    assert codes(_files("real/a.jsonl", "link/a.jsonl")[1]) == ["SG512"]
    assert codes(_files("real/a.jsonl", "link/b.jsonl")[1]) == []


def test_a_symlink_is_not_written_through(output: Path) -> None:
    (output / "a.jsonl").symlink_to("b.jsonl")
    assert codes(_files("a.jsonl")[1]) == ["SG513"]


def test_a_relative_path_stays_below_the_output_directory(output: Path) -> None:
    (output / "inside").mkdir()
    (output / "inside" / "out").symlink_to("/")
    (output / "here").symlink_to("inside")
    assert codes(_files("inside/out/tmp/x.jsonl")[1]) == ["SG513"]
    assert codes(_files("here/x.jsonl")[1]) == []


def test_what_is_no_plain_file_is_not_written(output: Path) -> None:
    os.mkfifo(output / "pipe")
    (output / "folder").mkdir()
    (output / "plain").write_text("")
    assert codes(_files("pipe", "folder", "plain")[1]) == ["SG513", "SG513"]


def test_an_absolute_path_and_a_relative_one_may_be_one_file(output: Path) -> None:
    assert codes(_files("a.jsonl", str(output / "a.jsonl"))[1]) == ["SG512"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("a.log.1", ["SG512"]), ("a.log.3", ["SG512"]), ("a.log.4", []), ("a.log.0", []),
     ("a.log.01", []), ("a.log.x", []), ("b.log.1", [])],
)  # fmt: skip
def test_no_sink_writes_to_what_another_rotates_into(
    output: Path, path: str, wanted: list[str]
) -> None:
    sinks = {
        "all": {"kind": "broadcast", "to": ["a", "b"]},
        "a": {"kind": "file", "path": "a.log", "rotate": {"max_size": "1KiB", "keep": 3}},
        "b": {"kind": "file", "path": path},
    }
    assert codes(of_nodes(sinks, IN)[1]) == wanted


def test_a_disabled_node_leaves_with_its_edges() -> None:
    sinks = {
        "all": {"kind": "broadcast", "to": ["a", "b"]},
        "a": {"kind": "queue", "enabled": False, "to": {"kind": "file", "path": "a"}},
        "b": {"kind": "stdout"},
        "c": {"kind": "blackhole", "enabled": False},
    }
    graph, found = of_nodes(sinks, IN)
    assert codes(found) == []
    assert list(graph.nodes) == ["in", "all", "b", "dead-letters"]


def test_a_disabled_branch_makes_nothing_behind_it_unreachable() -> None:
    sinks = {
        "all": {"kind": "broadcast", "to": ["a", "b"]},
        "a": {"kind": "queue", "enabled": False, "to": "c"},
        "b": {"kind": "stdout"},
        "c": {"kind": "blackhole"},
    }
    assert codes(of_nodes(sinks, IN)[1]) == []


def test_a_disabled_dead_letter_gives_way_to_the_implied_one() -> None:
    sinks = {
        "all": {"kind": "queue", "to": "b", "dead_letter": "lost"},
        "b": {"kind": "stdout"},
        "lost": {"kind": "file", "path": "lost", "enabled": False},
    }
    graph, found = of_nodes(sinks, IN)
    assert codes(found) == []
    assert {e.target for e in graph.downstream("all") if e.port == "dead_letter"} == {
        "dead-letters"
    }


def test_a_disabled_overflow_ends_nowhere() -> None:
    sinks = {
        "all": {"kind": "queue", "to": "b", "when_full": "overflow", "overflow": "more"},
        "b": {"kind": "stdout"},
        "more": {"kind": "file", "path": "more", "enabled": False},
    }
    assert codes(of_nodes(sinks, IN)[1]) == ["SG211"]


def test_the_last_target_of_a_broadcast_cannot_be_disabled() -> None:
    sinks = {
        "all": {"kind": "broadcast", "to": ["a", "b"]},
        "a": {"kind": "stdout", "enabled": False},
        "b": {"kind": "file", "path": "b", "enabled": False},
        "c": {"kind": "blackhole", "enabled": True},
    }
    assert [c for c in codes(of_nodes(sinks, IN)[1]) if c != "SG209"] == ["SG211"]


def test_only_what_may_fail_an_event_has_a_dead_letter() -> None:
    sinks = {
        "all": {"kind": "filter", "where": "data.a", "on_error": "drop", "to": "b"},
        "b": {"kind": "retry", "to": "c"},
        "c": {"kind": "blackhole"},
    }
    graph, found = of_nodes(sinks, {"in": {"kind": "generate", "count": 1, "to": "all"}})
    assert codes(found) == []
    assert [edge.source for edge in graph.upstream("dead-letters")] == ["b"]


def test_a_dead_letter_may_be_the_target_of_any_port() -> None:
    sinks = {
        "all": {"kind": "filter", "where": "data.a", "to": "hold", "otherwise": "letters"},
        "hold": {"kind": "queue", "to": "b", "dead_letter": "letters"},
        "b": {"kind": "retry", "to": {"kind": "stdout"}, "dead_letter": {"kind": "dead_letter"}},
        "letters": {"kind": "dead_letter", "capacity": 5, "max_bytes": "1MiB", "max_age": "7d"},
    }
    graph, found = of_nodes(sinks, IN)
    assert codes(found) == []
    into = [(edge.source, edge.port) for edge in graph.upstream("letters")]
    assert sorted(into) == [("all", "otherwise"), ("hold", "dead_letter")]
    assert [edge.source for edge in graph.upstream("b.dead_letter")] == ["b"]
    assert [edge.source for edge in graph.upstream("dead-letters")] == ["in", "all"]
    assert graph.nodes["letters"].spec.max_age == 7 * 86_400


def test_the_bounds_of_the_implied_dead_letters_can_be_stated() -> None:
    sinks = {
        "dead-letters": {"kind": "dead_letter", "max_age": "90d"},
        "all": {"kind": "queue", "to": "b"},
        "b": {"kind": "stdout"},
    }
    for sources in (IN, None):
        graph, found = of_nodes(sinks, sources)
        assert codes([one for one in found if one.severity == "error"]) == []
        assert ("all", "dead_letter") in [
            (edge.source, edge.port) for edge in graph.upstream("dead-letters")
        ]
        assert graph.nodes["dead-letters"].spec.max_age == 90 * 86_400
        assert graph.order[-1] == "dead-letters"
        assert graph.needs_state == ("dead-letters",)
    assert codes(of_nodes({"dead-letters": {"kind": "dead_letter"}})[1]) == ["SG202"]
    straight, found = of_nodes(
        {"dead-letters": {"kind": "dead_letter"}}, {"in": {"kind": "inlet", "to": "dead-letters"}}
    )
    assert codes(found) == []
    assert straight.order == ("in", "dead-letters")


def test_a_look_alike_of_the_implied_dead_letters_stays_reserved() -> None:
    for name, kind in (("Dead-Letters", "dead_letter"), ("dead-letters", "blackhole")):
        sinks = {"all": {"kind": "queue", "to": name}, name: {"kind": kind}}
        assert codes(of_nodes(sinks, IN)[1]) == ["SG218"]


def test_groups_are_names_or_fields() -> None:
    sinks = {
        "all": {"kind": "broadcast", "to": ["eu/billing/hold", "us"]},
        "eu/billing/hold": {"kind": "queue", "to": {"kind": "stdout"}},
        "us": {"kind": "endpoint", "url": "http://x/", "group": "america"},
    }
    graph, found = of_nodes(sinks, IN)
    assert codes(found) == []
    groups = {name: node.group for name, node in graph.nodes.items() if node.group}
    assert groups == {
        "eu/billing/hold": "eu/billing",
        "eu/billing/hold.stdout": "eu/billing",
        "us": "america",
        "us.retry": "america",
        "us.http": "america",
    }


@pytest.mark.parametrize("retry", ["to: all", "to: hold"])
def test_an_unreachable_knot_is_told_as_a_cycle_only(retry: str) -> None:
    _, found = read(
        f"""
sinkgraph: 1
name: knot
sources: {{in: {{kind: stdin, to: out}}}}
sinks:
  out: {{kind: stdout}}
  hold: {{kind: queue, to: deliver}}
  all: {{kind: queue, to: hold}}
  deliver: {{kind: retry, {retry}}}
"""
    )
    assert "SG210" in codes(found)


def test_the_same_document_in_json_and_toml_is_the_same_graph(tmp_path: Path) -> None:
    document = {
        "sinkgraph": 1,
        "name": "same",
        "sources": {"in": {"kind": "generate", "count": 3, "to": "hold"}},
        "sinks": {"hold": {"kind": "queue", "to": {"kind": "file", "path": "x.jsonl"}}},
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    (tmp_path / "a.toml").write_text(
        'sinkgraph = 1\nname = "same"\n[sources.in]\nkind = "generate"\ncount = 3\nto = "hold"\n'
        '[sinks.hold]\nkind = "queue"\nto = {kind = "file", path = "x.jsonl"}\n'
    )
    (tmp_path / "a.yaml").write_text(
        "sinkgraph: 1\nname: same\nsources: {in: {kind: generate, count: 3, to: hold}}\n"
        "sinks: {hold: {kind: queue, to: {kind: file, path: x.jsonl}}}\n"
    )
    graphs = [load(tmp_path / f"a.{suffix}") for suffix in ("json", "toml", "yaml")]
    graphs.append(load(document))
    assert len({graph.digest for graph in graphs}) == 1
    assert {graph.order for graph in graphs} == {graphs[0].order}
    assert graphs[0].base == tmp_path


def test_a_finding_in_json_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        '{"sinkgraph": 1, "name": "x",\n "sinks": {"a": {"kind": "queue",\n  "to": "b"}}}'
    )
    found = [one for one in check(path) if one.code == "SG204"]
    assert found[0].where == f"{path}:3:9"


def test_an_expression_in_quotes_has_its_place_inside_them() -> None:
    _, found = read(
        "sinkgraph: 1\nname: x\nsources: {in: {kind: stdin, to: a}}\n"
        "sinks:\n  a: {kind: filter, where: 'data.a == 1 && vars.nobody', to: b}\n"
        "  b: {kind: stdout}\n"
    )
    assert codes(found) == ["SG402"]
    assert found[0].span is not None
    assert "nobody" in found[0].span.text


def test_a_document_whose_every_key_is_bad_still_has_a_place_for_its_findings(
    tmp_path: Path,
) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text("? [a]\n: b\n")
    found = check(path)
    assert "SG202" in [one.code for one in found]
    assert all(one.span is not None for one in found)
    path.write_text("sinkgraph: 1\nname: x\nSinks: {out: {kind: stdout}}\n")
    found = check(path)
    assert [one.code for one in found] == ["SG120", "SG203"]
    assert all(one.span is not None for one in found)
