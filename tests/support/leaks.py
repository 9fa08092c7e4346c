"""Finds what a test leaves behind: tasks of sinkgraph, file descriptors, threads.

A conftest makes it a fixture of its directory by importing `leaves_nothing_behind`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from asyncio import runners
from collections.abc import Iterator
from typing import Any

import pytest

__all__ = ["leaves_nothing_behind", "open_files"]

_DESCRIPTORS = "/proc/self/fd"


def open_files() -> dict[str, str]:
    """Return the open file descriptors and what each is, by number; empty where none can say."""
    found: dict[str, str] = {}
    try:
        for name in os.listdir(_DESCRIPTORS):
            try:
                found[name] = os.readlink(f"{_DESCRIPTORS}/{name}")
            except FileNotFoundError:  # the listing's own
                continue
    except FileNotFoundError:
        return {}
    return found


def _owner(task: asyncio.Task[Any]) -> str:
    """Return the file a task's coroutine was written in."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code.co_filename if code is not None else ""


@pytest.fixture(autouse=True)
def leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test after which a task, a descriptor or a thread is there that was not before."""
    left: list[str] = []
    cancel_all = runners._cancel_all_tasks  # type: ignore[attr-defined]

    def noted(loop: asyncio.AbstractEventLoop) -> None:
        if threading.current_thread() is not threading.main_thread():
            cancel_all(loop)  # a background graph, whose late writers are told by this
            return
        tasks = [task for task in asyncio.all_tasks(loop) if "sinkgraph" in _owner(task)]
        left.extend(f"{task.get_name()}: {task.get_coro()!r}" for task in tasks)
        cancel_all(loop)

    monkeypatch.setattr(runners, "_cancel_all_tasks", noted)
    files, threads = open_files(), set(threading.enumerate())
    yield
    assert not left, f"tasks are left: {left}"
    started = [one for one in threading.enumerate() if one not in threads]
    for one in started:
        one.join(5)  # who was told to end may need a moment
    assert not [one.name for one in started if one.is_alive()], "threads are left"
    more = {name: what for name, what in open_files().items() if files.get(name) != what}
    if more:
        gc.collect()
        more = {name: what for name, what in open_files().items() if files.get(name) != what}
    assert not more, f"files are left open: {more}"
