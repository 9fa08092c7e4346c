"""TOML in order: tables and keys, comments where they belong, values as they are."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.spec.formatting.document import format_document
from tests.spec.formatting.laws import in_order, lawful


def test_a_whole_document() -> None:
    text = """\
#:schema ./sinkgraph.schema.json
# header

# about name
name="x"   # n
sinkgraph=1

[sinks.b] # behind b
# about to
to = "c"
kind='queue'
# end of b

# about a table in b
[sinks.b.on_remove]
move_to="x"
[sources.a]
kind="stdin"
to={ kind='queue',to='b',name="z"}
# last of a
list=[ "a",
  # own
  "b", # behind b

  # set apart
  [1,2]
  # end of the list
]
[[sinks.r.routes]]
to="a"
when="x"
[[sinks.r.routes]]
when='''
it's
'''
[sinks.r]
"kind"="route"
"a b".c = 1979-05-27 07:32:00
[vars]
a.default = 1

# end
"""
    assert (
        in_order(text, "toml")
        == """\
#:schema ./sinkgraph.schema.json
# header

sinkgraph = 1
# about name
name = "x"  # n

[vars]
a.default = 1

[sources.a]
kind = "stdin"
# last of a
list = [
  "a",
  # own
  "b",  # behind b

  # set apart
  [1, 2],
  # end of the list
]
to = { kind = "queue", name = "z", to = "b" }

[sinks.b]  # behind b
kind = "queue"
# about to
to = "c"
# end of b

# about a table in b
[sinks.b.on_remove]
move_to = "x"

[sinks.r]
kind = "route"
"a b".c = 1979-05-27 07:32:00

[[sinks.r.routes]]
when = "x"
to = "a"

[[sinks.r.routes]]
when = '''
it's
'''

# end
"""
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_comments_stay_above_and_behind_their_keys(seed: int) -> None:
    rng = Random(seed)
    lines = []
    for table in rng.sample(["sinks.a", "sinks.b", "sources.c", "vars.d", "sinks.a.backoff"], 5):
        lines += [f"# above {table}", f"[{table}]  # behind {table}"]
        for key in rng.sample(["kind", "to", "url", "cap", "base", "zeta"], rng.randint(0, 6)):
            if rng.random() < 0.5:
                lines += [f"# above {table}.{key}", f"# also {table}.{key}"]
            lines.append(f"{key} = 1" + f" # behind {table}.{key}" * (rng.random() < 0.5))
        lines += [f"# end of {table}", ""]
    made = in_order("\n".join(lines), "toml").splitlines()
    table = ""
    for at, line in enumerate(made):
        if line.startswith("["):
            table = line[1:].partition("]")[0]
            assert line == f"[{table}]  # behind {table}"
            assert made[at - 1] == f"# above {table}"
        elif line.startswith("# end of"):
            assert line == f"# end of {table}"
            assert at + 1 == len(made) or made[at + 1] == ""
        elif " = " in line:
            path = f"{table}.{line.partition(' ')[0]}"
            assert "#" not in line or line.endswith(f"  # behind {path}")
            if made[at - 1].startswith("# "):
                assert made[at - 2 : at] == [f"# above {path}", f"# also {path}"]


def test_a_list_stays_in_its_line_or_in_its_lines() -> None:
    text = 'sinks.a.to = ["b", "c"]\nsinks.b.to = [\n  "b",\n  "c",\n]\nsinks.c.to = []\n'
    assert in_order(text, "toml") == text
    long = ", ".join(f'"{number:020}"' for number in range(5))
    lines = "".join(f'  "{number:020}",\n' for number in range(5))
    assert in_order(f"sinks.a.to = [{long}]\n", "toml") == f"sinks.a.to = [\n{lines}]\n"


def test_values_stay_as_they_are_written() -> None:
    text = """\
[vars.a]
default = "\\u00e9\\n"
b = 0x1F
c = 1_000
d = 1.10
e = 1979-05-27T07:32:00Z
f = '''it's'''
g = \"\"\"
several # no comment
lines\"\"\"
h = 'C:\\dir'
i = inf
j = true
k = {}
"é".l = "💥"
"""
    assert lawful(text, "graph", "toml") == text
    assert in_order("vars.'a'.\"b c\".'d' = ''\n", "toml") == 'vars.a."b c".d = ""\n'


def test_tables_without_empty_lines_between_them_get_none() -> None:
    text = '[sinks.a]\nkind = "stdout"\n[sources.b]\nkind = "stdin"\n'
    assert in_order(text, "toml") == '[sources.b]\nkind = "stdin"\n[sinks.a]\nkind = "stdout"\n'


def test_line_ends_and_a_byte_order_mark() -> None:
    text = b"\xef\xbb\xbfname = 'a' # b\r\nsinkgraph = 1\r\n"
    assert in_order(text, "toml") == 'sinkgraph = 1\nname = "a" # b\n'.replace('" #', '"  #')


def test_tables_stay_where_they_are_when_a_name_would_change_its_place() -> None:
    text = '[sinks.x]\nto = "y"\nkind = "queue"\n[sinks]\ny = { kind = "stdout" }\n[vars]\n'
    wanted = '[sinks.x]\nkind = "queue"\nto = "y"\n[sinks]\ny = { kind = "stdout" }\n[vars]\n'
    assert lawful(text, "graph", "toml") == wanted


def test_a_list_with_comments_within_braces_is_refused() -> None:
    text = "name = 'a'\nsinks.a = { to = [\n  'b', # why\n] }\n"
    made = format_document(text, "graph.toml", "toml")
    assert made.text is None
    assert made.refused == "line 4 ends a list with comments within braces"


def test_a_document_with_errors_in_its_text_is_refused_with_them() -> None:
    made = format_document("sinks = \n", "graph.toml", "toml")
    assert made.text is None
    assert [one.code for one in made.findings] == ["SG105"]
