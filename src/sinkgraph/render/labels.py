"""Labels as Graphviz' tables: names, lines, chips, the slots of a queue, the rows of a lane.

It knows neither graphs nor layout. Nothing a document says leaves here unescaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from sinkgraph.render.parts import Chip, DrawnNode
from sinkgraph.render.style import Paint, Theme, paint_of, quiet, tone_paint

__all__ = ["GAP", "chips_of", "edge_label", "label_of", "text_of"]

GAP = '<FONT POINT-SIZE="4"> <BR ALIGN="LEFT"/></FONT>'
_NBSP = "&#160;"
_SLOTS = 3
_APART = 5
_LID = 3


def text_of(text: str) -> str:
    """Return text for an HTML-like label, which may not be empty.

    A backslash would be an escape of Graphviz' own.
    """
    return html.escape(text).replace("\\", "&#92;") or _NBSP


def edge_label(rows: Iterable[str]) -> str:
    """Return the rows of an edge's label, kept a little apart from its line."""
    said = "<BR/>".join(map(text_of, rows))
    return f'<TABLE BORDER="0" CELLPADDING="{_APART}"><TR><TD>{said}</TD></TR></TABLE>'


def label_of(node: DrawnNode, paint: Paint, theme: Theme) -> str:
    """Return what stands in a node."""
    if node.form == "lane":
        return _lane(node, paint, theme)
    rows = [f"<B>{_struck(node)}</B>"]
    rows += [_small(line, theme) for line in node.lines]
    rows += chips_of(node.chips, theme)
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    if node.form == "durable_queue":  # its lid takes room, more of a higher one
        told = len(rows) + sum(chip.text.count("\n") for chip in node.chips)
        cells = f'<TR><TD HEIGHT="{_LID * told}"></TD></TR>{cells}'
    label = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0">{cells}</TABLE>'
    return _slots(node, label, paint) if node.form == "memory_queue" else label


def chips_of(chips: Iterable[Chip], theme: Theme) -> list[str]:
    """Return each chip as a table of one cell."""
    made = []
    for chip in chips:
        paint = tone_paint(chip.tone, theme)
        first, *more = map(text_of, chip.text.split("\n"))
        rows = [f"<B>{first}</B>" if more else first, *more]
        said = "".join(
            f'<TR><TD><FONT POINT-SIZE="9">{_NBSP}{row}{_NBSP}</FONT></TD></TR>' for row in rows
        )
        made.append(
            f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1" STYLE="ROUNDED"'
            f' COLOR="{paint.border}" BGCOLOR="{paint.fill}">{said}</TABLE>'
        )
    return made


def _struck(node: DrawnNode) -> str:
    title = text_of(node.title)
    return f"<S>{title}</S>" if node.mark == "removed" else title


def _small(text: str, theme: Theme) -> str:
    return f'<FONT POINT-SIZE="9" COLOR="{theme.dim}">{text_of(text)}</FONT>'


def _slots(node: DrawnNode, label: str, paint: Paint) -> str:
    """Return a table: the label, and on its right the slots that events wait in."""
    slots = f'<TD SIDES="L" WIDTH="5" COLOR="{paint.border}"></TD>' * _SLOTS
    style = ' STYLE="DASHED"' if node.mark == "removed" else ""
    return (
        f'<TABLE BORDER="1" CELLBORDER="1" CELLSPACING="0" CELLPADDING="6"{style}'
        f' COLOR="{paint.border}" BGCOLOR="{paint.fill}">'
        f'<TR><TD BORDER="0">{label}</TD>{slots}</TR></TABLE>'
    )


def _lane(node: DrawnNode, paint: Paint, theme: Theme) -> str:
    """Return a card: a row a member, with a stripe of its kind's colour."""
    border = theme.quiet if node.mark == "" else paint.border
    rows = "".join(_lane_rows(node, theme))
    if node.title != node.members[0].title:
        rows = f'<TR><TD COLSPAN="3" ALIGN="LEFT"> <B>{text_of(node.title)}</B> </TD></TR>{rows}'
    chips = "".join(
        f'<TR><TD COLSPAN="3" CELLPADDING="4">{chip}</TD></TR>'
        for chip in chips_of(node.chips, theme)
    )
    return (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"'
        f' COLOR="{border}" BGCOLOR="{theme.ground}">{rows}{chips}</TABLE>'
    )


def _lane_rows(node: DrawnNode, theme: Theme) -> Iterator[str]:
    for member in node.members:
        paint = paint_of(member.kind, member.form, theme)
        if member.mark == "same":
            paint = quiet(theme)
        said = " · ".join(member.lines)
        yield (
            f'<TR><TD BGCOLOR="{paint.border}" WIDTH="3" FIXEDSIZE="FALSE" CELLPADDING="0"></TD>'
            f'<TD ALIGN="LEFT" BGCOLOR="{paint.fill}"> <B>{_struck(member)}</B>  </TD>'
            f'<TD ALIGN="LEFT" BGCOLOR="{paint.fill}">{_small(said, theme)} </TD></TR>'
        )
