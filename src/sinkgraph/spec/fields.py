"""The types of fields: each reads a leaf as it was written and says clearly what is wrong with it.

A type holds what every field of it has in common; what one kind adds stands with that kind.
Errors are `PydanticCustomError(code, …)` whose type is the diagnostic code and whose context has
`message` and `help`; none shows a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec import addresses, units
from sinkgraph.spec.leaves import FilledText, Placeholder, WrittenBool, is_secret, unwrap, written
from sinkgraph.spec.refused import Refused
from sinkgraph.spec.secret import MASK, Secret

__all__ = [
    "Address",
    "Duration",
    "DurationOrZero",
    "Flag",
    "JsonValue",
    "Name",
    "Rate",
    "Ratio",
    "Reads",
    "Secret",
    "Size",
    "Text",
    "Url",
    "fail",
    "name_problem",
    "number",
    "shown",
]

_USER = re.compile(r"://[^/?#@]*@")  # the user part of a URL is never shown
_QUERY = re.compile(r"(?<=\?)[^#]+")  # nor is its query
_NAME_PART = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_PATTERN = r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64})*$"
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_SHOWN = 80


def fail(code: str, message: str, help: str = "") -> PydanticCustomError:
    """Return the error a field type raises; its type is the diagnostic code."""
    return PydanticCustomError(code, "{message}", {"message": message, "help": help})


def shown(value: object) -> str:
    """Return a value for a message: as written, in backticks, made safe; `***` when secret."""
    if is_secret(value):
        return f"`{MASK}`"
    text = written(value)
    if text is not None:
        return f"`{safe_text(text, _MAX_SHOWN)}`" if text else "an empty text"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"


@dataclass(frozen=True, slots=True)
class Reads:
    """Annotates a field with how its leaf is read.

    `parse` returns the value or raises `fail(…)`; `example` stands for a value that is not known
    yet; `schema` is its JSON Schema; `dump` turns the value into JSON.
    """

    parse: Callable[[Any], Any]
    example: Any
    schema: dict[str, Any] = field(hash=False)
    dump: Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        parse, example = self.parse, self.example

        def read(value: Any) -> Any:
            return example if isinstance(value, Placeholder) else parse(value)

        dump = None
        if self.dump is not None:
            dump = core_schema.plain_serializer_function_ser_schema(self.dump, when_used="json")
        return core_schema.no_info_plain_validator_function(read, serialization=dump)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.schema)


# --- text, names, booleans, numbers --------------------------------------------------------------


def _text(value: Any) -> str:
    text = written(value)
    if text is None:
        help = 'for the word itself write `"null"`' if value is None else "write text"
        raise fail("SG122", f"{shown(value)} is not text", help)
    return text


def _name(value: Any) -> str:
    text = _text(value)
    problem = name_problem(text)
    if problem:
        help = "a name is 1 to 64 of `A-Z a-z 0-9 . _ -`, in a group `group/name`"
        raise fail("SG128", f"{shown(value)} {problem}", help)
    return text


def name_problem(text: str) -> str:
    """Return why a text is no name of a node, as a predicate that follows it, or ""."""
    if _PLAIN_NAME.fullmatch(text):
        return ""  # as nearly all are
    parts = text.split("/")
    if not text:
        return "is no name"
    if "" in parts:
        return "has a `/` with nothing before or after it"
    if any(part.strip(".") == "" for part in parts):
        return "has a part of dots only"
    if ".." in text:
        return "holds `..`"
    if any(len(part) > 64 for part in parts) or len(text) > 255:
        return "is longer than 64 characters"
    if not all(map(_NAME_PART.fullmatch, parts)):
        return "holds a character no name may hold"
    return ""


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, WrittenBool):
        return value.value
    text = written(value) or ""
    if isinstance(value, FilledText) and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    help = "write `true` or `false`"
    if text.lower() in {"yes", "no", "on", "off"} and not is_secret(value):
        help = f"in YAML 1.2 `{text}` is text; write `true` or `false`"
    raise fail("SG122", f"{shown(value)} is not a boolean", help)


def _number(value: Any, low: float, high: float) -> float:
    found = value
    if isinstance(value, FilledText) and _FLOAT.fullmatch(value):
        found = float(value)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise fail("SG122", f"{shown(value)} is not a number", "write it like `0.5`")
    if isinstance(found, float) and not math.isfinite(found):
        raise fail("SG123", f"{shown(value)} is not a finite number", "write it like `0.5`")
    if not low <= found <= high:
        raise fail("SG123", f"{shown(value)} is not between {low:g} and {high:g}")
    return float(found)


@cache
def number(low: float, high: float) -> Reads:
    """Return the annotation of a finite number from `low` to `high`."""
    schema = {"type": "number", "minimum": low, "maximum": high}
    return Reads(lambda value: _number(value, low, high), max(low, min(high, 1.0)), schema)


# --- texts with a form of their own --------------------------------------------------------------


def _formed(read: Callable[[str], Any], *, url: bool = False) -> Callable[[Any], Any]:
    """Return a parser that reads a leaf's text and raises `fail` where `read` raises Refused."""

    def parse(value: Any) -> Any:
        try:
            return read(_text(value))
        except Refused as refused:
            if is_secret(value):
                raise fail(refused.code, f"{shown(value)} is not what this field takes") from None
            text = _USER.sub("://***@", str(value)) if isinstance(value, str) else value
            if url and isinstance(text, str):
                text = _QUERY.sub("…", text)
            message = f"{shown(text)} {refused.message}"
            raise fail(refused.code, message, refused.help) from None

    return parse


def _delay(text: str) -> float:
    return units.parse_duration(text, zero=True)


def _json(value: Any) -> Any:
    """Return plain JSON values; refuse what JSON cannot write."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
        elif isinstance(one, float) and not math.isfinite(one):
            raise fail("SG123", f"{shown(one)} is not a finite number", "JSON has no such number")
    return unwrap(value)


def _like(pattern: str, *examples: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern, "examples": list(examples)}


_DURATION = _like(units.DURATION_PATTERN, *units.DURATION_EXAMPLES)
_SIZE = _like(units.SIZE_PATTERN, *units.SIZE_EXAMPLES)
_RATE = _like(units.RATE_PATTERN, *units.RATE_EXAMPLES)
_LISTEN = _like(r"^.+:[0-9]{1,5}$", "127.0.0.1:8700")
_URL = _like("^[hH][tT][tT][pP][sS]?://", "https://example.org/hook")

_TEXT = {"type": ["string", "number", "boolean"]}
_A_NAME = {**_like(_NAME_PATTERN, "audit", "eu/billing"), **_TEXT}

Text = Annotated[str, Reads(_text, "", _TEXT)]
"""Any text, as written."""
Name = Annotated[str, Reads(_name, "unset", _A_NAME)]
"""The name of a node, with its group."""
Flag = Annotated[bool, Reads(_flag, False, {"type": "boolean"})]
"""`true` or `false`."""
Ratio = Annotated[float, number(0, 1)]
"""A number from 0 to 1."""
Duration = Annotated[
    float, Reads(_formed(units.parse_duration), 1.0, _DURATION, units.format_duration)
]
"""Seconds, more than 0; written `500ms`, `1h30m`."""
DurationOrZero = Annotated[float, Reads(_formed(_delay), 0.0, _DURATION, units.format_duration)]
"""Seconds, 0 or more."""
Size = Annotated[int, Reads(_formed(units.parse_size), 1024**2, _SIZE, units.format_size)]
"""Bytes, more than 0; written `64KiB`, `10MB`."""
Rate = Annotated[float, Reads(_formed(units.parse_rate), 1.0, _RATE, units.format_rate)]
"""Events per second, more than 0; written `2000/s`."""
Url = Annotated[str, Reads(_formed(addresses.check_url, url=True), "http://unset.invalid/", _URL)]
"""An http or https URL, as written."""
Address = Annotated[
    addresses.Address,
    Reads(_formed(addresses.parse_address), addresses.Address("127.0.0.1", 0), _LISTEN, str),
]
"""`host:port` to listen on."""
JsonValue = Annotated[Any, Reads(_json, None, {})]
"""Any JSON value, as its syntax types it; use it instead of `Any`."""
