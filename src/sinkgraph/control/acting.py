"""Endpoints that change how a graph runs: write, plan, apply, roll back, operators' verbs.

They judge requests; what a verb does is in `operating`, what a reload does is the supervisor's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sinkgraph.api.messages import (
    ApplyRequest,
    PlanRequest,
    RollbackRequest,
    VerbRequest,
    WriteRequest,
)
from sinkgraph.control.access import Caller
from sinkgraph.control.answers import asked, json_response
from sinkgraph.control.desk import Desk
from sinkgraph.control.problems import Refusal
from sinkgraph.control.reloading import Answer, Supervisor
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.errors import (
    DeliveryFailed,
    Overloaded,
    PartialWrite,
    Rejected,
    SinkClosed,
    SinkgraphError,
)
from sinkgraph.event import Event
from sinkgraph.payload import Json, encode_json, to_payload

__all__ = ["apply", "plan", "rollback", "verb", "write"]

_DOCUMENT_BYTES = 20 * 1024**2


def verb(name: str) -> Callable[[Desk, Request, Caller | None], Awaitable[Response]]:
    """Return the endpoint of a verb on a node."""

    async def endpoint(desk: Desk, request: Request, caller: Caller | None) -> Response:
        body = await asked(request, VerbRequest)
        done = desk.operator.act(
            name, request.path_params["name"], _named(caller), for_s=body.for_s, why=body.why
        )
        return json_response(done)

    return endpoint


def _named(caller: Caller | None) -> Caller:
    assert caller is not None, "whoever changes something was asked who they are"
    return caller


async def write(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Write events into the graph: all of them, or none."""
    body = await asked(request, WriteRequest)
    values = [_event(desk, one, body) for one in body.events]
    try:
        await desk.live.write_many(values, to=body.to, timeout=body.timeout_s)
    except Overloaded as error:
        later = {"retry-after": "1"}
        raise Refusal(429, "no_room", _said(error), headers=later) from None
    except Rejected as error:
        raise Refusal(422, "refused", _said(error)) from None
    except (SinkClosed, DeliveryFailed, PartialWrite) as error:
        raise Refusal(503, "refused", _said(error), headers={"retry-after": "1"}) from None
    except SinkgraphError as error:  # no such inlet, or several
        raise Refusal(409, "wrong_node", _said(error)) from None
    return json_response({"accepted": len(values)}, 202)


def _event(desk: Desk, value: Any, body: WriteRequest) -> Any:
    if value is None:
        raise Refusal(422, "invalid", "null is not an event")
    if body.type is None and body.source is None:
        return Json(encode_json(to_payload(value)), sound=True)
    ctx = desk.live.topology.ctx
    return Event(
        f"{ctx.run_id}{ctx.random.getrandbits(64):016x}",
        body.type if body.type is not None else "event",
        body.source or "",
        ctx.clock.wall(),
        value,
    )


def _said(error: Exception) -> str:
    return safe_text(str(error), 500)


# reloads


async def plan(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Say what a document would change; nothing is touched."""
    supervisor = _supervisor(desk)
    body = await asked(request, PlanRequest, _DOCUMENT_BYTES)
    return json_response(await supervisor.plan(body.document, body.fates, syntax=body.syntax))


async def apply(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Run a document from now on."""
    supervisor = _supervisor(desk)
    if_match = _if_match(desk, request)
    body = await asked(request, ApplyRequest, _DOCUMENT_BYTES)
    answer = await supervisor.apply(
        body.document,
        fates=body.fates,
        if_match=if_match,
        syntax=body.syntax,
        by=_named(caller).name,
    )
    return _answered(desk, answer)


async def rollback(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Run the document of an earlier generation again."""
    supervisor = _supervisor(desk)
    if_match = _if_match(desk, request)
    body = await asked(request, RollbackRequest)
    answer = await supervisor.rollback(body.generation, if_match=if_match, by=_named(caller).name)
    return _answered(desk, answer)


def _supervisor(desk: Desk) -> Supervisor:
    if desk.supervisor is None:
        raise Refusal(501, "not_available", "this run cannot be reloaded")
    return desk.supervisor


def _if_match(desk: Desk, request: Request) -> int | None:
    """Return the generation a change is meant for; None stands for `*`: whichever runs."""
    given = request.headers.get("if-match")
    if given is None:
        said = "say which generation it is meant for: `If-Match: GENERATION`, or `*` for any"
        raise Refusal(428, "precondition", said)
    text = given.strip().strip('"')
    if text == "*":
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise Refusal(400, "bad_request", "`If-Match` is the number of a generation, or `*`")
    runs = desk.live.generation
    if int(text) != runs:
        raise Refusal(412, "precondition", f"generation {runs} runs, not {text}")
    return int(text)


def _answered(desk: Desk, answer: Answer) -> Response:
    desk.sampler.hurry()
    return json_response(answer.as_dict(), 200 if answer else 422)
