"""docs/templates.md: its documents are good, and it names every word there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from sinkgraph.spec.templates.body import WORDS
from sinkgraph.spec.templates.expand import MAX_MADE
from sinkgraph.spec.templates.params import ParamSpec, ParamType
from sinkgraph.spec.templates.put import CHOOSING
from sinkgraph.spec.templates.read import MAX_DEPTH
from tests.graph.documents import read

TEXT = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
DOCUMENTS = re.findall(r"```yaml\n(sinkgraph: 1\n.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("text", DOCUMENTS)
def test_its_documents_have_no_error(text: str) -> None:
    graph, found = read(text)
    assert graph is not None, found


def test_it_has_documents() -> None:
    assert DOCUMENTS


@pytest.mark.parametrize(
    "word",
    [*sorted(WORDS), *CHOOSING, *ParamSpec.model_fields, *get_args(ParamType), f"{MAX_MADE:,}"],
)
def test_it_names_every_word_of_the_language(word: str) -> None:
    assert word in TEXT


def test_it_says_how_deep_templates_may_stand() -> None:
    assert f"at most {MAX_DEPTH} inside" in " ".join(TEXT.split())
