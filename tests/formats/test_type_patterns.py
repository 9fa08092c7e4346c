"""A type belongs to itself, then to the longest beginning, then to `default`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.formats.type_patterns import best_pattern, meets

PATTERNS = ("order.created", "order.*", "order.paid.*", "default")
TYPES = st.text(alphabet="ab.", max_size=5)


@pytest.mark.parametrize(
    ("type", "best"),
    [
        ("order.created", "order.created"),
        ("order.created.x", "order.*"),
        ("order.paid.late", "order.paid.*"),
        ("order", "default"),
        ("default", "default"),
        ("", "default"),
    ],
)
def test_the_nearest_pattern_is_taken(type: str, best: str) -> None:
    assert best_pattern(PATTERNS, type) == best
    assert best_pattern(reversed(PATTERNS), type) == best


def test_without_a_default_others_have_none() -> None:
    assert best_pattern(("order.*",), "bill") is None


@given(
    st.sets(TYPES | TYPES.filter(bool).map(lambda one: f"{one}*"), min_size=1, max_size=4),
    TYPES,
    TYPES,
)
def test_what_a_beginning_leaves_out_no_such_type_belongs_to(
    patterns: set[str], beginning: str, rest: str
) -> None:
    best = best_pattern(patterns, beginning + rest)
    if best is not None:
        assert meets(best, patterns - {best}, beginning)
