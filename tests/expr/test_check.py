"""Proves that what is wrong with an expression is found, placed, and said in the writer's words."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.expr.check import MAX_BYTES, check_expression
from sinkgraph.expr.errors import ExprError
from sinkgraph.expr.words import TOKEN


def only(text: str, **given_vars: object) -> ExprError:
    errors = check_expression(text, vars=given_vars or None)
    assert len(errors) == 1, errors
    return errors[0]


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("foo(1)", "foo", "`foo` is not a function"),
        ("data.foo(1)", "foo", "`foo` is not a function"),
        ("math.foo(1)", "foo", "`foo` is not a function"),
        ("nope", "nope", "`nope` is not a variable"),
        ('"é😀" == nope', "nope", "`nope` is not a variable"),
        ("data.a\n  == nope.x", "nope", "`nope` is not a variable"),
        ("data.a..b", ".", "`.` is not expected here"),
        ("data.a = 1", "=", "`=` is not expected here"),
        ("data.a and data.b", "and", "`and` is not expected here"),
        ("not data.a", "not", "`not` is not expected here"),
        ('data.a =~ "x"', "=~", "`=~` is not expected here"),
        ('time > "2026"', ">", "`>` does not take (timestamp, string)"),
        ("data.x; drop", ";", "`;` is not expected here"),
        ('"abc', '"abc', 'the text is not closed by "'),
        ('"\\q"', '"\\q"', "the text holds an escape that is none"),
        ('1 + "x"', "+", "`+` does not take (int, string)"),
        ("type.startsWith(1)", "startsWith", "`startsWith` does not take (string, int)"),
        ("size(1)", "size", "`size` does not take (int)"),
        ("99999999999999999999", "99999999999999999999", "invalid int literal"),
        ("1 +", "", "the expression ends too early"),
        ("!has(data.x", "", "a `)` is missing"),
        ("has(1)", "1", "has() argument must be a field selection"),
        ("1/0", "1/0", "the expression always fails: divide by zero"),
        ("", "", "the expression is empty"),
        ("  \n ", "  \n ", "the expression is empty"),
        ("data.?a", "data.?a", "the expression gives an optional"),
    ],
)
def test_a_finding_has_its_place_and_its_words(text: str, at: str, message: str) -> None:
    error = only(text)
    assert (text[error.start : error.end], error.message) == (at, message)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("dta.x == 1", "a variable named `data` exists"),
        ("data.x == True", "write `true`"),
        ("data.x == None", "write `null`"),
        ("data.a = 1", "write `==` to compare"),
        ("data.a & true", "write `&&` for and"),
        ("not data.a", "write `!` for not"),
        ('data.a =~ "x"', "write `value.matches(…)`"),
        ('data.a contains "x"', "write it as `value.contains(…)`"),
        ("len(data.a) == 2", "write `size(…)`"),
        ('data.a.lower() == "x"', "write `value.lowerAscii()`"),
        ('time > "2026"', 'write the time as `timestamp("2026-01-31T00:00:00Z")`'),
        ('time == timestamp("2026-01-31")', "write it like `2026-01-31T00:00:00Z`"),
        ("data.x # why", "a comment begins with `//`"),
        ('data.startWith("a")', "the nearest function is `startsWith`"),
        ('type == "a" || type == 1', "these two can never be equal"),
        ("data.in == 1", 'such a field is written `value["name"]`'),
        ("1 < 2.0", "write both numbers as one type: `1.0`, `double(…)`, `int(…)`"),
    ],
)
def test_the_help_says_what_to_write(text: str, help: str) -> None:
    assert only(text).help == help


def test_a_bare_field_name_is_shown_below_data() -> None:
    help = only('action == "push"').help
    assert help is not None
    assert help.startswith("the payload's field is `data.action`")


def test_every_finding_is_reported_not_only_the_first() -> None:
    errors = check_expression('nope == 1 && other(2) && 1 == "a"')
    assert [one.message for one in errors] == [
        "`nope` is not a variable",
        "`other` is not a function",
        "`==` does not take (int, string)",
    ]


def test_a_syntax_error_silences_its_consequences() -> None:
    assert len(check_expression("x ? : y ]")) == 1


@pytest.mark.parametrize("pattern", ["(", "[", "a{1,100000}", "(?=x)", "\\\\1(a)"])
def test_a_pattern_re2_refuses_is_found_before_it_runs(pattern: str) -> None:
    error = only(f'data.a.matches("{pattern}")')
    assert error.message.endswith("is not a regular expression of RE2")
    assert error.start == len("data.a.matches(")


def test_a_pattern_that_explodes_elsewhere_is_fine_in_re2() -> None:
    assert check_expression('data.a.matches("(a+)+$")') == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('time > timestamp("yesterday")', '`"yesterday"` is not an RFC 3339 time'),
        ('time - time > duration("5 parsecs")', '`"5 parsecs"` is not a duration'),
    ],
)
def test_constants_that_can_never_be_read_are_found(text: str, message: str) -> None:
    assert only(text).message == message


@pytest.mark.parametrize("text", ["data.a == ${env:X}", '"${var:x}" == type', "${"])
def test_interpolation_is_refused_even_inside_text(text: str) -> None:
    error = only(text)
    assert error.message == "`${…}` cannot stand in an expression"
    assert text[error.start :].startswith("${")


def test_an_undeclared_var_names_the_nearest() -> None:
    error = only("data.n > vars.limt", limit=5)
    assert error.message == "`vars.limt` is not declared"
    assert error.help == "the nearest is `vars.limit`"
    assert error.start == len("data.n > vars.")


def test_vars_are_not_judged_when_none_are_given() -> None:
    assert check_expression("data.n > vars.limit") == []
    assert check_expression("has(vars.limit)", vars={}) == []


def test_a_bool_is_needed_where_it_is_needed() -> None:
    assert check_expression("data.a", result="bool") == []
    assert check_expression("data.a == 1", result="bool") == []
    (error,) = check_expression("data.a + 1", result="bool")
    assert error.message == "the expression gives int, and true or false is needed"
    (error,) = check_expression("size(id)", result="string")
    assert error.message == "the expression gives int, and text is needed"


@pytest.mark.parametrize(
    "text",
    [
        'data.action == "push" && data.target.repository.startsWith("library/")',
        'has(data.a) && !(data.b in ["x", "y"]) || meta.attempts > 3',
        'type == "docker.registry.push" && type(data.x) == string',
        'data.?x.orValue("") == ""',
        'math.greatest(data.a, 2) > 1 && "a,b".split(",").size() == 2',
        'time > timestamp("2026-01-01T00:00:00Z") && time.getFullYear() < 2030',
        "data.items.exists(i, i.size > 1)",
        "data.`a-b` == 1 // why",
        "ev.type == source",
    ],
)
def test_sound_expressions_have_no_findings(text: str) -> None:
    assert check_expression(text, vars={}, result="bool") == []


def test_an_expression_of_4_kib_is_allowed_and_not_one_byte_more() -> None:
    fits = '"' + "a" * (MAX_BYTES - 2) + '"'
    assert check_expression(fits) == []
    assert "4097 bytes" in only(fits + " ").message
    assert "bytes" in only('"' + "é" * (MAX_BYTES // 2) + '"').message
    assert "bytes" in only("x" * 1_000_000).message


NESTED = [
    "(" * 1_000 + "1" + ")" * 1_000,
    "[" * 2_000,
    "{1:" * 500 + "1" + "}" * 500,
    "data" + ".a" * 1_000,
    "data" + "[0]" * 1_000,
    "data" + ".?a" * 1_000,
    "1" + "+1" * 1_000,
    "true?1:" * 500 + "1",
    "size(" * 500 + "[]" + ")" * 500,
    "[1].all(x," * 200 + "true" + ")" * 200,
    "[1]" + ".map(x,x)" * 300,
    "1 in " * 500 + "[1]",
]


@pytest.mark.parametrize("text", NESTED)
def test_deep_nesting_is_a_finding_and_neither_a_crash_nor_a_hang(text: str) -> None:
    assert any("nests deeper than 32 levels" in one.message for one in check_expression(text))


def test_brackets_inside_text_and_comments_do_not_nest() -> None:
    assert check_expression('"' + "(" * 100 + '" == type // ' + "[" * 100) == []
    assert check_expression('r"\\' + "(" * 100 + '" == type') == []


@pytest.mark.parametrize("text", ["!" * 1_000 + "true", "- " * 999 + "data.a", "-" * 999 + "1"])
def test_long_chains_of_signs_are_taken(text: str) -> None:
    assert check_expression(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data.a\0 == 1", "the expression holds the control character U+0000"),
        ('"\x1b" == type', "the expression holds the control character U+001B"),
        ("\ud800", "the expression holds a lone surrogate"),
    ],
)
def test_characters_no_expression_may_hold(text: str, message: str) -> None:
    assert only(text).message == message


@pytest.mark.parametrize(
    "text", ["data.__class__", "__import__('os')", "().__class__", "lambda: 1", "import os"]
)
def test_python_is_only_text(text: str) -> None:
    # `data.__class__` reads a field of that name; everything else is no CEL at all.
    assert bool(check_expression(text)) == (text != "data.__class__")


PIECES = st.sampled_from(
    ["data", ".a", "id", "type", " == ", " && ", "(", ")", "[", "]", "{", "}", '"', "'", "1", "-",
     "!", ".", ",", ":", "?", "\n", "é", "has(", "map(x,", "in ", "\\", "`", "r\"", "//", "$", "{",
     "matches(\"(\")", "0x", "1e999", "b'\\377'", "'''", '"""', "null", "😀", "\t", "vars."]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60))
def test_any_text_gets_findings_inside_it_or_none(text: str) -> None:
    for one in check_expression(text, vars={"x": 1}, result="bool"):
        assert 0 <= one.start <= one.end <= len(text)
        assert one.message
        assert "<input>" not in one.message
        assert "INVALID_ARGUMENT" not in one.message


@given(st.lists(PIECES, max_size=40).map("".join))
def test_tokens_cover_the_text(text: str) -> None:
    assert "".join(match.group() for match in TOKEN.finditer(text)) == text


def test_the_library_is_loaded_only_for_an_expression() -> None:
    probe = (
        "import sys\n"
        "import sinkgraph.expr.check as check, sinkgraph.expr.compile\n"
        "before = 'cel_expr_python' in sys.modules\n"
        "check.check_expression('true')\n"
        "print(before, 'cel_expr_python' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == ["False", "True"]


def test_a_machine_without_the_library_is_told_so() -> None:
    probe = (
        "import sys\n"
        "sys.modules['cel_expr_python'] = None\n"
        "from sinkgraph.expr.check import check_expression\n"
        "print(check_expression('true')[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=30
    )
    assert "expressions need the package cel-expr-python" in done.stdout
