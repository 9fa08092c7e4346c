"""The findings about one YAML text: made from the parser's events, collected, and bounded.

It decides nothing: `document_yaml` says what is wrong, here it gets its place.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.document_text import MAX_FINDINGS, too_deep, too_many

__all__ = ["Findings", "StopBuildingError"]

_TAG = re.compile(r"(?:&\S+\s+)?(!\S*)")


class StopBuildingError(Exception):
    """Ends the building after a finding that leaves nothing to read on for."""


class Findings:
    """Collects what is wrong with one text."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.found: list[Diagnostic] = []

    def stop_too_deep(self, event: Any, *, whole: bool) -> NoReturn:
        """Add that a collection, or an alias of one, is nested too deep, and stop."""
        span = self.span(event)
        self.found.append(
            too_deep(span if whole else Span(span.source, span.start, span.start + 1))
        )
        raise StopBuildingError

    def stop_too_many(self, event: Any) -> NoReturn:
        """Add that a value is one too many, and stop."""
        self.found.append(too_many(self.span(event)))
        raise StopBuildingError

    def span(self, event: Any) -> Span:
        """Return the place of an event."""
        return Span(self.source, event.start_mark.index, event.end_mark.index)

    def tag(self, event: Any) -> None:
        """Add that an event has a tag."""
        start = event.start_mark.index
        written = _TAG.match(self.source.text, start)
        place = self.span(event)
        if written:
            place = Span(self.source, written.start(1), written.end(1))
        self.add(
            Diagnostic(
                "SG110",
                f"the YAML tag `{place.text}` is not supported",
                span=place,
                label="a tag",
                help=("remove it; if it is text, put it in quotes",),
            )
        )

    def find(
        self, code: str, headline: str, event: Any, label: str, help: str, *clash: Label
    ) -> None:
        """Add a finding at an event."""
        self.add(
            Diagnostic(
                code, headline, span=self.span(event), label=label, secondary=clash, help=(help,)
            )
        )

    def stop(self, code: str, headline: str, event: Any, label: str, help: str) -> NoReturn:
        """Add a finding after which nothing can be read, and stop."""
        self.find(code, headline, event, label, help)
        raise StopBuildingError

    def add(self, finding: Diagnostic) -> None:
        """Add a finding; stop when there are too many to be of use."""
        self.found.append(finding)
        if len(self.found) >= MAX_FINDINGS:
            raise StopBuildingError
