"""What every source is: the public protocol, and the base class of our own.

A source hands batches to one edge and remembers where it got to. It decides nothing about where
events go, and it owns no task: the topology runs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from sinkgraph.errors import PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.sinks.backoff import ExponentialBackoff
from sinkgraph.sinks.base import Context, Link, Node, Sink, owed_count
from sinkgraph.sinks.burial import dead_batch
from sinkgraph.sinks.pausing import Hold
from sinkgraph.sinks.saving import Saving
from sinkgraph.sources.position import decode_position, encode_position

__all__ = ["Hosted", "Source", "SourceNode"]

_BACKOFF = ExponentialBackoff(base=0.5, cap=15.0)


@runtime_checkable
class Source(Protocol):
    """Is anything events come from."""

    async def run(self, out: Link, position: Any) -> None:
        """Write events to `out` until there are no more; return then.

        `position` is what the source last told of its place, or None at the first start. It
        tells by an attribute `position`: plain values (JSON's, bytes, datetimes), or None, and
        never of more than `out.write` has accepted. Where there is a state dir it is saved soon
        after each write, so a kill costs repetition, never loss. Must survive cancellation at
        any await: what was not accepted is read again.
        """
        ...


class _Part(NamedTuple):
    """Is what is left to hand on: which write, which events, whether they are dead letters."""

    write: Callable[[Sequence[Event]], Awaitable[None]]
    events: Sequence[Event]
    dead: bool = False


class SourceNode(Node):
    """Is a source of ours: named, bound, opened, run, stopped, closed, counted.

    Implement `pump`, which hands events on with `put` (once) or `deliver` (until taken) and
    returns at the end of its input or soon after `stop` was called. `entered` in the ledger
    counts what was read, `delivered` what the target took, `returned` what the giver still owns.
    """

    kind: ClassVar[str] = "source"
    edges = ("to",)

    def __init__(self, to: Sink | Link) -> None:
        super().__init__()
        self.to = to if isinstance(to, Link) else Link(to)
        self.last_error: str | None = None
        self.paused = Hold()  # paused: nothing is handed on
        self._stop = asyncio.Event()
        self._uid = ""
        self._count = 0
        self._saving: Saving | None = None
        self._kept: bytes | None = None  # the position as it was saved last
        self._unkept = False  # whether it was told that the position cannot be saved

    def links(self) -> Sequence[Link]:
        """Return its one edge."""
        return (self.to,)

    def bind(self, ctx: Context) -> None:
        """Take the context, and a name for the ids of this run."""
        super().bind(ctx)
        self._uid = f"{ctx.run_id}{ctx.random.getrandbits(32 if ctx.run_id else 64):08x}"
        self._saving = Saving(self._save) if ctx.records.durable else None

    # its life

    async def run(self, out: Link, position: Any = None) -> None:
        """Work until the input ends, `stop` is called or the target is closed for good.

        Without a position it goes on where the records say an earlier run stopped.
        """
        self.to = out
        if position is not None:
            self.seek(position)
        else:
            self._recall()
        try:
            await self.pump()
        except SinkClosed as error:
            self.last_error = str(error)
        finally:
            if self._saving is not None:
                self._saving.touch()
                self._saving.flush()

    async def pump(self) -> None:
        """Read and hand on; see the class."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take nothing more in (quiesce); synchronous, idempotent. `pump` returns soon after.

        What a paused source has read by then is handed on.
        """
        self.paused.end()
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    @property
    def position(self) -> Any:
        """Return where reading may go on: all before it was accepted. None when it has no place."""
        return None

    def seek(self, position: Any) -> None:
        """Go on where an earlier run stopped; called before `pump`.

        Raises ValueError, and changes nothing, for what is no place of this source.
        """

    def moved(self) -> None:
        """Have the position saved soon: something was accepted, or the place changed."""
        if self._saving is not None:
            self._saving.touch()

    def _recall(self) -> None:
        """Seek what was saved; what cannot be read is journalled, and it starts as configured."""
        value = self.bound.records.get("source", self.name)
        if not value and self.was is not None:
            value = self.bound.records.get("source", self.was)
        if value:
            try:
                self.seek(decode_position(value, self.kind))
            except ValueError as error:
                self.bound.journal("position_ignored", node=self.name, error=str(error))

    def _save(self) -> int:
        """Save the position where it is another than before; return its size."""
        try:
            position = self.position
            if position is None:
                return 0
            value = encode_position(self.kind, position)
        except Exception as error:  # the position of a third party can be anything
            if not self._unkept:
                self._unkept = True
                self.bound.journal("position_not_saved", node=self.name, error=str(error))
            return 0
        if value != self._kept:
            self._kept = value
            self.bound.records.put("source", self.name, value)
        return len(value)

    async def pause(self, seconds: float) -> bool:
        """Wait, at most until `stop` is called; return whether it was."""
        if not self.stopping:
            try:
                async with asyncio.timeout(seconds):
                    await self._stop.wait()
            except TimeoutError:
                pass
        return self.stopping

    # its work

    def stamp(self, payloads: list[Any], *, type: str = "event", source: str = "") -> Batch:
        """Return a batch over payloads (or events, which keep their head) read just now."""
        base = self._count
        self._count += len(payloads)
        return Batch.from_payloads(
            payloads,
            self._uid,
            base,
            source=source or self.name,
            type=type,
            time=self.bound.clock.wall(),
        )

    async def put(self, batch: Batch, max_wait: float | None = None) -> None:
        """Hand a batch on once, waiting for room at most `max_wait` seconds.

        Raises what the target raises; `Overloaded` means that nothing was stored.
        """
        while self.paused.on:
            await self.paused.over()
        n = len(batch)
        ledger = self.ledger
        ledger.entered += n
        if self.to.offer(batch):
            ledger.delivered += n
            return
        ledger.held += n
        owed = n
        try:
            await self._write(batch, max_wait)
            owed = 0
        except BaseException as error:
            owed = owed_count(error, n)
            raise
        finally:
            ledger.held -= n
            ledger.delivered += n - owed
            ledger.returned += owed

    async def _write(self, batch: Batch, max_wait: float | None) -> None:
        while True:
            generation = self.bound.generation
            try:
                await self._write_once(batch, max_wait)
                return
            except SinkClosed:
                if generation == self.bound.generation or self.closed:
                    raise  # else it has a successor, which is written to

    async def _write_once(self, batch: Batch, max_wait: float | None) -> None:
        within = getattr(self.to.target, "write_within", None)
        if within is not None:
            await within(batch, max_wait)
        else:
            await self.to.write(batch)

    async def deliver(self, batch: Batch) -> None:
        """Hand a batch on until all of it was taken or dead-lettered, however long it takes.

        Ends early only with `SinkClosed`, when the target takes nothing more, or cancelled: then
        what is left is counted as returned, and is to be read again.
        """
        while self.paused.on:
            await self.paused.over()
        n = len(batch)
        ledger = self.ledger
        ledger.entered += n
        if self.to.offer(batch):
            ledger.delivered += n
            return
        ledger.held += n
        left = n
        parts = [_Part(self.to.send, batch)]
        attempt, wait_s = 0, 0.0
        try:
            while left:
                attempt += 1
                owed: list[_Part] = []
                buried = 0
                for part in parts:
                    more, dead = await self._attempt(part, attempt)
                    owed += more
                    buried += dead
                # an event that two branches owe is counted once
                settled = left - min(left, sum(len(part.events) for part in owed))
                left -= settled
                ledger.held -= settled
                ledger.dead_lettered += min(buried, settled)
                ledger.delivered += settled - min(buried, settled)
                parts = owed
                if left:
                    self.status = "degraded"
                    wait_s = _BACKOFF.wait(attempt, wait_s, self.bound.random)
                    await asyncio.sleep(wait_s)
            self.status = "ok"
        finally:
            ledger.held -= left
            ledger.returned += left

    async def _attempt(self, part: _Part, attempt: int) -> tuple[list[_Part], int]:
        """Make one write; return what is still owed, and how many events became dead letters."""
        owed: list[_Part] = []
        rejected: list[tuple[Sequence[Event], BaseException]] = []
        generation = self.bound.generation
        try:
            await part.write(part.events)
        except SinkClosed:
            if generation == self.bound.generation or self.closed:
                raise
            owed.append(part)
        except PartialWrite as error:
            self.last_error = str(error)
            for one in error.owed:
                if isinstance(one.error, SinkClosed) and generation == self.bound.generation:
                    raise one.error from error
                if isinstance(one.error, Rejected) and not part.dead:
                    rejected.append((one.events, one.error))
                else:
                    owed.append(_Part(one.write, one.events, part.dead))
        except Exception as error:
            self.last_error = str(error)
            if isinstance(error, Rejected) and not part.dead:
                rejected.append((part.events, error))
            else:
                owed.append(part)
        buried = 0
        if part.dead:
            buried = len(part.events) - sum(len(one.events) for one in owed)
        for events, why in rejected:
            more, dead = await self._attempt(self._dead(events, why, attempt), attempt)
            owed += more
            buried += dead
        return owed, buried

    def _dead(self, events: Sequence[Event], error: BaseException, attempts: int) -> _Part:
        dead = dead_batch(self, as_batch(events), "rejected", [str(error)], attempts=attempts)
        return _Part(self.bound.dead_letters.send, dead, dead=True)

    def facts(self) -> dict[str, Any]:
        """Return the position and the last error."""
        return {"position": self.position, "last_error": self.last_error}


class Hosted(SourceNode):
    """Gives a source of a third party a name and a ledger."""

    def __init__(self, source: Source, to: Sink | Link) -> None:
        if not callable(getattr(source, "run", None)):
            raise TypeError(f"{source!r} is not a source: it has no `run`")
        super().__init__(to)
        self.source = source
        self._saved: Any = None

    def can_become(self, fresh: Node) -> bool:
        """Only the same source goes on."""
        return isinstance(fresh, Hosted) and fresh.source is self.source

    @property
    def position(self) -> Any:
        """Return the source's own `position`, when it has one."""
        return getattr(self.source, "position", None)

    def seek(self, position: Any) -> None:
        """Keep what `run` is told."""
        self._saved = position

    async def pump(self) -> None:
        """Run the source until it ends; `stop` calls its own `stop`, or else cancels it."""
        out = Link(_Counted(self))
        work = asyncio.ensure_future(self.source.run(out, self._saved))
        waiting = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            stop = getattr(self.source, "stop", None)
            if not work.done() and callable(stop):
                stop()
                await asyncio.wait({work})
        finally:
            waiting.cancel()
            work.cancel()
            await asyncio.wait({work, waiting})
        if not work.cancelled():
            work.result()

    async def close(self) -> None:
        """Close the source when it can be closed."""
        if not self.closed:
            self.closed = True
            close = getattr(self.source, "close", None)
            if callable(close):
                await close()


class _Counted:
    """Is what a hosted source writes to: its node's ledger, then its node's edge."""

    def __init__(self, node: Hosted) -> None:
        self.node = node

    async def write(self, events: Sequence[Event]) -> None:
        """Hand on once."""
        await self.node.put(as_batch(events))
        self.node.moved()

    async def close(self) -> None:
        """Do nothing: the topology closes the real target."""
