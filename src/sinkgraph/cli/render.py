"""`sinkgraph render FILE`: draw a graph document.

What is drawn is `sinkgraph.render`; here are only options, files and what is said about them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from sinkgraph.cli.options import (
    FINDINGS,
    cannot_write,
    counts,
    echo,
    load_document,
    many,
    once,
    parse_set,
    set_option,
    syntax_option,
    wants_color,
    write_output,
)
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinkgraph.graph.model import Graph
    from sinkgraph.render.fold import Folded
    from sinkgraph.render.guarantees import Guarantee
    from sinkgraph.render.output import OutputFormat, OutputTheme
    from sinkgraph.render.parts import Drawing
    from sinkgraph.spec.document import Syntax

__all__ = ["command"]

_OUTPUTS = ("svg", "png", "pdf", "dot", "mmd")
_LISTED = ", ".join(f"`.{one}`" for one in _OUTPUTS)
_FOLDS = ("all", "alike", "lanes", "none")


@click.command(name="render")
@click.argument("file")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="-",
    help="Where the drawing goes; .svg, .png, .pdf, .dot or .mmd says what it is [DOT to stdout].",
)
@click.option(
    "--theme",
    type=click.Choice(["auto", "light", "dark"]),
    default="auto",
    help="The page it is for; `auto`: an SVG follows its reader's, all else is light [auto].",
)
@click.option("--guarantees", is_flag=True, help="Write on the nodes what the graph promises.")
@click.option("--isolation", is_flag=True, help="Frame what one write waits for, not groups.")
@click.option("--against", metavar="OLD", default=None, help="Mark what is not as in document OLD.")
@click.option("--dead-letters", is_flag=True, help="Draw the implied dead letters too.")
@click.option(
    "--fold",
    metavar="GROUP",
    multiple=True,
    help="Draw a group as one node; `lanes`: chains as one card, `alike`: alike branches as one, "
    "`all`: all of these, `none`: none [what it takes to be readable]. May be repeated.",
)
@click.option("--serve", is_flag=True, help="Show it in a browser, redrawn when FILE is saved.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    default=None,
    help="The port of `--serve`, on this machine only [a free one].",
)
@set_option
@syntax_option
def command(
    file: str,
    output: str,
    theme: OutputTheme,
    guarantees: bool,
    isolation: bool,
    against: str | None,
    dead_letters: bool,
    fold: tuple[str, ...],
    serve: bool,
    port: int | None,
    set_vars: tuple[str, ...],
    syntax: Syntax | None,
) -> None:
    """Draw a graph document.

    FILE is a document in YAML, TOML or JSON; `-` reads standard input. Pictures need Graphviz: the
    program `dot`, or `sinkgraph[render]`; without either, the `.dot` is written instead.

    Every role has its shape and every kind its colour. A queue on disk is a cylinder, dashed edges
    lead to dead letters, and a bar before an arrow's end is where the writer is let go.
    """
    suffix = _suffix(output, file, against, serve=serve)
    if port is not None and not serve:
        raise click.UsageError("`--port` is for `--serve`")
    values = parse_set(set_vars)
    wishes = Wishes(dead_letters, isolation, guarantees, against, fold, values, syntax)
    if serve:
        from sinkgraph.cli.serving import serve_drawings

        serve_drawings(file, wishes, port)
        return
    graph = _told(file, values, syntax)
    old = None if against is None else _told(against, values, None)
    if graph is None or (against is not None and old is None):
        sys.exit(FINDINGS)
    folded = wishes.drawing(graph, old)
    _write(folded.drawing, output, suffix, theme)
    _say_folded(folded, graph, wishes)
    if output != "-":
        marks = "".join(f", {chip.text.lstrip('+−~→ ')}" for chip in folded.drawing.chips)
        said = counts(graph, dead_letters=dead_letters)
        echo(f"{safe_text(output)}: drawn, {said}{marks}")


class Wishes:
    """Is what a drawing should show, as options say it, whichever document it is of."""

    def __init__(
        self,
        dead_letters: bool = False,
        isolation: bool = False,
        guarantees: bool = False,
        against: str | None = None,
        fold: tuple[str, ...] = (),
        values: Mapping[str, str] | None = None,
        syntax: Syntax | None = None,
    ) -> None:
        self.dead_letters = dead_letters
        self.isolation = isolation
        self.guarantees = guarantees
        self.against = against
        self.fold = fold
        self.values = dict(values or {})
        self.syntax = syntax
        words = [one for one in fold if one in _FOLDS]
        if "none" in words and len(fold) > 1:
            raise click.UsageError("`--fold none` folds nothing: it stands alone")

    def unfolded(self) -> Wishes:
        """Return the same without groups to fold: as it takes to be readable."""
        return Wishes(
            self.dead_letters,
            self.isolation,
            self.guarantees,
            self.against,
            (),
            self.values,
            self.syntax,
        )

    def drawing(self, graph: Graph, old: Graph | None) -> Folded:
        """Return the drawing of a graph, folded as wished or as it takes; raise a usage error."""
        from sinkgraph.render.drawing import draw
        from sinkgraph.render.fold import Folded, fold, fold_to_fit, groups_of

        notes: tuple[Guarantee, ...] = ()
        if self.guarantees:
            from sinkgraph.graph.inference.conclude import conclude
            from sinkgraph.render.guarantees import guarantees

            notes = guarantees(conclude(graph))
        whole = draw(
            graph,
            dead_letters=self.dead_letters,
            isolation=self.isolation,
            guarantees=notes,
            against=old,
        )
        if not self.fold:
            return fold_to_fit(whole)
        if self.fold == ("none",):
            return Folded(whole)
        there = groups_of(whole)
        chosen = there if "all" in self.fold else list(self._groups(there))
        told = set(self.fold)
        return fold(
            whole,
            lanes=bool({"all", "lanes"} & told),
            groups=chosen,
            alike=bool({"all", "alike"} & told),
        )

    def _groups(self, there: list[str]) -> list[str]:
        made = []
        for one in self.fold:
            if one in _FOLDS:
                continue
            path = one.rstrip("/")  # so that a group may bear one of those words: `all/`
            if path not in there:
                near = nearest(path, there)
                known = f"the nearest is `{near}`" if near else _known(there)
                raise click.UsageError(f"`--fold {safe_text(one, 80)}`: no such group; {known}")
            made.append(path)
        return made


def _known(there: list[str]) -> str:
    if not there:
        return "the drawing has no groups"
    listed = ", ".join(f"`{safe_text(one, 80)}`" for one in there[:8])
    return f"there {'is' if len(there) == 1 else 'are'} {listed}{', …' if len(there) > 8 else ''}"


def _suffix(output: str, file: str, against: str | None, *, serve: bool) -> OutputFormat:
    """Return what is asked for; raise a usage error for what cannot be drawn."""
    once([one for one in (file, against) if one is not None])
    if serve:
        if output != "-":
            raise click.UsageError("`--serve` shows it in a browser: `-o` is for a file")
        if "-" in (file, against):
            raise click.UsageError("`--serve` watches a file: standard input cannot be one")
    if output == "-":
        return "dot"
    suffix = Path(output).suffix.lower().removeprefix(".")
    shown = safe_text(output)
    if suffix not in _OUTPUTS:
        raise click.UsageError(
            f"`{shown}` does not say what to draw: its suffix is none of {_LISTED}"
        )
    for one in (file, against):
        if one is not None and one != "-" and _same(one, output):
            raise click.UsageError(f"`{shown}` is the document itself: it would be overwritten")
    return cast("OutputFormat", suffix)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.realpath(one) == os.path.realpath(other) or os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _told(file: str, values: Mapping[str, str], syntax: Syntax | None) -> Graph | None:
    """Return the graph of a document, or None; what is wrong with it is printed."""
    graph, found = load_document(file, set_vars=values, syntax=syntax)
    if found:
        from sinkgraph.diagnostics.report import render_human

        echo(render_human(found, color=wants_color(err=True)) + "\n", err=True)
    return graph


def _write(drawing: Drawing, output: str, suffix: OutputFormat, theme: OutputTheme) -> None:
    from sinkgraph.render.output import made, write_file

    if output == "-":
        write_output(output, made(drawing, suffix, theme))
        return
    try:
        whole = write_file(drawing, Path(output), theme)
    except (OSError, ValueError) as error:
        raise cannot_write(output, error) from None
    if not whole:
        echo(
            "note: it is too large for a bitmap, so it was scaled down: an `.svg` has no limit, "
            "and `--fold all` makes it small",
            err=True,
        )


def _say_folded(folded: Folded, graph: Graph, wishes: Wishes) -> None:
    """Say on stderr what was folded without being asked for."""
    if wishes.fold or not (folded.lanes or folded.groups or folded.alike):
        return
    groups = [f"`{safe_text(one, 80)}`" for one in folded.groups]
    some = f"{', '.join(groups[:4])}{', …' if len(groups) > 4 else ''}"
    done = ["chains are drawn as lanes"] if folded.lanes else []
    if groups:
        done.append(f"{many(len(groups), 'group')} ({some}) as one node each")
    if folded.alike:
        done.append(f"{folded.alike:,} alike branches as rows of a card")
    echo(
        f"note: {counts(graph, dead_letters=wishes.dead_letters)}: {', '.join(done)}; "
        "`--fold none` draws every node, `--fold GROUP` chooses",
        err=True,
    )
