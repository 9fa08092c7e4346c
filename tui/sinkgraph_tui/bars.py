"""The lines around every screen, each in one row of ink: header, alarms, tabs, keys.

Pure: a view, styles and a width go in. What they stand around is `frame`'s subject.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from sinkgraph_tui.layout.text import width as columns
from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.figures import short
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.text import Line, said

__all__ = ["TABS", "alarm_bar", "columns_of", "header_bar", "hint_bar", "justified", "tab_bar"]

TABS = (
    ("topology", "Topology"), ("nodes", "Nodes"), ("detail", "Detail"), ("letters", "Dead"),
    ("tap", "Tap"), ("reload", "Reload"), ("log", "Log"),
)  # fmt: skip
"""Name and title of each screen, in the order of its digit."""

_UNDERLINED = Style(underline=True)


def columns_of(ink: Ink) -> int:
    """Return how many columns a row takes."""
    return sum(columns(text) for text, _ in ink)


def justified(left: Ink, right: Ink, width: int, blank: Style) -> Ink:
    """Return a row with one part at each end."""
    gap = width - columns_of(left) - columns_of(right)
    return (*left, (" " * max(0, gap), blank), *right)


def header_bar(view: View, inks: Styles, width: int, *, badges: Line, now: str) -> Ink:
    """Return which graph it is, its numbers, and whether they are true; faded where they are not.

    What has no room goes from the right of the left part; how fresh it is always stays.
    """
    shown = inks.dimmed if view.freshness.frozen else inks
    right = said(" ", badges, view.freshness.line)
    clock = said(f" {now} ")
    narrow = width < 100
    if not narrow or right.columns + clock.columns < width // 3:
        right = right + clock
    name: Ink = ((" sinkgraph ", inks.chip("accent")), ("  ", inks.blank("strip")))
    line = said()
    if view.totals is not None:
        totals = view.totals
        line = said((totals.name, "strong"), "  gen ", (str(totals.generation), "strong"))
        if not narrow:
            line = said(line, "  up ", short(totals.uptime_s))
        line = said(line, "  ", totals.line(view.level))
    if narrow:
        name = ()
        line = said(" ", line)
    room = width - columns_of(name) - right.columns
    left = shown.ink(line.cut(max(0, room)), "strip")
    return justified(name + left, inks.ink(right, "strip"), width, inks.blank("strip"))


def alarm_bar(view: View, inks: Styles, width: int, *, refused: str | None = None) -> Ink:
    """Return the alarms in their order, as many as there is room for; or that there are none."""
    if view.snapshot is None:
        why = refused or view.freshness.error or "waiting for the first look at the graph"
        return inks.ink(said((f" {why}", "bad" if refused else "dim")).cut(width))
    if not view.alarms:
        return inks.ink(said(" ", view.strip).cut(width))
    standing = any(not one.cleared for one in view.alarms)
    tone = "bad" if view.level <= 3 else "warn" if view.level <= 4 else "manual"
    on = "alarm" if standing and view.level <= 3 else "ground"
    title = f" {view.strip.plain} "
    found: Ink = ((title, inks.chip(tone if standing and view.level < 6 else "dim")),)
    room = width - len(title)
    for number, alarm in enumerate(view.alarms, 1):
        left = len(view.alarms) - number
        more = f"  +{left}" if left else ""
        line = said("  ", (str(number), "dim"), " ", view.headline(alarm))
        if line.columns > room - len(more) and number > 1:
            found += inks.ink(said((f"  +{left + 1}", "dim")), on)
            break
        line = line.cut(room - len(more))
        found += inks.ink(line, on)
        room -= line.columns
    return justified(found, (), width, inks.blank(on))


def tab_bar(view: View, inks: Styles, width: int, *, tab: str, note: Line) -> Ink:
    """Return the screens with their digits, the present one underlined, and what it says."""
    dead = view.totals.dead if view.totals is not None else 0
    long = width >= 78
    found: list[tuple[str, Style]] = []
    for number, (name, title) in enumerate(TABS, 1):
        chosen = name == tab
        style = inks.tone("strong" if chosen else "normal")
        found.append((f" {number}" + (" " if long or chosen else ""), inks.tone("dim")))
        if long or chosen:
            shown = f"{title} {dead}" if name == "letters" and dead else title
            found.append((shown, style + _UNDERLINED if chosen else style))
            found.append((" ", inks.blank()))
    left = tuple(found)
    return left + inks.ink(said("  ", note).cut(max(0, width - columns_of(left))))


def hint_bar(inks: Styles, width: int, hints: Sequence[tuple[str, str]]) -> Ink:
    """Return keys with what they do, as many as there is room for."""
    found: list[tuple[str, Style]] = []
    used = 0
    for glyph, word in hints:
        key = glyph.replace("⏎", "enter") if inks.ascii_only else glyph
        wide = columns(key) + columns(word) + 4
        if used + wide > width:
            break
        used += wide
        found.append((f"  {key}", inks.tone("accent", "strip")))
        found.append((f" {word} ", inks.tone("normal", "strip")))
    return tuple(found)
