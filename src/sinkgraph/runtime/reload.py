"""One reload of a running topology: provision beside it, commit in one step, let the rest drain.

Until the commit nothing running is touched, and a failure leaves nothing behind. The commit is
synchronous: it waits for no destination, no queue and no disk. Which document is applied, and
who asked for it, is not its affair.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sinkgraph.runtime.matching import endpoints, match
from sinkgraph.runtime.provisioning import acquire, provision
from sinkgraph.runtime.retiring import Fate, read_fate
from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.splice import beyond
from sinkgraph.sinks.wiring import downstream, unwire, ways
from sinkgraph.sources.base import SourceNode
from sinkgraph.sources.http import HttpSource

if TYPE_CHECKING:
    from sinkgraph.compiler.assembly import Assembly
    from sinkgraph.graph.diff import Plan
    from sinkgraph.runtime.topology import Topology

__all__ = ["PROVISION_S", "Reload"]

PROVISION_S = 30.0
"""How long a reload may take to acquire what the new graph needs, in seconds."""


class Reload:
    """Brings a topology from its assembly to a new one, as `plan` says.

    `fates` override the `on_remove` of queues that leave, by name. `drain_s`: how long what left
    may drain, in seconds.
    """

    def __init__(
        self,
        topology: Topology,
        new: Assembly,
        plan: Plan,
        fates: Mapping[str, str],
        drain_s: float,
    ) -> None:
        self._topology = topology
        self._new = new
        self._plan = plan
        self._fates = fates
        self._drain_s = drain_s
        self._bound: list[Node] = []
        self._opened: list[Node] = []
        new.dead_letters.name = new.dead_letters.name or "dead-letters"
        self._matching = match(topology.assembly.nodes, topology.leaving, new, plan)
        self._into: dict[Queue, Fate] = {}
        self._waiting: dict[Node, frozenset[object]] = {}
        self._paths = ways(downstream(new.sources.values()))

    # provision

    async def provision(self) -> list[str]:
        """Acquire everything new; return every reason why it cannot be done.

        When there is one, what was acquired is given back.
        """
        try:
            async with asyncio.timeout(PROVISION_S):
                await self._let_settle()
                reasons = self._refusals() or await self._acquire()
                self._waiting = self._affected()
        except TimeoutError:
            reasons = [f"what the new graph needs was not there within {PROVISION_S:g} s"]
        except BaseException:
            await self.give_back()
            raise
        if reasons:
            await self.give_back()
        return reasons

    async def _let_settle(self) -> None:
        """Wait for nodes that are being closed, where nodes of their names are to begin."""
        topology = self._topology
        names = self._matching.begun.keys() & topology.leaving.keys()
        waiting = [
            task
            for task, nodes in topology.retiring.items()
            if any(node.name in names and node.closed for node in nodes)
        ]
        if waiting:
            await asyncio.wait(waiting)

    def _refusals(self) -> list[str]:
        """Return what stands against the reload before anything is acquired."""
        matching, topology = self._matching, self._topology
        graph = topology.assembly.graph
        declared = set(graph.nodes) if graph is not None else set()
        reasons = [
            f"{node.kind} {name}: the name is taken by a sink that was added while the graph ran"
            for name, node in matching.begun.items()
            if name in topology.assembly.sinks and name not in declared
        ]
        planned = {one.was or one.name: one.fate for one in self._plan.changes if one.fate}
        for name, node in matching.ended.items():
            if isinstance(node, Queue):
                said = planned.get(name) or self._fates.get(name, node.on_remove)
                try:
                    kept = said == "keep" and node.durable
                    self._into[node] = Fate(said) if kept else read_fate(said, matching.final)
                except ValueError as error:
                    reasons.append(f"queue {name}: {error}")
        return reasons

    async def _acquire(self) -> list[str]:
        topology, reasons = self._topology, list[str]()
        for name, (old, fresh) in self._matching.kept.items():
            if name in self._matching.alike:
                continue
            self._opened.append(fresh)
            reasons += await acquire(fresh, old.approach(fresh))
        begun = list(self._matching.begun.values())
        for node in begun:
            node.path = self._paths.get(node.name, (node.name,))
            if isinstance(node, HttpSource):
                node.succeeds = True
        for node in begun:
            self._bound.append(node)
            node.bind(topology.ctx)
        return reasons + await provision(begun, self._opened)

    async def give_back(self) -> None:
        """Release what was acquired: the reload is given up."""
        for node in reversed(self._bound):
            node.give_back()
        await self._topology.close_nodes(list(reversed(self._opened)))

    # commit

    @property
    def stale(self) -> bool:
        """Whether a node that was to go on has been closed meanwhile."""
        return any(old.closed for old, _ in self._matching.kept.values())

    def commit(self) -> None:
        """Make the new graph the one that runs: synchronous, and cannot fail.

        What garbage there is is collected after it.
        """
        collects = gc.isenabled()
        gc.disable()
        try:
            self._commit()
        finally:
            if collects:
                gc.enable()

    def _commit(self) -> None:
        topology, matching = self._topology, self._matching
        topology.flush()
        going_on = {id(old) for old, _ in matching.kept.values()}
        matching.ended = {
            name: node for name, node in topology.assembly.nodes.items() if id(node) not in going_on
        }
        unwire(topology.wired)
        final = matching.final
        led = self._lead(final)
        self._hand_over(final)
        for link, target in led:
            if topology.leaves(beyond(target)) and link.target is not target:
                beyond(target).successor = link
        for node in reversed(list(matching.begun.values())):
            node.start()
        self._forget_endpoints()
        self._wake()
        self._begin_sources()
        self._retire()

    def _lead(self, final: Mapping[str, Node]) -> list[tuple[Link, Node]]:
        """Let nodes follow, and their edges lead, as they are to; return where some led so far."""
        topology, matching = self._topology, self._matching
        led: list[tuple[Link, Node]] = []
        for name, node in self._new.nodes.items():
            if name not in matching.alike:
                for link in node.links():
                    link.target = topology.face(final[link.target.name])  # wiring does the rest
        for name, (old, _) in matching.kept.items():
            old.name, old.path = name, self._paths.get(name, (name,))
            old.left, old.successor = False, None
        for name, (old, fresh) in matching.kept.items():
            if name not in matching.alike:
                led += [(link, link.target) for link in old.links()]
                old.become(fresh)
                continue
            for mine, other in zip(old.links(), fresh.links(), strict=True):
                target = final[other.target.name]
                if beyond(mine.target) is not target:
                    led.append((mine, mine.target))
                    mine.retarget(topology.face(target))
        return led

    def _affected(self) -> dict[Node, frozenset[object]]:
        """Return who goes on and waits for something that is other then, with what they judge.

        What stands behind another queue does not count.
        """
        changed = self._matching.changed
        found: dict[Node, frozenset[object]] = {}
        dirty: set[str] = set()
        for node in reversed(downstream(self._new.sources.values())):
            below = [link.target for link in node.links()]
            passes = any(one.name in dirty and not isinstance(one, Queue) for one in below)
            if passes or node.name in changed:
                dirty.add(node.name)
                if _waits(node) and node.name in self._matching.kept:
                    old = self._matching.kept[node.name][0]
                    judges = getattr(old, "machine", None) is not None
                    found[old] = endpoints(old) if judges else frozenset()
        return found

    def _hand_over(self, final: Mapping[str, Node]) -> None:
        """Let the topology own the new nodes; who was added while it ran stays where it was."""
        topology, new, matching = self._topology, self._new, self._matching
        for name, node in final.items():
            former = topology.leaving.pop(name, None)
            if former is not None and former is not node:
                topology.leave(former, f"{name}~{topology.generation}")
        guests = {
            name: node
            for name, node in matching.ended.items()
            if name not in self._declared and not isinstance(node, SourceNode)
        }
        new.sources = {name: final[name] for name in new.sources}  # type: ignore[misc]
        new.sinks = {**{name: final[name] for name in new.sinks}, **guests}
        new.dead_letters = final[new.dead_letters.name]
        topology.adopt(new)
        reached = set(map(id, topology.ordered_from_roots())) if matching.ended else set()
        for name, node in matching.ended.items():
            if id(node) in reached:
                continue
            if new.sinks.get(name) is node:
                del new.sinks[name]
            topology.leave(node, f"{name}~{topology.generation}" if name in final else name)
        topology.wire()

    @property
    def _declared(self) -> set[str]:
        return {change.was or change.name for change in self._plan.changes}

    def _forget_endpoints(self) -> None:
        """Close breakers that judge another endpoint than so far."""
        now = self._topology.clock.now()
        for node, judged in self._waiting.items():
            machine = getattr(node, "machine", None)
            if machine is not None and judged and endpoints(node) != judged:
                machine.reset(now)

    def _wake(self) -> None:
        """Let who waits for another attempt make it now, where something changed below."""
        for node in self._waiting:
            if isinstance(node, Queue):
                node.lanes.hurry_up()
            elif isinstance(node, Retry):
                node.wake()

    def _begin_sources(self) -> None:
        topology = self._topology
        for name, node in self._matching.begun.items():
            if isinstance(node, SourceNode):
                former = self._matching.ended.get(name)
                topology.feeding.begin(node, former if isinstance(former, SourceNode) else None)

    def _retire(self) -> None:
        """Let what left drain in the background, each by its fate."""
        topology = self._topology
        ended = set(map(id, self._matching.ended.values()))
        if not ended:
            return
        gone = [n for n in topology.ordered() if topology.leaves(n) and id(n) in ended]
        fates = {
            node: self._into.get(node, Fate("drain")) for node in gone if isinstance(node, Queue)
        }
        below = {id(node) for node in downstream(list(fates))}
        for node in gone:
            if isinstance(node, SourceNode):
                node.stop()
            elif isinstance(node, Retry) and id(node) not in below:
                node.rest()  # who waits there goes on where the edges lead now
        if gone:
            topology.retire_soon(gone, fates, self._drain_s)


def _waits(node: Node) -> bool:
    return isinstance(node, Queue | Retry | BreakerSink)
