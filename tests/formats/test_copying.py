"""Proves that a copied payload is equal and shares nothing that can be changed."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import Rejected
from sinkgraph.event import Json, Meta
from sinkgraph.formats.copying import MAX_DEPTH, copy_plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


def containers(value: Any) -> set[int]:
    """Return the identities of everything in a value that can be changed."""
    if isinstance(value, dict):
        return {id(value)}.union(*(containers(item) for item in value.values()))
    if isinstance(value, list | tuple):
        own = set() if isinstance(value, tuple) else {id(value)}
        return own.union(*(containers(item) for item in value))
    return {id(value)} if isinstance(value, set | bytearray) else set()


@given(JSON)
def test_a_copy_is_equal_and_shares_no_container(payload: Any) -> None:
    copied = copy_plain(payload)
    assert copied == payload
    assert repr(copied) == repr(payload)
    assert not containers(copied) & containers(payload)


def test_json_becomes_a_value_of_its_own() -> None:
    held = Json(b'{"a": [1, {"b": null}]}')
    first, second = copy_plain(held), copy_plain([held])[0]
    assert first == second == held.value == {"a": [1, {"b": None}]}
    assert not containers(first) & (containers(held.value) | containers(second))


def test_json_made_from_a_value_keeps_what_json_text_cannot_hold() -> None:
    held = Json(None, {"a": b"\xff", "b": (1, [2])})
    assert held.raw
    assert copy_plain(held) == {"a": b"\xff", "b": (1, [2])}


def test_other_containers_are_copied_too() -> None:
    payload = {
        "t": ([1],),
        "s": {1},
        "m": Meta(a=[1]),
        "o": OrderedDict(a=[1]),
        "b": bytearray(b"x"),
    }
    copied = copy_plain(payload)
    assert copied == payload
    assert type(copied["m"]) is dict
    assert not containers(copied) & containers(payload)


def test_objects_of_other_types_are_shared() -> None:
    thing = object()
    assert copy_plain({"a": thing})["a"] is thing


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 100_000])
def test_too_deep_is_rejected_and_no_crash(depth: int) -> None:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    with pytest.raises(Rejected, match="nests deeper"):
        copy_plain(deep)


def test_a_value_that_holds_itself_is_rejected() -> None:
    cycle: dict[str, Any] = {}
    cycle["me"] = cycle
    with pytest.raises(Rejected, match="nests deeper"):
        copy_plain(cycle)


def test_text_that_is_not_json_is_rejected() -> None:
    with pytest.raises(Rejected, match="not JSON"):
        copy_plain(Json(b"{nonsense"))


def test_the_deepest_allowed_is_copied() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert copy_plain(json.loads(text)) == json.loads(text)
