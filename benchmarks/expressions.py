"""What one expression costs on one event: compiled, asked of the library, and on undecoded text.

No sink is involved: an expression is evaluated on events that exist already.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import msgspec

from benchmarks.figures import Effort, EventsLost, Figure, Row, Table, measure_in_turn
from sinkgraph.event import Batch, Event, Json, LazyEvent
from sinkgraph.expr.compile import Expression, compile_expression

__all__ = ["EXPRESSIONS", "TARGET_NS"]

TARGET_NS = 300.0
"""What a common predicate may cost on a decoded event, in nanoseconds."""

_BATCH = 100

_PAYLOAD: dict[str, Any] = {
    "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
    "timestamp": "2026-03-09T14:44:26.402973972-08:00",
    "action": "push",
    "status": 503,
    "path": "/v2/library/hello-world/manifests/latest",
    "user": "ada",
    "target": {
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "size": 708,
        "digest": "sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf",
        "length": 708,
        "repository": "library/hello-world",
        "url": "http://192.168.100.227:5000/v2/library/hello-world/manifests/sha256:fea8895f45",
        "tag": "latest",
        "layers": [{"size": 1_024 * n, "compressed": n % 2 == 0} for n in range(8)],
    },
    "request": {
        "id": "6df24a34-0959-4923-81ca-14f09767db19",
        "addr": "192.168.64.11:42961",
        "host": "192.168.100.227:5000",
        "method": "PUT",
        "useragent": "curl/8.14.1",
    },
}
_TEXT = msgspec.json.encode(_PAYLOAD)
_TYPE = "docker.registry.push"

_COMMON = (
    ("type", f'type == "{_TYPE}"'),
    ("has", "has(data.user)"),
    ("field", 'data.action == "push"'),
    ("in", 'data.action in ["push", "mount"]'),
    ("two", 'data.status >= 500 && data.path.startsWith("/v2/")'),
    ("nested", 'data.action == "push" && data.target.repository.startsWith("library/")'),
)
_OTHER = (
    ("fields", "data.target.size == data.target.length"),
    ("sum", "data.target.size / 1024 < data.status"),
    ("optional", 'data.?target.?tag.orValue("") == "latest"'),
    ("exists", "data.target.layers.exists(l, l.size > 4096)"),
    ("pattern", 'data.path.matches("^/v2/[^/]+/")'),
    ("value", '{"repository": data.target.repository, "tag": data.target.tag}'),
)
_ON_TEXT = "nested"


def _event() -> Event:
    return Event("i", _TYPE, "registry", 1.8e9, _PAYLOAD)


def _on_event(expression: Expression) -> Callable[[int], float]:
    event, evaluate = _event(), expression.evaluate

    def once(n: int) -> float:
        rounds = range(n)
        began = process_time()
        for _ in rounds:
            evaluate(event)
        return process_time() - began

    return once


def _on_batch(expression: Expression) -> Callable[[int], float]:
    predicate, batch = expression.predicate, Batch.of([_event()] * _BATCH)

    def once(n: int) -> float:
        rounds = range(n // _BATCH)
        began = process_time()
        for _ in rounds:
            predicate(batch)
        return process_time() - began

    return once


def _on_text(expression: Expression, *, sound: bool) -> Callable[[int], float]:
    """Judge texts nobody has decoded; a sound one may be read in part."""
    predicate = expression.predicate

    def once(n: int) -> float:
        events = [LazyEvent("i", _TYPE, "", 0.0, Json(_TEXT, sound=sound)) for _ in range(n)]
        batches = [Batch.of(events[k : k + _BATCH]) for k in range(0, n, _BATCH)]
        del events
        began = process_time()
        while batches:
            predicate(batches.pop())  # and what was decoded goes with it
        return process_time() - began

    return once


async def _figures(onces: list[Callable[[int], float]], effort: Effort) -> list[Figure]:
    def waited(once: Callable[[int], float]) -> Any:
        async def run(n: int) -> float:
            return once(n)

        return run

    most = Effort(effort.budget_s / 2, effort.repeats, min(effort.most, 100_000), effort.first)
    return await measure_in_turn([waited(once) for once in onces], most, step=_BATCH)


def _sound(text: str, expression: Expression, plain: Expression) -> None:
    """Raise unless both ways give one answer."""
    answers = expression.evaluate(_event()), plain.evaluate(_event())
    if answers[0] != answers[1]:
        raise EventsLost(f"`{text}` gives {answers[0]!r}, and the library {answers[1]!r}")


async def _rows(name: str, text: str, effort: Effort, *, common: bool) -> list[Row]:
    expression, plain = compile_expression(text), compile_expression(text, fast=False)
    _sound(text, expression, plain)
    predicate = expression.evaluate(_event()) in (True, False)
    onces = [_on_event(expression), _on_event(plain)]
    if predicate:
        onces.append(_on_batch(expression))
    one, library, *batch = await _figures(onces, effort)
    note = f"{library.ns_median / one.ns_median:.0f} × less than the library"
    if common:
        verdict = "reached" if one.ns_median <= TARGET_NS else "MISSED"
        note += f"; target ≤ {TARGET_NS:.0f} ns: {verdict}"
    extra = {"library_ns": library.ns_median}
    rows = [Row(name, text, "evaluate", one, note, extra)]
    rows += [Row(name, text, f"a batch of {_BATCH}", figure) for figure in batch]
    return rows


async def _text_rows(effort: Effort) -> list[Row]:
    text = dict(_COMMON)[_ON_TEXT]
    expression = compile_expression(text, result="bool")
    onces = [_on_text(expression, sound=sound) for sound in (True, False)]
    part, whole = await _figures(onces, effort)
    note = f"{len(_TEXT)} bytes; {part.ns_median / whole.ns_median:.2f} × decoding all of it"
    label = f"{text} of JSON text"
    return [
        Row("text", label, "its fields decoded", part, note),
        Row("text", label, "all of it decoded", whole),
    ]


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    rows: list[Row] = []
    for common, subjects in ((True, _COMMON), (False, _OTHER)):
        for name, text in subjects:
            if wanted(name):
                rows += await _rows(name, text, effort, common=common)
    if wanted("text"):
        rows += await _text_rows(effort)
    return rows


EXPRESSIONS = Table(
    "expressions",
    "One expression on one event",
    (*(name for name, _ in (*_COMMON, *_OTHER)), "text"),
    (
        "The payload is a registry notification with a few more fields, decoded before the clock",
        "starts but for the last rows. Times are of the processor: nothing here waits. Both ways",
        "are held equal before they are measured.",
    ),
    _measured,
)
