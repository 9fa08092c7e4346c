"""Every code is explained, in one form."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.explained import Example, explained

SUFFIXES = {"yaml", "toml", "json", "text"}


def test_every_code_is_explained_and_nothing_else() -> None:
    texts = files("sinkgraph.diagnostics").joinpath("explained").iterdir()
    assert {one.name for one in texts} == {f"{code}.md" for code in CODES}


@pytest.mark.parametrize("code", CODES)
def test_an_explanation_says_why_and_shows_both_documents(code: str) -> None:
    page = explained(code)
    assert page.code == code
    assert len(" ".join(page.cause)) > 60
    for paragraph in page.cause:
        assert paragraph[-1] == "."
        assert paragraph.count("`") % 2 == 0
    assert (page.failing.name, page.failing.content) != (page.fixed.name, page.fixed.content)
    assert {page.failing.syntax, page.fixed.syntax} <= SUFFIXES
    assert not page.fixed.absent


def test_a_code_that_is_none_has_no_explanation() -> None:
    with pytest.raises(KeyError):
        explained("SG999")


def test_a_line_may_stand_for_many() -> None:
    example = Example("a.yaml", "yaml", "a:\n  n{n}: x{n+1}  # × 1,002\nb: 1  # × one\n")
    lines = example.content.decode().splitlines()
    assert lines[:2] == ["a:", "  n1: x2"]
    assert lines[1002:] == ["  n1002: x1003", "b: 1  # × one"]


def test_bytes_stand_as_escapes_only_where_it_is_said() -> None:
    text = r"a: \xe9\t\n"
    assert Example("a.yaml", "yaml", text).content == text.encode()
    assert Example("a.yaml", "yaml", text, escapes=True).content == b"a: \xe9\t\\n"


def test_no_explanation_speaks_of_the_past() -> None:
    for code in CODES:
        assert not re.search(r"\b(used to|no longer|formerly)\b", " ".join(explained(code).cause))
