"""Channels: writers wait for readers, nothing is lost between them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import Overloaded, PartialWrite, SinkClosed
from sinkgraph.event import Batch, Json
from sinkgraph.sinks.channel import Channel, Reader


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=0.0)


async def read(reader: Reader, n: int) -> list[Any]:
    return [(await anext(reader)).data for _ in range(n)]


async def rest(reader: Reader) -> list[Any]:
    return [event.data async for event in reader]


async def ticks(n: int = 5) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


async def test_what_is_written_is_read_in_order() -> None:
    channel = Channel()
    await channel.write(batch(1, 2))
    await channel.write(batch(Json(b'{"a":1}')))
    await channel.close()
    assert await rest(aiter(channel)) == [1, 2, {"a": 1}]
    assert channel.ledger.delivered == 3


async def test_a_full_channel_makes_the_writer_wait() -> None:
    channel = Channel(2)
    await channel.write(batch(1, 2))
    writing = asyncio.ensure_future(channel.write(batch(3)))
    await ticks()
    assert not writing.done()
    reader = aiter(channel)
    assert await read(reader, 1) == [1]
    await writing
    assert await read(reader, 2) == [2, 3]


async def test_writers_are_let_in_in_order() -> None:
    channel = Channel(2)
    await channel.write(batch(1))
    large = asyncio.ensure_future(channel.write(batch(2, 3)))
    await ticks()
    small = asyncio.ensure_future(channel.write(batch(4)))
    await ticks()
    assert not large.done()
    assert not small.done()
    assert not channel.offer(batch(5))
    assert await read(aiter(channel), 4) == [1, 2, 3, 4]
    await asyncio.gather(large, small)


async def test_a_batch_larger_than_the_channel_goes_in_by_parts() -> None:
    channel = Channel(3)
    writing = asyncio.ensure_future(channel.write(batch(*range(10))))
    assert await read(aiter(channel), 10) == list(range(10))
    await writing


async def test_offer_takes_all_or_nothing() -> None:
    channel = Channel(3)
    assert channel.offer(batch(1, 2))
    assert not channel.offer(batch(3, 4))
    assert channel.offer(batch(3))
    assert channel.ledger.delivered == 3
    assert channel.depth == 3


async def test_without_capacity_a_write_returns_when_it_was_read() -> None:
    channel = Channel(0)
    assert not channel.instant
    writing = asyncio.ensure_future(channel.write(batch(1, 2)))
    await ticks()
    reader = aiter(channel)
    assert await read(reader, 1) == [1]
    await ticks()
    assert not writing.done()
    assert await read(reader, 1) == [2]
    await writing


async def test_a_cancelled_hand_over_is_taken_back() -> None:
    channel = Channel(0)
    writing = asyncio.ensure_future(channel.write(batch(1, 2)))
    await ticks()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert channel.depth == 0


async def test_a_cancelled_waiter_stores_nothing_and_blocks_nobody() -> None:
    channel = Channel(2)
    await channel.write(batch(1))
    large = asyncio.ensure_future(channel.write(batch(2, 3)))
    await ticks()
    small = asyncio.ensure_future(channel.write(batch(4)))
    await ticks()
    large.cancel()
    await small
    await channel.close()
    assert await rest(aiter(channel)) == [1, 4]


async def test_readers_compete() -> None:
    channel = Channel()
    first, second = aiter(channel), aiter(channel)
    await channel.write(batch(1, 2, 3))
    assert await read(first, 1) == [1]
    assert await read(second, 1) == [2]
    await channel.close()
    assert await rest(first) == [3]
    assert await rest(second) == []


async def test_each_reader_gets_all_and_the_first_what_was_there() -> None:
    channel = Channel(readers="each")
    await channel.write(batch(0))
    first, second = aiter(channel), aiter(channel)
    await channel.write(batch(1, 2))
    await channel.close()
    assert await rest(first) == [0, 1, 2]
    assert await rest(second) == [1, 2]


async def test_the_slowest_of_each_reader_is_waited_for_until_it_leaves() -> None:
    channel = Channel(1, readers="each")
    first, second = aiter(channel), aiter(channel)
    await channel.write(batch(1))
    writing = asyncio.ensure_future(channel.write(batch(2)))
    assert await read(first, 1) == [1]
    await ticks()
    assert not writing.done()
    second.close()
    second.close()
    await writing
    assert await read(first, 1) == [2]


async def test_leaving_the_loop_leaves_the_channel() -> None:
    channel = Channel(2, readers="each")
    staying = aiter(channel)

    async def first() -> Any:
        async for event in channel:
            return event.data
        return None

    leaving = asyncio.ensure_future(first())
    await ticks()
    await channel.write(batch(1, 2))
    assert await leaving == 1
    assert await read(staying, 2) == [1, 2]
    await channel.write(batch(3, 4))  # the one that left holds nobody up
    assert await read(staying, 2) == [3, 4]


async def test_every_reader_gets_a_copy_of_its_own() -> None:
    channel = Channel(readers="each")
    first, second = aiter(channel), aiter(channel)
    payload = {"a": [1]}
    await channel.write(batch(payload))
    (await anext(first)).data["a"].append(2)
    assert (await anext(second)).data == {"a": [1]}
    assert payload == {"a": [1]}


async def test_closing_ends_writers_and_then_readers() -> None:
    channel = Channel(1)
    await channel.write(batch(1))
    waiting = asyncio.ensure_future(channel.write(batch(2)))
    reader = aiter(channel)
    await ticks()
    await channel.close()
    await channel.close()
    with pytest.raises(SinkClosed):
        await waiting
    for _ in range(2):
        with pytest.raises(SinkClosed):
            await channel.write(batch(3))
    assert not channel.offer(batch(3))
    assert await rest(reader) == [1]
    assert await rest(reader) == []
    assert channel.account().residue == 0


async def test_closing_wakes_a_reader_that_waits() -> None:
    channel = Channel()
    reading = asyncio.ensure_future(rest(aiter(channel)))
    await ticks()
    await channel.close()
    assert await reading == []


async def test_closing_half_read_parts_owes_the_rest() -> None:
    for channel in (Channel(0), Channel(2)):
        writing = asyncio.ensure_future(channel.write(batch(1, 2, 3, 4, 5)))
        await ticks()
        assert await read(aiter(channel), 1) == [1]
        await channel.close()
        with pytest.raises(PartialWrite) as caught:
            await writing
        (part,) = caught.value.owed
        assert isinstance(part.error, SinkClosed)
        assert channel.ledger.delivered + channel.ledger.returned == 5
        assert [event.data for event in part.events][-1] == 5


async def test_a_reader_too_slow_is_told_what_it_missed() -> None:
    channel = Channel(2, when_full="close")
    await channel.write(batch(1, 2))
    with pytest.raises(SinkClosed):
        await channel.write(batch(3, 4, 5))
    reader = aiter(channel)
    assert await read(reader, 2) == [1, 2]
    with pytest.raises(Overloaded) as caught:
        await anext(reader)
    assert caught.value.missed == 3


async def test_a_cancelled_reader_loses_nothing() -> None:
    channel = Channel()
    reader = aiter(channel)
    waiting = asyncio.ensure_future(anext(reader))
    await ticks()
    await channel.write(batch(1))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await read(reader, 1) == [1]


@pytest.mark.parametrize("options", [{"capacity": -1}, {"readers": "x"}, {"when_full": "x"}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        Channel(**options)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 4),
    st.lists(st.integers(1, 6), min_size=1, max_size=8),
    st.integers(1, 3),
    st.sampled_from(["compete", "each"]),
)
def test_every_event_is_read_as_promised(
    capacity: int, sizes: list[int], readers: int, mode: Any
) -> None:
    async def run() -> None:
        channel = Channel(capacity, readers=mode)
        reading = [asyncio.ensure_future(rest(aiter(channel))) for _ in range(readers)]
        sent: list[int] = []
        for size in sizes:
            payloads = list(range(len(sent), len(sent) + size))
            sent += payloads
            await channel.write(batch(*payloads))
        await channel.close()
        got = await asyncio.gather(*reading)
        if mode == "each":
            assert all(one == sent for one in got)
        else:
            assert sorted(k for one in got for k in one) == sent
            assert all(one == sorted(one) for one in got)
        assert channel.account().residue == 0

    asyncio.run(run())
