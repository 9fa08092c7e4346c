"""The Python of CEL's functions, methods and macros, by name.

Operators and fields are `writer`'s. What is not named here is left to the library.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sinkgraph.expr.code import Code, Unknown, call, const
from sinkgraph.expr.library import compile_text
from sinkgraph.expr.patterns import read_pattern
from sinkgraph.expr.tree import Call, Const, Ident, Loop, MakeList, Node

if TYPE_CHECKING:
    from sinkgraph.expr.writer import Writer

__all__ = ["CALLS", "TYPES", "loop_code"]

TYPES = {
    "bool": "bool", "int": "int", "double": "float", "string": "str", "list": "list",
    "map": "dict",
}  # fmt: skip
"""CEL's types by name, and Python's names for them."""

_Known = Callable[["Writer", Call], Code]

_PLAIN = re.compile(r"(\^?)([A-Za-z0-9 _/:,@#%&=~<>!'\"-]*)(\$?)")
_MICROSECONDS = re.compile(r"[^.]*(?:\.[0-9]{1,6}[^0-9.]*)?")


def _method(name: str, *kinds: str, gives: str = "text") -> _Known:
    """Return a writer for a method of text whose arguments are of these kinds."""

    def write(writer: Writer, node: Call) -> Code:
        arguments = [writer.text(node.args[0])]
        for argument, kind in zip(node.args[1:], kinds, strict=False):
            arguments.append(writer.text(argument) if kind == "text" else writer.integer(argument))
        arguments += [const(None)] * (len(kinds) - len(arguments) + 1)
        return Code(gives, call(name, *arguments))

    return write


def _python(name: str, gives: str) -> _Known:
    """Return a writer for a method of text that Python's `str` has as well."""

    def write(writer: Writer, node: Call) -> Code:
        if not node.method:
            raise Unknown
        method = ast.Attribute(writer.text(node.args[0]), name, ast.Load())
        return Code(gives, ast.Call(method, [writer.text(node.args[1])], []))

    return write


def _contains(writer: Writer, node: Call) -> Code:
    text, part = (writer.text(one) for one in node.args)
    return Code("bool", ast.Compare(part, [ast.In()], [text]))


def _size(writer: Writer, node: Call) -> Code:
    code = writer.write(node.args[0])
    if code.kind not in {"any", "text", "list"}:
        raise Unknown
    return Code("int", call("size" if code.kind == "any" else "len", code.node))


def _join(writer: Writer, node: Call) -> Code:
    items = writer.write(node.args[0])
    if items.kind not in {"any", "list"}:
        raise Unknown
    between = writer.text(node.args[1]) if len(node.args) == 2 else const("")
    return Code("text", call("join", items.node, between))


def _split(writer: Writer, node: Call) -> Code:
    text, separator = (writer.text(one) for one in node.args)
    if not isinstance(separator, ast.Constant) or not separator.value:
        raise Unknown
    return Code("list", call("split", text, separator))


def _negative(writer: Writer, node: Call) -> Code:
    code = writer.write(node.args[0])
    if code.kind not in {"any", "int", "double"}:
        raise Unknown
    return Code(code.kind, call("negative", code.node))


def _converted(name: str, gives: str) -> _Known:
    def write(writer: Writer, node: Call) -> Code:
        code = writer.write(node.args[0])
        if code.kind not in {"any", "bool", "int", "double", "text"}:
            raise Unknown
        return Code(gives, call(name, code.node))

    return write


def _dyn(writer: Writer, node: Call) -> Code:
    return writer.write(node.args[0])  # its kind was never of interest but to the checker


def _or_value(writer: Writer, node: Call) -> Code:
    optional = writer.write(node.args[0])
    if optional.kind != "optional" or optional.shape is not None:
        raise Unknown
    return Code("any", call("or_value", optional.node, writer.anything(node.args[1])))


def _has_value(writer: Writer, node: Call) -> Code:
    optional = writer.write(node.args[0])
    if optional.kind != "optional":
        raise Unknown
    return Code("bool", ast.Compare(optional.node, [ast.IsNot()], [ast.Name("UNSET", ast.Load())]))


def _matches(writer: Writer, node: Call) -> Code:
    """Write a pattern as Python where it agrees with RE2, and have the library find any other."""
    text, pattern = writer.text(node.args[0]), writer.write(node.args[1])
    if not pattern.constant or pattern.kind != "text":
        raise Unknown
    plain = _PLAIN.fullmatch(pattern.value)
    if plain is None:
        ask, known = writer.name(_finder(pattern.value)), read_pattern(pattern.value)
        if known is None:
            return Code("bool", call("matches", ask, text))
        return Code("bool", call("found", writer.name(known), ask, text))
    start, word, end = plain[1], const(plain[2]), plain[3]
    if start and end:
        return Code("bool", ast.Compare(text, [ast.Eq()], [word]))
    if not start and not end:
        return Code("bool", ast.Compare(word, [ast.In()], [text]))
    method = ast.Attribute(text, "startswith" if start else "endswith", ast.Load())
    return Code("bool", ast.Call(method, [word], []))


def _finder(pattern: str) -> Any:
    program = compile_text(f"id.matches({json.dumps(pattern, ensure_ascii=False)})")
    if isinstance(program, list):
        raise Unknown
    return program.eval


def _timestamp(writer: Writer, node: Call) -> Code:
    text = node.args[0]
    if not isinstance(text, Const) or not isinstance(text.value, str):
        raise Unknown
    program = compile_text(f"timestamp({json.dumps(text.value, ensure_ascii=False)})")
    if isinstance(program, list) or not _MICROSECONDS.fullmatch(text.value):
        raise Unknown  # Python's times know no smaller part of a second
    when: Any = program.eval(data={}).plain_value()
    if not isinstance(when, datetime):
        raise Unknown
    return Code("time", writer.name(when))


def _part_of_time(name: str, minus: int = 0) -> _Known:
    def write(writer: Writer, node: Call) -> Code:
        code = writer.write(node.args[0])
        if code.kind != "time":
            raise Unknown
        part: ast.expr = ast.Attribute(code.node, name, ast.Load())
        return Code("int", ast.BinOp(part, ast.Sub(), const(minus)) if minus else part)

    return write


CALLS: dict[tuple[str, int], _Known] = {
    ("startsWith", 2): _python("startswith", "bool"),
    ("endsWith", 2): _python("endswith", "bool"),
    ("contains", 2): _contains,
    ("indexOf", 2): _python("find", "int"),
    ("lastIndexOf", 2): _python("rfind", "int"),
    ("matches", 2): _matches,
    ("size", 1): _size,
    ("lowerAscii", 1): _method("lower"),
    ("upperAscii", 1): _method("upper"),
    ("trim", 1): _method("trim"),
    ("replace", 3): _method("replace", "text", "text"),
    ("substring", 2): _method("substring", "int", "int"),
    ("substring", 3): _method("substring", "int", "int"),
    ("charAt", 2): _method("char_at", "int"),
    ("split", 2): _split,
    ("join", 1): _join,
    ("join", 2): _join,
    ("-_", 1): _negative,
    ("int", 1): _converted("to_int", "int"),
    ("double", 1): _converted("to_double", "double"),
    ("string", 1): _converted("to_string", "text"),
    ("dyn", 1): _dyn,
    ("orValue", 2): _or_value,
    ("hasValue", 1): _has_value,
    ("timestamp", 1): _timestamp,
    ("getFullYear", 1): _part_of_time("year"),
    ("getMonth", 1): _part_of_time("month", 1),
    ("getDate", 1): _part_of_time("day"),
    ("getDayOfMonth", 1): _part_of_time("day", 1),
    ("getHours", 1): _part_of_time("hour"),
    ("getMinutes", 1): _part_of_time("minute"),
    ("getSeconds", 1): _part_of_time("second"),
}
"""Writers by function and number of arguments, a method's own value being the first."""


# macros -----------------------------------------------------------------------------------------


_FOLDS = {("_||_", False): "exists", ("_&&_", True): "all"}


def loop_code(writer: Writer, node: Loop) -> Code:
    """Return the code of a macro over a list; raise `Unknown` for what is none that is known."""
    over = writer.write(node.over)
    if over.kind not in {"any", "list"}:
        raise Unknown
    outer = writer.scope
    writer.scope = dict(outer)
    try:
        name, kind, over_node, body = _macro(writer, node, over.node)
    finally:
        writer.scope = outer
    return Code(kind, call(name, const(writer.most), over_node, body))


def _macro(writer: Writer, node: Loop, over: ast.expr) -> tuple[str, str, ast.expr, ast.expr]:
    """Return the function, its kind, what it goes over, and what it does with each element."""
    step, init = node.step, node.init
    if isinstance(step, Call) and isinstance(node.result, Ident) and isinstance(init, Const):
        name = _FOLDS.get((step.function, bool(init.value)))
        if name is not None and _is_accu(step.args[0], node):
            return name, "bool", over, _lambda(writer, node.var, step.args[1], True)
    if isinstance(init, Const) and _counts(node):
        test = step.args[0] if isinstance(step, Call) else step
        return "exists_one", "bool", over, _lambda(writer, node.var, test, True)
    if not isinstance(init, MakeList) or init.elements or not _is_accu(node.result, node):
        raise Unknown
    if not isinstance(step, Call) or step.function != "_?_:_" or not _is_accu(step.args[2], node):
        return "map", "list", over, _lambda(writer, node.var, _appended(step, node), False)
    keep = _lambda(writer, node.var, step.args[0], True)
    made = _appended(step.args[1], node)
    if isinstance(made, Ident) and made.name == node.var:
        return "filter", "list", over, keep
    over = call("filter", const(writer.most), over, keep)
    return "map", "list", over, _lambda(writer, node.var, made, False)


def _lambda(writer: Writer, var: str, body: Node, truth: bool) -> ast.expr:
    name = writer.below(var)
    code = writer.truth(body) if truth else writer.anything(body)
    arguments = ast.arguments([], [ast.arg(name)], None, [], [], None, [])
    return ast.Lambda(arguments, code)


def _is_accu(node: Node, loop: Loop) -> bool:
    return isinstance(node, Ident) and node.name == loop.accu


def _counts(loop: Loop) -> bool:
    """Return whether a loop counts what meets a condition, and asks whether it was one."""
    step, result = loop.step, loop.result
    if not isinstance(step, Call) or step.function != "_?_:_" or not _is_accu(step.args[2], loop):
        return False
    more = step.args[1]
    return (
        isinstance(more, Call)
        and more.function == "_+_"
        and _is_accu(more.args[0], loop)
        and isinstance(result, Call)
        and result.function == "_==_"
        and _is_accu(result.args[0], loop)
        and all(isinstance(one, Const) and one.value == 1 for one in (more.args[1], result.args[1]))
    )


def _appended(step: Node, loop: Loop) -> Node:
    """Return what a step appends to the list a loop makes."""
    if isinstance(step, Call) and step.function == "_+_" and _is_accu(step.args[0], loop):
        made = step.args[1]
        if isinstance(made, MakeList) and len(made.elements) == 1 and not made.optional:
            return made.elements[0]
    raise Unknown
