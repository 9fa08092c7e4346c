"""What a drawing says a graph promises: a few words on its nodes, each with what decides it.

The conclusions are those of `sinkgraph.graph.inference`; here they only become words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sinkgraph.graph.inference.conclusions import (
    DELIVERY,
    ORDER,
    Accepted,
    Because,
    Bound,
    Inference,
    Stall,
    Way,
)
from sinkgraph.render.parts import Chip, Tone
from sinkgraph.spec.units import format_duration

__all__ = ["Guarantee", "guarantees"]

_NAMED = 2
_DELIVERY: dict[str, tuple[Tone, str]] = {
    "at_least_once": ("good", "at least once"),
    "at_most_once": ("fair", "at most once"),
}
_ORDER = {"kept": "in order", "per_key": "in order per key", "not_kept": "in no order"}
_STALLS: dict[str, tuple[Tone, str]] = {
    "at_once": ("poor", "can stall {}"),
    "refused": ("fair", "can fill up {}"),
    "when_full": ("calm", "stalls only {}"),
}


@dataclass(frozen=True, slots=True)
class Guarantee:
    """Is what is known of a node: a chip for some of it, and every reason, a line each."""

    node: str
    chip: Chip | None
    why: tuple[str, ...]


def guarantees(known: Inference) -> tuple[Guarantee, ...]:
    """Return what to write on the nodes of a graph; of several sources, the weakest counts."""
    made = [_accepted(one) for one in known.accepted]
    ways: dict[str, list[Way]] = {}
    for way in known.ways:
        ways.setdefault(way.terminal, []).append(way)
    made += [_arrival(name, held) for name, held in ways.items()]
    stalls: dict[str, list[Stall]] = {}
    for stall in known.stalls:
        stalls.setdefault(stall.terminal, []).append(stall)
    for name, found in stalls.items():
        made += _stalled(name, found)
    made += [Guarantee(one.queue, None, (_bound(one),)) for one in known.bounds]
    single: dict[str, list[str]] = {}
    for one in known.singles:
        single.setdefault(one.node, []).append(one.source)
    for name, sources in single.items():
        why = f"single point: every event of {_some(sources)} passes here"
        made.append(Guarantee(name, None, (why,)))
    return tuple(made)


def _accepted(one: Accepted) -> Guarantee:
    tone: Tone = "fair" if one.worth == "memory" else "good"
    text = f"accepted = {one.worth}"
    return Guarantee(one.source, Chip(text, tone), _why(text, one.because))


def _arrival(name: str, ways: list[Way]) -> Guarantee:
    """Say how often events arrive, and in which order, for the weakest of all ways there."""
    weakest = min(ways, key=lambda way: DELIVERY.index(way.delivery))
    loosest = min(ways, key=lambda way: ORDER.index(way.order))
    tone, said = _DELIVERY[weakest.delivery]
    order = _ORDER[loosest.order]
    why = (*_why(said, weakest.delivery_because), *_why(order, loosest.order_because))
    return Guarantee(name, Chip(f"{said} · {order}", tone), why)


def _stalled(name: str, found: list[Stall]) -> Iterator[Guarantee]:
    """Say what a slow terminal holds up: sources at once, or only the queues before it."""
    for when, (tone, text) in _STALLS.items():
        held = [one for one in found if one.when == when]
        if not held:
            continue
        sources = dict.fromkeys(one.source for one in held)
        queues = dict.fromkeys(queue for one in held for queue in one.through[-1:])
        said = text.format(_some(list(sources if when == "at_once" else queues or sources)))
        first = held[0]
        why = [*_why(said, first.because)]
        if first.siblings:
            why.append(f"then these wait too: {', '.join(first.siblings)}")
        yield Guarantee(name, Chip(said, tone), tuple(why))
        return


def _bound(one: Bound) -> str:
    size = "" if one.bytes is None else f", {one.bytes:,} bytes"
    if one.event_s is None:
        wait = "nothing bounds how long one delivery takes"
    elif one.event_s == 0:
        wait = "no delivery is waited for"
    else:
        wait = f"one delivery takes at most {format_duration(one.event_s)}"
    because = "" if one.because is None else f" ({one.because})"
    return f"holds at most {one.events:,} events{size}; {wait}{because}"


def _why(said: str, because: Because | None) -> tuple[str, ...]:
    return () if because is None else (f"{said}: {because}",)


def _some(names: list[str]) -> str:
    rest = len(names) - _NAMED
    if rest <= 0:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {rest:,} more"
