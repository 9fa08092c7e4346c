"""`sinkgraph queue check`: whether everything in a state dir is as it was written.

It changes nothing and may be asked of a state dir that is in use.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.options import FINDINGS, OK, echo, json_option, many, wants_color
from sinkgraph.cli.queue.opening import place, place_options, stored_size
from sinkgraph.cli.queue.progress import Progress
from sinkgraph.cli.queue.words import events, size_words
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.findings import Finding, Findings

__all__ = ["command"]


@click.command(name="check")
@place_options
@json_option
def command(directory: str | None, state_dir: str | None, as_json: bool) -> None:
    """Verify everything in a state dir, and say what is damaged or missing.

    It reads every event and every dead letter, compares what each queue waits for with what is
    stored for it, and notices when the end of the file was cut off.
    """
    from sinkgraph.log.disk.findings import findings

    where = place(directory, state_dir)
    with Progress("reading") as progress:
        progress.say(size_words(stored_size(where)))
        checked = findings(where)
    if as_json:
        echo(json.dumps(_as_object(checked), indent=2))
    else:
        for line in _lines(checked):
            echo(line)
        for one in checked.found:
            echo(_shown(one), err=True)
    sys.exit(OK if checked.sound else FINDINGS)


def _lines(findings: Findings) -> Iterator[str]:
    """Yield what stands there, and the verdict."""
    checked = findings.checked
    yield f"state dir {safe_text(os.path.abspath(checked.directory))}"
    for log in checked.logs:
        if log.rows or log.damaged:
            held = f"{events(log.events)} in {many(log.rows, 'chunk')}, {size_words(log.size)}"
            yield f"  {safe_text(log.name)}: {held}"
    for name, n in findings.pending.items():
        yield f"  queue {safe_text(name)}: {n:,} pending"
    letters = many(checked.dead, "dead letter")
    yield f"  {letters}, {many(checked.records, 'record')}, {size_words(checked.size)} on disk"
    if findings.gone:
        yield f"  {events(findings.gone)} lost before an earlier repair"
    n = len(findings.found)
    yield "everything is as it was written" if findings.sound else many(n, "finding")


def _shown(one: Finding) -> str:
    mark = "\x1b[1;31merror\x1b[0m" if wants_color(err=True) else "error"
    lines = [f"{mark}: {safe_text(one.what)}"]
    lines += [f"  = note: {safe_text(one.means)}", f"  = help: {safe_text(one.help)}"]
    return "\n".join(lines)


def _as_object(findings: Findings) -> dict[str, Any]:
    checked = findings.checked
    return {
        "state_dir": os.path.abspath(checked.directory),
        "sound": findings.sound,
        "findings": [
            {"what": one.what, "means": one.means, "help": one.help} for one in findings.found
        ],
        "logs": [
            {
                "name": log.name,
                "first": log.first,
                "head": log.head,
                "chunks": log.rows,
                "events": log.events,
                "bytes": log.size,
                "damaged": log.damaged,
            }
            for log in checked.logs
        ],
        "pending": findings.pending,
        "records": checked.records,
        "lost_records": checked.lost_records,
        "dead_letters": checked.dead,
        "damaged_dead_letters": checked.damaged_dead,
        "quarantine": [
            {"log": log, "at": at, "events": n, "why": why}
            for log, at, n, why in checked.quarantine
        ],
        "cut": checked.cut,
        "lost_before": findings.gone,
        "bytes": checked.size,
    }
