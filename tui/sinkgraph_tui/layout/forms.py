"""How large the box of a block is at each zoom, and what stands where in it.

It knows no live number: a box keeps its size while what it shows changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sinkgraph_tui.layout.graph import MapNode
from sinkgraph_tui.layout.lanes import Block, label_of
from sinkgraph_tui.layout.text import width

__all__ = [
    "GROWTH",
    "TRIMS",
    "ZOOMS",
    "Form",
    "Spot",
    "Trim",
    "Zoom",
    "form_of",
    "short_label",
    "split",
]

Zoom = Literal["map", "lanes", "cards"]
ZOOMS: tuple[Zoom, ...] = ("map", "lanes", "cards")
_STORES = frozenset({"queue", "dead_letter"})
_FOLD_ROW = 12
_FOLD_ROWS = 3
_TITLE_RATES = 16
_LONE = 14
_TALKATIVE = frozenset({"queue", "retry", "breaker"})


@dataclass(frozen=True, slots=True)
class Trim:
    """Is how much room is given: cells for names, bars, words, rates and facts.

    `rate` is also for the rate before an arrow, which goes when it is 0.
    """

    name: int
    bar: int
    word: int
    rate: int
    fact: int
    card: int
    wire_rate: int


TRIMS = (
    Trim(name=24, bar=12, word=16, rate=7, fact=9, card=22, wire_rate=8),
    Trim(name=24, bar=12, word=12, rate=7, fact=7, card=20, wire_rate=7),
    Trim(name=20, bar=10, word=10, rate=6, fact=6, card=18, wire_rate=7),
    Trim(name=18, bar=9, word=10, rate=6, fact=6, card=17, wire_rate=0),
    Trim(name=14, bar=8, word=9, rate=6, fact=6, card=14, wire_rate=0),
    Trim(name=12, bar=8, word=9, rate=6, fact=0, card=12, wire_rate=0),
    Trim(name=10, bar=5, word=4, rate=5, fact=0, card=10, wire_rate=0),
)


GROWTH = (
    *(("word", cells) for cells in (7, 9)),
    *(("card", cells) for cells in range(12, 24, 2)),
    *(("bar", 8), ("fact", 6), ("name", 16)),
    *(("word", cells) for cells in range(10, 14)),
    *(("fact", 9), ("bar", 10), ("name", 20), ("bar", 12)),
    *(("word", cells) for cells in range(14, 18)),
    ("name", 28),
)
"""What grows, one after the other, while there is room left."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Is the part of a box that stands for one node; relative to the box."""

    node: str
    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class Form:
    """Is how the boxes of one column are divided; numbers of cells, 0 for what is left away."""

    zoom: Zoom
    name: int
    before: int = 0
    bar: int = 0
    after: int = 0
    word: int = 0
    rate: int = 0
    fact: int = 0
    content: int = 0

    @property
    def width(self) -> int:
        """Return the width of a box of one line, or of a card."""
        match self.zoom:
            case "map":
                return self.before + 2 + self.name
            case "lanes":
                return self.tail_at + self.rate + (1 + self.fact if self.fact else 0) + 1
            case "cards":
                return self.name + self.content + 7

    @property
    def store_at(self) -> int:
        """Return where the glyph of the queue stands in a line."""
        return 3 + self.name + 2 * self.before

    @property
    def after_at(self) -> int:
        """Return where the glyphs behind the queue begin in a line."""
        return self.store_at + (7 + self.bar if self.bar else 0)

    @property
    def word_at(self) -> int:
        """Return where the word begins in a line."""
        return self.after_at + 2 * self.after

    @property
    def tail_at(self) -> int:
        """Return where the glyph of the end and its rate begin in a line."""
        return self.word_at + (self.word + 1 if self.word else 0)

    def height(self, block: Block) -> int:
        """Return how many rows a box has."""
        if self.zoom != "cards":
            return 1
        if block.folded:
            return 2 + min(_FOLD_ROWS, -(-len(block.lanes) // _FOLD_ROW))
        return 2 + len(block.members)

    def inlet(self, block: Block) -> int:
        """Return in which row wires enter, and in which the main one leaves."""
        return self.height(block) // 2

    def exit(self, block: Block, member: str, *, error: bool) -> int:
        """Return in which row a wire leaves a box: dead letters beside the node they come from."""
        main = self.inlet(block)
        if not error or self.zoom != "cards" or block.folded:
            return main
        row = 1 + block.members.index(member)
        return row + 1 if row == main else row

    def spots(self, block: Block, nodes: Mapping[str, MapNode]) -> tuple[Spot, ...]:
        """Return where in the box each node stands; none for what is folded."""
        if block.folded:
            return ()
        if self.zoom == "cards":
            return tuple(Spot(n, 0, 1 + at, self.width) for at, n in enumerate(block.members))
        if self.zoom == "map":
            return tuple(Spot(n, at, 0, 1) for at, n in enumerate(block.members))
        before, store, after, last = split(block.members, nodes, store=self.bar > 0)
        first = 3 + self.name
        found = [Spot(name, first + 2 * at, 0, 2) for at, name in enumerate(before)]
        if store is not None:
            found.append(Spot(store, self.store_at, 0, 6 + self.bar))
        found += [Spot(name, self.after_at + 2 * at, 0, 2) for at, name in enumerate(after)]
        if last is not None:
            found.append(Spot(last, self.tail_at, 0, self.width - self.tail_at))
        return tuple(found)


def split(
    members: Sequence[str], nodes: Mapping[str, MapNode], *, store: bool
) -> tuple[Sequence[str], str | None, Sequence[str], str | None]:
    """Return the nodes before the queue of a lane, the queue, those behind it, and the last one.

    Without a queue all stand before it, but for a lone node where others have a queue (`store`).
    """
    for at, name in enumerate(members):
        if nodes[name].kind in _STORES:
            rest = members[at + 1 :]
            return members[:at], name, rest[:-1], rest[-1] if rest else None
    if store:
        return members[:-1], None, (), members[-1]
    return members, None, (), None


def form_of(zoom: Zoom, trim: Trim, blocks: Sequence[Block], nodes: Mapping[str, MapNode]) -> Form:
    """Return how the boxes of one column are divided."""
    open_ = [block for block in blocks if not block.folded]
    labels = max((width(block.label) for block in blocks), default=0)
    if zoom == "map":
        longest = max((len(block.members) for block in open_), default=0)
        return Form(zoom, min(labels, trim.name * 2 // 3), before=max(longest, 1))
    if zoom == "cards":
        return _card_form(trim, open_, labels, nodes)
    labels = max((width(block.label) for block in open_), default=labels)
    store = any(nodes[name].kind in _STORES for block in open_ for name in block.members)
    parts = [split(block.members, nodes, store=store) for block in open_]
    return Form(
        zoom,
        min(labels, trim.name),
        before=max((len(part[0]) for part in parts), default=0),
        bar=trim.bar if store else 0,
        after=max((len(part[2]) for part in parts), default=0),
        word=trim.word if store else 0,
        rate=1 + trim.rate if store else max(trim.rate, min(trim.word, 9)),
        fact=trim.fact if store else 0,
    )


def _card_form(
    trim: Trim, blocks: Sequence[Block], labels: int, nodes: Mapping[str, MapNode]
) -> Form:
    inner = max(
        (width(short_label(name, block, nodes)) for block in blocks for name in block.members),
        default=0,
    )
    name = max(min(inner, trim.name), 5)
    kinds = {nodes[one].kind for block in blocks for one in block.members}
    room = trim.card if kinds & _TALKATIVE else min(trim.card, _LONE)
    titles = min(labels, trim.name) + _TITLE_RATES - 3
    return Form("cards", name, content=max(room, titles - name, _FOLD_ROW - name))


def short_label(name: str, block: Block, nodes: Mapping[str, MapNode]) -> str:
    """Return how a node is called within its card: without the name of the card."""
    node = nodes[name]
    if name == block.key:
        return node.kind
    label = node.label or node.name
    head = f"{nodes[block.key].name}."
    return label.removeprefix(head) or label_of(node)
