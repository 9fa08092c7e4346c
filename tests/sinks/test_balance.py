"""The balance: by turns, by load, by key; every event goes to one target and is accounted for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, PartialWrite, SinkClosed
from sinkgraph.event import Batch
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.balance import Balance, jump_hash, stable_hash
from tests.sinks.rig import Rig, Target, balanced, event, events, owing

DOWN = DeliveryFailed("down")


def three() -> list[Target]:
    return [Target(name=name) for name in ("one", "two", "three")]


def test_batches_go_round_by_turns() -> None:
    async def main() -> None:
        targets = three()
        sink = Balance(targets)
        for name in ("ab", "c", "de", "f"):
            await sink.write(events(*name))
        assert [target.taken for target in targets] == [["a", "b", "f"], ["c"], ["d", "e"]]
        view = sink.facts()["targets"]["one"]
        assert (view.entered, view.delivered, view.residue) == (3, 3, 0)
        balanced(sink, *targets)

    run(main())


def test_a_retry_of_a_failed_write_meets_the_next_target() -> None:
    async def main() -> None:
        first, second = Target(DOWN, name="first"), Target(name="second")
        sink = Balance([first, second])
        with pytest.raises(DeliveryFailed) as caught:
            await sink.write(events("a"))
        assert caught.value is DOWN
        await sink.write(events("a"))
        assert second.taken == ["a"]
        assert sink.facts()["targets"]["first"].returned == 1
        balanced(sink, first, second)

    run(main())


def test_a_target_closed_for_good_is_passed_over() -> None:
    async def main() -> None:
        targets = three()
        sink = Balance(targets)
        await targets[0].close()
        for name in "abc":
            await sink.write(events(name))
        assert [target.taken for target in targets] == [[], ["a", "b"], ["c"]]
        for target in targets:
            await target.close()
        with pytest.raises(SinkClosed):
            await sink.write(events("d"))
        balanced(sink, *targets)

    run(main())


def test_least_pending_goes_where_least_is_under_way() -> None:
    async def main() -> None:
        rig = Rig()
        targets = [Target(10.0, name="slow"), Target(1.0, 1.0, 1.0, 1.0, name="fast")]
        sink = Balance(targets, by="least_pending")
        rig.bind(sink)
        writes = [asyncio.create_task(sink.write(events("a", "b", "c")))]
        await asyncio.sleep(0)
        for name in "defg":
            writes.append(asyncio.create_task(sink.write(events(name))))
            await asyncio.sleep(2.0)
        await asyncio.gather(*writes)
        assert [target.taken for target in targets] == [["a", "b", "c"], ["d", "e", "f", "g"]]
        balanced(sink, *targets)

    run(main())


def test_least_pending_takes_turns_among_equals() -> None:
    async def main() -> None:
        targets = three()
        sink = Balance(targets, by="least_pending")
        for name in "abc":
            await sink.write(events(name))
        assert [target.taken for target in targets] == [["a"], ["b"], ["c"]]

    run(main())


@pytest.mark.parametrize("key", ["data.v", lambda one: one.data["v"]])
def test_a_batch_is_split_by_key_and_a_key_keeps_its_target_and_order(key: Any) -> None:
    async def main() -> None:
        targets = three()
        sink = Balance(targets, by="key", key=key)
        names = [(f"{k}-{n}", k) for n in range(5) for k in "abcdefghij"]
        await sink.write(Batch.of(event(*one) for one in names))
        await sink.write(Batch.of(event(f"{k}-5", k) for k in "jihgfedcba"))
        for k in "abcdefghij":
            (home,) = [target for target in targets if f"{k}-0" in target.taken]
            assert [own for own in home.taken if own[0] == k] == [f"{k}-{n}" for n in range(6)]
        assert all(len(target.writes) == 2 for target in targets)
        balanced(sink, *targets)

    run(main())


def test_what_one_target_owes_names_only_its_events_and_goes_back_to_it() -> None:
    async def main() -> None:
        targets = three()
        sink = Balance(targets, by="key", key=lambda one: one.id)
        batch = events(*"abcdefghijkl")
        homes = [sink.place(one) for one in batch]
        other = Target(name="other")
        last = next(own for own, home in zip(batch.ids, homes, strict=True) if home == 2)
        targets[1].script = [DOWN]
        targets[2].script = [owing(last, error=DOWN, sink=other)]
        with pytest.raises(PartialWrite) as caught:
            await sink.write(batch)
        lost, part = caught.value.owed
        assert [one.id for one in lost.events] == [
            own for own, home in zip(batch.ids, homes, strict=True) if home == 1
        ]
        assert lost.error is DOWN
        await lost.write(lost.events)
        await part.write(part.events)
        taken = [*targets[0].taken, *targets[1].taken, *targets[2].taken, *other.taken]
        assert sorted(taken) == list("abcdefghijkl")
        assert other.taken == [last]
        balanced(sink, other, *targets)

    run(main())


def test_a_batch_of_one_key_fails_with_the_bare_error() -> None:
    async def main() -> None:
        sink = Balance([Target(DOWN), Target(DOWN)], by="key", key=lambda _: "same")
        with pytest.raises(DeliveryFailed) as caught:
            await sink.write(events("a", "b"))
        assert caught.value is DOWN
        balanced(sink)

    run(main())


def test_cancelling_a_split_write_cancels_every_part() -> None:
    async def main() -> None:
        targets = [Target(9.0), Target(9.0)]
        sink = Balance(targets, by="key", key=lambda one: one.id)
        task = asyncio.create_task(sink.write(events(*"abcdef")))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [target.cancelled for target in targets] == [1, 1]
        assert sink.account().returned == 6
        balanced(sink, *targets)

    run(main())


def test_a_key_s_target_is_the_same_in_every_process() -> None:
    code = (
        "from sinkgraph.sinks.balance import Balance\n"
        "from sinkgraph.sinks.base import Terminal\n"
        "from sinkgraph.event import Event\n"
        "b = Balance([Terminal() for _ in range(7)], by='key', key=lambda e: e.data)\n"
        "print([b.place(Event(data=d)) for d in ('a', 1, 1.5, None, True, {'x': [1]}, b'z')])\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


@given(st.integers(0, 2**64 - 1), st.integers(1, 200))
def test_another_place_takes_keys_over_and_moves_no_other(key: int, places: int) -> None:
    before, after = jump_hash(key, places), jump_hash(key, places + 1)
    assert 0 <= before < places
    assert after in (before, places)


def test_keys_spread_evenly() -> None:
    counts = Counter(jump_hash(stable_hash(("str", f"customer-{k}")), 8) for k in range(8_000))
    assert len(counts) == 8
    assert all(850 < n < 1150 for n in counts.values())


@pytest.mark.parametrize(
    ("targets", "fields", "names"),
    [
        (0, {}, "at least one target"),
        (1, {"by": "random"}, "by must be .*'random'"),
        (1, {"by": "key"}, "key goes with by='key'"),
        (1, {"key": "id"}, "key goes with by='key'.*round_robin.*'id'"),
    ],
)
def test_a_bad_configuration_says_what_is_wrong(
    targets: int, fields: dict[str, Any], names: str
) -> None:
    with pytest.raises(ValueError, match=names):
        Balance([Target()] * targets, **fields)
