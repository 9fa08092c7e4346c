"""`python -m benchmarks`: measure sinkgraph, or measure it beside its peers, and print tables."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any

from benchmarks.documents import DOCUMENTS
from benchmarks.durable import DURABLE
from benchmarks.engine import ENGINE
from benchmarks.expressions import EXPRESSIONS
from benchmarks.figures import FULL, QUICK, Effort, EventsLost, Row, Table
from benchmarks.http import HTTP
from benchmarks.machine import machine, machine_line, new_loop
from benchmarks.payloads import DISTINCT
from benchmarks.peers.compare import FULL_COMPARISON, QUICK_COMPARISON, compare
from benchmarks.peers.run import PeerUnavailable
from benchmarks.recovery import RECOVERY
from benchmarks.reload import RELOAD
from benchmarks.report import figure_table
from benchmarks.shapes import SHAPES
from benchmarks.slow_sink import SLOW_SINK
from benchmarks.terminal_map import TERMINAL_MAP
from benchmarks.watched import WATCHED
from benchmarks.wire import WIRE
from benchmarks.write_alone import WRITE_ALONE

__all__ = ["TABLES", "main"]

TABLES = (
    ENGINE,
    WRITE_ALONE,
    WIRE,
    EXPRESSIONS,
    HTTP,
    DURABLE,
    RECOVERY,
    RELOAD,
    SLOW_SINK,
    DOCUMENTS,
    WATCHED,
    TERMINAL_MAP,
)

_HOW = (
    "A time runs from the first write to the last delivery. Before every run garbage is collected; "
    "after it every ledger has residue 0 and every end has counted its events, or the benchmark "
    f"fails. ns/event is the median of the repeats. Small payloads: {DISTINCT:,} distinct dicts "
    "made before the clock starts, written in turn."
)


def names() -> list[str]:
    """Return what `--only` takes: every table, and every row as TABLE.ROW."""
    return [
        known
        for table in TABLES
        for known in (table.name, *(f"{table.name}.{row}" for row in table.names))
    ]


def _compared() -> list[str]:
    """Return what `--only` takes beside `--peers`."""
    return [ENGINE.name, *(f"{ENGINE.name}.{shape.name}" for shape in SHAPES if shape.peer)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="NAME", default=[], help="a table, or TABLE.ROW; repeat"
    )
    parser.add_argument("--peers", action="store_true", help="run docker/go-events beside it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="tiny counts: does it work at all?")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return 1 when events were lost or a peer is missing, 2 for usage."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.only if name not in names()]
    if unknown:
        parser.error(f"nothing is named {', '.join(unknown)}; known: {', '.join(names())}")
    if asked.peers and (alone := [name for name in asked.only if name not in _compared()]):
        parser.error(f"--peers has nothing to compare {', '.join(alone)} with")
    try:
        return _peers(asked) if asked.peers else _tables(asked)
    except (EventsLost, PeerUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _wanted(only: Sequence[str], table: Table) -> Callable[[str], bool]:
    return lambda row: not only or table.name in only or f"{table.name}.{row}" in only


def _tables(asked: argparse.Namespace) -> int:
    facts = machine(asked.loop)
    effort = QUICK if asked.quick else FULL
    if not asked.json:
        print(machine_line(facts), fill(_HOW, 100), sep="\n", flush=True)
    found: list[dict[str, Any]] = []
    for table in TABLES:
        wanted = _wanted(asked.only, table)
        if not any(wanted(row) for row in table.names):
            continue
        rows = _run(table, effort, wanted, asked.loop)
        if asked.json:
            plain = [row.plain() for row in rows]
            found.append({"name": table.name, "title": table.title, "rows": plain})
        else:
            print(f"\n{figure_table(table, rows)}", flush=True)
    if asked.json:
        print(json.dumps({"machine": facts, "tables": found}, indent=2))
    return 0


def _run(table: Table, effort: Effort, wanted: Callable[[str], bool], loop: str) -> list[Row]:
    async def work() -> list[Row]:
        return await table.measured(effort, wanted)

    with asyncio.Runner(loop_factory=lambda: new_loop(loop)) as runner:
        return runner.run(work())


def _peers(asked: argparse.Namespace) -> int:
    facts = machine(asked.loop)
    shapes = _shapes(asked.only)
    if not asked.json:
        print(machine_line(facts), fill(_HOW, 100), sep="\n", flush=True)
    comparison = compare(
        QUICK_COMPARISON if asked.quick else FULL_COMPARISON,
        shapes,
        new_loop=lambda: new_loop(asked.loop),
    )
    if asked.json:
        print(json.dumps({"machine": facts, **comparison.plain()}, indent=2))
    else:
        print(f"\n{comparison.text()}")
    return 0


def _shapes(only: Sequence[str]) -> list[str] | None:
    """Return the engine's rows that were asked for; None for all."""
    if not only or ENGINE.name in only:
        return None
    return [row for row in ENGINE.names if f"{ENGINE.name}.{row}" in only]


if __name__ == "__main__":
    raise SystemExit(main())
