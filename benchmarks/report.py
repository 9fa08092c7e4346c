"""Tables as aligned plain text.

It prints nothing and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figures import Row, Table

__all__ = ["aligned", "figure_table", "nanoseconds"]


def nanoseconds(ns: float) -> str:
    """Return a time per event with three or more significant digits."""
    return f"{ns:,.0f}" if ns >= 1_000 else f"{ns:.1f}" if ns >= 10 else f"{ns:.2f}"


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return rows as lines: the first `left` columns begin together, the others end together.

    Text beyond the columns of the first row is appended as it is.
    """
    columns = len(rows[0])
    widths = [max(len(row[k]) for row in rows if k < len(row)) for k in range(columns)]
    lines: list[str] = []
    for row in rows:
        cells = [
            cell.ljust(widths[k]) if k < left else cell.rjust(widths[k])
            for k, cell in enumerate(row[:columns])
        ]
        lines.append("  ".join([*cells, *row[columns:]]).rstrip())
    return lines


def figure_table(table: Table, rows: Sequence[Row]) -> str:
    """Return a table of figures with its title and notes."""
    cells: list[list[str]] = [["", "", "ns/event", "best", "events/s", "events", "repeats"]]
    for row in rows:
        figure = row.figure
        cells.append(
            [
                row.label,
                row.how,
                nanoseconds(figure.ns_median),
                nanoseconds(figure.ns_min),
                f"{figure.events_per_s:,.0f}",
                f"{figure.events:,}",
                f"{figure.repeats}",
                row.note,
            ]
        )
    return "\n".join([table.title, *aligned(cells, 2), *table.notes])
