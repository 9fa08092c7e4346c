"""Documents to reload between, in a world: short ways to write them, and to hold what came."""

from __future__ import annotations

import copy
from typing import Any

from sinkgraph.runtime.live import Live
from sinkgraph.runtime.outcome import Applied
from sinkgraph.testing import Destination

__all__ = ["Sinks", "applied", "chain", "document", "edited", "numbers"]

Sinks = dict[str, dict[str, Any]]

_DRAWN = {"sinkgraph": 1, "name": "reloaded"}


def document(sinks: Sinks, *, to: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a document with one inlet, which leads to the first sink unless `to` is given."""
    inlet = {"in": {"kind": "inlet", "to": to if to is not None else next(iter(sinks))}}
    return copy.deepcopy({**_DRAWN, "sources": inlet, "sinks": sinks, **more})


def chain(host: str = "a", **fields: Any) -> Sinks:
    """Return a queue, a retry and an http sink; fields are `queue_…`, `retry_…`, `http_…`."""
    own: dict[str, dict[str, Any]] = {"queue": {}, "retry": {}, "http": {}}
    for name, value in fields.items():
        kind, _, field = name.partition("_")
        own[kind][field] = value
    return {
        "queue": {"kind": "queue", "to": "retry", **own["queue"]},
        "retry": {"kind": "retry", "to": "http", **own["retry"]},
        "http": {"kind": "http", "url": f"http://{host}.test/", **own["http"]},
    }


def edited(before: dict[str, Any], **nodes: dict[str, Any] | None) -> dict[str, Any]:
    """Return a copy of a document in which nodes have other fields; None takes one out."""
    after = copy.deepcopy(before)
    for name, fields in nodes.items():
        part = after["sources"] if name in after["sources"] else after["sinks"]
        if fields is None:
            del part[name]
        else:
            part[name] = {**part.get(name, {}), **fields}
    return after


async def applied(live: Live, what: dict[str, Any], **options: Any) -> Applied:
    """Reload, and hold that it was applied and that every ledger adds up right after."""
    result = await live.reload(what, **options)
    assert isinstance(result, Applied), result
    for name, node in live.snapshot().nodes.items():
        assert node.ledger.residue == 0, (name, node.ledger)
    return result


def numbers(host: Destination) -> list[int]:
    """Return the numbers of the events that a destination took, as they came."""
    return [payload["n"] for one in host.taken for payload in one.payloads]
