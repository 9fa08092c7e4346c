"""The table of docs/reloading.md: `python -m tests.graph.diff.documented` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sinkgraph.graph.diff.table import DRAWING, SURVIVES, Effect, Row, rows
from sinkgraph.spec.kind import Kind, all_kinds

__all__ = ["PAGE", "table"]

PAGE = Path(__file__).parents[3] / "docs" / "reloading.md"
BEGIN, END = "<!-- fields -->\n", "<!-- end of fields -->\n"

_WORDS: dict[Effect, str] = {
    "retune": "retuned",
    "replace": "**replaced**",
    "either": "**replaced**",
    "drawing": "kept",
}
_SHARED = frozenset({*DRAWING, "on_remove"})


def table() -> str:
    """Return the table: a heading for each kind, what it keeps, and a row for each field."""
    kinds = [one for one in all_kinds() if not one.composite and not one.build]
    parts = [_part(kind) for side in ("source", "sink") for kind in kinds if kind.side == side]
    return "\n".join(parts)


def _part(kind: Kind) -> str:
    keeps = SURVIVES.get((kind.side, kind.name), ())
    lines = [f"### {kind.side} `{kind.name}`", ""]
    lines.append(f"Keeps {_listed(keeps)}." if keeps else "Keeps nothing: it holds nothing.")
    own = [row for row in rows(kind) if row.field not in _SHARED]
    if own:
        lines += ["", "| field | a change of it |", "|---|---|", *_rows(own)]
    return "\n".join([*lines, ""])


def _rows(own: list[Row]) -> Iterator[str]:
    for row in own:
        why = f": {row.why}" if row.why else ""
        yield f"| `{row.field}` | {_WORDS[row.effect]}{why} |"


def _listed(parts: tuple[str, ...]) -> str:
    return "; ".join(parts)


if __name__ == "__main__":
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{END}{tail}", encoding="utf-8")
