"""Calls a Python function with each event, which gets a copy of its own.

A coroutine function is awaited, any other runs in the topology's thread pool. What the function
returns is ignored; what it raises, whatever that is, touches only its own event.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite, Rejected, SinkgraphError
from sinkgraph.event import Batch, Event
from sinkgraph.formats.copying import copy_plain
from sinkgraph.sinks.base import Node, Terminal

__all__ = ["Call"]


class Call(Terminal):
    """Delivers by calling `target`: a callable, `package.module:function` or `provided:name`.

    Names are resolved in `open`. An event is delivered when its call returned. A function may
    raise `Rejected` to give the event up, `DeliveryFailed` to say when to try again; any other
    error is a failed delivery.
    """

    kind: ClassVar[str] = "call"
    settings = ("target", "_function")

    def __init__(self, target: Callable[[Event], Any] | str) -> None:
        super().__init__()
        if not callable(target) and not isinstance(target, str):
            raise TypeError(f"{target!r} is neither callable nor a name")
        self.target = target
        self._function: Callable[[Event], Any] | None = None if isinstance(target, str) else target

    async def open(self) -> None:
        """Find the function; raises SinkgraphError naming what is missing."""
        if self._function is None:
            self._function = self._resolve(cast(str, self.target))

    async def approach(self, fresh: Node) -> None:
        """Find the other function; raises as `open`."""
        fresh.bind(self.bound)
        await fresh.open()

    async def deliver(self, batch: Batch) -> None:
        """Call once for each event, in order; what fails is owed, the others go on."""
        function = self._function
        if function is None:
            await self.open()
            function = cast(Callable[[Event], Any], self._function)
        run = self._call_async if _is_async(function) else self._call_sync
        errors = await run(function, [_private(event) for event in batch])
        owed = [
            Owed(self.write, batch.pick([k]), error)
            for k, error in enumerate(errors)
            if error is not None
        ]
        if owed and len(batch) == 1:
            raise owed[0].error
        if owed:
            raise PartialWrite(owed)

    async def _call_async(
        self, function: Callable[[Event], Any], events: list[Event | Rejected]
    ) -> list[SinkgraphError | None]:
        errors: list[SinkgraphError | None] = []
        for event in events:
            if isinstance(event, Rejected):
                errors.append(event)
            else:
                errors.append(await self._await(function, event))
        return errors

    async def _call_sync(
        self, function: Callable[[Event], Any], events: list[Event | Rejected]
    ) -> list[SinkgraphError | None]:
        """Call in one visit to the thread pool; a cancelled write makes no further call."""
        cancelled: list[bool] = []

        def work() -> list[tuple[Any, BaseException | None]]:
            results: list[tuple[Any, BaseException | None]] = []
            for event in events:
                if cancelled:
                    break
                if isinstance(event, Rejected):
                    results.append((None, event))
                    continue
                try:
                    results.append((function(event), None))
                except BaseException as error:
                    # Also StopIteration and SystemExit: a future cannot carry the one, and the
                    # other must not end the thread.
                    results.append((None, error))
            return results

        try:
            results = await self.bound.run_sync(work)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        errors: list[SinkgraphError | None] = []
        for value, error in results:
            if error is not None:
                errors.append(self._failed(error))
            elif inspect.isawaitable(value):
                errors.append(await self._await(_give, value))
            else:
                errors.append(None)
        return errors

    async def _await(
        self, function: Callable[[Any], Awaitable[Any]], given: Any
    ) -> SinkgraphError | None:
        try:
            await function(given)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return self._failed(error)
        except BaseException as error:
            return self._failed(error)
        return None

    def _failed(self, error: BaseException) -> SinkgraphError:
        if isinstance(error, SinkgraphError):
            return error
        failed = DeliveryFailed(f"call {self.name or self._shown} raised {error!r}")
        failed.__cause__ = error
        return failed

    @property
    def _shown(self) -> str:
        return self.target if isinstance(self.target, str) else repr(self.target)

    def _resolve(self, target: str) -> Callable[[Event], Any]:
        where, _, what = target.partition(":")
        if where == "provided":
            found = self.bound.provided.get(what)
            if found is None:
                raise SinkgraphError(f"call {self.name}: nothing named {what!r} is provided")
        else:
            found = self._import(where, what)
        if not callable(found):
            raise SinkgraphError(f"call {self.name}: {target} is not callable")
        return cast("Callable[[Event], Any]", found)

    def _import(self, module: str, name: str) -> Any:
        if not module or not name:
            raise SinkgraphError(f"call {self.name}: {self.target!r} is not `module:function`")
        try:
            found: Any = importlib.import_module(module)
        except Exception as error:
            raise SinkgraphError(f"call {self.name}: cannot import {module}: {error}") from error
        for part in name.split("."):
            found = getattr(found, part, None)
            if found is None:
                raise SinkgraphError(f"call {self.name}: {module} has no {name}")
        return found


def _private(event: Event) -> Event | Rejected:
    """Return the event with a payload nobody else holds, or why that cannot be."""
    try:
        return event.with_data(copy_plain(event.payload))
    except Rejected as error:
        return error


def _give(result: Awaitable[Any]) -> Awaitable[Any]:
    return result


def _is_async(function: Callable[[Event], Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - whether calling it gives a coroutine
    )
