"""A tree of combinators is named as it is written, and takes only what is a sink."""

from __future__ import annotations

from typing import Any

import pytest

import sinkgraph as sg
from sinkgraph.runtime.tree import name_nodes
from sinkgraph.simulation.loop import run
from sinkgraph.sinks import Broadcast, Queue, Retry
from sinkgraph.sinks.base import Node
from sinkgraph.testing import RecordingSink


def test_nodes_are_named_and_shown_in_the_order_they_are_written() -> None:
    async def story() -> list[str]:
        first, second, third = (
            Queue(RecordingSink()),
            Queue(RecordingSink()),
            Queue(RecordingSink()),
        )
        async with sg.run(Broadcast([first, second, third])) as live:
            assert [first.name, second.name, third.name] == ["queue", "queue-2", "queue-3"]
            return [one.name for one in live.snapshot().nodes.values() if one.kind == "queue"]

    assert run(story()) == ["queue", "queue-2", "queue-3"]


def test_a_class_in_the_place_of_a_sink_is_refused() -> None:
    taken: Any = RecordingSink
    with pytest.raises(TypeError, match=r"RecordingSink is a class.*`RecordingSink\(…\)`"):
        Queue(Retry(taken))


def test_a_class_is_not_run() -> None:
    async def story() -> None:
        async with sg.run(RecordingSink):
            raise AssertionError("it runs")

    with pytest.raises(TypeError, match="RecordingSink is a class"):
        run(story())


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Queue, {"max_wait": "5s"}, "max_wait must be seconds, not '5s'"),
        (Queue, {"linger": -1}, "linger must not be negative, not -1"),
        (Retry, {"give_up_after": "1h"}, "give_up_after must be seconds, not '1h'"),
        (Retry, {"retry_after_cap": True}, "retry_after_cap must be seconds, not True"),
        (Retry, {"backoff": 1.0}, r"backoff is a policy such as ExponentialBackoff\(\), not 1.0"),
        (Retry, {"breaker": True}, r"breaker is a Breaker\(…\), not True"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused_when_written(
    kind: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        kind(RecordingSink(), **options)


def test_a_write_that_is_not_async_says_so() -> None:
    class Printer:
        def write(self, events: Any) -> None:
            """Do nothing."""

        async def close(self) -> None:
            """Hold nothing."""

    async def story() -> None:
        printer: Any = Printer()
        async with sg.run(printer) as live:
            with pytest.raises(TypeError, match="`write` of `printer` is not async"):
                await live.write(1)

    run(story())


@pytest.mark.parametrize("one", [{"a": 1}, "text", b"bytes", {}, ""])
def test_one_event_in_the_place_of_many_is_refused(one: Any) -> None:
    async def story() -> None:
        kept = RecordingSink()
        async with sg.run(Queue(kept)) as live:
            with pytest.raises(TypeError, match="write_many takes a list of events"):
                await live.write_many(one)
        assert kept.events == []

    run(story())


def test_naming_asks_once_for_each_node_whether_its_name_is_taken() -> None:
    class Asked(set[str]):
        times = 0

        def __contains__(self, name: object) -> bool:
            self.times += 1
            return super().__contains__(name)

    nodes: list[Node] = [Queue(RecordingSink()) for _ in range(300)]
    taken = Asked({"queue", "queue-7"})
    name_nodes(nodes, taken)
    assert [one.name for one in nodes[:7]] == [f"queue-{n}" for n in (2, 3, 4, 5, 6, 8, 9)]
    assert taken.times <= 3 * len(nodes), "the more nodes, the longer each takes"
