"""However a document is split into files, it means the same and has the same findings."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.load import load_graph

WHOLE: dict[str, Any] = {
    "sinkgraph": 1,
    "name": "whole",
    "description": "Everything there is.",
    "vars": {"hook": {"default": "http://127.0.0.1:9/"}, "n": {"default": 3}},
    "defaults": {"queue": {"capacity": 50, "max_wait": "2s"}, "http": {"timeout": "5s"}},
    "sources": {
        "in": {"kind": "stdin", "to": "fan"},
        "web": {"kind": "http", "listen": "127.0.0.1:0", "to": "pick"},
    },
    "sinks": {
        "fan": {"kind": "broadcast", "to": ["keep", "hooks"]},
        "pick": {"kind": "filter", "where": "data.n > vars.n", "to": "fan", "otherwise": "rest"},
        "keep": {"kind": "queue", "to": {"kind": "file", "path": "keep.jsonl"}},
        "hooks": {"kind": "endpoint", "url": "${var:hook}"},
        "rest": {"kind": "blackhole"},
    },
    "promises": [
        {"from": "in", "to": "keep.file", "delivery": "at_most_once"},
        {"from": "web", "to": "rest", "order": "not_kept"},
    ],
}
MISTAKES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("sinks", "keep", "capacity"), "many"),
    (("sinks", "keep", "to"), "kepp"),
    (("sinks", "hooks", "url"), "${var:hok}"),
    (("sinks", "hooks", "timout"), "5s"),
    (("sinks", "rest", "kind"), "blackhoel"),
    (("sinks", "pick", "where"), "data.n >"),
    (("sinks", "idle"), {"kind": "stdout"}),
    (("sources", "web", "listen"), "127.0.0.1"),
    (("sources", "web", "schema"), "docker.registri"),
    (("defaults", "queue", "capacty"), 5),
    (("defaults", "quue"), {}),
    (("vars", "n"), {"tpye": "int", "default": 3}),
    (("promises",), [{"from": "in", "to": "nowhere", "order": "kept"}]),
    (("name",), "two words"),
    (("snks",), {"x": {"kind": "stdout"}}),
)
HEAD = ("sinkgraph", "name", "description", "snks")


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as held, contextlib.chdir(held):
        yield Path(held)


@st.composite
def splits(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]], list[int]]:
    """Draw a document with some mistakes, its parts, and for each part which one includes it."""
    whole = json.loads(json.dumps(WHOLE))
    for path, value in draw(st.lists(st.sampled_from(MISTAKES), max_size=3)):
        held = whole
        for step in path[:-1]:
            held = held.setdefault(step, {})
        held[path[-1]] = value
    count = draw(st.integers(1, 5))
    parts: list[dict[str, Any]] = [{} for _ in range(count + 1)]
    for section, content in whole.items():
        if section in HEAD:
            parts[0][section] = content
        elif isinstance(content, list):
            parts[draw(st.integers(0, count))][section] = content
        elif section == "defaults":
            for kind, fields in content.items():
                for name, value in fields.items() or [(None, None)]:
                    part = parts[draw(st.integers(0, count))].setdefault(section, {})
                    part.setdefault(kind, {}).update({name: value} if name else {})
        else:
            for name, node in content.items():
                part = parts[draw(st.integers(0, count))]
                part.setdefault(section, {})[name] = node
    parents = [draw(st.integers(0, n)) for n in range(count)]
    return whole, parts, parents


def written(parts: list[dict[str, Any]], parents: list[int], json_too: bool) -> Path:
    """Write parts to files, each of them including its own; return the first one's."""
    names = []
    for n in range(len(parts)):
        as_json = json_too and n % 2 == 1
        names.append(f"part{n}.{'json' if as_json else 'yaml'}")
    for n, part in enumerate(parts):
        inner = [names[k + 1] for k, parent in enumerate(parents) if parent == n]
        whole = {**part, "include": inner}
        text = json.dumps(whole) if names[n].endswith("json") else yaml.safe_dump(whole)
        Path(names[n]).write_text(text, encoding="utf-8")
    return Path(names[0])


def said(found: list[Diagnostic]) -> list[tuple[str, ...]]:
    """Return what findings say, without their places."""
    return sorted((one.code, one.severity, one.headline, one.label, one.path) for one in found)


@settings(max_examples=150, deadline=None)
@given(splits(), st.booleans())
def test_a_split_document_means_the_same(
    drawn: tuple[dict[str, Any], list[dict[str, Any]], list[int]], json_too: bool
) -> None:
    whole, parts, parents = drawn
    with folder():
        Path("whole.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        expected, found = load_graph("whole.yaml", env={})
        graph, split = load_graph(written(parts, parents, json_too), env={})
        assert said(split) == said(found)
        assert (graph is None) == (expected is None)
        if graph is not None and expected is not None:
            assert graph.digest == expected.digest
            assert graph == expected
            assert len(graph.files) == len(parts)
        for one in split:
            assert one.span is not None
            assert one.span.text.strip("\"'") in Path(one.span.source.name).read_text()


def test_the_document_that_is_split_has_no_mistake_of_its_own_and_each_added_one_is_found() -> None:
    with folder():
        assert load_graph(WHOLE, env={})[1] == []
        for path, value in MISTAKES:
            whole = json.loads(json.dumps(WHOLE))
            held = whole
            for step in path[:-1]:
                held = held[step]
            held[path[-1]] = value
            assert load_graph(whole, env={})[1], path


@pytest.mark.parametrize("folder_of_part", ["parts", "parts/deep", "../beside"])
def test_a_part_in_another_folder_changes_nothing(folder_of_part: str) -> None:
    """Inputs are relative to each file, so the same files give the same digest."""
    with folder() as held:
        main = held / "main"
        part = (main / folder_of_part).resolve()
        main.mkdir()
        part.mkdir(parents=True)
        head = "sinkgraph: 1\nname: x\nsinks: {out: {kind: stdout}}\n"
        source = "sources: {in: {kind: file, paths: ['PATHS'], to: out}}\n"
        way = os.path.relpath(main, part)
        (main / "whole.yaml").write_text(head + source.replace("PATHS", "logs/x.log"))
        (main / "split.yaml").write_text(f"{head}include: {folder_of_part}/part.yaml\n")
        (part / "part.yaml").write_text(source.replace("PATHS", f"{way}/logs/x.log"))
        graphs = [load_graph(main / f"{one}.yaml")[0] for one in ("whole", "split")]
        assert graphs[0] is not None
        assert graphs[1] is not None
        assert graphs[0].digest == graphs[1].digest
