"""`${…}` is filled once, only in texts, and what came from outside is never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.report import render_human, render_json
from sinkgraph.spec.document import Mapping, Node, Scalar, from_python, parse
from sinkgraph.spec.interpolate import Mode, interpolate
from sinkgraph.spec.leaves import FilledText, Placeholder, SecretText, plain
from sinkgraph.spec.secret import Secret

ENV = {"A": "alpha", "EMPTY": "", "N": "5000", "LOOP": "${env:LOOP}", "D": "$x $$ ${ {}"}


def fill(
    text: str,
    *,
    vars: AnyMapping[str, object] | None = None,
    base: Path = Path(),
    mode: Mode = "strict",
) -> tuple[Mapping, list[Diagnostic]]:
    """Fill a YAML document."""
    tree, found = parse(text, "g", "yaml")
    assert tree is not None
    assert found == []
    return interpolate(tree, vars=vars or {}, env=ENV, base_dir=base, mode=mode)


def leaf(tree: Mapping, *path: str) -> Scalar:
    """Return a leaf of a tree."""
    node: Node | None = tree
    for name in path:
        assert isinstance(node, Mapping)
        node = node.get(name)
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("${env:A}", "alpha"),
        ("Bearer ${env:A}!", "Bearer alpha!"),
        ("${env:A}${env:A}", "alphaalpha"),
        ("${env:UNSET:-default}", "default"),
        ("${env:EMPTY:-default}", "default"),
        ("${env:UNSET:-}", ""),
        ("${env:UNSET:-http://x:1/y}", "http://x:1/y"),
        ("${env:A:-default}", "alpha"),
        ("${var:hook}", "h"),
        ("${var:n} of ${var:b}", "5 of true"),
        ("$$", "$"),
        ("$${env:A}", "${env:A}"),
        ("$$$${env:A}", "$${env:A}"),
        ("$$${env:A}", "$alpha"),
        ("$5 and $x", "$5 and $x"),
        ("a $", "a $"),
        ("${env:D}", "$x $$ ${ {}"),
        ("日本 ${env:A}", "日本 alpha"),
    ],
)
def test_texts_are_filled(written: str, filled: str) -> None:
    tree, found = fill(f"a: '{written}'\n", vars={"hook": "h", "n": 5, "b": True})
    assert found == []
    assert leaf(tree, "a").value == filled
    assert leaf(tree, "a").text == filled


def test_what_came_from_outside_is_remembered_as_secret_and_masked(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    tree, found = fill(
        "a: ${env:A}\nb: ${var:v}\nc: ${var:s}\nd: ${file:token}\ne: ${env:UNSET:-x}\nf: $$\n",
        vars={"v": "plain", "s": Secret("hidden")},
        base=tmp_path,
    )
    assert found == []
    secret = {
        entry.key.text: entry.value.secret for entry in tree if isinstance(entry.value, Scalar)
    }
    assert secret == {"a": True, "b": False, "c": True, "d": True, "e": False, "f": False}
    kinds = {name: type(value) for name, value in plain(tree).items()}
    assert kinds == {
        "a": SecretText,
        "b": FilledText,
        "c": SecretText,
        "d": SecretText,
        "e": FilledText,
        "f": str,
    }
    shown = repr([entry.value for entry in tree]) + repr(plain(tree))
    assert not any(word in shown for word in ("alpha", "hidden", "hunter2"))


def test_only_string_leaves_are_touched_and_the_rest_is_shared() -> None:
    text = "a: 5\nb: [1, x, '${env:A}']\nc: &c {d: '$$'}\n"
    tree, found = fill(text)
    assert found == []
    assert plain(tree) == {"a": 5, "b": [1, "x", "alpha"], "c": {"d": "$"}}


def test_a_tree_without_marks_is_returned_as_it_is() -> None:
    tree, _ = parse("a: {b: [1, x]}\n", "g", "yaml")
    assert tree is not None
    assert interpolate(tree, vars={}, env={}, base_dir=Path(), mode="strict") == (tree, [])


def test_places_are_kept() -> None:
    tree, _ = fill("a: x\nb: ${env:A}\n")
    span = leaf(tree, "b").span
    assert span is not None
    assert (str(span), span.text) == ("g:2:4", "${env:A}")


@pytest.mark.parametrize(
    ("written", "code", "at", "text"),
    [
        ("x ${env:A", "SG130", 2, "${env:A"),
        ("${", "SG130", 0, "${"),
        ("${env:A:-${env:B}} y", "SG130", 9, "${"),
        ("${var:${env:A}}", "SG130", 6, "${"),
        ("${env:1A}", "SG130", 0, "${env:1A}"),
        ("${env:}", "SG130", 0, "${env:}"),
        ("${env:A B}", "SG130", 0, "${env:A B}"),
        ("${file:}", "SG130", 0, "${file:}"),
        ("a ${env:LOOP}", "SG130", 2, "${env:LOOP}"),
        ("${var:l}", "SG130", 0, "${var:l}"),
        ("${}", "SG131", 0, "${}"),
        ("${A}", "SG131", 0, "${A}"),
        ("${vault:x}", "SG131", 0, "${vault:x}"),
        ("${ env:A}", "SG131", 0, "${ env:A}"),
        ("${var:hok}", "SG132", 0, "${var:hok}"),
        ("$${env:A} ${env:UNSET}", "SG501", 10, "${env:UNSET}"),
        ("${env:EMPTY}", "SG501", 0, "${env:EMPTY}"),
        ("${file:missing}", "SG502", 0, "${file:missing}"),
    ],
)
def test_what_cannot_be_filled_is_found_at_its_exact_place(
    written: str, code: str, at: int, text: str
) -> None:
    tree, found = fill(f'a: "{written}"\n', vars={"hook": "h", "l": [1]})
    (one,) = found
    assert one.severity == "error"
    assert one.span is not None
    assert (one.code, str(one.span), one.span.text) == (code, f"g:1:{5 + at}", text)
    assert one.help
    assert type(leaf(tree, "a").value) is Placeholder


@pytest.mark.parametrize("written", ["${env:UNSET}", "${env:EMPTY}", "${file:missing}"])
def test_unset_is_a_warning_with_a_placeholder_when_asked(written: str) -> None:
    tree, found = fill(f"a: x{written}\n", mode="placeholder")
    assert [one.severity for one in found] == ["warning"]
    assert leaf(tree, "a").value == f"x{written}"
    assert isinstance(leaf(tree, "a").value, Placeholder)


def test_bad_form_is_an_error_in_every_mode() -> None:
    assert fill("a: ${x\n", mode="placeholder")[1][0].severity == "error"


def test_a_var_without_a_value_makes_a_placeholder_and_no_second_finding() -> None:
    tree, found = fill("a: ${var:x}\nb: ${var:y}\n", vars={"x": None, "y": Placeholder("unset")})
    assert found == []
    assert all(isinstance(one, Placeholder) for one in plain(tree).values())


def test_the_nearest_var_is_proposed() -> None:
    assert fill("a: ${var:hok}\n", vars={"hook": 1})[1][0].help == ("the nearest is `hook`",)


def test_every_fault_is_found_in_one_run() -> None:
    _, found = fill("a: ${x} ${y}\nb: [{c: '${env:UNSET}'}]\n")
    assert [one.code for one in found] == ["SG131", "SG131", "SG501"]
    assert [one.path for one in found] == ["a", "a", "b[0].c"]


# --- places in texts that are not written one to one ---------------------------------------------


def test_places_in_blocks_and_escaped_texts() -> None:
    text = 'a: |\n  one\n  ${env:UNSET}\nb: "\\t${env:UNSET}"\nc: >-\n  x\n  ${x\n'
    _, found = fill(text)
    assert [str(one.span) for one in found] == ["g:3:3", "g:4:7", "g:7:3"]


def test_an_escaped_mark_has_its_place() -> None:
    _, found = fill('a: "\\x24{env:UNSET}"\n')
    assert found[0].span is not None
    assert found[0].span.text == "\\x24{env:UNSET}"


def test_without_places_the_path_is_told() -> None:
    tree, _ = from_python({"sinks": {"a": {"url": "${env:UNSET}"}}})
    assert tree is not None
    _, found = interpolate(tree, vars={}, env={}, base_dir=Path(), mode="strict")
    assert [(one.span, one.path) for one in found] == [(None, "sinks.a.url")]


# --- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "sinks: {f: {where: 'x == \"${env:A}\"'}}",
        "sinks: {f: {routes: [{when: '${env:A}'}]}}",
        "sinks: {f: {compute: {data.x: '${var:x}'}}}",
        "sinks: {f: {to: {by: '$$ ${file:x}'}}}",
        "sinks: {headers: {where: '${env:A}'}}",
        "sinks: {set: {kind: filter, where: '${env:A}'}}",
        "sources: {s: {key: '${env:A'}}",
    ],
)
def test_an_expression_is_never_filled(text: str) -> None:
    tree, found = fill(text)
    assert [one.code for one in found] == ["SG409"]
    assert found[0].span is not None
    assert found[0].span.text.startswith("${")
    assert "alpha" not in str(plain(tree))


@pytest.mark.parametrize(
    "text",
    [
        "sinks: {where: {url: '${env:A}'}}",
        "sinks: {compute: {url: '${env:A}'}}",
        "sources: {key: {url: '${env:A}'}}",
        "sinks: {a: {headers: {key: '${env:A}'}}}",
        "sinks: {a: {set: {by: '${env:A}', x: {where: '${env:A}'}}}}",
        "sources: {a: {event: {key: '${env:A}'}}}",
    ],
)
def test_names_and_literals_are_not_taken_for_expressions(text: str) -> None:
    tree, found = fill(text)
    assert found == []
    assert "${" not in str(plain(tree))


def test_a_dollar_in_an_expression_stays() -> None:
    tree, found = fill("where: data.x.matches('^a$$|b$')\n")
    assert found == []
    assert leaf(tree, "where").value == "data.x.matches('^a$$|b$')"


def test_which_fields_are_expressions_can_be_told() -> None:
    tree, _ = parse("where: ${env:A}\nrule: ${env:A}\n", "g", "yaml")
    assert tree is not None
    made, found = interpolate(
        tree, vars={}, env=ENV, base_dir=Path(), mode="strict", expression_fields={"rule"}
    )
    assert [one.path for one in found] == ["rule"]
    assert leaf(made, "where").value == "alpha"


def test_a_key_cannot_be_filled() -> None:
    _, found = fill("a: {'x${env:A}': 1}\n")
    assert [(one.code, str(one.span)) for one in found] == [("SG130", "g:1:7")]


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"x", "x"), (b"x\n", "x"), (b"x\r\n", "x"), (b"x\n\n", "x\n"), (b" x ", " x ")],
)
def test_one_final_newline_of_a_file_is_left_away(
    tmp_path: Path, content: bytes, value: str
) -> None:
    (tmp_path / "s").write_bytes(content)
    assert leaf(fill("a: ${file:s}\n", base=tmp_path)[0], "a").value == value
    assert leaf(fill(f"a: ${{file:{tmp_path}/s}}\n")[0], "a").value == value


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("missing", "does not exist"),
        ("empty", "is empty"),
        ("newline", "is empty"),
        ("directory", "is a directory"),
        ("fifo", "is not a regular file"),
        ("binary", "is not UTF-8 text"),
        ("nul", "is not text: it holds a NUL character"),
        ("large", "is larger than 65536 bytes"),
    ],
)
@pytest.mark.parametrize("mode", ["strict", "placeholder"])
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, kind: str, why: str, mode: Mode
) -> None:
    path = tmp_path / "s"
    contents: dict[str, Any] = {
        "empty": b"",
        "newline": b"\n",
        "binary": b"\xff\xfe",
        "nul": b"a\0b",
        "large": b"x" * 65_537,
    }
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "missing":
        path.write_bytes(contents[kind])
    _, found = fill("a: ${file:s}\nb: ${file:s}\n", base=tmp_path, mode=mode)
    severity = "error" if mode == "strict" else "warning"
    assert [(one.code, one.severity, one.label) for one in found] == [("SG502", severity, why)] * 2


def test_a_file_without_permission_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.open", refuse)
    assert fill("a: ${file:s}\n")[1][0].label == "may not be read by this user"


def refuse(*_args: object) -> int:
    """Refuse to open, as the system does for a file of somebody else."""
    raise PermissionError(13, "Permission denied")


@given(st.text(alphabet="${}:-envfilar xA", max_size=24))
def test_any_text_is_filled_or_found(text: str) -> None:
    tree, _ = from_python({"a": text})
    assert tree is not None
    made, found = interpolate(tree, vars={"x": "v"}, env=ENV, base_dir=Path("/none"), mode="strict")
    assert found or isinstance(leaf(made, "a").value, str)
    for shown in (render_human(found), render_json(found)):
        assert "alpha" not in shown


def test_findings_are_bounded_however_many_marks_a_text_has() -> None:
    _, found = fill(f"a: '{'${x}' * 100_000}'\n")
    assert len(found) == 100


def test_filled_values_are_bounded_together(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x" * 65_536)
    tree, found = fill("a:\n" + "- ${file:s}\n" * 1_000, base=tmp_path)
    assert [one.code for one in found] == ["SG130"]
    kinds = [type(one) for one in plain(tree)["a"]]
    assert (kinds.count(SecretText), kinds.count(Placeholder)) == (256, 744)


def test_findings_never_show_a_value() -> None:
    _, found = fill("a: ${env:LOOP}${env:A}${nope}\n")
    shown = render_human(found) + render_json(found)
    assert "alpha" not in shown
