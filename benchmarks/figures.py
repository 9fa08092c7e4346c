"""How a figure is taken: enough events to fill a slice of time, again and again, none lost.

It knows no sink. What is measured is a coroutine that writes n events and returns how long that
took; what it has to prove first is its own affair, by raising `EventsLost`.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "FULL",
    "QUICK",
    "ROUND",
    "Effort",
    "EventsLost",
    "Figure",
    "Once",
    "Row",
    "Table",
    "measure",
    "measure_in_turn",
    "rounded_up",
]

Once = Callable[[int], Awaitable[float]]
"""Writes that many events, proves that each arrived, returns the seconds it took."""


class EventsLost(RuntimeError):
    """Says that a benchmark did not deliver what it was given: its time means nothing."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Is how much time one figure may take.

    `budget_s` is for the clocked parts together, in seconds; `repeats` are timed; `most` bounds
    the events of one repeat, and `first` is with how many the search for that number begins.
    """

    budget_s: float
    repeats: int
    most: int
    first: int = 1_000


_SEARCHES = 12

FULL = Effort(budget_s=1.2, repeats=7, most=2_000_000)
ROUND = Effort(budget_s=0.3, repeats=3, most=1_000_000)
QUICK = Effort(budget_s=0.004, repeats=2, most=1_000, first=100)


@dataclass(frozen=True, slots=True)
class Figure:
    """Holds what one event cost, in nanoseconds, over some repeats of `events` events each."""

    events: int
    repeats: int
    ns_min: float
    ns_median: float

    @property
    def events_per_s(self) -> float:
        """Events a second at the median."""
        return 1e9 / self.ns_median


@dataclass(frozen=True, slots=True)
class Row:
    """Is one line of a table: what was measured, how it was written, and the figure.

    `note` is appended to the line; `extra` holds more numbers by name.
    """

    name: str
    label: str
    how: str
    figure: Figure
    note: str = ""
    extra: dict[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for `--json`."""
        figure = self.figure
        return {
            "name": self.name,
            "label": self.label,
            "how": self.how,
            "events": figure.events,
            "repeats": figure.repeats,
            "ns_min": figure.ns_min,
            "ns_median": figure.ns_median,
            "events_per_s": figure.events_per_s,
            "note": self.note,
            **self.extra,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """Is one subject: `measured(effort, wanted)` returns its rows, `notes` say how to read them.

    `wanted(name)` tells whether a row was asked for.
    """

    name: str
    title: str
    names: tuple[str, ...]
    notes: tuple[str, ...]
    measured: Callable[[Effort, Callable[[str], bool]], Awaitable[list[Row]]]


def rounded_up(n: int, step: int) -> int:
    """Return the smallest multiple of `step` that is at least `n`."""
    return -(-n // step) * step


async def measure(once: Once, effort: Effort, *, step: int = 1) -> Figure:
    """Find how many events fill one repeat, then take the repeats.

    The number of events is a multiple of `step`. A first run is thrown away. Garbage is collected
    before every run; the collector stays on while the clock runs, as it does in a service.
    """
    return (await measure_in_turn([once], effort, step=step))[0]


async def measure_in_turn(onces: Sequence[Once], effort: Effort, *, step: int = 1) -> list[Figure]:
    """Measure several things as `measure` does one, each repeat of them after one another.

    A noisy moment meets them all, so that their ratios hold.
    """
    fitting = [await _fitting(once, effort, step) for once in onces]
    each: list[list[float]] = [[] for _ in onces]
    for _ in range(effort.repeats):
        for once, n, took in zip(onces, fitting, each, strict=True):
            gc.collect()
            took.append(await once(n) * 1e9 / n)
    return [
        Figure(n, effort.repeats, min(took), statistics.median(took))
        for n, took in zip(fitting, each, strict=True)
    ]


async def _fitting(once: Once, effort: Effort, step: int) -> int:
    """Return how many events fill one repeat."""
    slice_s = effort.budget_s / (effort.repeats + 1)
    most = rounded_up(effort.most, step)
    n = min(most, rounded_up(effort.first, step))
    await once(n)  # what happens only once, imports and connections, is no part of any figure
    for _ in range(_SEARCHES):
        gc.collect()
        took = await once(n)
        if took >= slice_s / 2 or n >= most:
            break
        wanted = min(n * 10, max(n, int(n * 0.9 * slice_s / took)))
        n = min(most, rounded_up(wanted, step))
    return n
