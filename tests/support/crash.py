"""Starts the program that is killed, listens to it, kills it, and keeps what it acknowledged."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.client import calling, request
from tests.support.crash_child import Settings, body

__all__ = ["Life", "Receivers", "live_once"]

ROOT = Path(__file__).parents[2]
DEADLINE_S = 50.0


@dataclass
class Life:
    """Is what one process said: what it acknowledged, in order, and how it ended."""

    settings: Settings
    acked: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)  # by an answer 202
    recovered: dict[str, int] | None = None  # None: it never came so far
    dead: dict[str, set[str]] = field(default_factory=dict)  # where it died: what did
    done: tuple[int, ...] | None = None  # residue, lost, dead letters that are not whole
    code: int = 0
    err: str = ""


class Receivers:
    """Reads what arrived, life by life."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> list[list[str]]:
        lives: list[list[str]] = []
        for line in (self.folder / f"got.{name}").read_text().split("\n")[:-1]:
            if line.startswith("life "):
                lives.append([])
            else:
                lives[-1].append(line)
        return lives


async def live_once(settings: Settings, *, kill_at: int = 0, posters: int = 0) -> Life:
    """Let one process live; it is killed from outside once it acknowledged `kill_at` events.

    `posters` clients post to it over HTTP meanwhile.
    """
    life = Life(settings)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.crash_child", settings.argument(), cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=2**20,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    clients: list[asyncio.Task[None]] = []

    def kill() -> None:
        if process.returncode is None:
            # not `process.kill`: it would reap a child that has just died, and its code were lost
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    try:
        async with asyncio.timeout(DEADLINE_S):
            errors = asyncio.create_task(process.stderr.read())
            async for raw in process.stdout:
                if not raw.endswith(b"\n"):
                    break  # cut by the kill: never said
                word, *rest = raw.decode().split(" ", 2)
                match word:
                    case "ready":
                        life.recovered = json.loads(rest[1])
                        for k in range(posters):
                            work = _post(life, int(rest[0]), k, kill_at, kill)
                            clients.append(asyncio.create_task(work))
                    case "ack":
                        life.acked.append(rest[0].strip())
                    case "dead":
                        life.dead.setdefault(rest[0], set()).add(rest[1].strip())
                    case "done":
                        life.done = tuple(map(int, " ".join(rest).split()))
                if kill_at and len(life.acked) + len(life.posted) >= kill_at:
                    kill()
            life.code = await process.wait()
            life.err = (await errors).decode()
    finally:
        kill()
        await process.wait()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    return life


async def _post(life: Life, port: int, k: int, kill_at: int, kill: Callable[[], None]) -> None:
    """Post events until the connection is gone; those of an answer 202 are accepted."""
    chance = random.Random(f"{life.settings.seed} {life.settings.life} poster {k}")
    n = 0
    try:
        async with calling(port) as caller:
            while True:
                size = chance.choice([1, 1, 3, 20])
                ids = [f"{life.settings.life}.w{k}.{n + i}" for i in range(size)]
                n += size
                answer = await caller.send(request(json.dumps([body(one) for one in ids])))
                assert answer.status == 202, answer
                assert answer.json == {"accepted": size, "worth": "durable"}
                life.posted += ids
                if kill_at and len(life.acked) + len(life.posted) >= kill_at:
                    kill()
    except (ConnectionError, asyncio.IncompleteReadError):
        return
