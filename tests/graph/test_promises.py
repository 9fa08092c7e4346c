"""A document is refused when its graph does not keep what it promises; the reason is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.load import check

HEAD = """sinkgraph: 1
name: x
sources:
  in: {kind: http, listen: "127.0.0.1:0", to: fan}
sinks:
  fan: {kind: broadcast, to: [audit, hooks]}
  audit: {kind: queue, store: disk, to: {kind: file, path: a.ndjson}}
  hooks: {kind: endpoint, url: "http://127.0.0.1:9/", concurrency: 4}
promises:
"""


def found(tmp_path: Path, *promises: str) -> list[Diagnostic]:
    path = tmp_path / "graph.yaml"
    path.write_text(HEAD + "".join(f"  - {one}\n" for one in promises))
    return check(path)


def test_what_is_kept_says_nothing(tmp_path: Path) -> None:
    kept = "{from: in, to: audit.file, delivery: at_least_once, accepted: durable, order: kept}"
    weaker = "{from: in, to: audit.file, delivery: at_most_once, order: per_key}"
    assert found(tmp_path, kept, weaker) == []


@pytest.mark.parametrize(
    ("promise", "headline", "label", "note", "decides"),
    [
        (
            "{from: in, to: hooks.http, delivery: at_least_once}",
            "`delivery: at_least_once` from `in` to `hooks.http` is not kept",
            "it is `at_most_once`",
            "`hooks.store` decides it: `memory`: a kill loses what it holds",
            "hooks",
        ),
        (
            "{from: in, to: hooks.http, accepted: durable}",
            "`accepted: durable` from `in` to `hooks.http` is not kept",
            "it is `memory`",
            "`hooks.store` decides it: `memory`: a kill loses what it holds",
            "hooks",
        ),
        (
            "{from: in, to: hooks.http, order: per_key}",
            "`order: per_key` from `in` to `hooks.http` is not kept",
            "it is `not_kept`",
            "`hooks.concurrency` decides it: 4 deliveries are under way at once",
            "4",
        ),
    ],
)
def test_a_broken_one_names_the_node_and_the_field(
    tmp_path: Path, promise: str, headline: str, label: str, note: str, decides: str
) -> None:
    (one,) = found(tmp_path, promise)
    assert (one.code, one.severity, one.headline) == ("SG520", "error", headline)
    assert one.label == label
    assert one.notes[0] == note
    (second,) = one.secondary
    span = second.span
    assert span.source.text[span.start : span.end] == decides
    assert one.span is not None
    word = one.span.source.text[one.span.start : one.span.end]
    assert word == headline.split("`")[1].partition(": ")[2]


def test_every_broken_promise_is_told_in_one_run(tmp_path: Path) -> None:
    all_of_it = (
        "{from: in, to: hooks.http, delivery: at_least_once, accepted: durable, order: kept}"
    )
    assert [one.code for one in found(tmp_path, all_of_it, all_of_it)] == ["SG520"] * 6


@pytest.mark.parametrize(
    ("promise", "headline", "help"),
    [
        (
            "{from: inn, to: audit.file, order: kept}",
            "`inn` is not a source",
            "the nearest is `in`",
        ),
        (
            "{from: in, to: hooks, order: kept}",
            "`hooks` is not an end that `in` reaches",
            "there are: `audit.file`, `hooks.http`",
        ),
    ],
)
def test_a_promise_about_no_way_names_the_nearest(
    tmp_path: Path, promise: str, headline: str, help: str
) -> None:
    (one,) = found(tmp_path, promise)
    assert (one.code, one.headline, one.help) == ("SG521", headline, (help,))


@pytest.mark.parametrize(
    ("promises", "code", "headline"),
    [
        ("  {from: in}\n", "SG122", "`promises` is not a list"),
        ("  - audit.file\n", "SG122", "promise 1 is not a mapping"),
        ("  - {from: in, to: audit.file}\n", "SG142", "nothing is promised in promise 1"),
        ("  - {to: audit.file, order: kept}\n", "SG121", "promise 1 does not say its `from`"),
        (
            "  - {from: in, to: audit.file, ordr: kept}\n",
            "SG120",
            "`ordr` is not a key of promise 1",
        ),
    ],
)
def test_what_is_written_wrongly_is_told(
    tmp_path: Path, promises: str, code: str, headline: str
) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(HEAD + promises)
    first = check(path)[0]
    assert (first.code, first.headline) == (code, headline)
