"""A source's place over a restart: saved after acceptance, handed back, never a crash."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.sinks.base import Link
from sinkgraph.sources.base import Hosted
from sinkgraph.sources.position import BadPosition, decode_position, encode_position
from sinkgraph.sources.stdin import Stdin
from tests.support.contexts import Journal, Recorder, make_context
from tests.support.records import DictRecords
from tests.support.virtual import virtual

_PLACES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(_PLACES)
def test_a_place_comes_back_as_it_was(position: Any) -> None:
    assert decode_position(encode_position("file", position), "file") == position


@given(st.binary(max_size=60))
def test_no_bytes_are_a_crash(value: bytes) -> None:
    try:
        decode_position(value, "file")
    except BadPosition as error:
        assert "position" in str(error)


# sources of a program's own


class Counting:
    """Writes 0 … n-1, and has a place."""

    def __init__(self, n: int, position: Any = None) -> None:
        self.n = n
        self.position = position
        self.began: Any = ()

    async def run(self, out: Link, position: Any) -> None:
        self.began = position
        for number in range(position["next"] if position else 0, self.n):
            await out.write([Event(id=str(number), data=number)])
            self.position = {"next": number + 1}


def hosted(source: Any, records: DictRecords) -> tuple[Hosted, Recorder, Journal]:
    sink = Recorder()
    node = Hosted(source, sink)
    node.name = "own"
    node.bind(make_context(records=records))
    journal = node.bound.journal
    assert isinstance(journal, Journal)
    return node, sink, journal


@virtual
async def test_a_source_of_its_own_is_told_where_it_was() -> None:
    records = DictRecords()
    first = Counting(3)
    node, sink, _ = hosted(first, records)
    await node.run(node.to)
    assert (first.began, sink.data) == (None, [0, 1, 2])
    second = Counting(5)
    node, sink, _ = hosted(second, records.stopped())
    await node.run(node.to)
    assert (second.began, sink.data) == ({"next": 3}, [3, 4])


@virtual
async def test_a_place_is_saved_while_the_source_runs() -> None:
    class Waiting(Counting):
        async def run(self, out: Link, position: Any) -> None:
            await super().run(out, position)
            await asyncio.Event().wait()

    records = DictRecords()
    node, _, _ = hosted(Waiting(2), records)
    running = asyncio.ensure_future(node.run(node.to))
    await asyncio.sleep(1.0)
    records.commit()
    after = records.killed()
    running.cancel()
    await asyncio.wait([running])
    second = Counting(3)
    node, sink, _ = hosted(second, after)
    await node.run(node.to)
    assert sink.data == [2]


@pytest.mark.parametrize("position", [object(), 2**70, {"a": {1, object()}}])
@virtual
async def test_a_place_that_cannot_be_kept_is_told_once(position: Any) -> None:
    class Odd(Counting):
        async def run(self, out: Link, _position: Any) -> None:
            for number in range(3):
                await out.write([Event(id=str(number), data=number)])
                self.position = position
                await asyncio.sleep(1.0)

    records = DictRecords()
    node, sink, journal = hosted(Odd(3), records)
    await node.run(node.to)
    assert sink.data == [0, 1, 2]
    assert [kind for kind, _ in journal.facts] == ["position_not_saved"]
    assert records.puts == 0


async def test_standard_input_has_no_place() -> None:
    records = DictRecords()
    reader, writer = os.pipe()
    os.write(writer, b"1\n2\n")
    os.close(writer)
    sink = Recorder()
    source = Stdin(sink, fd=reader)
    source.name = "in"
    source.bind(make_context(records=records))
    await source.run(source.to)
    os.close(reader)
    assert (sink.data, records.puts) == ([1, 2], 0)
