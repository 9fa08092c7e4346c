"""What the fields of models are for: the texts below them in their source, read when asked for.

Reading a source takes longer than checking most documents, so only who shows the texts asks.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import cache

from pydantic import BaseModel

from sinkgraph.spec.elsewhere import models_in

__all__ = ["describe"]


def describe(models: Iterable[type[BaseModel]]) -> None:
    """Give every field of models, and of the sections inside them, its description.

    A field that has one keeps it; one whose source cannot be read has none.
    """
    fresh = [model for model in _with_inner(models) if not _is_described(model)]
    for model in fresh:
        texts: dict[str, str] = {}
        for base in reversed(model.__mro__):
            texts.update(_texts(base.__module__).get(base.__qualname__, {}))
        texts.update(_borrowed(model))
        for name, field in model.model_fields.items():
            if field.description is None:
                field.description = texts.get(name)
    for model in reversed(fresh):  # inner ones first: the outer take over what they have
        model.model_rebuild(force=True)


def _with_inner(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    found: dict[type[BaseModel], None] = {}
    todo = [(one, frozenset[type[BaseModel]]()) for one in models]
    while todo:
        model, around = todo.pop(0)
        if model in around:  # it holds itself
            continue
        found.pop(model, None)
        found[model] = None  # behind whatever holds it
        todo.extend(
            (inner, around | {model})
            for field in model.model_fields.values()
            for inner in models_in(field.annotation)
        )
    return list(found)


def _is_described(model: type[BaseModel]) -> bool:
    return all(field.description is not None for field in model.model_fields.values())


def _borrowed(model: type[BaseModel]) -> dict[str, str]:
    """Return the descriptions of fields that are those of another model."""
    made: dict[str, str] = {}
    for name, lender in getattr(model, "borrowed", {}).items():
        for base in reversed(lender.__mro__):
            texts = _texts(base.__module__).get(base.__qualname__, {})
            made.update({name: texts[name]} if name in texts else {})
    return made


@cache
def _texts(module: str) -> dict[str, dict[str, str]]:
    """Return, for each class of a module, the text below each of its annotated names."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError, SyntaxError):
        return {}
    return {name: dict(_below(one)) for name, one in _classes(tree, "")}


def _classes(holder: ast.Module | ast.ClassDef, path: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for one in holder.body:
        if isinstance(one, ast.ClassDef):
            yield f"{path}{one.name}", one
            yield from _classes(one, f"{path}{one.name}.")


def _below(one: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for before, after in zip(one.body, one.body[1:], strict=False):
        if not (isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)):
            continue
        held = after.value if isinstance(after, ast.Expr) else None
        if isinstance(held, ast.Constant) and isinstance(held.value, str):
            yield before.target.id, inspect.cleandoc(held.value)
