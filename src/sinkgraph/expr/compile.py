"""An expression ready to be evaluated on events and batches.

What becomes of an event for which it fails is the node's decision, not made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.event import Batch, Event
from sinkgraph.expr.certain import Unsure
from sinkgraph.expr.check import Result, checked
from sinkgraph.expr.cost import MAX_MADE, Size, cells_made, measure
from sinkgraph.expr.errors import BadExpression, ExprError, ExpressionError
from sinkgraph.expr.fast import Fast, compile_fast
from sinkgraph.expr.library import CONTAINER, Program
from sinkgraph.expr.tree import Tree
from sinkgraph.expr.values import (
    Unreadable,
    cel_time,
    from_cel,
    needs,
    paths,
    project,
)
from sinkgraph.expr.words import operator

__all__ = ["Expression", "compile_expression"]

_HEAD = frozenset({"id", "type", "source", "time", "meta"})
_LARGE = Size(10_000, 65_536)  # a field of 1 MiB: what cannot grow from that is not watched
_MISSING = re.compile(r'Key not found in map : "(.*)"$', re.DOTALL)
_OVERLOAD = re.compile(r"No matching overloads found : (.*)$", re.DOTALL)


class Expression:
    """Is a compiled expression. It keeps nothing of the events it saw, and any thread may use it.

    `text` is the expression as written, `fields` the variables it reads (of `data`, `id`,
    `type`, `source`, `time`, `meta`, `vars`), `result` what it must give.
    """

    __slots__ = (
        "_constants",
        "_growing",
        "_judge",
        "_needs",
        "_one",
        "_program",
        "_tree",
        "fields",
        "result",
        "text",
    )

    def __init__(
        self,
        text: str,
        program: Program,
        tree: Tree,
        vars: Mapping[str, object],
        result: Result,
        fast: bool,
    ) -> None:
        self.text = text
        self.result: Result = result
        self._program = program
        self._needs = needs(tree.root)
        self.fields = frozenset(self._needs)
        self._constants: dict[str, Any] = {}
        if "vars" in self.fields:
            try:
                held = project(self._needs["vars"], dict(vars))
            except Unreadable as error:
                name = ".".join(("vars", *error.path))
                message = f"`{name}` cannot be read in an expression: {error.reason}"
                raise BadExpression(text, [ExprError(0, len(text), message)]) from None
            self._constants[f"{CONTAINER}.vars"] = held
        self._growing = tree.root if cells_made(tree.root, lambda _: _LARGE) > MAX_MADE else None
        # Both are compiled when the first event comes, and None where the library judges alone.
        self._tree = tree
        self._one: Callable[[Event], Any] | None = None
        self._judge: Callable[[Sequence[Any]], tuple[list[int], Sequence[int]]] | None = None
        if fast and self._growing is None:
            self._one = self._first
            self._judge = self._first_rows if result != "string" else None

    def __repr__(self) -> str:
        return f"<Expression {self.text!r}>"

    def evaluate(self, event: Event) -> Any:
        """Return the value for one event: a JSON value or bytes, a bool when one is needed.

        A timestamp comes back as RFC 3339 text and a duration as seconds with an `s`. Raises
        `ExpressionError` for a missing field, a clash of types, a division by zero, a value CEL
        cannot hold, or a result of another type than needed.
        """
        one = self._one
        if one is not None:
            try:
                return one(event)
            except Exception:
                pass  # only the library can say what is wrong, or what the value is
        head = event if self.fields & _HEAD else None
        return self._run(self._variables(event.payload, head))

    def predicate(self, batch: Batch) -> tuple[list[int], list[tuple[int, Exception]]]:
        """Return the indices for which the expression is true, and those for which it fails.

        Indices count from the start of the batch and ascend; those in neither list are false.
        Builds Events only when the expression reads more of them than `data`.
        """
        matched: list[int] = []
        left: Sequence[int] = range(len(batch))
        events = list(batch) if self.fields & _HEAD else None
        judge = self._judge
        if judge is not None:
            rows = batch.page.values[batch.i : batch.j] if events is None else events
            matched, left = judge(rows)
            if not left:
                return matched, []
        payloads = batch.payloads
        failed: list[tuple[int, Exception]] = []
        for i in left:
            try:
                value = self._run(
                    self._variables(payloads[i], None if events is None else events[i])
                )
                if value is True:
                    matched.append(i)
                elif value is not False:
                    raise ExpressionError(self.text, _needs_bool(value))
            except ExpressionError as error:
                failed.append((i, error))
        return sorted(matched), failed

    def _first(self, event: Event) -> Any:
        """Compile what gives the value of one event, and have it judge."""
        self._one = None  # nothing is compiled twice
        fast = self._compiled(self.result)
        if fast is None:
            raise Unsure
        self._one = one = fast.one
        return one(event)

    def _first_rows(self, rows: Sequence[Any]) -> tuple[list[int], Sequence[int]]:
        """Compile what judges a batch, and have it judge."""
        self._judge = None
        fast = self._compiled("bool")
        if fast is None:
            return [], range(len(rows))
        self._judge = judge = fast.judge
        return judge(rows)

    def _compiled(self, gives: Result) -> Fast | None:
        known = self._constants.get(f"{CONTAINER}.vars", {})
        return compile_fast(self._tree.root, known, self._needs, gives)

    def _variables(self, data: Any, event: Event | None) -> dict[str, Any]:
        made = dict(self._constants)
        name = "data"
        try:
            need = self._needs.get("data")
            if need is not None:
                made["ev.data"] = project(need, data)
            if event is not None:
                for name in self.fields & _HEAD:
                    held = getattr(event, name)
                    need = self._needs[name]
                    made[f"{CONTAINER}.{name}"] = (
                        cel_time(held) if name == "time" else project(need, held)
                    )
        except Unreadable as error:
            where = ".".join((name, *error.path))
            raise ExpressionError(
                self.text, safe_text(f"`{where}` cannot be read: {error.reason}", 300)
            ) from None
        except RecursionError:
            raise ExpressionError(self.text, f"`{name}` nests too deeply") from None
        if self._growing is not None and cells_made(self._growing, partial(_leaf, made)) > MAX_MADE:
            reason = "for this event it could make values of more than 16 MiB"
            raise ExpressionError(self.text, reason)
        return made

    def _run(self, variables: dict[str, Any]) -> Any:
        try:
            value = self._program.eval(data=variables)
            kind = str(value.type())
            if kind == "ERROR":
                self._fail(str(value.plain_value()))
        except ExpressionError:
            raise
        except (TypeError, SystemError):
            reason = "the result is an optional"
            help = "say what stands for a missing value: `.orValue(…)`"
            raise ExpressionError(self.text, reason, help) from None
        except Exception as error:
            self._fail(str(error))
        if kind == "BOOL" and self.result != "string":
            return value.plain_value() is True
        try:
            plain = from_cel(value)
        except Unreadable as error:
            raise ExpressionError(self.text, error.reason) from None
        if self.result == "bool":
            raise ExpressionError(self.text, _needs_bool(plain))
        if self.result == "string" and not isinstance(plain, str):
            raise ExpressionError(
                self.text, f"it gives {_kind(plain)}, and text is needed", "write `string(…)`"
            )
        return plain

    def _fail(self, said: str) -> NoReturn:
        """Raise what the library said, reworded."""
        said = re.sub(r" \[[A-Z_]+\]$", "", said)
        reason = re.sub(r"^[A-Z_]+: ", "", said)
        help = None
        if match := _MISSING.match(reason):
            reason = f"there is no field `{match.group(1)}`"
            help = self._guard(match.group(1))
        elif match := _OVERLOAD.match(reason):
            reason = _clash(match.group(1))
        elif reason == "Applying SELECT to non-message type":
            reason = "a field is read from a value that has none"
            help = self._guard(None)
        elif reason.startswith("Iteration budget"):
            reason = "it takes more steps than an expression may"
        raise ExpressionError(self.text, safe_text(reason, 300), help)

    def _guard(self, field: str | None) -> str | None:
        """Return advice that names `has()` of the path that ended at a missing field."""
        for path in paths(self._needs, field):
            return f"guard it with `has({path})`"
        return "guard it with `has()`" if field is not None else None


def compile_expression(
    text: str,
    *,
    vars: Mapping[str, object] | None = None,
    result: Result = "any",
    fast: bool = True,
) -> Expression:
    """Check and compile an expression; raise `BadExpression` with every finding.

    `vars` are the values of the document's variables; `result` is what it must give: `bool`,
    `string`, or `any` JSON value. With `fast` off every event is judged by the library, which
    must make no difference.
    """
    values = vars if vars is not None else {}
    found = checked(text, vars=values, result=result)
    return Expression(text, found.program, found.tree, values, result, fast)


def _leaf(variables: Mapping[str, Any], path: tuple[str, ...]) -> Size:
    """Return the size of what an expression reads, nothing where there is nothing."""
    value = variables.get(f"{CONTAINER}.{path[0]}")
    for name in path[1:]:
        if not isinstance(value, dict) or name not in value:
            return Size(0, 0)
        value = value[name]
    return measure(value)


def _kind(value: object) -> str:
    names = {dict: "a map", list: "a list", str: "text", bytes: "bytes", type(None): "null"}
    return names.get(type(value), f"a {type(value).__name__}")


def _needs_bool(value: object) -> str:
    return f"it gives {_kind(value)}, and true or false is needed"


def _clash(overload: str) -> str:
    if overload == "<jump_condition>":
        return "the condition before `?` is neither true nor false"
    name, paren, kinds = overload.partition("(")
    if paren and name:
        return f"`{operator(name)}` does not take ({kinds}"
    if paren:  # a method: (map).matches(string)
        return f"there is no such method: {overload}"
    if overload in {"_&&_", "_||_", "!_"}:
        return f"`{operator(overload)}` needs true or false"
    return f"`{operator(overload)}` does not take these types"
