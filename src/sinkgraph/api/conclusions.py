"""What is known of a graph before it runs, as text for a terminal and as JSON.

It draws no conclusion itself: `sinkgraph.graph.inference` does, and this shows its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.inference.conclusions import Because, Bound, Inference, Stall
from sinkgraph.graph.model import Graph
from sinkgraph.spec.units import format_duration, format_size

__all__ = ["conclusions_object", "conclusions_text"]

_WORDS = {
    "at_least_once": "at least once",
    "at_most_once": "at most once",
    "not_kept": "not kept",
    "per_key": "per key",
}
_NAMED = 4
_YEAR_S = 365.25 * 86_400
_NONE = "–"


def conclusions_object(graph: Graph, found: Inference) -> dict[str, Any]:
    """Return everything as JSON values; the words are those of `promises:`."""
    return {
        "graph": graph.name,
        "accepted": [asdict(one) for one in found.accepted],
        "ways": [asdict(one) for one in found.ways],
        "stalls": [asdict(one) for one in found.stalls],
        "bounds": {
            "queues": [asdict(one) for one in found.bounds],
            "events": found.events,
            "bytes": found.bytes,
        },
        "single_points": [asdict(one) for one in found.singles],
    }


def conclusions_text(found: Inference, *, color: bool) -> str:
    """Return the tables, each conclusion followed by the node and the field that decide it."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if color else ("", "")
    blocks = [
        ("What `accepted` is worth", _accepted(found)),
        ("From each source to each end", _ways(found)),
        ("What a slow end can hold up", _stalls(found.stalls)),
        ("What queues hold at most", _bounds(found)),
        ("Single points: every event of a source passes them", _singles(found)),
    ]
    return "\n\n".join(
        "\n".join([f"{bold}{title}{plain}", *rows]) for title, rows in blocks if rows
    )


def _accepted(found: Inference) -> list[str]:
    cells = [(one.source, one.worth, _why(one.because)) for one in found.accepted]
    return list(_table(cells))


def _ways(found: Inference) -> list[str]:
    if not found.ways:
        return []
    head = ("from", "to", "delivery", "durable from", "order")
    cells = [
        (
            way.source,
            way.terminal,
            _WORDS.get(way.delivery, way.delivery),
            way.durable_from or _NONE,
            _WORDS.get(way.order, way.order),
        )
        for way in found.ways
    ]
    rows = list(_table([head, *cells]))
    lines = [rows[0]]
    for way, row in zip(found.ways, rows[1:], strict=True):
        lines.append(row)
        if way.delivery_because is not None:
            lines.append(f"      may be lost: {_why(way.delivery_because)}")
        if way.order_because is not None:
            lines.append(f"      order: {_why(way.order_because)}")
    return lines


def _stalls(stalls: Sequence[Stall]) -> list[str]:
    lines = []
    for one in stalls:
        what = f"  {_name(one.terminal)} {_verb(one)} {_name(one.source)}"
        if one.through:
            state = "is" if len(one.through) == 1 else "are"
            what += f" once {_names(one.through)} {state} full"
        if one.siblings:
            what += f", and with it {_names(one.siblings)}"
        lines += [what, f"      {_why(one.because)}"]
    return lines


def _verb(stall: Stall) -> str:
    return "makes writes fail at" if stall.when == "refused" else "holds up"


def _bounds(found: Inference) -> list[str]:
    if not found.bounds:
        return []
    head = ("queue", "events", "bytes", "one delivery", "worst wait", "")
    cells = [head, *map(_bound, found.bounds)]
    if len(found.bounds) > 1:
        cells.append(("in all", f"{found.events:,}", _size(found.bytes), "", "", ""))
    return list(_table(cells))


def _bound(one: Bound) -> tuple[str, ...]:
    slow = one.event_s is None or one.event_s > 0
    why = _why(one.because) if slow else "nothing below it waits"
    return (
        one.queue,
        f"{one.events:,}",
        _size(one.bytes),
        _time(one.event_s),
        _time(one.wait_s),
        why,
    )


def _singles(found: Inference) -> list[str]:
    by_source: dict[str, list[str]] = {}
    for one in found.singles:
        by_source.setdefault(one.source, []).append(one.node)
    return list(_table([(source, " → ".join(nodes)) for source, nodes in by_source.items()]))


def _size(size: int | None) -> str:
    return "not bounded" if size is None else format_size(size)


def _time(seconds: float | None) -> str:
    """Return seconds in the two largest units: a worst case is no stopwatch."""
    if seconds is None:
        return "not bounded"
    if seconds == 0:
        return _NONE
    if seconds >= 100 * _YEAR_S:
        return "over 100 years"
    if seconds >= 2 * _YEAR_S:
        return f"{seconds / _YEAR_S:.0f} years"
    for unit in (86_400.0, 3_600.0, 60.0):
        if seconds >= unit:
            smaller = unit / (24.0 if unit == 86_400.0 else 60.0)
            return format_duration(round(seconds / smaller) * smaller)
    return format_duration(round(seconds, 3))


def _why(because: Because | None) -> str:
    return "" if because is None else safe_text(str(because), 300)


def _name(name: str) -> str:
    return f"`{safe_text(name, 80)}`"


def _names(names: Sequence[str]) -> str:
    some = ", ".join(map(_name, names[:_NAMED]))
    more = len(names) - _NAMED
    return some if more <= 0 else f"{some} and {more:,} more"


def _table(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows with columns as wide as they need to be; numbers of a kind stay to the left."""
    shown = [[safe_text(cell, 300) for cell in row] for row in cells]
    wide = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield ("  " + "  ".join(f"{cell:<{n}}" for cell, n in zip(row, wide, strict=True))).rstrip()
