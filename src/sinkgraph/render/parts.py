"""The parts of a picture, as values: nodes, edges, and the frames around nodes.

They know no graph and no language; `drawing` makes them, `dot` and `mermaid` write them down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Box",
    "BoxKind",
    "Chip",
    "Drawing",
    "DrawnEdge",
    "DrawnNode",
    "Form",
    "LineStyle",
    "Mark",
    "Tone",
    "boxes_in",
    "names_in",
    "nodes_in",
]

Form = Literal[
    "source",
    "fan",
    "change",
    "reliability",
    "terminal",
    "memory_queue",
    "durable_queue",
    "dead",
    "lane",
    "folded",
    "missing",
]
"""How a node is drawn: by its role, but queues and dead letters have forms of their own. A lane is
a chain of nodes on one card, `folded` a whole group, `missing` a name that nothing declares."""

LineStyle = Literal["plain", "optional", "dead"]
BoxKind = Literal["group", "composite", "write"]
Mark = Literal["", "same", "added", "removed", "changed", "renamed"]
"""What became of a part between two documents; "" where only one is drawn."""
Tone = Literal["good", "fair", "poor", "calm", "added", "removed", "changed", "renamed"]


@dataclass(frozen=True, slots=True)
class Chip:
    """Is text on a coloured ground, of one line or more; the text alone says it."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """Is a node as drawn. `title` is its name without the groups its frames already say.

    `lines` stand below the title: what it is, then what it is for; `caption` is the first of both,
    and `chips` stand below them.
    `about` is every fact about it, a line each. `members` are the nodes a lane or a folded group
    stands for.
    """

    name: str
    kind: str
    form: Form
    title: str
    lines: tuple[str, ...]
    about: tuple[str, ...]
    chips: tuple[Chip, ...] = ()
    mark: Mark = ""
    caption: tuple[str, ...] = ()
    members: tuple[DrawnNode, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    """Is an edge as drawn; its label may have several rows.

    `chain`: it is the only one between two nodes that have no other. `hands_over`: whoever writes
    does not wait for what is behind it.
    """

    source: str
    target: str
    label: tuple[str, ...]
    line: LineStyle
    about: str
    chain: bool = False
    hands_over: bool = False
    mark: Mark = ""


@dataclass(slots=True)
class Box:
    """Is a frame around nodes and other frames.

    A group has a path of names; a composite its node's name; a `write` frames all that one write
    waits for. `key` tells it from its siblings.
    """

    kind: BoxKind
    key: str
    label: str
    about: str = ""
    nodes: list[DrawnNode] = field(default_factory=list)
    boxes: dict[tuple[str, str], Box] = field(default_factory=dict)

    def inner(self, kind: BoxKind, key: str, label: str, about: str) -> Box:
        """Return the frame directly inside that has this key, made when it is first asked for."""
        return self.boxes.setdefault((kind, key), Box(kind, key, label, about))


@dataclass(frozen=True, slots=True)
class Drawing:
    """Is a whole picture; `frame` holds what is in no frame. `chips` stand beside its name."""

    name: str
    description: str
    frame: Box
    edges: tuple[DrawnEdge, ...]
    chips: tuple[Chip, ...] = ()


def names_in(node: DrawnNode) -> Iterator[str]:
    """Yield the names of all nodes that a node stands for; only its own for most."""
    for one in node.members:
        yield from names_in(one)
    if not node.members:
        yield node.name


def nodes_in(box: Box) -> Iterator[DrawnNode]:
    """Yield every node of a frame, in the order it is drawn."""
    for inner in box.boxes.values():
        yield from nodes_in(inner)
    yield from box.nodes


def boxes_in(box: Box) -> Iterator[Box]:
    """Yield every frame inside a frame, outer ones first."""
    for inner in box.boxes.values():
        yield inner
        yield from boxes_in(inner)
