"""Folding: no sign is left out, none is told twice, and the order is total and stable."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.model.alarms import alarms_of, ordered
from sinkgraph_tui.model.causes import fold
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign
from tests.tui.model.scenes import graph, shop
from tests.tui.model.test_blast import shapes

SHOP = Shape(shop())
LEVELS = {Kind.DROPPING: 1, Kind.FAILED: 1, Kind.FULL: 2, Kind.OPEN: 3}


def sign(kind: Kind, node: str) -> Sign:
    return Sign(kind, node, LEVELS.get(kind, 4))


@st.composite
def troubled(draw: st.DrawFn) -> tuple[Shape, list[Sign]]:
    """Any graph with any signs at its nodes, and at one that it does not have."""
    shape = draw(shapes())
    names = [*shape.nodes, "", "gone"]
    kinds = st.sampled_from(list(Kind))
    pairs = draw(st.lists(st.tuples(kinds, st.sampled_from(names)), max_size=14, unique=True))
    whens = st.none() | st.floats(0, 1e4)
    return shape, [
        Sign(kind, node, draw(st.integers(1, 6)), draw(whens), draw(whens), draw(whens))
        for kind, node in pairs
    ]


@given(troubled())
def test_every_sign_is_told_exactly_once(case: tuple[Shape, list[Sign]]) -> None:
    shape, signs = case
    told = [one for trouble in fold(signs, shape) for one in trouble.signs]
    assert sorted(told, key=repr) == sorted(signs, key=repr)
    alarmed = [
        one for alarm in alarms_of(signs, shape) for two in alarm.troubles for one in two.signs
    ]
    assert sorted(alarmed, key=repr) == sorted(signs, key=repr)


@given(troubled(), st.randoms(use_true_random=False))
def test_neither_folding_nor_order_depends_on_the_order_of_signs(
    case: tuple[Shape, list[Sign]], chance: random.Random
) -> None:
    shape, signs = case
    shuffled = list(signs)
    chance.shuffle(shuffled)
    assert alarms_of(shuffled, shape) == alarms_of(signs, shape)


@given(troubled(), st.randoms(use_true_random=False))
def test_the_order_of_alarms_is_total(
    case: tuple[Shape, list[Sign]], chance: random.Random
) -> None:
    shape, signs = case
    alarms = list(alarms_of(signs, shape))
    assert len({one.order for one in alarms}) == len(alarms)
    shuffled = list(alarms)
    chance.shuffle(shuffled)
    assert list(ordered(shuffled)) == alarms
    levels = [one.level for one in alarms]
    assert levels == sorted(levels)


@given(troubled())
def test_what_an_operator_can_repair_is_never_below_something_weaker(
    case: tuple[Shape, list[Sign]],
) -> None:
    shape, signs = case
    for trouble in fold(signs, shape):
        if trouble.cause.kind in (Kind.BLOCKED, Kind.FILLING, Kind.FULL, Kind.DROPPING):
            assert not {one.kind for one in trouble.effects} & {
                Kind.FAILED, Kind.OPEN, Kind.TRIPPED, Kind.PAUSED,
            }  # fmt: skip


CASES = [
    (
        "an open breaker: its queue, the degraded sink and the waiting source follow",
        [
            sign(Kind.BLOCKED, "shop"),
            sign(Kind.FULL, "hooks"),
            sign(Kind.OPEN, "hooks.retry"),
            sign(Kind.DEGRADED, "hooks.http"),
        ],
        {"open hooks.retry": {"degraded hooks.http", "full hooks", "blocked shop"}},
    ),
    (
        "two endpoints are two causes",
        [
            sign(Kind.OPEN, "hooks.retry"),
            sign(Kind.FILLING, "hooks"),
            sign(Kind.FAILED, "audit.file"),
            sign(Kind.FILLING, "audit"),
        ],
        {"open hooks.retry": {"filling hooks"}, "failed audit.file": {"filling audit"}},
    ),
    (
        "a queue that is paused fills because of that, whatever is below",
        [
            sign(Kind.PAUSED, "hooks"),
            sign(Kind.OPEN, "hooks.retry"),
            sign(Kind.FILLING, "hooks"),
        ],
        {"paused hooks": {"filling hooks"}, "open hooks.retry": set()},
    ),
    (
        "a queue without a reason below is a cause",
        [sign(Kind.FILLING, "audit"), sign(Kind.OPEN, "hooks.retry")],
        {"filling audit": set(), "open hooks.retry": set()},
    ),
    (
        "losses follow from the full queue",
        [sign(Kind.DROPPING, "hooks"), sign(Kind.FULL, "hooks"), sign(Kind.SLOW, "hooks.http")],
        {"slow hooks.http": {"full hooks", "dropping hooks"}},
    ),
    (
        "dead letters follow from what fails, and fill their sink",
        [
            sign(Kind.FAILING, "hooks.retry"),
            sign(Kind.DYING, "hooks.retry"),
            sign(Kind.LETTERS, "dead-letters"),
        ],
        {"failing hooks.retry": {"dying hooks.retry", "letters dead-letters"}},
    ),
]


@pytest.mark.parametrize(
    ("signs", "folded"), [one[1:] for one in CASES], ids=[one[0] for one in CASES]
)
def test_consequences_fold_under_their_cause(
    signs: list[Sign], folded: dict[str, set[str]]
) -> None:
    found = {
        f"{one.cause.kind.value} {one.cause.node}": {
            f"{two.kind.value} {two.node}" for two in one.effects
        }
        for one in fold(signs, SHOP)
    }
    assert found == folded


def test_a_full_queue_below_is_the_cause_of_the_one_above() -> None:
    chain = Shape(
        graph(
            {"shop": "generate", "one": "queue", "two": "queue", "end": "http"},
            ("shop one", "one two", "two end"),
        )
    )
    (found,) = fold(
        [sign(Kind.FILLING, "one"), sign(Kind.FULL, "two"), sign(Kind.SLOW, "end")], chain
    )
    assert [one.node for one in found.signs] == ["end", "two", "one"]


def regions(kind: Kind, count: int, leaf: str = "search") -> tuple[Shape, list[Sign]]:
    names = [f"r{k}/{leaf}" for k in range(count)]
    made = graph(dict.fromkeys(names, "http"), ())
    return Shape(made), [sign(kind, name) for name in names]


def test_the_same_cause_on_many_lanes_is_one_alarm() -> None:
    shape, signs = regions(Kind.SLOW, 4)
    (alarm,) = alarms_of(signs, shape)
    assert len(alarm.troubles) == 4
    assert alarm.key == ("slow", "*/search")


def test_more_than_eight_alarms_are_grouped_by_host() -> None:
    names = [f"sink{k}" for k in range(12)]
    fields = {name: {"url": f"http://host{k % 3}.example/{name}"} for k, name in enumerate(names)}
    shape = Shape(graph(dict.fromkeys(names, "http"), (), **fields))
    eight = alarms_of([sign(Kind.SLOW, name) for name in names[:8]], shape)
    assert len(eight) == 8
    twelve = alarms_of([sign(Kind.SLOW, name) for name in names], shape)
    assert [one.key for one in twelve] == [("slow", f"*/host{k}.example") for k in range(3)]
