"""How an alarm reads, in one line: cause, then consequence, then when it gets worse.

It puts into words what `alarms` found; it decides no order and no weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sinkgraph_tui.model.alarms import Alarm
from sinkgraph_tui.model.blast import blast_of
from sinkgraph_tui.model.causes import Trouble
from sinkgraph_tui.model.figures import count, latency, per_s, share, short, signed
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign
from sinkgraph_tui.model.text import Line, Tone, listed, plural, said

__all__ = ["GLYPHS", "TONES", "Hand", "cause_line", "headline", "level_tone", "summary"]

GLYPHS: Mapping[Kind, str] = {
    Kind.STALE: "✕",
    Kind.UNACCOUNTED: "✕",
    Kind.LAGGING: "!",
    Kind.FAILED: "✕",
    Kind.DROPPING: "✕",
    Kind.TRIPPED: "⊘",
    Kind.PAUSED: "‖",
    Kind.OPEN: "○",
    Kind.PROBING: "◐",
    Kind.SLOW: "!",
    Kind.FAILING: "!",
    Kind.DEGRADED: "!",
    Kind.DYING: "!",
    Kind.FULL: "▲",
    Kind.FILLING: "▲",
    Kind.LETTERS: "▲",
    Kind.BLOCKED: "▲",
    Kind.DRAINING: "▼",
    Kind.DRIFT: "·",
}
TONES: Mapping[int, Tone] = {1: "bad", 2: "bad", 3: "bad", 4: "warn", 5: "manual", 6: "dim"}
_OWN_TONES: Mapping[Kind, Tone] = {
    Kind.TRIPPED: "manual",
    Kind.PAUSED: "manual",
    Kind.PROBING: "probing",
}


@dataclass(frozen=True, slots=True)
class Hand:
    """Is who did something to a node, and why, as the journal has it."""

    by: str | None = None
    why: str | None = None


_NOBODY = Hand()


def level_tone(level: int) -> Tone:
    """Return the tone of P1 to P6."""
    return TONES.get(level, "text")


def headline(
    alarm: Alarm, shape: Shape, now: float, hands: Mapping[str, Hand] | None = None
) -> Line:
    """Return `○ billing OPEN 1m42s 503 → queue full in 1m11s → blocks fanout`.

    `now` is Unix seconds of the server, `hands` who paused or tripped a node.
    """
    trouble, sign = alarm.trouble, alarm.trouble.cause
    ended, then = alarm.ended_at, now if alarm.ended_at is None else alarm.ended_at
    tone = _OWN_TONES.get(sign.kind, level_tone(sign.level))
    line = said((f"{GLYPHS[sign.kind]} ", tone), cause_line(sign, shape, then, hands))
    if len(alarm.troubles) > 1:
        line += _where(alarm, shape)
    line += said(*(said(" → ", one) for one in _effects(trouble, shape, then)))
    if alarm.times > 1:
        line += said((f" · {alarm.times} times in 10m", "dim"))
    if ended is None:
        return line
    ago = f"{short(now - ended)} ago: " if alarm.cleared else "just now: "
    return said((f"✓ ended {ago}", "dim"), line)


def _where(alarm: Alarm, shape: Shape) -> Line:
    """Return on how many lanes it is: `×4 (eu, us, ap and 1 more)`."""
    labels = dict.fromkeys(shape.label(one.cause.node) for one in alarm.troubles)
    leaf = {shape.leaf(one.cause.node) for one in alarm.troubles}
    shown = [one.rpartition("/")[0] or one for one in labels] if len(leaf) == 1 else list(labels)
    times = len(labels) if len(labels) > 1 else len(alarm.troubles)
    return said((f" ×{times}", "strong"), (f" ({listed(shown)})", "dim"))


def cause_line(
    sign: Sign, shape: Shape, now: float, hands: Mapping[str, Hand] | None = None
) -> Line:
    """Return what a sign says, without what follows from it."""
    tone = _OWN_TONES.get(sign.kind, level_tone(sign.level))
    name = said((shape.label(sign.node), "strong")) if sign.node else said()
    age = f" {short(now - sign.since)}" if sign.since is not None else ""
    why = f" {sign.reason}" if sign.reason else ""
    because = f" · {sign.reason}" if sign.reason else ""
    number = sign.number or 0.0
    match sign.kind:
        case Kind.OPEN:
            return said(name, (" OPEN", tone), (age, tone), why)
        case Kind.PROBING:
            return said(name, (" PROBING", tone), (age, tone), why)
        case Kind.TRIPPED:
            return said(
                name, (" TRIPPED", tone), age, _hand(sign, hands), _ends(sign, now, "resets")
            )
        case Kind.PAUSED:
            ends = _ends(sign, now, "resumes")
            return said(
                name, (" paused", tone), _hand(sign, hands), f"{age} ago" if age else "", ends
            )
        case Kind.FAILED:
            return said(name, (" FAILED", tone), (age, tone), why)
        case Kind.DEGRADED:
            return said(name, (" degraded", tone), age, why)
        case Kind.SLOW:
            times = f" · {number / sign.usual:.0f}× usual" if sign.usual else ""
            return said(name, (" slow", tone), (f" p99 {latency(sign.number)}", tone), times)
        case Kind.FAILING:
            return said(name, (f" fails {share(number)} of attempts", tone), because)
        case Kind.DYING:
            return said(name, (f" {plural(round(number), 'dead letter')} in 1m", tone), because)
        case Kind.DROPPING:
            return said(name, (f" LOSES {per_s(number)}", tone), because)
    return _of_room(sign, name, tone, now)


def _of_room(sign: Sign, name: Line, tone: Tone, now: float) -> Line:
    number = sign.number or 0.0
    match sign.kind:
        case Kind.FULL:
            return said(name, (" FULL", tone))
        case Kind.FILLING:
            soon = f" full in {_left(sign.impact_at, now)}"
            return said(name, (f" growing {signed(number)}", tone), (soon, tone))
        case Kind.LETTERS if number >= 1:
            return said(name, (" FULL", tone), ": no more dead letters can be kept")
        case Kind.LETTERS:
            soon = f", full in {_left(sign.impact_at, now)}" if sign.impact_at is not None else ""
            return said(name, (f" {share(number)} full", tone), soon)
        case Kind.BLOCKED:
            age = f" for {short(now - sign.since)}" if sign.since is not None else ""
            return said(name, (f" is made to wait{age}", tone))
        case Kind.DRAINING if sign.node:
            return said(name, f" leaves with {plural(round(number), 'event')}")
        case Kind.DRAINING:
            return said(f"the graph stops: {plural(round(number), 'event')} to deliver")
        case Kind.DRIFT:
            return said("what runs is not what the file says: ", sign.reason)
        case Kind.LAGGING:
            return said("engine ", (f"{latency(number)} late", tone))
        case Kind.UNACCOUNTED:
            events = plural(round(abs(number)), "event")
            return said((f"{events} not accounted for", tone), ": a bug in sinkgraph")
        case Kind.STALE:
            return said((f"STALE {short(number)}", tone), " — values frozen")
    return said(name, f" {sign.kind.value}")


def _left(at: float | None, now: float) -> str:
    return short(max(0.0, at - now)) if at is not None else "a while"


def _ends(sign: Sign, now: float, verb: str) -> str:
    return f" · {verb} in {_left(sign.ends_at, now)}" if sign.ends_at is not None else ""


def _hand(sign: Sign, hands: Mapping[str, Hand] | None) -> Line:
    hand = (hands or {}).get(sign.node, _NOBODY)
    by = f" by {hand.by}" if hand.by else ""
    return said(by, f" ({hand.why})" if hand.why else "")


def _effects(trouble: Trouble, shape: Shape, now: float) -> list[Line]:
    """Return what follows, the nearest first, in few words: at most three."""
    cause = shape.label(trouble.cause.node)
    found: list[Line] = []
    queues = [one for one in trouble.due if one.kind in (Kind.FULL, Kind.FILLING)]
    for sign in (one for one in queues if one is not trouble.cause):
        label = shape.label(sign.node)
        name = "queue" if label == cause else label
        tone = level_tone(sign.level)
        if sign.kind is Kind.FULL:
            found.append(said((f"{name} full", tone)))
        else:
            found.append(said((f"{name} full in {_left(sign.impact_at, now)}", tone)))
    rest = [one for one in trouble.effects if one.kind not in (Kind.FULL, Kind.FILLING)]
    waiting = [one for one in rest if one.kind is Kind.BLOCKED]
    for sign in rest:
        if sign.kind is Kind.DROPPING:
            found.append(said(("loses ", "bad"), (per_s(sign.number), "bad")))
        elif sign.kind is Kind.DYING:
            found.append(said(f"{plural(round(sign.number or 0), 'dead letter')} in 1m"))
        elif sign.kind is Kind.LETTERS:
            found.append(cause_line(sign, shape, now))
    if waiting:
        found.append(said((f"{listed(shape.label(one.node) for one in waiting)} waits", "bad")))
    elif queues and not any(one.kind is Kind.DROPPING for one in rest):
        found += _blocks(queues[-1], shape)
    return found[:3]


def _blocks(queue: Sign, shape: Shape) -> list[Line]:
    """Return who is hit when a queue is full: the nearest fan above, else whatever is."""
    blast = blast_of(shape, queue.node, full=True)
    match blast.harm:
        case "loses":
            return [said(("loses events", "bad"))]
        case "diverts":
            return [said(f"goes to {listed(shape.label(one) for one in blast.aside)}")]
        case "none":
            return []
    fans = [one for one in reversed(blast.stalled) if shape.kind(one) in ("broadcast", "route")]
    if shape.queues and not fans and blast.first:
        return [said(f"fills {listed(shape.label(one) for one in blast.first)}")]
    hit = fans[:1] or list(blast.sources[:1]) or list(blast.stalled[:1])
    verb = "refuses" if blast.harm == "refused" else "blocks"
    return [said(f"{verb} {shape.label(hit[0])}")] if hit else []


def summary(alarms: tuple[Alarm, ...], nodes: int) -> Line:
    """Return the strip's first words: `2 ALARMS`, or that all is nominal."""
    active = [one for one in alarms if not one.cleared and one.acked_until is None]
    if active:
        word = "ALARM" if len(active) == 1 else "ALARMS"
        return said((f"{count(len(active))} {word}", level_tone(min(one.level for one in active))))
    quiet = sum(one.acked_until is not None and not one.cleared for one in alarms)
    if quiet:
        return said((f"NO NEW ALARMS · {count(quiet)} acknowledged", "warn"))
    return said((f"NO ALARMS · {_all(nodes)}", "dim"))


def _all(nodes: int) -> str:
    return f"all {plural(nodes, 'node')} nominal" if nodes != 1 else "1 node nominal"
