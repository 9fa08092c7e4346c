"""What becomes of the events of queues that leave, as `on_remove` or `--fate` says, if it can.

It carries nothing out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.diff.sides import Side
from sinkgraph.graph.model import GraphNode

__all__ = ["FATES", "Fates"]

FATES = ("drain", "dead_letter", "discard", "move_to:NAME", "keep")
"""What may become of the events of a queue that leaves."""

_CODE = "SG230"
_MOVE = "move_to:"


@dataclass(frozen=True, slots=True)
class Fates:
    """Knows what was said of the nodes that leave.

    `leaving`: by their old names. `renamed`: old names → new ones. `said`: what overrides
    `on_remove`, by name.
    """

    before: Side
    after: Side
    leaving: Mapping[str, GraphNode]
    renamed: Mapping[str, str]
    said: Mapping[str, str]

    def of(self, node: GraphNode) -> str:
        """Return the fate of a node that leaves; "" where nothing can be pending."""
        if node.kind == "dead_letter":
            return "keep"
        if node.kind != "queue":
            return ""
        told = self.said.get(node.name)
        return self._at(_written(node) if told is None else told.strip())

    def _at(self, fate: str) -> str:
        """Return a fate that names the queue it moves to by its present name."""
        if not fate.startswith(_MOVE):
            return fate
        name = fate.removeprefix(_MOVE).strip()
        return f"{_MOVE}{self._present(name)}"

    def _present(self, name: str) -> str:
        return name if name in self.after.graph.nodes else self.renamed.get(name, name)

    def refused(self) -> Iterator[Diagnostic]:
        """Yield why fates cannot be carried out."""
        told: set[str] = set()
        for name, fate in self.said.items():
            for wrong in self._misplaced(name, fate.strip()):
                told.add(name)
                yield wrong
        moves = {name: self._move(node) for name, node in self.leaving.items()}
        for name, node in self.leaving.items():
            if name in told or moves[name] is None:
                continue
            cycle = _cycle(name, moves)
            if cycle:
                told.update(cycle)
                yield self._finding(
                    node,
                    f"the events of {_quoted(cycle[0])} would move in a circle",
                    "moves back to where it began",
                    notes=(f"the moves are {_way([*cycle, cycle[0]])}",),
                    help="let one of them drain, or move to a queue that stays",
                )
            else:
                yield from self._target(node, moves[name] or "")

    def _move(self, node: GraphNode) -> str | None:
        """Return the name that the events of a node are to move to; None when they do not move."""
        fate = self.of(node)
        return fate.removeprefix(_MOVE) if fate.startswith(_MOVE) else None

    def _target(self, node: GraphNode, name: str) -> Iterator[Diagnostic]:
        """Yield why events cannot move to a name."""
        there = self.after.graph.nodes.get(name)
        if there is not None and there.kind == "queue":
            return
        queues = [one.name for one in self.after.graph.nodes.values() if one.kind == "queue"]
        headline = f"the events of {_quoted(node.name)} cannot move to {_quoted(name)}"
        near = nearest(name, queues)
        help = f"the nearest queue is {_quoted(near)}" if near else "name a queue that stays"
        if there is not None:
            label = f"{_quoted(name)} is a {there.kind}, which holds no events"
        elif name in self.leaving:
            label = f"{_quoted(name)} is removed too"
        else:
            label = f"no node is named {_quoted(name)}"
        yield self._finding(node, headline, label, help=help)

    def _misplaced(self, name: str, fate: str) -> Iterator[Diagnostic]:
        """Yield why something was said of the wrong node, or what is no fate."""
        word = fate.partition(":")[0]
        known = {one.partition(":")[0] for one in FATES}
        path = f"--fate {safe_text(name, 80)}={safe_text(fate, 80)}"
        node = self.leaving.get(name)
        if word not in known or (word == "move_to") != (":" in fate) or fate == _MOVE:
            listed = ", ".join(f"`{one}`" for one in FATES)
            yield _said_wrong(f"{_quoted(fate)} is no fate", path, f"a fate is one of {listed}")
        elif name in self.before.graph.nodes and node is None:
            new = self.renamed.get(name, name)
            stays = "stays" if new == name else f"stays, as {_quoted(new)}"
            yield _said_wrong(
                f"{_quoted(name)} {stays}, and keeps what is pending",
                path,
                "a fate is for a node that is removed: leave it away",
            )
        elif node is None:
            near = nearest(name, self.leaving)
            help = (
                f"the nearest that is removed is {_quoted(near)}"
                if near
                else _removed(self.leaving)
            )
            yield _said_wrong(f"no node {_quoted(name)} is removed", path, help)
        elif node.kind != "queue":
            yield _said_wrong(
                f"{node.kind} {_quoted(name)} holds no events that could have a fate",
                path,
                "only the events of a queue have one: leave it away",
            )
        elif fate == "keep" and not node.on_disk:
            yield _said_wrong(
                f"{_quoted(name)} holds its events in memory, where they cannot be kept",
                path,
                "let them drain, or move them to another queue",
            )

    def _finding(
        self,
        node: GraphNode,
        headline: str,
        label: str,
        notes: tuple[str, ...] = (),
        help: str = "",
    ) -> Diagnostic:
        said = self.said.get(node.name)
        if said is not None:
            path = f"--fate {safe_text(node.name, 80)}={safe_text(said, 80)}"
            return Diagnostic(_CODE, headline, path=path, notes=(label, *notes), help=(help,))
        at: Span | None = self.before.place(node, ("on_remove", "move_to")) or node.declared_at
        return Diagnostic(
            _CODE,
            headline,
            span=at,
            label=label,
            path=f"sinks.{node.origin or node.name}.on_remove",
            secondary=(
                (Label(node.declared_at, "this queue is removed"),)
                if node.declared_at is not None
                else ()
            ),
            notes=notes,
            help=(help, f"or say another fate: `--fate {node.name}=drain`"),
        )


def _written(node: GraphNode) -> str:
    """Return `on_remove` as text: a word, or `move_to:NAME`."""
    said: Any = node.spec.on_remove
    return said if isinstance(said, str) else f"{_MOVE}{said.move_to}"


def _cycle(start: str, moves: Mapping[str, str | None]) -> list[str]:
    """Return the nodes whose moves lead from `start` back to it; [] when they do not."""
    way = [start]
    while (to := moves.get(way[-1])) is not None:
        if to == start:
            return way
        if to in way:
            return []
        way.append(to)
    return []


def _said_wrong(headline: str, path: str, help: str) -> Diagnostic:
    return Diagnostic(_CODE, headline, path=path, help=(help,))


def _quoted(name: str) -> str:
    return f"`{safe_text(name, 80)}`"


def _way(names: list[str]) -> str:
    return f"`{safe_text(' → '.join(names), 400)}`"


def _removed(leaving: Mapping[str, GraphNode]) -> str:
    queues = [_quoted(name) for name, node in leaving.items() if node.kind == "queue"]
    if not queues:
        return "no queue is removed: leave it away"
    return f"removed are {', '.join(queues[:4])}{', …' if len(queues) > 4 else ''}"
