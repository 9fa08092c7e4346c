"""Endpoints that change how a graph runs: write, plan, apply, roll back, operators' verbs.

They judge requests; what a verb does is in `operating`, what a reload does is the supervisor's.
"""

from __future__ import annotations

import os
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
from sinkgraph.control.asking import Sent
from sinkgraph.control.desk import Desk
from sinkgraph.control.drift import first_reason
from sinkgraph.control.outcomes import Busy, Conflict, NoGeneration, NoOrigin, Outcome
from sinkgraph.control.problems import Refusal
from sinkgraph.control.supervisor import Supervisor
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
from sinkgraph.runtime.outcome import Refused

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
    try:
        loaded, plan = await supervisor.plan(_sent(request, body), body.fates)
    except (NoOrigin, TimeoutError) as error:
        said = _said(error) or "it could not be read in time"
        raise Refusal(409, "wrong_state", said) from None
    if plan is None:
        raise _refusal(desk, Outcome(Refused(desk.live.generation, diagnostics=loaded.found)))
    runs = desk.live.generation
    found = Outcome(Refused(runs), (*loaded.found, *plan.refused))
    told = desk.redactor.text(found.told())
    return json_response({**plan.as_dict(), "generation": runs, "told": told})


async def apply(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Run a document from now on; without one, what the file of the run says."""
    supervisor = _supervisor(desk)
    if_match = _if_match(desk, request)
    body = await asked(request, ApplyRequest, _DOCUMENT_BYTES)
    return await _answered(
        desk,
        supervisor.apply(
            _sent(request, body),
            fates=body.fates,
            if_match=if_match,
            origin=body.origin,
            by=_named(caller).name,
        ),
    )


async def rollback(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Run the document of an earlier generation again."""
    supervisor = _supervisor(desk)
    if_match = _if_match(desk, request)
    body = await asked(request, RollbackRequest)
    return await _answered(
        desk,
        supervisor.rollback(
            body.generation, fates=body.fates, if_match=if_match, by=_named(caller).name
        ),
    )


def _sent(request: Request, body: PlanRequest) -> Sent | None:
    """Return the document of a request; who comes by the socket may name files of this machine."""
    if body.document is None:
        return None
    here = request.state.door == "unix" and body.path is not None and os.path.isabs(body.path)
    return Sent(body.document, body.syntax, body.path if here else None, body.name or "")


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


async def _answered(desk: Desk, asking: Awaitable[Outcome]) -> Response:
    try:
        outcome = await asking
    except Conflict as error:
        raise Refusal(412, "precondition", _said(error)) from None
    except NoGeneration as error:
        raise Refusal(404, "not_found", _said(error)) from None
    except NoOrigin as error:
        raise Refusal(409, "wrong_state", _said(error)) from None
    except Busy as error:
        raise Refusal(503, "busy", _said(error), headers={"retry-after": "1"}) from None
    desk.sampler.hurry()
    if not outcome:
        raise _refusal(desk, outcome)
    made = outcome.as_dict()
    return json_response({**made, "told": desk.redactor.text(made["told"])})


def _refusal(desk: Desk, outcome: Outcome) -> Refusal:
    """Return the answer that says why a document does not run."""
    made, newer, refused = outcome.as_dict(), outcome.superseded, outcome.refusal
    more = {"diagnostics": made["diagnostics"], "told": desk.redactor.text(made["told"])}
    if newer is not None and not newer.same:
        became = f"applied as generation {outcome.result.generation}" if outcome.result else "not"
        who = f"{newer.origin}, {newer.by}" if newer.by else newer.origin
        said = f"a newer document ({who}) was carried out instead: {became}"
        return Refusal(409, "superseded", safe_text(said, 500), more=more)
    assert refused is not None, "what was not applied was refused"
    reasons = [safe_text(desk.redactor.text(one), 500) for one in outcome.reasons]
    said = desk.redactor.text(first_reason(refused))
    return Refusal(422, "refused", said, errors=reasons, more=more)
