"""The model of a template's uses: its params, and the fields its nodes let through.

So a use is read, judged and described exactly as a node of any kind is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sinkgraph.spec.kind import Kind, Port
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.kinds.reliability import within
from sinkgraph.spec.problem import Later, Problem
from sinkgraph.spec.templates.model import Part
from sinkgraph.spec.templates.naming import make_model
from sinkgraph.spec.templates.params import Param, camel

__all__ = ["kind_of_uses", "same_type"]


Filling: TypeAlias = tuple[type[Section], Mapping[str, Any], frozenset[str]]


class Uses(NodeSpec):
    """Is a use of a template.

    `filling`: models of its nodes that fill in defaults, what the body says of each, and the
    fields it passes. `counted`: params that are mappings which must say something.
    """

    counted: ClassVar[tuple[str, ...]] = ()
    filling: ClassVar[tuple[Filling, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return cls.filled(values) if cls.filling and isinstance(values, dict) else values

    @classmethod
    def filled(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Give a use the defaults that depend on its other fields, as its nodes' kinds do."""
        made = values
        for model, constants, passed in cls.filling:
            held = {**constants, **values}
            filled = model.filled(held)
            if filled is held:  # nothing depends on what is said
                continue
            fresh = {k: v for k, v in filled.items() if k in passed and k not in constants}
            made = {**made, **fresh}
        return made

    def problems(self) -> Iterator[Problem]:
        """Yield what the values of params say against themselves."""
        for name in self.counted:
            value = getattr(self, name)
            if value is not None:
                for one in value.problems():
                    yield within(one, name)


def kind_of_uses(
    name: str,
    description: str,
    params: Mapping[str, Param],
    parts: tuple[Part, ...],
    *,
    built_in: bool,
) -> Kind:
    """Return the kind that a template's uses are of."""
    model = _model(name, description, params, parts)
    return Kind(
        name,
        parts[0].kind.role,
        tuple(_ports(params, parts)),
        model,
        stateful=any(one.kind.stateful for one in parts),
        slow=parts[0].kind.slow,
        dead_letters=any(one.kind.dead_letters for one in parts),
        expressions=_expressions(parts),
        composite=True,
        built_in=built_in,
    )


def same_type(one: FieldInfo, other: FieldInfo) -> bool:
    """Tell whether two fields read their values in one way."""
    return one.annotation == other.annotation and one.metadata == other.metadata


def _model(
    name: str, description: str, params: Mapping[str, Param], parts: tuple[Part, ...]
) -> type[NodeSpec]:
    fields: dict[str, Any] = {"kind": (Literal[name], Field(description=f"`{name}`."))}
    borrowed: dict[str, type[Section]] = {}
    later: dict[tuple[str, Any], Later] = {}
    extras: dict[type[Section], Callable[[Any], None]] = {}
    for param in params.values():
        fields[param.name] = _of_param(param)
    for part in parts:
        for key in part.passed:
            attribute, held = _field(part.kind.model, key)
            if attribute not in fields:
                fields[attribute] = _of_field(held, part, attribute)
                borrowed[attribute] = part.kind.model
        for one in part.kind.model.later:
            if one.field in part.passed or (_passes_all(part) and one.field not in part.own):
                later.setdefault((one.field, one.value), one)
        extra = part.kind.model.model_config.get("json_schema_extra")
        if callable(extra) and part.passed:
            extras[part.kind.model] = cast(Callable[[Any], None], extra)
    base = _with_extras(tuple(extras.values())) if extras else Uses
    made = make_model(camel(name), base, description, fields)
    model = cast(type[Uses], made)
    model.later = tuple(later.values())
    model.borrowed = borrowed
    model.filling = _filling(parts)
    model.counted = tuple(
        one.name for one in params.values() if one.type == "mapping" and one.inner
    )
    return model


def _with_extras(extras: tuple[Callable[[Any], None], ...]) -> type[Uses]:
    """Return a base whose JSON Schema states what those of the nodes' kinds state beside fields."""

    def add(schema: dict[str, Any]) -> None:
        for one in extras:
            one(schema)

    class Stating(Uses):
        model_config = ConfigDict(json_schema_extra=add)

    return Stating


def _passes_all(part: Part) -> bool:
    held = part.tree.get("pass")
    return (held is not None and "all" in getattr(held, "text", "")) or hasattr(held, "entries")


def _of_param(param: Param) -> tuple[Any, Any]:
    about = param.spec.description
    if param.required:
        return param.annotation, Field(description=about)
    return param.annotation, Field(default=param.default, description=about)


def _of_field(held: FieldInfo, part: Part, attribute: str) -> tuple[Any, Any]:
    """Return a field as one of uses: what the body says of it is its default there."""
    annotation: Any = held.annotation
    if held.discriminator is not None:
        annotation = Annotated[annotation, Field(discriminator=held.discriminator)]
    for one in held.metadata:
        annotation = Annotated[annotation, one]
    more: dict[str, Any] = {"alias": held.alias} if held.alias else {}
    if held.description is not None:
        more["description"] = held.description
    key = held.alias or attribute
    if key in part.own:
        default = getattr(part.proto, attribute, None)
        return annotation, Field(default=default, **more)
    if held.default_factory is not None:
        return annotation, Field(default_factory=held.default_factory, **more)
    if held.default is PydanticUndefined:
        return annotation, Field(**more)
    return annotation, Field(default=held.default, **more)


def _field(model: type[Section], key: str) -> tuple[str, FieldInfo]:
    for name, held in model.model_fields.items():
        if (held.alias or name) == key:
            return name, held
    raise KeyError(key)


def _filling(parts: tuple[Part, ...]) -> tuple[Filling, ...]:
    """Return the nodes whose kinds have defaults that depend on other fields."""
    return tuple(
        (
            part.kind.model,
            {one.key.text: getattr(part.proto, one.key.text, None) for one in part.fields},
            frozenset(part.passed),
        )
        for part in parts
        if part.passed and _overrides(part.kind.model)
    )


def _overrides(model: type[Section]) -> bool:
    """Tell whether some defaults of a model depend on other fields."""
    return any("filled" in vars(one) for one in model.__mro__ if one is not Section)


def _ports(params: Mapping[str, Param], parts: tuple[Part, ...]) -> list[Port]:
    made: dict[str, Port] = {}
    for part in parts:
        for port in part.kind.ports:
            if port.name in part.passed:
                made.setdefault(port.name, port)
    for param in params.values():
        if param.type == "node":
            made[param.name] = Port(param.name, optional=not param.required)
    return list(made.values())


def _expressions(parts: tuple[Part, ...]) -> tuple[str, ...]:
    found = (
        one
        for part in parts
        for one in part.kind.expressions
        if one.partition(".")[0] in part.passed
    )
    return tuple(dict.fromkeys(found))
