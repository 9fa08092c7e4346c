"""The graph is a frozen value: order, digest, ways round, limits."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import DocumentError
from sinkgraph.graph.load import check, load, load_graph
from tests.graph.documents import SAMPLE, TOKEN, codes, graph_of, of_nodes

IN = {"in": {"kind": "inlet", "to": "n0"}}


def test_a_graph_is_frozen() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    with pytest.raises(AttributeError):
        graph.name = "other"
    with pytest.raises(TypeError):
        graph.nodes["x"] = graph.nodes["audit"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        graph.nodes["audit"].name = "x"  # type: ignore[misc]
    with pytest.raises(KeyError):
        graph.downstream("nobody")


def test_the_digest_follows_what_the_graph_means() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    same = graph_of(SAMPLE.replace("# required", "# needed"), env=TOKEN)
    moved = graph_of(SAMPLE.replace("500ms", "501ms"), env=TOKEN)
    secret = graph_of(SAMPLE, env={"HOOK_TOKEN": "other"})
    assert graph.digest == same.digest == secret.digest
    assert graph == same
    assert graph.digest != moved.digest
    assert len(graph.digest) == 64


def test_a_graph_tells_which_nodes_want_a_state_dir() -> None:
    sources = {
        "log": {"kind": "file", "paths": ["x"], "follow": True, "to": "all"},
        "once": {"kind": "file", "paths": ["y"], "to": "all"},
    }
    sinks = {
        "all": {"kind": "broadcast", "to": ["hold", "hook", "near"]},
        "hold": {"kind": "queue", "store": "disk", "to": "end", "dead_letter": "letters"},
        "hook": {"kind": "endpoint", "url": "http://x/", "store": "disk"},
        "near": {"kind": "queue", "to": "end"},
        "end": {"kind": "file", "path": "z"},
        "letters": {"kind": "dead_letter", "max_age": "7d"},
    }
    graph, found = of_nodes(sinks, sources)
    assert codes(found) == []
    assert graph.on_disk == ("hold", "hook")
    assert graph.needs_state == ("log", "hold", "hook", "letters")
    near, _ = of_nodes({"n0": {"kind": "queue", "to": {"kind": "stdout"}}}, IN)
    assert near.needs_state == near.on_disk == ()


def test_networkx_gets_every_node_and_edge() -> None:
    graph = graph_of(SAMPLE, env=TOKEN)
    made = graph.to_networkx()
    assert list(made.nodes) == list(graph.order)
    assert made.number_of_edges() == len(graph.edges)
    assert nx.is_directed_acyclic_graph(made)
    assert made.nodes["hooks"]["node"] is graph.nodes["hooks"]


@given(
    st.integers(2, 30).flatmap(
        lambda n: st.lists(
            st.tuples(st.integers(0, n - 2), st.integers(1, n - 1)).map(sorted),
            max_size=60,
        ).map(lambda pairs: (n, pairs))
    )
)
def test_the_order_puts_every_node_after_all_that_write_to_it(
    drawn: tuple[int, list[list[int]]],
) -> None:
    n, pairs = drawn
    targets: dict[int, set[int]] = {i: {i + 1} for i in range(n - 1)}
    for a, b in pairs:
        if a != b:
            targets[a].add(b)
    sinks: dict[str, Any] = {
        f"n{i}": {"kind": "broadcast", "to": [f"n{t}" for t in sorted(targets[i])]}
        for i in reversed(range(n - 1))
    }
    sinks[f"n{n - 1}"] = {"kind": "blackhole"}
    graph, found = of_nodes(sinks, IN)
    assert graph is not None, found
    position = {name: index for index, name in enumerate(graph.order)}
    assert len(position) == len(graph.nodes) == n + 2
    assert all(position[edge.source] < position[edge.target] for edge in graph.edges)
    assert graph.order[0] == "in"
    again, _ = of_nodes(sinks, IN)
    assert again is not None
    assert again.order == graph.order
    assert again.digest == graph.digest


def _chain(n: int, queue_every: int) -> dict[str, Any]:
    sinks: dict[str, Any] = {}
    for i in range(n):
        kind = "queue" if queue_every and i % queue_every == 0 else "timeout"
        more = {} if kind == "queue" else {"after": "1s"}
        sinks[f"n{i}"] = {"kind": kind, "to": f"n{i + 1}", **more}
    sinks[f"n{n}"] = {"kind": "blackhole"}
    return sinks


def test_a_chain_of_2000_nodes_with_queues_is_a_graph() -> None:
    graph, found = of_nodes(_chain(2_000, 100), IN)
    assert graph is not None, found
    assert len(graph.nodes) == 2_003
    assert graph.order.index("n1999") == 2_000


def test_200_nodes_may_follow_without_a_queue_and_no_more() -> None:
    graph, found = of_nodes(_chain(198, 0), IN)
    assert graph is not None, found
    graph, found = of_nodes(_chain(2_000, 0), IN)
    assert graph is None
    assert codes(found) == ["SG214"]
    assert "n199" in found[0].path


def test_a_cycle_of_2000_nodes_is_one_finding() -> None:
    sinks = _chain(2_000, 100)
    sinks["n1999"]["to"] = "n0"
    sinks.pop("n2000")
    graph, found = of_nodes(sinks, IN)
    assert graph is None
    assert codes(found) == ["SG210"]
    assert "writes back to `n0`" in found[0].label


def test_a_thousand_targets_are_allowed_and_no_more() -> None:
    for count, wanted in ((1_000, []), (1_001, ["SG213"])):
        sinks: dict[str, Any] = {f"t{i}": {"kind": "blackhole"} for i in range(count)}
        sinks["n0"] = {"kind": "broadcast", "to": list(sinks)}
        assert codes(of_nodes(sinks, IN)[1]) == wanted


def test_ten_thousand_nodes_are_allowed_and_no_more() -> None:
    sinks = _chain(9_998, 100)
    assert codes(of_nodes(sinks, IN)[1]) == []
    sinks = _chain(9_999, 100)
    assert codes(of_nodes(sinks, IN)[1]) == ["SG212"]


def test_a_graph_without_sources_has_an_implied_inlet() -> None:
    graph, found = of_nodes({"hold": {"kind": "queue", "to": "out"}, "out": {"kind": "stdout"}})
    assert codes(found) == ["SG203"]
    assert graph is not None
    assert graph.nodes["inlet"].implied
    assert graph.sources == ("inlet",)
    assert [edge.target for edge in graph.downstream("inlet")] == ["hold"]
    assert graph.order[0] == "inlet"


def test_load_raises_every_finding() -> None:
    sinks = {"a": {"kind": "queu"}, "b": {"kind": "b"}}
    sources = {"in": {"kind": "stdin", "to": "a"}}
    document = {"sinkgraph": 1, "name": "x", "sources": sources, "sinks": sinks}
    with pytest.raises(DocumentError) as caught:
        load(document)
    assert codes(list(caught.value.diagnostics)) == ["SG124", "SG124"]
    assert [one.path for one in caught.value.diagnostics] == ["sinks.a.kind", "sinks.b.kind"]
    assert check(document) == list(caught.value.diagnostics)


def test_a_file_that_is_not_there_is_a_finding() -> None:
    graph, found = load_graph("/nonexistent/graph.yaml")
    assert graph is None
    assert [one.severity for one in found] == ["error"]


def test_checking_a_sound_document_loads_neither_networkx_nor_an_http_stack() -> None:
    program = """
import sys
from sinkgraph.graph.load import load_graph
graph, found = load_graph({"sinkgraph": 1, "name": "x", "sources": {"i": {"kind": "inlet",
    "to": "o"}}, "sinks": {"o": {"kind": "filter", "where": "true", "to": {"kind": "stdout"}}}})
assert graph is not None, found
print([name for name in ("networkx", "aiohttp", "textual") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
