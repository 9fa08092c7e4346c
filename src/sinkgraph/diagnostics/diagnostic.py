"""One finding about a document: what is wrong, where, and what to do.

It is a value; how it is shown is `sinkgraph.diagnostics.report`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.source import Span

__all__ = ["Diagnostic", "Label", "Severity", "has_errors", "sort_diagnostics"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """Is a place a finding clashes with, and what stands there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Is one finding.

    `headline`: what is wrong, lower case, no full stop, never the fix. `span`: the smallest piece
    at fault, or None, and then `path` is its dotted path. `label`: what was found there.
    `secondary`: places it clashes with. `notes`: facts. `help`: one action a line.
    """

    code: str
    headline: str
    severity: Severity = "error"
    span: Span | None = None
    label: str = ""
    path: str = ""
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """`file:line:col`, or the dotted path when there is no place; may be empty."""
        return str(self.span) if self.span is not None else self.path

    @property
    def slug(self) -> str:
        """The readable name of the code."""
        return CODES[self.code].slug


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether one of them is an error."""
    return any(one.severity == "error" for one in diagnostics)


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return them by file, place and code; those without a place come last, by path."""
    return sorted(diagnostics, key=_place)


def _place(one: Diagnostic) -> tuple[int, str, int, str, str]:
    if one.span is None:
        return 1, "", 0, one.path, one.code
    return 0, one.span.source.name, one.span.start, "", one.code
