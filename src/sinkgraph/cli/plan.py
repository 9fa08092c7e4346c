"""`sinkgraph plan NEW`: what a reload to another document would do, before it is done.

It changes nothing and starts nothing; how a plan is written is `cli.planned`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.changing import fate_option, fates_of, is_address, plan_of, refused, sent
from sinkgraph.cli.options import (
    FINDINGS,
    OK,
    echo,
    json_option,
    load_document,
    once,
    parse_set,
    set_option,
    syntax_option,
    wants_color,
)
from sinkgraph.cli.reaching import token_option
from sinkgraph.cli.state_dir import given_dir
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinkgraph.api.client import Client
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.diff import Plan
    from sinkgraph.graph.model import Graph
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]


@click.command(name="plan")
@click.argument("new")
@click.option(
    "--against",
    metavar="OLD",
    default=None,
    help="The document to compare with, a state dir, or a running graph: its name, pid or address"
    " [the only graph that runs].",
)
@click.option(
    "--state-dir",
    default=None,
    metavar="DIR",
    help="Compare with the document that a run with this state dir had last.",
)
@fate_option
@set_option
@syntax_option
@token_option
@click.option("--all", "whole", is_flag=True, help="List the nodes that stay as they are, too.")
@json_option
def command(
    new: str,
    against: str | None,
    state_dir: str | None,
    fates: tuple[str, ...],
    set_vars: tuple[str, ...],
    syntax: Syntax | None,
    token_file: str | None,
    whole: bool,
    as_json: bool,
) -> None:
    """Say what a reload to another document would do.

    NEW is that document. Lists every node that does not stay as it is, the fields that differ,
    and what becomes of the events that are pending there. Exits 0 whether or not something
    changes, 1 when a document is not valid or the plan cannot be carried out.
    """
    from sinkgraph.graph.diff import beside, diff

    given = fates_of(fates)
    values = parse_set(set_vars)
    if against is not None and state_dir is not None:
        raise click.UsageError("`--against` and `--state-dir` both say what to compare with")
    stored = _stored_in(against, state_dir)
    if stored is None and (against is None or is_address(against)):
        if values:
            raise click.UsageError("`--set` is of documents: a running graph has its own vars")
        _ask(new, against, given, syntax, token_file, whole=whole, as_json=as_json)
        return
    once([one for one in (new, against) if one is not None])
    after = _told(new, values, syntax)
    before = _told(against or "-", values, None) if stored is None else _kept(stored, values)
    if after is None or before is None:
        sys.exit(FINDINGS)
    plan = diff(beside(before, after), after, fates=given)
    if as_json:
        echo(json.dumps(plan.as_dict(), indent=2))
    else:
        _show(plan, whole=whole)
        _print(plan.refused)
    sys.exit(FINDINGS if plan.refused else OK)


def _show(plan: Plan, *, whole: bool) -> None:
    from sinkgraph.cli.planned import lines

    for line in lines(plan, whole=whole):
        echo(line)


def _ask(
    new: str,
    addr: str | None,
    fates: Mapping[str, str],
    syntax: Syntax | None,
    token_file: str | None,
    *,
    whole: bool,
    as_json: bool,
) -> None:
    """Have a running graph say what the document would change in it."""
    from sinkgraph.cli.reaching import reach

    document = sent(new, syntax)

    async def work(client: Client) -> None:
        from sinkgraph.api.client import Refused

        try:
            answer = await client.plan(**document, fates=dict(fates))
        except Refused as error:
            refused(error, as_json=as_json)
            return
        if as_json:
            echo(json.dumps(answer, indent=2))
        else:
            _show(plan_of(answer), whole=whole)
            for line in str(answer["told"]).splitlines():
                echo(safe_text(line, len(line) * 6 + 1), err=True)
        if answer["refused"]:
            sys.exit(FINDINGS)

    reach(addr, token_file, work)


def _stored_in(against: str | None, state_dir: str | None) -> str | None:
    """Return the state dir whose document is meant, None when it is not one's."""
    if against is None:
        return given_dir(state_dir)
    return against if os.path.isdir(against) else None


def _kept(state_dir: str, values: Mapping[str, str]) -> Graph | None:
    """Return the graph that ran last with a state dir; None and what is wrong with it by now."""
    from sinkgraph.control.documents import Recipe
    from sinkgraph.control.generations import last_kept

    last = last_kept(state_dir)
    if last is None:
        where = safe_text(state_dir)
        echo(f"error: state dir {where} holds no document to compare with", err=True)
        echo("  = help: name the document it ran: `--against OLD.yaml`", err=True)
        sys.exit(FINDINGS)
    loaded = last.document.load(Recipe(values, secrets="placeholder"))
    _print(loaded.found)
    return loaded.graph


def _told(file: str, values: Mapping[str, str], syntax: Syntax | None) -> Graph | None:
    """Return the graph of a document, or None; what is wrong with it is printed."""
    graph, found = load_document(file, set_vars=values, syntax=syntax)
    _print(tuple(found))
    return graph


def _print(found: tuple[Diagnostic, ...]) -> None:
    if found:
        from sinkgraph.diagnostics.report import render_human

        echo(render_human(found, color=wants_color(err=True)) + "\n", err=True)
