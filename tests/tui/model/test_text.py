"""Text of others: one choke point, through which nothing that steers a terminal goes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.headlines import GLYPHS
from sinkgraph_tui.model.text import Line, Span, gist, listed, plural, said
from tests.tui.model.scenes import AT, ERROR, breaker, node, shop, shop_nodes, snapshot

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@given(ANY_TEXT)
def test_a_span_holds_nothing_that_steers_a_terminal(text: str) -> None:
    shown = said(text, (text, "bad"), Line((Span(text),))).plain
    assert not {unicodedata.category(one) for one in shown} & UNSAFE


def test_an_osc_52_clipboard_write_becomes_visible() -> None:
    assert said("\x1b]52;c;aGk=\x07").plain == "\\x1b]52;c;aGk=\\x07"


@given(ANY_TEXT)
def test_hostile_names_and_errors_pass_harmlessly_through_every_sentence(text: str) -> None:
    from sinkgraph.api.client import Seen
    from sinkgraph.api.messages import JournalEntry
    from sinkgraph_tui.model.reading import Reading

    reading = Reading()
    graph = shop()
    hostile = graph.nodes[-2].model_copy(update={"name": text + "x", "origin": text})
    reading.take_graph(graph.model_copy(update={"drift": text, "nodes": [*graph.nodes, hostile]}))
    extra = node(text + "x", "http", status="failed", last_error=text)
    held = {"breaker": breaker("open"), "status": "degraded", "last_error": text}
    for k in range(3):
        nodes = [*shop_nodes(hooks_retry=held, hooks={"paused": True}), extra]
        reading.take(Seen(snapshot(nodes, AT + k), True), float(k))
    facts = {"by": text, "why": text}
    reading.take_entry(JournalEntry(seq=1, at=AT, kind="queue_paused", node="hooks", facts=facts))
    reading.take(Seen(None, False, text), 3.0)
    view = reading.view(9.0)
    lines = [view.strip, view.freshness.line, *(view.headline(one) for one in view.alarms)]
    for name in (text + "x", "hooks"):
        lines += [*view.why(name), *(step.told(view.now) for step in view.next(name))]
    assert len(lines) > 6
    for line in lines:
        assert not {unicodedata.category(one) for one in line.plain} & UNSAFE


@given(st.lists(st.text(max_size=12), max_size=5), st.integers(0, 40))
def test_a_line_is_cut_to_the_columns_there_are(texts: list[str], columns: int) -> None:
    line = said(*texts)
    assert line.cut(columns).columns <= max(columns, 0)
    assert line.cut(1_000) == line


def test_a_cut_line_says_that_something_is_missing() -> None:
    line = said("hooks ", ("OPEN", "bad"), " 1m42s")
    assert line.cut(9).plain == "hooks OP…"
    assert line.cut(10).plain == "hooks OPE…"
    assert line.cut(16).plain == "hooks OPEN 1m42s"


def test_every_glyph_has_an_ascii_twin() -> None:
    line = said("".join(GLYPHS.values()), " a → b · c — × … ● ◄ ▮▯")
    assert line.in_ascii().plain.isascii()


@pytest.mark.parametrize(
    ("error", "said_"),
    [
        (None, ""),
        ("", ""),
        (ERROR, "503"),
        ("DeliveryFailed: cannot connect to http://a:9000/x: connection refused",
         "connection refused"),
        ("DeliveryFailed: webhook: no answer after 2s", "timeout"),
        ("OSError: [Errno 28] No space left on device", "disk full"),
        ("Rejected: the body is too odd", "the body is too odd"),
        ("ValueError: data.n is no number", "data.n is no number"),
        ("cannot connect to http://host:503/x: connection reset by peer", "connection reset"),
        ("x" * 200, "x" * 59 + "…"),
    ],
)  # fmt: skip
def test_the_gist_of_an_error(error: str | None, said_: str) -> None:
    assert gist(error) == said_


@pytest.mark.parametrize(
    ("names", "said_"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"),
     (list("abcde"), "a, b, c and 2 more")],
)  # fmt: skip
def test_names_are_listed_as_a_person_does(names: list[str], said_: str) -> None:
    assert listed(names) == said_


def test_counts_with_their_noun() -> None:
    assert plural(1, "event") == "1 event"
    assert plural(1_200, "event") == "1,200 events"
    assert plural(0, "entry", "entries") == "0 entries"
