"""Proves that reading part of a JSON text tells nobody anything else than reading all of it."""

from __future__ import annotations

import pytest

from sinkgraph.event import Batch, Json, LazyEvent
from sinkgraph.expr.compile import compile_expression
from sinkgraph.formats.json_text import BadJson, parse_json
from sinkgraph.formats.limits import Limits


def test_of_a_sound_text_only_what_is_read_is_decoded() -> None:
    fast = compile_expression('data.a.b == "x" && has(data.c)', result="bool")
    texts = [Json(b'{"a":{"b":"x"},"c":[1],"d":{}}', sound=True) for _ in range(3)]
    batch = Batch.of([LazyEvent("i", data=one) for one in texts])
    for looks in (1, 0):
        assert fast.predicate(batch) == ([0, 1, 2], [])
        assert [(one.looks, one._value) for one in texts] == [(looks, None)] * 3
    # Whoever looks a third time pays for all of it, once.
    assert fast.predicate(batch) == ([0, 1, 2], [])
    assert [one._value for one in texts] == [{"a": {"b": "x"}, "c": [1], "d": {}}] * 3


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"a":1,"a":2}', True),
        (b'{"a":2,"a":1}', False),
        (b'{"\\u0061":2}', True),
        (b'{"a":2,"b":{"a":1}}', True),
        (b'{"a":{"a":2},"a":2}', True),
        (b'{"b":2}', None),
        (b'[{"a":2}]', None),
        (b'"a"', None),
    ],
)
def test_a_text_read_in_part_means_what_it_means_whole(raw: bytes, expected: bool | None) -> None:
    fast = compile_expression("data.a == 2", result="bool")
    for sound in (True, False):
        event = LazyEvent("i", data=Json(raw, sound=sound))
        matched, failed = fast.predicate(Batch.of([event]))
        assert (matched, len(failed)) == ([0] if expected else [], expected is None)


@pytest.mark.parametrize("rest", [b'"\xff"', b"1e999", b'"\\ud800"', b"tru", b"01", b"[1,]"])
def test_a_text_nobody_has_checked_is_refused_for_what_no_expression_reads(rest: bytes) -> None:
    # These get past a decoder that skips; so a part is read of texts only that were decoded once.
    raw = b'{"a":2,"b":' + rest + b"}"
    for fast in (True, False):
        expression = compile_expression("data.a == 2", result="bool", fast=fast)
        matched, failed = expression.predicate(Batch.of([LazyEvent("i", data=Json(raw))]))
        assert (matched, [i for i, _ in failed]) == ([], [0])
        assert "not JSON" in str(failed[0][1])
    with pytest.raises(BadJson):
        parse_json(raw, Limits())


def test_what_a_source_has_checked_may_be_read_in_part() -> None:
    assert parse_json(b'{"a":2}', Limits()).looks > 0
    assert Json(b'{"a":2}').looks == 0
    whole = parse_json(b'{"a":2}', Limits())
    assert whole.value == {"a": 2}
    assert whole.looks == 0
