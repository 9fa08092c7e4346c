"""Messages to many readers: numbered, resumed from a ring, and never waited for."""

from __future__ import annotations

from sinkgraph.control.answers import reading
from sinkgraph.control.hub import Hub, Message


def hub(**options: int) -> Hub:
    made: Hub = Hub("run", lambda: [Message.of(made.seq, "full", {"seq": made.seq})], **options)
    return made


async def drained(one: Hub, last_id: str | None = None) -> list[int]:
    reader = one.join(last_id)
    assert reader is not None
    reader.close()
    found = []
    while (message := await reader.next(0)) is not None:
        found.append(message.seq)
    return found


async def test_a_new_reader_begins_with_everything_and_gets_what_follows() -> None:
    one = hub()
    one.publish("delta", 1)
    reader = one.join(None)
    assert reader is not None
    one.publish("delta", 2)
    first, second = await reader.next(0), await reader.next(0)
    assert first is not None
    assert second is not None
    assert (first.event, first.seq) == ("full", 1)
    assert (second.event, second.seq) == ("delta", 2)


async def test_a_reader_that_comes_back_goes_on_where_it_was() -> None:
    one = hub()
    for k in range(5):
        one.publish("delta", k)
    assert await drained(one, "run.3") == [4, 5]
    assert await drained(one, "run.5") == []


async def test_a_reader_that_was_away_too_long_or_read_another_run_begins_anew() -> None:
    one = hub(kept=2)
    for k in range(5):
        one.publish("delta", k)
    for last in ("run.2", "other.4", "run.9", "run.x", "", "run.-1", f"run.{'9' * 400}"):
        assert await drained(one, last) == [5], last
    assert await drained(one, "run.3") == [4, 5]


async def test_a_slow_reader_is_told_how_much_it_missed_and_gets_everything_again() -> None:
    one = hub(queued=4)
    reader = one.join("run.0")
    assert reader is not None
    for k in range(10):
        one.publish("delta", k)
    said = reading(one, reader, whole_after_gap=True)
    assert await anext(said) == b"retry: 1000\n\n"
    assert await anext(said) == b'event: gap\ndata: {"missed":8}\n\n'
    assert await anext(said) == b'id: run.10\nevent: full\ndata: {"seq":10}\n\n'
    one.publish("delta", "next")
    assert await anext(said) == b'id: run.11\nevent: delta\ndata: "next"\n\n'
    await said.aclose()  # type: ignore[attr-defined]
    assert one.readers == 0


async def test_readers_are_bounded() -> None:
    one = hub(most_readers=2)
    first, _second = one.join(None), one.join(None)
    assert one.join(None) is None
    assert first is not None
    first.close()
    assert one.join(None) is not None


async def test_a_hub_that_closes_ends_its_readers() -> None:
    one = hub()
    reader = one.join("run.0")
    assert reader is not None
    said = reading(one, reader, whole_after_gap=True)
    await anext(said)
    one.close()
    assert [message async for message in said] == []
