"""Depth and key limits: exact on JSON, harmless on anything else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.formats.limits import Limits, deeper_than, keys_problem

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=30,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(VALUES, st.integers(0, 6))
def test_depth_is_exact(value: Any, limit: int) -> None:
    assert deeper_than(json.dumps(value).encode(), limit) == (depth_of(value) > limit)


@given(st.text('[]{}",:\\a', max_size=200))
def test_depth_of_junk_is_answered(text: str) -> None:
    assert deeper_than(text.encode(), 3) in (True, False)


def test_brackets_inside_strings_are_not_depth() -> None:
    assert not deeper_than(json.dumps(["[" * 500, '\\"[{' * 500]).encode(), 2)


def test_the_limit_itself_is_allowed() -> None:
    assert not deeper_than(b"[" * 64 + b"]" * 64, 64)
    assert deeper_than(b"[" * 65 + b"]" * 65, 64)


def test_too_many_keys_are_named() -> None:
    limits = Limits(max_keys=3)
    assert keys_problem({"a": [{"b": 1, "c": 2, "d": 3}]}, limits) is None
    assert keys_problem([{str(n): n for n in range(4)}], limits) == (
        "an object has 4 keys, more than 3"
    )


def test_a_long_key_is_named() -> None:
    assert keys_problem({"a": {"k" * 9: 1}}, Limits(max_key=8)) == (
        "a key is 9 characters long, more than 8"
    )
