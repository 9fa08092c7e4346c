"""`sinkgraph queue ls`: the queues of a state dir that hold events, and what else is there.

It changes nothing and may be asked of a state dir that is in use.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.options import echo, json_option, many
from sinkgraph.cli.queue.opening import for_reading, place, place_options, size_of_file
from sinkgraph.cli.queue.words import age_words, events, queue_words, size_words, table
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.offline import Held
    from sinkgraph.log.disk.store import Store

__all__ = ["command"]


@click.command(name="ls")
@place_options
@json_option
def command(directory: str | None, state_dir: str | None, as_json: bool) -> None:
    """List the queues that hold events, and what else a state dir holds.

    Pending events are those that no destination has taken yet; of a state dir that is in use, as
    of its last commit.
    """
    from sinkgraph.log.disk.lock import holder

    where = place(directory, state_dir)
    with for_reading(where) as store:
        made = _told(store, where)
    made["pid"] = holder(where)
    echo(json.dumps(made, indent=2) if as_json else "\n".join(_lines(made, time.time())))


def _told(store: Store, directory: str) -> dict[str, Any]:
    """Return what a store holds as plain values."""
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.format import VERSION
    from sinkgraph.log.disk.offline import held, log_names

    names = log_names(store)
    quarantined = store.select("SELECT count(*), coalesce(sum(n), 0) FROM quarantine")[0]
    queues = [_queue(store, one, names) for one in held(store).values()]
    return {
        "state_dir": os.path.abspath(directory),
        "format": VERSION,
        "queues": queues,
        "dead_letters": dead.count(store),
        "quarantine": {"chunks": quarantined[0], "events": quarantined[1]},
        "cut": store.cut,
        "lost_records": store.lost_records,
        "files": _files(directory),
    }


def _queue(store: Store, one: Held, names: dict[int, str]) -> dict[str, Any]:
    from sinkgraph.log.disk.offline import oldest

    return {
        "name": one.name,
        "pending": one.pending,
        "bytes": one.size,
        "oldest": oldest(store, one) if one.pending else None,
        "logs": [names.get(log, f"log {log}") for log in one.logs],
        "misread": one.misread or None,
    }


def _files(directory: str) -> dict[str, int]:
    """Return the files of a store with their bytes."""
    names = sorted(one for one in os.listdir(directory) if one.startswith("events."))
    return {one: size_of_file(os.path.join(directory, one)) for one in names}


def _lines(made: dict[str, Any], now: float) -> Iterator[str]:
    """Yield what a person reads."""
    pid = made["pid"]
    used = f", in use by process {pid}" if pid else ", in use" if pid == 0 else ""
    yield f"state dir {safe_text(made['state_dir'])}{used}"
    waiting = [one for one in made["queues"] if one["pending"]]
    if waiting:
        yield from _table(waiting, now)
    else:
        yield "  no queue holds events"
    idle = sum(1 for one in made["queues"] if not one["pending"] and not one["misread"])
    if idle and waiting:
        yield f"  {many(idle, 'other queue')} {'holds' if idle == 1 else 'hold'} nothing"
    if made["dead_letters"]:
        yield f"dead letters: {made['dead_letters']:,} (`sinkgraph dlq ls` lists them)"
    yield from _damage(made)
    shown = ", ".join(f"{name} {size_words(size)}" for name, size in made["files"].items())
    yield f"files: {shown}"


def _table(waiting: list[dict[str, Any]], now: float) -> list[str]:
    rows = [("queue", "pending", "size", "oldest", "stored in")]
    for one in waiting:
        at = one["oldest"]
        rows.append(
            (
                queue_words(one["name"]),
                f"{one['pending']:,}",
                size_words(one["bytes"]),
                age_words(None if at is None else now - at),
                ", ".join(safe_text(log) for log in one["logs"]),
            )
        )
    return table(rows, right=frozenset({1, 2}))


def _damage(made: dict[str, Any]) -> Iterator[str]:
    """Yield what is not as it was written."""
    found: list[str] = []
    quarantine = made["quarantine"]
    if quarantine["chunks"]:
        found.append(f"{events(quarantine['events'])} in {many(quarantine['chunks'], 'chunk')}")
    if made["cut"]:
        found.append(f"{events(made['cut'])} cut off at the end")
    if made["lost_records"]:
        found.append(many(made["lost_records"], "record"))
    misread = [safe_text(one["name"]) for one in made["queues"] if one["misread"]]
    if misread:
        found.append(f"the place of {', '.join(misread)}")
    if found:
        yield f"damaged or lost: {'; '.join(found)} (`sinkgraph queue check` tells more)"
