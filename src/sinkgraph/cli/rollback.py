"""`sinkgraph rollback [GENERATION] [ADDR]`: run a document again that ran before.

The last ten are kept, in the state dir where there is one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.changing import fates_of, if_match_option, refused, told_applied
from sinkgraph.cli.options import echo, json_option
from sinkgraph.cli.reaching import addr_argument, reach, token_option
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.api.client import Client
    from sinkgraph.api.messages import GenerationView

__all__ = ["command"]


@click.command(name="rollback")
@click.argument("generation", required=False)
@addr_argument
@click.option("--list", "listing", is_flag=True, help="Say which are kept, and change nothing.")
@click.option(
    "--fate",
    "fates",
    multiple=True,
    metavar="NODE=FATE",
    help="What becomes of the events of a queue that is removed; may be repeated.",
)
@if_match_option
@token_option
@json_option
def command(
    generation: str | None,
    addr: str | None,
    listing: bool,
    fates: tuple[str, ...],
    if_match: int | None,
    token_file: str | None,
    as_json: bool,
) -> None:
    """Run a document again that ran before.

    GENERATION is its number, as `--list` has it; without one, the one before what runs is meant,
    and called again, the one before that. It is an override: the file of the run is not changed,
    and says something else from then on.
    """
    number, addr = _read(generation, addr)
    given = fates_of(fates)

    async def work(client: Client) -> None:
        from sinkgraph.api.client import Refused

        if listing:
            held = await client.generations()
            if as_json:
                echo(held.model_dump_json(indent=2))
            for one in held.generations if not as_json else ():
                echo(_line(one))
            return
        try:
            answer = await client.rollback(number, generation=if_match, fates=given)
        except Refused as error:
            refused(error, as_json=as_json)
        else:
            told_applied(answer, as_json=as_json)

    reach(addr, token_file, work)


def _read(generation: str | None, addr: str | None) -> tuple[int | None, str | None]:
    """Return the number and the address; an only argument that is no number is an address."""
    if generation is None or (generation.isascii() and generation.isdecimal()):
        number = None if generation is None else int(generation)
        if number == 0 or (number is not None and number >= 10**15):
            raise click.UsageError(f"there is no generation {safe_text(str(generation), 40)}")
        return number, addr
    if addr is not None:
        raise click.UsageError(f"`{safe_text(generation, 80)}` is not the number of a generation")
    return None, generation


def _line(one: GenerationView) -> str:
    at = datetime.fromtimestamp(one.at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    said = f"{one.generation:>5}  {at}  {one.origin:<8}  {safe_text(one.name)}"
    said += f", as generation {one.of}" if one.of != one.generation else ""
    said += f", by {safe_text(one.by)}" if one.by else ""
    return said + ("  (runs)" if one.runs else "")
