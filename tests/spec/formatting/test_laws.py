"""Whatever is put in order says what it said, keeps its comments, and stays as it is."""

from __future__ import annotations

from functools import cache
from random import Random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sinkgraph.spec.document import Syntax
from sinkgraph.spec.formatting.document import format_document
from tests.graph.mutations import mutated
from tests.spec.formatting.corpus import ROOT, shipped, written
from tests.spec.formatting.laws import lawful
from tests.spec.formatting.untidy import Untidy, spoilt, untidy_toml

_SYNTAX: dict[str, Syntax] = {".yaml": "yaml", ".toml": "toml", ".json": "json"}
_seeds = st.integers(0, 2**32)
_often = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def _good() -> list[tuple[Syntax, str]]:
    """Return the documents that have no errors in their text, and can have comments."""
    return [
        (syntax, text)
        for name, syntax, text in written()
        if syntax != "json" and format_document(text, name, syntax).text is not None
    ]


def test_every_document_of_the_repository_is_kept_whole() -> None:
    kept = {"yaml": 0, "toml": 0, "json": 0}
    for name, syntax, text in written():
        if lawful(text, name, syntax) is not None:
            kept[syntax] += 1
        else:
            assert not format_document(text, name, syntax).refused, name
    assert kept["yaml"] > 200
    assert kept["toml"] > 5
    assert kept["json"] > 4


def test_shipped_documents_are_in_order() -> None:
    whole = [one for one in shipped() if "broken" not in one.parts]
    assert len(whole) > 10
    for path in whole:
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        assert format_document(text, name, _SYNTAX[path.suffix]).text == text, name


@_often
@given(_seeds)
def test_yaml_full_of_comments_is_kept_whole(seed: int) -> None:
    text = Untidy(Random(seed)).document()
    lawful(text, "graph.yaml", "yaml")
    assert not format_document(text, "graph.yaml", "yaml").refused


@_often
@given(_seeds)
def test_toml_with_tables_in_any_order_is_kept_whole(seed: int) -> None:
    text = untidy_toml(Random(seed))
    assert lawful(text, "graph.toml", "toml") is not None


@_often
@given(_seeds)
def test_a_spoilt_document_is_kept_whole(seed: int) -> None:
    rng = Random(seed)
    syntax, text = rng.choice(_good())
    text = spoilt(text, rng)
    lawful(text, "graph", syntax)
    refused = format_document(text, "graph", syntax).refused
    known = ("within braces", "does not read the expression")  # half of it stood in another line
    assert not refused or any(one in refused for one in known)


@_often
@given(_seeds)
@example(718)
def test_a_mutated_document_is_kept_whole_or_left_alone(seed: int) -> None:
    suffix, content = mutated(Random(seed))
    lawful(content, f"graph{suffix}", _SYNTAX[suffix])


@_often
@given(st.text(max_size=200), st.sampled_from(["yaml", "toml", "json"]))
def test_any_text_is_survived(text: str, syntax: Syntax) -> None:
    lawful(text, "graph", syntax)
