"""What operators do to a running graph: pause, resume, drain, trip, reset, probe.

Each verb is one synchronous step on live objects, noted in the journal with who did it, and may
end by itself. No event is touched: what is pending stays where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from sinkgraph.control.access import Caller
from sinkgraph.control.places import Places, machine_of
from sinkgraph.control.problems import Refusal
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sources.base import SourceNode

__all__ = ["BREAKER_VERBS", "VERBS", "Operator", "is_paused"]

VERBS = ("pause", "resume", "drain")
BREAKER_VERBS = ("trip", "reset", "probe")
_TIMED = ("pause", "trip", "drain")
_DRAIN_S = 25.0


def is_paused(node: Node | None) -> bool:
    """Whether an operator holds a queue or a source back."""
    if isinstance(node, Queue):
        return node.lanes.paused.on
    return isinstance(node, SourceNode) and node.paused.on


class Operator:
    """Carries verbs out. `spawn` starts a task of the control plane's."""

    def __init__(
        self,
        live: Live,
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._live = live
        self._spawn = spawn
        self._changed = changed
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._held: dict[str, list[Retry]] = {}  # by the queue that was paused
        self._said: dict[tuple[str, str], tuple[Node, dict[str, Any]]] = {}  # by whom, and why

    def reverts(self, name: str) -> tuple[float | None, float | None]:
        """Return in how many seconds a node's pause, and what was done to its breaker, ends."""
        now = asyncio.get_running_loop().time()
        left = []
        for what in ("pause", "trip"):
            timer = self._timers.get((what, name))
            left.append(None if timer is None else max(0.0, timer.when() - now))
        return left[0], left[1]

    def said(self, name: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Return who paused a node and who tripped its breaker, as `HeldView` has it.

        None for what does not hold, or was not an operator's doing.
        """
        if not self._said:
            return None, None
        node = self._live.nodes.get(name)
        machine = machine_of(node)
        holds = (is_paused(node), machine is not None and machine.state == "isolated")
        found: list[dict[str, Any] | None] = []
        for what, held in zip(("pause", "trip"), holds, strict=True):
            whom, said = self._said.get((what, name), (None, None))
            if said is not None and not (held and whom is node):
                del self._said[what, name]
                said = None
            found.append(said)
        return found[0], found[1]

    def _say(self, what: str, node: Node, facts: dict[str, Any], *, fresh: bool) -> None:
        """Remember who holds a node back; `fresh`: it was not held back before."""
        whom, before = self._said.get((what, node.name), (None, None))
        now = self._live.topology.clock.wall()
        since = now if fresh or before is None or whom is not node else before["since"]
        said = {"by": facts["by"], "why": facts["why"], "since": since}
        self._said[what, node.name] = (node, said)

    def act(
        self,
        verb: str,
        name: str,
        caller: Caller,
        *,
        for_s: float | None = None,
        why: str | None = None,
    ) -> dict[str, Any]:
        """Carry a verb out and return what it did, as `Done` has it; Refusal where it cannot."""
        if for_s is not None and verb not in _TIMED:
            raise Refusal(422, "invalid", f"`for_s` says nothing of `{verb}`: it does not last")
        topology = self._live.topology
        if topology.status != "ok":
            raise Refusal(409, "wrong_state", f"the graph is {topology.status}")
        topology.flush()
        places = Places(self._live)
        facts = {"by": caller.name, "for_s": for_s, "why": why}
        if verb in BREAKER_VERBS:
            done = self._break(verb, name, places, for_s, facts)
        else:
            done = self._hold(verb, name, places, for_s, facts)
        self._changed()
        return done

    # queues and sources

    def _hold(
        self,
        verb: str,
        name: str,
        places: Places,
        for_s: float | None,
        facts: dict[str, Any],
    ) -> dict[str, Any]:
        node = places.pausable(name)
        if verb == "drain" and isinstance(node, Queue):
            return self._drain(node, for_s, facts)
        pausing = verb != "resume"  # a source is drained by taking nothing more in
        changed = self._pause(node, places) if pausing else self._resume(node)
        word = "queue" if isinstance(node, Queue) else "source"
        if changed or for_s is not None:
            said = "paused" if pausing else "resumed"
            self._live.topology.journal.note(f"{word}_{said}", node=node.name, **facts)
            if pausing:
                self._say("pause", node, facts, fresh=changed)
            else:
                self._said.pop(("pause", node.name), None)
        self._time("pause", node.name, for_s if pausing else None)
        return self._done(node, verb, changed, "paused" if is_paused(node) else "running", "pause")

    def _pause(self, node: Queue | SourceNode, places: Places) -> bool:
        if isinstance(node, SourceNode):
            return node.paused.begin()
        fresh = node.lanes.paused.begin()
        if fresh:
            node.step_aside()
            self._held[node.name] = retries = places.retries_of(node)
            for retry in retries:
                retry.paused.begin()
        return fresh

    def _resume(self, node: Queue | SourceNode) -> bool:
        if isinstance(node, SourceNode):
            return node.paused.end()
        for retry in self._held.pop(node.name, []):
            retry.paused.end()
        was = node.lanes.paused.end()
        if was:
            node.wake()
        return was

    def _drain(self, queue: Queue, for_s: float | None, facts: dict[str, Any]) -> dict[str, Any]:
        if is_paused(queue):
            raise Refusal(409, "wrong_state", f"queue `{queue.name}` is paused: resume it first")
        limit = _DRAIN_S if for_s is None else for_s
        note = self._live.topology.journal.note
        note("drain_asked", node=queue.name, **{**facts, "for_s": limit})

        async def drain() -> None:
            try:
                async with asyncio.timeout(limit):
                    await queue.drain()
            except TimeoutError:
                pass
            except Exception as error:
                note("drain_failed", node=queue.name, error=str(error))
                return
            note("queue_drained", node=queue.name, left=queue.depth())
            self._changed()

        pending = queue.depth()
        self._spawn(drain(), f"drain of {queue.name}")
        return self._done(queue, "drain", bool(pending), "draining", "drain")

    # breakers

    def _break(
        self,
        verb: str,
        name: str,
        places: Places,
        for_s: float | None,
        facts: dict[str, Any],
    ) -> dict[str, Any]:
        node, machine = places.breaking(name)
        now = self._live.topology.clock.now()
        machine.tick(now)
        before = machine.state
        note = self._live.topology.journal.note
        if verb == "probe" and before != "open":
            help = ": reset it" if before == "isolated" else ""
            said = f"the breaker of `{node.name}` is {before.replace('_', '-')}, not open{help}"
            raise Refusal(409, "wrong_state", said)
        changed = verb == "probe" or before != {"trip": "isolated", "reset": "closed"}[verb]
        if verb == "trip" and changed:
            machine.trip(now)
        elif verb == "reset" and changed:
            machine.reset(now)
        elif verb == "probe":
            machine.probe(now)
        if changed or for_s is not None:
            kind = {"trip": "breaker_tripped", "reset": "breaker_reset"}.get(verb, "breaker_probed")
            note(kind, node=node.name, **facts)
            if verb == "trip":
                self._say("trip", node, facts, fresh=changed)
            else:
                self._said.pop(("trip", node.name), None)
        self._time("trip", node.name, for_s if verb == "trip" else None, machine.value.generation)
        if verb != "trip":
            for retry in places.retries_above(node):
                retry.wake()
        return self._done(node, verb, changed, machine.state, "trip")

    # what ends by itself

    def _time(
        self, what: str, name: str, for_s: float | None, generation: int | None = None
    ) -> None:
        timer = self._timers.pop((what, name), None)
        if timer is not None:
            timer.cancel()
        if for_s is not None:
            loop = asyncio.get_running_loop()
            self._timers[what, name] = loop.call_later(for_s, self._revert, what, name, generation)

    def _revert(self, what: str, name: str, generation: int | None) -> None:
        self._timers.pop((what, name), None)
        topology = self._live.topology
        node = self._live.nodes.get(name)
        if what == "pause" and isinstance(node, Queue | SourceNode) and self._resume(node):
            word = "queue" if isinstance(node, Queue) else "source"
            topology.journal.note(f"{word}_resumed", node=name, by="its time")
        machine = machine_of(node)
        if what != "trip" or node is None or machine is None:
            pass
        elif machine.state == "isolated" and machine.value.generation == generation:
            machine.reset(topology.clock.now())
            topology.journal.note("breaker_reset", node=name, by="its time")
            for retry in Places(self._live).retries_above(node):
                retry.wake()
        self._changed()

    def end(self) -> None:
        """Take back what would lose events in a stop: a queue whose rest cannot be kept goes on.

        One whose events are on disk, or are saved there, begins no delivery any more.
        """
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        stored = self._live.topology.state is not None
        for node in self._live.nodes.values():
            if not isinstance(node, Queue) or not node.lanes.paused.on:
                continue
            if node.durable or (stored and node.on_stop == "save"):
                node.lanes.rest()
                for retry in self._held.pop(node.name, []):
                    retry.paused.end()
            elif self._resume(node):
                self._live.topology.journal.note("queue_resumed", node=node.name, by="the stop")

    def _done(self, node: Node, verb: str, changed: bool, state: str, timed: str) -> dict[str, Any]:
        timer = self._timers.get((timed, node.name))
        now = asyncio.get_running_loop().time()
        return {
            "node": node.name,
            "verb": verb,
            "changed": changed,
            "state": state,
            "pending": node.pending(),
            "reverts_in_s": None if timer is None else round(timer.when() - now, 3),
        }
