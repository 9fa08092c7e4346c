"""Values of a mapping judged by their model: what is not in this version, then every field.

It knows no node and no port; where a mapping stands is told by its owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Mapping
from sinkgraph.spec.kinds.base import Section
from sinkgraph.spec.leaves import is_secret, repair
from sinkgraph.spec.locate import Owner, from_problem, from_validation
from sinkgraph.spec.secret import MASK

__all__ = ["judged", "model_keys", "not_in_this_version", "repaired", "take_later", "validated"]


def judged(
    model: type[Section], values: Any, owner: Owner
) -> tuple[Section | None, list[Diagnostic]]:
    """Return a section, or None when its values are not valid, and everything found."""
    found = list(take_later(model, values, owner)) if isinstance(values, dict) else []
    spec, error = validated(model, values)
    if spec is None:
        assert error is not None
        return None, [*found, *from_validation(error, owner, model)]
    return spec, [*found, *(from_problem(one, owner) for one in spec.problems())]


def validated(
    model: type[Section], values: dict[str, Any]
) -> tuple[Section | None, ValidationError | None]:
    """Return what a model makes of values, coercing text that an interpolation made."""
    try:
        return model.__pydantic_validator__.validate_python(values), None
    except ValidationError as error:
        if not repaired(error, values):
            return None, error
    try:
        return model.__pydantic_validator__.validate_python(values), None
    except ValidationError as error:
        return None, error


def repaired(error: ValidationError, values: dict[str, Any]) -> bool:
    """Coerce text made by interpolation where plain pydantic types refused it; tell if any."""
    changed = False
    for one in error.errors(include_url=False):
        holder: Any = values
        for step in one["loc"][:-1]:
            inside = isinstance(holder, dict) and step in holder
            if inside or (isinstance(holder, list) and isinstance(step, int)):
                holder = holder[step]
        last = one["loc"][-1] if one["loc"] else None
        if not (isinstance(holder, dict) and last in holder):
            continue
        expected = str((one.get("ctx") or {}).get("expected", ""))
        better = repair(one["type"], holder[last], expected)
        if better is not holder[last]:
            holder[last] = better
            changed = True
    return changed


def take_later(model: type[Section], values: dict[str, Any], owner: Owner) -> Iterable[Diagnostic]:
    """Take what is not in this version out of the fields and yield a finding for each."""
    for later in model.later:
        if later.field in values and later.meets(values[later.field]):
            value = values.pop(later.field)
            entry = owner.tree.entry(later.field)
            whole = later.field not in model_keys(model)
            what = f"`{later.field}`" if whole else f"`{later.field}: {_brief(value)}`"
            span = None
            if entry is not None:
                span = entry.key.span if whole else entry.value.span
            path = owner.dotted((later.field,))
            yield not_in_this_version(f"{what} of {owner.label}", span, path, later.instead)
    rotate = values.get("rotate")
    if isinstance(rotate, dict):
        inner = owner.tree.get("rotate")
        nested = model.model_fields.get("rotate")
        found = nested and _section(nested.annotation)
        if found and isinstance(inner, Mapping):
            label = f"`rotate` of {owner.label}"
            holder = Owner(label, owner.dotted(("rotate",)), inner, None)
            yield from take_later(found, rotate, holder)


def not_in_this_version(what: str, span: Span | None, path: str, instead: str) -> Diagnostic:
    """Return the finding that something of the design is not built yet."""
    help = (instead,) if instead else ()
    headline, label = f"{what} is not in this version", "not in this version"
    return Diagnostic("SG150", headline, "error", span, label, path, (), (), help)


def _brief(value: Any) -> str:
    """Return a value as a document writes it; of a mapping its `kind`."""
    if isinstance(value, dict):
        return f"{{kind: {_brief(value['kind'])}}}" if "kind" in value else "{…}"
    return MASK if is_secret(value) else str(value)


def model_keys(model: type[Section]) -> set[str]:
    """Return the keys of a document that are fields of a model."""
    return {one.alias or name for name, one in model.model_fields.items()}


def _section(annotation: Any) -> type[Section] | None:
    for one in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(one, type) and issubclass(one, Section):
            return one
    return None
