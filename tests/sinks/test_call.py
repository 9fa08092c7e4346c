"""Calls to Python functions: private copies, and errors that touch only their own event."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, PartialWrite, Rejected, SinkClosed, SinkgraphError
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.call import Call
from tests.support.contexts import make_context

seen: list[Any] = []


def note(event: Event) -> None:
    """Is found by name."""
    seen.append(event.data)


def batch(*payloads: Any) -> Batch:
    return Batch.from_payloads(list(payloads), "u", 0, source="s", type="t", time=0.0)


def call(target: Callable[[Event], Any] | str, **provided: Any) -> Call:
    sink = Call(target)
    sink.name = "notify"
    sink.bind(make_context(provided=provided))
    return sink


def both(work: Callable[[Event], Any]) -> list[Callable[[Event], Any]]:
    async def later(event: Event) -> Any:
        return work(event)

    def returning(event: Event) -> Any:
        return later(event)

    return [work, later, functools.partial(later), returning]


@pytest.mark.parametrize("k", range(4))
async def test_each_event_is_given_in_order(k: int) -> None:
    got: list[Any] = []
    sink = call(both(lambda event: got.append((event.id, event.data)))[k])
    await sink.write(batch("a", "b", "c"))
    assert got == [("u-0", "a"), ("u-1", "b"), ("u-2", "c")]
    assert sink.ledger.delivered == 3


async def test_plain_functions_run_in_a_thread() -> None:
    threads: list[Any] = []
    await call(lambda _event: threads.append(threading.current_thread())).write(batch(1))
    assert threads != [threading.main_thread()]


async def test_the_payload_is_a_private_copy() -> None:
    payload = {"a": [1]}

    def change(event: Event) -> None:
        event.data["a"].append(2)

    await call(change).write(batch(payload))
    assert payload == {"a": [1]}


class Odd(BaseException):
    """Is no Exception."""


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize(
    "error", [ValueError("x"), StopIteration(), Odd(), GeneratorExit(), asyncio.CancelledError()]
)
async def test_an_error_touches_only_its_own_event(k: int, error: BaseException) -> None:
    got: list[Any] = []

    def work(event: Event) -> None:
        if event.data == 1:
            raise error
        got.append(event.data)

    sink = call(both(work)[k])
    with pytest.raises(PartialWrite) as caught:
        await sink.write(batch(0, 1, 2))
    (part,) = caught.value.owed
    assert [event.data for event in part.events] == [1]
    assert isinstance(part.error, DeliveryFailed)
    assert "notify" in str(part.error)
    assert got == [0, 2]
    assert (sink.ledger.delivered, sink.ledger.returned) == (2, 1)


@pytest.mark.parametrize("error", [Rejected("bad"), DeliveryFailed("later", retry_after_s=7)])
async def test_errors_that_say_what_to_do_are_kept(error: SinkgraphError) -> None:
    def work(_event: Event) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await call(work).write(batch(0))
    assert caught.value is error


async def test_a_payload_that_cannot_be_copied_is_rejected_alone() -> None:
    loop: list[Any] = []
    loop.append(loop)
    got: list[Any] = []
    with pytest.raises(PartialWrite) as caught:
        await call(lambda event: got.append(event.data)).write(batch(1, loop, 2))
    assert isinstance(caught.value.owed[0].error, Rejected)
    assert got == [1, 2]


async def test_a_cancelled_write_cancels_the_coroutine() -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def hang(_event: Event) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    sink = call(hang)
    task = asyncio.ensure_future(sink.write(batch(1)))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone.is_set()
    assert sink.ledger.returned == 1


async def test_a_cancelled_write_makes_no_further_call() -> None:
    loop = asyncio.get_running_loop()
    begun, release, ended = asyncio.Event(), threading.Event(), asyncio.Event()
    got: list[Any] = []

    def work(event: Event) -> None:
        got.append(event.data)
        loop.call_soon_threadsafe(begun.set)
        release.wait(10)
        loop.call_soon_threadsafe(ended.set)

    task = asyncio.ensure_future(call(work).write(batch(1, 2, 3)))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await ended.wait()
    assert got == [1]


async def test_a_function_is_found_by_name() -> None:
    seen.clear()
    sink = call("tests.sinks.test_call:note")
    await sink.open()
    await sink.write(batch("x"))
    import importlib

    assert importlib.import_module("tests.sinks.test_call").seen == ["x"]


async def test_a_provided_function_is_found() -> None:
    got: list[Any] = []
    sink = call("provided:notify", notify=lambda event: got.append(event.data))
    await sink.open()
    await sink.write(batch("x"))
    assert got == ["x"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("provided:other", "nothing named 'other' is provided"),
        ("no.such.module:f", "cannot import no.such.module"),
        ("json:nothing", "json has no nothing"),
        ("json:__name__", "is not callable"),
        ("json", "is not `module:function`"),
        (":f", "is not `module:function`"),
    ],
)
async def test_a_name_that_leads_nowhere_refuses_the_start(target: str, reason: str) -> None:
    with pytest.raises(SinkgraphError, match=reason):
        await call(target).open()


async def test_what_is_no_target_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        Call(7)  # type: ignore[arg-type]


async def test_a_closed_one_refuses() -> None:
    sink = call(print)
    await sink.close()
    with pytest.raises(SinkClosed):
        await sink.write(batch(1))
