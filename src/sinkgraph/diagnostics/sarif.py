"""Findings as SARIF 2.1.0, the form that code hosts and editors read.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, 27 March 2020. It prints
nothing; columns count Unicode code points, and regions end behind their last character (§3.30).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from sinkgraph import __version__
from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from sinkgraph.diagnostics.source import Span

__all__ = ["SCHEMA", "VERSION", "render_sarif"]

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_STDIN = "<stdin>"


def render_sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the findings as one SARIF log with one run, in ASCII."""
    found = sort_diagnostics(diagnostics)
    codes = sorted({one.code for one in found})
    index = {code: number for number, code in enumerate(codes)}
    driver = {
        "name": "sinkgraph",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, index[one.code]) for one in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    return {
        "id": code,
        "name": known.slug,
        "shortDescription": {"text": known.title},
        "help": {"text": f"`sinkgraph explain {code}` shows its cause and a document without it."},
        "defaultConfiguration": {"level": known.severity},
    }


def _result(one: Diagnostic, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": one.severity,
        "message": {"text": _text(one)},
    }
    location = _location(one)
    if location:
        result["locations"] = [location]
    related = [
        {"id": number, **_physical(label.span), "message": {"text": label.text}}
        for number, label in enumerate(one.secondary, 1)
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _text(one: Diagnostic) -> str:
    """Return all that is said of a finding: some readers show nothing but this."""
    notes = [f"note: {text}" for text in one.notes]
    return "\n".join([one.headline, *notes, *(f"help: {text}" for text in one.help)])


def _location(one: Diagnostic) -> dict[str, Any]:
    made: dict[str, Any] = {} if one.span is None else _physical(one.span)
    if one.path:
        made["logicalLocations"] = [{"fullyQualifiedName": one.path}]
    if one.span is not None and one.label:
        made["message"] = {"text": one.label}
    return made


def _physical(span: Span) -> dict[str, Any]:
    region = {
        "startLine": span.line,
        "startColumn": span.col,
        "endLine": span.end_line,
        "endColumn": span.end_col,
    }
    artifact = {"uri": _uri(span.source.name)}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _uri(name: str) -> str:
    """Return a file's name as a URI reference: relative names stay relative."""
    if name == _STDIN:
        return "stdin"
    path = PurePath(name)
    if path.is_absolute():
        return "file://" + quote(path.as_posix(), errors="surrogateescape")
    return quote(path.as_posix(), safe="/~", errors="surrogateescape")
