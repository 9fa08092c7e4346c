"""A template as it was read: its params, and its nodes with the ports between them.

It is a value; reading it is `sinkgraph.spec.templates.body`, using it `…templates.expand`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Entry, Scalar
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.kind import Kind, Port
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.templates.params import Param

__all__ = ["Aim", "Outlet", "Part", "Ref", "Template"]


@dataclass(frozen=True, slots=True)
class Ref:
    """Is a param that a word of the language names, `ignore` or `ignore.actions`."""

    param: Param
    inner: str = ""

    @property
    def shown(self) -> str:
        """How a document writes it."""
        return f"{self.param.name}.{self.inner}" if self.inner else self.param.name


@dataclass(slots=True)
class Aim:
    """Is one target of a port: a node of the template, a name of the document, or a param.

    `rule` is the entry of a list it stands in, when that says more than the target.
    """

    span: Span | None
    part: Part | None = None
    name: Scalar | None = None
    param: Param | None = None
    required: bool = True
    rule: Tree | None = None


@dataclass(slots=True)
class Outlet:
    """Is a port that a body writes, with its targets in order."""

    port: Port
    entry: Entry
    aims: list[Aim]

    @property
    def varies(self) -> bool:
        """Whether how many targets it has depends on the use."""
        return any(aim.part and (aim.part.each or aim.part.given) for aim in self.aims)


@dataclass(slots=True)
class Part:
    """Is one node of a template.

    `base` is what its name adds to that of the use, "" for the first. `fields`: what the body says
    of it, without ports. `own`: the keys of these. `passed`: the keys a use may say of it.
    `repeats`: the list that it, or a node above it, is there for each entry of.

    `proto` is what it holds before a use puts anything in. `judged`: each use is judged anew, since
    what it puts in was not read as this node reads it; else `direct` says which of its attributes
    take a param as it was read, and `taken` which take a field of the use. `wrong`: the body is,
    so no use is judged.
    """

    kind: Kind
    base: str
    tree: Tree
    fields: list[Entry] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    given: Ref | None = None
    each: Ref | None = None
    repeats: str | None = None
    passed: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    proto: NodeSpec | None = None
    judged: bool = True
    direct: Mapping[str, str] = field(default_factory=dict)
    taken: tuple[str, ...] = ()
    wrong: bool = False

    def below(self) -> Iterator[Part]:
        """Yield it and every node it writes to within the template, in the order written."""
        yield self
        for outlet in self.outlets:
            for aim in outlet.aims:
                if aim.part is not None:
                    yield from aim.part.below()


@dataclass(slots=True)
class Template:
    """Is a template. `at`: where its name stands; None for one that comes with sinkgraph.

    `least`: nodes of every use at least. `asks`: what decides which of its nodes are there, and
    `lists` how often; `plans`: how uses of one shape are laid out. `wrong`: there is an error in
    it, so that its uses are judged, and become nothing.
    """

    name: str
    at: Span | None
    params: Mapping[str, Param]
    first: Part
    parts: tuple[Part, ...]
    kind: Kind
    least: int
    asks: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    wrong: bool = False
    plans: dict[Any, Any] = field(default_factory=dict)

    @property
    def built_in(self) -> bool:
        """Whether it comes with sinkgraph."""
        return self.kind.built_in
