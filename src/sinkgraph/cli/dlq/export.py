"""`sinkgraph dlq export`: dead letters as lines of JSON, whole events with their history.

They stay where they are; `dlq purge` deletes them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.dlq.choosing import Choice, choice_options
from sinkgraph.cli.dlq.words import letters_words
from sinkgraph.cli.options import FINDINGS, echo
from sinkgraph.cli.queue.opening import for_reading, keep_apart, state_option
from sinkgraph.cli.queue.progress import Progress
from sinkgraph.cli.queue.target import replacing
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadFilter, DeadLetter

__all__ = ["command"]

_BLOCK = 500
_BLOCK_BYTES = 8 << 20


@click.command(name="export")
@choice_options
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    help="Where to; a file appears when it is complete [standard output].",
)
@state_option
def command(output: str, state_dir: str | None, **given: Any) -> None:
    """Write dead letters as lines of JSON, and leave them there.

    Oldest first. Each line is a whole event with the names of CloudEvents; its `meta` says where
    and why it died. Bytes go as `data_base64`. Without a choice all are written.
    """
    from sinkgraph.formats.event_line import event_line
    from sinkgraph.log.disk.letters import read
    from sinkgraph.log.disk.replaying import matching

    if not given["letters"] and not any(value for value in given.values()):
        given["every"] = True
    choice = Choice.taken(given)
    directory = held_dir(state_dir)
    keep_apart(directory, output)
    with for_reading(directory) as store:
        chosen = choice.found(store)
        total = matching(store, chosen)
    written, damaged = 0, []
    with replacing(output) as target, Progress("written") as progress:
        for letter in _letters(directory, chosen):
            event = read(letter)
            if event is None:
                damaged.append(letter.number)
                continue
            target.write(event_line(event))
            written += 1
            progress.at(written, total)
    where = "" if output == "-" else f" to {safe_text(output)}"
    echo(f"{letters_words(written)} written{where}", err=True)
    if damaged:
        listed = ", ".join(f"#{number}" for number in damaged[:20])
        more = ", …" if len(damaged) > 20 else ""
        echo(f"error: {letters_words(len(damaged))} left out, damaged: {listed}{more}", err=True)
        sys.exit(FINDINGS)


def _letters(directory: str, chosen: DeadFilter | list[int]) -> Iterator[DeadLetter]:
    """Yield letters, oldest first; the store is not held while they are written."""
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.dead import DeadFilter
    from sinkgraph.log.disk.letters import newest

    if not isinstance(chosen, DeadFilter):
        for number in sorted(chosen):
            with for_reading(directory) as store:
                one = dead.letter(store, number)
            if one is not None:
                yield one
        return
    after, last = 0, None
    while True:
        with for_reading(directory) as store:
            last = newest(store, chosen) if last is None else last
            heads = dead.letters(store, chosen, after=after, limit=_BLOCK, bodies=False)
            fit, held = 0, 0
            while fit < len(heads) and held < _BLOCK_BYTES:
                held += heads[fit].size
                fit += 1
            block = dead.letters(store, chosen, after=after, limit=fit) if fit else []
        block = [one for one in block if one.number <= (last or 0)]
        if not block:
            return
        yield from block
        after = block[-1].number
