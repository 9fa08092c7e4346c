"""`sinkgraph dlq replay --live ADDR`: dead letters of a running graph, written again by that.

The graph does it, and knows its nodes; here is only asked and told.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.dlq.words import letters_words
from sinkgraph.cli.options import FINDINGS, echo
from sinkgraph.cli.reaching import reach
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinkgraph.api.client import Client
    from sinkgraph.cli.dlq.choosing import Choice

__all__ = ["alone", "replay_live"]

_PAGE = 1_000
_NAMED = 20


def alone(*others: str | None) -> None:
    """Refuse what only a replay without a run needs, given beside `--live`."""
    if any(one is not None for one in others):
        raise click.UsageError("`--live` asks a running graph, which knows its nodes and state")


def replay_live(
    choice: Choice,
    addr: str,
    token_file: str | None,
    how: dict[str, Any],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Have a running graph write the chosen letters again, or only say how many they are.

    Exits with 1 when some of them stay.
    """
    stays: dict[str, str] = {}

    async def work(client: Client) -> None:
        chosen = await _chosen(client, choice)
        if dry_run:
            _tell(await _counted(client, chosen, how["to"]), {}, as_json, done=False)
            return
        made = await client.replay(**chosen, **how)
        stays.update(made.left)
        _tell(made.replayed, made.left, as_json, done=True)

    reach(addr, token_file, work)
    if stays:
        sys.exit(FINDINGS)


async def _chosen(client: Client, choice: Choice) -> dict[str, Any]:
    """Return what is chosen as a request says it; letters by number, ids looked up."""
    if not choice.letters:
        asked = asdict(choice.filter)
        return {name: value for name, value in asked.items() if value is not None}
    numbers: dict[int, None] = {}
    for one in choice.letters:
        digits = one.removeprefix("#")
        if digits.isascii() and digits.isdigit() and len(digits) < 19:
            numbers[int(digits)] = None
            continue
        page = await client.letters(limit=_PAGE, id=one)
        if not page.letters:
            raise click.ClickException(f"no dead letter has the event id `{safe_text(one, 80)}`")
        numbers.update(dict.fromkeys(letter.number for letter in page.letters))
    return {"numbers": list(numbers)}


async def _counted(client: Client, chosen: dict[str, Any], to: str | None) -> dict[str, int]:
    """Return how many of the chosen letters go into each node."""
    made: dict[str, int] = {}
    if "numbers" not in chosen:
        for group in (await client.letter_groups(**chosen)).groups:
            node = to or group.node
            made[node] = made.get(node, 0) + group.count
        return made
    for number in chosen["numbers"]:
        for letter in (await client.letters(after=number - 1, limit=1)).letters:
            if letter.number == number:
                node = to or letter.node
                made[node] = made.get(node, 0) + 1
    return made


def _tell(nodes: dict[str, int], left: dict[str, str], as_json: bool, *, done: bool) -> None:
    if as_json:
        key = "replayed" if done else "would_replay"
        stays = [{"number": int(number), "why": why} for number, why in left.items()]
        echo(json.dumps({key: nodes, "left": stays}, indent=2))
        return
    total = sum(nodes.values())
    if not total and not left:
        echo("no dead letter matches: nothing to replay")
        return
    if total:
        verb = ("is" if total == 1 else "are") if done else "would be"
        echo(f"{letters_words(total)} {verb} written again:")
    for node, n in nodes.items():
        echo(f"  into {safe_text(node)}: {n:,}")
    tell_left(left)


def tell_left(left: Mapping[Any, str]) -> None:
    """Print why dead letters stay where they are, by their numbers."""
    for number, why in list(left.items())[:_NAMED]:
        echo(f"error: dead letter #{number} stays: {safe_text(why)}", err=True)
    if len(left) > _NAMED:
        echo(f"error: and {letters_words(len(left) - _NAMED)} more", err=True)
