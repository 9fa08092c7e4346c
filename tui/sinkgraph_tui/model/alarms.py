"""Which alarms there are, and their order: delays, folding of alike ones, acknowledgement.

A board is a value: it is advanced by the signs of a snapshot and gives the alarms of that moment.
How an alarm reads is decided in `headlines`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sinkgraph_tui.model.blast import blast_of
from sinkgraph_tui.model.causes import Trouble, fold
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign

__all__ = ["Alarm", "Board", "alarms_of", "lanes_hit", "ordered"]

ON_SNAPSHOTS = 2
OFF_S = 5.0
FORGET_S = 600.0
MOST_SINGLE = 8
_KNOWN_S = 1.0
_OVER = "over"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Is what somebody must act on: one trouble, or the same one on several lanes.

    `ended_at` is when its cause was seen last, where that is gone; `cleared` that it is over and
    has not been looked at; `times` how often it came in the last ten minutes.
    """

    key: Key
    troubles: tuple[Trouble, ...]
    lanes: int = 1
    times: int = 1
    acked_until: float | None = None
    ended_at: float | None = None
    cleared: bool = False

    @property
    def trouble(self) -> Trouble:
        """The worst of its troubles."""
        return self.troubles[0]

    @property
    def level(self) -> int:
        """Its place in P1 to P6."""
        return min(one.level for one in self.troubles)

    @property
    def impact_at(self) -> float | None:
        """When it gets worse, soonest."""
        found = [one.impact_at for one in self.troubles if one.impact_at is not None]
        return min(found, default=None)

    @property
    def since(self) -> float | None:
        """Since when there is any of it."""
        return min((one.since for one in self.troubles if one.since is not None), default=None)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes it shows at, the worst cause's first."""
        return tuple(dict.fromkeys(node for one in self.troubles for node in one.nodes))

    @property
    def order(self) -> tuple[bool, bool, int, float, int, float, Key]:
        """What alarms are ordered by; no two are alike in it."""
        impact = math.inf if self.impact_at is None else self.impact_at
        since = math.inf if self.since is None else self.since
        acked = self.acked_until is not None
        return self.cleared, acked, self.level, impact, -self.lanes, since, self.key


@dataclass(frozen=True, slots=True)
class _Raised:
    """Is one sign as it was last, since when it is looked at, and when it was gone."""

    sign: Sign
    first_at: float
    last_at: float
    looks: int = 1
    times: int = 1
    was_alarm: bool = False
    seen: bool = False

    @property
    def enough(self) -> bool:
        """Whether it was there for long enough to be an alarm."""
        known = self.sign.since is not None and self.first_at - self.sign.since >= _KNOWN_S
        return self.was_alarm or self.looks >= ON_SNAPSHOTS or known

    def standing(self, at: float) -> bool:
        """Whether it is an alarm, and not gone for too long."""
        return self.enough and at - self.last_at < OFF_S


@dataclass(frozen=True, slots=True)
class Board:
    """Is what is known of alarms at one moment: signs that stand, ended, were acknowledged."""

    at: float = -math.inf
    raised: Mapping[Key, _Raised] = field(default_factory=dict)
    acked: Mapping[Key, float] = field(default_factory=dict)

    def advanced(self, signs: Iterable[Sign], at: float) -> Board:
        """Return it after a snapshot made at a moment; one made before is of another run."""
        if at == self.at:
            return self
        before = self.raised if at > self.at else {}
        now = {sign.key: sign for sign in signs}
        raised: dict[Key, _Raised] = {}
        for key, held in before.items():
            if key not in now and at - held.last_at < FORGET_S:
                looks = 0 if at - held.last_at >= OFF_S else held.looks
                stays = held.enough
                if stays or looks:
                    raised[key] = replace(held, looks=looks, was_alarm=stays)
        for key, sign in now.items():
            was = before.get(key)
            raised[key] = _Raised(sign, at, at) if was is None else self._again(was, sign, at)
        acked = {key: until for key, until in self.acked.items() if until > at}
        return Board(at, raised, acked if at > self.at else {})

    def _again(self, was: _Raised, sign: Sign, at: float) -> _Raised:
        """Return a sign that was there before, perhaps after it had been gone."""
        if was.last_at < self.at and at - was.last_at >= OFF_S:
            return _Raised(sign, at, at, times=was.times + 1)
        stayed = was.last_at == self.at
        held = _lasting(was.sign, sign) if stayed else sign
        return replace(was, sign=held, last_at=at, looks=was.looks + 1, was_alarm=was.enough)

    def signs(self) -> tuple[Sign, ...]:
        """Return the signs that stand as alarms."""
        return tuple(one.sign for one in self.raised.values() if one.standing(self.at))

    def present(self) -> tuple[Sign, ...]:
        """Return those of them that are there right now: nothing is explained by what has ended."""
        return tuple(
            one.sign
            for one in self.raised.values()
            if one.standing(self.at) and one.last_at == self.at
        )

    def acknowledged(self, key: Key, lasting_s: float = FORGET_S) -> Board:
        """Return it with an alarm acknowledged for a time; one that is over is forgotten."""
        return replace(self, acked={**self.acked, key: self.at + lasting_s}).seen([key])

    def seen(self, keys: Iterable[Key] | None = None) -> Board:
        """Return it without the alarms that are over and were looked at; all of them by default."""
        chosen = None if keys is None else {_sign_key(key) for key in keys}
        kept = {
            key: one
            for key, one in self.raised.items()
            if one.standing(self.at)
            or not one.was_alarm
            or (chosen is not None and key not in chosen)
        }
        return replace(self, raised=kept)

    def alarms(self, shape: Shape) -> tuple[Alarm, ...]:
        """Return the alarms in the order in which somebody should act; what is over comes last."""
        found = []
        for one in alarms_of(self.signs(), shape):
            held = [self.raised[two.key] for two in one.troubles]
            found.append(
                replace(
                    one,
                    times=max(two.times for two in held),
                    acked_until=self.acked.get(one.key),
                    ended_at=max(two.last_at for two in held)
                    if all(two.last_at < self.at for two in held)
                    else None,
                )
            )
        found += [self._over(trouble) for trouble in self._ended(shape)]
        return ordered(found)

    def _ended(self, shape: Shape) -> list[Trouble]:
        """Return what is over and was not looked at; not what only followed from what stands."""
        over = {
            one.sign.key: one.sign
            for one in self.raised.values()
            if one.was_alarm and not one.standing(self.at)
        }
        return [
            Trouble(one.cause, tuple(sign for sign in one.effects if sign.key in over))
            for one in fold((*self.signs(), *over.values()), shape)
            if one.cause.key in over
        ]

    def _over(self, trouble: Trouble) -> Alarm:
        held = self.raised[trouble.key]
        return Alarm(
            (_OVER, "/".join(trouble.key)),
            (trouble,),
            times=held.times,
            ended_at=held.last_at,
            cleared=True,
        )


def _lasting(was: Sign, now: Sign) -> Sign:
    """Return a sign that has stayed; it began when it began, though that is forgotten by now."""
    since = min((one for one in (was.since, now.since) if one is not None), default=None)
    number = now.number
    if was.number is not None and was.counter is not None and now.counter is not None:
        number = was.number + max(0.0, now.counter - was.counter)
    return replace(now, since=since, number=number)


def _sign_key(key: Key) -> Key:
    """Return the key of the sign that an alarm which is over was about."""
    if key[0] != _OVER:
        return key
    kind, _, node = key[1].partition("/")
    return kind, node


def ordered(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """Return alarms by severity, then time to impact, then lanes hit, then age."""
    return tuple(sorted(alarms, key=lambda one: one.order))


def alarms_of(signs: Sequence[Sign], shape: Shape) -> tuple[Alarm, ...]:
    """Return the alarms of signs without regard to the past, alike ones folded, in order."""
    troubles = fold(signs, shape)
    groups = _grouped(troubles, lambda one: shape.leaf(one.cause.node))
    if len(groups) > MOST_SINGLE:
        by_host = _grouped(
            troubles, lambda one: shape.host(one.cause.node) or shape.leaf(one.cause.node)
        )
        groups = min(by_host, groups, key=len)
    return ordered(_alarm(key, group, shape) for key, group in groups)


def _grouped(
    troubles: Iterable[Trouble], alike: Callable[[Trouble], str]
) -> list[tuple[Key, list[Trouble]]]:
    """Return troubles grouped by kind and what is alike in them; what has nothing is alone."""
    groups: dict[tuple[Kind, str], list[Trouble]] = {}
    alone: list[tuple[Key, list[Trouble]]] = []
    for one in troubles:
        same = alike(one)
        if same:
            groups.setdefault((one.cause.kind, same), []).append(one)
        else:
            alone.append((one.key, [one]))
    for (kind, same), group in groups.items():
        key = group[0].key if len(group) == 1 else (kind.value, f"*/{same}")
        alone.append((key, group))
    return alone


def _alarm(key: Key, group: Sequence[Trouble], shape: Shape) -> Alarm:
    singles = ordered(Alarm(one.key, (one,), lanes_hit(one, shape)) for one in group)
    troubles = tuple(one.trouble for one in singles)
    return Alarm(key, troubles, sum(one.lanes for one in singles))


def lanes_hit(trouble: Trouble, shape: Shape) -> int:
    """Return how many lanes a trouble hits: its own, and those that will get nothing of it."""
    labels = {shape.label(node) for node in trouble.nodes}
    for sign in trouble.due:
        if sign.kind in (Kind.FULL, Kind.FILLING):
            blast = blast_of(shape, sign.node, full=True)
            labels |= {shape.label(node) for node in (*blast.starved, *blast.stalled)}
    return max(1, len(labels))
