"""What a use gives, put into the fields of a body: trees, parts of texts, literals of expressions.

A whole `${param:NAME}` becomes what the use wrote, with its own place; in a longer text it becomes
text; in an expression `params.NAME` becomes a literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_text import MAX_BYTES
from sinkgraph.spec.document_tree import Entry, Node, Scalar, Sequence, walk
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.leaves import (
    FilledText,
    ParamText,
    Placeholder,
    SecretText,
    is_secret,
    leaf,
    written,
)
from sinkgraph.spec.templates.literal import literal, reads_of, with_literals
from sinkgraph.spec.templates.params import Param

__all__ = [
    "CHOOSING",
    "MAX_VALUES",
    "Put",
    "Room",
    "conditions_of",
    "holds_params",
    "is_inside",
    "marks_of",
    "whole_param",
]

_MARK = re.compile("\0([^\0]*)\0")
MAX_VALUES = 1_000_000
"""Values that all uses of templates together may be judged with."""
CHOOSING: Mapping[str, tuple[str, str]] = {
    "all_of": (" && ", ""),
    "any_of": (" || ", ""),
    "none_of": (" || ", "!"),
}
"""Words that make one expression of several → what stands between them, and before them all."""


def whole_param(value: object) -> str | None:
    """Return the name of the param that is all of what a leaf holds, or None."""
    found = _MARK.fullmatch(value) if isinstance(value, ParamText) else None
    return found[1] if found else None


def marks_of(value: object) -> list[str]:
    """Return the names of the params that stand in what a leaf holds."""
    return _MARK.findall(value) if isinstance(value, ParamText) else []


def holds_params(node: Node) -> bool:
    """Tell whether a `${param:…}` stands anywhere in a tree."""
    return any(type(one) is Scalar and isinstance(one.value, ParamText) for one in walk(node))


def conditions_of(node: Node) -> Iterator[tuple[Scalar | None, Node]]:
    """Yield what each expression of a field depends on, and the expression itself."""
    held = node.entries[0] if isinstance(node, Tree) and len(node) == 1 else None
    if held is not None and held.key.text in CHOOSING and isinstance(held.value, Sequence):
        for item in held.value.items:
            given = item.get("given") if isinstance(item, Tree) else None
            text = item.get("expression") if isinstance(item, Tree) else item
            if text is not None:
                yield given if type(given) is Scalar else None, text
    else:
        yield None, node


@dataclass(slots=True)
class Room:
    """Is how much all uses may still become together; `over`: of what there is too much."""

    text: int = MAX_BYTES
    values: int = MAX_VALUES
    over: str = ""

    def take_text(self, length: int) -> bool:
        """Count characters of a text that is put together; False when that is too much."""
        self.text -= length
        if self.text < 0:
            self.over = self.over or f"{MAX_BYTES // 1024**2} MiB of text"
        return not self.over

    def take_values(self, tree: Tree) -> bool:
        """Count what is in a tree; False when that is too much."""
        for _ in walk(tree):
            if self.values < 0:
                break
            self.values -= 1
        if self.values < 0:
            self.over = self.over or f"{MAX_VALUES:,} values"
        return not self.over


@dataclass(slots=True)
class Put:
    """Puts what one use gives into a body.

    `tree`: the use as written. `values`: its fields, read. `items`: for a list that a node is
    repeated for, which entry is meant. `found` grows as it goes.
    """

    params: Mapping[str, Param]
    tree: Tree
    values: Mapping[str, Any]
    path: str
    items: Mapping[str, int] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    room: Room = field(default_factory=Room)

    def raw(self, name: str) -> Node | None:
        """Return what a use wrote for `NAME` or `NAME.FIELD`, else its default; None: nothing."""
        name, _, inner = name.partition(".")
        held = self.tree.get(name)
        if held is None or (type(held) is Scalar and held.value is None):
            held = self.params[name].node
        if inner:
            held = held.get(inner) if isinstance(held, Tree) else None
        elif isinstance(held, Sequence) and name in self.items:
            held = held.items[self.items[name]]
        return None if type(held) is Scalar and held.value is None else held

    def value(self, name: str) -> Any:
        """Return the value of `NAME` or `NAME.FIELD`, read."""
        name, _, inner = name.partition(".")
        held = self.values[name]
        if inner:
            return getattr(held, inner, None)
        return held[self.items[name]] if name in self.items else held

    def given(self, name: str) -> bool:
        """Tell whether `NAME` or `NAME.FIELD` says anything."""
        return self.value(name) not in (None, (), [], {})

    def node(self, node: Node) -> Node | None:
        """Return a tree of a body with everything put in; None for a param that is nothing."""
        if type(node) is Scalar:
            if not isinstance(node.value, ParamText):
                return node
            name = whole_param(node.value)
            return self.raw(name) if name is not None else self._text(node)
        if isinstance(node, Tree):
            pairs = ((one, self.node(one.value)) for one in node)
            return Tree(node.span, [Entry(one.key, new) for one, new in pairs if new is not None])
        if isinstance(node, Sequence):
            made = (self.node(one) for one in node.items)
            return Sequence(node.span, [one for one in made if one is not None])
        return node

    def holds(self, node: Node, span: Span) -> bool:
        """Tell whether a place belongs to what a use put into a tree of a body."""
        put = self.node(node)
        return put is not None and any(is_inside(span, one.span) for one in walk(put))

    def _text(self, scalar: Scalar) -> Scalar:
        secret, unset = scalar.secret, False
        parts = _MARK.split(str(scalar.value))
        for at in range(1, len(parts), 2):
            raw = self.raw(parts[at])
            held = leaf(raw) if type(raw) is Scalar else None
            secret = secret or is_secret(held)
            unset = unset or isinstance(held, Placeholder)
            text = written(held)
            if text is None and raw is not None:
                self._no_text(parts[at], raw, scalar)
            parts[at] = text if text and self.room.take_text(len(text)) else ""
        made = "".join(parts)
        kind = Placeholder if unset else SecretText if secret else FilledText
        return Scalar(scalar.span, made, kind(made), True, secret)

    def _no_text(self, name: str, raw: Node, scalar: Scalar) -> None:
        said = "a list" if isinstance(raw, Sequence) else "a mapping"
        labels = (Label(scalar.span, "used here, in a text"),) if scalar.span else ()
        self.found.append(
            Diagnostic(
                "SG122",
                f"`{safe_text(name, 80)}` is put into a text, and {said} stands there",
                "error",
                raw.span,
                said,
                f"{self.path}.{name}",
                labels,
                help=("write text or a number",),
            )
        )

    # --- expressions ------------------------------------------------------------------------------

    def expression(self, node: Node) -> Node:
        """Return a field that holds expressions, with literals for its params."""
        if type(node) is Scalar:
            return self._literals(node)
        if not isinstance(node, Tree):
            return node
        held = node.entries[0] if len(node) == 1 else None
        if held is None or held.key.text not in CHOOSING:  # a mapping of expressions
            return Tree(node.span, [Entry(one.key, self.expression(one.value)) for one in node])
        between, before = CHOOSING[held.key.text]
        chosen = [
            self._literals(one)
            for given, one in conditions_of(node)
            if type(one) is Scalar and (given is None or self.given(given.text))
        ]
        text = between.join(f"({one.text})" for one in chosen) if len(chosen) > 1 else ""
        if len(chosen) == 1:
            text = chosen[0].text if not before else f"({chosen[0].text})"
        if not chosen:
            text = "true" if held.key.text != "any_of" else "false"
            return Scalar(node.span, text, text, True)
        whole = f"{before}({text})" if before else text
        return Scalar(node.span, whole, whole, True)

    def _literals(self, scalar: Scalar) -> Scalar:
        if "params" not in scalar.text or not isinstance(scalar.value, str):
            return scalar
        reads = [one for one in reads_of(scalar.text, self._depth) if one.names]
        try:
            text = with_literals(scalar.text, reads, self._literal(scalar.span))
        except ValueError as error:
            self.found.append(
                Diagnostic(
                    "SG409",
                    f"a param cannot stand in an expression: {error}",
                    "error",
                    self.tree.span if scalar.span is None else scalar.span,
                    "put in here",
                    self.path,
                    help=("declare a var, and read it as `vars.NAME`",),
                )
            )
            return Scalar(scalar.span, "true", Placeholder("true"), True)
        return Scalar(scalar.span, text, text, True)

    def _depth(self, name: str) -> int:
        param = self.params.get(name)
        return 2 if param is not None and param.inner else 1

    def _literal(self, at: Span | None) -> Callable[[tuple[str, ...]], str]:
        def made(names: tuple[str, ...]) -> str:
            param = self.params[names[0]]
            raw = self.raw(".".join(names))
            if raw is not None and _holds_secret(raw):
                raise ValueError("its value comes from the environment or a file")
            inner = param.inner.get(names[1]) if len(names) > 1 else param
            if len(names) == 1 and names[0] in self.items:
                inner = None
            text = literal(self.value(".".join(names)), inner)
            if not self.room.take_text(len(text)):
                raise ValueError("it is too long")
            return text

        return made


def is_inside(span: Span, around: Span | None) -> bool:
    """Tell whether a place is within another one."""
    return (
        around is not None
        and span.source is around.source
        and around.start <= span.start
        and span.end <= around.end
    )


def _holds_secret(node: Node) -> bool:
    return any(type(one) is Scalar and (one.secret or is_secret(leaf(one))) for one in walk(node))
