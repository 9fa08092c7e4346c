"""`sinkgraph new [FILE]`: write a document to begin from, asked for or taken from a starter.

What a document is made of is `cli.new.answers`; the questions are `cli.new.asking`.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import click

from sinkgraph.cli.new.answers import STARTERS, Answers, commands, composed
from sinkgraph.cli.new.written import document_text
from sinkgraph.cli.options import cannot_write, echo
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]

_SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@click.command(name="new")
@click.argument("file", required=False)
@click.option(
    "--from",
    "starter",
    type=click.Choice(list(STARTERS)),
    default=None,
    help="What to begin from; without it, questions are asked on a terminal.",
)
@click.option(
    "--name", default=None, help="The name of the graph [the file's; of `graph.yaml` its folder's]."
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--yes", is_flag=True, help="Ask nothing: the default of every question is right.")
@click.option(
    "--format",
    "syntax",
    type=click.Choice(["yaml", "toml", "json"]),
    default=None,
    help="How it is written [as FILE ends; yaml].",
)
def command(
    file: str | None,
    starter: str | None,
    name: str | None,
    force: bool,
    yes: bool,
    syntax: str | None,
) -> None:
    """Write a graph document to begin from.

    FILE is where it goes [graph.yaml], with the schema for editors beside it and folders that are
    missing; `-` prints the document. On a terminal it asks where events come from, where they go
    and what must hold.
    """
    file, syntax = _file_and_syntax(file, syntax)
    if file != "-":
        _writable(file, force=force)
    asks = starter is None and not yes
    if asks and not on_terminal():
        raise click.UsageError(
            "there is no terminal to ask on: say what to begin from, "
            f"`--from {'|'.join(STARTERS)}`, or `--yes` for `{next(iter(STARTERS))}`"
        )
    from sinkgraph.cli.new.asking import ask, findings_of, said_of

    def text_of(answers: Answers) -> str:
        return document_text(composed(answers, "graph.yaml" if file == "-" else file), syntax)

    default_name = _default_name(file)
    if asks:
        _named(replace(Answers(), name=name or "graph"), file, syntax)
        answers = ask(name, default_name, lambda one: findings_of(text_of(one), file, syntax))
    else:
        answers = Answers.of(starter or next(iter(STARTERS)))
        answers = replace(answers, name=name or default_name or answers.name)
        _named(answers, file, syntax)
    text = text_of(answers)
    wrong = [one for one in findings_of(text, file, syntax) if one.severity == "error"]
    if wrong:
        raise click.ClickException("\n".join(map(said_of, wrong)))
    if file == "-":
        click.echo(text, nl=False)
        return
    _write(file, text, force=force)
    _next(answers, file)


def _default_name(file: str) -> str | None:
    """Return what a graph is called: as its file, or as the folder of a `graph.yaml`.

    Not all alike: graphs of one name share the default state dir.
    """
    stem = Path(file).name.partition(".")[0]
    if stem == "graph":
        stem = Path(file).absolute().parent.name
    return stem if _PLAIN.fullmatch(stem) else None


def on_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return all(one is not None and one.isatty() for one in (sys.stdin, sys.stderr))


def _file_and_syntax(file: str | None, syntax: str | None) -> tuple[str, str]:
    """Return where the document goes and how it is written; raise a usage error for a clash."""
    if file is None:
        file = f"graph.{syntax or 'yaml'}"
    if file == "-":
        return file, syntax or "yaml"
    told = _SUFFIXES.get(os.path.splitext(file)[1].lower())
    shown = safe_text(file)
    if told is None and os.path.isdir(file):
        inside = safe_text(os.path.join(file, f"graph.{syntax or 'yaml'}"))
        raise click.UsageError(f"`{shown}` is a folder: name a file in it, as `{inside}`")
    if told is None:
        raise click.UsageError(f"`{shown}` does not end in `.yaml`, `.toml` or `.json`")
    if syntax not in (None, told):
        raise click.UsageError(f"`{shown}` is {told.upper()} by its name, not `--format {syntax}`")
    return file, told


def _writable(file: str, *, force: bool) -> None:
    from sinkgraph.cli.new.files import refused

    try:
        why = refused(Path(file), force=force)
    except (OSError, ValueError) as error:
        raise cannot_write(file, error) from None
    if why is not None:
        raise click.ClickException(f"`{safe_text(file)}` {why}")


def _named(answers: Answers, file: str, syntax: str) -> None:
    """Refuse a name the checker refuses, in its words."""
    from sinkgraph.cli.new.asking import findings_of, said_of

    found = findings_of(document_text(composed(answers, file), syntax), file, syntax)
    wrong = [said_of(one) for one in found if one.severity == "error"]
    if wrong:
        shown = safe_text(answers.name, 80)
        raise click.UsageError(f"`--name {shown}` is not taken\n" + "\n".join(wrong))


def _write(file: str, text: str, *, force: bool) -> None:
    from sinkgraph.cli.new.files import SCHEMA_NAME, write_new
    from sinkgraph.spec.schema import schema_text

    try:
        schema = write_new(Path(file), text, schema_text(), force=force)
    except (OSError, ValueError) as error:
        raise cannot_write(file, error) from None
    beside = safe_text(str(Path(file).parent / SCHEMA_NAME))
    said = {
        "written": f"{beside}: written, for editors",
        "same": f"{beside}: is there already",
        "differs": f"{beside}: kept, it is not that of this version (`--force` replaces it)",
    }
    echo(f"{safe_text(file)}: written", err=True)
    echo(said[schema], err=True)


def _next(answers: Answers, file: str) -> None:
    """Say what to do with it."""
    shown = shlex.quote(file)
    picture = shlex.quote(os.path.splitext(file)[0] + ".svg")
    lines = [f"sinkgraph check {shown}", f"sinkgraph render {shown} -o {picture}"]
    if answers.asks_token:
        lines.append("export INGEST_TOKEN=…")
    tried = [f"{said}    ({what})" if what else said for said, what in commands(answers, file)]
    echo("next: " + "\n      ".join(map(safe_text, [*lines, *tried])), err=True)
