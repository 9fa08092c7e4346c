"""Who else is hit, by the policies that were declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.blast import Verb, blast_of, blast_of_action, if_stopped
from sinkgraph_tui.model.shape import Shape
from tests.tui.model.scenes import graph, shop


def test_a_full_blocking_queue_stalls_all_above_and_starves_its_siblings() -> None:
    blast = blast_of(Shape(shop()), "hooks", full=True)
    assert blast.harm == "waits"
    assert blast.silent == ("hooks.retry", "hooks.http")
    assert blast.stalled == ("shop", "fanout")
    assert blast.sources == ("shop",)
    assert blast.starved == ("audit",)
    assert (blast.first, blast.losing, blast.aside) == ((), (), ())
    assert blast.weight == 2


def test_a_dead_endpoint_fills_its_queue_first() -> None:
    blast = blast_of(Shape(shop()), "hooks.http")
    assert blast.first == ("hooks",)
    assert set(blast.stalled) == {"hooks.retry", "shop", "fanout"}
    assert blast.sources == ("shop",)


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_a_queue_that_drops_hits_nobody_above(policy: str) -> None:
    blast = blast_of(Shape(shop(hooks=policy)), "hooks", full=True)
    assert (blast.harm, blast.losing, blast.stalled) == ("loses", ("hooks",), ())
    assert blast.weight == 3


def test_a_queue_that_rejects_refuses_its_writers() -> None:
    blast = blast_of(Shape(shop(hooks="reject")), "hooks", full=True)
    assert (blast.harm, blast.sources, blast.starved) == ("refused", ("shop",), ("audit",))


def test_a_queue_that_overflows_diverts() -> None:
    made = graph(
        {"shop": "generate", "q": "queue", "q.file": "file", "spill": "file"},
        ("shop q", "q q.file", "q:overflow spill"),
        q={"when_full": "overflow"},
    )
    blast = blast_of(Shape(made), "q", full=True)
    assert (blast.harm, blast.aside, blast.stalled) == ("diverts", ("spill",), ())
    assert blast.weight == 1
    assert if_stopped(Shape(made), "q").plain == (
        "If q takes nothing more, events go to spill instead."
    )


def test_an_optional_branch_loses_and_stalls_nobody() -> None:
    made = graph(
        {"shop": "generate", "fanout": "broadcast", "a": "queue", "b": "queue"},
        ("shop fanout", "fanout a?", "fanout b"),
    )
    blast = blast_of(Shape(made), "a", full=True)
    assert (blast.harm, blast.losing, blast.stalled, blast.starved) == ("loses", ("a",), (), ())


def test_a_fallback_takes_its_other_target() -> None:
    made = graph(
        {"shop": "generate", "either": "fallback", "a": "http", "b": "http"},
        ("shop either", "either a", "either b"),
    )
    blast = blast_of(Shape(made), "a")
    assert (blast.harm, blast.aside, blast.stalled) == ("diverts", ("b",), ())


def test_queues_above_fill_one_after_the_other() -> None:
    made = graph(
        {"shop": "generate", "one": "queue", "two": "queue", "end": "http"},
        ("shop one", "one two", "two end"),
    )
    blast = blast_of(Shape(made), "end")
    assert blast.first == ("one", "two")
    assert blast.sources == ("shop",)
    assert if_stopped(Shape(made), "end").plain == (
        "If end takes nothing more, one and two fill, then shop waits."
    )


PAUSED = (
    "shop takes nothing more in; audit and hooks get nothing from it; whoever sends is made to wait"
)
AFTER = "when hooks is full, shop waits, and audit gets nothing either"


@pytest.mark.parametrize(
    ("verb", "name", "said"),
    [
        ("pause", "hooks", f"nothing leaves hooks, what comes is kept; {AFTER}"),
        (
            "pause",
            "shop",
            PAUSED,
        ),
        ("trip", "hooks.retry", f"nothing passes hooks.retry; hooks keeps what comes; {AFTER}"),
        (
            "resume",
            "hooks",
            "hooks goes on; what hooks holds is sent on to billing.example",
        ),
        ("drain", "shop", "shop takes nothing more in, and what it took is delivered"),
        ("drain", "hooks", "hooks delivers what it holds; nothing is lost, events still come"),
        (
            "probe",
            "hooks.retry",
            "one attempt is made through hooks.retry now; it fails, or the breaker closes",
        ),
    ],
)
def test_what_an_action_does_is_said_before(verb: Verb, name: str, said: str) -> None:
    assert blast_of_action(Shape(shop()), verb, name).plain == said


def test_what_is_lost_for_ever_is_said_with_its_number() -> None:
    line = blast_of_action(Shape(shop()), "purge", "hooks", letters=1_200)
    assert line.plain == "1,200 dead letters of hooks are lost for ever"
    assert line.spans[0].tone == "bad"


def test_a_source_hits_only_what_it_feeds() -> None:
    assert if_stopped(Shape(shop()), "shop").plain == (
        "If shop takes nothing more, audit and hooks get nothing from it."
    )


KINDS = ("broadcast", "filter", "fallback", "queue", "retry", "http")
POLICIES = ("block", "reject", "drop_oldest", "overflow")


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any graph of up to twelve nodes: a source above, edges downwards only."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=11))
    names = {f"n{k}": kind for k, kind in enumerate(kinds)}
    edges = {"in n0"}
    for k in range(1, len(kinds)):
        for above in draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=3, unique=True)):
            optional = "?" if draw(st.booleans()) and kinds[above] == "broadcast" else ""
            edges.add(f"n{above} n{k}{optional}")
    policies = {name: {"when_full": draw(st.sampled_from(POLICIES))} for name in names}
    return Shape(graph({"in": "generate", **names}, sorted(edges), **policies))


@given(shapes(), st.data())
def test_a_blast_names_each_node_once_and_only_nodes_that_are_there(
    shape: Shape, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(list(shape.nodes)))
    blast = blast_of(shape, name, full=data.draw(st.booleans()))
    assert len(set(blast.hit)) == len(blast.hit)
    assert set(blast.hit) <= set(shape.nodes)
    assert set(blast.stalled) | set(blast.first) <= set(shape.above(name))
    assert not set(blast.starved) & set(blast.stalled)
    assert if_stopped(shape, name).plain.endswith(".")
