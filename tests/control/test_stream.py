"""The stream: everything, then what changed; resumed, and begun anew where it has to be."""

from __future__ import annotations

import json
from typing import Any

from sinkgraph.api.models import Delta, Full, SnapshotView
from tests.support.control import Watched, watched


async def messages(
    graph: Watched, n: int, last_id: str | None = None
) -> list[tuple[str, str, Any]]:
    """Return id, kind and value of the first n messages of a stream."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    found: list[tuple[str, str, Any]] = []
    url = "http://sinkgraph/v1/stream"
    async with graph.http.get(url, headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        number = event = ""
        while len(found) < n:
            line = (await answer.content.readline()).decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if name == "id":
                number = value
            elif name == "event":
                event = value
            elif name == "data":
                found.append((number, event, json.loads(value)))
            graph.control.desk.sampler.look()
    return found


async def test_it_begins_with_everything_and_goes_on_with_numbered_changes() -> None:
    async with watched(tcp=False) as graph:
        first, *rest = await messages(graph, 4)
        assert first[1] == "full"
        full = Full.model_validate(first[2])
        seq = full.seq
        for number, kind, value in rest:
            assert kind == "delta"
            seq += 1
            assert Delta.model_validate(value).seq == seq
            assert number == f"{graph.live.topology.run_id}.{seq}"


async def test_deltas_folded_into_the_first_are_the_snapshot() -> None:
    async with watched(tcp=False) as graph:
        for k in range(3):
            await graph.live.write({"n": k}, to="in")
        (_, _, full), *deltas = await messages(graph, 6)
        state = full["snapshot"]
        for _, _, delta in deltas:
            state |= delta["snapshot"]
            for name, changed in delta["nodes"].items():
                state["nodes"][name] = {**state["nodes"].get(name, {}), **changed}
        SnapshotView.model_validate(state)
        assert state["nodes"]["q"]["ledger"]["entered"] >= 3
        now = graph.control.desk.sampler.view()
        volatile = {"oldest_s", "in_per_s", "out_per_s", "latency"}
        for name, node in state["nodes"].items():
            mine = {k: v for k, v in node.items() if k not in volatile}
            assert mine == {k: v for k, v in now["nodes"][name].items() if k not in volatile}


async def test_a_client_that_comes_back_goes_on_behind_what_it_had() -> None:
    async with watched(tcp=False) as graph:
        first = await messages(graph, 3)
        last_id = first[-1][0]
        again = await messages(graph, 1, last_id)
        assert again[0][1] in ("delta", "full")
        assert int(again[0][0].rpartition(".")[2]) > int(last_id.rpartition(".")[2])
        other = await messages(graph, 1, "otherrun.3")
        assert other[0][1] == "full"


async def test_history_and_journal_are_read_since() -> None:
    async with watched(tcp=False) as graph:
        history = await graph.get("/v1/history?node=q")
        assert list(history["nodes"]) == ["q"]
        assert history["nodes"]["q"]["depth"] == [0.0] * len(history["at"])
        last = history["at"][-1]
        assert (await graph.get(f"/v1/history?since={last}"))["at"] == []
        await graph.post("/v1/nodes/q/pause")
        await graph.post("/v1/nodes/q/resume")
        told = (await graph.get("/v1/events?limit=2"))["entries"]
        assert [one["kind"] for one in told] == ["queue_paused", "queue_resumed"]
        assert told[1]["seq"] == told[0]["seq"] + 1
        assert (await graph.ask("GET", "/v1/events?limit=x")).status == 400
