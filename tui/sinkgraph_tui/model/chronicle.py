"""What the journal says, for people: an entry as a sentence, and flapping folded into one line.

It words entries and drops none: a folded line counts those it stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.api.messages import JournalEntry
from sinkgraph_tui.model.figures import count, short
from sinkgraph_tui.model.text import Line, Tone, gist, said

__all__ = ["Told", "chronicle", "wording"]

_FLAPS = frozenset({"breaker_opened", "breaker_half_open"})
_GLYPHS: dict[str, tuple[str, Tone]] = {
    "breaker_opened": ("○", "bad"),
    "breaker_half_open": ("◐", "probing"),
    "breaker_closed": ("●", "text"),
    "breaker_isolated": ("⊘", "manual"),
    "breaker_tripped": ("⊘", "manual"),
    "breaker_reset": ("●", "manual"),
    "queue_paused": ("‖", "manual"),
    "source_paused": ("‖", "manual"),
}
_BAD = ("failed", "lost", "dropped", "damaged", "full", "not_saved", "unaccounted", "cut_off")
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Told:
    """Is one line of the journal; `entries` it stands for, the oldest first."""

    entries: tuple[JournalEntry, ...]
    glyph: str
    tone: Tone
    line: Line

    @property
    def at(self) -> float:
        """When it was so last."""
        return self.entries[-1].at

    @property
    def node(self) -> str | None:
        """The node it is about."""
        return self.entries[-1].node


def chronicle(entries: Sequence[JournalEntry]) -> tuple[Told, ...]:
    """Return entries as lines, oldest first; a breaker that opens again and again is one line."""
    folded: list[list[JournalEntry]] = []
    flapping: dict[str | None, list[JournalEntry]] = {}
    for entry in entries:
        held = flapping.get(entry.node) if entry.kind in _FLAPS else None
        if held is not None:
            held.append(entry)
            continue
        group = [entry]
        folded.append(group)
        if entry.kind == "breaker_opened":
            flapping[entry.node] = group
        elif entry.kind.startswith("breaker_"):
            flapping.pop(entry.node, None)
    return tuple(sorted((_told(group) for group in folded), key=lambda one: one.at))


def _told(group: list[JournalEntry]) -> Told:
    last = group[-1]
    glyph, tone = _GLYPHS.get(last.kind, ("!", "warn") if _is_bad(last.kind) else ("·", "text"))
    if len(group) < 3:
        return Told(tuple(group), glyph, tone, wording(last))
    failed = sum(one.kind == "breaker_opened" for one in group) - 1
    errors = [one.facts.get("error") for one in group if one.facts.get("error")]
    why = f" {gist(str(errors[-1]))}" if errors else ""
    lasted = short(last.at - group[0].at)
    line = said(("open ⇄ half-open", tone), f" · probe{why} ×{failed} in {lasted}")
    return Told(tuple(group), glyph, tone, line)


def _is_bad(kind: str) -> bool:
    return any(mark in kind for mark in _BAD)


def wording(entry: JournalEntry) -> Line:
    """Return what an entry says, without its time and node."""
    facts = entry.facts
    error = f": {gist(str(facts['error']))}" if facts.get("error") else ""
    by = f" by {facts['by']}" if facts.get("by") else ""
    why = f" ({facts['why']})" if facts.get("why") else ""
    lasting = facts.get("for_s")
    until = f" for {short(lasting)}" if isinstance(lasting, int | float) else ""
    match entry.kind:
        case "breaker_opened":
            again = " again" if facts.get("was") == "half_open" else ""
            return said((f"opened{again}", "bad"), error)
        case "breaker_half_open":
            return said(("probes", "probing"))
        case "breaker_closed":
            return said("closed: deliveries go on")
        case "breaker_isolated" | "breaker_tripped":
            return said(("tripped", "manual"), by, until, why)
        case "breaker_reset":
            return said("reset", by, why)
        case "queue_paused" | "source_paused":
            return said(("paused", "manual"), by, until, why)
        case "queue_resumed" | "source_resumed":
            return said("resumed", by, why)
        case "graph_started":
            return said(f"started, generation {facts.get('generation', 1)}")
        case "graph_reloaded":
            return said(f"generation {facts.get('generation')} runs now")
    words: Tone = "warn" if _is_bad(entry.kind) else "text"
    rest = {
        key: value
        for key, value in facts.items()
        if key not in ("error", "by", "why", "for_s", "node")
        and isinstance(value, str | int | float)
    }
    shown = ", ".join(f"{key} {_value(value)}" for key, value in list(rest.items())[:_SHOWN])
    text = entry.kind.replace("_", " ")
    return said((text, words), f" · {shown}" if shown else "", by, until, why, error)


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return count(value) if not math.isfinite(value) or value == int(value) else f"{value:.2f}"
