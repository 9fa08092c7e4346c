"""One life of a graph in a simulation: it starts, runs, and stops, or dies without closing a thing.

All tasks a graph makes belong to its life. After a death its disk and network answer nothing, what
is left of its tasks is ended, and nothing it still says counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from sinkgraph.clock import Request, Response
from sinkgraph.simulation.disk import VirtualDisk

if TYPE_CHECKING:
    from sinkgraph.runtime.live import Live
    from sinkgraph.runtime.run import Run
    from sinkgraph.simulation.network import VirtualNetwork

__all__ = ["Died", "Process"]

_Result = TypeVar("_Result")
_Begin = Callable[["Port", VirtualDisk], "Run"]

_LIFE: ContextVar[Process | None] = ContextVar("simulated process", default=None)
_ROUNDS = 400  # ticks in which the tasks of the dead have to end
_LEAVE_S = 5.0  # virtual seconds in which a cancelled part of a process has to end
_PATIENCE = 10  # ticks after which nobody waits for the disk any more


class Died(Exception):
    """Say that the simulated process died before it could answer."""


class Port:
    """Is one process's end of the network: after its death it sends nothing and hears nothing."""

    def __init__(self, network: VirtualNetwork) -> None:
        self._network = network
        self.dead = False

    async def send(self, request: Request) -> Response:
        """Send a request, unless the process is dead."""
        if self.dead:
            await asyncio.get_running_loop().create_future()
        return await self._network.send(request)

    async def close(self) -> None:
        """Close as the network does."""
        await self._network.close()


class Process:
    """Runs one graph. `live` is it, once started; `alive` is False after a stop or a death."""

    def __init__(self, number: int, disk: VirtualDisk, network: VirtualNetwork) -> None:
        self.number = number
        self.disk = disk
        self.port = Port(network)
        self.alive = True
        self.died = asyncio.get_running_loop().create_future()
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._live: Live | None = None
        self._run: Run | None = None
        _adopt(asyncio.get_running_loop())

    @property
    def live(self) -> Live:
        """The running graph."""
        assert self._live is not None, "the process was started"
        return self._live

    @property
    def started(self) -> bool:
        """Whether the graph has come up."""
        return self._live is not None

    async def start(self, begin: _Begin) -> Live:
        """Enter the run that `begin` gives; raises what it raises, or Died."""

        async def enter() -> Live:
            self._run = begin(self.port, self.disk)
            return await self._run.__aenter__()

        self._live = await self.do(enter())
        return self._live

    async def do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run `work` as a part of the process and return its result; Died when it dies first."""
        task = self.spawn(work)
        try:
            await asyncio.wait([task, self.died], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task, self.died], timeout=_LEAVE_S)
            raise
        if not self.alive and not task.done():
            raise Died(f"process {self.number} died")
        if task.cancelled() and not self.alive:
            raise Died(f"process {self.number} died")
        return task.result()

    def spawn(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        """Start a task that lives and dies with the process."""
        context = copy_context()
        context.run(_LIFE.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def stop(self) -> None:
        """Leave the graph as `async with` does; nothing after a death."""
        if not self.alive:
            return
        assert self._run is not None, "the process was started"
        await self.do(self._run.__aexit__(None, None, None))
        self.alive = False

    async def die(self) -> None:
        """Be gone at once: nothing is written, sent or told any more; files are let go of."""
        if not self.alive:
            return
        self.alive = False
        self.disk.die()
        self.port.dead = True
        if not self.died.done():
            self.died.set_result(None)
        await self._bury()

    async def _bury(self) -> None:
        """End every task of the process; one that does not end is left where it waits."""
        for k in range(_ROUNDS):
            left = [task for task in self._tasks if not task.done()]
            if not left:
                break
            if k % 20 == 0:
                for task in left:
                    task.cancel()
            if k == _PATIENCE:
                self.disk.forsake()  # a write whose commit has begun waits for it
            await asyncio.sleep(0)
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.exception()  # nobody asks for it any more
        self._tasks.clear()

    def _took(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(self._forget)
        if not self.alive and self.port.dead:
            task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        if not self.port.dead:
            self._tasks.pop(task, None)


def _adopt(loop: asyncio.AbstractEventLoop) -> None:
    """Let the loop tell every process of the tasks that are made in it."""
    if loop.get_task_factory() is not None:
        return

    def factory(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        context = options.get("context")
        life = _LIFE.get() if context is None else context.get(_LIFE, None)
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        if life is not None:
            life._took(task)
        return task

    loop.set_task_factory(factory)
