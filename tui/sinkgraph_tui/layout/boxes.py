"""Draws one box into the grid: a glyph a node, one line a lane, or a card.

State is said by a glyph and a word; the style name only repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sinkgraph_tui.layout.arrange import Arrangement, Box
from sinkgraph_tui.layout.forms import short_label, split
from sinkgraph_tui.layout.glyphs import E, Glyphs, N, S, W
from sinkgraph_tui.layout.grid import Grid
from sinkgraph_tui.layout.looks import TONES, Look, Looks, Tone, worst
from sinkgraph_tui.layout.text import clip, width

__all__ = ["Brush", "draw_box"]

_STORES = frozenset({"queue", "dead_letter"})
_FOLD_ROW = 12


@dataclass(frozen=True, slots=True)
class Brush:
    """Is what a box is drawn with; `style` names are made here."""

    grid: Grid
    looks: Looks
    glyphs: Glyphs
    map: Arrangement

    def put(self, box: Box, x: int, y: int, text: str, style: str, most: int = 999) -> int:
        """Write into a box, no further than its width; return how many cells were written."""
        shown = clip(text, min(most, box.width - x), self.glyphs.more)
        if self.chosen(box):
            style += " selected"
        self.grid.put(box.x + x, box.y + y, shown, style)
        return width(shown)

    def chosen(self, box: Box) -> bool:
        """Tell whether the selected node is in the box."""
        return self.looks.selected is not None and self.looks.selected in box.block.members

    def glyph(self, name: str) -> str:
        """Return the glyph of a node: of its state, or of its kind."""
        mark = self.looks.of(name).mark
        node = self.map.nodes[name]
        return self.glyphs.marks.get(mark or "") or self.glyphs.kind(node.kind, node.role)

    def bar(self, box: Box, at: tuple[int, int], wide: int, look: Look) -> None:
        """Draw how full it is, what is predicted, and how much room is left."""
        x, y = at
        share = min(max(look.fill or 0.0, 0.0), 1.0)
        eighths = round(share * wide * 8)
        if share and not eighths:
            eighths = 1
        full, part = divmod(eighths, 8)
        ahead = max(round(min(look.predicted or 0.0, 1.0) * wide), full)
        self.put(box, x, y, self.glyphs.track * wide, "track normal")
        self.put(box, x + full, y, self.glyphs.ghost * (ahead - full), f"ghost {look.tone}")
        self.put(box, x, y, self.glyphs.bar[8] * full, f"bar {look.tone}")
        if part and ahead == full and self.glyphs.bar[part] != " ":
            self.put(box, x + full, y, self.glyphs.bar[part], f"tip {look.tone}")


def draw_box(brush: Brush, box: Box, tone: Tone) -> None:
    """Draw a box whose gravest tone is known."""
    if brush.chosen(box):
        brush.grid.fill(box.x, box.y, box.width, box.height, " ", f"blank {tone} selected")
    match box.form.zoom:
        case "map":
            _draw_glyphs(brush, box, tone)
        case "lanes":
            _draw_line(brush, box, tone)
        case "cards":
            _draw_card(brush, box, tone)


def _percent(look: Look) -> str:
    return "" if look.fill is None else f"{round(look.fill * 100)}%"


def _draw_glyphs(brush: Brush, box: Box, tone: Tone) -> None:
    block, form = box.block, box.form
    for at, name in enumerate(block.lanes[0][: form.before]):
        look = brush.looks.of(name)
        brush.put(box, at, 0, brush.glyph(name), f"glyph {tone if block.folded else look.tone}")
    if form.name:
        part = "faint" if block.folded else "name"
        brush.put(box, form.before + 1, 0, block.label, f"{part} {tone}")


def _stripe(brush: Brush, box: Box, tone: Tone) -> None:
    if tone not in ("normal", "dim") or brush.chosen(box):
        brush.put(box, 0, 0, brush.glyphs.stripe, f"stripe {tone}")
    sign = _sign(brush, box)
    if any(brush.looks.of(name).dead for name in box.block.members):
        brush.put(box, 1, 0, brush.glyphs.fail, "dead warn")
    elif sign:
        brush.put(box, 1, 0, sign, f"sign {tone}")


def _sign(brush: Brush, box: Box) -> str:
    """Return the glyph of what is to be said of a whole box: it changes, or is in a circle."""
    if not brush.map.unrouted_nodes.isdisjoint(box.block.members):
        return brush.glyphs.again
    marks = {brush.looks.of(name).mark for name in box.block.members}
    changes = [one for one in ("removed", "added", "changed") if one in marks]
    if not changes:
        return ""
    whole = len(changes) == 1 and len(marks) == 1
    return brush.glyphs.marks[changes[0] if whole else "changed"]


def _draw_line(brush: Brush, box: Box, tone: Tone) -> None:
    block, form, looks = box.block, box.form, brush.looks
    _stripe(brush, box, tone)
    if block.folded:
        more = looks.folds.get(block.key, "")
        brush.put(box, 2, 0, f"{block.label}  {more}" if more else block.label, f"faint {tone}")
        return
    brush.put(box, 2, 0, block.label, f"name {tone}", form.name)
    before, store, after, last = split(block.members, brush.map.nodes, store=form.bar > 0)
    for at, name in enumerate(before):
        brush.put(box, 3 + form.name + 2 * at, 0, brush.glyph(name), f"glyph {looks.of(name).tone}")
    if store is not None:
        look = looks.of(store)
        x = form.store_at
        brush.put(box, x, 0, brush.glyph(store), f"glyph {look.tone}")
        brush.bar(box, (x + 1, 0), form.bar, look)
        brush.put(box, x + 1 + form.bar, 0, _percent(look).rjust(5), f"rate {look.tone}")
    for at, name in enumerate(after):
        look = looks.of(name)
        brush.put(box, form.after_at + 2 * at, 0, brush.glyph(name), f"glyph {look.tone}")
    said = _gravest(brush, box)
    if said is not None and form.word:
        brush.put(box, form.word_at, 0, said.word, f"word {said.tone}", form.word)
    end = looks.of(last or block.members[-1])
    x = form.tail_at
    if last is not None:
        brush.put(box, x, 0, brush.glyph(last), f"glyph {end.tone}")
    if not form.bar:
        text, part = (said.word, "word") if said else (end.leaving, "rate")
        text = clip(text, form.rate, brush.glyphs.more)
        at = x + form.rate - width(text)
        brush.put(box, at, 0, text, f"{part} {(said or end).tone}")
        return
    brush.put(box, x + 1, 0, end.leaving, f"rate {end.tone}", form.rate - 1)
    if form.fact:
        fact = clip(end.fact, form.fact, brush.glyphs.more)
        at = x + form.rate + 1 + form.fact - width(fact)
        brush.put(box, at, 0, fact, f"fact {end.tone}")


def _gravest(brush: Brush, box: Box) -> Look | None:
    """Return the look of the gravest node that has a word."""
    said = [look for look in map(brush.looks.of, box.block.members) if look.word]
    return max(said, key=lambda one: TONES.index(one.tone)) if said else None


def _draw_card(brush: Brush, box: Box, tone: Tone) -> None:
    _draw_frame(brush, box, tone)
    if box.block.folded:
        _draw_folded(brush, box)
        return
    for at, name in enumerate(box.block.members):
        look = brush.looks.of(name)
        label = short_label(name, box.block, brush.map.nodes)
        y, x = 1 + at, 5 + box.form.name
        brush.put(box, 2, y, brush.glyph(name), f"glyph {look.tone}")
        brush.put(box, 4, y, label, f"name {look.tone}", box.form.name)
        room = box.form.content
        if brush.map.nodes[name].kind in _STORES:
            brush.bar(box, (x, y), room - 5, look)
            brush.put(box, x + room - 5, y, _percent(look).rjust(5), f"rate {look.tone}")
            continue
        text, part = (look.word, "word") if look.word else (look.leaving, "rate")
        fact = look.fact if width(text) + 1 + width(look.fact) <= room else ""
        brush.put(box, x + room - width(fact), y, fact, f"fact {look.tone}")
        brush.put(box, x, y, text, f"{part} {look.tone}", room)


def _draw_frame(brush: Brush, box: Box, tone: Tone) -> None:
    lines = brush.glyphs.heavy if tone == "bad" else brush.glyphs.lines
    style, right, low = f"border {tone}", box.width - 1, box.height - 1
    flat = lines[E | W] * (box.width - 2)
    brush.put(box, 0, 0, lines[S | E] + flat + lines[S | W], style)
    brush.put(box, 0, low, lines[N | E] + flat + lines[N | W], style)
    for y in range(1, low):
        brush.put(box, 0, y, lines[N | S], style)
        brush.put(box, right, y, lines[N | S], style)
    members = box.block.members
    rates = ""
    if not box.block.folded:
        one, other = brush.looks.of(members[0]).entering, brush.looks.of(members[-1]).leaving
        rates = f" {one.removesuffix('/s')} {brush.glyphs.to} {other} " if one and other else ""
        rates = rates or (f" {one or other} " if one or other else "")
    name = f"{_sign(brush, box)} {box.block.label}".lstrip()
    name = clip(name, box.width - 6 - width(rates), brush.glyphs.more)
    brush.put(box, 2, 0, f" {name} ", f"title {tone}")
    brush.put(box, right - 1 - width(rates), 0, rates, f"rate {tone}")
    said = [look for look in map(brush.looks.of, members) if look.note]
    note = brush.looks.folds.get(box.block.key, "") if box.block.folded else ""
    if said and not box.block.folded:
        note = max(said, key=lambda one: TONES.index(one.tone)).note
    dead = next((look.dead for look in map(brush.looks.of, members) if look.dead), "")
    chip = f" {brush.glyphs.fail} {dead} " if dead else ""
    if note:
        note = clip(note, box.width - 6 - width(chip), brush.glyphs.more)
        brush.put(box, 2, low, f" {note} ", f"note {tone}")
    brush.put(box, right - 1 - width(chip), low, chip, "dead warn")


def _draw_folded(brush: Brush, box: Box) -> None:
    """Draw one glyph a lane: of the gravest node in it."""
    rows = box.height - 2
    for at, lane in enumerate(box.block.lanes[: rows * _FOLD_ROW]):
        looks = [brush.looks.of(name) for name in lane]
        tone = worst(look.tone for look in looks)
        grave = (
            next(name for name, look in zip(lane, looks, strict=True) if look.tone == tone)
            if tone != "normal"
            else lane[-1]
        )
        brush.put(box, 2 + at % _FOLD_ROW, 1 + at // _FOLD_ROW, brush.glyph(grave), f"glyph {tone}")
