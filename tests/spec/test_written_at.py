r"""A piece of a text has its exact place, however the text is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.spec.document import Scalar, Syntax, from_python, parse
from sinkgraph.spec.written_at import written_at

FORMS: list[tuple[Syntax, str]] = [
    ("yaml", "a: one two! three\n"),
    ("yaml", "a: one\n   two!\n   three\n"),
    ("yaml", "a: 'one two! three'\n"),
    ("yaml", "a: 'it''s one\n\n  two! three'\n"),
    ("yaml", 'a: "one \\"x\\" two! three"\n'),
    ("yaml", 'a: "\\u2028\\x41\\U0001F600 one\\\n   \\ two! three"\n'),
    ("yaml", "a: |\n  one\n    two! three\n"),
    ("yaml", "a: |-2\n   one two!\n\n   three\nb: 1\n"),
    ("yaml", "a: >-\n  one\n  two!\n  three\n"),
    ("toml", 'a = "one \\"x\\" two! three"\n'),
    ("toml", "a = 'one \\ two! three'\n"),
    ("toml", 'a = """\none \\\n   two! three"""\n'),
    ("toml", "a = '''\none two!\nthree'''\n"),
    ("json", '{"a": "one \\"x\\" \\/ two! three"}'),
    ("json", '{"a": "\\ud83d\\ude00 \\u00e9 one two! three"}'),
]


def leaf(text: str, syntax: Syntax) -> Scalar:
    tree, found = parse(text, "g", syntax)
    assert found == []
    assert tree is not None
    held = tree.get("a")
    assert isinstance(held, Scalar)
    return held


@pytest.mark.parametrize(("syntax", "text"), FORMS)
def test_a_word_has_the_place_where_it_is_written(syntax: Syntax, text: str) -> None:
    held = leaf(text, syntax)
    start = held.text.index("two!")
    span = written_at(held, start, start + 4)
    assert span is not None
    assert (span.start, span.text) == (text.index("two!"), "two!")


def test_an_escaped_character_is_as_wide_as_its_escape() -> None:
    held = leaf('{"a": "x \\"y\\" \\ud83d\\ude00 z"}', "json")
    assert held.text == 'x "y" \U0001f600 z'
    texts = [span.text for at in range(2, 7) if (span := written_at(held, at, at + 1)) is not None]
    assert texts[:3] == ['\\"', "y", '\\"']
    assert texts[4] == "\\ud83d\\ude00"


def test_an_empty_piece_is_the_character_it_stands_at() -> None:
    held = leaf("a: 'data.x =='\n", "yaml")
    end = len(held.text)
    span = written_at(held, end, end)
    assert span is not None
    assert span.text == "="


def test_what_came_from_python_has_no_place() -> None:
    tree, _ = from_python({"a": "text"})
    assert tree is not None
    held = tree.get("a")
    assert isinstance(held, Scalar)
    assert written_at(held, 0, 1) is None


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.data())
def test_every_character_of_a_json_text_has_its_place(text: str, data: Any) -> None:
    written = json.dumps({"a": text}, ensure_ascii=data.draw(st.booleans()))
    held = leaf(written, "json")
    for at, char in enumerate(text):
        span = written_at(held, at, at + 1)
        assert span is not None
        if not char.isspace():
            assert json.loads(f'"{span.text}"') == char
