"""`sinkgraph plan NEW`: what a reload to another document would do, before it is done.

It changes nothing and starts nothing; how a plan is written is `cli.planned`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

import click

from sinkgraph.cli.options import (
    FINDINGS,
    OK,
    UNREACHABLE,
    echo,
    json_option,
    load_document,
    once,
    parse_set,
    set_option,
    syntax_option,
    wants_color,
)
from sinkgraph.cli.state_dir import given_dir, parse_fates
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.model import Graph
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]

_FATES = ("drain", "dead_letter", "discard", "move_to", "keep")
_ADDRESS = re.compile(r"[a-z+]+://.*|unix:.*|[^/]*:[0-9]+|[0-9]+|.*\.sock")
_DOCUMENT = (".yaml", ".yml", ".toml", ".json")


@click.command(name="plan")
@click.argument("new")
@click.option(
    "--against",
    metavar="OLD",
    default=None,
    help="The document to compare with.",
)
@click.option(
    "--state-dir",
    default=None,
    metavar="DIR",
    help="Compare with the document that a run with this state dir had last.",
)
@click.option(
    "--fate",
    "fates",
    multiple=True,
    metavar="NODE=FATE",
    help="What becomes of the events of a queue that is removed: drain, dead_letter, discard,"
    " move_to:QUEUE or keep, in place of its `on_remove`; may be repeated.",
)
@set_option
@syntax_option
@click.option("--all", "whole", is_flag=True, help="List the nodes that stay as they are, too.")
@json_option
def command(
    new: str,
    against: str | None,
    state_dir: str | None,
    fates: tuple[str, ...],
    set_vars: tuple[str, ...],
    syntax: Syntax | None,
    whole: bool,
    as_json: bool,
) -> None:
    """Say what a reload to another document would do.

    NEW is that document. Lists every node that does not stay as it is, the fields that differ,
    and what becomes of the events that are pending there. Exits 0 whether or not something
    changes, 1 when a document is not valid or the plan cannot be carried out.
    """
    from sinkgraph.graph.diff import beside, diff

    given = parse_fates(fates, "", words=_FATES)
    values = parse_set(set_vars)
    if against is None:
        _no_stored_document(state_dir)
    elif state_dir is not None:
        raise click.UsageError("`--against` and `--state-dir` both say what to compare with")
    elif _is_address(against):
        _unreachable(against)
    once([one for one in (new, against) if one is not None])
    after = _told(new, values, syntax)
    before = _told(against or "-", values, None)
    if after is None or before is None:
        sys.exit(FINDINGS)
    plan = diff(beside(before, after), after, fates=given)
    if as_json:
        echo(json.dumps(plan.as_dict(), indent=2))
    else:
        from sinkgraph.cli.planned import lines

        for line in lines(plan, whole=whole):
            echo(line)
        _print(plan.refused)
    sys.exit(FINDINGS if plan.refused else OK)


def _told(file: str, values: Mapping[str, str], syntax: Syntax | None) -> Graph | None:
    """Return the graph of a document, or None; what is wrong with it is printed."""
    graph, found = load_document(file, set_vars=values, syntax=syntax)
    _print(tuple(found))
    return graph


def _print(found: tuple[Diagnostic, ...]) -> None:
    if found:
        from sinkgraph.diagnostics.report import render_human

        echo(render_human(found, color=wants_color(err=True)) + "\n", err=True)


def _is_address(text: str) -> bool:
    """Tell whether a text is where a running graph is asked, and no document."""
    if text == "-" or text.lower().endswith(_DOCUMENT) or os.path.isfile(text):
        return False
    return _ADDRESS.fullmatch(text) is not None


def _unreachable(address: str) -> None:
    echo(f"error: no running graph can be asked at `{safe_text(address)}`", err=True)
    echo("  = note: in this version a plan compares two documents", err=True)
    echo("  = help: name the document it runs: `--against OLD.yaml`", err=True)
    sys.exit(UNREACHABLE)


def _no_stored_document(state_dir: str | None) -> None:
    """Say that a state dir holds no document to compare with."""
    where = given_dir(state_dir)
    if where is None:
        raise click.UsageError("name what to compare with: `--against OLD`")
    echo(f"error: state dir {safe_text(where)} holds no document to compare with", err=True)
    echo("  = note: in this version a run does not keep its document there", err=True)
    echo("  = help: name the document it ran: `--against OLD.yaml`", err=True)
    sys.exit(FINDINGS)
