"""Every finding about an expression, with its place in the text, before it sees an event.

It evaluates nothing but constants, and knows no schema of the payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.expr.cost import MAX_MADE, Size, cells_made
from sinkgraph.expr.errors import BadExpression, ExprError
from sinkgraph.expr.library import Finding, Program, compile_text
from sinkgraph.expr.tree import Call, Const, Ident, Select, Tree, read_tree, walk
from sinkgraph.expr.words import MAX_LEVELS, NAMESPACES, TOKEN, reword

__all__ = ["MAX_BYTES", "Checked", "Result", "check_expression", "checked"]

MAX_BYTES = 4096
Result: TypeAlias = Literal["bool", "string", "any"]

_SMALL = Size(8, 32)  # what each field is taken to hold before there is an event
_RESULTS = {"bool": "BOOL", "string": "STRING"}
_CONSTANT_CALLS = {
    # function: (expression that tries a constant, which argument it is, variables)
    "matches": ("id.matches(type)", "type", "is not a regular expression of RE2"),
    "timestamp": ("timestamp(type)", "type", "is not an RFC 3339 time"),
    "duration": ("duration(type)", "type", "is not a duration"),
}
_CONSTANT_HELP = {
    "timestamp": "write it like `2026-01-31T00:00:00Z`",
    "duration": "write it like `1h30m`",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """Is an expression without findings: the library's program and its tree."""

    program: Program
    tree: Tree


def check_expression(
    text: str, *, vars: Mapping[str, object] | None = None, result: Result = "any"
) -> list[ExprError]:
    """Return everything wrong with an expression, in the order of the text; empty when sound.

    `vars` are the document's variables: with them a `vars.name` that is none is a finding;
    without (None) names of vars are not checked. `result` is what the expression must give.
    Never raises, whatever the text.
    """
    try:
        checked(text, vars=vars, result=result)
    except BadExpression as error:
        return list(error.errors)
    return []


def checked(
    text: str, *, vars: Mapping[str, object] | None = None, result: Result = "any"
) -> Checked:
    """Return the program and tree of an expression; raise `BadExpression` with all findings."""
    try:
        found = _compiled(text, result)
    except BadExpression as error:
        whole = [ExprError(0, len(text), one.message, one.help) for one in error.errors]
        raise BadExpression(text, whole) from error
    if isinstance(found, Checked):
        errors = tuple(_unknown_vars(found.tree, text, vars)) if vars is not None else ()
        if not errors:
            return found
    else:
        errors = found
    raise BadExpression(text, sorted(errors, key=lambda one: (one.start, one.end)))


@lru_cache(maxsize=4096)
def _compiled(text: str, result: Result) -> Checked | tuple[ExprError, ...]:
    errors = tuple(_before_parsing(text))
    if errors:
        return errors
    program = compile_text(text)
    if isinstance(program, list):
        return tuple(_reworded(program, text))
    tree = read_tree(program.serialize())
    if cells_made(tree.root, lambda _: _SMALL) > MAX_MADE:
        message = "the expression can make values of more than 16 MiB from a small event"
        return (ExprError(0, len(text), message, "build less text, or shorter lists, in it"),)
    errors = (*_bad_constants(tree, text), *_wrong_result(program, text, result))
    return errors or _constant_failure(program, tree, text) or Checked(program, tree)


def _before_parsing(text: str) -> Iterator[ExprError]:
    """Find what the parser must not even see."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        yield ExprError(error.start, error.end, "the expression holds a lone surrogate")
        return
    if size > MAX_BYTES:
        yield ExprError(
            0,
            len(text),
            f"the expression has {size} bytes, and {MAX_BYTES} are allowed",
            "move part of it into a transform, or into Python",
        )
        return
    if not text.strip():
        yield ExprError(0, len(text), "the expression is empty")
        return
    for at, char in enumerate(text):
        if (char < " " and char not in "\t\n\r") or char == "\x7f":
            help = f"write it as `\\u{ord(char):04x}` inside a text"
            message = f"the expression holds the control character U+{ord(char):04X}"
            yield ExprError(at, at + 1, message, help)
            return
    at = text.find("${")
    if at >= 0:
        close = text.find("}", at)
        end = close + 1 if close >= 0 else len(text)
        yield ExprError(
            at, end, "`${…}` cannot stand in an expression", "declare it under `vars:`, and write "
            "`vars.name`",
        )  # fmt: skip
        return
    yield from _too_deep(text)


def _too_deep(text: str) -> Iterator[ExprError]:
    depth = 0
    for token in TOKEN.finditer(text):
        if token.group() in {"(", "[", "{"}:
            depth += 1
            if depth > MAX_LEVELS:
                message = f"the expression nests deeper than {MAX_LEVELS} levels"
                yield ExprError(token.start(), token.end(), message, "split it over two nodes")
                return
        elif token.group() in {")", "]", "}"}:
            depth -= 1


def _reworded(findings: list[Finding], text: str) -> list[ExprError]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    made: dict[int, ExprError] = {}
    for one in findings:
        if any(one.message.startswith(f"undeclared reference to '{name}'") for name in NAMESPACES):
            continue  # the finding about its function says it
        placed = 1 <= one.line < len(starts) and one.column >= 1
        offset = min(starts[one.line - 1] + one.column - 1, len(text)) if placed else 0
        if not placed and made:
            continue
        start, end, message, help = reword(one.message, text, offset)
        made.setdefault(start, ExprError(start, end, message, help))
        if one.message.startswith("Syntax error"):
            # What follows a syntax error is mostly its consequence.
            return [made[start]]
    return list(made.values())


def _unknown_vars(tree: Tree, text: str, vars: Mapping[str, object]) -> Iterator[ExprError]:
    for node in walk(tree.root):
        if not isinstance(node, Select) or node.test or node.field in vars:
            continue
        if not isinstance(node.operand, Ident) or node.operand.name != "ev.vars":
            continue
        dot = tree.positions.get(node.id, 0)
        start = max(text.find(node.field, dot), 0)
        close = nearest(node.field, vars)
        help = f"the nearest is `vars.{close}`" if close else "declare it under `vars:`"
        message = f"`vars.{node.field}` is not declared"
        yield ExprError(start, start + len(node.field), message, help)


def _bad_constants(tree: Tree, text: str) -> Iterator[ExprError]:
    """Find constants the library would refuse on every event: patterns, times, durations."""
    for node in walk(tree.root):
        if not isinstance(node, Call) or node.function not in _CONSTANT_CALLS or not node.args:
            continue
        last = node.args[-1]
        if not isinstance(last, Const) or not isinstance(last.value, str) or "\0" in last.value:
            continue
        probe, variable, message = _CONSTANT_CALLS[node.function]
        reason = _refusal(probe, {"ev.id": "", f"ev.{variable}": last.value})
        if reason is not None:
            start = tree.positions.get(last.id, 0)
            token = TOKEN.match(text, start)
            end = token.end() if token else len(text)
            help = _CONSTANT_HELP.get(node.function, reason)
            yield ExprError(start, end, f"`{text[start:end]}` {message}", help)


def _refusal(probe: str, variables: Mapping[str, object]) -> str | None:
    program = compile_text(probe)
    if isinstance(program, list):
        raise AssertionError(f"the probe {probe} does not compile: {program}")
    value = program.eval(data=variables)
    if str(value.type()) != "ERROR":
        return None
    return str(value).partition(": ")[2].removeprefix("invalid regular expression: ")


def _wrong_result(program: Program, text: str, result: Result) -> Iterator[ExprError]:
    wanted = _RESULTS.get(result)
    kind = str(program.return_type())
    if kind.lower().startswith("optional"):
        help = "say what stands for a missing value: `.orValue(…)`"
        yield ExprError(0, len(text), "the expression gives an optional", help)
        return
    if wanted is not None and kind not in {wanted, "DYN"}:
        need = "true or false is" if result == "bool" else "text is"
        help = "compare it, for example with `==`" if result == "bool" else "write `string(…)`"
        message = f"the expression gives {kind.lower()}, and {need} needed"
        yield ExprError(0, len(text), message, help)


def _constant_failure(program: Program, tree: Tree, text: str) -> tuple[ExprError, ...]:
    """Evaluate an expression that reads no event, since it would fail on each the same way."""
    if any(isinstance(node, Ident) and node.name.startswith("ev.") for node in walk(tree.root)):
        return ()
    try:
        value = program.eval(data={})
        failed = str(value.type()) == "ERROR" and isinstance(value.plain_value(), str)
        reason = str(value).partition(": ")[2]
    except (TypeError, SystemError):
        return ()  # an optional: judged where its result is used
    except RuntimeError as error:
        failed, reason = True, str(error).partition(": ")[2].rpartition(" [")[0]
    return (ExprError(0, len(text), f"the expression always fails: {reason}"),) if failed else ()
