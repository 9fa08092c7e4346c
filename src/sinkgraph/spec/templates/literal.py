"""The value of a param as a CEL literal, and expressions with their `params.NAME` replaced by one.

Values enter as literals only: whatever a text holds, it is never read as part of an expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from sinkgraph.expr.words import TOKEN
from sinkgraph.spec.secret import Secret
from sinkgraph.spec.templates.params import Param
from sinkgraph.spec.units import format_duration

__all__ = ["Read", "literal", "reads_of", "with_literals"]


@dataclass(frozen=True, slots=True)
class Read:
    """Is a `params.NAME` in an expression: [start, end) of it, and the names after `params`."""

    start: int
    end: int
    names: tuple[str, ...]


def reads_of(text: str, depth_of: Callable[[str], int]) -> Iterator[Read]:
    """Yield where an expression reads a param; `depth_of` tells how many names lead to a value.

    What follows them belongs to the expression: `params.who.size()`.
    """
    tokens = [one for one in TOKEN.finditer(text) if not one.group().isspace()]
    tokens = [one for one in tokens if not one.group().startswith("//")]
    for at, token in enumerate(tokens):
        if token.group() != "params" or (at and tokens[at - 1].group() == "."):
            continue
        names: list[str] = []
        end = token.end()
        most = 1
        while len(names) < most and at + 2 < len(tokens):
            dot, name = tokens[at + 1], tokens[at + 2]
            if dot.group() != "." or not name.group().isidentifier():
                break
            names.append(name.group())
            if len(names) == 1:
                most = depth_of(names[0])
            end, at = name.end(), at + 2
        yield Read(token.start(), end, tuple(names))


def with_literals(text: str, reads: list[Read], value_of: Callable[[tuple[str, ...]], str]) -> str:
    """Return an expression with every read replaced by the literal that `value_of` makes."""
    parts: list[str] = []
    at = 0
    for one in reads:
        parts += (text[at : one.start], value_of(one.names))
        at = one.end
    return "".join((*parts, text[at:]))


def literal(value: Any, param: Param | None) -> str:
    """Return a validated value as CEL writes it; a duration is one there too.

    Raises ValueError for what no expression may hold: a secret.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Secret():
            raise ValueError("a secret stands in no expression")
        case int() | float() if param is not None and param.type == "duration":
            return f'duration("{_seconds(float(value))}")'
        case int():
            return str(int(value)) if value >= 0 else f"({int(value)})"
        case float():
            return _double(value)
        case str():
            return _quoted(str(value))
        case BaseModel():
            inner = {} if param is None else param.inner
            parts = (f"{_quoted(n)}: {literal(v, inner.get(n))}" for n, v in value)
            return f"{{{', '.join(parts)}}}"
        case dict():
            parts = (f"{_quoted(str(k))}: {literal(v, None)}" for k, v in value.items())
            return f"{{{', '.join(parts)}}}"
        case list() | tuple():
            each = _each(param)
            return f"[{', '.join(literal(one, each) for one in value)}]"
    raise ValueError(f"a {type(value).__name__} stands in no expression")


def _each(param: Param | None) -> Param | None:
    """Return what stands for the entries of a list."""
    if param is None or param.spec.items != "duration":
        return None
    spec = param.spec.model_copy(update={"type": "duration", "items": None})
    return Param(param.name, spec, param.item, None, None, None, {})


def _seconds(value: float) -> str:
    text = format_duration(value)
    return text if "d" not in text else f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def _double(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} stands in no expression")
    text = repr(float(value))
    return f"({text})" if text.startswith("-") else text


def _quoted(text: str) -> str:
    parts = ['"']
    for char in text:
        code = ord(char)
        if char in '"\\':
            parts.append(f"\\{char}")
        elif 0x20 <= code < 0x7F:
            parts.append(char)
        elif 0xD800 <= code <= 0xDFFF:
            raise ValueError("half of a character stands in no expression")
        else:
            parts.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return "".join((*parts, '"'))
