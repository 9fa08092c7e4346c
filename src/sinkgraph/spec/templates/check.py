"""What a template's body says, judged before any use: params it names, fields, expressions.

What is wrong here is reported once, however often the template is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Entry, Node, Scalar, Sequence, walk
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.judged import take_later, validated
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.leaves import Placeholder, leaf, plain
from sinkgraph.spec.locate import Owner, from_problem, from_validation
from sinkgraph.spec.templates.body import BodyReader
from sinkgraph.spec.templates.fields import same_type
from sinkgraph.spec.templates.literal import literal, reads_of, with_literals
from sinkgraph.spec.templates.model import Part, Ref
from sinkgraph.spec.templates.params import Param
from sinkgraph.spec.templates.put import conditions_of, holds_params, marks_of, whole_param
from sinkgraph.spec.written_at import written_at

__all__ = ["BodyChecker"]

_NO_TEXT = frozenset({"list", "mapping", "node"})
_EXAMPLES: Mapping[str, Any] = {
    "string": "text",
    "url": "http://unset.invalid/",
    "path": "unset",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "duration": 1.0,
    "size": 1024,
}


_ANYTHING = "data"
"""Stands for a value of which nothing is known, as an event's data."""


class BodyChecker:
    """Judges the nodes of one template; `found` grows as it goes."""

    def __init__(
        self, reader: BodyReader, params: Mapping[str, Param], vars: Mapping[str, Any], path: str
    ) -> None:
        self.found: list[Diagnostic] = []
        self._reader = reader
        self._params = params
        self._vars = vars
        self._path = path

    def check(self, part: Part) -> None:
        """Judge one node, and find how a use's values get into it."""
        before = len(self.found) + len(self._reader.found)
        label = f"{part.kind.name} in template `{self._path.partition('.')[2]}`"
        owner = Owner(label, self._path, part.tree, part.tree.span)
        expressions = {one.partition(".")[0] for one in part.kind.expressions}
        values: dict[str, Any] = {}
        open_fields: set[str] = set(part.passed)
        for entry in part.fields:
            key = entry.key.text
            if key in expressions:
                self._expressions(part, entry)
                values[key] = self._stood_in_expression(entry.value)
                continue
            value, known = self._stood_in(entry.value)
            if known:
                values[key] = value
            else:
                open_fields.add(key)
        for outlet in part.outlets:
            for aim in outlet.aims:
                for one in aim.rule or ():
                    if one.key.text in {e.partition(".")[2] for e in part.kind.expressions}:
                        self._expressions(part, one)
        self._judge(part, owner, values, open_fields)
        part.wrong = (
            any(one.severity == "error" for one in (*self.found, *self._reader.found)[before:])
            and part.proto is None
        )
        self._ways_in(part)

    # --- the fields -------------------------------------------------------------------------------

    def _judge(
        self, part: Part, owner: Owner, values: dict[str, Any], open_fields: set[str]
    ) -> None:
        model = part.kind.model
        values["kind"] = part.kind.name
        for outlet in part.outlets:
            values[outlet.port.name] = _targets(outlet.port.many, outlet.aims)
        self.found.extend(take_later(model, values, owner))
        spec, error = validated(model, values)
        if error is not None and all(_is_missing(one, open_fields) for one in error.errors()):
            for name, held in model.model_fields.items():
                if held.is_required() and (held.alias or name) not in values:
                    values[held.alias or name] = _stand_in(held)
            spec, _ = validated(model, values)
        elif error is not None:
            self.found.extend(self._told(error, owner, part, open_fields))
        if isinstance(spec, NodeSpec):
            part.proto = spec
            varies = part.passed or any(holds_params(one.value) for one in part.fields)
            if not varies:
                self.found.extend(from_problem(one, owner) for one in spec.problems())

    def _told(
        self, error: ValidationError, owner: Owner, part: Part, open_fields: set[str]
    ) -> Iterator[Diagnostic]:
        for one in from_validation(error, owner, part.kind.model):
            field = one.path.removeprefix(f"{owner.path}.").partition(".")[0].partition("[")[0]
            if one.code == "SG121" and field in open_fields:
                continue
            yield replace(one, span=one.span or owner.place)

    def _stood_in(self, node: Node) -> tuple[Any, bool]:
        """Return what is judged in place of a field, and whether anything can be."""
        whole = whole_param(node.value) if type(node) is Scalar and _is_text(node) else None
        if whole is not None:
            ref = self._reader.ref(whole, node.span)
            param = None if ref is None else _of(ref)
            if param is None:
                return Placeholder("unset"), True
            if param.type == "node":
                self._no_text(whole, "node", node)  # type: ignore[arg-type]
            if param.type in _NO_TEXT or param.type == "any":
                return None, False
            return Placeholder("unset"), True
        self._params_in(node)
        return _with_placeholders(node), True

    def _params_in(self, node: Node) -> None:
        """Judge the params inside a tree."""
        for one in walk(node):
            if type(one) is Scalar and _is_text(one):
                whole = whole_param(one.value)
                for name in marks_of(one.value):
                    ref = self._reader.ref(name, one.span)
                    if ref is None or whole is not None:
                        continue
                    kind = _of(ref).type
                    if kind in _NO_TEXT and ref.param.name not in _lists_around(ref):
                        self._no_text(name, kind, one)

    def _no_text(self, name: str, kind: str, scalar: Scalar) -> None:
        place, help = "text", f"write `${{param:{safe_text(name, 80)}}}` alone, as the whole value"
        if kind == "node":
            place, help = "field", "write it at a port: `to`, `dead_letter`, …"
        self.found.append(
            Diagnostic(
                "SG162",
                f"param `{safe_text(name, 80)}` of type {kind} stands in a {place}",
                "error",
                scalar.span,
                f"a {kind} is no {'text' if place == 'text' else 'value'}",
                self._path,
                help=(help,),
            )
        )

    # --- expressions ------------------------------------------------------------------------------

    def _expressions(self, part: Part, entry: Entry) -> None:
        todo: list[tuple[str, Node]] = [(entry.key.text, entry.value)]
        if isinstance(entry.value, Tree) and not any(
            one is not entry.value for _, one in conditions_of(entry.value)
        ):
            todo = [(f"{entry.key.text}.{one.key.text}", one.value) for one in entry.value]
        for path, node in todo:
            for given, one in conditions_of(node):
                if given is not None:
                    self._reader.ref(given.text, given.span)
                if type(one) is Scalar and isinstance(one.value, str):
                    self._expression(part, path, one)

    def _expression(self, part: Part, path: str, scalar: Scalar) -> None:
        if isinstance(scalar.value, Placeholder):
            return
        from sinkgraph.expr.check import check_expression

        reads = list(reads_of(scalar.text, lambda name: 2 if self._is_mapping(name) else 1))
        known = True
        for one in reads:
            at = written_at(scalar, one.start, one.end)
            if not one.names:
                self._whole_params(scalar, one.start, one.end)
                known = False
                continue
            ref = self._reader.ref(".".join(one.names), at)
            known = known and ref is not None
            if ref is not None and _of(ref).type == "node":
                self.found.append(
                    Diagnostic(
                        "SG162",
                        f"param `{ref.shown}` of type node stands in an expression",
                        "error",
                        at,
                        "a node is no value",
                        self._path,
                        help=("name it in a port instead",),
                    )
                )
                known = False
        if not known:
            return
        text = with_literals(scalar.text, reads, self._example)
        wanted: Any = "bool" if path in {"where", "when"} else "any"
        for error in check_expression(text, vars=self._vars, result=wanted):
            same = text == scalar.text
            at = written_at(scalar, error.start, error.end) if same else scalar.span
            self.found.append(
                Diagnostic(
                    "SG402",
                    f"`{path}` of {part.kind.name} in a template: {safe_text(error.message, 300)}",
                    "error",
                    at,
                    safe_text(error.message, 120),
                    self._path,
                    help=(safe_text(error.help, 200),) if error.help else (),
                )
            )

    def _whole_params(self, scalar: Scalar, start: int, end: int) -> None:
        self.found.append(
            Diagnostic(
                "SG134",
                "`params` alone is no value",
                "error",
                written_at(scalar, start, end),
                "which one?",
                self._path,
                help=("write `params.NAME`",),
            )
        )

    def _is_mapping(self, name: str) -> bool:
        param = self._params.get(name)
        return param is not None and bool(param.inner)

    def _example(self, names: tuple[str, ...]) -> str:
        param = self._params[names[0]]
        inner = param.inner[names[1]] if len(names) > 1 else param
        example = _example_of(inner)
        return _ANYTHING if example is None else literal(example, inner)

    def _stood_in_expression(self, node: Node) -> Any:
        if isinstance(node, Tree) and any(one is not node for _, one in conditions_of(node)):
            return "true"
        return _with_placeholders(node)

    # --- how values get in ------------------------------------------------------------------------

    def _ways_in(self, part: Part) -> None:
        """Find whether values of a use can be taken as they were read."""
        model = part.kind.model
        part.taken = tuple(
            name for name, held in model.model_fields.items() if (held.alias or name) in part.passed
        )
        direct: dict[str, str] = {}
        judged = part.proto is None or part.kind.composite
        attributes = {held.alias or name: name for name, held in model.model_fields.items()}
        for entry in part.fields:
            node = entry.value
            if entry.key.text in {one.partition(".")[0] for one in part.kind.expressions}:
                judged = judged or _reads_params(node)
            elif holds_params(node):
                whole = whole_param(node.value) if type(node) is Scalar else None
                attribute = attributes.get(entry.key.text)
                if whole and attribute and self._same(whole, model.model_fields[attribute], part):
                    direct[attribute] = whole
                else:
                    judged = True
        for outlet in part.outlets:
            judged = judged or outlet.port.each or any(aim.rule for aim in outlet.aims)
            judged = judged or part.kind.name == "broadcast"  # whose targets are no names
        part.direct, part.judged = direct, judged

    def _same(self, name: str, held: FieldInfo, part: Part) -> bool:
        """Tell whether a param is read as a field is, so that its value is one of that field."""
        head, _, inner = name.partition(".")
        param = self._params.get(head)
        if param is None or inner:
            return False
        annotation = param.annotation
        if part.repeats == head:
            annotation = param.item
        return annotation is not None and same_type(FieldInfo.from_annotation(annotation), held)


def _is_text(node: Scalar) -> bool:
    return bool(marks_of(node.value))


def _of(ref: Ref) -> Param:
    return ref.param.inner[ref.inner] if ref.inner else ref.param


def _lists_around(ref: Ref) -> frozenset[str]:
    """Return the params that stand for one of their entries here: any list may be repeated."""
    return (
        frozenset({ref.param.name}) if ref.param.type == "list" and not ref.inner else frozenset()
    )


def _reads_params(node: Node) -> bool:
    if type(node) is Scalar:
        return "params" in node.text
    return isinstance(node, Tree)


def _with_placeholders(node: Node) -> Any:
    if type(node) is Scalar:
        return Placeholder("unset") if marks_of(node.value) else leaf(node)
    if isinstance(node, Tree):
        return {one.key.text: _with_placeholders(one.value) for one in node}
    if isinstance(node, Sequence):
        return [_with_placeholders(one) for one in node.items]
    return plain(node)


def _targets(many: bool, aims: list[Any]) -> Any:
    if not many:
        return "unset"
    made: list[Any] = []
    for aim in aims:
        if aim.rule is None:
            made.append("unset")
        else:
            key = "node" if "node" in aim.rule else "to"
            rule = {e.key.text: _with_placeholders(e.value) for e in aim.rule if e.key.text != key}
            made.append({**rule, key: "unset"})
    return made


def _is_missing(one: Any, open_fields: set[str]) -> bool:
    return one["type"] == "missing" and len(one["loc"]) == 1 and one["loc"][0] in open_fields


def _stand_in(held: FieldInfo) -> Any:
    """Return something every field of a type takes."""
    word = str(held.annotation)
    if "dict" in word:
        return {}
    return () if "tuple" in word else Placeholder("unset")


def _example_of(param: Param) -> Any:
    if param.default is not PydanticUndefined and param.default not in (None, ()):
        return param.default
    if param.type == "list":
        word = param.spec.items or "any"
        return (_EXAMPLES[word],) if word in _EXAMPLES else None
    if param.type == "mapping":
        return {name: _example_of(one) for name, one in param.inner.items()}
    if param.spec.choices:
        return param.spec.choices[0]
    return _EXAMPLES.get(param.type)
