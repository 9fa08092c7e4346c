"""Documents that include others: what is merged, what clashes, what cannot be read, and where."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import sinkgraph
from sinkgraph.diagnostics.report import render_json
from sinkgraph.diagnostics.sarif import render_sarif
from sinkgraph.graph.load import Looked, load_graph, load_tree
from sinkgraph.spec.document import parse
from sinkgraph.spec.including import reading
from sinkgraph.spec.kinds.source import FileSourceSpec
from sinkgraph.spec.kinds.terminal import FileSinkSpec, HttpSinkSpec
from tests.graph.documents import codes
from tests.support.unprivileged import a_folder, rights_of_nobody

HEAD = "sinkgraph: 1\nname: main\n"
IN = "sources: {in: {kind: stdin, to: out}}\n"
OUT = "sinks: {out: {kind: stdout}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**texts: str) -> None:
    """Write files: `parts__a_yaml` is parts/a.yaml."""
    for key, text in texts.items():
        stem, _, suffix = key.replace("__", "/").rpartition("_")
        path = Path(f"{stem}.{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found_in(name: str, **options: Any) -> list[str]:
    """Return the findings of a document: code and place of each."""
    return [f"{one.code} {one.where}" for one in load_graph(name, env={}, **options)[1]]


# --- what is merged -------------------------------------------------------------------------------


def test_every_section_is_merged_from_every_syntax() -> None:
    write(
        main_yaml=HEAD
        + "include: [a.toml, b.json]\n"
        + IN
        + "sinks: {out: {kind: queue, to: q}}\n",
        a_toml='[vars.f]\ndefault = "f.jsonl"\n[defaults.queue]\ncapacity = 5\n'
        '[sinks.q]\nkind = "queue"\nto = "end"\n'
        '[[promises]]\nfrom = "in"\nto = "end"\ndelivery = "at_most_once"\n',
        b_json='{"sinkgraph": 1, "name": "b", "description": "a part",'
        ' "defaults": {"queue": {"max_wait": "3s"}},'
        ' "sinks": {"end": {"kind": "file", "path": "${var:f}"}}}',
    )
    graph, found = load_graph("main.yaml")
    assert graph is not None, found
    assert (graph.name, graph.description, found) == ("main", None, [])
    out, end = graph.nodes["out"].spec, graph.nodes["end"].spec
    assert (getattr(out, "capacity", 0), getattr(out, "max_wait", 0)) == (5, 3.0)
    assert isinstance(end, FileSinkSpec)
    assert end.path == "f.jsonl"
    assert len(graph.spec.promises) == 1


def test_lists_keep_the_order_of_inclusion_with_the_including_document_last() -> None:
    one = "promises: [{{from: in, to: {}, delivery: at_most_once}}]\n"
    write(
        main_yaml=HEAD + "include: [b.yaml, a.yaml]\n" + IN + OUT + one.format("out"),
        a_yaml=one.format("a"),
        b_yaml="include: c.yaml\n" + one.format("b"),
        c_yaml=one.format("c"),
    )
    graph, found = load_graph("main.yaml")
    assert graph is None
    said = [(one.code, one.headline.split("`")[1]) for one in found]
    assert sorted(said) == [("SG521", "a"), ("SG521", "b"), ("SG521", "c")]
    write(a_yaml="", b_yaml="", c_yaml="")
    write(
        a_yaml="sinks: {a: {kind: stdout}}\n",
        b_yaml="include: c.yaml\nsinks: {b: {kind: queue, to: a}}\n",
        c_yaml="sinks: {c: {kind: queue, to: b}}\n",
        main_yaml=HEAD + "include: [b.yaml, a.yaml]\nsources: {in: {kind: stdin, to: out}}\n"
        "sinks: {out: {kind: queue, to: c}}\n",
    )
    names = [one.name for one in sinkgraph.load("main.yaml").spec.nodes]
    assert names == ["in", "c", "b", "a", "out"]


def test_a_document_reached_twice_also_by_a_link_is_merged_once() -> None:
    write(
        main_yaml=HEAD + "include: [p/a.yaml, ./p/../p/a.yaml, b.yaml, link.yaml]\n" + IN,
        p__a_yaml=OUT,
        b_yaml="include: p/a.yaml\n",
    )
    Path("link.yaml").symlink_to("p/a.yaml")
    graph, found = load_graph("main.yaml")
    assert (found, graph is not None) == ([], True)


def test_a_glob_leaves_out_the_document_it_stands_in() -> None:
    write(main_yaml=HEAD + 'include: "*.yaml"\n' + IN, a_yaml=OUT)
    assert found_in("main.yaml") == []


def test_what_a_part_says_of_itself_does_not_count() -> None:
    write(main_yaml=HEAD + "include: a.yaml\n" + IN, a_yaml=f"sinkgraph: 1\nname: part\n{OUT}")
    assert sinkgraph.load("main.yaml").name == "main"
    write(a_yaml=f"sinkgraph: 2\n{OUT}egress: {{}}\n")
    assert found_in("main.yaml") == ["SG126 a.yaml:1:12", "SG120 a.yaml:3:1"]


def test_a_document_may_consist_of_what_it_includes() -> None:
    write(main_yaml=HEAD + "include: a.yaml\n", a_yaml=IN + OUT)
    assert found_in("main.yaml") == []
    write(main_yaml="include: a.yaml\n", a_yaml="vars: {}\n" + IN + OUT)
    assert found_in("main.yaml") == ["SG121 main.yaml:1:1", "SG125 main.yaml:1:1"]


@pytest.mark.parametrize("nothing", ["include:", "include: ~", "include: []"])
def test_nothing_may_be_included(nothing: str) -> None:
    write(main_yaml=f"{HEAD}{nothing}\n{IN}{OUT}")
    assert found_in("main.yaml") == []


def test_documents_from_python_and_from_standard_input_include_from_the_working_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(p__a_yaml=OUT + "include: b.yaml\n", p__b_yaml="snks: {}\n")
    tree = {"sinkgraph": 1, "name": "x", "include": ["p/a.yaml"]}
    whole = {**tree, "sources": {"in": {"kind": "stdin", "to": "out"}}}
    assert found_in(whole) == ["SG120 p/b.yaml:1:1"]  # type: ignore[arg-type]
    write(p__b_yaml="vars: {}\n")
    assert sinkgraph.load(whole).files == tuple(map(os.path.abspath, ["p/a.yaml", "p/b.yaml"]))
    found = sinkgraph.check({**whole, "include": ["p/a.yaml", "gone.yaml", 3.5, {}]})
    assert [(one.code, one.span, one.path) for one in found] == [
        ("SG170", None, "include[1]"),
        ("SG170", None, "include[2]"),
        ("SG122", None, "include[3]"),
    ]


def test_a_tree_may_be_refused_to_include_others() -> None:
    write(a_yaml=OUT)
    tree, _ = parse(HEAD + "include: a.yaml\n" + IN, "sent", "yaml")
    assert tree is not None
    base = Path.cwd()
    graph, found = load_tree(
        tree, base=base, output=base, set_vars={}, secrets="strict", env={}, includes=False
    )
    assert graph is None
    assert [(one.code, one.headline) for one in found] == [
        ("SG170", "this document may not include others")
    ]


# --- places ---------------------------------------------------------------------------------------


def test_places_are_those_a_user_would_open(tmp_path: Path, monkeypatch: Any) -> None:
    write(
        g__main_yaml=HEAD + "include: [p/a.yaml]\n" + IN,
        g__p__a_yaml="include: ../q/b.json\nsinks: {out: {kind: queue, to: b, capacty: 3}}\n",
        g__q__b_json='{"sinks": {"b": {"kind": "stdot"}}}',
    )
    expected = ["SG120 {}p/a.yaml:2:35", "SG124 {}q/b.json:1:26"]
    assert found_in("g/main.yaml") == [one.format("g/") for one in expected]
    whole = str(tmp_path / "g" / "main.yaml")
    assert found_in(whole) == [one.format(f"{tmp_path}/g/") for one in expected]
    monkeypatch.chdir(tmp_path / "g" / "p")
    assert found_in("../main.yaml") == ["SG120 ../p/a.yaml:2:35", "SG124 ../q/b.json:1:26"]


def test_programs_are_told_the_file_of_each_place() -> None:
    write(main_yaml=HEAD + "include: a.yaml\n" + IN + OUT, a_yaml="vars: {}\n" + OUT)
    found = load_graph("main.yaml")[1]
    (told,) = json.loads(render_json(found))
    assert (told["file"], told["line"]) == ("main.yaml", 5)
    assert [(one["file"], one["line"]) for one in told["secondary"]] == [("a.yaml", 2)]
    result = json.loads(render_sarif(found))["runs"][0]["results"][0]
    place = result["relatedLocations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a.yaml"}


def test_a_near_name_in_another_file_is_told_with_its_file() -> None:
    write(main_yaml=HEAD + "include: a.yaml\nsources: {in: {kind: stdin, to: ut}}\n", a_yaml=OUT)
    (found,) = [one for one in load_graph("main.yaml")[1] if one.code == "SG204"]
    assert found.help == ("a sink named `out` is declared in `a.yaml` on line 1",)


def test_no_excerpt_of_an_included_document_shows_a_secret() -> None:
    sink = (
        "sinks: {out: {kind: http, url: 'http://h/', headers: {Authorization: hunter2}, typo: 1}}\n"
    )
    write(main_yaml=HEAD + "include: a.yaml\n" + IN, a_yaml=sink)
    from sinkgraph.diagnostics.report import render_human

    text = render_human(load_graph("main.yaml")[1])
    assert "typo" in text
    assert "hunter2" not in text


def test_a_field_that_is_lost_belongs_to_no_node_of_another_file() -> None:
    write(
        main_yaml=HEAD + "include: a.yaml\n" + IN + "sinks: {capacity: 5, to: out}\n",
        a_yaml="sinks: {out: {kind: stdout}, q: {kind: queue, to: out}}\n",
    )
    found = load_graph("main.yaml")[1]
    assert not any("`q`" in one.headline for one in found if one.severity == "error")
    assert [str(one.span) for one in found if one.code == "SG122"] == [
        "main.yaml:5:19",
        "main.yaml:5:26",
    ]


# --- clashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "code", "again", "first"),
    [
        ("vars: {x: {default: 1}}", "SG173", (3, 8), (1, 8)),
        ("defaults: {queue: {capacity: 1}}", "SG173", (3, 20), (1, 20)),
        ("templates: {t: {}}", "SG173", (3, 13), (1, 13)),
        ("sinks: {out: {kind: stdout}}", "SG201", (3, 9), (1, 9)),
        ("sources: {in: {kind: stdin, to: out}}", "SG201", (3, 11), (1, 11)),
    ],
)
def test_what_two_documents_declare_is_shown_at_both_places(
    section: str, code: str, again: tuple[int, int], first: tuple[int, int]
) -> None:
    write(main_yaml=f"sinkgraph: 1\nname: main\n{section}\ninclude: a.yaml\n", a_yaml=section)
    found = [one for one in load_graph("main.yaml")[1] if one.code == code]
    (one,) = found
    assert one.span is not None
    assert (one.span.source.name, one.span.line, one.span.col) == ("main.yaml", *again)
    (label,) = one.secondary
    assert (label.span.source.name, label.span.line, label.span.col) == ("a.yaml", *first)


def test_a_var_of_an_included_document_is_overridden_from_outside() -> None:
    write(
        main_yaml=HEAD + "include: a.yaml\n" + IN,
        a_yaml="vars: {f: {default: a}}\nsinks: {out: {kind: file, path: '${var:f}'}}\n",
    )
    assert "path" in str(sinkgraph.load("main.yaml", set_vars={"f": "b"}).nodes["out"].spec)
    spec = sinkgraph.load("main.yaml", set_vars={"f": "b"}).nodes["out"].spec
    assert isinstance(spec, FileSinkSpec)
    assert spec.path == "b"


@pytest.mark.parametrize("section", ["vars", "sinks", "defaults", "promises", "sources"])
def test_a_section_that_is_none_is_said_in_its_own_file(section: str) -> None:
    good = "[]" if section == "promises" else "{}"
    write(
        main_yaml=f"{HEAD}include: [a.yaml, b.yaml]\n",
        a_yaml=f"{section}: {good}\n",
        b_yaml=f"{section}: nonsense\n",
    )
    assert f"SG122 b.yaml:1:{len(section) + 3}" in found_in("main.yaml")
    assert not any(one.startswith("SG122 a.yaml") for one in found_in("main.yaml"))


# --- what cannot be read --------------------------------------------------------------------------


def test_what_is_not_known_silences_what_it_may_declare() -> None:
    write(
        main_yaml=HEAD + "include: [gone.yaml]\nsources: {in: {kind: stdin, to: x}}\n"
        "sinks: {a: {kind: http, url: '${var:u}'}, b: {kind: mine}, c: {kind: queue}}\n"
    )
    assert found_in("main.yaml") == ["SG170 main.yaml:3:11"]
    write(main_yaml=Path("main.yaml").read_text() + "naem: 3\n")
    assert found_in("main.yaml") == ["SG170 main.yaml:3:11", "SG120 main.yaml:6:1"]


def test_what_is_no_document_is_told_at_its_entry(tmp_path: Path) -> None:
    os.mkfifo("pipe.yaml")
    Path("folder.yaml").mkdir()
    Path("big.yaml").write_bytes(b"#" * (16 * 1024**2 + 1))
    Path("loop.yaml").symlink_to("loop.yaml")
    write(empty_yaml="", long_yaml="x")
    names = ["pipe.yaml", "folder.yaml", "big.yaml", "loop.yaml", "empty.yaml", "-", "a" * 300]
    for name in [*names, "no\0de.yaml", "a/../b.yaml", "~/x.yaml", "/dev/zero", "/dev/null"]:
        Path("main.yaml").write_text(HEAD + f"include: {json.dumps(name)}\n" + IN)
        (found,) = load_graph("main.yaml")[1]
        assert found.code == ("SG174" if name == "big.yaml" else "SG170"), name
        assert (found.span.line, found.span.col) == (3, 10) if found.span else False


def test_a_document_that_may_not_be_read_is_told_at_its_entry() -> None:
    with a_folder() as folder:
        main = folder / "main.yaml"
        main.write_text(HEAD + "include: a.yaml\n" + IN)
        (folder / "a.yaml").write_text(OUT)
        assert load_graph(main)[1] == []
        (folder / "a.yaml").chmod(0)
        with rights_of_nobody(folder):
            (found,) = load_graph(main)[1]
    assert (found.code, found.label) == ("SG170", "may not be read by this user")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"sinks: {out: [}", "SG105"),
        (b"- a\n", "SG114"),
        (b"\xff\xfes", "SG102"),
        (b"a: \xe9", "SG102"),
        (b"a: 1\n---\nb: 1\n", "SG109"),
        (b"x: \x00", "SG117"),
    ],
)
def test_a_text_that_is_none_is_told_in_its_own_file(content: bytes, code: str) -> None:
    write(main_yaml=HEAD + "include: a.yaml\n" + IN)
    Path("a.yaml").write_bytes(content)
    found = load_graph("main.yaml")[1]
    assert codes(found)[0] == code
    assert found[0].span is not None
    assert found[0].span.source.name == "a.yaml"
    assert not {"SG204", "SG202"} & set(codes(found))


def test_circles_show_the_whole_way() -> None:
    write(
        main_yaml=HEAD + "include: a.yaml\n" + IN + OUT,
        a_yaml="include: b.toml\n",
        b_toml='include = ["c.json"]\n',
        c_json='{"include": "a.yaml"}',
    )
    (found,) = load_graph("main.yaml")[1]
    assert (found.code, found.where) == ("SG171", "c.json:1:13")
    assert [str(one.span) for one in found.secondary] == ["a.yaml:1:10", "b.toml:1:12"]
    assert found.notes == ("the way is `a.yaml → b.toml → c.json → a.yaml`",)


def test_a_circle_through_a_link_is_one() -> None:
    write(main_yaml=HEAD + "include: link.yaml\n" + IN + OUT)
    Path("link.yaml").symlink_to("main.yaml")
    assert found_in("main.yaml") == ["SG171 main.yaml:3:10"]


# --- limits ---------------------------------------------------------------------------------------


def chain(length: int) -> None:
    for n in range(1, length + 1):
        write(**{f"c{n}_yaml": f"include: c{n + 1}.yaml\n" if n < length else OUT})


def test_twenty_documents_in_a_row_are_read_and_not_one_more() -> None:
    write(main_yaml=HEAD + "include: c1.yaml\n" + IN)
    chain(20)
    assert found_in("main.yaml") == []
    chain(21)
    assert found_in("main.yaml") == ["SG174 c20.yaml:1:10"]


def test_so_many_documents_are_read_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FILES", 3)
    write(**{f"p__{n}_yaml": "vars: {}\n" for n in range(3)})
    write(main_yaml=HEAD + 'include: ["p/*.yaml"]\n' + IN + OUT)
    assert found_in("main.yaml") == []
    write(p__x_yaml="vars: {}\n")
    assert found_in("main.yaml") == ["SG174 main.yaml:3:11"]
    write(main_yaml=HEAD + "include: [a.yaml, b.yaml, c.yaml, d.yaml]\n" + IN + OUT)
    assert found_in("main.yaml") == ["SG174 main.yaml:3:35"], "and none of them is looked for"


def test_size_and_values_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    write(main_yaml=HEAD + "include: [a.yaml, b.yaml]\n" + IN + OUT)
    write(a_yaml="vars: {}\n" + "# x\n" * 100, b_yaml="vars: {}\n" + "# x\n" * 100)
    monkeypatch.setattr(reading, "MAX_BYTES", 700)
    assert found_in("main.yaml") == ["SG174 main.yaml:3:19"]
    monkeypatch.setattr(reading, "MAX_BYTES", 16 * 1024**2)
    write(a_yaml=f"vars: {{x: {{default: [{'1, ' * 200}]}}}}\n")
    write(b_yaml=f"vars: {{y: {{default: [{'1, ' * 200}]}}}}\n")
    monkeypatch.setattr(reading, "MAX_VALUES", 300)
    assert "SG174 main.yaml:3:19" in found_in("main.yaml")


def test_a_document_that_includes_everything_twice_over_is_read_once_each() -> None:
    every = [f"n{n}.yaml" for n in range(30)]
    write(main_yaml=HEAD + f"include: {json.dumps(every)}\n" + IN + OUT)
    for n in range(30):
        later = [one for one in every if int(one[1:-5]) > n][:19]
        write(**{f"n{n}_yaml": f"include: {json.dumps(later)}\n"})
    found = found_in("main.yaml")
    assert len(found) <= 1, "deeper than 20 at most"


# --- inputs ---------------------------------------------------------------------------------------


def test_what_is_read_is_relative_to_the_document_that_writes_it() -> None:
    write(
        g__main_yaml=HEAD
        + "include: [p/a.yaml]\nsources:\n"
        + "  m: {kind: file, paths: [m.log, p/x.log], schema: s.schema.json, to: out}\n",
        g__p__a_yaml="sources:\n  a: {kind: file, paths: [a.log, ../m.log, /abs.log, 'q/*.log'], "
        "schema: ./s.schema.json, to: out}\n  d: {kind: stdin, schema: docker.registry, to: out}\n"
        "sinks:\n  out: {kind: queue, to: h}\n"
        "  h: {kind: http, url: 'http://h/${file:t.txt}', description: '${file:../t.txt}'}\n",
        g__s__schema_json="{}",
        g__p__t_txt="inner\n",
        g__t_txt="outer\n",
    )
    for folder in ("g", "g/p"):
        Path(folder, "s.schema.json").write_text('{"type": "object"}')
    graph = sinkgraph.load("g/main.yaml")
    main, part, hook = (graph.nodes[one].spec for one in ("m", "a", "h"))
    assert isinstance(main, FileSourceSpec)
    assert isinstance(part, FileSourceSpec)
    assert isinstance(hook, HttpSinkSpec)
    assert main.paths == ("m.log", "p/x.log")
    assert part.paths == ("p/a.log", "m.log", "/abs.log", "p/q/*.log")
    assert (main.schema_, part.schema_) == ("s.schema.json", "p/s.schema.json")
    assert (hook.url, hook.description) == ("http://h/inner", "outer")
    assert graph.files == tuple(
        os.path.abspath(f"g/{one}")
        for one in ("main.yaml", "p/a.yaml", "p/s.schema.json", "s.schema.json")
    )


def test_defaults_and_filled_paths_are_relative_to_where_the_field_is_written() -> None:
    write(
        main_yaml=HEAD + "include: p/a.yaml\nvars: {log: {default: x.log}}\n"
        "sources: {m: {kind: file, to: out}}\n" + OUT,
        p__a_yaml="defaults: {file: {paths: ['${var:log}', '${env:NOT_SET}']}}\n",
    )
    graph, _ = load_graph("main.yaml", env={})
    assert graph is not None
    spec = graph.nodes["m"].spec
    assert isinstance(spec, FileSourceSpec)
    assert spec.paths[0] == "p/x.log"


def test_a_folder_whose_name_looks_like_a_glob_is_not_read_as_one() -> None:
    write(main_yaml=HEAD + "include: 'p[1]/a.yaml'\n" + OUT)
    Path("p[1]").mkdir()
    Path("p[1]/a.yaml").write_text("sources: {m: {kind: file, paths: ['*.log'], to: out}}\n")
    spec = sinkgraph.load("main.yaml").nodes["m"].spec
    assert isinstance(spec, FileSourceSpec)
    assert spec.paths == ("p[[]1]/*.log",)


def test_a_way_up_behind_a_link_leads_where_it_leads_for_the_system() -> None:
    write(
        main_yaml=HEAD + "include: link/a.yaml\n" + OUT,
        far__deep__a_yaml="sources: {m: {kind: file, paths: [../x.log], to: out}}\n",
    )
    Path("link").symlink_to("far/deep", target_is_directory=True)
    spec = sinkgraph.load("main.yaml").nodes["m"].spec
    assert isinstance(spec, FileSourceSpec)
    assert os.path.join(os.path.realpath("far"), "x.log") in spec.paths


def test_all_that_was_looked_at_is_told_also_when_it_is_not_there() -> None:
    write(
        g__main_yaml=HEAD + "include: [gone.yaml, 'p/*.yaml', 'none/*.yaml']\n" + IN,
        g__p__a_yaml=OUT,
    )
    looked = Looked()
    assert load_graph("g/main.yaml", looked=looked)[0] is None
    assert looked.files == [
        os.path.abspath(f"g/{x}") for x in ("main.yaml", "gone.yaml", "p/a.yaml")
    ]
    assert looked.folders == [os.path.abspath(one) for one in ("g/p", "g")]
    assert looked.secrets == []
    write(g__p__a_yaml="sinks: {out: {kind: http, url: '${file:url}/${file:/no/such}'}}\n")
    load_graph("g/main.yaml", looked=(looked := Looked()))
    assert looked.secrets == [os.path.abspath("g/p/url"), "/no/such"]
