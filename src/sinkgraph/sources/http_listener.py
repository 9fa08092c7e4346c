"""Listening addresses and who answers on which path of them.

Sources with an equal address share one listener. It counts connections, closes slow ones, and
knows nothing of events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from sinkgraph.sources.http_wire import Answer, Connection, Head, Timing

__all__ = ["Listener", "Listeners", "Route"]

MAX_CONNECTIONS = 256
MAX_TURNED_AWAY = 64


class Route(Protocol):
    """Is who answers on one path."""

    name: str

    def judge(self, head: Head) -> Answer | int:
        """Return why a request is refused, or how many bytes its body may have."""
        ...

    def take(self, head: Head, body: bytes) -> Answer | Awaitable[Answer]:
        """Return the answer to a whole request, at once or later."""
        ...


class Listener:
    """Is one bound address. Connections wait, unanswered, until the first `serve`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timing: Timing | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.host = host
        self.port = port
        self.timing = timing or Timing()
        self.max_connections = max_connections
        self.holders = 0
        self.refused = 0
        self._routes: dict[str, Route] = {}
        self._claims: dict[str, Route] = {}
        self._connections: dict[Connection, None] = {}
        self._turned_away: dict[Connection, None] = {}
        self._serving = False
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # its life

    async def bind(self) -> None:
        """Bind and listen; raises OSError naming the address when that is not possible."""
        self._loop = asyncio.get_running_loop()
        try:
            self._server = await self._loop.create_server(
                lambda: Connection(self), self.host, self.port, backlog=512
            )
        except OSError as error:
            raise OSError(
                error.errno, f"cannot listen on {self.host}:{self.port}: {_reason(error)}"
            ) from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop every connection; idempotent."""
        server, self._server = self._server, None
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if server is not None:
            server.close()
        for connection in [*self._connections, *self._turned_away]:
            connection.shut()
        if server is not None:
            await server.wait_closed()
            await asyncio.sleep(0)

    # paths

    def claim(self, path: str, route: Route) -> None:
        """Reserve a path; raises OSError when a source of another name has it."""
        holder = self._claims.get(path)
        if holder is not None and holder.name != route.name:
            raise OSError(
                f"path {path} on {self.host}:{self.port} is taken by source {holder.name}"
            )
        self._claims[path] = route

    def serve(self, path: str, route: Route) -> None:
        """Let a source answer on its path from now on; synchronous."""
        self._routes[path] = route
        if not self._serving:
            self._serving = True
            for connection in list(self._connections):
                connection.held = False
                connection.read_on()

    def release(self, path: str, route: Route) -> None:
        """Give a path up, unless another source has taken it over."""
        for table in (self._routes, self._claims):
            if table.get(path) is route:
                del table[path]

    # what connections ask

    def now(self) -> float:
        """Return monotonic seconds."""
        assert self._loop is not None
        return self._loop.time()

    def enter(self, connection: Connection) -> bool:
        """Take a new connection in; False when there are too many.

        A few of those turned away get a moment to read why, the others are dropped at once.
        """
        if len(self._connections) >= self.max_connections or self._server is None:
            self.refused += 1
            if len(self._turned_away) < MAX_TURNED_AWAY and self._server is not None:
                self._turned_away[connection] = None
            else:
                connection.shut()
            return False
        self._connections[connection] = None
        connection.held = not self._serving
        if self._sweep is None:
            self._schedule()
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)
        self._turned_away.pop(connection, None)

    def judge(self, head: Head) -> Answer | int:
        """Ask the route of the path."""
        route = self._routes.get(head.path)
        if route is None:
            return Answer.error(404, "nothing takes events on this path")
        return route.judge(head)

    def take(self, head: Head, body: bytes) -> Answer | Awaitable[Answer]:
        """Give a whole request to the route of its path."""
        route = self._routes.get(head.path)
        if route is None:
            return Answer.error(503, "the source has gone", ("retry-after", "1"))
        return route.take(head, body)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def _schedule(self) -> None:
        assert self._loop is not None
        self._sweep = self._loop.call_later(self.timing.grain_s, self._close_slow)

    def _close_slow(self) -> None:
        self._sweep = None
        soon = self.now() + self.timing.grain_s
        for connection in [*self._connections, *self._turned_away]:
            if connection.deadline <= soon:
                connection.expire()
        if (self._connections or self._turned_away) and self._server is not None:
            self._schedule()


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text.rpartition(": ")[2] if error.errno else text


class Listeners:
    """Is a table of listeners by address, each closed when its last holder lets it go."""

    def __init__(
        self, *, timing: Timing | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self.timing = timing
        self.max_connections = max_connections
        self._table: dict[tuple[str, int], Listener] = {}
        self._binding = asyncio.Lock()

    async def acquire(self, host: str, port: int) -> Listener:
        """Return the listener of an address, bound now if nobody holds it yet."""
        async with self._binding:
            listener = self._table.get((host, port))
            if listener is None:
                listener = Listener(
                    host, port, timing=self.timing, max_connections=self.max_connections
                )
                await listener.bind()
                self._table[host, port] = listener
            listener.holders += 1
            return listener

    async def release(self, listener: Listener) -> None:
        """Give a listener back; the last one closes it."""
        listener.holders -= 1
        if listener.holders == 0:
            for key, held in list(self._table.items()):
                if held is listener:
                    del self._table[key]
            await listener.close()
