"""The table of codes is one, complete and in order."""

from __future__ import annotations

import re

import pytest

from sinkgraph.diagnostics.codes import _TABLE, CODES
from sinkgraph.diagnostics.diagnostic import Diagnostic, has_errors, sort_diagnostics
from sinkgraph.diagnostics.source import SourceText, Span


def test_codes_are_sorted_and_given_once() -> None:
    codes = [one.code for one in _TABLE]
    assert codes == sorted(set(codes))


def test_slugs_are_given_once() -> None:
    slugs = [one.slug for one in _TABLE]
    assert len(slugs) == len(set(slugs))


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_of_a_known_group_and_has_a_readable_slug(code: str) -> None:
    assert re.fullmatch(r"SG[1-5][0-9]{2}", code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", CODES[code].slug)
    assert not CODES[code].title.endswith(".")


def test_a_finding_knows_its_slug_and_where_it_is() -> None:
    span = Span(SourceText("g.yaml", "a\nbc"), 3, 4)
    assert Diagnostic("SG204", "x", span=span).where == "g.yaml:2:2"
    assert Diagnostic("SG204", "x", path="sinks.a").where == "sinks.a"
    assert Diagnostic("SG204", "x").slug == "unknown-target"


def test_findings_are_sorted_by_place_and_those_without_come_last() -> None:
    source = SourceText("g.yaml", "abc")
    late = Diagnostic("SG101", "x", span=Span(source, 2, 3))
    early = Diagnostic("SG501", "x", span=Span(source, 0, 1))
    nowhere = Diagnostic("SG101", "x", path="a")
    assert sort_diagnostics([nowhere, late, early]) == [early, late, nowhere]


def test_only_errors_are_errors() -> None:
    warning = Diagnostic("SG301", "x", "warning")
    assert not has_errors([warning])
    assert has_errors([warning, Diagnostic("SG204", "x")])
