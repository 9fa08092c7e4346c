"""What JSON costs: text decoded on the way in, encoded on the way out, in memory and in files.

No socket is involved; see `http`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter, time
from typing import Any, ClassVar

import msgspec

import sinkgraph
from benchmarks.figures import Effort, EventsLost, Figure, Row, Table, measure
from benchmarks.payloads import NDJSON_LINES, groups, json_texts
from benchmarks.shapes import STEP, End, Tree, settle, verify
from sinkgraph import Batch, Live
from sinkgraph.event import Json
from sinkgraph.formats.body import decode_body
from sinkgraph.formats.encode import encode_many, ndjson
from sinkgraph.formats.limits import Limits
from sinkgraph.sinks import Filter, Queue
from sinkgraph.sinks.base import Terminal

__all__ = ["WIRE"]

_PUSHES = 'data.action == "push"'
_BATCH = 100


_FILE_TO_FILE = {
    "sinkgraph": 1,
    "name": "file-to-file",
    "sources": {"given": {"kind": "file", "paths": ["given.ndjson"], "to": "pushes"}},
    "sinks": {
        "pushes": {"kind": "filter", "where": _PUSHES, "to": "taken"},
        "taken": {"kind": "file", "path": "taken.ndjson", "sync": "none"},
    },
}


class Memory(Terminal):
    """Encodes what it is given as NDJSON and keeps the latest text."""

    kind: ClassVar[str] = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self.text = b""

    async def deliver(self, batch: Batch) -> None:
        """Encode, count the lines."""
        self.text = encode_many(batch, "ndjson")
        self.lines += self.text.count(b"\n")


# Each takes what it writes out of the list, so that nothing but the graph holds an event: decoded
# events kept alive would be walked by the garbage collector, and their number be in the figure.

Write = Callable[[Live, list[Any]], Awaitable[None]]


async def _each(live: Live, parts: list[Any]) -> None:
    write = live.write
    while parts:
        await write(parts.pop())


async def _together(live: Live, parts: list[Any]) -> None:
    write_many = live.write_many
    while parts:
        await write_many(parts.pop())


async def _bodies(live: Live, parts: list[Any]) -> None:
    """Decode NDJSON bodies and write what they hold: an HTTP source without its HTTP."""
    write_many, limits = live.write_many, Limits()
    while parts:
        payloads = decode_body(parts.pop(), "application/x-ndjson", limits, received=time())
        await write_many(payloads)


def _json(n: int) -> list[Any]:
    texts = json_texts()
    return [Json(texts[k % len(texts)]) for k in range(n)]


def _json_groups(n: int) -> list[Any]:
    payloads = _json(n)
    return [payloads[k : k + _BATCH] for k in range(0, n, _BATCH)]


def _dict_groups(n: int) -> list[Any]:
    return list(groups(n, _BATCH))


def _ndjson_bodies(n: int) -> list[Any]:
    texts = json_texts()
    per_text = len(texts) // NDJSON_LINES
    bodies = [ndjson(texts[k * NDJSON_LINES : (k + 1) * NDJSON_LINES]) for k in range(per_text)]
    return [bodies[k % per_text] for k in range(n // NDJSON_LINES)]


def _to_memory(where: str | None) -> Tree:
    memory = Memory()
    queue = Queue(memory)
    end = End(lambda: memory.lines, 1 if where is None else 2)
    return Tree(queue if where is None else Filter(queue, where=where), (queue,), (end,))


async def _in_memory(
    effort: Effort, prepared: Callable[[int], list[Any]], write: Write, where: str | None = None
) -> Figure:
    tree = _to_memory(where)
    written = 0
    async with sinkgraph.run(tree.root) as live:

        async def once(n: int) -> float:
            nonlocal written
            parts = prepared(n)
            began = perf_counter()
            await write(live, parts)
            await settle(live, tree)
            took = perf_counter() - began
            written += n
            verify(live, tree, written)
            return took

        fresh = Effort(effort.budget_s, effort.repeats, min(effort.most, 200_000), effort.first)
        return await measure(once, fresh, step=max(_BATCH, STEP))


def _write(path: Path, parts: list[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


async def _in_files(effort: Effort) -> Figure:
    """Measure a document: NDJSON file → filter → NDJSON file, from start to its last line."""
    texts = json_texts()
    with tempfile.TemporaryDirectory(prefix="sinkgraph-bench-") as scratch:
        given, taken = Path(scratch, "given.ndjson"), Path(scratch, "taken.ndjson")
        document = Path(scratch, "document.json")
        _write(document, [msgspec.json.encode(_FILE_TO_FILE)])
        _write(given, [])
        graph = sinkgraph.load(document)

        async def once(n: int) -> float:
            _write(given, [ndjson(texts)] * (n // len(texts)))
            _write(taken, [])
            began = perf_counter()
            async with sinkgraph.run(graph, output_dir=scratch) as live:
                await live.topology.sources_ended()
                await live.drain()
                took = perf_counter() - began
                residue = live.snapshot().residue
            lines = _lines(taken)
            if residue or lines != n // 2:
                raise EventsLost(f"{lines} of {n // 2} lines were written, residue {residue}")
            return took

        return await measure(once, effort, step=len(texts))


_Measured = Callable[[Effort], Awaitable[Figure]]

_SUBJECTS: tuple[tuple[str, str, str, _Measured], ...] = (
    (
        "kept",
        "JSON text kept → ndjson text",
        "write",
        lambda effort: _in_memory(effort, _json, _each),
    ),
    (
        "kept",
        "JSON text kept → ndjson text",
        f"write_many {_BATCH}",
        lambda effort: _in_memory(effort, _json_groups, _together),
    ),
    (
        "encoded",
        "dict → ndjson text",
        f"write_many {_BATCH}",
        lambda effort: _in_memory(effort, _dict_groups, _together),
    ),
    (
        "decoded",
        "JSON text → filter looks inside → ndjson text",
        f"write_many {_BATCH}",
        lambda effort: _in_memory(effort, _json_groups, _together, _PUSHES),
    ),
    (
        "bodies",
        "ndjson body checked and cut up → ndjson text",
        f"write_many {NDJSON_LINES}",
        lambda effort: _in_memory(effort, _ndjson_bodies, _bodies),
    ),
    ("file", "ndjson file → filter → ndjson file", "a document", _in_files),
)


async def _measured(effort: Effort, wanted: Callable[[str], bool]) -> list[Row]:
    rows: list[Row] = []
    for name, label, how, measured in _SUBJECTS:
        if wanted(name):
            rows.append(Row(name, label, how, await measured(effort)))
    return rows


WIRE = Table(
    "wire",
    "Wire: JSON text in, NDJSON text out",
    tuple(dict.fromkeys(name for name, *_ in _SUBJECTS)),
    (
        "Events are 256 bytes of JSON, made anew for every run; dicts are the small ones.",
        "A queue stands before what encodes. Half of the events pass the filters.",
        "The file row runs a document from its start; its sink syncs when the system likes.",
    ),
    _measured,
)
