"""The nearest word is found by edit distance, and only when it is near."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.diagnostics.nearest import distance, nearest

WORDS = st.text(alphabet="abc", max_size=7)


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("webhok", ["audit", "webhook", "hooks"], "webhook"),
        ("Webhook", ["webhook"], "webhook"),
        ("qeuue", ["queue", "retry"], "queue"),
        ("capasity", ["capacity", "concurrency"], "capacity"),
        ("x", ["webhook"], None),
        ("webhook", ["webhook"], None),
        ("", ["webhook"], None),
        ("to", [], None),
        ("tt", ["to", "tb"], "tb"),
    ],
)
def test_nearest(word: str, candidates: list[str], expected: str | None) -> None:
    assert nearest(word, candidates) == expected


def plain_distance(a: str, b: str) -> int:
    """Return the optimal string alignment distance by the whole table."""
    table = [[i + j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
            )
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(WORDS, WORDS, st.integers(0, 7))
def test_distance_is_exact_up_to_its_limit(a: str, b: str, limit: int) -> None:
    assert distance(a, b, limit) == min(plain_distance(a, b), limit + 1)


def test_one_swap_is_one_edit() -> None:
    assert distance("ab", "ba", 3) == 1
