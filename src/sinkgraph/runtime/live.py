"""A running graph, as Python sees it: write, emit, subscribe, add, remove, drain, snapshot.

It owns no node; the topology does. It is made by `sinkgraph.run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from sinkgraph.errors import SinkgraphError
from sinkgraph.event import Event, to_payload
from sinkgraph.runtime.entry import READY, Entry, Inbox
from sinkgraph.runtime.membership import Membership
from sinkgraph.runtime.outcome import Applied, Refused
from sinkgraph.runtime.recipe import Recipe
from sinkgraph.runtime.reloads import Reloads
from sinkgraph.runtime.subscription import Splices, Subscription
from sinkgraph.runtime.topology import Topology
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.sinks.gate import Gate
from sinkgraph.sources.inlet import Inlet
from sinkgraph.telemetry.status import CloseReport, Snapshot

__all__ = ["INBOX_CAPACITY", "Live"]

INBOX_CAPACITY = 10_000


class Live:
    """Is a running graph.

    All methods but `emit` belong to the loop that runs it. `name`, `generation` and `journal`
    tell which graph runs and what happened to it.
    """

    def __init__(self, topology: Topology, recipe: Recipe) -> None:
        self._topology = topology
        self._entries = {
            name: Entry("", link, topology.ctx) for name, link in topology.assembly.entries.items()
        }
        self._main: Entry | None = None
        self._gate: Gate | None = None
        self._inbox: Inbox | None = None
        self._loop = asyncio.get_running_loop()
        self._splices = Splices(topology)
        self._members = Membership(topology)
        self._reloads = Reloads(topology, recipe)
        self._shutting = False
        topology.on_closing(self._shut)
        topology.on_wired(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        """Write where the inlets of the graph that runs now lead."""
        self._follow_inlets()
        for entry in self._entries.values():
            entry.refresh()
            if entry.shut:
                entry.gate = None
        self._main = next(iter(self._entries.values())) if len(self._entries) == 1 else None
        self._gate = self._main.gate if self._main is not None else None
        if self._main is not None and self._inbox is None:
            self._inbox = Inbox(self._main, self._loop, INBOX_CAPACITY)
            self._inbox.name = "inbox"
            self._inbox.bind(self._topology.ctx)
            self._topology.beside.append(self._inbox)
        elif self._main is not None and self._inbox is not None:
            self._inbox.lead_to(self._main)

    def _follow_inlets(self) -> None:
        topology = self._topology
        inlets = {n: one for n, one in topology.sources.items() if one.kind == "inlet"}
        held = {id(entry.ledger): entry for entry in self._entries.values()}
        entries = {n: e for n, e in self._entries.items() if n in topology.assembly.entries}
        for name, inlet in inlets.items():
            entry = held.pop(id(inlet.ledger), None)
            if entry is None:
                own = inlet if isinstance(inlet, Inlet) else None
                entry = Entry(name, inlet.to, topology.ctx, inlet.ledger, inlet=own)
                entry.shut = self._shutting
                if own is not None:
                    own.entry = entry
            entry.name = name
            entries[name] = entry
        for entry in self._entries.values():
            if entry not in entries.values():
                entry.shut = True
                entry.gate = None
        self._entries = entries

    def _shut(self) -> None:
        """Take nothing more: what is written from here on could only be lost."""
        self._shutting = True
        for entry in self._entries.values():
            entry.shut = True
        self._refresh()

    # what it is

    @property
    def name(self) -> str:
        """The graph's name."""
        return self._topology.name

    @property
    def generation(self) -> int:
        """How many documents this topology has run, the present one included."""
        return self._topology.generation

    @property
    def topology(self) -> Topology:
        """What owns the live nodes."""
        return self._topology

    @property
    def reloads(self) -> Reloads:
        """What changes the graph that runs."""
        return self._reloads

    @property
    def splices(self) -> Splices:
        """Where readers are put in front of nodes."""
        return self._splices

    @property
    def nodes(self) -> dict[str, Node]:
        """The live nodes by name."""
        return self._topology.nodes

    # writing

    async def write(
        self,
        data: Any,
        *,
        type: str | None = None,
        id: str | None = None,
        source: str | None = None,
        time: float | None = None,
        meta: Mapping[str, Any] | None = None,
        to: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Write one event and return when it was taken (by every required branch).

        `data` is a payload (see `sinkgraph.event.to_payload`) or an Event. `to` names the inlet
        when there are several. Raises Overloaded when there was no room within `timeout` seconds
        (nothing was stored), TypeError for None, and what a sink without a queue raises. Such a
        sink is cut off at the timeout, and owed with Overloaded: what it did then is not known.
        """
        gate = self._gate
        if (
            gate is not None
            and data.__class__ in READY
            and type is None
            and id is None
            and source is None
            and time is None
            and meta is None
            and to is None
            and timeout is None
        ):
            room = gate.room
            if room > 0 or (gate.replenish() and (room := gate.room)):
                gate.room = room - 1
                gate.append(data)
                return
        entry = self._entry(to)
        plain = type is None and id is None and source is None and time is None and meta is None
        if isinstance(data, Event):
            if not plain:
                raise TypeError("an Event has its own type, id, source, time and meta")
            value: Any = data
        elif plain:
            value = to_payload(data)
        else:
            value = entry.event(data, type, id, source, time, meta)
        await entry.write(value, timeout)

    async def write_many(
        self, events: Sequence[Any], *, to: str | None = None, timeout: float | None = None
    ) -> None:
        """Write payloads, Events or a Batch together: all are admitted, or none.

        More than the smallest queue can hold is cut into several writes. Raises as `write`.
        """
        entry = self._main if to is None and self._main is not None else self._entry(to)
        await entry.write_many(events, timeout)

    def emit(self, data: Any) -> bool:
        """Hand an event to the bounded inbox; any thread, never blocks. False when it is full."""
        if data is None:
            raise TypeError("None is not an event")
        if self._inbox is None:
            raise self._no_entry()
        value = data if data.__class__ in READY else to_payload(data)
        return self._inbox.put(value)

    def _entry(self, to: str | None) -> Entry:
        entry = self._main if to is None else self._entries.get(to)
        if entry is None:
            raise self._no_entry(to)
        return entry

    def _no_entry(self, to: str | None = None) -> SinkgraphError:
        names = ", ".join(sorted(self._entries)) or "none"
        if to is not None:
            return SinkgraphError(f"{self.name} has no inlet {to!r}; it has: {names}")
        if not self._entries:
            return SinkgraphError(f"{self.name} has no inlet to write to: add `kind: inlet`")
        return SinkgraphError(f"{self.name} has several inlets, say to=…: {names}")

    # reading

    @asynccontextmanager
    async def subscribe(
        self,
        node: str | Node,
        *,
        where: Any = None,
        capacity: int = 1000,
        when_full: str = "close",
    ) -> AsyncIterator[Subscription]:
        """Read what is written to a node, from now until the end of the scope.

        Write `async with live.subscribe("audit") as seen:`, then `async for event in seen:`.

        A subscriber is never required: it cannot slow or fail the graph. When it falls `capacity`
        events behind, `when_full` says what happens: `close` ends it with Overloaded(missed=n),
        `drop_oldest` and `drop_newest` count what it missed.
        """
        subscription = Subscription(capacity, when_full, where)
        subscription.bind(self._topology.ctx)
        leave = self._splices.insert(node, subscription)
        try:
            yield subscription
        finally:
            leave()
            await subscription.close()

    def channel(self, name: str) -> AsyncIterator[Event]:
        """Return an async iterator over the events of a declared channel."""
        node = self.nodes.get(name)
        if node is None or node.kind != "channel":
            channels = ", ".join(n for n, one in self.nodes.items() if one.kind == "channel")
            raise SinkgraphError(
                f"{self.name} has no channel {name!r}; it has: {channels or 'none'}"
            )
        reader: AsyncIterator[Event] = cast(Any, node).__aiter__()
        return reader

    # changing

    async def add(
        self, broadcast: str | Node, sink: Sink, *, name: str | None = None, required: bool = True
    ) -> str:
        """Add a target to a running broadcast; it gets what is written from now on.

        The topology owns it from here. Returns its name. Raises what opening it raises, and then
        nothing has changed.
        """
        return await self._members.add(broadcast, sink, name=name, required=required)

    async def remove(
        self,
        sink: Sink | str,
        *,
        broadcast: str | Node | None = None,
        fate: str | None = None,
        deadline: float = 25.0,
    ) -> None:
        """Remove a target from the running broadcast that has it; returns at once.

        What is pending in its queues is drained in the background for at most `deadline` seconds
        (then dead-lettered, or kept on disk for the queue that comes back with its name), or
        follows `fate`: `drain`, `dead_letter`, `discard` or `move_to:QUEUE`; without one, each
        follows its `on_remove`. Raises KeyError when no broadcast has it.
        """
        self._members.remove(sink, broadcast=broadcast, fate=fate, deadline=deadline)

    async def reload(
        self,
        document: Any,
        *,
        set_vars: Mapping[str, str] | None = None,
        fates: Mapping[str, str] | None = None,
        drain: float | None = None,
    ) -> Applied | Refused:
        """Run another graph from now on, without losing or repeating an event.

        `document` is a path, a mapping or a Graph; `set_vars` overrides vars beside those of the
        start. What is new is acquired first, then everything changes in one step, then what left
        drains in the background for at most `drain` seconds (that of the start); `fates` override
        the `on_remove` of queues that leave. Refused, with every reason, it has changed nothing.
        Reloads wait for each other.
        """
        return await self._reloads.reload(
            document, set_vars=set_vars, fates=fates or {}, drain_s=drain
        )

    # watching and stopping

    async def ended(self) -> None:
        """Wait until every source has come to its end; an inlet ends only with the graph."""
        await self._topology.sources_ended()

    async def drain(self, deadline: float | None = None) -> bool:
        """Wait until nothing is pending, at most `deadline` seconds; False when that passed."""
        limit = self._topology.drain_s if deadline is None else deadline
        try:
            async with asyncio.timeout(limit):
                if self._inbox is not None:
                    await self._inbox.drain()
                return await self._topology.drain(limit)
        except TimeoutError:
            return False

    def snapshot(self) -> Snapshot:
        """Return every node's depth, counters and ledger at this instant, frozen."""
        return self._topology.snapshot()

    async def close(
        self, deadline: float | None = None, *, drain_disk: bool = False
    ) -> CloseReport:
        """Quiesce, drain for at most `deadline` seconds, close; every caller gets one report.

        What a disk queue holds stays on disk for the next start; with `drain_disk` it is
        delivered too, as far as the deadline allows. What memory queues hold at the deadline is
        saved in the state dir, where there is one, or counted as left.
        """
        if self._inbox is not None:
            self._inbox.closed = True
        return await self._topology.stop(deadline, first=self._settle, drain_disk=drain_disk)

    async def _settle(self) -> None:
        """Wait for what was emitted, and for who is leaving; cancelled, nobody waits any more."""
        try:
            if self._inbox is not None:
                await self._inbox.drain()
            if retiring := list(self._topology.retiring):
                await asyncio.wait(retiring)
        finally:
            for task in self._topology.retiring:
                task.cancel()

    @property
    def report(self) -> CloseReport | None:
        """What became of everything, once it has stopped."""
        return self._topology.report
