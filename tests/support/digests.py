"""What a running graph is at one instant, without the events in it: for telling what changed.

Two digests are equal when the same nodes, by the same names, with the same settings, lead to the
same nodes and hold the same things of the outside world.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Node

__all__ = ["state_digest"]


def state_digest(live: Live) -> dict[str, Any]:
    """Return what runs: nodes, settings, edges, listeners, files, shelves, claims."""
    topology = live.topology
    depot = topology.ctx.depot
    return {
        "generation": live.generation,
        "name": live.name,
        "digest": topology.ctx.graph_digest,
        "nodes": {name: _node(node) for name, node in topology.nodes.items()},
        "order": [id(node) for node in topology.wired],
        "faces": {key: id(face) for key, face in topology.faces.items()},
        "dead_letters": id(topology.ctx.dead_letters.target),
        "provided": sorted(topology.ctx.provided),
        "files": {key: (id(one), one.holders) for key, one in topology.ctx.files._open.items()},
        "listeners": _listeners(topology.assembly.shared),
        "shelves": None if depot is None else _shelves(depot),
        "claims": None if depot is None else _claims(depot),
    }


def _node(node: Node) -> tuple[Any, ...]:
    lanes = getattr(node, "lanes", None)
    machine = getattr(node, "machine", None)
    names = [*(node.settings or ()), "was", "on_remove", "closed"]
    settings = {name: _plain(getattr(node, name)) for name in names}
    return (
        id(node),
        node.kind,
        node.name,
        node.path,
        settings,
        [(link.port, link.required, id(link), id(link.target)) for link in node.links()],
        (lanes.concurrency, lanes.linger, id(lanes.keys)) if lanes is not None else None,
        (id(machine), _plain(machine.policy)) if machine is not None else None,
        id(getattr(node, "gate", None)),
    )


def _plain(value: Any) -> str:
    return (
        f"{type(value).__name__} {value!r}" if isinstance(value, str | int | float) else repr(value)
    )


def _listeners(shared: dict[str, Any]) -> Any:
    listeners = shared.get("listeners")
    if listeners is None:
        return None
    return sorted((str(key), id(one)) for key, one in listeners._table.items())


def _shelves(depot: Any) -> list[Any]:
    return sorted(
        (name, id(one), one.name, one.takes, id(one.keeper)) for name, one in depot.shelves.items()
    )


def _claims(depot: Any) -> Any:
    vault = depot.vault
    return id(vault._rest), sorted((name, id(one)) for name, one in vault._keepers.items())
