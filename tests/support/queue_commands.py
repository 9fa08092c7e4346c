"""Calling `sinkgraph queue` in this process, and damaging what it looks at."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from sinkgraph.cli.main import cli
from sinkgraph.log.disk.format import key_of
from sinkgraph.log.disk.store import Store

__all__ = ["digests", "ids", "queue", "spoil"]


def queue(*args: str | Path) -> Result:
    """Run `sinkgraph queue ARGS`."""
    return CliRunner().invoke(cli, ["queue", *map(str, args)], prog_name="sinkgraph")


def ids(lines: str | bytes) -> list[str]:
    """Return the ids of events written as lines."""
    return [json.loads(line)["id"] for line in lines.splitlines()]


def digests(folder: Path) -> dict[str, str]:
    """Return what every file of a state dir holds, but for its lock."""
    names: list[Any] = [one for one in folder.iterdir() if one.name != "events.lock"]
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in names}


def spoil(folder: Path, *positions: int) -> None:
    """Damage the events of chunks of log 1."""
    store = Store.open(str(folder))
    for at in positions:
        store.db.execute("UPDATE rows SET body = x'90' WHERE key = ?", (key_of(1, at),))
    store.close()
