"""What every kind's model is made of: the fields of each node, and the types of ports and texts.

It names no kind, and it resolves no edge: a port holds the name of its target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, WithJsonSchema

from sinkgraph.spec.fields import Flag, Name, Text
from sinkgraph.spec.kinds.types import Choice
from sinkgraph.spec.problem import Later, Problem

__all__ = ["MoveTo", "NodeSpec", "Section", "Target"]

Target = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "the name of a sink"},
                {"$ref": "#/$defs/Sink"},
            ]
        }
    ),
]
"""A port: the name of a sink. In a document it may also be a node written in place."""


_set = object.__setattr__


class Section(BaseModel):
    """Is a mapping of a document with known keys.

    `later` names what a later version will take: a field, or one value of a field. The text below
    a field is its description: `sinkgraph.spec.descriptions`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=False,
        defer_build=True,
    )

    later: ClassVar[tuple[Later, ...]] = ()
    borrowed: ClassVar[Mapping[str, type[BaseModel]]] = {}
    """Fields that are those of another model, and described there."""

    @classmethod
    def filled(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return what is written with the defaults that depend on other fields."""
        return values

    def with_values(self, update: Mapping[str, Any]) -> Self:
        """Return a copy with other values, which are valid; cheaper than `model_copy`."""
        made = self.__class__.__new__(self.__class__)
        _set(made, "__dict__", {**self.__dict__, **update})
        _set(made, "__pydantic_fields_set__", {*self.__pydantic_fields_set__, *update})
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between fields that are each right by themselves."""
        return iter(())

    def default_of(self, field: str) -> Any:
        """Return what a field holds when a document leaves it open, given the other fields."""
        return type(self).model_fields[field].get_default(call_default_factory=True)


Fate = Literal["drain", "dead_letter", "discard"]


class MoveTo(Section):
    """Is a fate: pending events move to another node."""

    move_to: Name
    """The node that takes over what is pending."""


OnRemove = Annotated[
    Annotated[Fate, Choice(), Tag("word")] | Annotated[MoveTo, Tag("move_to")],
    Discriminator(lambda value: "move_to" if isinstance(value, dict | MoveTo) else "word"),
]


class NodeSpec(Section):
    """Holds the fields every node has."""

    kind: str
    """What the node is; see `sinkgraph kinds`."""
    description: Text | None = None
    """What the node is for, in a sentence; shown in drawings."""
    group: Name | None = None
    """The group it is drawn in; a name like `eu/billing` says it as well."""
    enabled: Flag = True
    """False takes the node and its edges out of the graph."""
    on_remove: OnRemove = "drain"
    """What becomes of pending events when a reload removes the node: `drain`, `dead_letter`,
    `discard` or `{move_to: NAME}`. At a start, `run --fate` says it."""
    was: Name | None = None
    """The name the node had before a rename, so that it takes over the events or the position
    stored under it."""
