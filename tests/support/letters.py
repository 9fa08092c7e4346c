"""Dead letters for tests: stored as the engine stores them, and looked at afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli
from sinkgraph.event import Batch, Event, Meta
from sinkgraph.log.disk import chunk, dead
from sinkgraph.log.disk.dead import DeadLetter, DeadRow
from sinkgraph.log.disk.offline import Walk, held
from sinkgraph.log.disk.store import Store

__all__ = ["DIED_AT", "a_row", "bury", "dlq", "left", "stored"]

DIED_AT = 1_767_139_200.0
"""Unix seconds at which letter 0 failed for the last time, a day before virtual runs begin.

Letter k did k seconds later."""


def a_row(
    k: int,
    *,
    node: str = "again",
    reason: str = "gave_up",
    id: str | None = None,
    type: str = "event",
    data: Any = None,
    meta: dict[str, Any] | None = None,
    errors: Sequence[str] = ("DeliveryFailed: 503 Service Unavailable",),
    attempts: int = 20,
    body: bytes | None = None,
) -> DeadRow:
    """Return a letter numbered k, whose payload is {"n": k} unless given."""
    payload = {"n": k} if data is None else data
    added: dict[str, Any] = {
        "reason": reason,
        "node": node,
        "path": ["in", "hooks", node],
        "attempts": attempts,
        "errors": list(errors),
        "first_failed": DIED_AT + k - 3600,
        "last_failed": DIED_AT + k,
        "graph": "0123456789abcdef",
    }
    own = id if id is not None else f"run-{k}"
    event = Event(own, type, "in", DIED_AT - 7200, payload, Meta({**(meta or {}), **added}))
    batch = Batch.of([event])
    batch.seal()
    size = len(batch.payloads[0] if isinstance(payload, bytes) else batch.json()[0])
    packed = chunk.encode([batch]) if body is None else body
    return DeadRow(
        "dead-letters", node, reason, own, type, DIED_AT + k, DIED_AT + k - 3600, size, packed
    )


def bury(directory: str, rows: Iterable[DeadRow]) -> None:
    """Store dead letters in a state dir nobody uses."""
    store = Store.open(directory)
    try:
        store.commit([], dead=list(rows))
    finally:
        store.close()


def dlq(*args: str | Path) -> Result:
    """Run `sinkgraph dlq ARGS` in this process."""
    return CliRunner().invoke(cli, ["dlq", *map(str, args)], prog_name="sinkgraph")


def left(directory: str) -> list[DeadLetter]:
    """Return the dead letters of a state dir."""
    store = Store.open(directory, read_only=True)
    try:
        return dead.letters(store, limit=1_000_000)
    finally:
        store.close()


def stored(directory: str, node: str) -> list[Event]:
    """Return the events that wait to be replayed into a node, in order."""
    store = Store.open(directory, read_only=True)
    try:
        name = f"replay/{node}"
        one = held(store).get(name)
        walk = Walk(name)
        events: list[Event] = []
        while one is not None and (found := walk.read(store, one)):
            events += [event for chunk in found for event in chunk.batch or ()]
        return events
    finally:
        store.close()
