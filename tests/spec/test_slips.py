"""A line too many, too few, or indented otherwise is said once, and the rest is read as meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.report import render_concise
from sinkgraph.graph.load import load_graph

GOOD = """\
sinkgraph: 1
name: g
vars:
  size: {default: 10}
sources:
  lines:
    kind: stdin
    to: fan
sinks:
  fan: {kind: broadcast, to: [hold, log]}
  hold:
    kind: queue
    capacity: "${var:size}"
    to: out
  out: {kind: stdout}
  log: {kind: file, path: log.jsonl}
"""


def lines(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.yaml").write_text(text, encoding="utf-8")
    found = load_graph("g.yaml", env={})[1]
    return [
        f"{line.removeprefix('g.yaml:')} = {'; '.join(one.help)}"
        for line, one in zip(render_concise(found).splitlines(), found, strict=True)
    ]


@pytest.mark.parametrize(
    ("was", "now", "said", "help"),
    [
        ("vars:", "vras:", "3:1 SG120 `vras` is not a key of a document", "the nearest is `vars`"),
        (
            *("sinks:", "Sinks:", "9:1 SG120 `Sinks` is not a key of a document"),
            "the nearest is `sinks`",
        ),
        (
            *("sinks:\n", "", "9:15 SG124 `broadcast` of source `fan` is not a kind"),
            "`broadcast` is a kind of sink: write `sinks:` above `fan`",
        ),
        (
            *("sinks:\n", "  sinks:\n", "9:3 SG120 `sinks` stands inside `sources`"),
            "move `sinks` to the top level, beside `sources`",
        ),
        (
            *("sources:\n", "", "5:3 SG120 source `lines` stands inside `vars`"),
            "write `sources:` above `lines`",
        ),
        (
            *("sources:\n", "  sources:\n", "5:3 SG120 `sources` stands inside `vars`"),
            "move `sources` to the top level, beside `vars`",
        ),
        (
            *("  lines:\n", "", "6:5 SG121 a source does not say its name"),
            "write its name above it, and indent its fields below",
        ),
        (
            *("    to: out\n", "  to: out\n"),
            "14:3 SG120 `to` stands beside sink `hold`, not in it",
            "indent it, so that it belongs to `hold`",
        ),
        (
            *("  log: {", "log: {", "16:1 SG120 `log` is not a key of a document"),
            "move it under `sinks:`",
        ),
        (
            *("  size: {", "size: {", "4:1 SG120 `size` is not a key of a document"),
            "move it under `vars:`",
        ),
        (
            *("  out: {", "    out: {", "15:5 SG120 `out` is not a key of queue `hold`"),
            "write `out` one level up, as a node of its own",
        ),
    ],
)
def test_one_line_is_one_finding(
    was: str, now: str, said: str, help: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GOOD.count(was) == 1
    place, code, headline = said.split(" ", 2)
    assert lines(GOOD.replace(was, now), tmp_path, monkeypatch) == [
        f"{place}: error[{code}] {headline} = {help}"
    ]


def test_the_document_itself_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(GOOD, tmp_path, monkeypatch) == []


def test_the_second_kind_of_a_mapping_means_that_a_name_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace("  out: {kind: stdout}\n", "    kind: stdout\n    description: x\n")
    assert lines(text, tmp_path, monkeypatch) == [
        "15:5: error[SG108] the key `kind` stands twice in one mapping = remove one of them"
    ]


def test_what_two_slips_could_mean_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace("vars:", "vras:").replace("sources:", "varz: {}\nsources:")
    assert lines(text, tmp_path, monkeypatch) == [
        "3:1: error[SG120] `vras` is not a key of a document = the nearest is `vars`",
        "5:1: error[SG120] `varz` is not a key of a document = the nearest is `vars`",
    ]
