"""Targets of a broadcast that come and go while the graph runs, as in go-events.

They are in no document, so a reload leaves them where they are. What becomes of the events of
those that go is `runtime.retiring`'s.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.errors import SinkClosed, SinkgraphError
from sinkgraph.runtime.provisioning import provision
from sinkgraph.runtime.retiring import read_fate
from sinkgraph.runtime.topology import Topology
from sinkgraph.runtime.tree import as_node, name_nodes
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.wiring import downstream, ways

__all__ = ["Membership"]


class Membership:
    """Adds targets to the broadcasts of a running topology, and removes them."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._adding: list[tuple[Sink, list[Node]]] = []  # what is being opened

    async def add(
        self, broadcast: str | Node, sink: Sink, *, name: str | None, required: bool
    ) -> str:
        """Add a target; see `Live.add`."""
        topology = self._topology
        fan = self._broadcast(broadcast)
        root = as_node(sink)
        self._refuse_to_add(fan, sink, root)
        fresh = [one for one in downstream([root]) if one.ctx is None]
        if name is not None:
            root.name = name
        adding = [one.name for _, nodes in self._adding for one in nodes]
        name_nodes(fresh, {*topology.nodes, *adding})
        found = ways(fresh)
        for one in fresh:
            one.path = one.path or (*fan.path, *found[one.name])[-32:]
        topology.bind(fresh)
        opened: list[Node] = []
        self._adding.append((sink, fresh))
        try:
            reasons = await provision(fresh, opened)
            if reasons:
                raise SinkgraphError("; ".join(reasons))
            self._refuse_to_add(fan, sink, None)
        except BaseException:
            await topology.close_nodes(opened)
            raise
        finally:
            self._adding = [one for one in self._adding if one[1] is not fresh]
        shared = len(downstream([root])) > len(fresh)
        if not shared:
            topology.wire_below(root)
        for one in fresh:
            one.start()
        topology.assembly.sinks.update({one.name: one for one in fresh})
        topology.flush()
        target = fan.insert(root, required=required)
        if shared or not fan.absorb(target):
            topology.wire()
        topology.journal.note("target_added", node=fan.name, target=root.name)
        return root.name

    def _refuse_to_add(self, fan: Broadcast, sink: Sink, root: Node | None) -> None:
        """Raise when a sink cannot become a target now; its `root` is not asked a second time."""
        topology = self._topology
        if topology.status != "ok":
            raise SinkClosed(f"{topology.name} is {topology.status}")
        if fan.entrance_of(sink) is not None:
            raise ValueError(f"{sink!r} is already a target of {fan.name}")
        if topology.nodes.get(fan.name) is not fan:
            raise SinkClosed(f"broadcast {fan.name} is in the graph no more")
        if root is None:
            return
        if any(one is sink for one, _ in self._adding):
            raise ValueError(f"{sink!r} is being added already")
        if any(root in nodes for nodes in topology.retiring.values()):
            raise ValueError(f"{root.kind} {root.name} is being removed")
        if root.ctx is not None and topology.nodes.get(root.name) is not root:
            raise ValueError(f"{root.kind} {root.name} belongs to another topology, or did")

    def remove(
        self,
        sink: Sink | str,
        *,
        broadcast: str | Node | None,
        fate: str | None,
        deadline: float,
    ) -> None:
        """Remove a target; see `Live.remove`. What it leaves behind drains in the background."""
        topology = self._topology
        root: Any = topology.nodes.get(sink) if isinstance(sink, str) else sink
        fans = [n for n in topology.nodes.values() if isinstance(n, Broadcast)]
        if broadcast is not None:
            fans = [self._broadcast(broadcast)]
        fan = next((one for one in fans if one.entrance_of(root) is not None), None)
        if root is None or fan is None:
            raise KeyError(f"no broadcast has the target {sink!r}")
        below = [one for one in downstream([as_node(root)]) if isinstance(one, Queue)]
        said = read_fate(fate, topology.nodes) if fate is not None else None
        fates = {queue: said or read_fate(queue.on_remove, topology.nodes) for queue in below}
        topology.flush()
        target = fan.discard(root)
        assert target is not None, "the target was found above"
        node = target.link.target
        if fan.gate is None:
            topology.wire()
        kept = {id(one) for one in topology.ordered_from_roots()}
        gone = [one for one in downstream([node]) if id(one) not in kept]
        told = fate or "on_remove"
        topology.journal.note("target_removed", node=fan.name, target=node.name, fate=told)
        fates = {queue: own for queue, own in fates.items() if queue in gone}
        topology.retire_soon(gone, fates, deadline)

    def _broadcast(self, where: str | Node) -> Broadcast:
        """Return the broadcast of that name; KeyError or TypeError say what is wrong."""
        node = self._topology.nodes.get(where) if isinstance(where, str) else where
        if node is None:
            raise KeyError(f"no node is named {where!r}")
        if not isinstance(node, Broadcast):
            raise TypeError(f"{node.kind} {node.name} has no members: only a broadcast has")
        return node
