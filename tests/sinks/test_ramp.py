"""How many requests may be in flight."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed
from sinkgraph.sinks.ramp import Ramp, Slots


@given(st.integers(1, 100), st.lists(st.booleans(), max_size=300))
def test_the_limit_stays_between_one_and_most(most: int, outcomes: list[bool]) -> None:
    ramp = Ramp(most)
    for good in outcomes:
        (ramp.succeeded if good else ramp.failed)()
        assert 1 <= ramp.limit <= most
        if not good:
            assert ramp.limit == 1


def test_growth_is_one_a_round() -> None:
    ramp = Ramp(4)
    ramp.failed()
    limits = []
    for _ in range(8):
        ramp.succeeded()
        limits.append(ramp.limit)
    assert limits == [2, 2, 3, 3, 3, 4, 4, 4]


def test_no_concurrency_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Ramp(0)


async def test_slots_are_given_in_order() -> None:
    slots = Slots(Ramp(1))
    order: list[int] = []

    async def work(k: int) -> None:
        await slots.take()
        order.append(k)
        slots.give_back()

    await slots.take()
    tasks = [asyncio.ensure_future(work(k)) for k in range(4)]
    await asyncio.sleep(0)
    assert slots.waiting == 4
    slots.give_back()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]
    assert (slots.in_flight, slots.waiting) == (0, 0)


async def test_a_cancelled_waiter_holds_nothing() -> None:
    slots = Slots(Ramp(1))
    await slots.take()
    tasks = [asyncio.ensure_future(slots.take()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0)
    slots.give_back()  # goes to the second ...
    tasks[1].cancel()  # ... which is cancelled before it runs
    await asyncio.wait(tasks, timeout=5)
    assert tasks[2].done()
    assert slots.in_flight == 1


async def test_a_lower_limit_lets_nobody_in_until_there_is_room() -> None:
    slots = Slots(Ramp(3))
    for _ in range(3):
        await slots.take()
    waiter = asyncio.ensure_future(slots.take())
    slots.ramp.failed()
    slots.give_back()
    slots.give_back()
    await asyncio.sleep(0)
    assert not waiter.done()
    slots.give_back()
    await waiter
    assert slots.in_flight == 1


async def test_whoever_waits_can_be_sent_away_and_holds_nothing() -> None:
    slots = Slots(Ramp(1))
    await slots.take()
    tasks = [asyncio.ensure_future(slots.take()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    slots.refuse(lambda: DeliveryFailed("down"))
    await asyncio.wait(tasks, timeout=5)
    assert [type(task.exception()) for task in tasks[:2]] == [DeliveryFailed] * 2
    assert tasks[0].exception() is not tasks[1].exception()
    assert tasks[2].cancelled()
    assert (slots.in_flight, slots.waiting) == (1, 0)
    slots.give_back()
    await slots.take()
    assert slots.in_flight == 1


def test_a_success_ends_a_row_of_failures() -> None:
    ramp = Ramp(8)
    ramp.failed()
    ramp.failed()
    assert ramp.failures == 2
    ramp.succeeded()
    assert ramp.failures == 0
