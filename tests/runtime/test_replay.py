"""What is stored to be replayed is written into its node: in order, at a rate, over crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from sinkgraph.errors import DeliveryFailed, Overloaded, Rejected, SinkgraphError
from sinkgraph.event import Batch
from sinkgraph.log.disk.dead import DeadFilter
from sinkgraph.log.disk.replaying import WrongReplay
from sinkgraph.log.disk.store import Store
from sinkgraph.simulation.world import World, simulate
from sinkgraph.sinks.base import Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from tests.support.letters import a_row, bury, left, stored

ORIGIN = "http://hooks.test"


def document(**again: Any) -> dict[str, Any]:
    return {
        "sinkgraph": 1,
        "name": "one-hook",
        "sources": {"in": {"kind": "inlet", "to": "hooks"}},
        "sinks": {
            "hooks": {"kind": "queue", "store": "disk", "to": "again"},
            "again": {
                "kind": "retry", "backoff": {"base": "100ms", "cap": "1s"}, "to": "hook", **again
            },
            "hook": {"kind": "http", "url": f"{ORIGIN}/in", "timeout": "1s"},
        },
    }  # fmt: skip


class Taker(Terminal):
    """Takes events unless told what to raise; keeps when it took them."""

    kind: ClassVar[str] = "taker"

    def __init__(self) -> None:
        super().__init__()
        self.name = "taker"
        self.got: list[int] = []
        self.when: list[float] = []
        self.sizes: list[int] = []
        self.refuse: Callable[[Batch], BaseException | None] = lambda _batch: None

    async def deliver(self, batch: Batch) -> None:
        if (error := self.refuse(batch)) is not None:
            raise error
        now = asyncio.get_running_loop().time()
        self.sizes.append(len(batch))
        for event in batch:
            self.got.append(event.data["n"])
            self.when.append(now)


def journal(live: Any, kind: str) -> list[dict[str, Any]]:
    return [dict(one.facts) for one in live.topology.journal.entries if one.kind == kind]


def test_a_start_writes_what_is_to_be_replayed_where_it_died() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k) for k in range(20)])
        world.destination(ORIGIN)
        async with world.run(document(), durable=True) as live:
            made = await live.topology.replays.replay()
            assert made.events == {"again": 20}
            await live.topology.replays.ended()
            ledger = live.snapshot()["again"].ledger
            assert (ledger.entered, ledger.replayed, ledger.delivered) == (0, 20, 20)
            own = live.snapshot()["replay/again"].ledger
            assert (own.entered, own.delivered, own.pending) == (20, 20, 0)
        assert [one["n"] for one in world.destination(ORIGIN).payloads] == list(range(20))
        assert left(world.state_dir) == []
        assert stored(world.state_dir, "again") == []

    simulate(story)


def test_a_rate_is_kept_to_and_events_come_in_order() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(205)])
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            await live.topology.replays.replay(rate=100.0)
            await live.topology.replays.ended()
        assert taker.got == list(range(205))
        for k in range(0, 205 - 100, 10):  # in no second more than a hundred and one write
            within = [at for at in taker.when if taker.when[k] <= at < taker.when[k] + 1.0]
            assert len(within) <= 110
        assert 1.9 <= taker.when[-1] - taker.when[0] <= 2.2

    simulate(story)


def test_a_slow_rate_writes_one_event_at_a_time() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(5)])
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            await live.topology.replays.replay(rate=0.1)
            await live.topology.replays.ended()
        gaps = [b - a for a, b in zip(taker.when, taker.when[1:], strict=False)]
        assert taker.sizes == [1] * 5
        assert gaps == pytest.approx([10.0] * 4, abs=0.01)

    simulate(story)


def test_a_rate_outlives_the_process_and_a_new_one_takes_its_place() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(100)])
        async with world.run(Taker(), durable=True) as live:
            await live.topology.replays.replay(range(1, 100), rate=1.0)
            await asyncio.sleep(3.5)
        began = world.now
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            await world.until(began + 5.5)
            assert 4 <= len(taker.got) <= 7
            await live.topology.replays.replay(rate=1_000.0)
            await live.topology.replays.ended()
        assert world.now - began < 8
        assert taker.got[-1] == 99

    simulate(story)


def test_a_failed_write_stops_it_and_the_rest_stays_for_the_next_start() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(10)])
        taker = Taker()
        taker.max_batch = 1
        taker.refuse = lambda batch: DeliveryFailed("down") if batch[0].data["n"] >= 4 else None
        async with world.run(taker, durable=True) as live:
            replays = live.topology.replays
            await replays.replay()
            await replays.ended()
            (failed,) = journal(live, "replay_failed")
            assert failed == {"node": "taker", "error": "DeliveryFailed: down", "left": 6}
            node = live.snapshot()["replay/taker"]
            assert (node.status, node.depth) == ("failed", 6)
            await asyncio.sleep(60)
            assert taker.got == [0, 1, 2, 3]
        assert live.report is not None
        assert live.report.kept == {"replay/taker": 6}
        assert [event.data["n"] for event in stored(world.state_dir, "taker")] == list(range(4, 10))
        again = Taker()
        async with world.run(again, durable=True) as live:
            assert live.snapshot()["replay/taker"].ledger.recovered == 6
            await live.topology.replays.ended()
        assert again.got == list(range(4, 10))

    simulate(story)


def test_a_stopped_replay_goes_on_when_it_is_told_to() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(6)])
        taker = Taker()
        taker.refuse = lambda _batch: DeliveryFailed("down")
        async with world.run(taker, durable=True) as live:
            replays = live.topology.replays
            await replays.replay([1, 2, 3])
            await replays.ended()
            taker.refuse = lambda _batch: None
            replays.resume("taker")
            await replays.ended()
            assert taker.got == [0, 1, 2]
            taker.refuse = lambda _batch: DeliveryFailed("down")
            await replays.replay([4])
            await replays.ended()
            taker.refuse = lambda _batch: None
            await replays.replay([5, 6])  # so does another replay into it
            await replays.ended()
        assert taker.got == list(range(6))

    simulate(story)


def test_a_full_queue_is_waited_for() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="buffer") for k in range(30)])
        taker = Taker()
        queue = Queue(taker, capacity=4, when_full="reject")
        queue.name = "buffer"
        full = iter(range(12))
        taker.refuse = lambda _b: DeliveryFailed("busy") if next(full, None) is not None else None
        async with world.run(queue, durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            assert await live.drain(120)
            ledger = live.snapshot()["buffer"].ledger
            assert (ledger.entered, ledger.replayed) == (0, 30)
        assert taker.got == list(range(30))

    simulate(story)


def test_an_overloaded_sink_is_written_again_later() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(3)])
        taker = Taker()
        busy = iter([1, 2])
        taker.refuse = lambda _b: (
            Overloaded("busy", retry_after_s=5.0) if next(busy, None) is not None else None
        )
        async with world.run(taker, durable=True) as live:
            began = world.now
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            assert 10 <= world.now - began < 11
        assert taker.got == [0, 1, 2]

    simulate(story)


def test_what_dies_again_is_a_dead_letter_again_and_counts_its_replays() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(9)])
        taker = Taker()

        def refuse(batch: Batch) -> BaseException | None:
            return Rejected("bad") if any(event.data["n"] % 4 == 0 for event in batch) else None

        taker.refuse = refuse
        async with world.run(taker, durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            node = live.snapshot()["replay/taker"].ledger
            assert (node.delivered, node.dead_lettered, node.pending) == (6, 3, 0)
            ledger = live.snapshot()["taker"].ledger
            assert (ledger.replayed, ledger.delivered) == (6, 6)
            buried = live.snapshot()["dead-letters"]
            assert buried.ledger.entered == 3
            assert live.snapshot().residue == 0
        assert taker.got == [1, 2, 3, 5, 6, 7]

    simulate(story)


def test_a_fan_out_owes_only_what_was_not_taken() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="fan") for k in range(4)])
        one, two = Taker(), Taker()
        one.name, two.name = "one", "two"
        two.refuse = lambda _batch: DeliveryFailed("down")
        fan = Broadcast([one, two])
        fan.name = "fan"
        async with world.run(fan, durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            assert len(journal(live, "replay_failed")) == 1
            assert live.snapshot().residue == 0
            assert live.snapshot()["replay/fan"].depth == 4
        assert one.got == [0, 1, 2, 3]
        assert two.got == []

    simulate(story)


def test_a_branch_that_is_busy_is_waited_for_and_one_that_rejects_buries() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="fan") for k in range(4)])
        takers = [Taker() for _ in range(3)]
        for taker, name in zip(takers, ("calm", "busy", "picky"), strict=True):
            taker.name = name
        calm, busy, picky = takers
        full = iter([1, 2])
        busy.refuse = lambda _batch: (
            Overloaded("full", retry_after_s=3.0) if next(full, None) is not None else None
        )
        picky.refuse = lambda batch: (
            Rejected("no") if any(event.data["n"] == 2 for event in batch) else None
        )
        fan = Broadcast(takers)
        fan.name = "fan"
        async with world.run(fan, durable=True) as live:
            began = world.now
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            assert 3 <= world.now - began < 10
            snapshot = live.snapshot()
            own = snapshot["replay/fan"].ledger
            assert (own.delivered, own.dead_lettered, own.pending) == (3, 1, 0)
            assert snapshot.residue == 0
        assert calm.got == [0, 1, 2, 3]
        assert busy.got == [0, 1, 2, 3]
        assert sorted(picky.got) == [0, 1, 3]
        assert [(one.node, one.id) for one in left(world.state_dir)] == [("fan", "run-2")]

    simulate(story)


def test_a_sink_that_is_closed_stops_it() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(0, node="taker")])
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            await taker.close()
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            (failed,) = journal(live, "replay_failed")
            assert failed["error"] == "taker taker is closed"
            live.topology.replays.resume("nobody")
        assert len(stored(world.state_dir, "taker")) == 1

    simulate(story)


def test_what_is_damaged_on_disk_is_dropped_and_the_rest_is_written() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(3)])
        refusing = Taker()
        refusing.refuse = lambda _batch: DeliveryFailed("down")
        async with world.run(refusing, durable=True) as live:
            for number in (1, 2, 3):
                await live.topology.replays.replay([number])
        store = Store.open(world.state_dir)
        (rows,) = store.select("SELECT count(*) FROM rows WHERE n = 1")
        assert rows == (3,), "one commit each"
        store.db.execute("UPDATE rows SET body = x'90' WHERE n = 1 AND key & 0xfffff = 1")
        store.close()
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            await live.topology.replays.ended()
            ledger = live.snapshot()["replay/taker"].ledger
            assert (ledger.recovered, ledger.delivered, ledger.dropped) == (3, 2, {"damaged": 1})
            assert ledger.residue == 0
            assert [one["events"] for one in journal(live, "events_damaged")] == [1]
        assert taker.got == [0, 2]

    simulate(story)


def test_letters_of_nodes_that_are_gone_stay_letters() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(0, node="taker"), a_row(1, node="gone")])
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            made = await live.topology.replays.replay()
            assert made.events == {"taker": 1}
            assert list(made.left) == [2]
            await live.topology.replays.replay(to="taker")
            await live.topology.replays.ended()
        assert taker.got == [0, 1]

    simulate(story)


def test_a_replay_that_cannot_be_is_refused() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(0, node="taker")])
        async with world.run(Taker(), durable=True) as live:
            replays = live.topology.replays
            with pytest.raises(KeyError, match="no node is named 'nobody'"):
                await replays.replay(to="nobody")
            with pytest.raises(SinkgraphError, match="dead-letters keeps dead letters"):
                await replays.replay(to="dead-letters")
            with pytest.raises(WrongReplay):
                await replays.replay(DeadFilter(node="taker"), expect=2)
            assert len(left(world.state_dir)) == 1
        with pytest.raises(SinkgraphError, match="stopped"):
            await replays.replay()
        async with world.run(Taker()) as live:
            with pytest.raises(SinkgraphError, match="there is no state dir"):
                await live.topology.replays.replay()

    simulate(story)


def test_two_replays_of_the_same_letters_move_each_once() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(50)])
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            replays = live.topology.replays
            both = await asyncio.gather(replays.replay(), replays.replay())
            assert sorted(one.total for one in both) == [0, 50]
            await replays.ended()
        assert taker.got == list(range(50))

    simulate(story)


def test_it_goes_on_through_a_filter_that_was_corrected() -> None:
    async def story(world: World) -> None:
        bury(
            world.state_dir, [a_row(k, node="choose", reason="expression_error") for k in range(6)]
        )
        taker = Taker()
        choose = Filter(taker, lambda event: event.data["n"] % 2 == 0)
        choose.name = "choose"
        async with world.run(choose, durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            ledger = live.snapshot()["choose"].ledger
            assert (ledger.replayed, ledger.entered, ledger.delivered) == (6, 0, 3)
            assert live.snapshot().residue == 0
        assert taker.got == [0, 2, 4]

    simulate(story)


def test_it_may_go_into_a_source() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k) for k in range(3)])
        world.destination(ORIGIN)
        async with world.run(document(), durable=True) as live:
            await live.topology.replays.replay(to="in")
            await live.topology.replays.ended()
            assert await live.drain(60)
            snapshot = live.snapshot()
            ledger = snapshot["in"].ledger
            assert (ledger.entered, ledger.replayed, ledger.delivered) == (0, 3, 3)
            assert snapshot.residue == 0
        assert len(world.destination(ORIGIN).payloads) == 3

    simulate(story)


@pytest.mark.parametrize("hold", ["lane", "key", "event"])
def test_a_retry_that_parks_events_is_waited_for(hold: str) -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k) for k in range(5)])
        target = world.destination(ORIGIN)
        target.script("503", "503", "200", "503", "200 x20")
        async with world.run(document(hold=hold), durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
            snapshot = live.snapshot()
            ledger = snapshot["again"].ledger
            assert (ledger.replayed, ledger.delivered, ledger.pending) == (5, 5, 0)
            assert snapshot.residue == 0
            assert snapshot["replay/again"].ledger.delivered == 5
        assert [one["n"] for one in target.payloads] == list(range(5))

    simulate(story)


@pytest.mark.parametrize("hold", ["lane", "event"])
def test_a_stop_does_not_wait_for_an_endpoint_that_is_down(hold: str) -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k) for k in range(5)])
        world.destination(ORIGIN).down(0, 10_000)
        live = await world.start(document(hold=hold), durable=True)
        await live.topology.replays.replay()
        await asyncio.sleep(30)
        began = world.now
        await world.stop()
        assert world.now - began < 5
        assert live.report is not None
        assert live.report.kept == {"replay/again": 5}
        assert not live.report.left
        assert len(stored(world.state_dir, "again")) == 5

    simulate(story)


def test_a_run_does_not_end_with_its_sources_while_something_is_replayed() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(5)])
        async with world.run(Taker(), durable=True) as live:
            await live.topology.replays.replay(rate=1.0)
        taker = Taker()
        async with world.run(taker, durable=True) as live:
            await live.ended()
        assert len(taker.got) >= 4

    simulate(story)


@pytest.mark.parametrize("ending", ["kill", "power"])
def test_a_crash_loses_nothing_and_repeats_little(ending: Any) -> None:
    """The places are written at most 64 events or 50 ms late."""

    async def story(world: World) -> None:
        count = 400
        bury(world.state_dir, [a_row(k) for k in range(count)])
        target = world.destination(ORIGIN)
        live = await world.start(document(), durable=True)
        await world.do(live.topology.replays.replay(rate=50.0))
        for _ in range(4):
            await asyncio.sleep(world.chance("crash").uniform(0.3, 1.5))
            await world.crash(ending)
            live = await world.start(document(), durable=True)
        await live.topology.replays.ended()
        await world.stop()
        got = [one["n"] for one in target.payloads]
        assert set(got) == set(range(count))
        assert len(got) - count <= 4 * 64
        assert list(dict.fromkeys(got)) == list(range(count))
        assert stored(world.state_dir, "again") == []

    simulate(story, seeds=range(3))


def test_a_death_in_the_middle_of_moving_leaves_each_letter_in_one_place() -> None:
    async def story(world: World) -> None:
        count = 60
        bury(world.state_dir, [a_row(k) for k in range(count)])
        target = world.destination(ORIGIN)
        live = await world.start(document(), durable=True)
        world.faults.die_after(world.chance("changes").randrange(30))
        moving = world.spawn(_until_dead(world, live.topology.replays.replay()), "moving")
        await asyncio.wait([moving], timeout=5)
        if world.process is not None:
            await world.crash()
        async with world.run(document(), durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
        got = [one["n"] for one in target.payloads]
        assert set(got) == set(range(count))
        assert left(world.state_dir) == []

    simulate(story, seeds=range(12))


async def _until_dead(world: World, work: Any) -> None:
    from sinkgraph.simulation.process import Died

    try:
        await world.do(work)
    except (Died, SinkgraphError):
        pass


def test_events_that_no_node_claims_refuse_the_start_and_may_die_again() -> None:
    async def story(world: World) -> None:
        bury(world.state_dir, [a_row(k, node="taker") for k in range(2)])
        taker = Taker()
        taker.refuse = lambda _batch: DeliveryFailed("down")
        async with world.run(taker, durable=True) as live:
            await live.topology.replays.replay()
            await live.topology.replays.ended()
        one, two = Taker(), Taker()
        one.name = two.name = "other"
        with pytest.raises(SinkgraphError, match="2 events to be replayed into taker"):
            await world.start(one, durable=True)
        fates = {"replay/taker": "dead_letter"}
        async with world.run(two, durable=True, fates=fates) as live:
            assert live.snapshot()["dead-letters"].ledger.entered == 2
        assert stored(world.state_dir, "taker") == []

    simulate(story)
