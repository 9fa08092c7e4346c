"""What a plan is: for every node of two graphs, what becomes of it and of what is pending there.

They are values; making one is `compare`, carrying it out is the runtime's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.report import to_objects
from sinkgraph.diagnostics.source import Span

__all__ = ["ACTIONS", "NOTHING", "Action", "FieldChange", "NodeChange", "Plan"]

Action: TypeAlias = Literal["keep", "retune", "replace", "add", "remove", "rename"]

ACTIONS: tuple[Action, ...] = ("add", "retune", "replace", "rename", "remove", "keep")
"""Every action, in the order in which they are counted."""

NOTHING = "none"
"""What stands for a field that holds nothing."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Is one field that is another than before.

    `field` is dotted as in the document: `breaker.open_for`, `to`, `routes.0.when`. `before` and
    `after` are for people: `none` for nothing, `***` for a secret. `tunable`: the live node can
    follow it in place. `drawing`: it only describes, and nothing that runs differs. `span`: where
    it stands in the new document, or in the old one when it was taken away.
    """

    field: str
    before: str
    after: str
    tunable: bool = True
    span: Span | None = None
    drawing: bool = False

    @property
    def told(self) -> str:
        """Both values: `5 → 10`; what differs and may not be shown is `another value`."""
        return "another value" if self.before == self.after else f"{self.before} → {self.after}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "field": self.field,
            "before": self.before,
            "after": self.after,
            "tunable": self.tunable,
            "drawing": self.drawing,
            "at": None if self.span is None else str(self.span),
        }


@dataclass(frozen=True, slots=True)
class NodeChange:
    """Is what becomes of one node.

    `was`: the name it had, when that is another; also a `replace` may have one. `reason`: why, and
    `events`: what becomes of what is pending, in a sentence each. `fate`: what becomes of the
    events of a queue that leaves (`drain`, `dead_letter`, `discard`, `move_to:NAME`, `keep`); ""
    where none leaves with events. `forgets`: state that does not survive (`breaker`, `window`,
    `tokens`, `concurrency`).
    """

    name: str
    kind: str
    action: Action
    was: str | None = None
    changes: tuple[FieldChange, ...] = ()
    reason: str = ""
    events: str = ""
    fate: str = ""
    span: Span | None = None
    forgets: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "action": self.action,
            "was": self.was,
            "changes": [one.as_dict() for one in self.changes],
            "reason": self.reason,
            "events": self.events,
            "fate": self.fate or None,
            "forgets": list(self.forgets),
            "at": None if self.span is None else str(self.span),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Is the difference of two graphs.

    `before` and `after` are their digests. `changes`: every node of both, as the new document
    orders them, those removed last. `refused`: why it cannot be carried out, if it cannot.
    `document`: what differs of the graphs themselves: name and description.
    """

    before: str
    after: str
    changes: tuple[NodeChange, ...]
    refused: tuple[Diagnostic, ...] = ()
    document: tuple[FieldChange, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything that runs differs."""
        return any(one.action != "keep" for one in self.changes)

    @property
    def same(self) -> bool:
        """Whether the graphs do not even differ in what only describes them."""
        return not (self or self.document or any(one.changes for one in self.changes))

    def by_action(self) -> dict[Action, tuple[NodeChange, ...]]:
        """Return the nodes of each action, those without any too."""
        return {
            action: tuple(one for one in self.changes if one.action == action) for action in ACTIONS
        }

    def of(self, name: str) -> NodeChange:
        """Return what becomes of a node, by its name or the one it had. Raises KeyError."""
        found = next((one for one in self.changes if one.name == name), None)
        found = found or next((one for one in self.changes if one.was == name), None)
        if found is None:
            raise KeyError(f"no node of either graph is named {name!r}")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "before": self.before,
            "after": self.after,
            "changed": bool(self),
            "counts": {action: len(held) for action, held in self.by_action().items()},
            "document": [one.as_dict() for one in self.document],
            "nodes": [one.as_dict() for one in self.changes],
            "refused": to_objects(self.refused),
        }
