"""YAML in order: comments where they belong, quotes where they are needed, texts as they are."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.spec.formatting.document import format_document
from tests.spec.formatting.laws import in_order, lawful

LONG = "https://example.org/a/path/that/is/long/enough/to/need/a/line/of"


def test_a_whole_document() -> None:
    text = """\
# Company header
# two lines

# about sinks
sinks:

  # about out
  out:   # behind out
      to: x        # aligned
      # between
      kind:   'queue'


      # end of out
  # after out, in sinks
  # two

  b: { kind : http ,  url: 'https://example.org/a?b=c',   # why
     timeout: 2s, # t
     # own in flow
     headers: {A: b} }
  # end of sinks
# about name
name:   "test"   # the name
sinkgraph:   1
vars:
  a: &anchor {default: "x"}
  b: *anchor
  text:
    default: |
        a
          b
         # not a comment

    description: >-
      folded
      text   # not comment
  ? long
  : {default: 1}

promises:
- from: a
  to: b
# between items
-   to: c
    from: d   # from

# end of file
"""
    assert (
        in_order(text)
        == """\
# Company header
# two lines

sinkgraph: 1
# about name
name: test       # the name

vars:
  a: &anchor {default: x}
  b: *anchor
  text:
    default: |
      a
        b
       # not a comment

    description: >-
      folded
      text   # not comment
  long: {default: 1}

# about sinks
sinks:
  # about out
  out:   # behind out
    # between
    kind: queue
    to: x          # aligned

    # end of out
  # after out, in sinks
  # two

  b:
    kind: http
    url: "https://example.org/a?b=c"  # why
    # own in flow
    headers: {A: b}
    timeout: 2s  # t
  # end of sinks

promises:
  - from: a
    to: b
  # between items
  - from: d   # from
    to: c

# end of file
"""
    )


# --- comments ------------------------------------------------------------------------------------


def test_the_line_for_editors_stays_first() -> None:
    text = "# yaml-language-server: $schema=./s.json\n# what it is for\nname: a\nsinkgraph: 1\n"
    assert in_order(text) == (
        "# yaml-language-server: $schema=./s.json\n# what it is for\nsinkgraph: 1\nname: a\n"
    )


def test_a_comment_above_a_key_moves_with_it_and_one_set_apart_stays_above_the_document() -> None:
    text = "# of the file\n\n# of name\nname: a\nsinkgraph: 1\n"
    assert in_order(text) == "# of the file\n\nsinkgraph: 1\n# of name\nname: a\n"


_FIELDS = ("kind", "name", "url", "timeout", "headers", "format", "on_status", "to", "zeta", "eta")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_comments_stay_above_and_behind_their_keys(seed: int) -> None:
    rng = Random(seed)
    lines = ["sinks:"]
    for node in ("one", "two", "three"):
        lines += [f"  # above {node}", f"  {node}:  # behind {node}"]
        for key in rng.sample(_FIELDS, rng.randint(2, len(_FIELDS))):
            value = rng.choice(("a", "{b: c}", "[d, e]", "\n      f: g", "|\n      text"))
            if rng.random() < 0.5:
                lines += [f"    # above {node}.{key}", f"    # also {node}.{key}"]
            behind = f"  # behind {node}.{key}" if rng.random() < 0.5 and len(value) < 8 else ""
            lines.append(f"    {key}: {value}{behind}")
        lines.append(f"    # end of {node}")
    made = in_order("\n".join(lines)).splitlines()
    node = ""
    for at, line in enumerate(made):
        key, colon, rest = line.partition(":")
        indent = len(line) - len(line.lstrip())
        if colon and indent == 2:
            node = key.strip()
            assert made[at - 1] == f"  # above {node}"
            assert rest == f"  # behind {node}"
        if colon and indent == 4:
            path = f"{node}.{key.strip()}"
            assert "# behind" not in rest or rest.endswith(f"  # behind {path}")
            if made[at - 1].lstrip().startswith("# "):
                assert made[at - 2 : at] == [f"    # above {path}", f"    # also {path}"]
        if "# end of" in line:
            assert line == f"    # end of {node}"
            assert at + 1 == len(made) or made[at + 1].startswith("  # above")


def test_a_comment_in_brackets_makes_lines_of_them() -> None:
    text = "sinks:\n  a: {kind: broadcast, to: [b,  # first\n    c]}\n"
    assert in_order(text) == (
        "sinks:\n  a:\n    kind: broadcast\n    to:\n      - b  # first\n      - c\n"
    )


# --- blank lines and width -----------------------------------------------------------------------


def test_one_empty_line_is_kept_and_none_is_added_to_a_document_without() -> None:
    text = "sinkgraph: 1\nname: a\nsinks:\n\n\n  a: {kind: stdout}\n\n\n\n  b: {kind: stdout}\n\n\n"
    assert in_order(text) == (
        "sinkgraph: 1\nname: a\nsinks:\n  a: {kind: stdout}\n\n  b: {kind: stdout}\n"
    )


def test_sections_that_are_set_apart_stay_so_wherever_they_come_to_stand() -> None:
    text = "sinks:\n  a: {kind: stdout}\n\nsources:\n  b: {kind: stdin, to: a}\nname: c\n"
    assert in_order(text) == (
        "name: c\n\nsources:\n  b: {kind: stdin, to: a}\n\nsinks:\n  a: {kind: stdout}\n"
    )


def test_brackets_stay_where_a_line_has_room_for_them() -> None:
    text = f"sinks:\n  a: {{kind: http, url: {LONG}, name: abcd}}\n"
    assert len(text.splitlines()[1]) == 100
    assert in_order(text).splitlines()[1].startswith("  a: {kind: http, name: abcd")
    assert in_order(text.replace("abcd", "abcde")) == (
        f"sinks:\n  a:\n    kind: http\n    name: abcde\n    url: {LONG}\n"
    )


def test_brackets_over_several_lines_become_one_line() -> None:
    text = "sinks:\n  a: {\n    kind: broadcast,\n    to: [\n      b,\n      c,\n    ],\n  }\n"
    assert in_order(text) == "sinks:\n  a: {kind: broadcast, to: [b, c]}\n"


def test_a_block_stays_a_block() -> None:
    text = "sinks:\n  a:\n    kind: stdout\n"
    assert in_order(text) == text


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('"a"', "a"),
        ("'two words'", "two words"),
        ("'a-b/c.d_e'", "a-b/c.d_e"),
        *((f'"{word}"', word) for word in ("500ms", "1h30m", "64KiB", "10MB")),
        *((f'"{word}"', f'"{word}"') for word in ("1e3", "0x1F", "1_000", "12:30")),
        *((f'"{word}"', f'"{word}"') for word in ("no", "On", "y", "true", "null", "~", "")),
        *((f"'{word}'", f'"{word}"') for word in ("1.10", "0012345", "2001-01-01", ".nan", "-")),
        *((word, word) for word in ("1.10", "no", "on", "0012345", "0x1F", "1e3", "~")),
        ("'a: b'", '"a: b"'),
        ("'a #b'", '"a #b"'),
        ("'it''s'", '"it\'s"'),
        ("'\"x\" in y'", "'\"x\" in y'"),
        ("'a\\b'", "'a\\b'"),
        ('"${var:x}"', '"${var:x}"'),
        ('"a\\u00e9"', '"a\\u00e9"'),
        ('" lead"', '" lead"'),
        ("é 💥", "é 💥"),
    ],
)
def test_quotes_stay_only_where_they_are_needed(written: str, kept: str) -> None:
    for text, wanted in (
        (f"vars:\n  a: {{default: {written}}}\n", f"vars:\n  a: {{default: {kept}}}\n"),
        (f"vars:\n  a:\n    default: {written}\n", f"vars:\n  a:\n    default: {kept}\n"),
    ):
        assert lawful(text, "graph", "yaml") == wanted


def test_texts_over_several_lines_stay_as_they_are() -> None:
    text = """\
vars:
  a:
    default: |+  # kept
      text

  b:
    default: >2-
        indented
      text
  c:
    default: "several
      lines

      of text"
  d:
    default: plain
      text
"""
    assert in_order(text) == text
    deeper = text.replace("    default", "      default").replace("      text", "        text")
    assert lawful(deeper, "graph", "yaml") is not None


def test_a_text_whose_last_line_has_no_end_still_has_none() -> None:
    assert in_order("sinks: a\ndescription: |\n  text") == "description: |-\n  text\nsinks: a\n"
    assert in_order("name: a\nvars: {}\ndescription: >+\n  text") == (
        "name: a\ndescription: >-\n  text\nvars: {}\n"
    )


def test_line_ends_tabs_and_a_byte_order_mark() -> None:
    text = b"\xef\xbb\xbfsinkgraph:\t1\t# one\r\nname: a\r\ndescription: |\r\n  a\tb\r\n"
    assert in_order(text) == "sinkgraph: 1  # one\nname: a\ndescription: |\n  a\tb\n"


def test_marks_of_a_document_stay_around_it() -> None:
    text = "%YAML 1.2\n# above\n---\nname: a\nsinkgraph: 1\n...\n# below\n"
    assert in_order(text) == "%YAML 1.2\n# above\n---\nsinkgraph: 1\nname: a\n...\n# below\n"


def test_a_key_over_several_lines_becomes_one_line() -> None:
    assert in_order("sinks:\n  ? two\n    words\n  : {kind: stdout}\n") == (
        "sinks:\n  two words: {kind: stdout}\n"
    )


# --- left as it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "SG104"),
        ("sinks: [", "SG105"),
        ("sinks:\n\ta: {}\n", "SG106"),
        ("name: a\nname: b\n", "SG108"),
        ("name: a\n---\nname: b\n", "SG109"),
        ("name: !!str a\n", "SG110"),
        ("vars: {a: &a {default: 1}, b: {<<: *a}}\n", "SG111"),
        ("name: *a\n", "SG112"),
        ("- a\n", "SG114"),
        ("sinks: {[a]: b}\n", "SG115"),
        ("sinks:\n  a: {kind: filter, where: !has(data.a), to: b}\n", "SG116"),
    ],
)
def test_a_document_with_errors_in_its_text_is_refused_with_them(text: str, code: str) -> None:
    made = format_document(text, "graph.yaml", "yaml")
    assert made.text is None
    assert code in [one.code for one in made.findings]


def test_what_cannot_be_written_is_refused() -> None:
    made = format_document(f"sinks:\n  ? {'a' * 1001}\n  : b\n", "graph.yaml", "yaml")
    assert (made.text, made.refused) == (None, "a key is longer than 1000 characters")
    made = format_document("services: {}\n", "graph.yaml", "yaml")
    assert made.text is None
    assert made.refused.startswith("it is no graph document")


def test_errors_of_the_graph_do_not_matter() -> None:
    text = "sinks:\n  a: {to: nowhere, kind: quue}\n"
    assert in_order(text) == "sinks:\n  a: {kind: quue, to: nowhere}\n"
