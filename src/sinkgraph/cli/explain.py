"""`sinkgraph explain`: what a finding means, or what is known of a graph before it runs.

It changes nothing; without an argument it lists every code.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from typing import Any

import click

from sinkgraph.cli.options import (
    FINDINGS,
    echo,
    json_option,
    load_document,
    parse_set,
    set_option,
    wants_color,
)
from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["command"]

_MAX_WIDTH = 100
_MIN_WIDTH = 40


@click.command(name="explain")
@click.argument("what", nargs=-1, metavar="[CODE|GRAPH]...")
@set_option
@json_option
def command(what: tuple[str, ...], set_vars: tuple[str, ...], as_json: bool) -> None:
    """Say what findings mean, or what is known of a graph before it runs.

    CODE is what `check` shows in brackets, `SG301`, or its name, `slow-terminal`. Prints the cause,
    a document with the finding and one without it; without a CODE, every code in a line.

    GRAPH is a document. Prints what `accepted` is worth at each source, how often and in which
    order events arrive at each end, what a slow end can hold up, what queues hold at most, and the
    single points; each with the node and the field that decide it.
    """
    if not what:
        _list(as_json=as_json)
        return
    given = parse_set(set_vars)
    documents = [one for one in what if _is_document(one)]
    codes = [_code(one) for one in what if not _is_document(one)]
    made: list[Any] = [_page(code, as_json=as_json) for code in codes]
    failed = False
    for one in documents:
        graph_text = _graph(one, given, as_json=as_json, titled=len(what) > 1)
        failed = failed or graph_text is None
        made += [graph_text] if graph_text is not None else []
    if as_json and made:
        echo(json.dumps(made[0] if len(made) == 1 else made, indent=2))
    elif made:
        echo("\n\n\n".join(made))
    if failed:
        sys.exit(FINDINGS)


def _is_document(word: str) -> bool:
    """Tell a document from a code: by its suffix, by a folder in it, or because it is there."""
    if word == "-" or word.lower().endswith((".yaml", ".yml", ".toml", ".json")):
        return True
    return os.sep in word or os.path.isfile(word)


def _page(code: str, *, as_json: bool) -> Any:
    from sinkgraph.cli.finding_page import page_object, page_text

    if as_json:
        return page_object(code)
    width = max(min(shutil.get_terminal_size().columns, _MAX_WIDTH), _MIN_WIDTH)
    return page_text(code, width=width, color=wants_color())


def _graph(file: str, given: dict[str, str], *, as_json: bool, titled: bool) -> Any:
    """Return what is known of a graph, or None when its document has errors, which are printed."""
    from sinkgraph.api.conclusions import conclusions_object, conclusions_text
    from sinkgraph.diagnostics.report import render_human
    from sinkgraph.graph.inference.conclude import conclude

    graph, found = load_document(file, set_vars=given)
    if graph is None:
        echo(render_human(found, color=wants_color(err=True)), err=True)
        return None
    known = conclude(graph)
    if as_json:
        return conclusions_object(graph, known)
    title = f"{safe_text(file, 200)}\n\n" if titled else ""
    return title + conclusions_text(known, color=wants_color())


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
