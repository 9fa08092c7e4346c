"""Which entrances get a gate: the trees of synchronous nodes whose every queue has one way in.

It looks at live links only, so that it serves documents and trees of combinators alike. Where a
tree does not qualify nothing is lost but speed: writes are admitted by an explicit plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sinkgraph.event import Batch
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.broadcast import Broadcast, reads_directly
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.gate import Gate
from sinkgraph.sinks.instant import Instant
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.route import Route
from sinkgraph.sinks.sample import Sample
from sinkgraph.sinks.splice import Splice, beyond

__all__ = ["downstream", "limit_batches", "prepare", "unwire", "ways", "wire"]

_WAY = 32  # names of a way are kept at most

_SELECTING = (Filter, Route, Sample, Splice)


@dataclass(slots=True)
class _Tree:
    """Is what stands synchronously below one entrance."""

    queues: list[Queue] = field(default_factory=list)
    inner: list[Node] = field(default_factory=list)
    eligible: bool = True


def downstream(roots: Iterable[Node]) -> list[Node]:
    """Return every node reachable from `roots`, each once, upstream before downstream.

    Where nothing else decides, a first target comes before the second. No recursion: a chain of
    thousands of nodes is as good as any.
    """
    found: dict[int, Node] = {}
    order: list[Node] = []
    for root in roots:
        if id(root) in found:
            continue
        found[id(root)] = root
        stack: list[tuple[Node, Iterator[Link]]] = [(root, reversed(root.links()))]
        while stack:
            node, links = stack[-1]
            for link in links:
                target = link.target
                if id(target) not in found:
                    found[id(target)] = target
                    stack.append((target, reversed(target.links())))
                    break
            else:
                order.append(node)
                stack.pop()
    order.reverse()
    return order


def ways(nodes: Iterable[Node]) -> dict[str, tuple[str, ...]]:
    """Return for each node whom every event passes on its way there, by name, the node last.

    `nodes` stand upstream before downstream. Where ways meet, what they share is left: nobody who
    may not have seen the event is named. Of a long way the end is kept.
    """
    found: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        way = (*found.get(node.name, ())[1 - _WAY :], node.name)
        found[node.name] = way
        for link in node.links():
            if link.port != "dead_letter":
                other, name = found.get(link.target.name), link.target.name
                found[name] = way if other is None else tuple(one for one in other if one in way)
    return found


def wire(nodes: Sequence[Node], entries: Iterable[Node], new_uid: Callable[[], str]) -> None:
    """Give every entrance that qualifies its gate; `entries` are written from outside."""
    ways: dict[int, int] = {}
    sync_ways: dict[int, int] = {}
    for node in nodes:
        for link in node.links():
            ways[id(link.target)] = ways.get(id(link.target), 0) + 1
            if isinstance(node, Instant) and not _is_outgoing(node, link):
                sync_ways[id(link.target)] = sync_ways.get(id(link.target), 0) + 1
    for key in {id(node) for node in entries}:
        ways[key] = ways.get(key, 0) + 1
    for node in nodes:
        if isinstance(node, Queue):
            target = beyond(node.to.target)
            if isinstance(target, Retry):
                target.below_queue = ways.get(id(target), 0) == 1
        if not isinstance(node, Instant) or node.gate is not None or sync_ways.get(id(node)):
            continue
        if not ways.get(id(node)):
            continue
        tree = _tree(node, ways)
        if tree.eligible and tree.queues:
            _build(node, tree, new_uid()).shared = ways[id(node)] > 1


def _is_outgoing(node: Instant, link: Link) -> bool:
    """Whether an edge of a queue is taken later, by its lanes, not at admission."""
    return isinstance(node, Queue) and link is not node.overflow


def _tree(root: Instant, ways: dict[int, int]) -> _Tree:
    tree = _Tree()
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        if node is not root and ways.get(id(node), 0) != 1:
            tree.eligible = False
            break
        if isinstance(node, Queue):
            odd = node.when_full == "overflow" or node.max_bytes is not None or node.durable
            if odd or node.closed:
                tree.eligible = False
                break
            tree.queues.append(node)
        elif isinstance(node, Broadcast) or (
            isinstance(node, _SELECTING) and getattr(node, "dead_letter", None) is None
        ):
            tree.inner.append(node)
            stack += [link.target for link in reversed(node.links())]
        elif not node.never_blocks:
            tree.eligible = False
            break
    return tree


def _build(root: Instant, tree: _Tree, uid: str) -> Gate:
    direct: list[Queue] = []
    if isinstance(root, Queue) and root.when_full != "drop_newest":
        direct = [root]
        select: Callable[[Batch, Plan], None] | None = None
    elif isinstance(root, Broadcast):
        for target in root.targets:
            queue = target.link.target
            if isinstance(queue, Queue) and reads_directly(target):
                direct.append(queue)
                target.direct = True
        select = root.select if len(direct) < len(root.targets) else None
    else:
        select = _selector(root)
    gate = Gate(root, uid, select=select)
    chosen = set(map(id, direct))
    gate.selected = [queue for queue in tree.queues if id(queue) not in chosen]
    for queue in gate.selected:
        queue.fed_by = gate
    root.gate = gate
    gate.attach_all(direct)
    if isinstance(root, Broadcast):
        for target in root.targets:
            target.since = gate.log.front
    return gate


def _selector(root: Instant) -> Callable[[Batch, Plan], None]:
    entrance = root.entrance()
    return lambda batch, plan: root.admit(batch, plan, (), entrance)


def unwire(nodes: Iterable[Node]) -> None:
    """Take every gate away; queues keep what is pending."""
    for node in nodes:
        if isinstance(node, Instant):
            node.leave_gate()


def prepare(nodes: Sequence[Node]) -> None:
    """Settle what nodes tell each other before they are wired: limits, and how they take events."""
    limit_batches(nodes)
    for node in reversed(nodes):
        if isinstance(node, Instant):
            node.seals = _seals(node)
        for link in node.links():
            link.refresh()


def _seals(node: Instant) -> bool:
    """Whether a write to a node is admitted to a queue that keeps its events on disk."""
    if isinstance(node, Queue) and node.durable:
        return True
    below = (link.target for link in node.links() if not _is_outgoing(node, link))
    return any(isinstance(target, Instant) and target.seals for target in below)


def limit_batches(nodes: Sequence[Node]) -> None:
    """Let no lane take more than the smallest `max_batch` below it, up to the next queue.

    A `batch` that only a queue writes to is fused into its lanes: nothing waits twice.
    """
    below: dict[int, int | None] = {}
    edges = [(node, node.links()) for node in nodes]
    ways = Counter([id(link.target) for _, links in edges for link in links])
    for node, links in reversed(edges):
        limits = [below.get(id(link.target)) for link in links if link.port != "dead_letter"]
        known = [limit for limit in limits if limit is not None]
        if isinstance(node, Queue):
            target = beyond(node.to.target)
            fused = target if isinstance(target, BatchSink) and ways[id(target)] == 1 else None
            if fused is not None:
                fused.fused = True
                known.append(fused.max_events)
            node.lanes.linger_for(fused.max_wait if fused is not None else 0.0)
            node.limit_batch(min(known, default=None))
            below[id(node)] = None
        else:
            if isinstance(node, BatchSink):
                node.fused = False
            if node.max_batch is not None:
                known.append(node.max_batch)
            below[id(node)] = min(known, default=None)
