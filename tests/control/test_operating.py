"""Pause, resume, drain, trip, reset and probe: nothing is lost, and what lasts ends by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.api.models import SnapshotView
from sinkgraph.control.access import Caller
from sinkgraph.control.operating import Operator
from sinkgraph.control.problems import Refusal
from sinkgraph.errors import DeliveryFailed, Overloaded
from sinkgraph.graph.load import load
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.queue import Queue
from tests.support.control import DOCUMENT, End, watched
from tests.support.program import until
from tests.support.virtual import start, virtual

ME = Caller("uid 1", frozenset({"operate"}))


def document(**queue: Any) -> Any:
    sinks = {
        **DOCUMENT["sinks"],
        "q": {**DOCUMENT["sinks"]["q"], **queue},
    }
    sources = {"in": {"kind": "inlet", "to": "q"}}
    sinks = {"q": sinks["q"]}
    return load({"sinkgraph": 1, "name": "held", "sources": sources, "sinks": sinks})


def operator(live: Live) -> Operator:
    return Operator(live, lambda work, name: live.topology.spawn(work, name))


def kinds(live: Live) -> list[str]:
    return [entry.kind for entry in live.topology.journal.entries]


@virtual
async def test_a_paused_queue_takes_events_until_it_is_full_and_delivers_none() -> None:
    end = End()
    async with start(document(capacity=5), provide={"end": end}) as live:
        verbs = operator(live)
        await live.write({"n": 0})
        await live.drain()
        assert verbs.act("pause", "q", ME)["changed"]
        for k in range(1, 6):
            await live.write({"n": k})
        await asyncio.sleep(60)
        assert end.data == [{"n": 0}]
        assert live.snapshot()["q"].depth == 5
        with pytest.raises(Overloaded):
            await live.write({"n": 9}, timeout=1)
        assert live.snapshot().residue == 0
        assert verbs.act("resume", "q", ME)["state"] == "running"
        assert await live.drain(60)
        assert live.snapshot().residue == 0
    assert [one["n"] for one in end.data] == [0, 1, 2, 3, 4, 5]


@virtual
async def test_an_attempt_under_way_ends_and_no_other_begins_while_paused() -> None:
    end = End()
    end.fails = DeliveryFailed("down")
    graph = document(to={
        "kind": "retry", "name": "again", "backoff": {"base": "1s", "factor": 1, "jitter": "none"},
        "to": {"kind": "call", "name": "end", "target": "provided:end"},
    })  # fmt: skip
    async with start(graph, provide={"end": end}) as live:
        verbs = operator(live)
        await live.write({"n": 0})
        await asyncio.sleep(2.5)
        before = end.calls
        assert before >= 2
        verbs.act("pause", "q", ME)
        await asyncio.sleep(600)
        assert end.calls == before
        end.fails = None
        verbs.act("resume", "q", ME)
        assert await live.drain(60)
    assert end.data == [{"n": 0}]


@virtual
async def test_a_pause_with_a_time_ends_by_itself() -> None:
    end = End()
    async with start(document(), provide={"end": end}) as live:
        verbs = operator(live)
        done = verbs.act("pause", "q", ME, for_s=30, why="maintenance")
        assert done["reverts_in_s"] == 30.0
        await live.write({"n": 0})
        await asyncio.sleep(29)
        assert end.data == []
        assert verbs.reverts("q") == (1.0, None)
        await asyncio.sleep(2)
        assert end.data == [{"n": 0}]
        assert verbs.reverts("q") == (None, None)
        told = {entry.kind: entry.facts for entry in live.topology.journal.entries}
        assert told["queue_paused"] == {
            "node": "q", "by": "uid 1", "for_s": 30, "why": "maintenance"
        }  # fmt: skip
        assert told["queue_resumed"] == {"node": "q", "by": "its time"}


@virtual
async def test_verbs_can_be_given_twice() -> None:
    async with start(document(), provide={"end": End()}) as live:
        verbs = operator(live)
        assert [verbs.act("pause", "q", ME)["changed"] for _ in range(2)] == [True, False]
        assert [verbs.act("resume", "q", ME)["changed"] for _ in range(2)] == [True, False]
        assert [verbs.act("trip", "again", ME)["changed"] for _ in range(2)] == [True, False]
        assert [verbs.act("reset", "again", ME)["changed"] for _ in range(2)] == [True, False]


@virtual
async def test_a_linger_does_not_let_a_paused_queue_spin_or_deliver() -> None:
    end = End()
    async with start(document(linger="50ms", max_batch=2), provide={"end": end}) as live:
        verbs = operator(live)
        verbs.act("pause", "q", ME)
        for k in range(6):
            await live.write({"n": k})
        await asyncio.sleep(5)
        assert end.data == []
        verbs.act("resume", "q", ME)
        assert await live.drain(60)
    assert len(end.data) == 6


@virtual
async def test_a_stop_delivers_what_a_paused_memory_queue_holds_where_nothing_keeps_it() -> None:
    end = End()
    async with start(document(), provide={"end": end}) as live:
        verbs = operator(live)
        verbs.act("pause", "q", ME, for_s=3600)
        await live.write({"n": 0})
        verbs.end()
        report = await live.close()
        assert (report.lost, report.residue) == (0, 0)
        assert "queue_resumed" in kinds(live)
    assert end.data == [{"n": 0}]


async def test_a_stop_keeps_what_a_paused_queue_holds_in_the_state_dir(tmp_path: Path) -> None:
    end = End()
    async with watched(end=end, state_dir=str(tmp_path / "state")) as graph:
        await graph.post("/v1/nodes/q/pause")
        await graph.live.write({"n": 0}, to="in")
        await graph.control.close()
        report = await graph.live.close()
        assert report.lost == 0
        assert report.kept["q"] >= 1
    assert {"n": 0} not in end.data


@virtual
async def test_a_drain_hurries_a_queue_and_says_when_it_is_done() -> None:
    end = End()
    async with start(document(linger="60s"), provide={"end": end}) as live:
        verbs = operator(live)
        await live.write({"n": 0})
        await asyncio.sleep(1)
        assert end.data == []
        done = verbs.act("drain", "q", ME)
        assert (done["state"], done["pending"]) == ("draining", 1)
        await asyncio.sleep(1)
        assert end.data == [{"n": 0}]
        assert kinds(live)[-2:] == ["drain_asked", "queue_drained"]


@virtual
async def test_a_tripped_breaker_lets_nothing_through_until_its_time() -> None:
    end = End()
    async with start(document(), provide={"end": end}) as live:
        verbs = operator(live)
        done = verbs.act("trip", "q", ME, for_s=100)
        assert (done["node"], done["state"], done["reverts_in_s"]) == ("again", "isolated", 100.0)
        await live.write({"n": 0})
        await asyncio.sleep(99)
        assert end.calls == 0
        await asyncio.sleep(2)
        assert end.data == [{"n": 0}]
        assert kinds(live)[-3:] == ["breaker_tripped", "breaker_closed", "breaker_reset"]


@virtual
async def test_a_breaker_that_was_reset_meanwhile_is_left_alone_by_the_timer() -> None:
    end = End()
    async with start(document(), provide={"end": end}) as live:
        verbs = operator(live)
        verbs.act("trip", "again", ME, for_s=10)
        verbs.act("reset", "again", ME)
        verbs.act("trip", "again", ME)
        await asyncio.sleep(20)
        assert live.snapshot()["again"].breaker == "isolated"
        verbs.act("reset", "again", ME)


@virtual
async def test_a_probe_does_not_wait_for_its_time() -> None:
    end = End()
    end.fails = DeliveryFailed("down")
    graph = document(to={
        "kind": "retry", "name": "again",
        "breaker": {"failure_threshold": 2, "open_for": "1h", "open_for_max": "1h", "jitter": 0},
        "to": {"kind": "call", "name": "end", "target": "provided:end"},
    })  # fmt: skip
    async with start(graph, provide={"end": end}) as live:
        verbs = operator(live)
        await live.write({"n": 0})
        await asyncio.sleep(10)
        assert live.snapshot()["again"].breaker == "open"
        end.fails = None
        assert verbs.act("probe", "again", ME)["changed"]
        await asyncio.sleep(1)
        assert end.data == [{"n": 0}]
        with pytest.raises(Refusal, match="is closed, not open") as caught:
            verbs.act("probe", "again", ME)
        assert caught.value.status == 409


@pytest.mark.parametrize(
    ("verb", "name", "status", "nearest"),
    [
        ("pause", "end", 409, "q"),
        ("pause", "again", 409, "q"),
        ("pause", "in", 409, "q"),
        ("drain", "fan", 409, "ticks"),
        ("pause", "eu/kep", 404, "eu/kept"),
        ("trip", "eu/kept", 409, "again"),
        ("trip", "agian", 404, "again"),
    ],
)
async def test_a_verb_that_does_not_fit_names_the_nearest_that_does(
    verb: str, name: str, status: int, nearest: str
) -> None:
    group = "breakers" if verb == "trip" else "nodes"
    async with watched() as graph:
        reply = await graph.post(f"/v1/{group}/{name}/{verb}")
        assert (reply.status, reply.json["nearest"]) == (status, nearest), reply.body


async def test_a_node_in_a_group_is_reached_by_its_path() -> None:
    async with watched() as graph:
        assert (await graph.post("/v1/nodes/eu/kept/pause")).json["node"] == "eu/kept"
        assert (await graph.post("/v1/nodes/eu%2Fkept/resume")).json["changed"] is True


async def test_a_paused_source_hands_nothing_on() -> None:
    sources = {"ticks": {"kind": "generate", "rate": "100/s", "to": "fan"}}
    async with watched({**DOCUMENT, "sources": sources}) as graph:
        assert (await graph.post("/v1/nodes/ticks/pause")).json["state"] == "paused"
        before = (await graph.node("ticks"))["ledger"]["entered"]
        await asyncio.sleep(0.1)
        node = await graph.node("ticks")
        assert (node["ledger"]["entered"], node["paused"]) == (before, True)
        await graph.post("/v1/nodes/ticks/resume")
        ticks = graph.live.nodes["ticks"]
        await until(lambda: ticks.account().entered > before)


async def test_who_did_it_is_in_the_journal_and_a_pause_shows_in_the_snapshot() -> None:
    async with watched() as graph:
        await graph.post("/v1/nodes/q/pause", {"for_s": 60, "why": "a look"})
        node = await graph.node("q")
        assert node["paused"] is True
        assert 0 < node["resumes_in_s"] <= 60
        told = (await graph.get("/v1/events?node=q"))["entries"][-1]
        assert told["kind"] == "queue_paused"
        assert told["facts"]["why"] == "a look"
        assert told["facts"]["by"].startswith("uid ")
        await graph.post("/v1/nodes/q/resume", token=None)


async def test_a_rewiring_does_not_end_a_pause() -> None:
    end = End()
    async with watched(end=end) as graph:
        await graph.post("/v1/nodes/q/pause")
        async with graph.live.subscribe("end"):
            await graph.live.write({"mine": 1}, to="in")
            await graph.live.write({"mine": 2}, to="in")
        await asyncio.sleep(0.05)
        assert [one for one in end.data if "mine" in one] == []
        queue = graph.live.nodes["q"]
        assert isinstance(queue, Queue)
        await graph.post("/v1/nodes/q/resume")
        await until(lambda: len([one for one in end.data if "mine" in one]) == 2)


@virtual
async def test_who_holds_a_node_back_and_why_is_known_for_as_long_as_it_does() -> None:
    end = End()
    graph = document(to={
        "kind": "retry", "name": "again", "breaker": {"failure_threshold": 1, "open_for": "1s"},
        "to": {"kind": "call", "name": "end", "target": "provided:end"},
    })  # fmt: skip
    async with start(graph, provide={"end": end}) as live:
        verbs = operator(live)
        assert verbs.said("q") == (None, None)
        began = live.topology.clock.wall()
        verbs.act("pause", "q", ME, why="rate limit")
        verbs.act("trip", "again", ME, for_s=60)
        await asyncio.sleep(5)
        assert verbs.said("q") == ({"by": "uid 1", "why": "rate limit", "since": began}, None)
        assert verbs.said("again") == (None, {"by": "uid 1", "why": None, "since": began})
        verbs.act("pause", "q", Caller("uid 2", ME.scopes), for_s=10, why="longer")
        assert verbs.said("q")[0] == {"by": "uid 2", "why": "longer", "since": began}
        await asyncio.sleep(100)
        assert verbs.said("q") == (None, None)
        assert verbs.said("again") == (None, None)
        live.nodes["again"].machine.trip(live.topology.clock.now())  # type: ignore[attr-defined]
        assert verbs.said("again") == (None, None)


async def test_the_snapshot_says_who_paused_and_who_tripped() -> None:
    async with watched() as seen:
        desk = seen.control.desk
        desk.operator.act("pause", "q", ME, why="rate limit")
        desk.operator.act("trip", "again", ME)
        desk.sampler.look()
        nodes = SnapshotView.model_validate(desk.sampler.view()).nodes
        held, breaker = nodes["q"].pause, nodes["again"].breaker
        assert held is not None
        assert (held.by, held.why) == ("uid 1", "rate limit")
        assert breaker is not None
        assert breaker.isolated is not None
        assert (breaker.isolated.by, breaker.isolated.why) == ("uid 1", None)
        assert breaker.since is not None
        assert breaker.opens_last_hour == 0
        desk.operator.act("resume", "q", ME)
        desk.operator.act("reset", "again", ME)
        desk.sampler.look()
        nodes = desk.sampler.view()["nodes"]
        assert nodes["q"]["pause"] is None
        assert nodes["again"]["breaker"]["isolated"] is None
