"""The control plane as an ASGI application: who calls, which way they go, and what went wrong.

It listens nowhere; `server` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sinkgraph.control.access import Access, Caller
from sinkgraph.control.desk import Desk
from sinkgraph.control.problems import Refusal, problem_response
from sinkgraph.control.ways import WAYS, Way

__all__ = ["application"]

_OPEN = frozenset(way.path for way in WAYS if way.scope is None)


def application(desk: Desk, access: Access) -> ASGIApp:
    """Return the application of a running graph."""
    routes = [
        Route(_starlette_path(way.path), _endpoint(desk, way), methods=[way.method]) for way in WAYS
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_way})
    app.router.redirect_slashes = False
    return _Gatekeeper(app, desk, access)


def _starlette_path(path: str) -> str:
    """Let a node's name hold slashes, as those in groups do."""
    return path.replace("{name}", "{name:path}")


class _Gatekeeper:
    """Finds out who calls before anything else is done."""

    def __init__(self, app: ASGIApp, desk: Desk, access: Access) -> None:
        self._app = app
        self._desk = desk
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller, or refuse it."""
        request = Request(scope, receive, send)
        peer = scope.get("state", {})
        try:
            caller = self._caller(request, peer)
        except Refusal as refusal:
            await problem_response(refusal)(scope, receive, send)
            return
        scope["state"] = {**peer, "caller": caller}
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            pass

    def _caller(self, request: Request, peer: dict[str, Any]) -> Caller | None:
        try:
            return self._access.caller(request.headers, peer)
        except Refusal as refusal:
            if request.url.path not in _OPEN or refusal.kind == "bad_origin":
                raise
            return None  # probes of a supervisor have neither a name for us nor a token


def _endpoint(desk: Desk, way: Way) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        caller: Caller | None = request.state.caller
        try:
            if way.scope is not None:
                assert caller is not None, "who has no name is not let in"
                Access.allow(caller, way.scope)
            return await way.endpoint(desk, request, caller)
        except Refusal as refusal:
            return problem_response(refusal)
        except (ClientDisconnect, HTTPException):
            raise
        except Exception as error:
            name = type(error).__name__
            desk.live.topology.journal.note("control_failed", path=way.path, error=repr(error))
            return problem_response(Refusal(500, "failed", f"{name}: it is in the journal"))

    return endpoint


async def _no_way(request: Request, error: Exception) -> Response:
    """Answer a path or a method nobody knows."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(getattr(error, "headers", None) or {})
    if status == 405:
        said = f"{request.method} is not known here"
        return problem_response(Refusal(405, "not_allowed", said, headers=headers))
    return problem_response(Refusal(404, "not_found", "there is nothing at this path"))
