"""The part of a JSON text that an expression reads, decoded without making the rest.

It decodes only what is known to be sound: what it skips, nobody checks here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from sinkgraph.expr.values import Need

__all__ = ["Shape", "part_decoder", "shape_of"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Says how the fields that are read of one map are kept: as attributes of a `made`.

    `fields` has for each name the attribute, and the shape of what is kept there; without one it
    is the value itself, or (of a field that is only asked for with `has()`) its undecoded text. A
    field that is missing is `msgspec.UNSET`.
    """

    fields: dict[str, tuple[str, Shape | None]]
    made: type


def shape_of(need: Need) -> Shape | None:
    """Return how the needed part of a payload is kept, or None when it cannot be read in part."""
    if need.whole or not need.fields:
        return None
    fields: dict[str, tuple[str, Shape | None]] = {}
    kept: list[tuple[str, Any, Any]] = []
    for n, (name, below) in enumerate(need.fields.items()):
        attribute = f"f{n}"
        only_asked_for = not below.whole and not below.fields
        shape = shape_of(below)
        if shape is None and not (below.whole or only_asked_for):
            return None
        held: Any = shape.made if shape is not None else msgspec.Raw if only_asked_for else Any
        fields[name] = (attribute, shape)
        kept.append((attribute, held | msgspec.UnsetType, msgspec.UNSET))
    names = {attribute: name for name, (attribute, _) in fields.items()}
    try:
        made = msgspec.defstruct("Part", kept, rename=names, gc=False)
    except ValueError:  # a name that JSON can only write with an escape
        return None
    return Shape(fields, made)


def part_decoder(shape: Shape) -> Callable[[bytes], Any]:
    """Return a function from JSON text to the part; it raises for a value of any other shape."""
    return msgspec.json.Decoder(shape.made).decode
