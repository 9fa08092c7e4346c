"""Dead letters of a running graph: listed, shown, replayed and purged over the control plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sinkgraph.errors import Rejected
from tests.support.control import TOKENS, End, Watched, watched
from tests.support.program import until


async def died(graph: Watched, n: int) -> None:
    graph.end.fails = Rejected("not wanted")
    for k in range(n):
        await graph.live.write({"n": k, "password": "x"}, to="in", id=f"e{k}")

    def dead() -> bool:
        return graph.live.snapshot()["dead-letters"].ledger.pending >= n

    await until(dead)


async def letters(graph: Watched, **how: Any) -> list[Any]:
    found: list[Any] = (await graph.get("/v1/dead-letters/list", **how))["letters"]
    return [one for one in found if one["id"].startswith("e")]


async def test_letters_are_found_by_group_page_and_number(tmp_path: Path) -> None:
    async with watched(state_dir=str(tmp_path / "s")) as graph:
        await died(graph, 3)
        groups = await graph.get("/v1/dead-letters?node=again&reason=rejected")
        assert groups["groups"][0]["count"] == groups["total"] >= 3
        assert (await graph.get("/v1/dead-letters?node=other"))["total"] == 0
        page = await graph.get("/v1/dead-letters/list?limit=2")
        assert [one["number"] for one in page["letters"]] == [1, 2]
        assert page["after"] == 2
        assert (await graph.get("/v1/dead-letters/list?after=1"))["letters"][0]["number"] == 2
        number = (await letters(graph))[0]["number"]
        shown = await graph.get(f"/v1/dead-letters/{number}")
        assert shown["event"]["data"] == {"n": 0, "password": "***"}
        assert shown["errors"] == ["Rejected: not wanted"]
        assert (await graph.ask("GET", "/v1/dead-letters/99")).status == 404


async def test_a_listing_shows_no_event_and_an_event_needs_the_scope_to_tap(tmp_path: Path) -> None:
    async with watched(state_dir=str(tmp_path / "s")) as graph:
        await died(graph, 1)
        (one,) = await letters(graph, token=TOKENS["read"])
        assert one["event"] is None
        path = f"/v1/dead-letters/{one['number']}"
        assert (await graph.ask("GET", path, token=TOKENS["read"])).status == 403
        assert (await graph.ask("GET", path, token=TOKENS["tap"])).status == 200


async def test_letters_are_replayed_once_they_are_as_many_as_expected(tmp_path: Path) -> None:
    end = End()
    async with watched(end=end, state_dir=str(tmp_path / "s")) as graph:
        await died(graph, 2)
        numbers = [one["number"] for one in await letters(graph)]
        end.fails = None
        body = {"numbers": numbers, "expect": 5}
        assert (await graph.post("/v1/dead-letters/replay", body)).status == 409
        reply = await graph.post("/v1/dead-letters/replay", {**body, "expect": 2})
        assert (reply.status, reply.json["replayed"]) == (202, {"again": 2})
        await until(lambda: len([one for one in end.data if "password" in one]) == 2)
        assert await letters(graph) == []
        assert (await graph.post("/v1/dead-letters/replay", {"to": "nobody"})).status == 404


async def test_letters_are_purged_all_or_none(tmp_path: Path) -> None:
    async with watched(state_dir=str(tmp_path / "s")) as graph:
        await died(graph, 2)
        numbers = [one["number"] for one in await letters(graph)]
        purge = "/v1/dead-letters/purge"
        wrong = await graph.post(purge, {"numbers": [*numbers, 99], "expect": 3})
        assert (wrong.status, len(await letters(graph))) == (409, 2)
        wrong = await graph.post(purge, {"numbers": numbers, "expect": 1})
        assert (wrong.status, len(await letters(graph))) == (409, 2)
        done = await graph.post(purge, {"numbers": numbers, "expect": 2})
        assert (done.status, done.json) == (200, {"purged": 2})
        assert await letters(graph) == []
        assert graph.live.snapshot().residue == 0


async def test_in_memory_letters_are_listed_and_cannot_be_replayed() -> None:
    async with watched() as graph:
        await died(graph, 1)
        (one,) = await letters(graph)
        shown = await graph.get(f"/v1/dead-letters/{one['number']}")
        assert shown["event"]["id"] == "e0"
        reply = await graph.post("/v1/dead-letters/replay", {})
        assert reply.status == 409
        assert "no state dir" in reply.json["detail"]
