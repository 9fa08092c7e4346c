"""Findings as people and programs read them: human, concise and JSON, sorted by place.

It prints nothing and decides nothing; text that users wrote is made safe before it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from sinkgraph.diagnostics.excerpt import MIN_GUTTER, Mark, Paint, draw, gutter_of
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText, Span

__all__ = ["count_line", "render_concise", "render_human", "render_json", "to_objects"]

_COLOURS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "primary": "\x1b[1;31m",
    "secondary": "\x1b[1;34m",
    "gutter": "\x1b[1;34m",
    "bold": "\x1b[1m",
}
_RESET = "\x1b[0m"


def render_human(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """Return the findings with excerpts, an empty line between two; "" when there are none.

    `color` adds plain ANSI colours.
    """
    paint = _painted if color else _plain
    return "\n\n".join(_human(one, paint) for one in sort_diagnostics(diagnostics))


def render_concise(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one line a finding: `file:line:col: error[SG204] headline`."""
    lines = []
    for one in sort_diagnostics(diagnostics):
        where = f"{safe_text(one.where)}: " if one.where else ""
        lines.append(f"{where}{one.severity}[{one.code}] {safe_text(one.headline)}")
    return "\n".join(lines)


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the findings as a JSON list of objects, in ASCII."""
    return json.dumps(to_objects(diagnostics), indent=2)


def to_objects(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return the findings as JSON objects; places that are not known are null."""
    return [
        {
            "code": one.code,
            "slug": one.slug,
            "severity": one.severity,
            "headline": one.headline,
            **_place(one.span),
            "path": one.path or None,
            "label": one.label,
            "secondary": [{**_place(label.span), "label": label.text} for label in one.secondary],
            "notes": list(one.notes),
            "help": list(one.help),
        }
        for one in sort_diagnostics(diagnostics)
    ]


def count_line(diagnostics: Iterable[Diagnostic]) -> str:
    """Return how many there are, e.g. `2 errors, 1 warning`; "" for none."""
    severities = [one.severity for one in diagnostics]
    parts = []
    for severity in ("error", "warning"):
        count = severities.count(severity)
        if count:
            parts.append(f"{count} {severity}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.col,
        "end_line": span.end_line,
        "end_column": span.end_col,
    }


def _human(one: Diagnostic, paint: Paint) -> str:
    head = paint(f"{one.severity}[{one.code}]", one.severity)
    lines = [f"{head}{paint(f': {safe_text(one.headline)}', 'bold')}"]
    gutter = MIN_GUTTER
    if one.span is not None:
        gutter = gutter_of([one.span, *(label.span for label in one.secondary)])
    empty = paint(" " * gutter + " |", "gutter")
    if one.where:
        lines.append(f"{paint(' ' * gutter + '-->', 'gutter')} {safe_text(one.where)}")
    drawn = False
    if one.span is not None:
        marks = [Mark(one.span, one.label, True)]
        marks += [Mark(label.span, label.text, False) for label in one.secondary]
        for source, here in _by_source(marks):
            if not source.text:
                continue
            if source is not one.span.source:
                arrow = paint(" " * gutter + ":::", "gutter")
                lines.append(f"{arrow} {safe_text(str(here[0].span))}")
            lines.append(empty)
            lines += draw(source, here, gutter, paint)
            drawn = True
    told = [("note", text) for text in one.notes] + [("help", text) for text in one.help]
    if drawn and told and one.severity == "error":
        lines.append(empty)
    for kind, text in told:
        mark = paint(" " * gutter + " =", "gutter")
        lines.append(f"{mark} {paint(f'{kind}:', 'bold')} {safe_text(text)}")
    return "\n".join(lines)


def _by_source(marks: list[Mark]) -> list[tuple[SourceText, list[Mark]]]:
    """Group marks by their source; the primary's comes first."""
    groups: dict[int, tuple[SourceText, list[Mark]]] = {}
    for mark in marks:
        source = mark.span.source
        groups.setdefault(id(source), (source, []))[1].append(mark)
    return list(groups.values())


def _plain(text: str, _role: str) -> str:
    return text


def _painted(text: str, role: str) -> str:
    return f"{_COLOURS[role]}{text}{_RESET}"
