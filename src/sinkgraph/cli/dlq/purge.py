"""`sinkgraph dlq purge`: dead letters deleted for good, if they are as many as was said.

Of a running graph too, which does it then; replaying letters is another command's.
"""

from __future__ import annotations

from typing import Any

import click

from sinkgraph.cli.dlq.choosing import Choice, choice_options, refused
from sinkgraph.cli.dlq.live import alone, purge_live
from sinkgraph.cli.dlq.words import letters_words
from sinkgraph.cli.options import echo
from sinkgraph.cli.queue.opening import for_reading, state_option
from sinkgraph.cli.reaching import token_option
from sinkgraph.cli.state_dir import held_dir

__all__ = ["command"]


@click.command(name="purge")
@choice_options
@click.option(
    "--expect",
    type=click.IntRange(min=0),
    default=None,
    metavar="N",
    help="How many there are; nothing is deleted unless that is so.",
)
@click.option(
    "--live",
    default=None,
    metavar="ADDR",
    help="Of a graph that runs, which deletes them: see `sinkgraph status --help`.",
)
@token_option
@state_option
def command(
    expect: int | None,
    live: str | None,
    token_file: str | None,
    state_dir: str | None,
    **given: Any,
) -> None:
    """Delete dead letters for good.

    Choose letters by number or event id, by a filter, or all of them. `--expect` says how many
    that is to be, so that none goes that nobody has seen. With `--live` a graph that runs does it.
    """
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.replaying import matching
    from sinkgraph.log.disk.store import Store

    choice = Choice.taken(given)
    if live is not None:
        alone(state_dir)
        purge_live(choice, live, token_file, expect)
        return
    directory = held_dir(state_dir)
    if expect is None:
        with for_reading(directory) as store:
            n = matching(store, choice.found(store))
        raise click.UsageError(
            f"`--expect` is missing: {letters_words(n)} would go; to delete them for good give"
            f" `--expect {n}`"
        )
    with refused(directory):
        store = Store.open(directory)
    try:
        chosen = choice.found(store)
        n = matching(store, chosen)
        if n != expect:
            raise click.ClickException(
                f"{letters_words(n)} would go, not {expect:,}: nothing was deleted"
            )
        dead.delete(store, chosen, expect=expect)
    finally:
        store.close()
    echo(f"{letters_words(expect)} deleted")
