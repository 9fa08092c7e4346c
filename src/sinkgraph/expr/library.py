"""Google's CEL implementation, loaded when the first expression is met.

It owns the one environment every expression is checked in and what the library must be guarded
from; it reads no event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, cast

from sinkgraph.expr.errors import BadExpression, ExprError

__all__ = ["CONTAINER", "VARIABLES", "Finding", "Program", "Value", "compile_text"]

CONTAINER = "ev"  # a variable named `type` can only be declared inside a container
VARIABLES = ("data", "id", "type", "source", "time", "meta", "vars")

_FOUND = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)


class Value(Protocol):
    """Is a result of the library; an error is a value too, of type ERROR."""

    def type(self) -> object:
        """Return the CEL type; its text is `INT`, `LIST<DYN>`, …"""
        ...

    def value(self) -> object:
        """Return a Python value whose elements are Values."""
        ...

    def plain_value(self) -> object:
        """Return a Python value all the way down. Kills the process on an optional in a map."""
        ...


class Program(Protocol):
    """Is a compiled expression of the library."""

    def eval(self, *, data: Mapping[str, object]) -> Value:
        """Return the result for these variables, named `ev.data`, `ev.type`, …"""
        ...

    def return_type(self) -> object:
        """Return the type the checker found."""
        ...

    def serialize(self) -> bytes:
        """Return the checked tree."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Is one error as the library reports it; line and column count from 1, or are -1."""

    line: int
    column: int
    message: str


@lru_cache(maxsize=1)
def _environment() -> Any:
    try:
        from cel_expr_python import cel  # type: ignore[import-untyped]
        from cel_expr_python.ext import (  # type: ignore[import-untyped]
            ext_math,
            ext_optional,
            ext_strings,
        )
    except ImportError as error:
        missing = ExprError(0, 0, f"expressions need the package cel-expr-python: {error}")
        raise BadExpression("", [missing]) from error
    kinds = cel.Type
    named = kinds.Map(kinds.STRING, kinds.DYN)
    types = {
        "data": kinds.DYN,
        "id": kinds.STRING,
        "type": kinds.STRING,
        "source": kinds.STRING,
        "time": kinds.TIMESTAMP,
        "meta": named,
        "vars": named,
    }
    return cel.NewEnv(
        variables={f"{CONTAINER}.{name}": types[name] for name in VARIABLES},
        container=CONTAINER,
        extensions=[ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()],
    )


def compile_text(text: str) -> Program | list[Finding]:
    """Return the compiled expression, or what the library found wrong with it.

    Raises `BadExpression` when the library itself is not installed.
    """
    env = _environment()
    try:
        return cast(Program, env.compile(text))
    except RuntimeError as error:
        said = str(error)
    found = [
        Finding(int(line), int(column), message.removesuffix(" [INVALID_ARGUMENT]"))
        for line, column, message in _FOUND.findall(said)
    ]
    return found or [Finding(-1, -1, said)]
