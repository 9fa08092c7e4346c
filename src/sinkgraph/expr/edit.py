"""What a transform makes of the type of a payload: fields put, taken away, moved.

It follows `sinkgraph.sinks.edits`: maps on the way are made where there is nothing, and an event
with something else on the way is refused, so it has no type here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sinkgraph.expr.types import ANY, Alt, Field, MapOf, Type, named, union

__all__ = ["put", "taken", "without"]


def put(held: Type, path: Sequence[str], new: Type, *, required: bool = True) -> Type:
    """Return the type with `new` at a path; `required`: it is always put there."""
    if not path:
        return new
    if held.alts is None:
        return ANY
    name, rest = path[0], path[1:]
    made: list[Alt] = []
    for one in held.alts:
        if not isinstance(one, MapOf):
            continue
        old = one.fields.get(name)
        if not rest:
            inner = new if required or old is None else union([new, old.type])
            field = Field(inner, required or (old is not None and old.required))
        else:
            below = old.type if old is not None else one.other
            types = [put(below, rest, new, required=required)] if below is not None else []
            if old is None or not old.required:
                types.append(put(named({}), rest, new, required=required))
            field = Field(union(types), required or (old is not None and old.required))
        made.append(_with(one, {**one.fields, name: field}))
    return Type(made) if made else ANY


def without(held: Type, path: Sequence[str]) -> Type:
    """Return the type with nothing at a path."""
    if held.alts is None or not path:
        return ANY
    name, rest = path[0], path[1:]
    made: list[Alt] = []
    for one in held.alts:
        old = one.fields.get(name) if isinstance(one, MapOf) else None
        if not isinstance(one, MapOf) or old is None:
            made.append(one)
        elif rest:
            made.append(
                _with(one, {**one.fields, name: Field(without(old.type, rest), old.required)})
            )
        else:
            left = {key: field for key, field in one.fields.items() if key != name}
            made.append(_with(one, left))
    return Type(made)


def taken(held: Type, path: Sequence[str]) -> Field:
    """Return what stands at a path, and whether it always does."""
    here, required = held, True
    for name in path:
        if not here.alts:
            return Field(ANY, False)
        maps = [one for one in here.alts if isinstance(one, MapOf)]
        known = [one.fields[name] for one in maps if name in one.fields]
        others = [one.other for one in maps if name not in one.fields and one.other is not None]
        required = required and len(known) == len(here.alts) and all(f.required for f in known)
        here = union([*(one.type for one in known), *others])
    return Field(here, required)


def _with(one: MapOf, fields: Mapping[str, Field]) -> MapOf:
    return MapOf(fields, one.other, one.free and not fields, one.unsure)
