"""`sinkgraph queue peek NAME`: the oldest pending events of a queue.

It changes nothing and may be asked of a state dir that is in use.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo
from sinkgraph.cli.queue.opening import blocks, name_argument, state_option
from sinkgraph.cli.queue.target import Target
from sinkgraph.cli.queue.words import events, table, time_words, verb
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import clip, safe_text

if TYPE_CHECKING:
    from sinkgraph.event import Event

__all__ = ["command"]

_MAX_ID = 40
_MAX_TYPE = 30
_MAX_PAYLOAD = 160
_READ = 4 * _MAX_PAYLOAD  # bytes
_WIDE = 240  # columns, where no terminal says
_BLOCK = 1_000


@click.command(name="peek")
@name_argument
@state_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many events."
)
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Begin with the N-th oldest event.",
)
@click.option("--raw", is_flag=True, help="Print the payloads alone, as they came.")
@click.option("--json", "as_json", is_flag=True, help="Print whole events, one line of JSON each.")
def command(
    name: str, state_dir: str | None, limit: int, first: int, raw: bool, as_json: bool
) -> None:
    """Show the oldest pending events of a queue.

    They stay where they are, and are shown in the order in which the queue will deliver them.
    """
    if raw and as_json:
        raise click.UsageError("`--raw` and `--json` are two ways to print: give one")
    seen = _Seen()
    chosen = _chosen(held_dir(state_dir), name, first, first + limit, seen)
    if raw or as_json:
        _print(chosen, raw)
    else:
        _show(chosen, seen)
    if not seen.shown:
        echo(_nothing(name, first, seen), err=True)


@dataclass
class _Seen:
    """Is what was met on the way: how many wait, how many were passed and are shown."""

    waits: int = 0
    passed: int = 0
    shown: int = 0


def _chosen(
    directory: str, name: str, first: int, last: int, seen: _Seen
) -> Iterator[tuple[int, Event | int]]:
    """Yield events with their numbers; damaged ones as how many they are."""
    for one, found in blocks(directory, name, most=min(_BLOCK, last - first)):
        seen.waits = one.pending
        for chunk in found:
            number, seen.passed = seen.passed + 1, seen.passed + chunk.n
            start, end = max(first, number), min(last, number + chunk.n)
            if start < end:
                seen.shown += end - start
                if chunk.batch is None:
                    yield start, end - start
                else:
                    yield from enumerate(chunk.batch[start - number : end - number], start)
            if number + chunk.n >= last:
                return


def _nothing(name: str, first: int, seen: _Seen) -> str:
    """Return why nothing is shown."""
    shown = safe_text(name)
    if not seen.waits:
        return f"nothing waits for `{shown}`"
    if seen.passed < seen.waits:
        return f"{events(seen.waits - seen.passed)} cannot be read: run `sinkgraph queue check`"
    return f"only {events(seen.waits)} {verb(seen.waits)} for `{shown}`: there is no number {first}"


def _print(chosen: Iterator[tuple[int, Event | int]], raw: bool) -> None:
    from sinkgraph.formats.event_line import event_line

    with Target("-") as out:
        for _, event in chosen:
            if isinstance(event, int):
                echo(f"{events(event)} left out: damaged", err=True)
            else:
                out.write(_payload(event) + b"\n" if raw else event_line(event))


def _show(chosen: Iterator[tuple[int, Event | int]], seen: _Seen) -> None:
    rows: list[tuple[str, ...]] = [("#", "time", "id", "type", "size", "payload")]
    for number, event in chosen:
        if isinstance(event, int):
            rows.append((f"{number:,}", "—", "", "", "", f"{events(event)} damaged"))
        else:
            rows.append(_row(number, event))
    if not seen.shown:
        return
    wide = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else _WIDE
    for line in table(rows, right=frozenset({0, 4}), indent=""):
        echo(clip(line, wide))
    echo(f"{seen.shown:,} of {events(seen.waits)} that {verb(seen.waits)}", err=True)


def _row(number: int, event: Event) -> tuple[str, ...]:
    held = _payload(event)
    how = "backslashreplace" if isinstance(event.payload, bytes) else "replace"
    return (
        f"{number:,}",
        time_words(event.time),
        safe_text(event.id, _MAX_ID),
        safe_text(event.type, _MAX_TYPE),
        f"{len(held):,}",
        safe_text(held[:_READ].decode("utf-8", how), _MAX_PAYLOAD),
    )


def _payload(event: Event) -> bytes:
    from sinkgraph.payload import encode_json

    held = event.payload
    return held if isinstance(held, bytes) else encode_json(held)
