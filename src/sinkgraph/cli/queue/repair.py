"""`sinkgraph queue repair`: everything that can be read of a state dir, in a new file.

The damaged file is kept beside it; what is lost is told, by log and position.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import echo, json_option, many
from sinkgraph.cli.queue.opening import refused, state_option, stored_size
from sinkgraph.cli.queue.progress import Progress
from sinkgraph.cli.queue.words import events, size_words
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.salvage import Repaired

__all__ = ["command"]


@click.command(name="repair")
@state_option
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@json_option
def command(state_dir: str | None, dry_run: bool, as_json: bool) -> None:
    """Save everything that can be read of a damaged state dir.

    The damaged file is kept under another name; what cannot be read is counted, never guessed.
    Where nothing is damaged, the file only becomes smaller. It may be interrupted, and run again.
    """
    from sinkgraph.log.disk.salvage import repair

    directory = held_dir(state_dir)
    with refused(directory), Progress("reading") as progress:
        progress.say(size_words(stored_size(directory)))
        made = repair(directory, dry=dry_run)
    if as_json:
        echo(json.dumps(asdict(made) | {"dry_run": dry_run}, indent=2))
        return
    for line in _lines(made, dry_run):
        echo(line)


def _lines(made: Repaired, dry: bool) -> Iterator[str]:
    """Yield what was done, or would be."""
    saved, lost = ("would save", "would lose") if dry else ("saved", "lost")
    letters, records = many(made.dead, "dead letter"), many(made.records, "record")
    yield f"state dir {safe_text(os.path.abspath(made.directory))}"
    yield f"  {saved} {events(made.events)}, {letters}, {records}"
    for one in made.lost:
        where = f"positions {one.at:,} to {one.end - 1:,}" if one.n > 1 else f"position {one.at:,}"
        yield f"  {lost} {events(one.n)} of {safe_text(one.name)}: {where}"
    if made.lost_before:
        yield f"  {events(made.lost_before)} were lost before an earlier repair"
    if made.cut:
        yield f"  {lost} {events(made.cut)} at the end, which the file does not have any more"
    if made.lost_records:
        places = "places of queues, positions of files"
        yield f"  {lost} {many(made.lost_records, 'record')} ({places})"
    if made.lost_dead:
        yield f"  {lost} {many(made.lost_dead, 'dead letter')}"
    for doubt in made.doubts:
        yield f"  {safe_text(doubt)}"
    sizes = f"{size_words(made.size_before)} → {size_words(made.size_after)}"
    if made.kept is None:
        yield f"nothing is damaged; the file {'would become' if dry else 'became'} smaller: {sizes}"
    elif dry:
        yield f"the damaged file would be kept as {safe_text(made.kept)}; nothing was changed"
    else:
        yield f"the damaged file is kept as {safe_text(made.kept)} ({sizes})"
