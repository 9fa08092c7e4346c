"""What params may be called, and what their declarations may not hold.

How a param is read is `sinkgraph.spec.templates.params`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import create_model

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_traps import EXPRESSION_KEYS, EXPRESSION_MAPS
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.document_tree import Scalar, walk
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.leaves import ParamText
from sinkgraph.spec.locate import Owner

__all__ = ["bad_name", "called_so", "inner_names", "make_model", "open_defaults"]

_RESERVED = frozenset((*NodeSpec.model_fields, "name", "given", "each", "pass"))
_SHADOWED = frozenset({"construct", "copy", "dict", "json", "schema", "validate"})
"""Methods of models that nothing calls: params may be called so."""
_OF_USES = frozenset({"borrowed", "counted", "filling", "later"})
_OF_MAPPINGS = frozenset({"called", "least"})
_NEEDED = "sinkgraph needs this word itself"
_NAME_HELP = "a letter, then letters, digits or `_`, so that `params.NAME` reads it"


def bad_name(name: str) -> str:
    """Return why a param cannot be called so, or ""."""
    if not (name.isidentifier() and name.isascii()) or name.startswith("_"):
        return "not a name"
    if name in EXPRESSION_KEYS | EXPRESSION_MAPS:
        return "what stands under this name is an expression"
    if name in _RESERVED:
        return "every node has a field of this name"
    return _NEEDED if name in _OF_USES or _is_needed(NodeSpec, name) else ""


def _bad_inner_name(name: str) -> str:
    if not (name.isidentifier() and name.isascii()) or name.startswith("_"):
        return "not a name"
    return _NEEDED if name in _OF_MAPPINGS or _is_needed(Section, name) else ""


def _is_needed(model: type[Section], name: str) -> bool:
    """Tell whether a model cannot have a field of this name."""
    return name not in _SHADOWED and hasattr(model, name)


def called_so(label: str, at: Span | None, why: str, path: str) -> Diagnostic:
    """Return the finding of a name that a param cannot have."""
    headline = f"{label} cannot be called so"
    return Diagnostic("SG128", headline, "error", at, why, path, help=(_NAME_HELP,))


def inner_names(tree: Tree, owner: Owner) -> Iterator[Diagnostic]:
    """Yield the fields of a mapping that cannot be called as they are."""
    fields = tree.get("fields")
    for entry in fields.entries if isinstance(fields, Tree) else ():
        name = entry.key.text
        why = _bad_inner_name(name)
        if why:
            label = f"field `{safe_text(name, 80)}` of {owner.label}"
            yield called_so(label, entry.key.span, why, f"{owner.path}.fields")
        if isinstance(entry.value, Tree):
            yield from inner_names(entry.value, owner)


def open_defaults(tree: Tree, owner: Owner) -> Iterator[Diagnostic]:
    """Yield every `${param:…}` in what declares a param: there is no use yet to read it from."""
    for one in walk(tree):
        if type(one) is Scalar and isinstance(one.value, ParamText):
            yield Diagnostic(
                "SG130",
                f"{owner.label} depends on another param",
                "error",
                one.span,
                "not filled in here",
                owner.path,
                help=("write the value; in the body `${param:NAME}` reads a param",),
            )


def make_model(name: str, base: Any, about: str, fields: Mapping[str, Any]) -> Any:
    """Return a model with fields that users named, as pydantic's own methods are perhaps."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Field name ", category=UserWarning)
        return create_model(
            name,
            __base__=base,
            __doc__=about,
            __module__="sinkgraph.spec.templates.params",
            **fields,
        )
