"""`sinkgraph check FILES…`: report every problem of graph documents.

It starts nothing and opens no port; JSON goes to stdout, other findings to stderr.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import click

from sinkgraph.cli.options import (
    FINDINGS,
    OK,
    counts,
    echo,
    load_document,
    once,
    parse_set,
    set_option,
    syntax_option,
    wants_color,
)
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]


@click.command(name="check")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "concise", "json"]),
    default="human",
    show_default=True,
    help="How findings are shown: with excerpts, one a line, or as a JSON list on stdout.",
)
@set_option
@syntax_option
@click.option("--secrets", is_flag=True, help="An unset ${env:…} or ${file:…} is an error.")
def command(
    files: tuple[str, ...],
    form: Literal["human", "concise", "json"],
    set_vars: tuple[str, ...],
    syntax: Syntax | None,
    secrets: bool,
) -> None:
    """Report every problem of graph documents.

    FILES are documents in YAML, TOML or JSON; `-` reads standard input. Exits 1 when one of them
    has an error; warnings alone exit 0.
    """
    from sinkgraph.diagnostics.diagnostic import has_errors
    from sinkgraph.diagnostics.report import count_line, render_json

    once(files)
    values = parse_set(set_vars)
    every: list[Diagnostic] = []
    for file in files:
        graph, found = load_document(
            file, set_vars=values, syntax=syntax, secrets="strict" if secrets else "placeholder"
        )
        every += found
        if form == "json":
            continue
        _findings(found, form)
        shown, counted = safe_text("<stdin>" if file == "-" else file), count_line(found)
        if graph is not None:
            echo(", ".join(filter(None, (f"{shown}: ok", counts(graph), counted))))
        elif form == "human":
            echo(f"{shown}: {counted}", err=True)
    if form == "json":
        echo(render_json(every))
    sys.exit(FINDINGS if has_errors(every) else OK)


def _findings(found: list[Diagnostic], form: Literal["human", "concise"]) -> None:
    from sinkgraph.diagnostics.report import render_concise, render_human

    if found and form == "concise":
        echo(render_concise(found), err=True)
    elif found:
        echo(render_human(found, color=wants_color(err=True)) + "\n", err=True)
