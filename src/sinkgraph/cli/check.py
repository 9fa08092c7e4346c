"""`sinkgraph check FILES…`: report every problem of graph documents.

It starts nothing and opens no port; JSON and SARIF go to stdout, other findings to stderr.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from sinkgraph.cli.documents import Checked, find_documents, holders_of
from sinkgraph.cli.options import (
    FINDINGS,
    OK,
    counts,
    echo,
    load_document,
    many,
    once,
    parse_set,
    set_option,
    syntax_option,
    wants_color,
)
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.load import Secrets
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]

Form: TypeAlias = Literal["human", "concise", "json", "sarif"]


@click.command(name="check")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "concise", "json", "sarif"]),
    default="human",
    show_default=True,
    help="How findings are shown: with excerpts, one a line, or on stdout as JSON or SARIF 2.1.0.",
)
@set_option
@syntax_option
@click.option("--secrets", is_flag=True, help="An unset ${env:…} or ${file:…} is an error.")
def command(
    files: tuple[str, ...],
    form: Form,
    set_vars: tuple[str, ...],
    syntax: Syntax | None,
    secrets: bool,
) -> None:
    """Report every problem of graph documents.

    FILES are documents in YAML, TOML or JSON, folders and globs of them; `-` reads standard input.
    What one of them includes is checked as a part of it.
    Exits 1 when one of them has an error; warnings alone exit 0. `sinkgraph explain CODE` tells
    what a finding means.
    """
    from sinkgraph.diagnostics.diagnostic import has_errors

    once(files)
    values = parse_set(set_vars)
    documents = find_documents(files)
    every: list[Diagnostic] = []
    for name in documents.nothing:
        missing = _no_document(name)
        every.append(missing)
        _findings([missing], form)
        if form == "human":
            echo(f"{safe_text(name)}: 1 error", err=True)
    mode: Secrets = "strict" if secrets else "placeholder"
    checked = [_checked(one, values, syntax, mode) for one in documents.files]
    holders = holders_of(checked)
    for one in checked:
        holder = holders.get(one.real) if one.headless else None
        every += one.found if holder is None else []
        if form in ("human", "concise"):
            _say(one, holder, form)
    left = sum(os.path.realpath(one) not in holders for one in documents.others)
    if form == "human" and left:
        echo(f"{many(left, 'other file')} left out: no graph documents", err=True)
    _report(every, form)
    sys.exit(FINDINGS if has_errors(every) else OK)


def _checked(
    file: str, values: Mapping[str, str], syntax: Syntax | None, secrets: Secrets
) -> Checked:
    from sinkgraph.graph.load import Looked

    looked = Looked()
    graph, found = load_document(
        file, set_vars=values, syntax=syntax, secrets=secrets, looked=looked
    )
    return Checked(file, found, None if graph is None else counts(graph), tuple(looked.files))


def _say(one: Checked, holder: str | None, form: Form) -> None:
    """Print what came of a document in a form for people."""
    from sinkgraph.diagnostics.report import count_line

    shown = safe_text("<stdin>" if one.file == "-" else one.file)
    if holder is not None:
        echo(f"{shown}: checked as a part of {safe_text(holder)}")
        return
    _findings(one.found, form)
    counted = count_line(one.found)
    if one.counts is not None:
        echo(", ".join(filter(None, (f"{shown}: ok", one.counts, counted))))
    elif form == "human":
        echo(f"{shown}: {counted}", err=True)


def _no_document(name: str) -> Diagnostic:
    """Return the finding of a folder or glob that holds no graph document."""
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.diagnostics.source import SourceText, Span

    return Diagnostic(
        "SG101",
        "no graph document is found here",
        span=Span(SourceText(name, ""), 0, 0),
        help=("a graph document ends in `.yaml`, `.toml` or `.json` and says `sinkgraph: 1`",),
    )


def _findings(found: list[Diagnostic], form: Form) -> None:
    """Write findings to stderr in a form for people."""
    from sinkgraph.diagnostics.report import render_concise, render_human

    if found and form == "concise":
        echo(render_concise(found), err=True)
    elif found and form == "human":
        echo(render_human(found, color=wants_color(err=True)) + "\n", err=True)


def _report(every: list[Diagnostic], form: Form) -> None:
    """Write the findings of all documents, each once, to stdout in a form for programs."""
    found = list({(one.code, one.where, one.headline): one for one in every}.values())
    if form == "json":
        from sinkgraph.diagnostics.report import render_json

        echo(render_json(found))
    elif form == "sarif":
        from sinkgraph.diagnostics.sarif import render_sarif

        echo(render_sarif(found))
