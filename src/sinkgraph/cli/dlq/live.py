"""`sinkgraph dlq replay --live ADDR` and `purge --live ADDR`: dead letters of a running graph.

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
    from collections.abc import AsyncIterator, Mapping

    from sinkgraph.api.client import Client
    from sinkgraph.cli.dlq.choosing import Choice

__all__ = ["alone", "purge_live", "replay_live", "tell_left"]

_PAGE = 1_000
_NAMED = 20
_MOST = 10_000
"""How many letters one request may delete."""


def alone(*others: str | None) -> None:
    """Refuse what is only needed without a run, given beside `--live`."""
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


def purge_live(choice: Choice, addr: str, token_file: str | None, expect: int | None) -> None:
    """Have a running graph delete the chosen letters, if they are as many as `expect` says."""

    async def work(client: Client) -> None:
        chosen = await _chosen(client, choice)
        if "numbers" in chosen:
            numbers = await _there(client, chosen["numbers"])
        else:
            numbers = [one async for one in _listed(client, **chosen)]
        gone = letters_words(len(numbers))
        if expect is None:
            raise click.UsageError(
                f"`--expect` is missing: {gone} would go; to delete them for good give"
                f" `--expect {len(numbers)}`"
            )
        if len(numbers) != expect:
            raise click.ClickException(f"{gone} would go, not {expect:,}: nothing was deleted")
        if expect > _MOST:
            raise click.ClickException(
                f"a running graph deletes at most {_MOST:,} at once: choose fewer, by `--before`"
            )
        purged = await client.purge(numbers) if numbers else 0
        echo(f"{letters_words(purged)} deleted")

    reach(addr, token_file, work)


async def _listed(client: Client, **chosen: Any) -> AsyncIterator[int]:
    """Yield the numbers of the letters that a filter chooses, page by page."""
    after: int | None = 0
    while after is not None:
        page = await client.letters(after=after, limit=_PAGE, **chosen)
        for letter in page.letters:
            yield letter.number
        after = page.after


async def _there(client: Client, numbers: list[int]) -> list[int]:
    """Return the letters with these numbers; raise a one-line error where one is not there."""
    for number in numbers:
        page = await client.letters(after=max(number - 1, 0), limit=1)
        if [letter.number for letter in page.letters] != [number]:
            raise click.ClickException(f"no dead letter has the number {number}")
    return numbers


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
        found = [number async for number in _listed(client, id=one)]
        if not found:
            raise click.ClickException(f"no dead letter has the event id `{safe_text(one, 80)}`")
        numbers.update(dict.fromkeys(found))
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
        for letter in (await client.letters(after=max(number - 1, 0), limit=1)).letters:
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
