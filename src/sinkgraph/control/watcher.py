"""Follows the files a document is read from, and has them applied when what they hold has changed.

What counts is the content, not the time of a file: one that is touched, or away for the moment in
which an editor replaces it, has not changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sinkgraph.control.nudging import Nudges, folders_of
from sinkgraph.control.supervisor import Supervisor
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.render.serve.watch import Watched
from sinkgraph.runtime.topology import Topology

__all__ = ["Watcher"]

LOOK_S = 1.0
"""How often it looks without being told to."""
SETTLE_S = 0.2
"""How long files must stay as they are before they are read."""
_LONGEST_S = 2.0  # files that change all the time are read all the same

_Answer = TypeVar("_Answer")


class Watcher:
    """Watches the files of one supervised run while its block is entered.

    `applies` False: it only tells that they say something else. `watched` may know already what the
    file held when it was read.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        topology: Topology,
        *,
        applies: bool,
        resumed: bool = False,
        watched: Watched | None = None,
        look_s: float = LOOK_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        assert supervisor.path is not None, "standard input cannot be watched"
        self._supervisor = supervisor
        self._topology = topology
        self._applies = applies
        self._resumed = resumed
        self._look_s = look_s
        self._settle_s = settle_s
        self._watched = watched if watched is not None else Watched([Path(supervisor.path)])
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._nudges = Nudges(
            lambda: self._from_thread(self._woken.set),
            lambda reason: self._from_thread(self._polls, reason),
        )
        self._told_polling = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watcher:
        self._task = self._loop.create_task(self._run(), name="watcher")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._nudges.stop()

    def _from_thread(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    def _polls(self, reason: str) -> None:
        if not self._told_polling:
            self._told_polling = True
            said = safe_text(reason, 200)
            self._topology.journal.note("watch_polls", every_s=self._look_s, reason=said)

    async def _run(self) -> None:
        anew = await self._follow() and not self._resumed
        if anew:
            await self._catch_up()
        while True:
            try:
                async with asyncio.timeout(self._look_s):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                if await self._changed():
                    await self._act()
                    while await self._follow():
                        await self._catch_up()
                else:
                    await self._aside(self._listen)
            except Exception as error:  # it must go on: the next save may be the right one
                self._topology.journal.note("watch_failed", error=repr(error))

    async def _changed(self) -> bool:
        """Tell whether the files hold something else, once they have come to rest."""
        if not await self._aside(self._watched.changed):
            return False
        until = self._loop.time() + _LONGEST_S
        while self._loop.time() < until:
            await asyncio.sleep(self._settle_s)
            if not await self._aside(self._watched.changed):
                break
        return True

    async def _act(self) -> None:
        if self._applies:
            await self._supervisor.apply(origin="watch")
        else:
            await self._supervisor.look()

    async def _catch_up(self) -> None:
        """Apply what was written between the reading of a file and the first look at it."""
        await self._supervisor.look()
        drift = self._supervisor.drift
        if self._applies and drift is not None and drift.why == "changed":
            await self._act()

    async def _follow(self) -> bool:
        """Watch what was read last; tell whether some of it was not watched before."""
        looked = self._supervisor.looked
        files = [Path(one) for one in (*looked.files, *looked.secrets)]
        folders = [Path(one) for one in looked.folders]
        fresh = await self._aside(lambda: self._watched.follow(files, folders))
        await self._aside(self._listen)
        return fresh

    def _listen(self) -> None:
        if not self._applies:
            return  # now and then is soon enough for who only tells
        looked = self._supervisor.looked
        path = self._supervisor.path
        assert path is not None, "standard input cannot be watched"
        folders, names = folders_of([path, *looked.files, *looked.secrets])
        if looked.folders:
            folders.update(looked.folders)
            names = set()
        self._nudges.follow(folders, names)

    async def _aside(self, call: Callable[[], _Answer]) -> _Answer:
        answer: _Answer = await self._topology.pool.run(call)
        return answer
