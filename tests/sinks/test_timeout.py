"""The timeout sink: exact, honest about what it does not know, deaf to other timeouts."""

from __future__ import annotations

import asyncio
import math

import pytest

from sinkgraph.errors import DeliveryFailed, PartialWrite
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.timeout import Timeout
from tests.sinks.rig import InstantTarget, Rig, Target, balanced, events, owing


def test_a_write_that_takes_too_long_is_cancelled_and_its_outcome_unknown() -> None:
    async def main() -> None:
        rig, target = Rig(), Target(0.6, 0.4)
        sink = Timeout(target, 0.5)
        rig.bind(sink, "slow")
        with pytest.raises(DeliveryFailed, match=r"^timeout slow: no answer after 0.5s$") as caught:
            await sink.write(events("a"))
        assert caught.value.unsent is False
        assert caught.value.counts is True
        assert (rig.clock.now(), target.cancelled) == (0.5, 1)
        await sink.write(events("a"))
        assert sink.facts() == {"after_s": 0.5, "timeouts": 1}
        balanced(sink, target)

    run(main())


def test_a_timeout_of_the_target_itself_passes_through() -> None:
    async def main() -> None:
        sink = Timeout(Target(TimeoutError("theirs")), 0.5)
        with pytest.raises(TimeoutError, match=r"^theirs$"):
            await sink.write(events("a"))
        assert sink.timeouts == 0

    run(main())


def test_a_cancelled_writer_is_cancelled_not_timed_out() -> None:
    async def main() -> None:
        target = Target(10.0)
        sink = Timeout(target, 5.0)
        task = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (sink.timeouts, sink.account().returned) == (0, 1)
        balanced(sink, target)

    run(main())


def test_what_is_owed_has_the_same_time_again() -> None:
    async def main() -> None:
        other = Target(9.0, name="other")
        sink = Timeout(Target([0.4, owing("b", error=DeliveryFailed(), sink=other)]), 0.5)
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b"))
        (part,) = caught.value.owed
        with pytest.raises(DeliveryFailed, match=r"after 0\.5s"):
            await part.write(part.events)
        assert asyncio.get_running_loop().time() == 0.9
        await part.write(part.events)
        assert other.taken == ["b"]
        balanced(sink, other)

    run(main())


def test_a_new_time_holds_from_the_next_write_on() -> None:
    async def main() -> None:
        sink = Timeout(Target(1.0, 1.0), 2.0)
        task = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(0.1)
        sink.retune(0.5)
        await task
        with pytest.raises(DeliveryFailed):
            await sink.write(events("b"))

    run(main())


def test_an_instant_target_takes_no_time() -> None:
    sink = Timeout(InstantTarget(), 1.0)
    assert sink.instant
    assert sink.offer(events("a"))
    balanced(sink)


@pytest.mark.parametrize("after", [0.0, -1.0, math.inf, math.nan])
def test_a_bad_time_names_itself(after: float) -> None:
    with pytest.raises(ValueError, match=f"after must be .*{after!r}"):
        Timeout(Target(), after)


def test_text_is_not_a_time() -> None:
    with pytest.raises(TypeError, match="after must be seconds, not '500ms'"):
        Timeout(Target(), "500ms")  # type: ignore[arg-type]
