"""Endpoints about the dead letters of a running graph: list, show, replay, purge.

What a letter is, and how it is moved, is the engine's; events are shown to those that may tap.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sinkgraph.api.messages import PurgeRequest, ReplayRequest
from sinkgraph.control.access import Caller
from sinkgraph.control.answers import asked, json_response
from sinkgraph.control.desk import Desk
from sinkgraph.control.looking import number
from sinkgraph.control.problems import Refusal
from sinkgraph.control.tap import MOST_BYTES, event_view
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.errors import SinkgraphError, StoreFailed, StoreFull
from sinkgraph.log.disk.dead import EVERY, DeadFilter, DeadLetter
from sinkgraph.log.disk.letters import tell
from sinkgraph.sinks.burial import DeadLetters

__all__ = ["groups", "listed", "purge", "replay", "shown"]

_PAGE = 100
_MOST = 1_000
_WORDS = ("node", "reason", "type", "id", "sink")


def _keepers(desk: Desk) -> list[DeadLetters]:
    return [node for node in desk.live.nodes.values() if isinstance(node, DeadLetters)]


def _chosen(request: Request) -> DeadFilter:
    query = request.query_params
    words: dict[str, Any] = {name: query.get(name) for name in _WORDS}
    since, before = number(request, "since"), number(request, "before")
    return DeadFilter(**words, since=since, before=before)


async def groups(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return how many died where, and why."""
    chosen = _chosen(request)
    found = {}
    for keeper in _keepers(desk):
        for one in await keeper.groups(chosen):
            found[one.sink, one.node, one.reason] = one
    made = [
        {
            "sink": safe_text(one.sink),
            "node": safe_text(one.node),
            "reason": safe_text(one.reason),
            "count": one.count,
            "bytes": one.size,
            "first": one.first,
            "last": one.last,
        }
        for one in sorted(found.values(), key=lambda one: -one.count)
    ]
    return json_response({"groups": made, "total": sum(one.count for one in found.values())})


async def listed(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return letters in order of number, without their events."""
    after = int(number(request, "after", least=0, most=2**62) or 0)
    limit = int(number(request, "limit", least=1, most=_MOST) or _PAGE)
    chosen = _chosen(request)
    found: dict[tuple[int, str], DeadLetter] = {}
    for keeper in _keepers(desk):
        for one in await keeper.letters(chosen, after=after, limit=limit, bodies=False):
            found[one.number, one.sink] = one
    page = sorted(found)[:limit]
    made = [_letter(desk, found[key]) for key in page]
    more = page[-1][0] if len(page) == limit else None
    return json_response({"letters": made, "after": more})


def _letter(desk: Desk, one: DeadLetter) -> dict[str, Any]:
    made: dict[str, Any] = {
        "number": one.number,
        "sink": safe_text(one.sink),
        "node": safe_text(one.node),
        "reason": safe_text(one.reason),
        "id": desk.redactor.shown(one.id, 200),
        "type": desk.redactor.shown(one.type, 200),
        "at": one.at,
        "first": one.first,
        "bytes": one.size,
        "attempts": None,
        "errors": [],
        "event": None,
    }
    if one.body is not None:
        told = tell(one)
        if told is not None:
            made["attempts"] = told.attempts
            made["errors"] = [desk.redactor.shown(error) for error in told.errors]
            made["event"] = event_view(told.event, desk.redactor, MOST_BYTES)
    return made


async def shown(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return one letter with its event."""
    text = request.path_params["number"]
    is_number = text.isascii() and text.isdecimal() and len(text) < 19
    for keeper in _keepers(desk) if is_number else ():
        for one in await keeper.letters(after=int(text) - 1, limit=1):
            if one.number == int(text):
                return json_response(_letter(desk, one))
    raise Refusal(404, "not_found", f"there is no dead letter `{safe_text(text, 80)}`")


async def replay(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Move letters to be written again; they are written from then on."""
    from sinkgraph.log.disk.replaying import WrongReplay

    body = await asked(request, ReplayRequest)
    words = {name: getattr(body, name) for name in (*_WORDS, "since", "before")}
    chosen: Any = DeadFilter(**words)
    if body.numbers is not None:
        if chosen != EVERY:
            raise Refusal(422, "invalid", "choose by numbers, or by what letters have")
        chosen = body.numbers
    replays = desk.live.topology.replays
    try:
        moved = await replays.replay(chosen, to=body.to, rate=body.rate, expect=body.expect)
    except WrongReplay as error:
        raise Refusal(409, "precondition", safe_text(str(error))) from None
    except KeyError:
        said = f"no node is named `{safe_text(body.to or '', 80)}`"
        raise Refusal(404, "not_found", said) from None
    except SinkgraphError as error:
        raise Refusal(409, "wrong_state", safe_text(str(error))) from None
    by = caller.name if caller is not None else None
    note = desk.live.topology.journal.note
    note("replay_asked", events=moved.total, to=body.to, by=by)
    desk.sampler.hurry()
    left = {str(k): desk.redactor.shown(why) for k, why in list(moved.left.items())[:_MOST]}
    return json_response({"replayed": moved.events, "left": left}, 202)


async def purge(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Delete letters, if they are as many as is said."""
    body = await asked(request, PurgeRequest)
    wanted = set(body.numbers)
    if len(wanted) != body.expect:
        said = f"{len(wanted)} numbers are given, not {body.expect}: nothing was deleted"
        raise Refusal(409, "precondition", said)
    held: list[tuple[DeadLetters, list[int]]] = []
    left = set(wanted)
    for keeper in _keepers(desk):
        own = [n for n in sorted(left) if await _keeps(keeper, n)]
        left -= set(own)
        held.append((keeper, own))
    if left:
        said = f"{len(left)} of them are not there: nothing was deleted"
        raise Refusal(409, "precondition", said)
    purged = 0
    try:
        for keeper, own in held:
            if own:
                purged += await keeper.forget(own, len(own))
    except (StoreFull, StoreFailed) as error:
        raise Refusal(503, "refused", safe_text(str(error))) from None
    except SinkgraphError as error:
        raise Refusal(409, "precondition", safe_text(str(error))) from None
    by = caller.name if caller is not None else None
    desk.live.topology.journal.note("letters_purged", events=purged, by=by)
    return json_response({"purged": purged})


async def _keeps(keeper: DeadLetters, number: int) -> bool:
    found = await keeper.letters(after=number - 1, limit=1, bodies=False)
    return bool(found) and found[0].number == number
