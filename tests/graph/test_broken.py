"""Every document of graphs/broken gives exactly the findings that stand beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.report import render_human
from sinkgraph.graph.load import check, load_graph
from tests.graph.broken import BROKEN, DOCUMENTS, beside, findings_text


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)


def test_there_are_broken_documents_and_each_has_its_findings() -> None:
    assert len(DOCUMENTS) >= 50
    assert {beside(one) for one in DOCUMENTS} == set(BROKEN.glob("*.findings"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_broken_document_gives_the_findings_beside_it(path: Path) -> None:
    assert findings_text(path) == beside(path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_has_a_graph_exactly_when_it_has_no_error(path: Path) -> None:
    graph, found = load_graph(path.name, env={})
    assert found
    assert (graph is None) == any(one.severity == "error" for one in found)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_finding_has_a_place_and_a_known_code_of_its_severity(path: Path) -> None:
    softened = {"SG133", "SG501", "SG502"}  # warnings while secrets are only stood in for
    softened |= {"SG401", "SG403"}  # warnings where events may have what is not declared
    for one in check(path.name, env={}):
        assert one.span is not None
        assert one.span.end > one.span.start
        if one.code not in softened:
            assert one.severity == CODES[one.code].severity


def test_findings_are_sorted_by_place_and_said_once() -> None:
    for path in DOCUMENTS:
        found = check(path.name, env={})
        places = [(one.span.source.name, one.span.start) for one in found if one.span is not None]
        assert places == sorted(places)
        said = [(one.code, one.where, one.label) for one in found]
        assert len(said) == len(set(said))


def test_ten_unrelated_mistakes_are_ten_findings_at_the_same_words_in_every_syntax() -> None:
    yaml, toml, json = (check(f"ten-mistakes.{one}", env={}) for one in ("yaml", "toml", "json"))
    assert [one.code for one in yaml] == [
        *("SG128", "SG122", "SG124", "SG204", "SG123"),
        *("SG123", "SG402", "SG120", "SG132", "SG127"),
    ]
    assert [_words(one) for one in yaml] == [
        *("ten mistakes", "many", "htpp", "archiv", "0"),
        *("../log.jsonl", "push", "max_size", "${var:path}", "5"),
    ]
    for other in (toml, json):
        assert [one.code for one in other] == [one.code for one in yaml]
        assert [one.headline for one in other] == [one.headline for one in yaml]
        assert [one.help for one in other if one.code != "SG204"] == [
            one.help for one in yaml if one.code != "SG204"
        ]
        assert [_words(one) for one in other] == [_words(one) for one in yaml]


def _words(one: Diagnostic) -> str:
    """Return what stands at the place of a finding, without the quotes a syntax wants."""
    assert one.span is not None
    return one.span.text.strip("\"'")


UNKNOWN_TARGET = """\
error[SG204]: sink `deliver` writes to an undeclared sink
  --> unknown-target.yaml:11:9
   |
 9 |   deliver:
   |   ------- in this sink
10 |     kind: retry
11 |     to: webhok
   |         ^^^^^^ no sink is named `webhok`
   |
   = note: events reach it by `registry → fanout → deliver`
   = help: a sink named `webhook` is declared on line 14
"""

CYCLE = """\
error[SG210]: sinks form a cycle
  --> cycle.yaml:9:9
   |
 5 |   fanout: {kind: broadcast, to: [metrics, deliver]}
   |                                           ------- `fanout` writes to `deliver`
 9 |     to: fanout
   |         ^^^^^^ `deliver` writes back to `fanout`
"""

SLOW = """\
warning[SG301]: a slow `webhook` stalls every branch of `fanout`
  --> slow-terminal.yaml:5:41
   |
 5 |   fanout: {kind: broadcast, to: [audit, webhook, checked]}
   |                                         ^^^^^^^ no queue between `fanout` and this http sink
   = help: put a `kind: queue` in front of it
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("unknown-target", UNKNOWN_TARGET), ("cycle", CYCLE), ("slow-terminal", SLOW)],
)
def test_a_finding_reads_as_its_document_says(name: str, text: str) -> None:
    shown = render_human(check(f"{name}.yaml", env={})[:1])
    assert shown.rstrip("\n") == text.rstrip("\n")
