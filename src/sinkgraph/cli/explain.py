"""`sinkgraph explain SG301`: what a finding means, a document with it and one without it.

It changes nothing; without a code it lists them all.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable

import click

from sinkgraph.cli.options import echo, json_option, wants_color
from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]

_MAX_WIDTH = 100
_MIN_WIDTH = 40


@click.command(name="explain")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@json_option
def command(codes: tuple[str, ...], as_json: bool) -> None:
    """Say what findings mean.

    CODE is what `check` shows in brackets, `SG301`, or its name, `slow-terminal`. Prints the cause,
    a document with the finding and one without it; without a CODE, every code in a line.
    """
    wanted = [_code(one) for one in codes]
    if not wanted:
        _list(as_json=as_json)
        return
    from sinkgraph.cli.finding_page import page_object, page_text

    if as_json:
        pages = [page_object(code) for code in wanted]
        echo(json.dumps(pages[0] if len(pages) == 1 else pages, indent=2))
        return
    width = max(min(shutil.get_terminal_size().columns, _MAX_WIDTH), _MIN_WIDTH)
    texts = (page_text(code, width=width, color=wants_color()) for code in wanted)
    echo("\n\n\n".join(texts))


def _code(word: str) -> str:
    """Return the code a word means; raise a usage error with the nearest."""
    upper = word.strip().strip("[]").upper()
    if upper in CODES:
        return upper
    slugs = {one.slug: code for code, one in CODES.items()}
    slug = word.strip().lower()
    if slug in slugs:
        return slugs[slug]
    if upper.startswith("SG"):
        group = [code for code in CODES if code[:3] == upper[:3]]
        near = nearest(upper, group or CODES)
    else:
        near = nearest(slug, slugs)
    help = f"the nearest is `{near}`" if near else "`sinkgraph explain` lists the codes"
    raise click.UsageError(f"`{safe_text(word, 80)}` is not a code; {help}")


def _list(*, as_json: bool) -> None:
    if as_json:
        listed = [
            {"code": one.code, "slug": one.slug, "severity": one.severity, "title": one.title}
            for one in CODES.values()
        ]
        echo(json.dumps(listed, indent=2))
        return
    from sinkgraph.cli.finding_page import by_group

    width = max(len(one.slug) for one in CODES.values())
    blocks = ("\n".join([title, *_rows(codes, width)]) for title, codes in by_group())
    echo("\n\n".join(blocks))


def _rows(codes: Iterable[str], width: int) -> list[str]:
    known = (CODES[code] for code in codes)
    return [f"  {one.code}  {one.slug:<{width}}  {one.severity:<7}  {one.title}" for one in known]
