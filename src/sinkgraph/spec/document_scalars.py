"""What plain text means in the core schema of YAML 1.2: null, a boolean, a number, or itself.

`yes`, `on`, dates and `12:30` are text; `0777` is the number 777 and `0o777` the number 511.
"""

from __future__ import annotations

import re

from sinkgraph.spec.document_tree import Value

__all__ = ["UNUSUAL", "core_value"]

UNUSUAL = frozenset("0123456789+-.~nNtTfF")
"""The first characters of text that may mean something else than itself."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,1000}|0o[0-7]{1,1000}|0x[0-9a-fA-F]{1,1000}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NANS = frozenset({".nan", ".NaN", ".NAN"})


def core_value(text: str) -> Value:
    """Return what the YAML 1.2 core schema makes of plain text."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text[2:], base) if base != 10 else int(text)
    if _FLOAT.fullmatch(text):
        return float(text) if len(text) <= 1000 else text
    if _INF.fullmatch(text):
        return float("-inf" if text[0] == "-" else "inf")
    return float("nan") if text in _NANS else text
