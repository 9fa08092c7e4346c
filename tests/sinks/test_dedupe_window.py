"""A dedupe over restarts: what was accepted stays known for its window, whatever is killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, PartialWrite
from sinkgraph.event import Batch, Event
from sinkgraph.simulation.loop import EPOCH, VirtualClock, run
from sinkgraph.sinks.dedupe import Dedupe
from sinkgraph.sinks.keys import as_key
from sinkgraph.sinks.plain_keys import NotKept, plain_key, real_key
from tests.sinks.rig import Rig, Step, Target, event, events, owing
from tests.support.records import DictRecords

DOWN = DeliveryFailed("down")


@dataclass
class Machine:
    """Is what outlives a process: its disk and its wall clock."""

    records: DictRecords
    wall: float = EPOCH

    def process(
        self, life: Callable[[Process], Coroutine[Any, Any, None]], *, seconds: float = 0.0
    ) -> None:
        """Run one process, from so many seconds after the last to an orderly end."""

        async def main() -> None:
            self.wall += seconds
            process = Process(self)
            await life(process)
            for sink in process.sinks:
                await sink.close()
            self.wall = process.rig.ctx.clock.wall()

        run(main())
        self.records = self.records.stopped()


class Process:
    """Is one run of dedupes over a machine's records."""

    def __init__(self, machine: Machine) -> None:
        self.rig = Rig()
        self.rig.ctx.clock = VirtualClock(machine.wall)
        self.rig.ctx.records = machine.records
        self.sinks: list[Dedupe] = []

    async def dedupe(
        self,
        *script: Step | list[Step],
        name: str = "once",
        was: str | None = None,
        **options: Any,
    ) -> tuple[Dedupe, Target]:
        """Return an open dedupe and its target."""
        target = Target(*script)
        sink = Dedupe(target, **options)
        sink.was = was
        self.rig.bind(sink, name)
        await sink.open()
        self.sinks.append(sink)
        return sink, target


def machine() -> Machine:
    return Machine(DictRecords())


def test_what_was_accepted_before_a_restart_is_still_a_duplicate() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        await sink.write(events("a", "b"))
        await sink.write(events("c"))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("c", "d", "a"))
        assert target.taken == ["d"]
        assert sink.facts()["remembered"] == 4

    host.process(first)
    host.process(second)


def test_a_dedupe_that_was_renamed_goes_on_with_its_window() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        await sink.write(events("a", "b"))

    async def renamed(process: Process) -> None:
        sink, target = await process.dedupe(name="again", was="once")
        await sink.write(events("b", "c"))
        assert target.taken == ["c"]

    async def later(process: Process) -> None:
        sink, target = await process.dedupe(name="again", was="once")
        await sink.write(events("a", "b", "c", "d"))
        assert target.taken == ["d"]
        old, target = await process.dedupe(name="once")
        await old.write(events("a"))
        assert target.taken == ["a"], "the old name has nothing any more"

    host.process(first)
    host.process(renamed)
    host.process(later)


def test_an_id_is_remembered_for_its_window_however_often_it_restarts() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe(window=10.0)
        await sink.write(events("a"))
        await asyncio.sleep(2.0)
        await sink.write(events("b"))
        await asyncio.sleep(1.0)

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(window=10.0)
        await sink.write(events("a"))
        await asyncio.sleep(2.5)  # 9.5 s after it was accepted
        await sink.write(events("a"))
        assert target.taken == []
        await asyncio.sleep(0.5)
        await sink.write(events("a", "b"))
        assert target.taken == ["a"]

    async def third(process: Process) -> None:
        sink, target = await process.dedupe(window=10.0)
        await sink.write(events("a", "b"))
        assert target.taken == ["b"]

    host.process(first)
    host.process(second, seconds=4.0)
    host.process(third, seconds=2.0)


def test_a_kill_lets_duplicates_of_the_last_moment_pass_and_no_others() -> None:
    host = machine()
    left: list[DictRecords] = []

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        await sink.write(events("a"))
        await asyncio.sleep(0.05)
        host.records.commit()
        await sink.write(events("b"))
        left.append(host.records.killed())

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("a", "b"))
        assert target.taken == ["b"]

    host.process(first)
    host.records = left[0]
    host.process(second)


def test_what_the_target_has_not_accepted_is_not_kept() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe(DOWN, owing("b", error=DOWN))
        with pytest.raises(DeliveryFailed):
            await sink.write(events("c"))
        with pytest.raises(PartialWrite):
            await sink.write(events("a", "b"))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("a", "b", "c"))
        assert target.taken == ["b", "c"]

    host.process(first)
    host.process(second)


def test_fewer_ids_are_the_youngest() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        for name in "abcd":
            await sink.write(events(name))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(max_ids=2)
        await sink.write(events("d", "c", "b"))
        assert target.taken == ["b"]

    host.process(first)
    host.process(second)


@pytest.mark.parametrize(
    ("seconds", "later", "taken"),
    [
        (-3_600.0, 0.0, []),  # set back: as young as now, and no younger
        (-3_600.0, 10.0, ["a"]),
        (3_600.0, 0.0, ["a"]),
    ],
)
def test_a_wall_clock_that_was_set(seconds: float, later: float, taken: list[str]) -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe(window=10.0)
        await sink.write(events("a"))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(window=10.0)
        await asyncio.sleep(later)
        await sink.write(events("a"))
        assert target.taken == taken

    host.process(first)
    host.process(second, seconds=seconds)


def test_a_clock_set_back_while_it_runs_does_not_make_ids_older_or_younger() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe(window=10.0)
        await sink.write(events("a"))
        await asyncio.sleep(1.0)
        clock = process.rig.ctx.clock
        assert isinstance(clock, VirtualClock)
        clock.step(-5.0)
        await sink.write(events("b"))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(window=10.0)
        await asyncio.sleep(9.9)
        await sink.write(events("a", "b"))
        assert target.taken == []
        await asyncio.sleep(0.1)
        await sink.write(events("b"))
        assert target.taken == ["b"]

    host.process(first)
    host.process(second)


# how much is written


def test_a_save_costs_the_same_however_much_is_remembered() -> None:
    host = machine()
    sizes: list[int] = []
    put = host.records.put

    def weigh(kind: str, name: str, value: bytes) -> None:
        sizes.append(len(value))
        put(kind, name, value)

    host.records.put = weigh  # type: ignore[method-assign]

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        for k in range(0, 100_000, 100):
            await sink.write(events(*[f"event-{n:09d}" for n in range(k, k + 100)]))
            await asyncio.sleep(0.001)
        assert max(sizes) < 20_000
        assert sum(sizes) < 10 * 100_000 * len("event-000000000")
        assert len(host.records.kept | host.records.pending) <= 100_000 / 200
        await asyncio.sleep(1.0)
        sizes.clear()
        await sink.write(events("one more"))
        await asyncio.sleep(1.0)
        assert len([size for size in sizes if size]) == 1

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("event-000000007", "event-000099999", "new"))
        assert target.taken == ["new"]

    host.process(first)
    host.process(second)


def test_slices_out_of_the_window_are_given_up_and_their_records_used_again() -> None:
    host = machine()

    async def life(process: Process) -> None:
        sink, _ = await process.dedupe(window=1.0)
        for second in range(20):
            await sink.write(events(*[f"{second}-{k}" for k in range(1_000)]))
            await asyncio.sleep(1.0)

    host.process(life)
    used = [name for _, name in host.records.kept]
    assert len(used) <= 10
    assert sum(map(len, host.records.kept.values())) < 15_000
    host.process(life)
    assert len(host.records.kept) <= 15


def test_ids_forgotten_for_want_of_room_do_not_fill_the_disk() -> None:
    host = machine()

    async def life(process: Process) -> None:
        sink, _ = await process.dedupe(max_ids=1_000)
        for k in range(200):
            await sink.write(events(*[f"{k}-{n}" for n in range(100)]))
        assert len(sink._seen) == 1_000

    host.process(life)
    assert len([value for value in host.records.kept.values() if value]) <= 6


def test_large_keys_make_more_slices_not_larger_ones() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        await sink.write(events(*[f"{k}{'x' * 5_000}" for k in range(30)]))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events(*[f"{k}{'x' * 5_000}" for k in range(31)]))
        assert len(target.taken) == 1

    host.process(first)
    assert max(map(len, host.records.kept.values())) < 40_000
    host.process(second)


# which keys


class Own:
    """Is a key only its own process knows."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)


KEYS: list[Hashable] = [
    "text",
    "\ud800",
    7,
    -(2**80),
    True,
    1.5,
    b"\x00",
    ("a", 1, (None, False)),
    frozenset({1, 2}),
    decimal.Decimal("1.50"),
    dt.datetime(2026, 1, 1, 12, 30),  # noqa: DTZ001
    dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    dt.date(2026, 1, 1),
    dt.time(1, 2, 3, 4),
    dt.timedelta(days=-1, seconds=5, microseconds=7),
    uuid.UUID(int=5),
]


def test_keys_of_every_kind_are_known_again() -> None:
    host, keys = machine(), [*KEYS, ["a", "list"], {"a": "dict"}]

    def by(one: Event) -> Any:
        return keys[one.data["v"]]

    whole = Batch.of(event(str(k), k) for k in range(len(keys)))

    async def first(process: Process) -> None:
        sink, target = await process.dedupe(by=by)
        await sink.write(whole)
        assert len(target.taken) == len(keys)

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(by=by)
        await sink.write(whole)
        assert target.taken == []
        assert process.rig.facts == []

    host.process(first)
    host.process(second)


def test_ids_that_are_no_unicode_are_known_again() -> None:
    host = machine()

    async def life(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("a", "\ud800", "b"))
        taken.append(len(target.taken))

    taken: list[int] = []
    host.process(life)
    host.process(life)
    assert taken == [3, 0]


def test_a_key_that_is_too_deep_is_refused() -> None:
    key: Hashable = ()
    for _ in range(100_000):
        key = (key,)
    with pytest.raises(NotKept):
        plain_key(key)


_HASHABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | st.just(dt.UTC))
    | st.timedeltas()
    | st.uuids(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)


@given(_HASHABLE)
def test_a_key_comes_back_equal(value: Any) -> None:
    key = as_key(lambda _event: value)(Event())
    written = msgspec.msgpack.encode(plain_key(key))
    back = real_key(msgspec.msgpack.decode(written))
    assert (back, hash(back)) == (key, hash(key))


class Sub(str):
    """Is text that may compare as it likes."""


@pytest.mark.parametrize("key", [Own(), Sub("a"), ("t", Own()), range(3)])
def test_a_key_that_may_not_come_back_equal_is_refused(key: Hashable) -> None:
    with pytest.raises(NotKept):
        plain_key(key)


def test_keys_that_cannot_be_kept_are_told_once_and_still_remembered() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, target = await process.dedupe(by=lambda one: Own() if one.data["v"] else one.id)
        await sink.write(Batch.of([event("a", True), event("b", True), event("c", False)]))
        await asyncio.sleep(1.0)
        await sink.write(Batch.of([event("d", True)]))
        assert target.taken == ["a", "c"]

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(by=lambda one: Own() if one.data["v"] else one.id)
        await sink.write(Batch.of([event("a", True), event("c", False)]))
        assert target.taken == ["a"]
        await asyncio.sleep(1.0)
        assert [kind for kind, _ in process.rig.facts] == ["keys_not_kept"]

    host.process(first)
    host.process(second)


# what can be wrong


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff",
        b"\x93",
        msgspec.msgpack.encode([99, 0, []]),
        msgspec.msgpack.encode([1, 0, [[1.0, [["zz", 1]]]]]),
        msgspec.msgpack.encode([1, 0, [[EPOCH, [{"a": 1}]]]]),
        msgspec.msgpack.encode([1, 0, [[EPOCH, [["u", 7], ["i"], []]]]]),
    ],
)
def test_a_damaged_slice_is_journalled_and_the_others_are_read(damage: bytes) -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        await sink.write(events(*map(str, range(300))))

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        assert [kind for kind, _ in process.rig.facts] == ["window_damaged"]
        await sink.write(events("0", "299"))
        assert target.taken == ["0"]

    async def third(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("0", "299"))
        assert target.taken == []

    host.process(first)
    host.records.kept["dedupe", "once/0"] = damage
    host.process(second)
    host.process(third)


def test_dedupes_whose_names_look_alike_keep_apart() -> None:
    host = machine()

    async def first(process: Process) -> None:
        for name in ("a", "a/0", "a/0/0"):
            sink, _ = await process.dedupe(name=name)
            await sink.write(events(name))

    async def second(process: Process) -> None:
        for name in ("a", "a/0", "a/0/0"):
            sink, target = await process.dedupe(name=name)
            await sink.write(events("a", "a/0", "a/0/0"))
            assert set(target.taken) == {"a", "a/0", "a/0/0"} - {name}

    host.process(first)
    host.process(second)


@pytest.mark.parametrize("name", ["once", "renamed"])
def test_a_window_is_kept_under_the_name_a_reload_gives_it(name: str) -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe()
        await sink.write(events("a"))
        sink.name, target = name, Target()
        sink.become(Dedupe(target))
        await sink.write(events("a", "b"))
        assert target.taken == ["b"]

    async def second(process: Process) -> None:
        sink, target = await process.dedupe(name=name)
        await sink.write(events("a", "b", "c"))
        assert target.taken == ["c"]
        if name != "once":
            sink, target = await process.dedupe()
            await sink.write(events("a"))
            assert target.taken == ["a"]

    host.process(first)
    host.process(second)


def test_a_write_that_ends_after_a_reload_is_remembered() -> None:
    host = machine()

    async def first(process: Process) -> None:
        sink, _ = await process.dedupe(5.0)
        late = asyncio.ensure_future(sink.write(events("late")))
        await asyncio.sleep(1.0)
        sink.become(Dedupe(Target()))
        await late
        await sink.write(events("a"))
        await asyncio.sleep(1.0)
        left.append(host.records.stopped())

    async def second(process: Process) -> None:
        sink, target = await process.dedupe()
        await sink.write(events("late", "a", "b"))
        assert target.taken == ["b"]

    left: list[DictRecords] = []
    host.process(first)
    host.records = left[0]
    host.process(second)


def test_without_a_state_dir_nothing_is_kept() -> None:
    async def main() -> None:
        rig = Rig()
        sink = Dedupe(Target())
        rig.bind(sink)
        await sink.open()
        await sink.write(events("a"))
        assert sink._kept is None
        await sink.close()

    run(main())


# everything at once

_WINDOW = 10.0
_STEPS = st.lists(
    st.tuples(st.just("write"), st.sets(st.sampled_from("abcdef"), min_size=1))
    | st.tuples(st.just("sleep"), st.sampled_from([0.01, 0.5, 4.0, 9.0]))
    | st.tuples(st.sampled_from(["commit", "kill", "stop"]), st.sampled_from([0.0, 3.0, 11.0])),
    max_size=25,
)


@settings(deadline=None)
@given(_STEPS)
def test_a_duplicate_is_of_something_accepted_and_what_was_saved_is_known(
    steps: list[tuple[str, Any]],
) -> None:
    host = machine()
    accepted: dict[str, float] = {}  # when its last acceptance was
    known: dict[str, float] = {}  # what this process accepted, or was saved before
    saved: dict[str, float] = {}
    todo = list(steps)

    async def life(process: Process) -> None:
        sink, target = await process.dedupe(window=_WINDOW)
        clock = process.rig.ctx.clock
        while todo:
            step, with_ = todo.pop(0)
            now = clock.wall()
            match step:
                case "write":
                    before = len(target.taken)
                    await sink.write(events(*sorted(with_)))
                    taken = set(target.taken[before:])
                    for name in with_ - taken:
                        assert now - accepted[name] < _WINDOW + 1e-6
                    for name in taken:
                        assert name not in saved or now - saved[name] > _WINDOW - 0.011
                        accepted[name] = known[name] = now
                case "sleep":
                    await asyncio.sleep(with_)
                case "commit":
                    await asyncio.sleep(0.05)
                    host.records.commit()
                    saved.update(known)
                case "stop":
                    saved.update(known)
                    todo.insert(0, ("down", with_))
                    return
                case "kill":
                    killed.append(host.records.killed())
                    known.clear()
                    known.update(saved)
                    todo.insert(0, ("down", with_))
                    return

    killed: list[DictRecords] = []
    while todo:
        host.process(life)
        if killed:
            host.records = killed.pop()
        if todo and todo[0][0] == "down":
            host.wall += todo.pop(0)[1]
