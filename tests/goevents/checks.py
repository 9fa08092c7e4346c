"""What must hold where go-events failed, each said once for both libraries.

A check builds a graph of `Parts` and raises AssertionError when the promise does not hold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from tests.goevents.parts import Down, Endpoint, Panicked, Parts, Running, until, within

PAYLOAD = "secret-of-the-event"


# who is written to


async def a_closed_sink_costs_its_siblings_nothing(parts: Parts) -> None:
    gone, second, third = Endpoint(then=parts.closed()), Endpoint(), Endpoint()
    fan = parts.broadcast([parts.sink(one) for one in (gone, second, third)])
    async with parts.run(fan) as running:
        await running.write("event")
        await asyncio.sleep(1)
        assert (second.got, third.got) == (["event"], ["event"]), "each sibling gets it once"
        await running.write("next")
        await asyncio.sleep(1)
        assert len(gone.attempts) == 1, "what is closed is written to no more"
        assert (second.got, third.got) == (["event", "next"], ["event", "next"])


async def a_slow_sink_delays_no_other(parts: Parts) -> None:
    slow, quick = Endpoint.stalled(), Endpoint()
    async with parts.run(parts.broadcast([parts.sink(slow), parts.sink(quick)])) as running:
        writes = [asyncio.ensure_future(running.write(n)) for n in range(3)]
        await until(lambda: len(quick.got) == 3, "the arrival at the quick sink")
        assert quick.got == [0, 1, 2]
        slow.release()
        await asyncio.gather(*writes)


async def removing_does_not_wait_for_a_write(parts: Parts) -> None:
    slow, quick = Endpoint.stalled(), Endpoint()
    sink = parts.sink(slow)
    fan = parts.broadcast([sink, parts.sink(quick)])
    async with parts.run(fan) as running:
        write = asyncio.ensure_future(running.write("first"))
        await until(lambda: slow.inside == 1, "the slow write")
        await within(60, running.remove(fan, sink), "the removal")
        await within(60, running.write("second"), "the next write")
        assert "second" in quick.got, "who stays is written to"
        slow.release()
        await write
        assert slow.got == ["first"], "who left gets nothing new"


async def a_sink_may_remove_itself_while_it_is_written_to(parts: Parts) -> None:
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    async def leave(_value: Any) -> None:
        await (await started).remove(fan, sink)

    once, always = Endpoint(then=leave), Endpoint()
    sink = parts.sink(once)
    fan = parts.broadcast([sink, parts.sink(always)])
    async with parts.run(fan) as running:
        started.set_result(running)
        await within(60, running.write("first"), "the write")
        await within(60, running.write("second"), "the next write")
        await until(lambda: always.got == ["first", "second"], "the arrival at the other sink")
        assert once.got == ["first"]


async def a_failure_is_told_to_the_writer(parts: Parts) -> None:
    good = Endpoint()
    fan = parts.broadcast([parts.sink(Endpoint(then=Down("no route"))), parts.sink(good)])
    async with parts.run(fan) as running:
        told = None
        try:
            await running.write("event")
        except Exception as error:
            told = error
        await until(lambda: good.got == ["event"], "the arrival at the other sink")
        assert told is not None, "the write succeeded although a sink did not take the event"
        assert "no route" in str(told), "the writer learns why"


# closing


async def closing_a_retry_closes_what_is_below(parts: Parts) -> None:
    below = Endpoint()
    async with parts.run(parts.broken(parts.sink(below), 5, 1.0)) as running:
        await running.write("event")
        await running.close()
        assert below.closes == 1, f"the sink below was closed {below.closes} times"


async def no_close_returns_before_the_end(parts: Parts) -> None:
    slow = Endpoint(then=5.0)
    async with parts.run(parts.queue(parts.sink(slow))) as running:
        await running.write("event")
        await asyncio.sleep(1)
        first = asyncio.ensure_future(running.close())
        await asyncio.sleep(1)
        await running.close()
        assert slow.got == ["event"], "a close returned while the flush was under way"
        assert first.done(), "a close returned before the one that closes"


async def closing_does_not_wait_for_a_reader(parts: Parts) -> None:
    async with parts.run(parts.queue(parts.channel(0))) as running:
        await running.write("event")
        await asyncio.sleep(1)
        await within(60, running.close(), "the close")


async def closing_does_not_wait_for_an_endpoint(parts: Parts) -> None:
    down = Endpoint(then=Down("refused"))
    tree = parts.broadcast([parts.queue(parts.broken(parts.sink(down), 3, 1.0))])
    async with parts.run(tree) as running:
        await running.write("event")
        await until(lambda: len(down.attempts) >= 5, "the fifth attempt")
        await within(60, running.close(), "the close")


async def nothing_is_taken_after_close(parts: Parts) -> None:
    async with parts.run(parts.channel(1_000)) as running:
        await running.write("before")
        await running.close()
        taken = 0
        for n in range(64):
            try:
                await running.write(n)
                taken += 1
            except Exception as error:
                assert parts.is_closed(error), f"the writer is told {error!r}"
        assert taken == 0, f"{taken} of 64 events were taken after the close"


# a queue


async def a_full_queue_says_so(parts: Parts) -> None:
    stalled = Endpoint.stalled()
    async with parts.run(parts.queue(parts.sink(stalled), capacity=100)) as running:
        refused = 0
        for n in range(1_000):
            try:
                await running.write(n, timeout=0)
            except parts.refused:
                refused += 1
        assert 1_000 - refused <= 101, f"{1_000 - refused} events were kept, and 100 may be"
        stalled.release()
        await until(lambda: len(stalled.got) == 1_000 - refused, "the arrival of what was taken")


async def a_queue_keeps_what_failed(parts: Parts) -> None:
    shaky = Endpoint(Down("reset"), None, Down("reset"))
    async with parts.run(parts.queue(parts.sink(shaky))) as running:
        for n in range(3):
            await running.write(n)
        await until(lambda: len(shaky.got) == 3, "the arrival of every event")
        assert shaky.got == [0, 1, 2]


async def none_is_refused_and_does_no_harm(parts: Parts) -> None:
    good = Endpoint()
    async with parts.run(parts.queue(parts.sink(good))) as running:
        refused = False
        try:
            await running.write(None)
        except TypeError:
            refused = True
        await running.write("event")
        await until(lambda: good.got == ["event"], "the arrival of the next event")
        assert refused, "None was taken for an event"


async def what_a_sink_raises_touches_only_its_events(parts: Parts) -> None:
    wild, good = Endpoint(Panicked("boom")), Endpoint()
    tree = parts.broadcast([parts.queue(parts.sink(wild)), parts.queue(parts.sink(good))])
    async with parts.run(tree) as running:
        for n in range(3):
            await running.write(n)
        await until(lambda: len(good.got) == len(wild.got) == 3, "the arrival of every event")
        assert (wild.got, good.got) == ([0, 1, 2], [0, 1, 2])


async def a_poison_event_does_not_hold_up_the_next(parts: Parts) -> None:
    picky = Endpoint(then=lambda value: Down("cannot read it") if value == "poison" else None)
    tree = parts.queue(parts.impatient(parts.sink(picky), attempts=3, seconds=10))
    async with parts.run(tree) as running:
        await running.write("poison")
        await running.write("event")
        await until(lambda: picky.got == ["event"], "the arrival of the next event")
        assert running.set_aside() == ["poison"], "what was given up is kept"


# a retry, its backoff and its breaker


async def _gaps(parts: Parts, base_s: float, failures: int) -> list[float]:
    """Return the seconds between the attempts of a write that fails so many times."""
    shaky = Endpoint(*[Down("refused") for _ in range(failures)])
    async with parts.run(parts.backed_off(parts.sink(shaky), base_s, 1.0, 20.0)) as running:
        await within(3_000, running.write("event"), "the write")
    times = [at for at, _ in shaky.attempts]
    return [after - before for before, after in pairwise(times)]


async def the_longest_wait_stays_the_longest(parts: Parts) -> None:
    gaps = await _gaps(parts, 1.0, 70)
    assert len(gaps) == 70
    assert [round(gap, 3) for gap in gaps[:6]] == [2, 3, 5, 9, 17, 20]
    short = [n for n, gap in enumerate(gaps, 1) if n > 5 and gap < 19.9]
    assert not short, f"after failure {short[0]} it waits at most {gaps[short[0] - 1]:g} s"


async def a_base_of_zero_is_as_good_as_any(parts: Parts) -> None:
    gaps = await _gaps(parts, 0.0, 70)
    assert [round(gap, 3) for gap in gaps[:6]] == [1, 2, 4, 8, 16, 20]
    assert min(gaps[5:]) > 19.9


async def a_closed_sink_is_known_by_its_kind(parts: Parts) -> None:
    async def work_a_little(_value: Any) -> None:
        await asyncio.sleep(0.001)
        raise parts.wrapped_closed()

    gone = Endpoint(then=work_a_little)
    async with parts.run(parts.broken(parts.sink(gone), 1_000_000, 1.0)) as running:
        told = None
        try:
            async with asyncio.timeout(0.2):
                await running.write("event")
        except Exception as error:
            told = error
        assert len(gone.attempts) == 1, f"{len(gone.attempts)} attempts at a closed sink"
        assert told is not None, "the writer is told nothing"
        assert parts.is_closed(told), f"the writer is told {told!r}"


async def one_write_is_in_flight_where_that_is_promised(parts: Parts) -> None:
    slow = Endpoint(1.0, Down("reset"), then=1.0)
    async with parts.run(parts.one_at_a_time(parts.sink(slow))) as running:
        writes = [asyncio.ensure_future(running.write(n)) for n in range(20)]
        await until(lambda: len(slow.got) == 20, "the arrival of every event")
        await asyncio.gather(*writes)
        assert slow.peak == 1, f"{slow.peak} writes were in flight together"


async def one_probe_goes_ahead_of_the_others(parts: Parts) -> None:
    loop = asyncio.get_running_loop()

    async def down_for_a_while(_value: Any) -> None:
        await asyncio.sleep(0.01)
        if loop.time() < 4.5:
            raise Down("refused")

    sick = Endpoint(Down("refused"), then=down_for_a_while)
    async with parts.run(parts.broken(parts.sink(sick), 1, 1.0)) as running:
        writes = [asyncio.ensure_future(running.write(n)) for n in range(200)]
        await asyncio.sleep(4.6)
        assert sick.peak == 1, f"{sick.peak} of 200 probed together"
        await within(600, asyncio.wait(writes), "the recovery")
        assert sorted(sick.got) == list(range(200))


async def a_step_of_the_wall_clock_does_no_harm(parts: Parts) -> None:
    for step_s in (-3_600.0, 3_600.0):
        sick = Endpoint(Down("refused"))
        async with parts.run(parts.broken(parts.sink(sick), 1, 10.0)) as running:
            began = asyncio.get_running_loop().time()
            first = asyncio.ensure_future(running.write("first"))
            await asyncio.sleep(1)
            parts.clock.step(step_s)
            second = asyncio.ensure_future(running.write("second"))
            await asyncio.sleep(8)
            early = len(sick.attempts) - 1
            assert early == 0, f"{early} attempts before the breaker's time was over"
            both = asyncio.wait([first, second])
            await within(60, both, f"the recovery after a step of {step_s:+g} s")
            assert asyncio.get_running_loop().time() - began >= 10
            assert sorted(sick.got) == ["first", "second"]


# what is said, and the rest


class _Lines(logging.Handler):
    """Keeps every line that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Collect what is logged at any level, wherever."""
    root, lines = logging.getLogger(), _Lines()
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    try:
        yield lines.lines
    finally:
        root.setLevel(level)
        root.removeHandler(lines)


async def a_failure_is_logged_without_the_event_or_the_sink(parts: Parts) -> None:
    down, refusing = [Down("refused") for _ in range(9)], Endpoint(then=Down("refused"))
    shaky = Endpoint(*down)
    tree = parts.broadcast(
        [parts.queue(parts.broken(parts.sink(shaky), 3, 1.0)), parts.queue(parts.sink(refusing))]
    )
    with _logged() as lines:
        async with parts.run(tree) as running:
            await running.write({"card": PAYLOAD})
            await until(lambda: len(shaky.got) == 1, "the arrival")
    ours = [line for line in lines if not line.startswith("asyncio ")]
    telling = [line for line in ours if PAYLOAD in line or "secret-of-the-sink" in line]
    assert not telling, f"{len(telling)} lines of the log give it away"
    assert len(ours) < 30, f"{len(ours)} lines for one event"


async def a_sink_need_not_be_comparable(parts: Parts) -> None:
    first, second = Endpoint(), Endpoint()
    odd = parts.incomparable(first)
    fan = parts.broadcast([odd, parts.incomparable(second)])
    async with parts.run(fan) as running:
        await running.remove(fan, odd)
        await running.write("event")
        await until(lambda: second.got == ["event"], "the arrival")
        assert first.got == []
        await running.add(fan, parts.incomparable(first))
        await running.write("next")
        await until(lambda: first.got == ["next"], "the arrival at the sink that was added")


async def the_callers_list_stays_as_it_was(parts: Parts) -> None:
    sinks = [parts.sink(Endpoint()) for _ in range(3)]
    given = list(sinks)
    fan = parts.broadcast(given)
    async with parts.run(fan) as running:
        await running.remove(fan, sinks[0])
        await running.write("event")
        assert [id(one) for one in given] == [id(one) for one in sinks], "the list was changed"


async def a_removed_queue_leaves_no_task_behind(parts: Parts) -> None:
    slow = Endpoint(then=0.5)
    fan = parts.broadcast([parts.sink(Endpoint())])
    async with parts.run(fan) as running:
        await running.write("before")
        await asyncio.sleep(5)
        before = len(asyncio.all_tasks())
        queue = parts.queue(parts.sink(slow))
        await running.add(fan, queue)
        await running.write("event")
        await until(lambda: slow.got == ["event"], "the arrival at the queue")
        await running.remove(fan, queue)
        await asyncio.sleep(60)
        left = len(asyncio.all_tasks()) - before
        assert left == 0, f"{left} tasks are left of it"


async def every_part_says_what_it_did(parts: Parts) -> None:
    good = Endpoint()
    queue = parts.queue(parts.filter(parts.sink(good), lambda value: value % 2 == 0))
    async with parts.run(queue) as running:
        for n in range(4):
            await running.write(n)
        await until(lambda: good.got == [0, 2], "the arrival")
        assert running.delivered(queue) == 4, "it does not say how many events it delivered"


async def a_write_waits_as_long_as_it_was_told(parts: Parts) -> None:
    stalled = Endpoint.stalled()
    async with parts.run(parts.broken(parts.sink(stalled), 5, 1.0)) as running:
        write = asyncio.ensure_future(running.write("event", timeout=2))
        await asyncio.wait([write], timeout=60)
        assert write.done(), "the write still waits"
        assert isinstance(write.exception(), parts.refused), "the writer is told that it timed out"


async def a_cancelled_write_does_no_harm(parts: Parts) -> None:
    stalled = Endpoint.stalled()
    async with parts.run(parts.queue(parts.sink(stalled), capacity=2)) as running:
        writes = [asyncio.ensure_future(running.write(n)) for n in range(6)]
        await asyncio.sleep(1)
        waiting = [write for write in writes if not write.done()]
        assert waiting, "a full queue makes its writers wait"
        for write in waiting:
            write.cancel()
        await asyncio.wait(waiting)
        stalled.release()
        await running.write("last")
        taken = [n for n, write in enumerate(writes) if not write.cancelled()]
        await until(lambda: stalled.got == [*taken, "last"], "the arrival of what was taken")
