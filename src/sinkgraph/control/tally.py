"""Counts what only the journal tells: how often breakers changed, how reloads ended.

It is read by the metrics.
"""

from __future__ import annotations

from sinkgraph.telemetry.journal import Entry

__all__ = ["OUTCOMES", "Tally"]

_TRANSITIONS = {
    "breaker_closed": "closed",
    "breaker_half_open": "half_open",
    "breaker_opened": "open",
    "breaker_isolated": "isolated",
    "breaker_disabled": "disabled",
}
_RELOADS = {"graph_reloaded": "applied", "reload_refused": "refused", "reload_failed": "failed"}

OUTCOMES = tuple(_RELOADS.values())
"""How a reload can end."""


class Tally:
    """Counts what only the journal tells: transitions and reloads."""

    def __init__(self) -> None:
        self.transitions: dict[tuple[str, str], int] = {}
        self.reloads: dict[str, int] = {}

    def note(self, entry: Entry) -> None:
        """Count an entry, if it is one of these."""
        state = _TRANSITIONS.get(entry.kind)
        if state is not None:
            key = (str(entry.facts.get("node")), state)
            self.transitions[key] = self.transitions.get(key, 0) + 1
        outcome = _RELOADS.get(entry.kind)
        if outcome is not None:
            self.reloads[outcome] = self.reloads.get(outcome, 0) + 1
