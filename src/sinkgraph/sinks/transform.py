"""A transform makes a new event of each: renames, removes, sets, computes, calls Python.

It never changes the event it was given, makes at most one of it, and keeps its id. Splitting
belongs to sources, choosing to a filter.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sinkgraph.errors import Rejected
from sinkgraph.event import Batch, Event, Json, Meta, encode_json, to_payload
from sinkgraph.expr.compile import Expression, compile_expression
from sinkgraph.expr.errors import ExpressionError
from sinkgraph.formats.copying import copy_plain
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sinks.edits import Draft, Path, read_path
from sinkgraph.sinks.filter import fail_events
from sinkgraph.sinks.instant import Instant
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Transform"]

_ON_ERROR = ("dead_letter", "drop", "pass")


class Transform(Instant):
    """Hands a changed event to `to`: first `rename`, then `remove`, `set`, `compute`, `python`.

    `set` maps paths to literals, `compute` maps paths to expressions (all of them evaluated on
    the event as it came), `rename` maps old paths to new ones; renaming or removing what is not
    there changes nothing. `python` is called with an event of its own, may change its data, and
    returns an Event, a dict (the new data), or None: the event ends here, filtered("transform").
    It must not block, and may be called again for an event whose write is tried again.

    `on_error` says what becomes of an event that cannot be transformed: `dead_letter`, `drop`
    (counted), or `pass`: it goes on unchanged.
    """

    kind = "transform"
    settings = (
        *("on_error", "python", "_renames", "_removes", "_sets", "_computes"),
        "_changes_data",
    )
    edges = ("to", "dead_letter")

    def __init__(
        self,
        to: Sink,
        *,
        set: Mapping[str, Any] | None = None,
        compute: Mapping[str, str | Expression] | None = None,
        remove: Sequence[str] | None = None,
        rename: Mapping[str, str] | None = None,
        python: Callable[[Event], Event | Mapping[str, Any] | None] | None = None,
        on_error: str = "dead_letter",
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__()
        if on_error not in _ON_ERROR:
            raise ValueError(f"on_error is one of {', '.join(_ON_ERROR)}, not {on_error!r}")
        self.to = Link(to)
        self.dead_letter = Link(dead_letter, "dead_letter") if dead_letter is not None else None
        self.on_error = on_error
        self.python = _callable(python)
        if isinstance(remove, str):
            raise TypeError(f"remove is a list of paths, not {remove!r}")
        self._renames = [_renaming(old, new) for old, new in (rename or {}).items()]
        self._removes = [_removable(text) for text in remove or ()]
        self._sets = [_literal(text, value) for text, value in (set or {}).items()]
        self._computes = [(read_path(t), _compiled(e)) for t, e in (compute or {}).items()]
        twice = {path for path, _ in self._sets} & {path for path, _ in self._computes}
        if twice:
            raise ValueError(f"{min(map(str, twice))} is both set and computed")
        places = [path for path, _ in (*self._sets, *self._computes)]
        places += [*self._removes, *(path for both in self._renames for path in both)]
        self._changes_data = any(path.head == "data" for path in places)
        self.last_error: str | None = None
        self._logged_at: float | None = None

    def links(self) -> Sequence[Link]:
        """Return `to`, then `dead_letter` where it exists."""
        return [link for link in (self.to, self.dead_letter) if link is not None]

    @property
    def instant(self) -> bool:
        """Whether the target can take events at once."""
        return self.to.target.instant

    def apply(self, event: Event) -> Event | None:
        """Return the new event, or None when `python` says that it ends here.

        Touches nothing but what it returns. Raises `Rejected` (an `ExpressionError` is one) when
        the event cannot be transformed.
        """
        payload = event.payload
        if self._changes_data and payload.__class__ is Json:
            payload.looks = 0  # it is decoded whole anyway: no expression need read a part first
        draft = Draft(event)
        computed = [(path, _computed(each, event)) for path, each in self._computes]
        for old, new in self._renames:
            draft.rename(old, new)
        for path in self._removes:
            draft.remove(path)
        for path, value in self._sets:
            draft.set(path, value)
        for path, value in computed:
            draft.set(path, value)
        made = draft.finish()
        return made if self.python is None else self._called(self.python, made)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to hand on what became of the events."""
        ledger = self.ledger
        plan.enter(ledger, len(batch))
        events = list(batch)
        made: dict[int, Event] = {}
        failed: list[tuple[int, Exception]] = []
        for k, event in enumerate(events):
            try:
                new = self.apply(event)
            except Exception as error:
                failed.append((k, error))
            else:
                if new is not None:
                    made[k] = new
        plan.filter(ledger, "transform", len(events) - len(made) - len(failed), trail)
        passing = list(made)
        if failed:
            passing = fail_events(self, batch, plan, passing, failed, trail)
        if passing:
            new_batch = Batch.of(made.get(k, events[k]) for k in passing)
            self.to.admit(new_batch, plan, (*trail, ledger))

    def facts(self) -> dict[str, Any]:
        """Return the last error of a transformation."""
        return {"last_error": self.last_error}

    def _called(
        self, python: Callable[[Event], Event | Mapping[str, Any] | None], event: Event
    ) -> Event | None:
        """Call the function with an event of its own; whatever it raises is the event's fault."""
        own = Event(
            event.id,
            event.type,
            event.source,
            event.time,
            copy_plain(event.payload),
            Meta(copy_plain(event.meta)),
        )
        shown = getattr(python, "__qualname__", repr(python))
        try:
            given: Any = python(own)
        except BaseException as error:
            raise Rejected(f"transform {self.name}: {shown} raised {error!r}") from error
        if given is None:
            return None
        if isinstance(given, Event):
            return self._renewed(event, given, shown)
        if isinstance(given, Mapping):
            return own.with_data(dict(given))
        if inspect.iscoroutine(given):
            given.close()
        raise Rejected(
            f"transform {self.name}: {shown} gave {type(given).__name__}, "
            "and an event, a dict or None is needed"
        )

    def _renewed(self, before: Event, after: Event, shown: str) -> Event:
        where = f"transform {self.name}: {shown}"
        if after.id not in ("", before.id):
            raise Rejected(f"{where} changed the id: {after.id!r} instead of {before.id!r}")
        try:
            payload = to_payload(after.payload)
        except (TypeError, ValueError) as error:
            raise Rejected(f"{where} gave an event without a payload: {error}") from None
        if payload is after.payload and after.id:
            return after
        return Event(before.id, after.type, after.source, after.time, payload, after.meta)


def _computed(expression: Expression, event: Event) -> Any:
    """Return what an expression gives; JSON would write null for a number that is not finite."""
    value = expression.evaluate(event)
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, float) and not math.isfinite(one):
            raise ExpressionError(expression.text, f"it gives {one}, which is no JSON number")
        if isinstance(one, list):
            todo.extend(one)
        elif isinstance(one, dict):
            todo.extend(one.values())
    return value


def _callable(python: Any) -> Any:
    if python is None:
        return None
    if not callable(python):
        raise TypeError(f"python is a function, not {python!r}")
    if inspect.iscoroutinefunction(python):
        raise TypeError(f"python is an ordinary function, and {python.__qualname__} is async")
    return python


def _removable(text: str) -> Path:
    path = read_path(text)
    if not path.fields:
        raise ValueError(f"`{text}` of an event cannot be removed")
    return path


def _renaming(old: str, new: str) -> tuple[Path, Path]:
    return _removable(old), read_path(new)


def _literal(text: str, value: Any) -> tuple[Path, Any]:
    """Check a literal as far as it can be checked without an event, and make it private."""
    path = read_path(text)
    try:
        encode_json(value)
        Draft(Event(data={})).set(path, value)
    except Rejected as error:
        raise ValueError(f"set {text}: {error}") from None
    if path == Path("data", ()) and value is None:
        raise ValueError("set data: null is not a payload")
    return path, copy_plain(value)


def _compiled(expression: str | Expression) -> Expression:
    if isinstance(expression, Expression):
        return expression
    return compile_expression(expression)
