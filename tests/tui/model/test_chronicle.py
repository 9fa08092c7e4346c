"""The journal in sentences: flapping is one line with a count, and nothing is dropped."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.api.messages import JournalEntry
from sinkgraph_tui.model.chronicle import chronicle, wording
from tests.tui.model.scenes import AT, recording


def entry(kind: str, at: float = 0.0, node: str | None = "hooks", **facts: Any) -> JournalEntry:
    return JournalEntry(seq=int(at), at=AT + at, kind=kind, node=node, facts=facts)


@pytest.mark.parametrize(
    ("kind", "facts", "said"),
    [
        ("breaker_opened", {"was": "closed", "error": "x answered 503"}, "opened: 503"),
        ("breaker_opened", {"was": "half_open"}, "opened again"),
        ("breaker_closed", {"was": "half_open"}, "closed: deliveries go on"),
        ("queue_paused", {"by": "ops", "why": "rate limit", "for_s": 600.0},
         "paused by ops for 10m (rate limit)"),
        ("source_resumed", {"by": "its time"}, "resumed by its time"),
        ("breaker_tripped", {"by": "ops"}, "tripped by ops"),
        ("graph_reloaded", {"generation": 15, "added": 1}, "generation 15 runs now"),
        ("events_dropped", {"events": 1_200}, "events dropped · events 1.20k"),
        ("some_news", {"a": 0.5, "b": "two", "c": [1]}, "some news · a 0.50, b two"),
    ],
)  # fmt: skip
def test_an_entry_is_a_sentence(kind: str, facts: dict[str, Any], said: str) -> None:
    assert wording(entry(kind, **facts)).plain == said


def test_the_outage_of_a_real_run_is_three_lines() -> None:
    _, _, entries = recording()
    told = chronicle(entries)
    assert [f"{one.node} {one.glyph} {one.line.plain}" for one in told] == [
        "None · started, generation 1",
        "hooks.retry ◐ open ⇄ half-open · probe connection refused ×6 in 21s",
        "hooks.retry ● closed: deliveries go on",
    ]


KINDS = ("breaker_opened", "breaker_half_open", "breaker_closed", "queue_paused", "odd")


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["a", "b", None])), max_size=30))
def test_every_entry_is_in_exactly_one_line(steps: list[tuple[str, str | None]]) -> None:
    entries = [entry(kind, float(k), node) for k, (kind, node) in enumerate(steps)]
    told = chronicle(entries)
    held = [one.seq for line in told for one in line.entries]
    assert sorted(held) == list(range(len(entries)))
    assert [one.at for one in told] == sorted(one.at for one in told)
