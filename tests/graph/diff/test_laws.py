"""What holds for the plan between any two documents."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinkgraph.graph.diff import ACTIONS, Plan, diff
from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from tests.graph.diff.drawing import drawn, edited

SEEDS = st.integers(0, 10**6)
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=False
)


@st.composite
def pairs(draw: st.DrawFn, *, named_alike: bool = False) -> tuple[Graph, Graph]:
    """Draw two documents: often one and an edit of it, else two that share some names."""
    first = drawn(draw(SEEDS))
    second = drawn(draw(SEEDS)) if draw(st.booleans()) else edited(first, draw(SEEDS))
    if named_alike:
        for node in second["sinks"].values():
            node.pop("was", None)
    return load(first), load(second)


def former(plan: Plan) -> list[str]:
    """Return the names that the nodes of a plan had in the old graph."""
    return [one.was or one.name for one in plan.changes if one.action != "add"]


@given(SEEDS)
@FEW
def test_a_graph_against_itself_keeps_every_node(seed: int) -> None:
    document = drawn(seed)
    plan = diff(load(document), load(copy.deepcopy(document)))
    assert not plan
    assert {one.action for one in plan.changes} == {"keep"}
    assert not any(one.changes or one.forgets or one.fate for one in plan.changes)


@given(pairs())
@FEW
def test_every_node_of_both_is_there_exactly_once(graphs: tuple[Graph, Graph]) -> None:
    before, after = graphs
    plan = diff(before, after)
    stays = [one.name for one in plan.changes if one.action != "remove"]
    gone = [one.name for one in plan.changes if one.action == "remove"]
    assert stays == list(after.nodes)
    assert plan.changes[len(stays) :] == plan.by_action()["remove"]
    assert sorted(former(plan)) == sorted(before.nodes)
    assert gone == [name for name in before.nodes if name in set(gone)]
    assert sum(map(len, plan.by_action().values())) == len(plan.changes)
    assert set(plan.by_action()) == set(ACTIONS)


Ways = list[tuple[str, str, bool]]


def applied(plan: Plan, before: Graph, after: Graph) -> dict[str, Any]:
    """Return the nodes one has who does what a plan says, and nothing else.

    What is added or replaced is built from the new document. Every other node is the old one, with
    its own edges, and gets the fields and ports that are told.
    """
    name_now = {one.was or one.name: one.name for one in plan.changes if one.action != "add"}
    made: dict[str, Any] = {}
    for one in plan.changes:
        if one.action == "remove":
            continue
        new, ways = after.nodes[one.name], ways_of(after, one.name)
        kind, fields = new.kind, dumped(after, one.name)
        if one.action not in ("add", "replace"):
            told = {change.field.partition(".")[0] for change in one.changes}
            was = one.was or one.name
            kind = before.nodes[was].kind
            fields = dumped(before, was) | {key: fields[key] for key in told if key in fields}
            held = [(port, name_now[to], must) for port, to, must in ways_of(before, was)]
            ways = [way for way in held if head(way) not in told]
            ways += [way for way in ways_of(after, one.name) if head(way) in told]
        made[one.name] = (kind, _settings(fields), sorted(ways))
    return made


def ways_of(graph: Graph, name: str) -> Ways:
    return [(edge.port, edge.target, edge.required) for edge in graph.downstream(name)]


def head(way: tuple[str, str, bool]) -> str:
    return way[0].partition(".")[0]


def dumped(graph: Graph, name: str) -> dict[str, Any]:
    return graph.nodes[name].spec.model_dump(mode="json", by_alias=True)


def _settings(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are neither ports nor say which node it is."""
    apart = {"to", "otherwise", "dead_letter", "overflow", "default", "routes", "was", "kind"}
    return {key: value for key, value in fields.items() if key not in apart}


@given(pairs())
@FEW
def test_who_does_what_the_plan_says_has_the_new_graph(graphs: tuple[Graph, Graph]) -> None:
    before, after = graphs
    wanted = {
        name: (node.kind, _settings(dumped(after, name)), sorted(ways_of(after, name)))
        for name, node in after.nodes.items()
    }
    assert applied(diff(before, after), before, after) == wanted


@given(pairs(named_alike=True))
@FEW
def test_the_way_back_mirrors_what_comes_and_goes(graphs: tuple[Graph, Graph]) -> None:
    before, after = graphs
    there, back = diff(before, after), diff(after, before)
    mirrored = {"add": "remove", "remove": "add"}
    forth = {one.name: mirrored.get(one.action, one.action) for one in there.changes}
    assert forth == {one.name: one.action for one in back.changes}
    assert (there.before, there.after) == (back.after, back.before)
    for one in there.changes:
        other = back.of(one.name)
        if one.action in ("keep", "retune") or (one.action == "replace" and one.kind == other.kind):
            told = sorted((change.before, change.after) for change in one.changes)
            assert told == sorted((change.after, change.before) for change in other.changes)


@given(pairs())
@FEW
def test_what_is_retuned_or_replaced_says_what_differs(graphs: tuple[Graph, Graph]) -> None:
    for one in diff(*graphs).changes:
        assert one.reason
        assert one.events
        if one.action in ("retune", "replace"):
            assert one.changes or one.forgets
            replaced = any(not change.tunable for change in one.changes)
            assert replaced == (one.action == "replace")
        elif one.action in ("add", "remove"):
            assert not one.changes
        if one.fate:
            assert one.action == "remove" or one.changes[0].field == "kind"


@given(pairs())
@FEW
def test_a_plan_is_json(graphs: tuple[Graph, Graph]) -> None:
    plan = diff(*graphs)
    told = json.loads(json.dumps(plan.as_dict()))
    assert [one["name"] for one in told["nodes"]] == [one.name for one in plan.changes]
    assert told["changed"] == bool(plan)
    assert sum(told["counts"].values()) == len(plan.changes)
