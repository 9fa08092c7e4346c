"""The field types of kinds, beyond those every document knows: choices, counts, paths, headers.

Each reads a leaf as it was written, as `sinkgraph.spec.fields` does; none knows a kind.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.spec.fields import Reads, fail, number, shown
from sinkgraph.spec.leaves import FilledText, Placeholder, written
from sinkgraph.spec.secret import Secret

__all__ = [
    "MAX_COUNT",
    "CallTarget",
    "Choice",
    "Count",
    "Expression",
    "Factor",
    "HeaderName",
    "HeaderValue",
    "InputPath",
    "OutputPath",
    "PythonName",
    "Schema",
    "SecretField",
    "Share",
    "StatusKey",
    "Word",
    "is_schema_file",
    "whole",
]

MAX_COUNT = 1_000_000_000

_INT = re.compile(r"[+-]?[0-9]{1,18}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
_PYTHON = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_PROVIDED = re.compile(r"provided:[A-Za-z0-9._-]{1,64}")
_SCHEMAS = ("docker.registry", "cloudevents", "json", "any")
_SCHEMA_FILE = re.compile(r".+\.(?:json|ya?ml|toml)", re.DOTALL | re.IGNORECASE)
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TEXT = {"type": ["string", "number", "boolean"]}
_CEL = {
    **_TEXT,
    "pattern": r"^(?![\s\S]*(?<!\$)\$\{)",
    "patternErrorMessage": "an expression reads a var as `vars.NAME`: `${…}` is refused in it",
}


class Choice:
    """Annotates a `Literal` of words: text as written, with the nearest word as help.

    `later` are those of them that are not in this version, and so are never proposed.
    """

    def __init__(self, later: tuple[str, ...] = ()) -> None:
        self.later = later

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        words: tuple[str, ...] = get_args(source)

        def read(value: Any) -> str:
            return words[0] if isinstance(value, Placeholder) else _choose(value, words, self.later)

        return core_schema.no_info_before_validator_function(read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        made = handler(schema)
        if self.later:
            words = [word for word in made["enum"] if word not in self.later]
            made["enum"] = words
        return made


def _choose(value: Any, words: tuple[str, ...], later: tuple[str, ...]) -> str:
    text = written(value)
    if text in words:
        return str(text)
    words = tuple(word for word in words if word not in later)
    listed = ", ".join(f"`{word}`" for word in words)
    near = nearest(text, words) if text else None
    help = f"the nearest is `{near}`" if near else f"write {listed}"
    if len(words) > 1 and not near:
        help = f"write one of {listed}"
    code = "SG122" if text is None else "SG123"
    what = f"not one of {listed}" if len(words) > 1 else f"not {listed}"
    raise fail(code, f"{shown(value)} is {what}", help)


def _whole(value: Any, low: int, high: int) -> int:
    found = value
    if isinstance(value, FilledText) and _INT.fullmatch(value):
        found = int(value)
    if isinstance(found, bool) or not isinstance(found, int):
        help = "write it without quotes and unit, for example `1000`"
        if isinstance(found, float) and found.is_integer() and abs(found) <= MAX_COUNT:
            help = f"write `{int(found)}`"
        raise fail("SG122", f"{shown(value)} is not a whole number", help)
    if not low <= found <= high:
        raise fail("SG123", f"{shown(value)} is not between {low:,} and {high:,}")
    return int(found)


@cache
def whole(low: int, high: int = MAX_COUNT) -> Reads:
    """Return the annotation of a whole number from `low` to `high`."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Reads(lambda value: _whole(value, low, high), max(low, min(high, 1)), schema)


_IN_RATIO = number(0, 1).parse


def _share(value: Any) -> float:
    found: float = _IN_RATIO(value)
    if found == 0:
        raise fail("SG123", f"{shown(value)} is no share", "write a number above 0, at most 1")
    return found


def _text(value: Any, what: str = "text") -> str:
    text = written(value)
    if text is None:
        raise fail("SG122", f"{shown(value)} is not {what}")
    return text


def _word(value: Any) -> str:
    text = _text(value)
    if not text.strip():
        raise fail("SG123", "the text is empty", "write at least one character")
    return text


def _expression(value: Any) -> str:
    text = _text(value, "an expression")
    if not text.strip():
        raise fail("SG123", "the expression is empty", 'write a condition: `data.action == "push"`')
    return text


def _secret(value: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    text = written(value)
    if not text:
        raise fail("SG122", "a secret is text that is not empty", "write `${env:NAME}`")
    return Secret(text)


def _schema(value: Any) -> str:
    text = written(value)
    if text in _SCHEMAS:
        return str(text)
    listed = ", ".join(f"`{name}`" for name in _SCHEMAS)
    help = f"write one of {listed}, `./file.schema.json` or `python:package.module:Type`"
    if text is not None and text.startswith("python:"):
        if _PYTHON.fullmatch(text.removeprefix("python:")):
            return text
        raise fail("SG123", f"{shown(value)} names no type", "write `python:package.module:Type`")
    if text is not None and _SCHEMA_FILE.fullmatch(text):
        return _input(value)
    near = nearest(text, _SCHEMAS) if text else None
    raise fail(
        "SG123",
        f"{shown(value)} is not a known schema",
        f"the nearest is `{near}`" if near else help,
    )


def is_schema_file(text: str) -> bool:
    """Tell whether what a `schema` names is a file."""
    return not text.startswith("python:") and _SCHEMA_FILE.fullmatch(text) is not None


def _header_name(value: Any) -> str:
    text = _text(value)
    if not _HEADER.fullmatch(text):
        raise fail("SG123", f"{shown(value)} is not the name of a header", "write it like `X-Team`")
    if text.lower() in _OWN_HEADERS:
        raise fail("SG123", f"the header {shown(value)} is set by sinkgraph itself", "leave it out")
    return text


def _header_value(value: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    text = _text(value)
    if any(ord(c) > 0xFF or (ord(c) < 0x20 and c != "\t") or c == "\x7f" for c in text):
        problem = "the header holds a line break, a control or a non-Latin-1 character"
        raise fail("SG123", problem, "write printable Latin-1 text on one line")
    return Secret(text)


def _python_name(value: Any) -> str:
    text = _text(value)
    if not _PYTHON.fullmatch(text):
        raise fail("SG123", f"{shown(value)} names no function", "write `package.module:function`")
    return text


def _call_target(value: Any) -> str:
    text = _text(value)
    if not (_PROVIDED.fullmatch(text) or _PYTHON.fullmatch(text)):
        help = "write `package.module:function` or `provided:name`"
        raise fail("SG123", f"{shown(value)} names no function", help)
    return text


def _status(value: Any) -> str:
    text = _text(value)
    if not _STATUS.fullmatch(text):
        help = "write a code or a class: `404`, `5xx`"
        raise fail("SG123", f"{shown(value)} is no HTTP status", help)
    return text


def _input(value: Any) -> str:
    text = _text(value, "a path")
    if not text:
        raise fail("SG123", "the path is empty", "write the path of a file")
    if _CONTROL.search(text):
        raise fail("SG123", f"{shown(value)} holds a control character", "write a printable path")
    if len(text) > 4000 or any(len(p.encode("utf-8")) > 255 for p in text.split("/")):
        raise fail("SG123", "the path has a part longer than 255 bytes, or is longer than 4000")
    return text


def _output(value: Any) -> str:
    text = _input(value)
    parts = text.split("/")
    if ".." in parts:
        help = "write a path below the output directory, or an absolute one"
        raise fail("SG123", f"{shown(value)} climbs with `..`", help)
    if parts[-1] in {"", "."}:
        raise fail("SG123", f"{shown(value)} names a directory", "write the path of a file")
    return text


Count = Annotated[int, whole(1)]
"""A whole number, 1 or more."""
Factor = Annotated[float, number(1, 1000)]
"""A number from 1 to 1000."""
Share = Annotated[
    float, Reads(_share, 1.0, {"type": "number", "exclusiveMinimum": 0, "maximum": 1})
]
"""A number above 0, at most 1."""
Word = Annotated[str, Reads(_word, "unset", _TEXT)]
"""Text that is not empty."""
Expression = Annotated[str, Reads(_expression, "true", _CEL)]
"""A CEL expression as written; it is judged by `sinkgraph.expr`."""
SecretField = Annotated[Secret, Reads(_secret, Secret("unset"), _TEXT, str)]
"""Text that is shown nowhere."""
Schema = Annotated[str, Reads(_schema, "any", {"type": "string", "examples": [*_SCHEMAS]})]
"""A built-in schema, the path of a JSON Schema, or `python:package.module:Type`."""
HeaderName = Annotated[str, Reads(_header_name, "X-Unset", {"type": "string"})]
"""The name of an HTTP header a document may set."""
HeaderValue = Annotated[Secret, Reads(_header_value, Secret("unset"), _TEXT, str)]
"""The value of an HTTP header; shown nowhere, since many are credentials."""
PythonName = Annotated[str, Reads(_python_name, "unset:unset", {"type": "string"})]
"""`package.module:function`."""
CallTarget = Annotated[str, Reads(_call_target, "provided:unset", {"type": "string"})]
"""`package.module:function`, or `provided:name`."""
StatusKey = Annotated[str, Reads(_status, "200", {"type": "string"})]
"""An HTTP status or a class of them: `404`, `5xx`."""
InputPath = Annotated[str, Reads(_input, "unset", {"type": "string"})]
"""The path of a file to read, or a glob."""
OutputPath = Annotated[str, Reads(_output, "unset", {"type": "string"})]
"""The path of a file to write; never climbs with `..`."""
