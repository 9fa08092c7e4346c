"""What becomes of the events of queues that leave, and what cannot be done with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.errors import DocumentError
from sinkgraph.graph.diff import NodeChange, Plan, diff
from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph

OUT: dict[str, Any] = {"kind": "blackhole"}
DRAINS = "drain in the background to `out`"


def graph(**queues: Any) -> Graph:
    """Return a graph of a broadcast over `keep` and these queues; None stands for no fields."""
    names = ["keep", *queues]
    sinks = {"b": {"kind": "broadcast", "to": names}, "keep": {"kind": "queue", "to": "out"}}
    for name, fields in queues.items():
        sinks[name] = {"kind": "queue", "to": "out", **(fields or {})}
    return load({"sinkgraph": 1, "name": "t", "sinks": {**sinks, "out": OUT}})


def removed(name: str = "q", *, fate: str = "", **fields: Any) -> tuple[NodeChange, Plan]:
    plan = diff(graph(q=fields), graph(), fates={name: fate} if fate else {})
    return plan.of("q"), plan


@pytest.mark.parametrize(
    ("fields", "fate", "carried", "events"),
    [
        (
            {},
            "",
            "drain",
            f"{DRAINS}; the rest become dead letters at the deadline",
        ),
        (
            {"store": "disk"},
            "",
            "drain",
            f"{DRAINS}; the rest stay on disk for the next start",
        ),
        ({"on_remove": "dead_letter"}, "", "dead_letter", "become dead letters"),
        ({"on_remove": "discard"}, "", "discard", "are discarded, and counted"),
        ({"on_remove": {"move_to": "keep"}}, "", "move_to:keep", "move to `keep`"),
        ({"on_remove": "discard"}, "move_to: keep", "move_to:keep", "move to `keep`"),
        ({"store": "disk"}, "keep", "keep", "stay on disk for the next start"),
    ],
)
def test_events_of_a_removed_queue_follow_on_remove_or_what_is_said(
    fields: dict[str, Any], fate: str, carried: str, events: str
) -> None:
    change, plan = removed(fate=fate, **fields)
    assert (change.action, change.fate, change.events) == ("remove", carried, events)
    assert plan.refused == ()


def test_a_move_follows_the_queue_that_was_renamed() -> None:
    old = graph(q={"on_remove": {"move_to": "r"}}, r=None)
    plan = diff(old, graph(s={"was": "r"}))
    assert plan.of("q").fate == "move_to:s"
    assert plan.refused == ()


def refusal(plan: Plan) -> Diagnostic:
    (found,) = plan.refused
    assert (found.code, found.severity) == ("SG230", "error")
    return found


@pytest.mark.parametrize(
    ("said", "headline", "help"),
    [
        (
            {"q": "move_to:nobody"},
            "the events of `q` cannot move to `nobody`",
            "name a queue that stays",
        ),
        ({"q": "move_to:kep"}, "the events of `q` cannot move to `kep`", "the nearest queue is"),
        ({"q": "move_to:out"}, "the events of `q` cannot move to `out`", "name a queue"),
        ({"q": "move_to:q"}, "the events of `q` would move in a circle", "let one of them drain"),
        ({"q": "keep"}, "`q` holds its events in memory, where they cannot be kept", "drain"),
        ({"q": "burn"}, "`burn` is no fate", "`move_to:NAME`"),
        ({"q": "move_to:"}, "`move_to:` is no fate", "`move_to:NAME`"),
        ({"q": "drain:x"}, "`drain:x` is no fate", "`drain`"),
        ({"keep": "drain"}, "`keep` stays, and keeps what is pending", "leave it away"),
        ({"p": "drain"}, "no node `p` is removed", "the nearest that is removed is `q`"),
        ({"nobody": "drain"}, "no node `nobody` is removed", "removed are `q`"),
    ],
)
def test_a_fate_that_cannot_be_carried_out_is_refused(
    said: dict[str, str], headline: str, help: str
) -> None:
    plan = diff(graph(q=None), graph(), fates=said)
    found = refusal(plan)
    assert found.headline == headline
    assert help in found.help[0]
    assert found.path == "--fate " + "=".join(next(iter(said.items())))


def test_a_renamed_queue_stays_and_has_no_fate() -> None:
    plan = diff(graph(q=None), graph(r={"was": "q"}), fates={"q": "discard"})
    assert refusal(plan).headline == "`q` stays, as `r`, and keeps what is pending"


def test_only_a_queue_has_events_with_a_fate() -> None:
    old = load(
        {
            "sinkgraph": 1,
            "name": "t",
            "sinks": {"a": {"kind": "timeout", "after": "1s", "to": "out"}, "out": OUT},
        }
    )
    new = load({"sinkgraph": 1, "name": "t", "sinks": {"out": OUT}})
    found = refusal(diff(old, new, fates={"a": "drain"}))
    assert found.headline == "timeout `a` holds no events that could have a fate"


def test_events_do_not_move_to_a_queue_that_is_removed_too() -> None:
    plan = diff(graph(q={"on_remove": {"move_to": "r"}}, r=None), graph())
    found = refusal(plan)
    assert found.headline == "the events of `q` cannot move to `r`"
    assert found.label == "`r` is removed too"


def test_moves_in_a_circle_are_told_once_with_their_way() -> None:
    old = graph(
        q={"on_remove": {"move_to": "r"}},
        r={"on_remove": {"move_to": "s"}},
        s={"on_remove": {"move_to": "q"}},
    )
    found = refusal(diff(old, graph()))
    assert found.headline == "the events of `q` would move in a circle"
    assert found.notes == ("the moves are `q → r → s → q`",)
    assert diff(old, graph(), fates={"s": "drain"}).of("s").fate == "drain"


def test_a_move_into_a_circle_is_told_as_what_it_is() -> None:
    old = graph(
        a={"on_remove": {"move_to": "q"}},
        q={"on_remove": {"move_to": "r"}},
        r={"on_remove": {"move_to": "q"}},
    )
    assert [one.headline for one in diff(old, graph()).refused] == [
        "the events of `a` cannot move to `q`",
        "the events of `q` would move in a circle",
    ]


def test_a_queue_that_becomes_another_kind_has_a_fate_too() -> None:
    new = load(
        {
            "sinkgraph": 1,
            "name": "t",
            "sinks": {
                "b": {"kind": "broadcast", "to": ["keep", "q"]},
                "keep": {"kind": "queue", "to": "out"},
                "q": {"kind": "timeout", "after": "1s", "to": "out"},
                "out": OUT,
            },
        }
    )
    plan = diff(graph(q=None), new, fates={"q": "move_to:keep"})
    assert (plan.of("q").fate, plan.refused) == ("move_to:keep", ())
    assert refusal(diff(graph(q=None), new, fates={"q": "move_to:q"})).headline


def test_a_refusal_shows_the_line_that_says_where_the_events_were_to_go(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(
        "sinkgraph: 1\nname: t\nsources: {in: {kind: stdin, to: b}}\nsinks:\n"
        "  b: {kind: broadcast, to: [q, r, out]}\n"
        "  q: {kind: queue, to: out, on_remove: {move_to: r}}\n"
        "  r: {kind: queue, to: out}\n  out: {kind: stdout}\n"
    )
    new = load(
        {
            "sinkgraph": 1,
            "name": "t",
            "sinks": {"b": {"kind": "broadcast", "to": ["out"]}, "out": {"kind": "stdout"}},
        }
    )
    found = refusal(diff(load(path), new))
    assert found.span is not None
    assert (found.span.line, found.span.text) == (6, "r")
    assert [(one.span.text, one.text) for one in found.secondary] == [
        ("q", "this queue is removed")
    ]
    assert found.help == ("name a queue that stays", "or say another fate: `--fate q=drain`")


def test_check_tells_of_a_move_to_no_queue_before_anything_is_removed() -> None:
    for to, label in (
        ("out", "`out` is a blackhole, which takes over no events"),
        ("q", "the queue itself"),
        ("kep", "no node is named `kep`"),
    ):
        with pytest.raises(DocumentError) as raised:
            graph(q={"on_remove": {"move_to": to}})
        (found,) = [one for one in raised.value.diagnostics if one.severity == "error"]
        assert (found.code, found.label) == ("SG230", label)
