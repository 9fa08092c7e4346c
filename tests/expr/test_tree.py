"""Proves that the serialised tree of the library is read without loss."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.expr.check import checked
from sinkgraph.expr.tree import Call, Const, Ident, Loop, MakeMap, Node, Select, Uint, walk


def root(text: str) -> Node:
    return checked(text).tree.root


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-1", -1), ("9223372036854775807", 2**63 - 1), ("0", 0), ("1u", Uint(1)),
        ("18446744073709551615u", Uint(2**64 - 1)), ("2.5", 2.5), ("-0.0", -0.0),
        ('"é😀"', "é😀"), ('""', ""), ('b"\\xff\\x00"', b"\xff\0"), ("null", None),
        ("true", True), ("false", False),
    ],
)  # fmt: skip
def test_literals_are_read_with_their_type(text: str, value: Any) -> None:
    found = root(text)
    assert isinstance(found, Const)
    assert type(found.value) is type(value)
    assert repr(found.value) == repr(value)


def test_selects_and_has_are_told_apart() -> None:
    plain, test = root("data.a.b"), root("has(data.a.b)")
    assert isinstance(plain, Select)
    assert isinstance(test, Select)
    assert (plain.field, plain.test) == ("b", False)
    assert (test.field, test.test) == ("b", True)
    assert isinstance(test.operand, Select)
    assert test.operand.operand == Ident(test.operand.operand.id, "ev.data")


def test_a_method_has_its_target_first() -> None:
    call = root('data.a.startsWith("x")')
    assert isinstance(call, Call)
    assert (call.function, call.method, len(call.args)) == ("startsWith", True, 2)
    assert isinstance(call.args[0], Select)


def test_a_macro_is_a_loop_whose_variable_is_no_event_variable() -> None:
    loop = root("[1].exists(data, data == meta.x)")
    assert isinstance(loop, Loop)
    names = {node.name for node in walk(loop) if isinstance(node, Ident)}
    assert names == {"data", "ev.meta", "@result"}


def test_map_entries_keep_key_and_value() -> None:
    made = root('{"a": 1, 2: data.b}')
    assert isinstance(made, MakeMap)
    keys = [key.value for key, _ in made.entries if isinstance(key, Const)]
    assert keys == ["a", 2]


def test_positions_count_characters_not_bytes() -> None:
    found = checked('"é😀" == data.name')
    select = next(node for node in walk(found.tree.root) if isinstance(node, Select))
    assert '"é😀" == data.name'[found.tree.positions[select.id] :] == ".name"
