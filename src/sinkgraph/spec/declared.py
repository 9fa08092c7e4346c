"""What a document declares, validated but not yet connected: nodes and the edges they name.

Whether an edge's target exists, and what the whole means, is `sinkgraph.graph`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.kind import Kind, Side
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.promises import PromiseDecl
from sinkgraph.spec.secret import MASK

__all__ = ["EdgeDecl", "GraphSpec", "NodeDecl"]


@dataclass(slots=True)
class EdgeDecl:
    """Is an edge as written: `target` is a name, also of a node written in place.

    `secret`: the name came from the environment or a file. `repeats`: another node of the same
    use of a template has the same edge, written once.
    """

    port: str
    target: str
    span: Span | None
    required: bool = True
    index: int = 0
    inline: bool = False
    secret: bool = False
    repeats: bool = False

    @property
    def shown(self) -> str:
        """The target as messages show it: `***` when its name came from outside the document."""
        return MASK if self.secret else safe_text(self.target, 80)


@dataclass(slots=True)
class NodeDecl:
    """Is a node as written.

    `kind` is None when it is not known, and `spec` is None when its fields are not valid: such a
    node still has its name and the edges that could be read. `blind`: some of its edges could not.
    `holder` is the node it was written inside of. `use`: the use of a template that it is a part
    of, and `said`: how messages name it, where that is not by its own kind.
    """

    name: str
    side: Side
    kind_name: str
    kind: Kind | None
    tree: Tree
    at: Span | None
    spec: NodeSpec | None = None
    edges: list[EdgeDecl] = field(default_factory=list)
    enabled: bool = True
    blind: bool = False
    holder: str | None = None
    use: NodeDecl | None = None
    said: str = ""

    @property
    def origin(self) -> str | None:
        """The use of a template that it is a part of, by name; None for a node of the document."""
        return None if self.use is None else self.use.name

    @property
    def is_inner(self) -> bool:
        """Whether no document wrote its name: it is a part of a use, and not the first."""
        return self.use is not None and self.use.name != self.name

    @property
    def written(self) -> NodeDecl:
        """The node as the document has it: itself, or the use it is a part of."""
        return self if self.use is None else self.use

    @property
    def word(self) -> str:
        """The kind that the document says of it."""
        return self.kind_name if self.use is None or self.is_inner else self.use.kind_name

    @property
    def label(self) -> str:
        """How messages name it: its kind and name, or only what it is."""
        if self.said:
            return self.said
        what = self.side if self.kind is None else self.kind.name
        return f"{what} `{self.shown}`"

    @property
    def shown(self) -> str:
        """Its name, safe to show whatever it holds."""
        return safe_text(self.name, 80)


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """Is a document, read: its head and its nodes in the order written, sources first.

    `files`: every file it was read from, absolute, the document itself first.
    """

    name: str
    description: str | None
    vars: Mapping[str, Any]
    nodes: tuple[NodeDecl, ...]
    tree: Tree
    promises: tuple[PromiseDecl, ...] = ()
    files: tuple[str, ...] = ()
