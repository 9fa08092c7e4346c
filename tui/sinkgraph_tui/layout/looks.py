"""What is drawn into the map at one moment: tones, rates, fills and words, by node.

Nothing here moves a box: a map is arranged by the graph alone, and coloured by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

__all__ = ["CALM", "TONES", "Look", "Looks", "Tone", "worst"]

Tone = Literal["dim", "normal", "added", "changed", "manual", "probing", "warn", "removed", "bad"]
"""How it stands, mildest first: each is a colour, and never a colour alone."""

TONES: tuple[Tone, ...] = get_args(Tone)
_LEVEL = {tone: level for level, tone in enumerate(TONES)}


@dataclass(frozen=True, slots=True)
class Look:
    """Is how one node looks.

    `mark` names a glyph of `Glyphs.marks` that stands for the kind's own. `fill` and `predicted`
    are shares of the capacity. `entering` and `leaving` are rates as text; `fact` is one more word
    (a latency, an attempt), `note` a sentence for the lower border of a card, `dead` how many
    events became dead letters here.
    """

    tone: Tone = "normal"
    mark: str | None = None
    word: str = ""
    entering: str = ""
    leaving: str = ""
    fill: float | None = None
    predicted: float | None = None
    fact: str = ""
    note: str = ""
    dead: str = ""


CALM = Look()


@dataclass(frozen=True, slots=True)
class Looks:
    """Holds the looks of a moment.

    `folds` says in words how folded lanes are, by the key of their box. `edges` are tones of
    edges by their place in the graph; without one an edge has the tone of the box it leads to.
    """

    nodes: Mapping[str, Look] = field(default_factory=dict)
    folds: Mapping[str, str] = field(default_factory=dict)
    edges: Mapping[int, Tone] = field(default_factory=dict)
    selected: str | None = None

    def of(self, name: str) -> Look:
        """Return how a node looks; calm when nothing is known."""
        return self.nodes.get(name, CALM)


def worst(tones: Iterable[Tone]) -> Tone:
    """Return the gravest of some tones; `normal` of none."""
    return max(tones, key=_LEVEL.__getitem__, default="normal")
