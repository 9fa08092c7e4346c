"""The documents that explain a code: one gives that code and no other, one gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.explained import explained
from sinkgraph.graph.examples import findings_of

SOFTENED = {"SG133", "SG501", "SG502"}
"""Errors that are warnings where values may be stood in for."""


@pytest.mark.parametrize("code", CODES)
def test_the_failing_document_gives_that_code_once_and_no_other(code: str) -> None:
    page = explained(code)
    found = findings_of(page, page.failing)
    assert [one.code for one in found] == [code]
    wanted = "warning" if code in SOFTENED else CODES[code].severity
    assert found[0].severity == wanted
    span = found[0].span
    assert span is not None
    assert span.source.name == page.failing.name


@pytest.mark.parametrize("code", CODES)
def test_the_fixed_document_gives_nothing(code: str) -> None:
    page = explained(code)
    assert findings_of(page, page.fixed) == []


def test_trying_a_document_leaves_the_working_directory_as_it_was() -> None:
    here = Path.cwd()
    page = explained("SG502")
    findings_of(page, page.fixed)
    assert Path.cwd() == here
