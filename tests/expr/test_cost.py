"""Proves that no expression can make the process large, from constants or from an event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.expr.check import check_expression, checked
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.cost import MAX_MADE, Size, cells_made, measure
from sinkgraph.expr.errors import ExpressionError

BOMBS = [
    '["aaaaaaaaaaaaaaaa"]' + ".map(x, x + x + x + x)" * 20,
    '"aaaaaaaaaaaaaaaa"' + '.replace("a", "aaaaaaaaaaaaaaaa")' * 20,
    '"a"' + '.replace("", "aaaa")' * 25,
    '["aaaaaaaaaaaaaaaa"]' + ".map(x, [x, x, x, x].join())" * 20,
    "[[1]]" + ".map(x, x + x + x + x)" * 20,
    '["aaaaaaaa"]' + '.map(x, "%s%s%s%s".format([x, x, x, x]))' * 12,
    "[[data.a]]" + ".map(x, x + x + x + x)" * 20,
    "[data.a]" + ".map(x, [x, x, x, x, x, x])" * 14,
    "data.a" + ".replace('b', 'bbbbbbbb')" * 20,
    "[1].map(a, " * 20 + "1" + ")" * 20,
]


@pytest.mark.parametrize("text", BOMBS)
def test_a_bomb_is_refused_without_being_evaluated(text: str) -> None:
    (error,) = check_expression(text)
    assert "more than 16 MiB" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "data.items.map(i, data.prefix + i.name)",
        'data.s.replace("/", "-").lowerAscii().split("-").map(x, x.trim()).join(".")',
        "data.items.filter(i, i.size > 3).map(i, {'name': i.name, 'tags': i.tags.map(t, t + '!')})",
        '"%s-%d-%.2f".format([data.a, data.b, data.c]) + data.d + data.e + data.f',
        "data.a.all(x, data.b.exists(y, y.c.exists(z, z == x)))",
        "data.a.map(i, i.b.map(j, j.c.map(k, k.x + i.y)))",
        '["a", "b"].map(x, x + x).map(x, x + x).map(x, x + x)',
    ],
)
def test_what_people_write_is_not_refused(text: str) -> None:
    assert check_expression(text) == []


def test_a_large_event_is_an_error_only_where_it_would_grow() -> None:
    grown = compile_expression("data.items.map(i, data.prefix + i)")
    small = Event(data={"items": ["a"] * 1_000, "prefix": "p" * 100})
    assert len(grown.evaluate(small)) == 1_000
    large = Event(data={"items": ["a"] * 1_000, "prefix": "p" * 1_000_000})
    with pytest.raises(ExpressionError, match="more than 16 MiB"):
        grown.evaluate(large)
    assert compile_expression("size(data.prefix) + size(data.items)").evaluate(large) == 1_001_000
    assert compile_expression("data.prefix + 'x'").evaluate(large).endswith("px")


def test_what_is_not_there_is_still_a_missing_field() -> None:
    grown = compile_expression("data.items.map(i, data.prefix + i)")
    with pytest.raises(ExpressionError, match="there is no field `items`"):
        grown.evaluate(Event(data={"prefix": 1}))


STEPS = st.sampled_from(
    [
        ".map(x, x + x)", ".map(x, [x, x].join(x))", '.map(x, x.replace("a", "bab"))',
        '.map(x, x.replace("", "ab"))', '.map(x, "%s<%s>".format([x, x]))', ".map(x, x + data.d)",
        '.filter(x, x != "")', ".map(x, string([x, x].join()))", ".map(x, x.upperAscii() + 'a')",
        ".map(x, x.split('').join('--'))", ".map(x, {'k': x + x}.k)", ".map(x, [x, data.d][1] + x)",
    ]
)  # fmt: skip


@given(
    st.lists(st.sampled_from(["", "a", "aaa", "banana"]), max_size=4),
    st.text("ab", max_size=20),
    st.lists(STEPS, max_size=5),
)
def test_the_estimate_is_never_below_what_is_made(
    texts: list[str], other: str, steps: list[str]
) -> None:
    text = "data.l" + "".join(steps)
    assume(not check_expression(text))
    sizes: dict[tuple[str, ...], Size] = {
        ("data", "l"): measure(texts),
        ("data", "d"): measure(other),
    }
    made = cells_made(checked(text).tree.root, lambda path: sizes[path])
    assume(made <= MAX_MADE)
    given: Any = compile_expression(text).evaluate(Event(data={"l": texts, "d": other}))
    assert measure(given).cells <= made + sum(size.cells for size in sizes.values())
