"""Documents are planned, applied and rolled back over the control plane, by the client."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sinkgraph.api.addresses import Address
from sinkgraph.api.client import Client, Refused
from sinkgraph.control.access import Token
from sinkgraph.control.server import Control, Listen
from tests.support.supervised import Supervised, graph_text, supervised

SECRET = "canary-of-a-token-0123456789"


@asynccontextmanager
async def reached(folder: Path, *, tcp: bool = False) -> AsyncIterator[tuple[Supervised, Client]]:
    path = folder / "graph.yaml"
    write(path, graph_text())
    tokens = [Token.of("all", SECRET, ["admin"])]
    listen = Listen(tcp=("127.0.0.1", 0), tokens=tokens) if tcp else Listen()
    async with (
        supervised(path) as graph,
        Control(graph.live, supervisor=graph.supervisor, listen=listen) as control,
    ):
        address = Address(socket=control.socket)
        if tcp:
            assert control.address is not None
            address = Address(url=f"http://127.0.0.1:{control.address[1]}")
        async with Client(address, token=SECRET) as client:
            yield graph, client


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def test_a_document_is_planned_applied_and_rolled_back(tmp_path: Path) -> None:
    async with reached(tmp_path) as (graph, client):
        plan = await client.plan(graph_text(20))
        assert (plan["generation"], plan["counts"]["retune"]) == (1, 1)
        done = await client.apply(graph_text(20), generation=1)
        assert (done["applied"], done["generation"], graph.capacity) == (True, 2, 20)
        drift = (await client.snapshot()).drift
        graph_drift = (await client.graph()).drift
        assert graph_drift is not None
        assert "uid" in graph_drift
        assert drift is None or drift.why == "override"  # the last look may be older
        done = await client.rollback()
        assert (done["generation"], graph.capacity) == (3, 10)
        kept = (await client.generations()).generations
        assert [(one.generation, one.of, one.runs) for one in kept] == [
            (1, 1, False),
            (2, 2, False),
            (3, 1, True),
        ]


async def test_the_file_of_the_run_is_applied_without_a_document(tmp_path: Path) -> None:
    async with reached(tmp_path) as (graph, client):
        write(graph.path, graph_text(30))
        assert (await client.apply())["applied"] is True
        assert graph.capacity == 30
        assert graph.supervisor.drift is None


async def test_a_refused_document_is_a_problem_with_findings_and_places(tmp_path: Path) -> None:
    async with reached(tmp_path) as (graph, client):
        for asking in (client.apply, client.plan):
            with pytest.raises(Refused) as caught:
                await asking(graph_text().replace("to: hole", "to: hloe"), name="mine.yaml")
            problem = caught.value.problem
            assert problem.status == 422
            assert [one["line"] for one in problem.diagnostics] == [5]
            assert problem.told is not None
            assert "hloe" in problem.told
        assert graph.live.generation == 1


async def test_what_is_meant_for_another_generation_is_a_412(tmp_path: Path) -> None:
    async with reached(tmp_path) as (graph, client):
        await client.apply(graph_text(20))
        for asking in (
            client.apply(graph_text(40), generation=1),
            client.rollback(1, generation=1),
        ):
            with pytest.raises(Refused) as caught:
                await asking
            assert caught.value.problem.status == 412
        assert graph.capacity == 20


async def test_a_generation_that_is_not_kept_is_a_404(tmp_path: Path) -> None:
    async with reached(tmp_path) as (_, client):
        for number in (None, 99):
            with pytest.raises(Refused) as caught:
                await client.rollback(number)
            assert caught.value.problem.status == 404


async def test_who_comes_by_the_socket_may_name_files_and_who_comes_from_afar_may_not(
    tmp_path: Path,
) -> None:
    write(tmp_path / "more.yaml", "sinks: {more: {kind: blackhole}}")
    text = graph_text(20) + "include: more.yaml\n"
    path = os.path.join(tmp_path, "sent.yaml")
    async with reached(tmp_path, tcp=True) as (graph, client):
        with pytest.raises(Refused) as caught:
            await client.apply(text, path=path)
        assert [one["code"] for one in caught.value.problem.diagnostics] == ["SG170"]
        assert graph.live.generation == 1
    async with reached(tmp_path) as (graph, client):
        await client.apply(text, path=path)
        assert "more" in graph.live.nodes


async def test_a_run_nobody_supervises_cannot_be_reloaded_from_outside(tmp_path: Path) -> None:
    write(tmp_path / "graph.yaml", graph_text())
    async with (
        supervised(tmp_path / "graph.yaml") as graph,
        Control(graph.live) as control,
        Client(Address(socket=control.socket)) as client,
    ):
        with pytest.raises(Refused) as caught:
            await client.apply(graph_text(20))
        assert caught.value.problem.status == 501
        assert (await client.generations()).generations == []
