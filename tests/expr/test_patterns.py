"""Proves that a pattern found by Python is found in the same texts as by RE2, and as safely."""

from __future__ import annotations

from sys import maxsize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.expr.compile import compile_expression
from sinkgraph.expr.errors import BadExpression
from sinkgraph.expr.library import compile_text
from sinkgraph.expr.patterns import read_pattern


def library_finds(pattern: str, text: str) -> bool:
    program = compile_text("id.matches(type)")
    assert not isinstance(program, list)
    value = program.eval(data={"ev.id": text, "ev.type": pattern})
    assert str(value.type()) == "BOOL", (pattern, value)
    return value.plain_value() is True


USUAL = [
    r"^/v2/[^/]+/manifests/", r"\.log$", r"^(push|pull)$", r"^v\d+\.\d+\.\d+$", "^library/.*$",
    r"[a-z]+@", r"^[A-Za-z_][A-Za-z0-9_-]*$", "(?:GET|PUT) /v2", r"^\s*#", r"-rc\d?$", "lat.st",
    r"^[^\s@]+@[^\s@]+$", r"^\W+$", "[+-]1", r"[\w.-]+:", "é+$", r"^\$", r"a\$$", "", "^", "$",
    "^$",
]  # fmt: skip
TEXTS = [
    "", "/v2/library/x/manifests/latest", "/v2//manifests/", "x.log", "x.log\n", "push", "pushed",
    "v1.22.3", "v1.22.", "library/", "library/a\nb", "a@b", "@", "_a-9", "PUT /v2/", "\t\v#",
    " \n#",
    "1-rc1", "1-rc12", "latest", "lat\nst", "a b@c", "+-", "é", "éé\n", "x+1", "$", "a$", "aa$b",
    "-1",
    "😀:", "\x0b", "\x85", "\u2028",
]  # fmt: skip


@pytest.mark.parametrize("pattern", USUAL)
def test_usual_patterns_are_found_where_re2_finds_them(pattern: str) -> None:
    known = read_pattern(pattern)
    assert known is not None
    for text in TEXTS:
        assert (known.find(text) is not None) == library_finds(pattern, text), text


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "a*a", "a?a?aa", "[a-z]+[b-d]", ".*x", "(a|ab)c", "a{2,3}", "(?i)x", "a|b",
        r"\bx",
        "(a|b)*", "a+?", "a++", "(a", "[[:alpha:]]", "[^a]+[^b]", r"\pL", r"\x41", "x**", "[]a]",
        r"[\D]", "[a-é]", "(a|)", "((a))", "a^b", "a$b", r"\Qa\E", "a}", "[z-a]", r"\d+1", "^*",
        "\\",
    ],
)  # fmt: skip
def test_what_might_differ_or_take_long_is_left_to_re2(pattern: str) -> None:
    assert read_pattern(pattern) is None


PIECES = [
    "a", "b", "é", "\\.", ".", "/", "-", "[a-c]", "[^/]", "[^a]", "\\d", "\\w", "\\s", "\\W", "\\n",
    "[\\w-]", "[.]", "(ab|c)", "(?:b|ca)", "(a)", "*", "+", "?", "^", "$", "\\$", "[-a]", "[a-]",
    " ",
    "[^\\s]", "\\-", "|", "[a\\-c]", "\\^",
]  # fmt: skip
PATTERNS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "^"]),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.sampled_from(["", "$"]),
)
STRINGS = st.text(alphabet="abc./- é\n$^1_\v\r😀|", max_size=10)


@settings(max_examples=4 * settings.default.max_examples)  # type: ignore[union-attr]
@given(PATTERNS, st.lists(STRINGS, min_size=1, max_size=12))
def test_every_pattern_that_is_known_is_found_as_by_re2(pattern: str, texts: list[str]) -> None:
    known = read_pattern(pattern)
    if known is None:
        return
    for text in texts:
        assert (known.find(text) is not None) == library_finds(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[^/]+/[^/]+/[^/]+/$", "a" * 1_000_000),
        ("^a?b?c?d?e?$", "a" * 1_000_000),
        (r"[a-z]+\.log$", "a" * 1_000_000),
        (r"\d+-\d+-\d+x", "1-1-" * 250_000),
        ("a" * 500 + "b", "a" * 100_000),
    ],
)
def test_a_long_text_costs_no_more_than_it_is_long(pattern: str, text: str) -> None:
    known = read_pattern(pattern)
    assert known is not None
    assert known.longest == maxsize or known.longest < 1_000
    expression = compile_expression(f"data.a.matches(r'{pattern}')", result="bool")
    assert expression.evaluate(Event(data={"a": text})) is False
    assert expression.evaluate(Event(data={"a": text[: known.longest][:200]})) is False


def test_a_pattern_of_the_vars_is_found_too() -> None:
    expression = compile_expression("data.a.matches(vars.p)", vars={"p": "^v[0-9]+$"})
    assert [expression.evaluate(Event(data={"a": text})) for text in ("v12", "v", "xv1")] == [
        True, False, False,
    ]  # fmt: skip
    with pytest.raises(BadExpression):
        compile_expression("data.a.matches('(')")
