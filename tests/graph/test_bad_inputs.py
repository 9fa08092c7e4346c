"""Every kind of bad document there is a promise about (G1–G47) gives exactly the finding it should.

Documents that can be read stand in graphs/broken, by item in `BROKEN_DOCUMENTS`; here are those
that are too large, no text, or depend on what is beside them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.report import render_concise
from sinkgraph.graph.load import load_graph
from tests.graph.broken import BROKEN

BROKEN_DOCUMENTS: dict[int, tuple[str, ...]] = {
    6: ("alias-bomb.yaml",),
    7: ("merge-keys.yaml",),
    8: ("self-alias.yaml",),
    9: ("duplicate-keys.yaml", "duplicate-keys.toml", "duplicate-keys.json"),
    10: ("two-documents.yaml",),
    11: ("tags.yaml",),
    12: ("list.yaml",),
    13: ("unknown-key.yaml", "misplaced-keys.yaml"),
    14: ("unknown-kind.yaml",),
    15: ("names.yaml", "bad-names.yaml"),
    16: ("bad-names.yaml", "names.yaml"),
    17: ("unknown-target.yaml",),
    18: ("self-edge.yaml",),
    19: ("cycle.yaml", "two-cycles.yaml"),
    20: ("unreachable.yaml",),
    21: ("no-sink.yaml", "no-source.yaml"),
    22: ("disabled-target.yaml",),
    23: ("port-arity.yaml",),
    26: ("shared-resources.yaml",),
    27: ("dead-letter-upstream.yaml",),
    28: ("yaml-surprises.yaml",),
    29: ("wrong-type.yaml", "limits.yaml"),
    30: ("limits.yaml",),
    31: ("durations.yaml",),
    33: ("policies.yaml",),
    34: ("secrets.yaml",),
    35: ("written-secret.yaml",),
    36: ("interpolation.yaml",),
    37: ("urls.yaml", "addresses.yaml"),
    38: ("urls.yaml", "addresses.yaml"),
    39: ("headers.yaml", "addresses.yaml"),
    40: ("paths.yaml",),
    41: ("expressions.yaml",),
    43: ("newer-version.yaml", "head.yaml"),
    46: ("tabs.yaml",),
    47: ("renames.yaml",),
}
GENERATED = {1, 2, 3, 4, 5, 12, 15, 24, 25, 26, 28, 32, 34, 36, 40, 41, 44, 46}
ELSEWHERE = {
    42: "tests/sinks/test_filter.py",  # an expression fails on an event: `on_error`
    45: "tests/e2e/test_start.py",  # a port is taken when the graph starts
}

HEAD = "sinkgraph: 1\nname: g\nsources:\n  in: {kind: stdin, to: out}\nsinks:\n"
GOOD = f"{HEAD}  out: {{kind: stdout}}\n"


CONTROL = "error[SG117] the document holds a character no document may hold"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found_in(
    content: str | bytes, name: str = "g.yaml", *, env: dict[str, str] | None = None, **how: Any
) -> list[Diagnostic]:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_graph(name, env=env or {}, **how)[1]


def lines(content: str | bytes, name: str = "g.yaml", **how: Any) -> list[str]:
    return render_concise(found_in(content, name, **how)).splitlines()


# --- every item ----------------------------------------------------------------------------------


def test_every_item_has_a_document_or_a_test() -> None:
    assert {*BROKEN_DOCUMENTS, *GENERATED, *ELSEWHERE} == set(range(1, 48))
    text = Path(__file__).read_text(encoding="utf-8")
    assert {int(one) for one in re.findall(r"^def test_g(\d+)_", text, re.MULTILINE)} == GENERATED
    for path in ELSEWHERE.values():
        assert (Path(__file__).parents[2] / path).is_file()


def test_every_document_named_here_is_there() -> None:
    for names in BROKEN_DOCUMENTS.values():
        for name in names:
            assert (BROKEN / name).is_file(), name


# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[("g.yaml", text) for text in ("", "\n\n", "# nothing\n", "---\n...\n", "\ufeff")],
        *[("g.toml", ""), ("g.toml", "# nothing\n"), ("g.json", ""), ("g.json", "  \n")],
    ],
)
def test_g1_an_empty_file_says_so(name: str, text: str) -> None:
    assert lines(text, name) == [f"{name}:1:1: error[SG104] the document is empty"]


def test_g1_an_empty_object_says_what_it_lacks() -> None:
    assert [one.code for one in found_in("{}", "g.json")] == ["SG121", "SG125", "SG202"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"sinkgraph: 1\nname: a\0b\n", f"2:8: {CONTROL}"),
        (b"\x7fELF\x02\x01\x01\0\0\0", f"1:1: {CONTROL}"),
        (GOOD.encode("utf-16"), "1:1: error[SG102] the document is UTF-16, not UTF-8"),
        (GOOD.encode("utf-16-be"), "1:1: error[SG102] the document is UTF-16, not UTF-8"),
        (GOOD.encode("utf-32"), "1:1: error[SG102] the document is UTF-32, not UTF-8"),
        (f"\ufeff\ufeff{GOOD}".encode(), f"1:1: {CONTROL}"),
    ],
)
def test_g2_what_is_no_text_is_refused_at_its_first_byte(content: bytes, line: str) -> None:
    assert lines(content) == [f"g.yaml:{line}"]


def test_g2_one_byte_order_mark_is_read_away() -> None:
    assert lines(b"\xef\xbb\xbf" + GOOD.encode()) == []


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
@pytest.mark.parametrize("name", ["g.yaml", "g.toml", "g.json"])
def test_g3_bytes_that_are_no_utf8_are_refused_where_they_stand(name: str, bad: bytes) -> None:
    assert lines(b"ok\nab" + bad, name) == [
        f"{name}:2:3: error[SG102] the document is not UTF-8 text"
    ]


def test_g4_more_than_16_mib_is_refused() -> None:
    size = 16 * 1024**2 + 1
    assert lines(b"#" * size) == [
        f"g.yaml:1:1: error[SG103] the document has {size} bytes, more than 16 MiB"
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.yaml", GOOD + "tests: " + "[" * 5000 + "]" * 5000),
        ("g.yaml", GOOD + "tests: " + "{a: " * 5000 + "}" * 5000),
        ("g.yaml", GOOD + "tests:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 5000))),
        ("g.json", '{"a": ' + "[" * 5000 + "]" * 5000 + "}"),
        ("g.json", '{"a": ' * 5000 + "1" + "}" * 5000),
        ("g.toml", "a = " + "[" * 5000 + "]" * 5000),
        ("g.toml", "a = " + "{a = " * 5000 + "1" + "}" * 5000),
        ("g.toml", "a" + ".a" * 5000 + " = 1"),
    ],
)  # fmt: skip
def test_g5_depth_is_refused_at_level_65(name: str, text: str) -> None:
    (one,) = found_in(text, name)
    assert (one.code, one.headline) == ("SG107", "values are nested more than 64 deep")
    assert one.label == "level 65 begins here"
    assert one.span is not None


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("g.yaml", "just words\n", "single value"),
        ("g.yaml", "42\n", "single value"),
        ("g.json", '"text"', "single value"),
        ("g.json", "[1]", "list"),
        ("g.yaml", "- a\n- b\n", "list"),
    ],
)
def test_g12_the_top_level_is_a_mapping(name: str, text: str, what: str) -> None:
    assert lines(text, name) == [
        f"{name}:1:1: error[SG114] the document is a {what}, not a mapping"
    ]


# --- names and size ------------------------------------------------------------------------------


def test_g15_a_name_that_differs_by_case_only_is_given_twice() -> None:
    text = HEAD + "  out: {kind: queue, to: OUT}\n  OUT: {kind: stdout}\n"
    assert lines(text) == [
        "g.yaml:7:3: error[SG201] the name `OUT` differs from `out` by look only"
    ]


def test_g24_more_than_10000_nodes_are_refused() -> None:
    chain = "".join(f"  q{n}: {{kind: queue, to: q{n + 1}}}\n" for n in range(10_000))
    text = HEAD.replace("to: out", "to: q0") + chain + "  q10000: {kind: stdout}\n"
    assert lines(text) == [
        "g.yaml:10005:3: error[SG212] the document declares 10,002 nodes, and 10,000 are allowed"
    ]


def test_g24_a_fan_out_of_1001_is_refused() -> None:
    names = [f"b{n}" for n in range(1_001)]
    ends = "".join(f"  {name}: {{kind: blackhole}}\n" for name in names)
    text = HEAD + f"  out: {{kind: broadcast, to: [{', '.join(names)}]}}\n" + ends
    (one,) = found_in(text)
    assert one.headline == "broadcast `out` has 1,001 targets, and 1,000 are allowed"
    assert one.span is not None
    assert (one.code, one.span.text) == ("SG213", "b1000")


def chain(count: int, kind: Callable[[int], str]) -> str:
    nodes = "".join(f"  n{n}: {{kind: {kind(n)}, to: n{n + 1}}}\n" for n in range(count))
    return HEAD.replace("to: out", "to: n0") + nodes + f"  n{count}: {{kind: stdout}}\n"


def test_g25_a_chain_of_2000_nodes_with_queues_works() -> None:
    text = chain(2_000, lambda n: "queue" if n % 100 == 0 else "timeout, after: 1s")
    assert [one for one in found_in(text) if one.severity == "error"] == []
    graph, _ = load_graph("g.yaml", env={})
    assert graph is not None
    assert len(graph.order) == 2_003


def test_g25_more_than_200_nodes_without_a_queue_are_refused() -> None:
    (one,) = found_in(chain(250, lambda _: "timeout, after: 1s"))
    assert one.headline == "more than 200 nodes follow each other without a queue"
    assert one.span is not None
    assert (one.code, one.span.text) == ("SG214", "n199")


# --- values --------------------------------------------------------------------------------------


def test_g26_two_sinks_with_one_real_path_are_found(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "also").symlink_to("real")
    text = HEAD + (
        "  out: {kind: broadcast, to: [a, b, c]}\n"
        "  a: {kind: file, path: real/x.jsonl}\n"
        "  b: {kind: file, path: also/x.jsonl}\n"
        "  c: {kind: file, path: ./real/X.JSONL}\n"
    )
    assert lines(text) == [
        "g.yaml:8:25: error[SG512] sinks `a` and `b` write to one file, `also/x.jsonl`",
        "g.yaml:9:25: error[SG512] sinks `a` and `c` write to one file, `./real/X.JSONL`",
    ]


def test_g28_scalars_are_taken_as_they_are_written() -> None:
    text = (
        "sinkgraph: 1\nname: 1.10\nsources:\n"
        "  no: {kind: generate, count: 0777, to: on, event: {country: no, at: 12:30:45, "
        "day: 2026-01-31, 1.5: x, big: 1e3}}\n"
        "sinks:\n  on: {kind: queue, capacity: 0x10, to: 0012345}\n  0012345: {kind: stdout}\n"
    )
    assert found_in(text) == []
    graph, _ = load_graph("g.yaml", env={})
    assert graph is not None
    assert graph.name == "1.10"
    assert set(graph.nodes) >= {"no", "on", "0012345"}
    source: Any = graph.nodes["no"].spec
    assert source.count == 777
    texts = {"country": "no", "at": "12:30:45", "day": "2026-01-31", "1.5": "x"}
    assert source.event == {**texts, "big": 1000.0}
    queue: Any = graph.nodes["on"].spec
    assert queue.capacity == 16


def test_g32_sizes_are_decimal_or_binary_by_their_unit() -> None:
    text = HEAD + (
        "  out: {kind: queue, max_bytes: 10MB, to: b}\n"
        "  b: {kind: queue, max_bytes: 10MiB, to: c}\n  c: {kind: stdout}\n"
    )
    assert found_in(text) == []
    graph, _ = load_graph("g.yaml", env={})
    assert graph is not None
    sizes: list[Any] = [graph.nodes[name].spec for name in ("out", "b")]
    assert [one.max_bytes for one in sizes] == [10_000_000, 10 * 1024**2]


HOOK = HEAD + "  out: {kind: http, url: 'https://h.example/', headers: {X-Key: '%s'}}\n"


@pytest.mark.parametrize(
    ("said", "code", "problem"),
    [
        ("${env:NOT_SET}", "SG501", "the environment variable `NOT_SET` is not set"),
        ("${env:EMPTY}", "SG501", "the environment variable `EMPTY` is empty"),
        ("${file:missing}", "SG502", "the file `missing` does not exist"),
        ("${file:folder}", "SG502", "the file `folder` is a directory"),
        ("${file:empty}", "SG502", "the file `empty` is empty"),
        ("${file:pipe}", "SG502", "the file `pipe` is not a regular file"),
        ("${file:large}", "SG502", "the file `large` is larger than 65536 bytes"),
    ],
)
def test_g34_a_secret_that_cannot_be_read_warns_and_stops_a_run(
    tmp_path: Path, said: str, code: str, problem: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "large").write_bytes(b"x" * 65_537)
    os.mkfifo(tmp_path / "pipe")
    where = f"g.yaml:6:{HOOK.splitlines()[5].index('%s') + 1}"
    env = {"EMPTY": ""}
    assert lines(HOOK % said, env=env) == [f"{where}: warning[{code}] {problem}"]
    assert lines(HOOK % said, env=env, secrets="strict") == [f"{where}: error[{code}] {problem}"]


def test_g34_one_final_line_break_of_a_secret_is_left_away(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")
    assert found_in(HOOK % "${file:key}", secrets="strict") == []
    graph, _ = load_graph("g.yaml", env={}, secrets="strict")
    assert graph is not None
    spec: Any = graph.nodes["out"].spec
    assert spec.headers["X-Key"].reveal() == "s3cret"


def test_g36_a_value_that_asks_to_be_expanded_again_is_refused() -> None:
    (one,) = found_in(HOOK % "${env:LOOP}", env={"LOOP": "a${env:LOOP}"})
    assert (one.code, one.headline) == ("SG130", "a value holds a `${…}` itself")
    assert one.span is not None
    assert one.span.text == "${env:LOOP}"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("pipe", "SG513] file `out` would write to `pipe`, which is a named pipe, not a file"),
        ("link", "SG513] file `out` would write to `link`, which is a symlink"),
        (
            "away/x.jsonl",
            (
                "SG513] file `out` would write to `away/x.jsonl`, "
                "which leads out of the output directory through a symlink"
            ),
        ),
        (
            "x" * 256,
            (
                "SG123] `path` of file `out`: "
                "the path has a part longer than 255 bytes, or is longer than 4000"
            ),
        ),
        ("a/../../x", "SG123] `path` of file `out`: `a/../../x` climbs with `..`"),
    ],
)
def test_g40_a_path_that_leads_astray_is_refused(tmp_path: Path, path: str, line: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("elsewhere.jsonl")
    (tmp_path / "away").symlink_to("/usr")
    (said,) = lines(HEAD + f"  out: {{kind: file, path: {path}}}\n")
    assert said == f"g.yaml:6:27: error[{line}"


# --- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        "data.a = 1",
        "data.a ==",
        "(" * 1000 + "true" + ")" * 1000,
        "__import__('os')",
        "data.__class__ == open('x')",
        "open('x')",
        "data.a.matches('(')",
        "true && " * 600 + "true",
        "'" + "x" * 1_000_000 + "' == data.a",
    ],
    ids=lambda where: where[:20],
)
def test_g41_an_expression_that_cannot_be_used_is_one_finding_at_its_place(where: str) -> None:
    text = HEAD + f'  out: {{kind: filter, where: "{where}", to: end}}\n  end: {{kind: stdout}}\n'
    (one,) = found_in(text)
    assert one.code in {"SG402", "SG123"}
    assert one.span is not None
    assert one.span.line == 6
    assert len(one.headline) < 500


def test_g41_fields_of_any_name_are_plain_values() -> None:
    where = "data.__class__.__mro__ == 1"
    text = HEAD + f'  out: {{kind: filter, where: "{where}", to: end}}\n  end: {{kind: stdout}}\n'
    assert found_in(text) == []


def test_g41_a_pattern_that_other_engines_hang_on_is_harmless() -> None:
    where = "data.a.matches('(a+)+$')"
    text = HEAD + f'  out: {{kind: filter, where: "{where}", to: end}}\n  end: {{kind: stdout}}\n'
    assert found_in(text) == []  # RE2 takes time in proportion to the text


# --- files ---------------------------------------------------------------------------------------


def test_g44_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "mine.yaml").write_text(GOOD, encoding="utf-8")
    said = {
        name: render_concise(load_graph(name, env={})[1])
        for name in ("gone.yaml", "folder.yaml", "pipe.yaml")
    }

    def forbidden(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", forbidden)
        said["mine.yaml"] = render_concise(load_graph("mine.yaml", env={})[1])
    assert said == {
        "gone.yaml": "gone.yaml:1:1: error[SG101] the document does not exist",
        "folder.yaml": "folder.yaml:1:1: error[SG101] the document is a directory",
        "pipe.yaml": "pipe.yaml:1:1: error[SG101] the document is not a regular file",
        "mine.yaml": "mine.yaml:1:1: error[SG101] the document may not be read by this user",
    }


@pytest.mark.parametrize("name", ["g.yaml", "g.toml", "g.json"])
def test_g46_line_breaks_of_windows_are_line_breaks(name: str) -> None:
    text = {
        "g.yaml": GOOD,
        "g.toml": 'sinkgraph = 1\nname = "g"\n[sources.in]\nkind = "stdin"\nto = "out"\n'
        '[sinks.out]\nkind = "stdout"\n',
        "g.json": '{"sinkgraph": 1,\n"name": "g",\n'
        '"sources": {"in": {"kind": "stdin",\n "to": "out"}},\n'
        '"sinks": {"out": {"kind": "stdout"}}}\n',
    }[name]
    assert lines(text.replace("\n", "\r\n"), name) == []
    broken = text.replace("stdout", "stdot").replace("\n", "\r\n")
    (unix,) = found_in(text.replace("stdout", "stdot"), name)
    (windows,) = found_in(broken, name)
    assert (windows.where, windows.code) == (unix.where, "SG124")


def test_g46_tabs_between_values_are_fine() -> None:
    assert lines(GOOD.replace("name: g", "name:\tg\t# the name")) == []
