"""Who else is hit: when a node takes nothing more, and when an operator does something to it.

It answers from declared policies, so it works before anything has happened; when that will be is
not its subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.text import Line, listed, said

__all__ = ["Blast", "Harm", "Verb", "blast_of", "blast_of_action", "if_stopped", "told"]

Harm = Literal["none", "waits", "refused", "loses", "diverts"]
"""What becomes of events that find no room: they wait above, are refused, lost, or go aside."""

Verb = Literal[
    "pause", "resume", "drain", "trip", "reset", "probe", "replay", "purge", "apply", "rollback"
]
_POLICIES: dict[str, Harm] = {
    "block": "waits",
    "reject": "refused",
    "drop_oldest": "loses",
    "drop_newest": "loses",
    "overflow": "diverts",
}


@dataclass(frozen=True, slots=True)
class Blast:
    """Is who is hit when `node` takes nothing more.

    `first` are the queues that fill before anybody above notices, `stalled` the nodes above that
    then wait or are refused, `sources` those of them where events enter, `starved` the branches
    beside it that get nothing although they are well, `losing` where events are lost, `aside` where
    they go instead.
    """

    node: str
    harm: Harm = "none"
    silent: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    stalled: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    starved: tuple[str, ...] = ()
    losing: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()

    @property
    def hit(self) -> tuple[str, ...]:
        """Every node that is hit, the node itself first, each once."""
        return tuple(
            dict.fromkeys(
                (
                    self.node, *self.silent, *self.first, *self.stalled, *self.starved,
                    *self.losing,
                )
            )
        )  # fmt: skip

    @property
    def weight(self) -> int:
        """How much it weighs: 0 nobody else, 1 this lane, 2 other lanes or sources, 3 a loss."""
        if self.losing:
            return 3
        if self.starved or self.sources:
            return 2
        return 1 if self.silent or self.first or self.stalled or self.aside else 0


def blast_of(shape: Shape, name: str, *, full: bool = False) -> Blast:
    """Return who is hit while a node takes nothing; a queue hits nobody above until it is full.

    With `full`, a queue of that name is taken to be full already, else it is what is below it.
    """
    walk = _Walk(shape)
    if shape.is_queue(name) and not full:
        walk.fill(name)
    elif shape.is_queue(name):
        walk.overflow(name)
    else:
        walk.stop(name)
    return walk.blast(name)


class _Walk:
    """Goes up from what takes nothing, once through each node."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._harms: list[Harm] = []
        self._first: set[str] = set()
        self._stalled: set[str] = set()
        self._losing: set[str] = set()
        self._aside: set[str] = set()

    def fill(self, queue: str) -> None:
        """Note that a queue fills, and what comes when it is full."""
        if queue not in self._first:
            self._first.add(queue)
            self.overflow(queue)

    def overflow(self, queue: str) -> None:
        """Note what a full queue does to those that write to it."""
        policy = self._shape.field(queue, "when_full")
        harm = _POLICIES.get(policy if isinstance(policy, str) else "block", "waits")
        self._harms.append(harm)
        if harm == "loses":
            self._losing.add(queue)
        elif harm == "diverts":
            target = self._shape.target(queue, "overflow")
            self._aside |= {target} if target is not None else set()
        else:
            self.stop(queue)

    def stop(self, name: str) -> None:
        """Note who waits for a node that takes nothing."""
        for edge in self._shape.edges_up(name):
            above = edge.source
            if not edge.required:
                self._harms.append("loses")
                self._losing.add(name)
            elif self._shape.kind(above) == "fallback" and self._spared(above, name):
                self._aside |= {one.target for one in self._shape.edges_down(above)} - {name}
                self._harms.append("diverts")
            elif self._shape.is_queue(above):
                self.fill(above)
            elif above not in self._stalled:
                self._stalled.add(above)
                self._harms.append("waits")
                self.stop(above)

    def _spared(self, above: str, name: str) -> bool:
        """Whether a fallback has another target than what takes nothing."""
        return any(edge.target != name for edge in self._shape.edges_down(above))

    def blast(self, name: str) -> Blast:
        """Return what was noted."""
        shape = self._shape
        silent = set(shape.section(name))
        starved = set()
        for one in self._stalled:
            if shape.kind(one) in ("broadcast", "route", "balance", "filter", "subscribers"):
                starved |= {edge.target for edge in shape.edges_down(one)}
        hit = self._stalled | self._first | silent | {name}
        order: tuple[Harm, ...] = ("loses", "refused", "waits", "diverts")
        return Blast(
            name,
            harm=next((one for one in order if one in self._harms), "none"),
            silent=shape.order(silent),
            first=shape.order(self._first - {name}),
            stalled=shape.order(self._stalled),
            sources=shape.order(one for one in self._stalled if shape.is_source(one)),
            starved=shape.order(starved - hit),
            losing=shape.order(self._losing),
            aside=shape.order(self._aside),
        )


def blast_of_action(shape: Shape, verb: Verb, name: str, *, letters: int | None = None) -> Line:
    """Return in a sentence what a verb does to a node and to others, to be confirmed."""
    blast = blast_of(shape, name)
    match verb:
        case "pause" if shape.is_source(name):
            fed = [shape.label(one) for one in shape.below(name) if shape.is_queue(one)]
            gets = f"; {listed(dict.fromkeys(fed))} get nothing from it" if fed else ""
            return said(f"{name} takes nothing more in{gets}; whoever sends is made to wait")
        case "pause":
            return said(f"nothing leaves {name}, what comes is kept", _then(shape, blast))
        case "trip":
            above = shape.queues_above(name)
            holds = f"; {listed(above)} keeps what comes" if above else ""
            return said(f"nothing passes {name}{holds}", _then(shape, blast))
        case "drain" if shape.is_source(name):
            return said(f"{name} takes nothing more in, and what it took is delivered")
        case "drain":
            return said(f"{name} delivers what it holds; nothing is lost, events still come")
        case "resume" | "reset":
            return said(f"{name} goes on", _flood(shape, name))
        case "probe":
            return said(f"one attempt is made through {name} now; it fails, or the breaker closes")
        case "replay":
            held = f"{letters:,} dead letters" if letters is not None else "dead letters"
            return said(f"{held} of {name} are written into the graph again, with their old ids")
        case "purge":
            held = f"{letters:,} dead letters" if letters is not None else "dead letters"
            return said((f"{held} of {name} are lost for ever", "bad"))
        case "apply":
            return said("the document runs from now on; removed queues do what the plan says")
        case "rollback":
            return said("the older document runs again, until another is applied")


def _then(shape: Shape, blast: Blast) -> Line:
    """Return what comes when what holds events back is full."""
    if blast.harm == "none":
        return said()
    full = blast.first if not shape.is_queue(blast.node) else (blast.node,)
    when = f"; when {listed(full)} is full, " if full else "; at once "
    return said(when, told(shape, blast))


def told(shape: Shape, blast: Blast) -> Line:
    """Return who is hit as the end of a sentence: `fanout waits, and audit gets nothing either`."""
    match blast.harm:
        case "none":
            return said("nobody else notices")
        case "loses":
            return said((f"events are lost at {listed(blast.losing)}", "bad"))
        case "diverts":
            return said(f"events go to {listed(blast.aside) or 'nowhere'} instead")
    word = "are refused" if blast.harm == "refused" else "wait"
    hit = blast.sources or blast.stalled
    word = {"wait": "waits", "are refused": "is refused"}[word] if len(hit) == 1 else word
    parts = [said((f"{listed(hit)} {word}", "warn"))] if hit else [said("writers " + word)]
    if blast.starved:
        names = dict.fromkeys(shape.label(one) for one in blast.starved)
        verb = "gets" if len(names) == 1 else "get"
        parts.append(said(f", and {listed(names)} {verb} nothing either"))
    return said(*parts)


def _flood(shape: Shape, name: str) -> Line:
    above = (name,) if shape.is_queue(name) else shape.queues_above(name)
    host = shape.host(name)
    if not above:
        return said()
    return said(f"; what {listed(above)} holds is sent on" + (f" to {host}" if host else ""))


def if_stopped(shape: Shape, name: str) -> Line:
    """Return who is hit if a node takes nothing more, as a sentence."""
    blast = blast_of(shape, name, full=shape.is_queue(name))
    if shape.is_source(name):
        fed = dict.fromkeys(shape.label(one) for one in shape.below(name) if shape.is_queue(one))
        verb = "gets" if len(fed) == 1 else "get"
        rest = f"{listed(fed)} {verb} nothing from it" if fed else "nothing comes from it"
        return said(f"If {name} takes nothing more, {rest}.")
    if blast.first:
        word = "fills" if len(blast.first) == 1 else "fill"
        first = f"{listed(blast.first)} {word}, then "
    else:
        first = ""
    return said(f"If {name} takes nothing more, {first}", told(shape, blast), ".")
