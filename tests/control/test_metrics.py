"""`/metrics`: what is documented is there, as OpenMetrics parsers read it, with true numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics

from sinkgraph.control.metrics import METRICS
from sinkgraph.errors import DeliveryFailed
from tests.support.control import DOCUMENT, End, Watched, watched
from tests.support.program import until

read_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families
read_text: Callable[[str], Iterable[Metric]] = parser.text_string_to_metric_families

OPEN = {"Accept": "application/openmetrics-text; version=1.0.0"}


async def families(graph: Watched) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the value of every sample by name and labels, as OpenMetrics has them."""
    graph.control.desk.sampler.look()
    reply = await graph.ask("GET", "/metrics", headers=OPEN)
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in read_openmetrics(reply.body.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def test_what_is_documented_is_exposed_in_both_formats_and_nothing_else() -> None:
    async with watched() as graph:
        reply = await graph.ask("GET", "/metrics", headers=OPEN)
        told = {family.name: family for family in read_openmetrics(reply.body.decode())}
        assert set(told) == {f"sinkgraph_{one.name}" for one in METRICS}
        for one in METRICS:
            family = told[f"sinkgraph_{one.name}"]
            assert family.type == one.type, one.name
            assert family.unit == one.unit, one.name
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(one.labels), one.name
        plain = await graph.ask("GET", "/metrics")
        assert plain.headers["content-type"].startswith("text/plain; version=")
        assert len(list(read_text(plain.body.decode()))) >= len(METRICS)


async def test_the_numbers_are_those_of_the_ledger() -> None:
    end = End()
    async with watched(
        {**DOCUMENT, "sources": {"in": {"kind": "inlet", "to": "fan"}}}, end=end
    ) as graph:
        for k in range(7):
            await graph.live.write({"n": k})
        await until(lambda: len(end.data) == 7)
        await graph.post("/v1/nodes/q/pause")
        await graph.live.write({"n": 8})
        found = await families(graph)
        assert found["sinkgraph_events_in_total"][("kind", "queue"), ("node", "q")] == 8
        assert found["sinkgraph_events_out_total"][("kind", "queue"), ("node", "q")] == 7
        assert found["sinkgraph_queue_depth_events"][(("node", "q"),)] == 1
        assert found["sinkgraph_queue_capacity_events"][(("node", "q"),)] == 100
        assert found["sinkgraph_node_paused"][(("node", "q"),)] == 1
        assert 1 <= found["sinkgraph_attempts_total"][(("node", "again"),)] <= 7
        assert found["sinkgraph_graph_pending_events"][()] == 1
        assert found["sinkgraph_ledger_residue_events"][()] == 0
        writes = found["sinkgraph_delivery_duration_seconds_count"][(("node", "end"),)]
        assert writes == found["sinkgraph_delivery_duration_seconds_bucket"][
            ("le", "+Inf"), ("node", "end")
        ]  # fmt: skip
        assert 1 <= writes <= 7
        states = found["sinkgraph_breaker_state"]
        assert states[("node", "again"), ("state", "closed")] == 1
        assert sum(states.values()) == 1


async def test_transitions_of_breakers_are_counted() -> None:
    end = End()
    end.fails = DeliveryFailed("down")
    async with watched(end=end) as graph:
        await graph.post("/v1/breakers/again/trip")
        await graph.post("/v1/breakers/again/reset")
        await graph.post("/v1/breakers/again/trip")
        found = await families(graph)
        counted = found["sinkgraph_breaker_transitions_total"]
        assert counted[("node", "again"), ("state", "isolated")] == 2
        assert counted[("node", "again"), ("state", "closed")] == 1
        await graph.post("/v1/breakers/again/reset")


def test_names_have_their_units() -> None:
    for one in METRICS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", one.name)
        if one.unit:
            assert one.name.endswith(f"_{one.unit}"), one.name
        assert not one.name.endswith("_total"), one.name
        assert one.type in ("gauge", "counter", "histogram", "info")
