"""Findings are drawn exactly as the style says."""

from __future__ import annotations

import json

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.report import count_line, render_concise, render_human, render_json
from sinkgraph.diagnostics.source import SourceText, Span


def place(source: SourceText, line: int, text: str) -> Span:
    """Return the span of `text` on a line."""
    start = source.text.index(text, source.offset(line, 1))
    return Span(source, start, start + len(text))


REGISTRY = SourceText(
    "graphs/registry.yaml",
    "\n" * 4
    + "    to: [audit, webhook]\n"
    + "\n" * 3
    + "  deliver:\n    kind: retry\n    to: webhok\n"
    + "\n" * 10
    + '    where: data.targt.repository == "library/web"\n',
)
LOOP = SourceText(
    "graphs/loop.yaml",
    "\n\n  fanout: {kind: broadcast, to: [metrics, deliver]}\n" + "\n" * 7 + "    to: fanout\n",
)
UNKNOWN = Diagnostic(
    "SG204",
    "sink `deliver` writes to an undeclared sink",
    span=place(REGISTRY, 11, "webhok"),
    label="no sink is named `webhok`",
    secondary=(Label(place(REGISTRY, 9, "deliver"), "in this sink"),),
    notes=("events reach it by `registry → fanout → deliver`",),
    help=("a sink named `webhook` is declared on line 14",),
)


def test_unknown_target_is_drawn_as_the_style_says() -> None:
    assert render_human([UNKNOWN]) == (
        """\
error[SG204]: sink `deliver` writes to an undeclared sink
  --> graphs/registry.yaml:11:9
   |
 9 |   deliver:
   |   ------- in this sink
10 |     kind: retry
11 |     to: webhok
   |         ^^^^^^ no sink is named `webhok`
   |
   = note: events reach it by `registry → fanout → deliver`
   = help: a sink named `webhook` is declared on line 14"""
    )


def test_cycle_is_drawn_as_the_style_says() -> None:
    cycle = Diagnostic(
        "SG210",
        "sinks form a cycle",
        span=place(LOOP, 11, "fanout"),
        label="`deliver` writes back to `fanout`",
        secondary=(Label(place(LOOP, 3, "deliver"), "`fanout` writes to `deliver`"),),
    )
    assert render_human([cycle]) == (
        """\
error[SG210]: sinks form a cycle
  --> graphs/loop.yaml:11:9
   |
 3 |   fanout: {kind: broadcast, to: [metrics, deliver]}
   |                                           ------- `fanout` writes to `deliver`
11 |     to: fanout
   |         ^^^^^^ `deliver` writes back to `fanout`"""
    )


def test_unknown_field_is_drawn_as_the_style_says() -> None:
    unknown = Diagnostic(
        "SG402",
        "`data.targt` is not a field of docker.registry",
        span=place(REGISTRY, 22, "data.targt"),
        label="unknown field",
        help=("the nearest field is `data.target`",),
    )
    assert render_human([unknown]) == (
        """\
error[SG402]: `data.targt` is not a field of docker.registry
  --> graphs/registry.yaml:22:12
   |
22 |     where: data.targt.repository == "library/web"
   |            ^^^^^^^^^^ unknown field
   |
   = help: the nearest field is `data.target`"""
    )


def test_warning_is_drawn_as_the_style_says_with_the_column_of_its_caret() -> None:
    slow = Diagnostic(
        "SG301",
        "a slow `webhook` stalls every branch of `fanout`",
        "warning",
        span=place(REGISTRY, 5, "webhook"),
        label="no queue between `fanout` and this http sink",
        help=("put a `kind: queue` in front of it",),
    )
    assert render_human([slow]) == (
        """\
warning[SG301]: a slow `webhook` stalls every branch of `fanout`
  --> graphs/registry.yaml:5:17
   |
 5 |     to: [audit, webhook]
   |                 ^^^^^^^ no queue between `fanout` and this http sink
   = help: put a `kind: queue` in front of it"""
    )


def test_a_clash_in_another_file_is_drawn_under_its_own_name() -> None:
    other = SourceText("b.yaml", "x: 1\n")
    here = SourceText("a.yaml", "x: 2\n")
    twice = Diagnostic(
        "SG108",
        "twice",
        span=Span(here, 0, 1),
        label="here",
        secondary=(Label(Span(other, 0, 1), "there"),),
    )
    assert render_human([twice]) == (
        """\
error[SG108]: twice
  --> a.yaml:1:1
   |
 1 | x: 2
   | ^ here
  ::: b.yaml:1:1
   |
 1 | x: 1
   | - there"""
    )


def test_marks_stand_under_wide_and_combining_characters() -> None:
    source = SourceText("g.yaml", "日本e\u0301: x\n")
    found = render_human([Diagnostic("SG105", "x", span=place(source, 1, "x"))])
    assert found.splitlines()[-1] == "   | " + " " * 7 + "^"


def test_tabs_and_controls_are_visible_and_marks_stay_aligned() -> None:
    source = SourceText("g.yaml", "\ta\x1b: x\n")
    found = render_human([Diagnostic("SG105", "x", span=place(source, 1, "x"))]).splitlines()
    assert found[-2] == " 1 | →   a\\x1b: x"
    assert found[-1].index("^") == found[-2].index(" x") + 1


def test_user_text_anywhere_in_a_finding_is_inert() -> None:
    evil = "\x1b]52;c;x\x07\u202e\n"
    source = SourceText(f"g{evil}", f"a{evil}b")
    one = Diagnostic(
        "SG105",
        evil,
        span=Span(source, 0, 1),
        label=evil,
        secondary=(Label(Span(source, 0, 1), evil),),
        notes=(evil,),
        help=(evil,),
    )
    for shown in (render_human([one]), render_concise([one]), render_json([one])):
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert len(render_human([one]).splitlines()) == 9
    assert len(render_concise([one]).splitlines()) == 1


def test_a_long_line_is_cut_around_the_place() -> None:
    source = SourceText("g.json", "x" * 5_000 + "BAD" + "y" * 1_000_000)
    found = render_human([Diagnostic("SG105", "x", span=place(source, 1, "BAD"))]).splitlines()
    assert len(found[-2]) < 140
    at = found[-2].index("BAD")
    assert found[-1][at : at + 4] == "^^^"


def test_a_place_of_several_lines_is_marked_to_the_end_of_its_first() -> None:
    source = SourceText("g.yaml", "a: [1,\n  2]\n")
    found = render_human([Diagnostic("SG105", "x", span=Span(source, 3, 11))]).splitlines()
    assert found[-1] == "   |    ^^^"


def test_a_place_of_no_width_is_marked_once() -> None:
    source = SourceText("g.yaml", "a:\n")
    assert render_human([Diagnostic("SG105", "x", span=Span(source, 2, 2))]).endswith("   ^")


def test_a_finding_without_a_place_shows_its_path() -> None:
    one = Diagnostic("SG122", "wrong", path="sinks.a.capacity", help=("fix it",))
    assert render_human([one]) == ("error[SG122]: wrong\n  --> sinks.a.capacity\n   = help: fix it")
    assert render_concise([one]) == "sinks.a.capacity: error[SG122] wrong"


def test_findings_come_sorted_with_an_empty_line_between() -> None:
    source = SourceText("g.yaml", "ab")
    first = Diagnostic("SG105", "first", span=Span(source, 0, 1))
    second = Diagnostic("SG105", "second", span=Span(source, 1, 2))
    shown = render_human([second, first])
    assert shown.index("first") < shown.index("\n\n") < shown.index("second")
    assert render_human([]) == render_concise([]) == ""


def test_concise_is_one_line_a_finding() -> None:
    assert render_concise([UNKNOWN]) == (
        "graphs/registry.yaml:11:9: error[SG204] sink `deliver` writes to an undeclared sink"
    )


def test_json_has_every_part_of_a_finding() -> None:
    (one,) = json.loads(render_json([UNKNOWN]))
    assert one == {
        "code": "SG204",
        "slug": "unknown-target",
        "severity": "error",
        "headline": "sink `deliver` writes to an undeclared sink",
        "file": "graphs/registry.yaml",
        "line": 11,
        "column": 9,
        "end_line": 11,
        "end_column": 15,
        "path": None,
        "label": "no sink is named `webhok`",
        "secondary": [
            {
                "file": "graphs/registry.yaml",
                "line": 9,
                "column": 3,
                "end_line": 9,
                "end_column": 10,
                "label": "in this sink",
            }
        ],
        "notes": ["events reach it by `registry → fanout → deliver`"],
        "help": ["a sink named `webhook` is declared on line 14"],
    }


def test_colour_only_adds_ansi_codes() -> None:
    import re

    coloured = render_human([UNKNOWN], color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_human([UNKNOWN])


def test_count_line_counts_by_severity() -> None:
    warning = Diagnostic("SG301", "x", "warning")
    assert count_line([UNKNOWN, UNKNOWN, warning]) == "2 errors, 1 warning"
    assert count_line([]) == ""
