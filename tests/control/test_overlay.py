"""The live drawing: how each node stands is written on it."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.control.overlay import overlay
from sinkgraph.render.image import RenderError
from tests.support.control import DOCUMENT, watched


def node(**more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "last_error": None, "breaker": None, "paused": False, "status": "ok", "depth": 0,
        "capacity": None, "out_per_s": 0.0, "ledger": {"dropped": {}},
    }  # fmt: skip
    return {**base, **more}


def chips(**more: Any) -> list[tuple[str, str]]:
    made = [one.chip for one in overlay({"n": node(**more)})]
    return [(chip.text, chip.tone) for chip in made if chip is not None]


def test_a_node_that_is_well_and_idle_has_nothing_on_it() -> None:
    assert chips(capacity=100) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"paused": True}, ("paused", "fair")),
        ({"breaker": {"state": "open"}}, ("breaker open", "poor")),
        ({"breaker": {"state": "half_open"}}, ("breaker half-open", "fair")),
        ({"status": "failed"}, ("failed", "poor")),
        ({"depth": 10, "capacity": 100}, ("10 of 100", "calm")),
        ({"depth": 55, "capacity": 100}, ("55 of 100", "fair")),
        ({"depth": 5_000, "capacity": 5_000}, ("5,000 of 5,000", "poor")),
        ({"out_per_s": 1234.5}, ("1,234/s", "calm")),
        ({"out_per_s": 0.2}, ("< 1/s", "calm")),
        ({"ledger": {"dropped": {"full": 7}}}, ("dropped 7", "poor")),
    ],
)
def test_what_an_operator_looks_for_is_a_chip(more: dict[str, Any], told: tuple[str, str]) -> None:
    assert chips(**more) == [told]


async def test_the_drawing_shows_it() -> None:
    async with watched(tcp=False) as graph:
        await graph.post("/v1/nodes/q/pause")
        await graph.live.write({"n": 1}, to="in")
        graph.control.desk.sampler.look()
        reply = await graph.ask("GET", "/graph.svg")
        if reply.status == 501:
            pytest.skip(reply.json["detail"])
        assert reply.headers["content-type"].startswith("image/svg+xml")
        assert b"paused" in reply.body
        assert b"of 100" in reply.body


async def test_where_nothing_draws_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise RenderError("cannot draw it: there is no `dot` on the PATH; install Graphviz", "")

    monkeypatch.setattr("sinkgraph.render.output.made", fail)
    async with watched({**DOCUMENT, "name": "undrawn"}, tcp=False) as graph:
        reply = await graph.ask("GET", "/graph.svg")
        assert reply.status == 501
        assert "install Graphviz" in reply.json["detail"]
