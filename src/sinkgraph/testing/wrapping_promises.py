"""The promises of a sink that writes to a target: what came in comes out, whatever happens below.

They are tried only on sinks that pass every event on to one target; for others they hold of
nothing. Each is a function that raises AssertionError when it is broken.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from sinkgraph.errors import DeliveryFailed, Overloaded, Owed, PartialWrite, Rejected
from sinkgraph.event import Batch
from sinkgraph.testing.sink_trial import HostedSink, SinkTrial, ended, together
from sinkgraph.testing.sinks import RecordingSink, StalledSink

__all__ = ["WRAPPING_PROMISES"]

_MOST_TICKS = 12
_MOST_ATTEMPTS = 8  # a breaker may open meanwhile, and close again


class _Failing(RecordingSink):
    """Raises an error once, then takes everything."""

    kind: ClassVar[str] = "failing"

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException | None = error

    async def deliver(self, batch: Batch) -> None:
        """Raise, or remember a batch."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        await super().deliver(batch)


class _Halving(RecordingSink):
    """Takes every other event of its first batch and owes the rest."""

    kind: ClassVar[str] = "halving"

    async def deliver(self, batch: Batch) -> None:
        """Take a half, or remember a batch."""
        first = not self.attempts
        await asyncio.sleep(0)
        if not first or len(batch) < 2:
            await super().deliver(batch)
            return
        self.attempts.append(batch.ids)
        self.keep(batch.pick(range(0, len(batch), 2)))
        odd = batch.pick(range(1, len(batch), 2))
        raise PartialWrite([Owed(self.write, odd, DeliveryFailed("later"))])


_ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: DeliveryFailed("the target is down"),
    lambda: OSError("there is no route"),
    lambda: Overloaded("the target is busy"),
    lambda: Rejected("the event is at fault"),
    lambda: SystemExit(3),
    lambda: asyncio.CancelledError(),
    lambda: StopAsyncIteration(),
    lambda: BaseExceptionGroup("several", [KeyboardInterrupt()]),
)


async def what_comes_in_comes_out_once(trial: SinkTrial) -> None:
    """Hand every event on once, however it was written."""
    if not trial.wraps:
        return
    async with trial.hosted() as on:
        ids = await on.write(1)
        ids += await on.write(5, "a write of several")
        more = [Batch.of(trial.events(1 + k % 3)) for k in range(20)]
        await on.call(together(on.node.write(batch) for batch in more), "twenty writes at once")
        ids += [one for batch in more for one in batch.ids]
        await _rests(on)
        assert Counter(on.target.ids) == Counter(ids), _story(on, ids)


async def closing_it_leaves_its_target_open(trial: SinkTrial) -> None:
    """Release only itself: a target is closed by whoever owns it."""
    if not trial.wraps:
        return
    async with trial.hosted() as on:
        await on.write(1)
        await _rests(on)
        await on.call(on.sink.close(), "close")
        assert not on.target.closes, "closing it has closed its target"


async def a_cancelled_write_is_taken_once_or_not_at_all(trial: SinkTrial) -> None:
    """Tear nothing when a writer goes away: an event comes out once or not at all."""
    if not trial.wraps:
        return
    for ticks in range(_MOST_TICKS):
        async with trial.hosted() as on:
            batch = Batch.of(trial.events(2))
            write = asyncio.ensure_future(on.node.write(batch))
            for _ in range(ticks):
                await asyncio.sleep(0)
                on.balance(f"{ticks} ticks of a write")
            write.cancel()
            done, _ = await asyncio.wait([write], timeout=trial.limit_s)
            assert done, f"a write cancelled after {ticks} ticks has not ended"
            ids = await on.write(1, "a write after a cancelled one")
            await _rests(on)
            came = Counter(on.target.ids)
            most = max(came[one] for one in batch.ids)
            what = f"an event whose write was cancelled after {ticks} ticks"
            assert most <= 1, f"{what} came out {most} times"
            if write.done() and not write.cancelled() and write.exception() is None:
                assert all(came[one] for one in batch.ids), (
                    "a write returned, and its event is lost"
                )
            assert came[ids[0]] == 1, "the event after a cancelled write did not come out once"


async def a_stalled_target_does_not_hold_a_cancelled_writer(trial: SinkTrial) -> None:
    """Let a writer go whom the target holds up, and write on when it goes on."""
    if not trial.wraps:
        return
    target = StalledSink()
    async with trial.hosted(target) as on:
        write = asyncio.ensure_future(on.node.write(Batch.of(trial.events(1))))
        await ended(target.entered.wait(), trial.limit_s, "the write to the target")
        write.cancel()
        done, _ = await asyncio.wait([write], timeout=trial.limit_s)
        assert done, f"a cancelled write had not ended after {trial.limit_s:g} s"
        on.balance("a cancelled write to a stalled target")
        target.release()
        ids = await on.write(1, "a write after the stall")
        await _rests(on)
        assert target.ids.count(ids[0]) == 1, "the event after the stall did not come out once"


async def whatever_its_target_raises_touches_only_those_events(trial: SinkTrial) -> None:
    """Take what a target raises for the outcome of that write; the next comes through."""
    if not trial.wraps:
        return
    for make in _ERRORS:
        what = f"the target raised {make()!r}"
        async with trial.hosted(_Failing(make())) as on:
            write = asyncio.ensure_future(on.node.write(Batch.of(trial.events(2))))
            done, _ = await asyncio.wait([write], timeout=trial.limit_s)
            write.cancel()
            assert done, f"after {what} the write had not ended after {trial.limit_s:g} s"
            assert not write.cancelled(), f"{what}, and it passed for a cancellation"
            error = write.exception()
            assert error is None or isinstance(error, Exception), f"{what}: {error!r} came up"
            on.balance(what)
            ids = await _written(on, what)
            await _rests(on)
            came = Counter(on.target.ids)
            assert came[ids[0]] == 1, f"after {what} the next event did not come out once"
            assert max(came.values()) == 1, f"after {what} an event came out twice"


async def only_what_is_owed_is_written_again(trial: SinkTrial) -> None:
    """Hand back, or keep, what the target still owes, and nothing that it took."""
    if not trial.wraps:
        return
    async with trial.hosted(_Halving()) as on:
        batch = Batch.of(trial.events(5))
        owed: Sequence[Owed] = ()
        try:
            await asyncio.wait_for(on.node.write(batch), trial.limit_s)
        except PartialWrite as error:
            owed = error.owed
        on.balance("a write that is partly owed")
        for _ in range(_MOST_ATTEMPTS):
            left: list[Owed] = []
            for part in owed:
                try:
                    await asyncio.wait_for(part.write(part.events), trial.limit_s)
                except DeliveryFailed as error:
                    await _pause(error)
                    left.append(part)
            owed = left
        assert not owed, f"what is owed cannot be paid: {owed[0].error!r}"
        await _rests(on)
        assert Counter(on.target.ids) == Counter(batch.ids), _story(on, batch.ids)


async def _written(on: HostedSink, what: str) -> list[str]:
    """Write an event until it is taken; return its id."""
    told: Exception | None = None
    for _ in range(_MOST_ATTEMPTS):
        batch = Batch.of(on.trial.events(1))
        try:
            await asyncio.wait_for(on.node.write(batch), on.trial.limit_s)
            return batch.ids
        except DeliveryFailed as error:
            told = error
            await _pause(error)
    raise AssertionError(f"after {what} nothing comes through: {told!r}")


async def _pause(error: DeliveryFailed) -> None:
    await asyncio.sleep((error.retry_after_s or 0.0) + 0.01)


async def _rests(on: HostedSink) -> None:
    limit_s = on.trial.limit_s
    assert await ended(on.live.drain(limit_s), 2 * limit_s, "draining"), "it came not to rest"
    on.balance("draining")


def _story(on: HostedSink, ids: Sequence[str]) -> str:
    came, went = Counter(on.target.ids), Counter(ids)
    lost, extra = (went - came).total(), (came - went).total()
    return f"of {len(ids)} events {lost} did not come out, and {extra} came out too often"


WrappingPromise = Callable[[SinkTrial], Awaitable[None]]

WRAPPING_PROMISES: tuple[WrappingPromise, ...] = (
    what_comes_in_comes_out_once,
    closing_it_leaves_its_target_open,
    a_cancelled_write_is_taken_once_or_not_at_all,
    a_stalled_target_does_not_hold_a_cancelled_writer,
    whatever_its_target_raises_touches_only_those_events,
    only_what_is_owed_is_written_again,
)
"""The promises of a sink that passes everything on to one target."""
