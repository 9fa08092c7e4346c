"""On what a table was measured, in one line: figures of two machines cannot be compared."""

from __future__ import annotations

import asyncio
import os
import platform
from pathlib import Path
from typing import Any

import sinkgraph

__all__ = ["machine", "machine_line", "new_loop"]

_CPUS = Path("/proc/cpuinfo")


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    """Return a new event loop: `asyncio` or `uvloop`; ModuleNotFoundError when it is absent."""
    if name == "uvloop":
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.new_event_loop()


def machine(loop: str) -> dict[str, Any]:
    """Return what the figures depend on, as plain values."""
    return {
        "sinkgraph": sinkgraph.__version__,
        "cores": _cores(),
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "loop": loop,
    }


def machine_line(facts: dict[str, Any]) -> str:
    """Return the first line of every printout."""
    cores = "1 core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    return (
        f"sinkgraph {facts['sinkgraph']} · {cores}, {facts['cpu']} · {facts['system']} · "
        f"{facts['python']} · {facts['loop']} loop"
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = _CPUS.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() in ("model name", "hardware", "cpu model"):
            return " ".join(value.split())
    return platform.processor() or "unknown CPU"
