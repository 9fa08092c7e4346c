"""What stands between two sinks: owed parts pass through again, ledgers balance, links are live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite, SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.balance import Balance
from sinkgraph.sinks.base import Node, Parked
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.dedupe import Dedupe
from sinkgraph.sinks.fallback import Fallback
from sinkgraph.sinks.rate_limit import RateLimit
from sinkgraph.sinks.through import Through, Write, owed_of, rewrap
from sinkgraph.sinks.timeout import Timeout
from tests.sinks.rig import Target, balanced, batch_refused, event, events, owing

DOWN = DeliveryFailed("down")


def chain(target: Node, *more: Callable[[Node], Node]) -> list[Node]:
    """Return one of each sink in front of `target`, outermost first."""
    makes: list[Callable[[Node], Node]] = [
        *more,
        lambda to: Timeout(to, 5.0),
        lambda to: BreakerSink(to, failure_threshold=3),
        lambda to: RateLimit(to, 1e6),
        lambda to: Balance([to]),
        Dedupe,
    ]
    nodes: list[Node] = [target]
    for make in makes:
        nodes.insert(0, make(nodes[0]))
    return nodes


def test_what_is_owed_below_is_paid_through_every_sink_between() -> None:
    async def main() -> None:
        other = Target(DOWN, name="other")
        target = Target(owing("b", error=DOWN, sink=other))
        nodes = chain(target)
        with pytest.raises(PartialWrite) as caught:
            await nodes[0].write(events("a", "b", "c"))
        (part,) = caught.value.owed
        with pytest.raises((DeliveryFailed, PartialWrite)):
            await part.write(part.events)
        await part.write(part.events)
        assert (target.taken, other.taken) == (["a", "c"], ["b"])
        for node in nodes[:-1]:
            view = node.account()
            assert (view.entered, view.delivered, view.returned) == (5, 3, 2), node
        balanced(other, *nodes)

    run(main())


def test_a_cancelled_write_is_counted_as_returned_everywhere() -> None:
    async def main() -> None:
        nodes = chain(Target(3.0), lambda to: Fallback([to]))
        task = asyncio.create_task(nodes[0].write(events("a", "b")))
        await asyncio.sleep(1.0)
        assert all(node.pending() == 2 for node in nodes)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert all(node.account().returned == 2 for node in nodes)
        balanced(*nodes)

    run(main())


def test_every_sink_refuses_none_and_writes_after_close_and_ignores_nothing() -> None:
    async def main() -> None:
        nodes = chain(Target(), lambda to: Fallback([to]))
        for node in nodes[:-1]:
            await node.write([])
            assert node.account().entered == 0
            with pytest.raises(TypeError):
                await node.write(None)  # type: ignore[arg-type]
            await node.drain()
            await node.close()
            await node.close()
            with pytest.raises(SinkClosed, match=node.kind):
                await node.write(events("a"))

    run(main())


def test_an_attempt_finishes_on_its_target_and_the_next_uses_the_new_one() -> None:
    async def main() -> None:
        old, new = Target(2.0), Target()
        sink = Timeout(old, 5.0)
        task = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        sink.to.retarget(new)
        await sink.write(events("b"))
        await task
        assert (old.taken, new.taken) == (["a"], ["b"])

    run(main())


def test_a_retry_that_parks_is_still_understood_through_another_sink() -> None:
    async def main() -> None:
        batch = events("a", "b")
        parked = Parked([Owed(batch_refused, batch[:1], DOWN)], due_s=3.0, hold="event")
        sink = Timeout(Target(parked), 5.0)
        with pytest.raises(Parked) as caught:
            await sink.write(batch)
        assert (caught.value.due_s, caught.value.hold) == (3.0, "event")
        assert sink.account().returned == 1

    run(main())


def test_rewrap_leaves_the_nodes_own_parts_alone() -> None:
    async def own(events: Sequence[Event]) -> None: ...

    async def around(write: Write, events: Sequence[Event]) -> None:
        await write(events)

    batch = events("a", "b")
    error = PartialWrite([Owed(own, batch[:1], DOWN), Owed(batch_refused, batch[1:], DOWN)])
    first, second = rewrap(error, around, except_for=own).owed
    assert first.write is own
    assert second.write is not batch_refused
    assert second.events is error.owed[1].events
    with pytest.raises(AssertionError, match="nobody should pay"):
        run(second.write(batch))  # type: ignore[arg-type]


def test_what_is_owed_is_found_among_the_original_events() -> None:
    batch = events("a", "b", "c")
    changed = Batch.of([event("b", "changed")])
    owed = owed_of(batch, [Owed(batch_refused, changed, DOWN), Owed(batch_refused, changed, DOWN)])
    assert [(one.id, one.data) for one in owed] == [("b", {"v": "b"})]
    strange = owed_of(batch, [Owed(batch_refused, events("b", "z"), DOWN)])
    assert strange is batch  # too many rather than too few


def test_a_node_that_adds_nothing_only_counts() -> None:
    async def main() -> None:
        target = Target()
        sink = Through(target)
        await sink.write(events("a"))
        assert target.taken == ["a"]
        balanced(sink, target)

    run(main())
