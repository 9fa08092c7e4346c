"""What is wrong in a template is one finding at its smallest place."""

from __future__ import annotations

import pytest

from tests.spec.templates.documents import ENDS, HEAD, codes_at, read

WRONG = [
    ("{}", "SG121", "t"),
    ("hello", "SG122", "hello"),
    ("{params: [x], node: {kind: stdout}}", "SG122", "[x]"),
    ("{params: {x: y}, node: {kind: stdout}}", "SG122", "y"),
    ('{params: {"1": {type: any}}, node: {kind: stdout}}', "SG128", '"1"'),
    ("{params: {kind: {type: any}}, node: {kind: stdout}}", "SG128", "kind"),
    ("{params: {key: {type: any}}, node: {kind: stdout}}", "SG128", "key"),
    ("{params: {x: {type: duration, default: 5}}, node: {kind: stdout}}", "SG127", "5"),
    ("{params: {x: {type: text}}, node: {kind: stdout}}", "SG123", "text"),
    ("{params: {x: {type: integer, choices: [a]}}, node: {kind: stdout}}", "SG142", "choices"),
    ("{params: {x: {type: integer, min: 3, max: 1}}, node: {kind: stdout}}", "SG140", "3"),
    ("{nodes: {kind: stdout}}", "SG120", "nodes"),
    ("{node: [x]}", "SG122", "[x]"),
    ("{node: {kind: nope}}", "SG124", "nope"),
    ("{node: {kind: stdin}}", "SG124", "stdin"),
    ("{node: {kind: queue}}", "SG121", "{kind: queue}"),
    ("{node: {kind: queue, to: [a, b]}}", "SG205", "[a, b]"),
    ("{node: {kind: broadcast, to: []}}", "SG211", "[]"),
    ("{node: {kind: stdout, name: x}}", "SG162", "name"),
    ("{node: {kind: stdout, was: x}}", "SG120", "was"),
    ("{node: {kind: queue, to: out, pass: some}}", "SG162", "some"),
    ("{node: {kind: queue, to: out, pass: [to]}}", "SG120", "to"),
    ("{node: {kind: queue, to: out, pass: [group]}}", "SG120", "group"),
    ("{node: {kind: queue, to: {kind: stdout, given: x}}}", "SG134", "x"),
    ("{node: {kind: filter, where: params.x == 1, to: out}}", "SG134", "params.x"),
    ("{node: {kind: filter, where: params, to: out}}", "SG134", "params"),
    ("{node: {kind: filter, where: data. == 1, to: out}}", "SG402", "=="),
    ("{params: {m: {type: mapping}}, node: {kind: file, path: 'a${param:m}'}}", "SG162",
     "'a${param:m}'"),
    ("{params: {n: {type: node}}, node: {kind: file, path: '${param:n}'}}", "SG162",
     "'${param:n}'"),
    ("{params: {n: {type: string}}, node: {kind: queue, to: '${param:n}'}}", "SG162",
     "'${param:n}'"),
    ("{params: {n: {type: any}}, node: {kind: queue, to: {kind: stdout, given: n}}}", "SG162",
     "given"),
    ("{params: {n: {type: any}}, node: {kind: queue, to: {kind: stdout, each: n}}}", "SG162",
     "n"),
    ("{node: {kind: file, path: '${param:}'}}", "SG130", "${param:}"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "code", "place"), WRONG, ids=[one[0] for one in WRONG])
def test_a_mistake_in_a_template_is_one_finding(template: str, code: str, place: str) -> None:
    text = f"{HEAD}templates:\n  t: {template}\n{ENDS}  use: {{kind: t}}\n  out: {{kind: stdout}}\n"
    _, found = read(text)
    at_template = [one for one in codes_at(found) if one[1] == 4]
    assert at_template == [(code, 4, place)], found


def test_a_param_outside_of_templates_is_told() -> None:
    _, found = read(f"{HEAD}{ENDS}  use: {{kind: file, path: '${{param:x}}'}}\n")
    assert codes_at(found) == [("SG130", 6, "${param:x}")]


def test_a_kind_of_a_wrong_template_is_no_further_finding() -> None:
    _, found = read(
        f"{HEAD}templates:\n  t: {{node: {{kind: nope}}}}\n{ENDS}  use: {{kind: t, a: 1}}\n"
    )
    assert [one[0] for one in codes_at(found)] == ["SG124"]


def test_two_nodes_may_pass_one_field_only_if_they_read_it_alike() -> None:
    end = "{kind: http, url: 'http://x/', pass: [concurrency]}"
    body = f"{{kind: queue, pass: [concurrency], to: {end}}}"
    _, found = read(f"{HEAD}templates:\n  t: {{node: {body}}}\n{ENDS}  use: {{kind: stdout}}\n")
    assert [one[0] for one in codes_at(found)] == ["SG162"]
    end = "{kind: retry, pass: [dead_letter], to: {kind: stdout}}"
    alike = f"{{kind: queue, pass: [dead_letter], to: {end}}}"
    graph, found = read(
        f"{HEAD}templates:\n  t: {{node: {alike}}}\n{ENDS}  use: {{kind: t, dead_letter: out}}\n"
        "  out: {kind: file, path: a}\n"
    )
    assert graph is not None, found
    assert {one.source for one in graph.edges if one.target == "out"} == {"use", "use.retry"}
