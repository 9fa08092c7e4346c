"""What travels: Event, Batch and the Page they are read from.

A Page holds payloads as they were given; an Event is built only when somebody looks at one, and
then once for all readers. Nothing here waits, and nothing here knows a sink.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, NoReturn, cast, overload

import msgspec

from sinkgraph.errors import Rejected
from sinkgraph.payload import PLAIN, Json, as_payload, encode_json, to_payload

__all__ = [
    "EVENTS",
    "NO_META",
    "Batch",
    "Event",
    "Json",
    "LazyEvent",
    "Meta",
    "Page",
    "as_batch",
    "encode_json",
    "join",
    "to_payload",
]


class Meta(dict[str, Any]):
    """Is a mapping that cannot be changed; an event's `meta`."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise TypeError("an event's meta cannot be changed")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


NO_META = Meta()
_FULL = 1_000  # how many events an open page may still grow to


class Event(msgspec.Struct, frozen=True, gc=False):
    """Is one event: immutable, with CloudEvents' names.

    `id` is text, the same on every branch and at every attempt; `type` and `source` are text;
    `time` is Unix seconds; `data` is a JSON value or bytes; `meta` is a small mapping that
    sinkgraph and its users add to (`attempts`, `errors`, `path` on a dead letter).
    """

    id: str = ""
    type: str = "event"
    source: str = ""
    time: float = 0.0
    data: Any = None
    meta: Mapping[str, Any] = NO_META

    @property
    def payload(self) -> Any:
        """The payload as stored: a `Json` that came as text is not decoded by looking here."""
        return self.data

    def with_data(self, data: Any) -> Event:
        """Return this event with another payload: same id, type, source, time and meta."""
        return Event(self.id, self.type, self.source, self.time, data, self.meta)

    def with_meta(self, **added: Any) -> Event:
        """Return this event with entries added to its meta."""
        meta = Meta({**self.meta, **added})
        return type(self)(self.id, self.type, self.source, self.time, self.payload, meta)


_stored = cast(Callable[[Event], Any], Event.data.__get__)


class LazyEvent(Event, frozen=True, gc=False):
    """Is an Event over a `Json` payload, decoded when `data` is first read."""

    @property
    def payload(self) -> Any:
        """The payload as stored."""
        return _stored(self)


def _lazy_data(event: Event) -> Any:
    stored = _stored(event)
    return stored.value if type(stored) is Json else stored


LazyEvent.data = property(_lazy_data)
EVENTS = frozenset({Event, LazyEvent})


class Page:
    """Is an append-only run of payloads with one shared head; holders keep bounds into it.

    A value is a payload as given or, once somebody looked, the Event over it. `marks` is a list
    of `(index, unix seconds)`: from that index on, events carry that time. `seqs` numbers the
    values of a page that was picked from others; else numbers count up from `base`. `places` says
    where its events stand on disk: the place of the first, or of each; None when nowhere.
    """

    __slots__ = ("base", "marks", "places", "seqs", "source", "sums", "type", "uid", "values")

    def __init__(
        self,
        values: list[Any],
        uid: str,
        base: int = 0,
        *,
        source: str = "",
        type: str = "event",
        marks: list[tuple[int, float]] | None = None,
        seqs: list[int] | None = None,
        places: int | list[int] | None = None,
    ) -> None:
        self.values = values
        self.uid = uid
        self.base = base
        self.source = source
        self.type = type
        self.marks = marks if marks is not None else [(0, 0.0)]
        self.seqs = seqs
        self.places = places
        self.sums: array[int] | None = None

    def time_at(self, j: int) -> float:
        """Return the time of the value at index j, in Unix seconds."""
        marks = self.marks
        if len(marks) == 1:
            return marks[0][1]
        return marks[max(0, bisect_right(marks, j, key=_index) - 1)][1]

    def id_at(self, j: int) -> str:
        """Return the id of the value at index j without building its Event."""
        value = self.values[j]
        if isinstance(value, Event):
            return value.id
        return f"{self.uid}-{self.base + j if self.seqs is None else self.seqs[j]}"

    def event(self, j: int) -> Event:
        """Return the Event at index j, built once for all readers."""
        value = self.values[j]
        if value.__class__ in EVENTS or isinstance(value, Event):
            return value
        if value.__class__ not in PLAIN:
            value = as_payload(value)
        make = LazyEvent if value.__class__ is Json else Event
        number = self.base + j if self.seqs is None else self.seqs[j]
        made = make(f"{self.uid}-{number}", self.type, self.source, self.time_at(j), value, NO_META)
        self.values[j] = made
        return made

    def events(self, i: int, j: int) -> list[Event]:
        """Return the Events of [i, j), built once for all readers."""
        values, marks = self.values, self.marks
        kinds = set(map(type, values[i:j] if (i or j < len(values)) else values))
        if kinds <= EVENTS:
            return cast("list[Event]", values[i:j])
        if self.seqs is not None or not kinds.isdisjoint(EVENTS) or not kinds <= PLAIN:
            return [self.event(k) for k in range(i, j)]
        if Json not in kinds:
            make: Callable[..., Event] = Event
        elif len(kinds) == 1:
            make = LazyEvent
        else:
            return [self.event(k) for k in range(i, j)]
        head, base, typ, source = f"{self.uid}-", self.base, self.type, self.source
        at = i
        for n, (_, when) in enumerate(marks):
            until = marks[n + 1][0] if n + 1 < len(marks) else j
            if until <= at:
                continue
            until = min(until, j)
            values[at:until] = [
                make(f"{head}{k}", typ, source, when, value, NO_META)
                for k, value in enumerate(values[at:until], base + at)
            ]
            at = until
            if at == j:
                break
        return cast("list[Event]", values[i:j])


_SEALED = frozenset({Json, bytes})


def _sealed(value: Any) -> Any:
    """Return a value of a page as it is stored: its payload as JSON text or bytes."""
    if not isinstance(value, Event):
        return Json(encode_json(value))
    payload = value.payload
    try:
        _check_head(value)
        msgspec.json.encode([value.id, value.type, value.source, value.meta])
    except Exception as error:
        raise Rejected(f"event {value.id!r} cannot be stored: {error}") from None
    if payload.__class__ is Json or payload.__class__ is bytes:
        return value
    text = Json(encode_json(payload))
    return LazyEvent(value.id, value.type, value.source, value.time, text, value.meta)


def _check_head(event: Event) -> None:
    """Raise where an event has a head that could not be told from a damaged one when read back."""
    for name in ("id", "type", "source"):
        text: Any = getattr(event, name)
        if not isinstance(text, str):
            raise TypeError(f"its {name} must be text, not {text!r}")
    time: Any = event.time
    if not isinstance(time, int | float) or not isfinite(time):
        raise TypeError(f"its time must be Unix seconds, not {time!r}")


def _payload_of(value: Any) -> Any:
    if isinstance(value, Event):
        return value.payload
    return value if value.__class__ in PLAIN else as_payload(value)


def _place(places: int | list[int], k: int) -> int:
    return places[k] if isinstance(places, list) else places + k


def _index(mark: tuple[int, float]) -> int:
    return mark[0]


class Batch(Sequence[Event]):
    """Is a read-only view of [i, j) of a page: what sinks are given."""

    __slots__ = ("i", "j", "page")

    def __init__(self, page: Page, i: int, j: int) -> None:
        self.page = page
        self.i = i
        self.j = j

    @classmethod
    def of(cls, events: Iterable[Event]) -> Batch:
        """Return a batch over events that already exist."""
        values = list(events)
        return cls(Page(cast("list[Any]", values), ""), 0, len(values))

    @classmethod
    def from_payloads(
        cls, values: list[Any], uid: str, base: int, *, source: str, type: str, time: float
    ) -> Batch:
        """Return a batch over payloads that share a head; ids are `<uid>-<base + index>`."""
        page = Page(values, uid, base, source=source, type=type, marks=[(0, time)])
        return cls(page, 0, len(values))

    def __len__(self) -> int:
        return self.j - self.i

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Batch: ...
    def __getitem__(self, index: int | slice) -> Event | Batch:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                return self.pick(range(start, stop, step))
            return Batch(self.page, self.i + start, self.i + max(start, stop))
        if index < 0:
            index += self.j - self.i
        if not 0 <= index < self.j - self.i:
            raise IndexError("batch index out of range")
        return self.page.event(self.i + index)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.page.events(self.i, self.j))

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}>"

    @property
    def payloads(self) -> list[Any]:
        """The payloads as stored (a JSON value, bytes, or an undecoded `Json`)."""
        values = self.page.values[self.i : self.j]
        if set(map(type, values)) <= PLAIN:
            return values
        return [_payload_of(value) for value in values]

    @property
    def data(self) -> list[Any]:
        """The payloads decoded, without building Events."""
        return [value.value if value.__class__ is Json else value for value in self.payloads]

    @property
    def ids(self) -> list[str]:
        """The ids, without building Events."""
        return [self.page.id_at(k) for k in range(self.i, self.j)]

    def json(self) -> list[bytes]:
        """Return each payload as JSON text, made at most once for all readers.

        Raises `Rejected` for a payload JSON cannot hold.
        """
        values = self.page.values
        out: list[bytes] = []
        for k in range(self.i, self.j):
            value = values[k]
            if isinstance(value, Event):
                out.append(encode_json(value.payload))
            elif value.__class__ is Json:
                out.append(value.raw)
            else:
                text = Json(None, value)
                out.append(text.raw)
                values[k] = text
        return out

    def seal(self) -> None:
        """Make every payload JSON text or bytes, as it is stored on disk; made at most once.

        Raises `Rejected` for an event that cannot be stored: what JSON cannot hold, or an id,
        type, source or meta that is no text or JSON.
        """
        values = self.page.values
        kinds = set(map(type, values[self.i : self.j]))
        if kinds <= _SEALED:
            return
        for k in range(self.i, self.j):
            value = values[k]
            if value.__class__ is not bytes and value.__class__ is not Json:
                values[k] = _sealed(value)

    def pick(self, indices: Iterable[int]) -> Batch:
        """Return a batch of the events at these indices, in that order, pinning no others."""
        page, i = self.page, self.i
        chosen = [i + k for k in indices]
        values = [page.values[k] for k in chosen]
        if page.seqs is not None:
            seqs = [page.seqs[k] for k in chosen]
        else:
            seqs = [page.base + k for k in chosen]
        marks = page.marks
        if len(marks) > 1:
            marks = [(n, page.time_at(k)) for n, k in enumerate(chosen)] or marks[:1]
        picked = Page(values, page.uid, source=page.source, type=page.type, marks=marks, seqs=seqs)
        if (places := page.places) is not None:
            picked.places = [_place(places, k) for k in chosen]
        return Batch(picked, 0, len(values))

    @property
    def places(self) -> Sequence[int] | None:
        """Where each event stands on disk; None when nowhere."""
        places = self.page.places
        if places is None or isinstance(places, list):
            return places and places[self.i : self.j]
        return range(places + self.i, places + self.j)

    def slim(self) -> Batch:
        """Return a batch to keep for long: itself, or a copy where its page may pin many others."""
        n = self.j - self.i
        return self if 2 * n >= max(_FULL, len(self.page.values)) else self.pick(range(n))


def join(batches: Sequence[Batch]) -> Batch:
    """Return one batch over several, in order; no copy where they stand together in a page."""
    first = batches[0]
    end = first.j
    for batch in batches[1:]:
        if batch.page is not first.page or batch.i != end:
            joined = Batch.of(event for one in batches for event in one)
            if all(one.page.places is not None for one in batches):
                joined.page.places = [place for one in batches for place in one.places or ()]
            return joined
        end = batch.j
    return Batch(first.page, first.i, end)


def as_batch(events: Sequence[Event]) -> Batch:
    """Return `events` itself when it is a Batch, else a Batch over it; TypeError for None."""
    if events is None:
        raise TypeError("None is not an event")
    return events if isinstance(events, Batch) else Batch.of(events)
