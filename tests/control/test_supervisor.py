"""One run, many who want it changed: each has a truthful answer, and what ran can run again."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from sinkgraph.control.asking import MOST_WAITING, Sent
from sinkgraph.control.generations import Generations, last_kept
from sinkgraph.control.outcomes import Busy, Conflict, NoGeneration
from sinkgraph.runtime.outcome import Refused
from tests.support.program import until
from tests.support.supervised import Supervised, graph_text, supervised


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "graph.yaml"
    write(made, graph_text())
    return made


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def saved(graph: Supervised, capacity: int) -> None:
    write(graph.path, graph_text(capacity))
    assert await graph.supervisor.apply(origin="signal")


def drift(graph: Supervised) -> str | None:
    found = graph.supervisor.drift
    return None if found is None else found.why


async def test_the_file_is_applied_and_the_journal_says_who_asked(path: Path) -> None:
    async with supervised(path) as graph:
        write(path, graph_text(20))
        outcome = await graph.supervisor.apply(origin="signal", by="somebody")
        assert outcome
        assert (graph.capacity, outcome.result.generation, drift(graph)) == (20, 2, None)
        (asked,) = graph.noted("reload_asked")
        assert asked == {"origin": "signal", "by": "somebody", "document": str(path)}
        assert [one["generation"] for one in graph.noted("graph_reloaded")] == [2]
        assert graph.told == [("signal", outcome)]


async def test_a_broken_file_is_refused_with_its_place_and_is_a_visible_state(path: Path) -> None:
    async with supervised(path) as graph:
        write(path, graph_text().replace("to: hole", "to: hloe"))
        outcome = await graph.supervisor.apply(origin="watch")
        assert not outcome
        assert "graph.yaml:5:" in outcome.told()
        assert "a sink named `hole`" in outcome.told() or "`hole`" in outcome.told()
        found = graph.supervisor.drift
        assert found is not None
        assert found.why == "refused"
        assert "graph.yaml:5:" in found.said
        assert found.as_dict()["diagnostics"][0]["line"] == 5
        assert (graph.live.generation, graph.capacity) == (1, 10)
        write(path, graph_text())
        assert await graph.supervisor.apply(origin="watch")
        assert (drift(graph), graph.live.generation) == (None, 1)


async def test_a_file_that_is_gone_is_a_state_and_not_the_end(path: Path) -> None:
    async with supervised(path) as graph:
        os.unlink(path)
        assert not await graph.supervisor.apply(origin="watch")
        assert drift(graph) == "refused"
        await graph.live.write({"n": 1})
        await saved(graph, 30)
        assert (drift(graph), graph.capacity) == (None, 30)


async def test_what_is_sent_is_an_override_until_the_file_is_applied(path: Path) -> None:
    async with supervised(path) as graph:
        assert await graph.supervisor.apply(Sent(graph_text(40)), by="uid 1")
        found = graph.supervisor.drift
        assert found is not None
        assert (found.why, graph.capacity) == ("override", 40)
        assert "uid 1" in found.said
        assert found.running != found.file
        assert await graph.supervisor.apply(origin="signal")
        assert (drift(graph), graph.capacity, graph.live.generation) == (None, 10, 3)


async def test_what_is_sent_and_says_the_same_as_the_file_is_no_override(path: Path) -> None:
    async with supervised(path) as graph:
        assert await graph.supervisor.apply(Sent("# a comment\n" + graph_text()))
        assert (drift(graph), graph.live.generation) == (None, 1)
        assert graph.noted("reload_changed_nothing") == [{"generation": 1}]


async def test_a_change_meant_for_another_generation_is_a_conflict(path: Path) -> None:
    async with supervised(path) as graph:
        await saved(graph, 20)
        with pytest.raises(Conflict, match="generation 2 runs, not 1"):
            await graph.supervisor.apply(Sent(graph_text(50)), if_match=1)
        assert graph.capacity == 20


async def test_of_two_changes_for_one_generation_the_second_is_a_conflict(path: Path) -> None:
    async with supervised(path) as graph:
        first, second = await asyncio.gather(
            graph.supervisor.apply(Sent(graph_text(50)), if_match=1),
            graph.supervisor.apply(Sent(graph_text(60)), if_match=1),
            return_exceptions=True,
        )
        assert not isinstance(first, BaseException)
        assert first
        assert isinstance(second, Conflict)
        assert graph.capacity == 50


async def test_a_burst_is_one_reload_and_each_is_told_the_truth(path: Path) -> None:
    async with supervised(path) as graph:
        asking = [
            asyncio.ensure_future(graph.supervisor.apply(Sent(graph_text(100 + n)), by=f"user {n}"))
            for n in range(20)
        ]
        outcomes = await asyncio.gather(*asking)
        assert graph.capacity == 119
        assert bool(outcomes[-1])
        assert outcomes[-1].superseded is None
        carried = [one for one in outcomes if one.superseded is None]
        assert len(graph.noted("graph_reloaded")) == len(carried) <= 2
        for one in outcomes[:-1]:
            if one.superseded is not None:
                assert not one
                assert one.superseded.by == "user 19"
                assert one.result.generation == graph.live.generation


async def test_who_asks_for_the_file_while_others_do_gets_what_became_of_it(path: Path) -> None:
    async with supervised(path) as graph:
        write(path, graph_text(77))
        outcomes = await asyncio.gather(
            *(graph.supervisor.apply(origin="signal") for _ in range(10))
        )
        assert all(outcomes)
        assert graph.capacity == 77
        assert len(graph.noted("graph_reloaded")) == 1


async def test_requests_with_fates_are_not_put_together(path: Path) -> None:
    async with supervised(path) as graph:
        asking = [
            graph.supervisor.apply(Sent(graph_text(100 + n)), fates={"nobody": "drain"})
            for n in range(3)
        ]
        outcomes = await asyncio.gather(*asking)
        assert [one.superseded for one in outcomes] == [None] * 3
        assert all(isinstance(one.result, Refused) for one in outcomes)


async def test_a_caller_that_goes_away_changes_nothing_for_others(path: Path) -> None:
    async with supervised(path) as graph:
        gone = asyncio.ensure_future(graph.supervisor.apply(Sent(graph_text(50)), if_match=9))
        stays = asyncio.ensure_future(graph.supervisor.apply(Sent(graph_text(60))))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays
        assert graph.capacity == 60


async def test_no_more_wait_than_there_are_places(path: Path) -> None:
    async with supervised(path) as graph:
        asking = [
            asyncio.ensure_future(graph.supervisor.apply(Sent(graph_text(50)), if_match=1))
            for _ in range(MOST_WAITING + 50)
        ]
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert 0 < sum(isinstance(one, Busy) for one in outcomes) <= 50
        assert graph.capacity == 50


async def test_a_rollback_runs_the_document_before_and_is_an_override(path: Path) -> None:
    async with supervised(path) as graph:
        await saved(graph, 20)
        await saved(graph, 30)
        assert await graph.supervisor.rollback(by="uid 1")
        assert (graph.capacity, graph.live.generation, drift(graph)) == (20, 4, "override")
        assert await graph.supervisor.rollback()
        assert (graph.capacity, graph.live.generation) == (10, 5)
        with pytest.raises(NoGeneration, match="1, 2, 3, 4, 5"):
            await graph.supervisor.rollback()
        assert await graph.supervisor.rollback(3)
        assert (graph.capacity, drift(graph)) == (30, None)


async def test_a_plan_touches_nothing(path: Path) -> None:
    async with supervised(path) as graph:
        loaded, plan = await graph.supervisor.plan(Sent(graph_text(50)))
        assert loaded.graph is not None
        assert plan is not None
        assert [one.name for one in plan.changes if one.action == "retune"] == ["q"]
        loaded, plan = await graph.supervisor.plan(Sent("sinkgraph: 2"))
        assert (loaded.graph, plan) == (None, None)
        assert (graph.capacity, graph.live.generation) == (10, 1)


async def test_a_document_sent_from_elsewhere_may_name_no_file_outside(
    path: Path, tmp_path: Path
) -> None:
    write(tmp_path / "more.yaml", "sinks: {x: {kind: blackhole}}")
    async with supervised(path) as graph:
        for text in (
            graph_text().replace("{kind: blackhole}", "{kind: file, path: /etc/cron.d/x}"),
            graph_text().replace("{kind: blackhole}", "{kind: file, path: ../x}"),
            graph_text() + "include: more.yaml\n",
            graph_text().replace("name: supervised", 'name: "${file:/etc/hostname}"'),
        ):
            outcome = await graph.supervisor.apply(Sent(text))
            assert not outcome, text
        assert graph.live.generation == 1
        assert await graph.supervisor.apply(
            Sent(graph_text() + "include: more.yaml\n", path=str(tmp_path / "other.yaml"))
        )


async def test_what_was_committed_runs_again_after_a_start_with_resume(
    path: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with supervised(path, state_dir=state) as graph:
        assert await graph.supervisor.apply(Sent(graph_text(55)))
        assert graph.live.generation == 2
    write(path, graph_text().replace("to: hole", "to: nobody"))
    async with supervised(path, state_dir=state, resume=True) as graph:
        assert (graph.capacity, graph.live.generation) == (55, 2)
        found = graph.supervisor.drift
        assert found is not None
        assert found.why == "refused"
        assert "graph.yaml:5:" in found.said
        write(path, graph_text())
        await graph.supervisor.look()
        assert (drift(graph), graph.capacity) == ("override", 55)
        assert await graph.supervisor.rollback(1)
        assert graph.live.generation == 3


async def test_a_start_with_the_file_says_that_it_drops_an_override(
    path: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with supervised(path, state_dir=state) as graph:
        assert await graph.supervisor.apply(Sent(graph_text(55)))
    async with supervised(path, state_dir=state) as graph:
        assert graph.noted("override_dropped") == [{"generation": 2}]
        assert (graph.capacity, graph.live.generation, drift(graph)) == (10, 3, None)
    async with supervised(path, state_dir=state) as graph:
        assert graph.noted("override_dropped") == []
        assert graph.live.generation == 3


async def test_a_reload_whose_document_cannot_be_kept_is_refused(
    path: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with supervised(path, state_dir=state) as graph:
        await asyncio.to_thread(_block, state / "documents")
        outcome = await graph.supervisor.apply(Sent(graph_text(55)))
        assert not outcome
        assert "cannot be kept" in outcome.told()
        assert (graph.capacity, graph.live.generation) == (10, 1)


def _block(folder: Path) -> None:
    """Put something where the next document is written that cannot be replaced."""
    (folder / "next-2.json").mkdir()


async def test_a_document_counts_before_anything_the_new_graph_stores(
    path: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    write(path, graph_text().replace("kind: queue", "kind: queue, store: disk"))
    async with supervised(path, state_dir=state) as graph:
        text = graph_text(55).replace("kind: queue", "kind: queue, store: disk")
        for number in range(2, 8):
            assert await graph.supervisor.apply(Sent(text.replace("55", str(50 + number))))
            await graph.live.write({"n": number})  # returns when it is on disk
            assert (state / "documents" / f"{number:010}.json").exists()
        assert not list((state / "documents").glob("next*"))


async def test_reloads_on_a_disk_that_is_slow_keep_each_its_own_document(
    path: Path, tmp_path: Path
) -> None:
    state, slow = tmp_path / "state", threading.Event()
    async with supervised(path, state_dir=state) as graph:
        depot = graph.live.topology.ctx.depot
        assert depot is not None
        waiting = depot.ask(lambda store: slow.wait(20))
        for capacity in (55, 66, 77):
            assert await graph.supervisor.apply(Sent(graph_text(capacity)))
        slow.set()
        await waiting
    again = Generations(str(state))
    again.open()
    assert [graph_text(n) for n in (10, 55, 66, 77)] == [
        one.document.main.text for one in again.all()
    ]
    assert (again.unreadable, again.uncommitted) == ([], [])


async def test_a_document_that_cannot_take_its_place_is_told_and_the_graph_runs_on(
    path: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with supervised(path, state_dir=state) as graph:
        (state / "documents" / "0000000002.json").mkdir()
        assert await graph.supervisor.apply(Sent(graph_text(55)))
        await until(lambda: graph.noted("document_not_kept"), "it is told")
        assert (graph.capacity, graph.live.generation) == (55, 2)
    async with supervised(path, state_dir=state, resume=True) as graph:
        (ignored,) = graph.noted("document_unreadable")
        assert str(ignored["path"]).endswith("0000000002.json")
        (left,) = graph.noted("document_uncommitted")
        assert os.path.basename(str(left["path"])) not in os.listdir(state / "documents")
        assert (graph.capacity, graph.live.generation) == (10, 3)
        assert await graph.supervisor.apply(Sent(graph_text(66)))
    async with supervised(path, state_dir=state, resume=True) as graph:
        assert graph.noted("document_uncommitted") == []
        assert (graph.capacity, graph.live.generation) == (66, 4)


@pytest.mark.parametrize("spoil", [b"", b"half of it"])
async def test_a_damaged_document_keeps_its_number_and_its_file(
    path: Path, tmp_path: Path, spoil: bytes
) -> None:
    state = tmp_path / "state"
    async with supervised(path, state_dir=state) as graph:
        assert await graph.supervisor.apply(Sent(graph_text(55)))
    damaged = state / "documents" / "0000000002.json"
    damaged.write_bytes(spoil)
    async with supervised(path, state_dir=state, resume=True) as graph:
        assert graph.noted("document_unreadable") == [{"path": str(damaged)}]
        assert (graph.capacity, graph.live.generation) == (10, 3)
        assert await graph.supervisor.apply(Sent(graph_text(66)))
        assert graph.live.generation == 4
    assert damaged.read_bytes() == spoil


async def test_a_document_that_was_refused_late_is_not_the_last(path: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with supervised(path, state_dir=state) as graph:
        text = graph_text(55).replace("{kind: blackhole}", "{kind: file, path: .}")
        text = text.replace("path: .", f'path: "{tmp_path}/none/there/x"')
        outcome = await graph.supervisor.apply(
            Sent(text, path=str(tmp_path / "o.yaml")), if_match=1
        )
        assert not outcome
        last = last_kept(str(state))
        assert last is not None
        assert last.generation == 1
        assert os.listdir(state / "documents") == ["0000000001.json"]


async def test_a_file_that_changed_and_was_not_applied_is_told(path: Path) -> None:
    async with supervised(path) as graph:
        write(path, graph_text(99))
        await graph.supervisor.look()
        assert (drift(graph), graph.capacity) == ("changed", 10)
        assert len(graph.noted("file_differs")) == 1
        await graph.supervisor.look()
        assert len(graph.noted("file_differs")) == 1


async def test_what_waits_when_it_closes_is_answered(path: Path) -> None:
    async with supervised(path) as graph:
        asking = [
            asyncio.ensure_future(graph.supervisor.apply(Sent(graph_text(50 + n)), if_match=1))
            for n in range(5)
        ]
        await asyncio.sleep(0)
        await graph.supervisor.close()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert not any(isinstance(one, asyncio.CancelledError) for one in outcomes)
        late = await graph.supervisor.apply(Sent(graph_text(60)))
        assert not late


async def test_a_schema_that_is_python_is_not_imported_for_who_sends_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(path.parent))
    (path.parent / "mischief.py").write_text("import pathlib\npathlib.Path('done').touch()\n")
    monkeypatch.chdir(path.parent)
    text = graph_text().replace("{kind: inlet", '{kind: inlet, schema: "python:mischief:X"')
    assert "mischief" in text
    async with supervised(path) as graph:
        outcome = await graph.supervisor.apply(Sent(text), origin="api")
        assert not outcome
        assert "names Python by its module: `python:mischief:X`" in outcome.told()
        loaded, plan = await graph.supervisor.plan(Sent(text))
        assert plan is None
        assert loaded.graph is None
    assert not (path.parent / "done").exists()


@pytest.mark.parametrize(
    "sink",
    [
        '{kind: call, target: "os:system"}',
        '{kind: transform, python: "os:system", to: {kind: blackhole}}',
    ],
)
async def test_a_document_sent_from_elsewhere_may_name_no_python(path: Path, sink: str) -> None:
    text = graph_text().replace("{kind: blackhole}", sink)
    assert sink in text
    async with supervised(path) as graph:
        outcome = await graph.supervisor.apply(Sent(text), origin="api")
        assert not outcome
        assert "names Python by its module: `os:system`" in outcome.told()
        assert graph.live.generation == 1
