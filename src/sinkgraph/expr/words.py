"""The library's findings in words of a person who wrote the expression.

It rewords; what is wrong was decided by the library.
"""

from __future__ import annotations

import re

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.expr.library import VARIABLES

__all__ = ["MAX_LEVELS", "NAMESPACES", "TOKEN", "operator", "reword"]

MAX_LEVELS = 32  # the library's own limit

TOKEN = re.compile(
    r"//[^\n]*"
    r"|[bB]?[rR][bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|\"[^\"\n]*\"|'[^'\n]*')"
    r"|[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|`[^`\n]*`|[A-Za-z_]\w*|\d[\w.]*|&&|\|\||[=!<>]=|\s+|.",
    re.DOTALL | re.ASCII,
)

_FUNCTIONS = re.findall(
    r"\w+",
    "all bool bytes charAt contains double duration dyn endsWith exists exists_one filter format "
    "getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear getHours getMilliseconds "
    "getMinutes getMonth getSeconds has hasValue indexOf int join lastIndexOf lowerAscii map "
    "matches or orValue replace reverse size split startsWith string substring timestamp trim "
    "type uint upperAscii value",
)
NAMESPACES = ("math", "optional", "strings")
_WORDS = {
    "and": "write `&&` for and",
    "or": "write `||` for or",
    "not": "write `!` for not",
    "is": "write `==` to compare",
}
_METHODS = frozenset({"matches", "contains", "startsWith", "endsWith"})
_ELSEWHERE = {
    "len": "size(…)",
    "length": "size(…)",
    "str": "string(…)",
    "float": "double(…)",
    "lower": "value.lowerAscii()",
    "upper": "value.upperAscii()",
    "match": "value.matches(…)",
    "includes": "value.contains(…)",
}
_NOT_PYTHON = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '(.*)'$")
_TOKEN_ERROR = re.compile(r"Syntax error: token recognition error at: '(.*)$", re.DOTALL)
_UNEXPECTED = re.compile(
    r"Syntax error: (?:mismatched|extraneous|no viable alternative at) input '(.*?)'(?: expecting"
    r" (.*))?$",
    re.DOTALL,
)


def operator(name: str) -> str:
    """Return a function's name as it is written: `_==_` is `==`, `@in` is `in`."""
    if name == "_?_:_":
        return "? :"
    return name.strip("_@") or name


def reword(message: str, text: str, offset: int) -> tuple[int, int, str, str | None]:
    """Return start, end, message and help for one finding of the library at `offset`."""
    if "recursion" in message.lower():
        return (
            0,
            len(text),
            f"the expression nests deeper than {MAX_LEVELS} levels",
            "split it, for example over two nodes",
        )
    end = _token_end(text, offset)
    if match := _UNDECLARED.match(message):
        return _undeclared(match.group(1), text, offset)
    if match := _OVERLOAD.match(message):
        return _overload(match.group(1), match.group(2), text, offset, end)
    if match := _TOKEN_ERROR.match(message):
        return _bad_token(text, offset)
    if match := _UNEXPECTED.match(message):
        found = match.group(1)
        if found == "<EOF>":
            return len(text), len(text), "the expression ends too early", None
        word = _word_before(text, offset)
        if found not in _WORDS and word in _WORDS:
            end = len(text[:offset].rstrip())
            return end - len(word), end, f"`{word}` is not expected here", _WORDS[word]
        help = _WORDS.get(found) or _field(text, offset)
        if help is None and found in _METHODS:
            help = f"write it as `value.{found}(…)`"
        return offset, end, f"`{text[offset:end] or found}` is not expected here", help
    if message.startswith("Syntax error: missing '"):
        missing = message.split("'")[1]
        return offset, end, f"a `{missing}` is missing", None
    return offset, end, _plain(message), None


def _plain(message: str) -> str:
    cut = message.removeprefix("Syntax error: ").partition(" (in container")[0].rstrip(".")
    return cut[:1].lower() + cut[1:]


def _token_end(text: str, offset: int) -> int:
    match = TOKEN.match(text, offset)
    return match.end() if match else min(len(text), offset + 1)


def _field(text: str, offset: int) -> str | None:
    """Say how a field is written whose name is no identifier."""
    before = text[:offset].rstrip()
    return 'such a field is written `value["name"]`' if before.endswith(".") else None


def _word_before(text: str, offset: int) -> str:
    match = re.search(r"(\w+)\s*\Z", text[:offset], re.ASCII)
    return match.group(1) if match else ""


def _undeclared(name: str, text: str, offset: int) -> tuple[int, int, str, str | None]:
    if text[offset : offset + 1] == "(":
        return _unknown_function(name, text, offset)
    head = name.removeprefix(".").partition(".")[0]
    start = text.rfind(head, 0, offset + len(head))
    start = offset if start < 0 else start
    variables = ", ".join(VARIABLES[:-1]) + f" and {VARIABLES[-1]}"
    help: str | None
    if head in _NOT_PYTHON:
        help = f"write `{_NOT_PYTHON[head]}`"
    elif close := nearest(head, VARIABLES):
        help = f"a variable named `{close}` exists"
    else:
        help = f"the payload's field is `data.{head}`; the variables are {variables}"
    return start, start + len(head), f"`{head}` is not a variable", help


def _unknown_function(name: str, text: str, offset: int) -> tuple[int, int, str, str | None]:
    short = name.rpartition(".")[2]
    start = text.rfind(short, 0, offset)
    start = offset if start < 0 else start
    method = text[:start].rstrip().endswith(".")
    if short in _FUNCTIONS:
        if method:
            help = f"it takes other arguments, or is written `{short}(…)` without a value before it"
        else:
            help = f"it takes other arguments, or is written `value.{short}(…)`"
        return start, start + len(short), f"there is no such form of `{short}`", help
    close = nearest(short, [*_FUNCTIONS, *NAMESPACES])
    near = f"the nearest function is `{close}`" if close else None
    if short in _ELSEWHERE:
        near = f"write `{_ELSEWHERE[short]}`"
    return start, start + len(short), f"`{short}` is not a function", near


def _overload(
    name: str, kinds: str, text: str, offset: int, end: int
) -> tuple[int, int, str, str | None]:
    shown = operator(name)
    kinds = re.sub(r"google\.protobuf\.(\w+)", lambda match: match[1].lower(), kinds)
    if text[offset : offset + 1] == "(":
        start = max(text.rfind(shown, 0, offset), 0)
        return start, start + len(shown), f"`{shown}` does not take {kinds}", None
    if name == "_?_:_":
        return offset, end, f"`? :` does not take {kinds}", "both results must be of one type"
    help = None
    if set(re.findall(r"\w+", kinds)) <= {"int", "uint", "double"}:
        help = "write both numbers as one type: `1.0`, `double(…)`, `int(…)`"
    elif {"timestamp", "string"} <= set(re.findall(r"\w+", kinds)):
        help = 'write the time as `timestamp("2026-01-31T00:00:00Z")`'
    elif name in {"_==_", "_!=_"}:
        help = "these two can never be equal"
    return offset, end, f"`{shown}` does not take {kinds}", help


def _bad_token(text: str, offset: int) -> tuple[int, int, str, str | None]:
    char = text[offset : offset + 1]
    if char in {'"', "'"}:
        end = text.find("\n", offset)
        end = len(text) if end < 0 else end
        if "\\" in text[offset:end] and char in text[offset + 1 : end]:
            fix = 'a backslash is written `\\\\`, or the text as r"…"'
            return offset, end, "the text holds an escape that is none", fix
        return offset, end, f"the text is not closed by {char}", None
    if text.startswith("=~", offset):
        return offset, offset + 2, "`=~` is not expected here", "write `value.matches(…)`"
    helps = {
        "=": "write `==` to compare",
        "&": "write `&&` for and",
        "|": "write `||` for or",
        "#": "a comment begins with `//`",
    }
    help = helps.get(char) or _field(text, offset)
    return offset, offset + 1, f"`{char}` is not expected here", help
