"""Whatever a server says, the model has an answer: no crash, every number a text."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.api.client import Seen
from sinkgraph_tui.model.cards import member_line
from sinkgraph_tui.model.reading import Reading
from sinkgraph_tui.model.timeline import Cursor
from tests.tui.model.scenes import AT, SHOP, breaker, node, shop, snapshot, terms, took

COUNT = st.integers(0, 10**9)
SECONDS = st.none() | st.floats(0, 1e9)
STATES = ("closed", "open", "half_open", "isolated", "disabled")


@st.composite
def anything(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of a node, as odd as models allow."""
    return {
        "status": draw(
            st.sampled_from(("starting", "ok", "degraded", "failed", "draining", "stopped"))
        ),
        "paused": draw(st.booleans()),
        "resumes_in_s": draw(SECONDS),
        "depth": draw(COUNT),
        "waiting": draw(COUNT),
        "capacity": draw(st.none() | COUNT),
        "bytes": draw(st.none() | COUNT),
        "max_bytes": draw(st.none() | COUNT),
        "oldest_s": draw(SECONDS),
        "in_per_s": draw(st.floats(0, 1e9)),
        "out_per_s": draw(st.floats(0, 1e9)),
        "attempts": draw(st.none() | COUNT),
        "breaker": draw(
            st.none() | st.builds(breaker, st.sampled_from(STATES), retry_in_s=SECONDS)
        ),
        "latency": draw(st.none() | st.builds(took, SECONDS)),
        "last_error": draw(st.none() | st.text(max_size=20)),
        "ledger": terms(
            entered=draw(COUNT),
            delivered=draw(COUNT),
            dead_lettered=draw(COUNT),
            dropped=draw(st.dictionaries(st.text(max_size=5), COUNT, max_size=2)),
        ),
        "facts": draw(
            st.sampled_from(
                (
                    {},
                    {"when_full": "odd", "waiting_writers": 1},
                    {"failures": 7, "retrying": 3},
                    {"failures": None, "when_full": None},
                )
            )
        ),
    }


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 30), st.lists(anything(), max_size=8)), max_size=6))
def test_anything_can_be_read(looks: list[tuple[float, list[dict[str, Any]]]]) -> None:
    reading = Reading()
    reading.take_graph(shop())
    at = AT
    for step, changed in looks:
        at += step
        nodes = [
            node(name, kind, **fields)
            for (name, kind), fields in zip(SHOP.items(), changed, strict=False)
        ]
        reading.take(Seen(snapshot(nodes, at), True), at - AT)
    for cursor in (Cursor(), Cursor(AT + 1)):
        view = reading.view(at - AT + 0.5, cursor)
        lines = [view.strip, *(view.headline(one) for one in view.alarms)]
        for row in view.rows():
            lines += [*view.why(row.name), *(step.told(view.now) for step in view.next(row.name))]
            lines += [row.eta, member_line(row.name, view)]
            assert row.fill is None or 0 <= row.fill <= 1
            assert row.fill_ahead is None or 0 <= row.fill_ahead <= 1
        assert all("nan" not in line.plain and "inf" not in line.plain.split() for line in lines)
