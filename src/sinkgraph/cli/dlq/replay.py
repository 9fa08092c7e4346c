"""`sinkgraph dlq replay`: dead letters made events again, for the next run to write.

A letter leaves the dead letters in the commit that stores its event to be replayed, so a kill at
any moment loses none and repeats none. Writing them into their nodes is the run's business.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.dlq.choosing import Choice, choice_options, refused
from sinkgraph.cli.dlq.live import alone, replay_live, tell_left
from sinkgraph.cli.dlq.words import letters_words
from sinkgraph.cli.options import FINDINGS, echo, json_option, wants_color
from sinkgraph.cli.queue.opening import for_reading, state_option
from sinkgraph.cli.queue.progress import Progress
from sinkgraph.cli.queue.words import events
from sinkgraph.cli.reaching import token_option
from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.replaying import Chosen, Moved
    from sinkgraph.log.disk.store import Store

__all__ = ["command"]

_AT_ONCE = 10_000


@click.command(name="replay")
@choice_options
@click.option("--to", default=None, metavar="NODE", help="Into this node, not where each died.")
@click.option(
    "--graph",
    "graph_file",
    default=None,
    metavar="FILE",
    help="The document of the next run: only nodes that are in it are replayed into.",
)
@click.option("--rate", default=None, metavar="RATE", help="At most so many, e.g. 100/s.")
@click.option(
    "--expect",
    type=click.IntRange(min=0),
    default=None,
    metavar="N",
    help="How many that is to be; nothing is done unless it is so.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--live",
    default=None,
    metavar="ADDR",
    help="Of a graph that runs, which writes them now: see `sinkgraph status --help`.",
)
@token_option
@state_option
@json_option
def command(
    to: str | None,
    graph_file: str | None,
    rate: str | None,
    expect: int | None,
    dry_run: bool,
    live: str | None,
    token_file: str | None,
    state_dir: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Have the next run write dead letters into their nodes again.

    Choose letters by number or event id, by a filter, or all of them. Each event goes in as it was
    accepted, with the id it had, into the node where it died; `meta.replayed` counts its replays.
    The next run writes them in order. What is rejected or given up again becomes a dead letter
    again; any other failure stops it, and the rest stays for the run after that. Interrupted, the
    command can be given again. With `--live` a graph that runs does all that at once.
    """
    from sinkgraph.log.disk.letters import is_name

    choice = Choice.taken(given)
    if to is not None and not is_name(to.strip()):
        raise click.UsageError(f"`--to {safe_text(to, 80)}` names no node")
    per_s = _rate(rate)
    if live is not None:
        alone(state_dir, graph_file)
        how = {"to": to, "rate": per_s, "expect": expect}
        replay_live(choice, live, token_file, how, dry_run=dry_run, as_json=as_json)
        return
    known = _nodes(graph_file) if graph_file is not None else None
    if known is not None and to is not None:
        _refuse_unknown(to, known, graph_file or "")
    directory = held_dir(state_dir)
    with for_reading(directory) as store:
        chosen = choice.found(store)
        plan = _plan(store, chosen, to)
    total = sum(plan.values())
    if expect is not None and expect != total:
        raise click.ClickException(
            f"{letters_words(total)} match, not {expect:,}: nothing was replayed"
        )
    if to is not None and known is None:
        echo(
            f"note: whether the next run has a node `{safe_text(to, 80)}` is not checked;"
            " `--graph FILE` does that",
            err=True,
        )
    if dry_run:
        _tell_plan(plan, known, rate, as_json)
        return
    moved = _move(directory, choice, total, to=to, rate=per_s, expect=expect, known=known)
    _tell(moved.events, moved.left, rate, as_json, done=True)
    if moved.left:
        sys.exit(FINDINGS)


def _tell_plan(
    plan: dict[str, int], known: frozenset[str] | None, rate: str | None, as_json: bool
) -> None:
    """Say what would be done, and what would stay because its node is not `known`."""
    absent = {node: n for node, n in plan.items() if known is not None and node not in known}
    there = {node: n for node, n in plan.items() if node not in absent}
    _tell(there, {}, rate, as_json, done=False)
    for node, n in absent.items():
        said = f"would stay: they died at {safe_text(node)}, which is not in the graph"
        echo(f"error: {letters_words(n)} {said}", err=True)


def _nodes(file: str) -> frozenset[str]:
    """Return the nodes of a document that events can be replayed into."""
    from sinkgraph.diagnostics.report import render_human
    from sinkgraph.graph.load import load_graph

    graph, found = load_graph(file)
    if graph is None:
        echo(render_human(found, color=wants_color(err=True)), err=True)
        sys.exit(FINDINGS)
    return frozenset(name for name, node in graph.nodes.items() if node.kind != "dead_letter")


def _refuse_unknown(to: str, known: frozenset[str], file: str) -> None:
    if to not in known:
        near = nearest(to, sorted(known))
        help = f"; the nearest is `{safe_text(near)}`" if near else ""
        raise click.ClickException(
            f"no node that takes events is named `{safe_text(to, 80)}` in {safe_text(file)}{help}"
        )


def _rate(text: str | None) -> float | None:
    from sinkgraph.spec.refused import Refused
    from sinkgraph.spec.units import parse_rate

    if text is None:
        return None
    try:
        return parse_rate(text)
    except Refused as refused:
        shown = safe_text(text, 80)
        raise click.UsageError(f"`--rate {shown}` {refused.message}; {refused.help}") from None


def _plan(store: Store, chosen: Chosen, to: str | None) -> dict[str, int]:
    """Return how many letters go into each node."""
    from sinkgraph.log.disk import dead
    from sinkgraph.log.disk.dead import DeadFilter
    from sinkgraph.log.disk.letters import home

    if to is not None and any(one.sink == to for one in dead.groups(store)):
        raise click.ClickException(f"`{safe_text(to)}` keeps dead letters: name another node")
    made: dict[str, int] = {}
    if isinstance(chosen, DeadFilter):
        for group in dead.groups(store, chosen):
            node = to if to is not None else home(group.node)
            made[node] = made.get(node, 0) + group.count
        return made
    for number in chosen:
        one = dead.letter(store, number)
        if one is not None:
            node = to if to is not None else home(one.node)
            made[node] = made.get(node, 0) + 1
    return made


def _move(directory: str, choice: Choice, total: int, **how: Any) -> Moved:
    """Move the letters; only here the state dir is taken."""
    from sinkgraph.errors import StoreFailed, StoreFull
    from sinkgraph.log.disk.depot import Depot
    from sinkgraph.log.disk.opened import open_store
    from sinkgraph.log.disk.replaying import move
    from sinkgraph.runtime.disk_thread import DiskThread

    moved = 0

    def note(made: Moved) -> None:
        nonlocal moved
        moved = made.total
        progress.at(moved, total)

    async def work() -> Moved:
        disk = DiskThread()
        try:
            opened = await disk.submit(lambda: open_store(directory))
        except BaseException:
            await disk.close()
            raise
        depot = Depot(opened, disk, _say_nothing)
        try:
            return await move(
                depot,
                await depot.ask(choice.found),
                at_once=_AT_ONCE,
                **how,
                progress=note,
            )
        finally:
            await depot.close()

    with refused(directory), Progress("moved") as progress:
        try:
            return asyncio.run(work())
        except (StoreFull, StoreFailed) as error:
            raise click.ClickException(
                f"{error}; {letters_words(moved)} were moved before: give the command again"
            ) from None


def _say_nothing(_kind: str, **_facts: object) -> None:
    return None


def _tell(
    nodes: dict[str, int], left: dict[int, str], rate: str | None, as_json: bool, *, done: bool
) -> None:
    """Say what goes where, and what stays and why."""
    if as_json:
        stays = [{"number": number, "why": why} for number, why in left.items()]
        made = {
            "replayed" if done else "would_replay": nodes,
            "rate": None if rate is None else _rate(rate),
            "left": stays,
        }
        echo(json.dumps(made, indent=2))
        return
    total = sum(nodes.values())
    if not total and not left:
        echo("there are no dead letters: nothing to replay")
        return
    at = f", at most {safe_text(rate)} into each node" if rate is not None else ""
    if done and total:
        echo(f"the next run writes {letters_words(total)} again{at}:")
    elif total:
        echo(f"{letters_words(total)} would be written again{at}:")
    for node, n in nodes.items():
        echo(f"  into {safe_text(node) or '(no node is named)'}: {events(n)}")
    tell_left(left)
