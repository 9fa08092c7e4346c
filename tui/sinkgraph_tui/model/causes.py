"""Which sign is the cause of which: consequences fold under the cause an operator can act on.

No sign is left out and none is told twice. How a trouble is put into words is not its subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Kind, Sign

__all__ = ["Trouble", "fold"]

_STRENGTH = {
    kind: strength
    for strength, kinds in enumerate(
        (
            (Kind.STALE, Kind.UNACCOUNTED, Kind.DRIFT, Kind.LAGGING),
            (Kind.FAILED,),
            (Kind.TRIPPED, Kind.PAUSED),
            (Kind.OPEN,),
            (Kind.PROBING,),
            (Kind.FAILING,),
            (Kind.SLOW,),
            (Kind.DEGRADED,),
            (Kind.DYING,),
            (Kind.FULL,),
            (Kind.FILLING,),
            (Kind.DROPPING, Kind.LETTERS),
            (Kind.BLOCKED, Kind.DRAINING),
        )
    )
    for kind in kinds
}
_ENDPOINT = frozenset({Kind.TRIPPED, Kind.OPEN, Kind.PROBING, Kind.FAILING})
_ALONE = frozenset({Kind.STALE, Kind.UNACCOUNTED, Kind.DRIFT, Kind.LAGGING, Kind.DRAINING})
_STOPS = frozenset(
    {Kind.FAILED, Kind.TRIPPED, Kind.PAUSED, Kind.OPEN, Kind.PROBING, Kind.FAILING, Kind.SLOW,
     Kind.DEGRADED}
)  # fmt: skip
_KILLS = frozenset({Kind.FAILED, Kind.FAILING, Kind.DEGRADED, Kind.OPEN, Kind.PROBING})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Is a cause with what follows from it, the nearest first."""

    cause: Sign
    effects: tuple[Sign, ...] = ()

    @property
    def signs(self) -> tuple[Sign, ...]:
        """All of its signs."""
        return (self.cause, *self.effects)

    @property
    def due(self) -> tuple[Sign, ...]:
        """Its signs, but for what will not come: what a pause does after it has ended."""
        cause = self.cause
        ends = cause.ends_at if cause.kind in (Kind.PAUSED, Kind.TRIPPED) else None
        return tuple(
            one
            for one in self.signs
            if ends is None or one.kind is not Kind.FILLING or (one.impact_at or 0.0) <= ends
        )

    @property
    def level(self) -> int:
        """The worst level of its signs: an open breaker weighs what its queue is about to do."""
        return min(sign.level for sign in self.due)

    @property
    def impact_at(self) -> float | None:
        """When it gets worse, soonest."""
        return min((one.impact_at for one in self.due if one.impact_at is not None), default=None)

    @property
    def since(self) -> float | None:
        """Since when there is any of it."""
        return min((one.since for one in self.signs if one.since is not None), default=None)

    @property
    def key(self) -> tuple[str, str]:
        """What it is the same by, from one snapshot to the next."""
        return self.cause.key

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes it shows at, the cause's first."""
        return tuple(dict.fromkeys(sign.node for sign in self.signs if sign.node))


def fold(signs: Sequence[Sign], shape: Shape) -> tuple[Trouble, ...]:
    """Return troubles: each sign once, as a cause or below the one it follows from."""
    last = len(shape.rank)
    held = sorted(
        signs, key=lambda one: (_STRENGTH[one.kind], shape.rank.get(one.node, last), one.node)
    )
    at: dict[str, list[int]] = {}
    for k, sign in enumerate(held):
        at.setdefault(sign.node, []).append(k)
    roots: dict[int, int] = {}
    steps: dict[int, int] = {}
    for k in sorted(range(len(held)), key=lambda k: _turn(held[k], k, shape)):
        above = _reason(k, held, at, shape)
        above = above if above in roots else None
        roots[k] = k if above is None else roots[above]
        steps[k] = 0 if above is None else steps[above] + 1
    effects: dict[int, list[int]] = {k: [] for k, root in roots.items() if k == root}
    for k, root in roots.items():
        if k != root:
            effects[root].append(k)
    return tuple(
        Trouble(held[root], tuple(held[k] for k in sorted(below, key=lambda k: (steps[k], k))))
        for root, below in sorted(effects.items())
    )


def _turn(sign: Sign, k: int, shape: Shape) -> tuple[int, int, int]:
    """Return when a sign finds its cause: the stronger first, and queues from below upwards."""
    last = len(shape.rank)
    if sign.kind in (Kind.FULL, Kind.FILLING):
        return _STRENGTH[Kind.FULL], -shape.rank.get(sign.node, last), k
    return _STRENGTH[sign.kind], 0, k


def _reason(k: int, held: Sequence[Sign], at: dict[str, list[int]], shape: Shape) -> int | None:
    """Return the sign that one follows from most nearly, None for a cause."""
    sign = held[k]
    if sign.kind in _ALONE:
        return None

    def among(names: Iterable[str], kinds: frozenset[Kind]) -> int | None:
        return min(
            (j for one in names for j in at.get(one, []) if j != k and held[j].kind in kinds),
            default=None,
        )

    def endpoint() -> int | None:
        """Return what is wrong with the endpoint this node is a part of the way to."""
        way = [*shape.section(sign.node), *_stretch_above(sign.node, shape)]
        if sign.kind in _ENDPOINT:
            return among(way, frozenset({Kind.FAILED}))
        return among([sign.node, *way], frozenset({Kind.FAILED}) | _ENDPOINT)

    match sign.kind:
        case Kind.FULL | Kind.FILLING:
            found = among([sign.node], frozenset({Kind.FAILED, Kind.PAUSED}))
            if found is None:
                found = among(shape.section(sign.node), _STOPS)
            if found is None:
                queues = [one for one in shape.section(sign.node) if shape.is_queue(one)]
                found = among(queues, frozenset({Kind.FULL}))
            return found
        case Kind.BLOCKED:
            found = among(shape.section(sign.node), frozenset({Kind.FULL}))
            return found if found is not None else among(shape.section(sign.node), _STOPS)
        case Kind.DROPPING:
            found = among([sign.node], frozenset({Kind.FULL, Kind.FILLING, Kind.FAILED}))
            if found is None:  # what is not required is passed over while it is full
                found = among(shape.section(sign.node), frozenset({Kind.FULL}))
            return found
        case Kind.LETTERS:
            dying = (e.source for e in shape.edges_up(sign.node, aside=True))
            return among(dying, frozenset({Kind.DYING}))
        case Kind.DYING:
            return among([sign.node, *shape.section(sign.node)], _KILLS)
        case Kind.SLOW | Kind.DEGRADED | Kind.FAILING | Kind.OPEN | Kind.PROBING | Kind.TRIPPED:
            return endpoint()
    return None


def _stretch_above(name: str, shape: Shape) -> list[str]:
    """Return what stands between a node and the queue above it, where that has one way up."""
    found: list[str] = []
    here = name
    while len(edges := shape.edges_up(here)) == 1:
        here = edges[0].source
        if shape.is_queue(here) or here in found or len(shape.edges_down(here)) > 1:
            break
        found.append(here)
    return found
