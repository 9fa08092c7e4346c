"""The control plane of one running graph: what watches it, where it listens, where it is found.

It never fails a run: what cannot be opened is said, and the graph runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from sinkgraph.control.access import Access, Token
from sinkgraph.control.application import application
from sinkgraph.control.desk import Desk
from sinkgraph.control.registration import Registration, leave, place_for
from sinkgraph.control.supervisor import Supervisor
from sinkgraph.control.wire import Door, Timing
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.model import Graph
from sinkgraph.runtime.live import Live

__all__ = ["Control", "Listen"]


@dataclass(frozen=True, slots=True)
class Listen:
    """Says where to listen: a unix socket (`socket` None: where runs are found), and an address.

    `tokens` are needed for the address; `hosts` are names by which it may be called.
    """

    socket: str | None = None
    unix: bool = True
    tcp: tuple[str, int] | None = None
    tokens: Sequence[Token] = ()
    hosts: Sequence[str] = ()
    timing: Timing = field(default_factory=Timing)


class Control:
    """Is the control plane while the block is entered; `warn` is told what could not be opened."""

    def __init__(
        self,
        live: Live,
        *,
        graph: Graph | None = None,
        supervisor: Supervisor | None = None,
        listen: Listen | None = None,
        state_dir: str | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.listen = listen or Listen()
        self.desk = Desk(live, graph, supervisor)
        self.socket: str | None = None
        self.address: tuple[str, int] | None = None
        self._state_dir = state_dir
        self._warn = warn
        self._doors: list[Door] = []
        self._registration: Registration | None = None
        self._closed = False
        if self.listen.tcp is not None and not self.listen.tokens:
            raise ValueError("listening on an address needs a token")

    async def __aenter__(self) -> Control:
        self._sampling = self.desk.spawn(self.desk.sampler.run(), "control sampler")
        access = Access(self.listen.tokens, self._hosts())
        app = application(self.desk, access)
        if self.listen.unix:
            await self._open_unix(app)
        if self.listen.tcp is not None:
            await self._open_tcp(app, *self.listen.tcp)
        self._register()
        return self

    def _hosts(self) -> list[str]:
        tcp = self.listen.tcp
        return ["sinkgraph", *self.listen.hosts, *([tcp[0]] if tcp is not None else [])]

    async def _open_unix(self, app: object) -> None:
        door = Door("unix", app, timing=self.listen.timing)
        try:
            path = self.listen.socket or place_for(self.desk.live.name, self._state_dir)
            await door.open_unix(path)
        except OSError as error:
            self._cannot("a socket for it", error)
            return
        self.socket = path
        self._doors.append(door)

    async def _open_tcp(self, app: object, host: str, port: int) -> None:
        door = Door("tcp", app, timing=self.listen.timing)
        try:
            port = await door.open_tcp(host, port)
        except OSError as error:
            self._cannot(f"{host}:{port}", error)
            return
        self.address = (host, port)
        self._doors.append(door)

    def _register(self) -> None:
        if not self._doors:
            return
        live = self.desk.live
        try:
            self._registration = Registration.write(
                name=live.name,
                socket=self.socket,
                address=self.address,
                state_dir=self._state_dir,
                started_at=live.topology.clock.wall() - self.desk.sampler.latest.uptime_s,
            )
        except OSError as error:
            self._cannot("where running graphs are found", error)

    def _cannot(self, what: str, error: OSError) -> None:
        said = safe_text((error.strerror or str(error)).lower(), 200)
        self._warn(f"the control plane cannot use {safe_text(what, 200)}: {said}")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def quiesce(self) -> None:
        """Take back what would lose events in a stop, which can be watched until `close`."""
        self.desk.operator.end()
        self.desk.sampler.hurry()

    async def close(self) -> None:
        """End every stream and connection. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._registration is not None:
            self._registration.remove()
        self.desk.operator.end()
        await self.desk.close()
        await asyncio.gather(*(door.close() for door in self._doors))
        if self.socket is not None:
            leave(self.socket)
