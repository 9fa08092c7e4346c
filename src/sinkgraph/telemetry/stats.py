"""The conservation law as plain integers: what entered a node and how each event ended.

Counters change in the same tick as the state they describe; nobody is called, nothing is locked.
A snapshot freezes them (`LedgerView`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Ledger", "LedgerView"]


class Ledger:
    """Counts the events of one node, or of one target of a fan-out.

    `entered + recovered + replayed = delivered + filtered + dropped + dead_lettered + returned
    + pending` holds between any two ticks. `held` is what is in flight through a node that keeps
    nothing itself.
    """

    __slots__ = (
        "dead_lettered",
        "delivered",
        "dropped",
        "entered",
        "filtered",
        "held",
        "recovered",
        "replayed",
        "returned",
    )

    def __init__(self) -> None:
        self.entered = 0
        self.recovered = 0
        self.replayed = 0
        self.delivered = 0
        self.dead_lettered = 0
        self.returned = 0
        self.held = 0
        self.filtered: dict[str, int] = {}
        self.dropped: dict[str, int] = {}

    def filter(self, reason: str, n: int) -> None:
        """Count n events that ended here as intended."""
        if n:
            self.filtered[reason] = self.filtered.get(reason, 0) + n

    def drop(self, reason: str, n: int) -> None:
        """Count n events lost by policy."""
        if n:
            self.dropped[reason] = self.dropped.get(reason, 0) + n

    def add(self, view: LedgerView) -> None:
        """Add another ledger's numbers, but for what is pending there."""
        self.entered += view.entered
        self.recovered += view.recovered
        self.replayed += view.replayed
        self.delivered += view.delivered
        self.dead_lettered += view.dead_lettered
        self.returned += view.returned
        for reason, n in view.dropped.items():
            self.drop(reason, n)
        for reason, n in view.filtered.items():
            self.filter(reason, n)

    def freeze(self, pending: int) -> LedgerView:
        """Return the numbers as they are now, with what is still pending."""
        return LedgerView(
            entered=self.entered,
            recovered=self.recovered,
            replayed=self.replayed,
            delivered=self.delivered,
            dead_lettered=self.dead_lettered,
            returned=self.returned,
            pending=pending,
            filtered=dict(self.filtered),
            dropped=dict(self.dropped),
        )


@dataclass(frozen=True, slots=True)
class LedgerView:
    """Is a frozen ledger; `residue` other than 0 is a bug."""

    entered: int = 0
    recovered: int = 0
    replayed: int = 0
    delivered: int = 0
    dead_lettered: int = 0
    returned: int = 0
    pending: int = 0
    filtered: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def residue(self) -> int:
        """Events that are unaccounted for (positive) or accounted for twice (negative)."""
        came = self.entered + self.recovered + self.replayed
        went = self.delivered + self.dead_lettered + self.returned + self.pending
        return came - went - sum(self.filtered.values()) - sum(self.dropped.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the law's terms by their names, and the residue; plain values."""
        return {
            "entered": self.entered,
            "recovered": self.recovered,
            "replayed_in": self.replayed,
            "delivered": self.delivered,
            "filtered": dict(self.filtered),
            "dropped": dict(self.dropped),
            "dead_lettered": self.dead_lettered,
            "returned": self.returned,
            "pending": self.pending,
            "residue": self.residue,
        }

    @staticmethod
    def total(views: Iterable[LedgerView]) -> LedgerView:
        """Return the sum of several ledgers: the targets of one fan-out."""
        into = Ledger()
        pending = 0
        for view in views:
            into.add(view)
            pending += view.pending
        return into.freeze(pending)
