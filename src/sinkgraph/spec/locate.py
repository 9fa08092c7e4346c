"""From what a model finds wrong to a diagnostic with the smallest place in the document.

It judges nothing; it only finds places and words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Mapping, Node, Sequence
from sinkgraph.spec.elsewhere import advice, keys_of, listed, meant_key, section_at
from sinkgraph.spec.fields import shown
from sinkgraph.spec.problem import Path, Problem

__all__ = ["Owner", "from_problem", "from_validation", "place"]

_KEY = "[key]"
_MAX_FINDINGS = 100  # of one node
_SHAPES = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
}


class Owner:
    """Names whose fields they are: `endpoint `hooks``, and the path that leads to it."""

    __slots__ = ("label", "path", "place", "tree")

    def __init__(self, label: str, path: str, tree: Mapping, place: Span | None) -> None:
        self.label = label
        self.path = path
        self.tree = tree
        self.place = place

    def dotted(self, path: Path) -> str:
        """Return the dotted path of a field."""
        return ".".join([self.path, *map(str, path)]) if self.path else ".".join(map(str, path))


class Place:
    """Is where a path leads in a tree: the spans of its key and value, and the path that exists.

    `beside` is the mapping whose key was found last.
    """

    __slots__ = ("beside", "found", "key", "missing", "value")

    def __init__(
        self,
        key: Span | None,
        value: Span | None,
        found: Path,
        missing: Path,
        beside: Mapping,
    ) -> None:
        self.key = key
        self.value = value
        self.found = found
        self.missing = missing
        self.beside = beside


def place(owner: Owner, path: Path) -> Place:
    """Follow a path as far as it leads; steps the tree does not have (union tags) are skipped."""
    node: Node = owner.tree
    beside = owner.tree
    key, value = owner.place, owner.tree.span
    found: list[str | int] = []
    missing: list[str | int] = []
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str):
            entry = node.entry(step)
            if entry is not None:
                beside = node
                node, key, value = entry.value, entry.key.span, entry.value.span
                found.append(step)
                continue
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            key, value = node.span, node.span
            found.append(step)
            continue
        missing.append(step)
    return Place(key, value, tuple(found), tuple(missing), beside)


def from_problem(problem: Problem, owner: Owner) -> Diagnostic:
    """Return the diagnostic of what a model says of itself."""
    at = place(owner, problem.path)
    span = at.key if problem.on_key or at.missing else at.value
    labels = []
    for path, text in problem.clash:
        other = place(owner, path)
        if not other.missing and other.value is not None:
            labels.append(Label(other.value, text))
    where = f" in {owner.label}" if owner.label else ""
    return Diagnostic(
        problem.code,
        problem.headline + where,
        problem.severity,
        span,
        problem.label,
        owner.dotted(problem.path),
        tuple(labels),
        problem.notes,
        problem.help,
    )


def from_validation(
    error: ValidationError, owner: Owner, model: type[BaseModel]
) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each thing pydantic found, one cause once."""
    details = error.errors(include_url=False)[:_MAX_FINDINGS]
    broken = [tuple(one["loc"]) for one in details]
    meant = _meant(details, model)
    for one in details:
        kind, loc = one["type"], tuple(one["loc"])
        if kind == "too_short" and any(len(b) > len(loc) and b[: len(loc)] == loc for b in broken):
            continue
        if kind == "missing" and loc in meant:
            continue
        if kind == "extra_forbidden" and "${" in str(loc[-1]):
            continue  # that a key holds one is a finding already
        if kind == "extra_forbidden":
            yield _unknown_key(owner, loc, model)
        elif kind == "missing":
            yield _missing(owner, loc)
        else:
            yield _wrong(owner, loc, kind, one, model)


def _meant(details: list[Any], model: type[BaseModel]) -> set[Path]:
    """Return the missing fields that an unknown key beside them is a slip of."""
    made: set[Path] = set()
    missing = {tuple(one["loc"]) for one in details if one["type"] == "missing"}
    for one in details:
        if one["type"] == "extra_forbidden" and missing:
            *before, key = one["loc"]
            beside = [str(one[-1]) for one in missing if one[:-1] == tuple(before)]
            slip = meant_key(str(key), beside)
            if slip is not None:
                made.add((*before, slip))
    return made


def _unknown_key(owner: Owner, loc: Path, model: type[BaseModel]) -> Diagnostic:
    at = place(owner, loc)
    section = section_at(model, at.found[:-1]) or model
    key = str(loc[-1])
    held = at.beside.get(key)
    if isinstance(held, Mapping) and "kind" in held and section is model:
        help = f"write `{safe_text(key, 80)}` one level up, as a node of its own"
    else:
        help = advice(key, section, at.found[:-1], model, {one.key.text for one in at.beside})
    where = _field(at.found[:-1])
    holder = f"`{where}` of {owner.label}" if where else owner.label
    return Diagnostic(
        "SG120",
        f"`{safe_text(key, 80)}` is not a key of {holder}",
        "error",
        at.key,
        "unknown key",
        owner.dotted(at.found),
        help=(help,),
    )


def _missing(owner: Owner, loc: Path) -> Diagnostic:
    at = place(owner, loc)
    field = str(loc[-1])
    where = _field(at.found)
    holder = f"`{where}` of {owner.label}" if where else owner.label
    return Diagnostic(
        "SG121",
        f"{holder} does not say its `{field}`",
        "error",
        at.key,
        f"`{field}` is missing",
        owner.dotted((*at.found, field)),
        help=(f"add `{field}:`",),
    )


def _wrong(owner: Owner, loc: Path, kind: str, one: Any, model: type[BaseModel]) -> Diagnostic:
    at = place(owner, loc)
    context = one.get("ctx") or {}
    help = str(context.get("help") or "")
    if kind.startswith("SG"):
        code, message = kind, str(context["message"])
    elif kind in _SHAPES:
        code, message = "SG122", f"{_shape(one['input'])} stands where {_SHAPES[kind]} is needed"
        section = section_at(model, at.found) if _SHAPES[kind] == "a mapping" else None
        help = _as_mapping(section) if section is not None else help
    elif kind == "too_short":
        code, message = "SG123", "the list is empty"
        help = "name at least one"
    elif kind == "union_tag_invalid":
        code = "SG123"
        tags = str(context.get("expected_tags", "")).replace("'", "").split(", ")
        loc = (*loc, "kind")
        at = place(owner, loc)
        held = one["input"].get("kind") if isinstance(one["input"], dict) else context.get("tag")
        message = f"{shown(held)} is not one of {listed(tags)}"
    else:
        code, message = "SG123", str(one["msg"])[:1].lower() + str(one["msg"])[1:]
    field = _field(at.found)
    of = f"`{field}` of {owner.label}" if field else owner.label
    label = message
    if message.startswith("`") and (end := message.find("` ", 1)) > 0:
        label = message[end + 2 :]
    return Diagnostic(
        code,
        f"{of}: {message}",
        "error",
        at.key if _KEY in loc else at.value,
        label,
        owner.dotted(at.found),
        help=(help,) if help else (),
    )


def _as_mapping(model: type[BaseModel]) -> str:
    keys = listed(keys_of(model))
    if any(one.is_required() for one in model.model_fields.values()):
        return f"its keys are {keys}"
    return f"write `{{}}` for its defaults; its keys are {keys}"


def _shape(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "a single value"


def _field(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
