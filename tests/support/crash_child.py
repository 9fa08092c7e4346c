"""A program that is killed: it writes to four disk queues and says which events it was told of.

`python -m tests.support.crash_child SETTINGS` (one JSON object). Everything it has to say leaves
the process at once, so that nothing said is lost by a kill: acknowledgements go to stdout, a line
each; deliveries are appended to `got.NAME`. Once it has drained it tells the dead letters: every
ninth event dies at a filter, and of the others every fifth at its receiver. It knows no test: what
has to hold is judged by whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

import apsw

import sinkgraph
from sinkgraph.errors import DeliveryFailed, Rejected
from sinkgraph.event import Event
from sinkgraph.log.disk.chunk import decode
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sources.http import HttpSource

__all__ = ["LANES", "MAX_BATCH", "NAMES", "Settings", "body"]

NAMES = ("left", "right", "even", "fragile")
LANES = {"left": 1, "right": 3, "even": 1, "fragile": 4}
MAX_BATCH = 16
RECEIVER_S = 0.001  # what one delivery takes
DOCUMENT = {
    "sinkgraph": 1,
    "name": "crashing",
    "sources": {
        "web": {"kind": "http", "listen": "127.0.0.1:0", "path": "/events", "to": "fan"},
        "inlet": {"kind": "inlet", "to": "fan"},
    },
    "sinks": {
        "fan": {"kind": "broadcast", "to": ["left", "right", "choice", "choosy"]},
        "left": {"kind": "queue", "store": "disk", "max_batch": MAX_BATCH, "to": "a"},
        "right": {
            "kind": "queue",
            "store": "disk",
            "max_batch": MAX_BATCH,
            "concurrency": LANES["right"],
            "order_by": "data.writer",
            "to": "again",
        },
        "again": {
            "kind": "retry",
            "backoff": {"base": "10ms", "cap": "50ms"},
            "hold": "key",
            "to": "b",
        },
        "choice": {"kind": "filter", "where": "data.n % 2 == 0", "to": "even"},
        "even": {"kind": "queue", "store": "disk", "max_batch": MAX_BATCH, "to": "c"},
        "choosy": {
            "kind": "filter",
            "where": "data.n % 9 != 0 || data.missing > 0",
            "to": "fragile",
        },
        "fragile": {
            "kind": "queue",
            "store": "disk",
            "max_batch": 1,
            "concurrency": LANES["fragile"],
            "to": "d",
        },
        "a": {"kind": "call", "target": "provided:left"},
        "b": {"kind": "call", "target": "provided:right"},
        "c": {"kind": "call", "target": "provided:even"},
        "d": {"kind": "call", "target": "provided:fragile"},
    },
}


@dataclass(frozen=True)
class Settings:
    """Says what one life does, and when it ends itself (0: never)."""

    state: str  # the state dir
    folder: str  # where deliveries are noted
    life: int
    writers: int = 4  # 0: drain what there is, and end
    failing: float = 0.0  # which share of the deliveries on the right fails
    change: int = 0  # end at this change of a file
    torn: bool = False  # with half of that change made
    ack: int = 0  # end after this acknowledgement
    delivery: int = 0  # end at this delivery, before it is noted
    seed: int = 0

    def argument(self) -> str:
        """Return it as the program takes it."""
        return json.dumps(asdict(self))


def body(event_id: str) -> dict[str, Any]:
    """Return the payload of an event; it can be told from any other, and from a damaged one."""
    writer, _, n = event_id.rpartition(".")
    pad = "x" * (int(n) * 37 % 700)
    return {"id": event_id, "writer": writer, "n": int(n), "check": event_id[::-1], "pad": pad}


def die() -> None:
    """End as a kill does."""
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Ends the process when it has been called `at` times; never for 0."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, last_words: Callable[[], object] = lambda: None) -> None:
        if self.left > 0:
            self.left -= 1
            if not self.left:
                last_words()
                die()


BASE = "unix"  # SQLite's own


class MortalVfs(apsw.VFS):
    """Is the default file system, until the change at which the process ends."""

    def __init__(self, countdown: Countdown, *, torn: bool) -> None:
        self.countdown = countdown
        self.torn = torn
        super().__init__("mortal", BASE, makedefault=True)

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        """Open a file."""
        return MortalFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        """Delete a file."""
        self.countdown()
        super().xDelete(filename, syncdir)


class MortalFile(apsw.VFSFile):
    """Is a file whose changes are counted."""

    def __init__(self, vfs: MortalVfs, name: Any, flags: Any) -> None:
        self.vfs = vfs
        super().__init__(BASE, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        """Write; a torn last write is made by half."""
        half = bytes(data[: len(data) // 2])
        write = super().xWrite
        self.vfs.countdown(lambda: write(half, offset) if self.vfs.torn else None)
        write(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        """Cut."""
        self.vfs.countdown()
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Sync."""
        self.vfs.countdown()
        super().xSync(flags)


def receiver(
    settings: Settings, name: str, failing: float, countdown: Countdown
) -> Callable[[Event], Awaitable[None]]:
    """Return the function that takes deliveries: it notes the id of each at once."""
    path = os.path.join(settings.folder, f"got.{name}")
    noted = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(noted, f"life {settings.life}\n".encode())
    chance = random.Random(f"{settings.seed} {settings.life} {name}")

    async def take(event: Event) -> None:
        if chance.random() < failing:
            raise DeliveryFailed("scripted")
        await asyncio.sleep(RECEIVER_S)
        countdown()
        if name == "fragile" and event.data["n"] % 5 == 0:
            raise Rejected("every fifth")
        whole = isinstance(event.data, dict) and event.data == body(str(event.data.get("id")))
        os.write(noted, f"{event.data['id'] if whole else 'damaged'}\n".encode())

    return take


async def write(live: Live, settings: Settings, k: int, countdown: Countdown) -> None:
    """Write for ever, one event or some, and say so after each write that was taken."""
    chance = random.Random(f"{settings.seed} {settings.life} writer {k}")
    n = 0
    while True:
        ids = [f"{settings.life}.{k}.{n + i}" for i in range(chance.choice([1, 1, 2, 9, 40]))]
        n += len(ids)
        if len(ids) == 1:
            await live.write(body(ids[0]), to="inlet")
        else:
            await live.write_many([body(one) for one in ids], to="inlet")
        os.write(1, "".join(f"ack {one}\n" for one in ids).encode())
        for _ in ids:
            countdown()


async def tell_dead(live: Live) -> int:
    """Say which events are dead letters, and where they died; return how many are not whole."""
    node = live.topology.nodes["dead-letters"]
    assert isinstance(node, DeadLetters)
    strange = after = 0
    while page := await node.letters(after=after, limit=500):
        after = page[-1].number
        for one in page:
            events = decode(one.body) if one.body is not None else ()
            whole = [event for event in events if event.data == body(str(event.data.get("id")))]
            strange += len(whole) != 1 or one.node != whole[0].meta["node"]
            lines = [f"dead {one.node} {event.data['id']}\n" for event in whole]
            os.write(1, "".join(lines).encode())
    return strange


async def main(settings: Settings) -> None:
    """Live one life."""
    if settings.change:
        vfs = MortalVfs(Countdown(settings.change), torn=settings.torn)
        assert "mortal" in apsw.vfs_names(), vfs
    delivered = Countdown(settings.delivery)
    provide = {
        name: receiver(settings, name, settings.failing if name == "right" else 0.0, delivered)
        for name in NAMES
    }
    graph = sinkgraph.run(DOCUMENT, state_dir=settings.state, provide=provide, drain=30.0)
    async with graph as live:
        port = cast(HttpSource, live.topology.sources["web"]).address[1]
        recovered = {name: live.snapshot()[name].ledger.recovered for name in NAMES}
        os.write(1, f"ready {port} {json.dumps(recovered)}\n".encode())
        acknowledged = Countdown(settings.ack)
        if settings.writers:
            writers = [write(live, settings, k, acknowledged) for k in range(settings.writers)]
            await asyncio.gather(*writers)
        assert await live.drain(30.0)
        strange = await tell_dead(live)
    report = live.report
    assert report is not None
    os.write(1, f"done {report.residue} {report.lost} {strange}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(Settings(**json.loads(sys.argv[1]))))
