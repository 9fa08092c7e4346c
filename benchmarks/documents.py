"""How long `sinkgraph check` takes for a document of 5,000 nodes, from the shell and back.

Each run is a process of its own, as in an editor, a hook or CI; a run that finds anything fails.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table

__all__ = ["DOCUMENTS"]

_NODES = 5_000
_TARGET_S = 0.6
_CHILD_S = 60.0
_SYNTAXES = ("yaml", "toml", "json")
_FAN_OUT = 500
_BRANCH = 4  # nodes


def _document(nodes: int) -> dict[str, Any]:
    """Return a document with so many nodes: branches of queue, filter, retry and http sink.

    Every filter has a condition of its own, so that none is checked only once.
    """
    branches = nodes // _BRANCH - 3
    sinks: dict[str, Any] = {}
    firsts = [f"queue-{n}" for n in range(branches)]
    groups = [firsts[at : at + _FAN_OUT] for at in range(0, branches, _FAN_OUT)]
    sinks["all"] = {"kind": "broadcast", "to": [f"group-{n}" for n in range(len(groups))]}
    for n, group in enumerate(groups):
        sinks[f"group-{n}"] = {"kind": "broadcast", "to": group}
    for n, first in enumerate(firsts):
        where = f"data.action == 'push' && data.size > {n}"
        sinks[first] = {"kind": "queue", "capacity": 1000, "to": f"filter-{n}"}
        sinks[f"filter-{n}"] = {"kind": "filter", "where": where, "to": f"retry-{n}"}
        sinks[f"retry-{n}"] = {
            "kind": "retry",
            "backoff": {"base": "1s", "cap": "30s"},
            "to": f"http-{n}",
        }
        sinks[f"http-{n}"] = {"kind": "http", "url": f"https://hooks.example/{n}", "timeout": "5s"}
    for n in range(nodes - 1 - len(sinks)):
        sinks[f"count-{n}"] = {"kind": "blackhole"}
        sinks["group-0"]["to"].append(f"count-{n}")
    sources = {"in": {"kind": "inlet", "to": "all"}}
    return {"sinkgraph": 1, "name": "large", "sources": sources, "sinks": sinks}


def _written(document: Mapping[str, Any], syntax: str) -> str:
    """Return a document as people write it in a syntax: a field in a line, small values inside."""
    if syntax == "json":
        return json.dumps(document, indent=2)
    return "\n".join(_lines(document, syntax)) + "\n"


def _lines(document: Mapping[str, Any], syntax: str) -> Iterator[str]:
    yaml = syntax == "yaml"
    for key in ("sinkgraph", "name"):
        yield f"{key}{': ' if yaml else ' = '}{json.dumps(document[key])}"
    for section in ("sources", "sinks"):
        if yaml:
            yield f"{section}:"
        for name, fields in document[section].items():
            yield f"  {name}:" if yaml else f"[{section}.{name}]"
            for field, value in fields.items():
                text = json.dumps(value)
                if isinstance(value, dict) and not yaml:
                    text = "{" + ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items()) + "}"
                yield f"    {field}: {text}" if yaml else f"{field} = {text}"


async def _checked(path: Path) -> float:
    """Return the seconds of one run."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sinkgraph", "check", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_CHILD_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    took = time.perf_counter() - started
    if process.returncode != 0 or b": ok, " not in said:
        raise EventsLost(f"check said of a good document: {said.decode(errors='replace')[:500]}")
    return took


async def _row(syntax: str, effort: Effort) -> Row:
    nodes, runs = (100, 2) if effort is QUICK else (_NODES, 7)
    with tempfile.TemporaryDirectory(prefix="sinkgraph-bench-") as place:
        path = Path(place) / f"large.{syntax}"
        path.write_text(_written(_document(nodes), syntax), encoding="utf-8")
        size = path.stat().st_size
        await _checked(path)
        each = sorted([await _checked(path) for _ in range(runs)])
    median = statistics.median(each)
    note = f"{median:.2f} s for {nodes:,} nodes, {size / 1e3:,.0f} kB"
    if nodes == _NODES:
        note += f"; target ≤ {_TARGET_S} s: {'reached' if median <= _TARGET_S else 'MISSED'}"
    figure = Figure(nodes, runs, each[0] * 1e9 / nodes, median * 1e9 / nodes)
    extra = {"check_s": median, "bytes": float(size)}
    return Row(syntax, "check a document", syntax.upper(), figure, note, extra)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    return [await _row(syntax, effort) for syntax in _SYNTAXES if wanted(syntax)]


DOCUMENTS = Table(
    "documents",
    "`sinkgraph check` of 5,000 nodes, 1,247 conditions among them",
    _SYNTAXES,
    ("A time is of a whole process, its start included; an event here is a node.",),
    _measured,
)
