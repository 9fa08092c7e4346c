"""`sinkgraph dlq ls`: dead letters by node and reason, or one by one.

It changes nothing and may be asked of a state dir that is in use.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.dlq.choosing import filter_options, take_filter
from sinkgraph.cli.dlq.words import group_object, last_error, letter_object, letters_words
from sinkgraph.cli.options import echo, json_option
from sinkgraph.cli.queue.opening import for_reading, state_option
from sinkgraph.cli.queue.words import size_words, table, time_words
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import clip, safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadFilter, DeadGroup, DeadLetter
    from sinkgraph.log.disk.letters import Told
    from sinkgraph.log.disk.store import Store

__all__ = ["command"]

_NAME = 64
_ID = 40
_ERROR = 200
_WIDE = 240  # columns, where no terminal says


@click.command(name="ls")
@click.argument("directory", required=False, metavar="[STATE_DIR]")
@state_option
@filter_options
@click.option("--list", "one_by_one", is_flag=True, help="List letters one by one, oldest first.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=1_000_000),
    default=100,
    show_default=True,
    help="How many letters to list.",
)
@json_option
def command(
    directory: str | None,
    state_dir: str | None,
    one_by_one: bool,
    limit: int,
    as_json: bool,
    **given: Any,
) -> None:
    """List dead letters by node and reason, or one by one.

    Each group shows the last error of its newest letter. Times are those of the last failure.
    """
    if directory is not None and state_dir is not None:
        raise click.UsageError("the state dir is given twice: STATE_DIR and `--state-dir`")
    chosen = take_filter(given)
    where = held_dir(directory if directory is not None else state_dir)
    with for_reading(where) as store:
        made = _letters(store, chosen, limit) if one_by_one else _groups(store, chosen)
        every = _count(store) if not made else 0
        total, size = _totals(store, chosen)
    if as_json:
        echo(json.dumps(_object(where, total, size, made, one_by_one), indent=2))
        return
    shown = safe_text(where)
    if not made:
        hint = f" match; {letters_words(every)} in all" if every else ""
        echo(f"no dead letters in {shown}{hint}")
        return
    echo(f"{letters_words(total)} in {shown}, {size_words(size)}")
    lines = _list(made) if one_by_one else _table(made)
    wide = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else _WIDE
    for line in lines:
        echo(clip(line, wide))
    if one_by_one and len(made) < total:
        echo(f"{total - len(made):,} more: `--limit N` lists more, a filter fewer", err=True)
    elif sys.stdout.isatty() and not one_by_one:
        echo("`sinkgraph dlq ls --list` lists each, `dlq show NUMBER` shows one", err=True)


def _totals(store: Store, chosen: DeadFilter) -> tuple[int, int]:
    from sinkgraph.log.disk import dead

    return dead.count(store, chosen), dead.size(store, chosen)


def _count(store: Store) -> int:
    from sinkgraph.log.disk import dead

    return dead.count(store)


_Group = tuple["DeadGroup", "DeadLetter | None", "Told | None"]
_Letter = tuple["DeadLetter", "Told | None"]


def _groups(store: Store, chosen: DeadFilter) -> list[Any]:
    """Return every group with its newest letter, and what that tells."""
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.letters import newest, tell

    made: list[_Group] = []
    for group in dead.groups(store, chosen):
        alike = replace(chosen, node=group.node, reason=group.reason, sink=group.sink)
        number = newest(store, alike)
        example = dead.letter(store, number) if number is not None else None
        made.append((group, example, tell(example) if example is not None else None))
    return made


def _letters(store: Store, chosen: DeadFilter, limit: int) -> list[Any]:
    """Return the first letters and what each tells; their payloads are let go of one by one."""
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.letters import tell

    made: list[_Letter] = []
    for head in dead.letters(store, chosen, limit=limit, bodies=False):
        one = dead.letter(store, head.number)
        told = tell(one) if one is not None else None
        if told is not None:
            told = replace(told, event=told.event.with_data(None))
        made.append((head, told))
    return made


def _object(where: str, total: int, size: int, made: list[Any], one_by_one: bool) -> dict[str, Any]:
    held: dict[str, Any] = {"state_dir": os.path.abspath(where), "count": total, "bytes": size}
    if one_by_one:
        held["letters"] = [letter_object(*one) for one in made]
    else:
        held["groups"] = [group_object(*one) for one in made]
    return held


def _table(made: list[_Group]) -> Iterator[str]:
    """Yield the groups as a table; the sink stands in it where there are several."""
    several = len({group.sink for group, _, _ in made}) > 1
    head = ("node", "reason", "count", "size", "first", "last", "last error")
    rows: list[tuple[str, ...]] = [(*head[:2], "kept by", *head[2:]) if several else head]
    for group, _, told in made:
        names = [safe_text(group.node, _NAME), safe_text(group.reason, _NAME)]
        if several:
            names.append(safe_text(group.sink, _NAME))
        rows.append(
            (
                *names,
                f"{group.count:,}",
                size_words(group.size),
                _time(group.first),
                _time(group.last),
                safe_text(last_error(told), _ERROR),
            )
        )
    numbers = frozenset({3, 4}) if several else frozenset({2, 3})
    yield from table(rows, right=numbers)


def _list(made: list[_Letter]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        ("number", "last failed", "node", "reason", "id", "type", "size", "last error")
    ]
    for letter, told in made:
        rows.append(
            (
                f"#{letter.number}",
                _time(letter.at),
                safe_text(letter.node, _NAME),
                safe_text(letter.reason, _NAME),
                safe_text(letter.id, _ID),
                safe_text(letter.type, _ID),
                size_words(letter.size),
                safe_text(last_error(told), _ERROR),
            )
        )
    yield from table(rows, right=frozenset({0, 6}))


def _time(seconds: float) -> str:
    return time_words(seconds).partition(".")[0]
