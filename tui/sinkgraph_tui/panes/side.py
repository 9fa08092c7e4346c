"""What is to be known of one node, as rows: how full, how fast, why, what comes, what was.

Each part is a function of its own, so that more than one screen can show it; which of them fit
into a pane is decided by `side_rows`.
"""

from __future__ import annotations

from collections.abc import Callable

from sinkgraph_tui.bars import columns_of
from sinkgraph_tui.layout import ASCII, UNICODE
from sinkgraph_tui.layout.text import width as columns
from sinkgraph_tui.looks import Ink, Styles
from sinkgraph_tui.model.charts import ribbon, spark
from sinkgraph_tui.model.figures import clock, count, latency, of, per_s, share, short
from sinkgraph_tui.model.headlines import level_tone
from sinkgraph_tui.model.reading import View
from sinkgraph_tui.model.rows import Row
from sinkgraph_tui.model.text import Line, Tone, said
from sinkgraph_tui.model.timeline import Series
from sinkgraph_tui.panes.marks import LEVELS, area_rows, bar, ribbon_ink
from sinkgraph_tui.panes.wrapping import wrapped

__all__ = [
    "breaker_rows",
    "chart_rows",
    "depth_rows",
    "head_rows",
    "key_rows",
    "next_rows",
    "queue_of",
    "rate_rows",
    "side_rows",
    "why_rows",
]

_OVER_S = 120.0
_RIBBON_S = 300.0
_LABEL = 7
_USUAL = "usual "


def side_rows(
    view: View,
    name: str | None,
    inks: Styles,
    width: int,
    height: int,
    *,
    first: str = "",
    does: Callable[[str], bool] = bool,
) -> list[Ink]:
    """Return the parts of a node that fit; with `first` "why", the reasons stand right below.

    `does` tells which keys do something.

    Without room for all, the chart becomes lower; then keys, ribbon, chart and rates go.
    """
    row = view.row(name) if name is not None else None
    if row is None or name is None:
        return [inks.ink(said(("no node is chosen", "dim")).cut(width))]
    shown = inks.dimmed if view.freshness.frozen else inks
    parts: dict[str, list[Ink]] = {
        "head": head_rows(view, row, shown, width),
        "depth": depth_rows(view, row, shown, width),
        "chart": chart_rows(view, row, shown, width),
        "rates": rate_rows(view, row, shown, width),
        "why": why_rows(view, name, shown, width),
        "next": next_rows(view, name, shown, width),
        "breaker": breaker_rows(view, name, shown, width),
        "keys": key_rows(view, row, inks, width, does),
    }
    order = ["head", "depth", "chart", "rates", "why", "next", "breaker", "keys"]
    if first == "why":
        order = ["head", "why", "next", "depth", "chart", "rates", "breaker", "keys"]
    gaps = 1
    for gone in ("", "gaps", "low", "keys", "breaker", "chart", "rates"):
        if gone == "gaps":
            gaps = 0
        elif gone == "low":
            parts["chart"] = chart_rows(view, row, shown, width, rows=2)
        else:
            parts.pop(gone, None)
        if _rows(parts, order, gaps) <= height:
            break
    found: list[Ink] = []
    for part in order:
        if parts.get(part):
            if found and gaps and part in ("why", "next", "breaker", "keys"):
                found.append(())
            found += parts[part]
    return found


def _rows(parts: dict[str, list[Ink]], order: list[str], gaps: int) -> int:
    held = sum(len(parts.get(part, ())) for part in order)
    return held + gaps * sum(bool(parts.get(part)) for part in ("why", "next", "breaker", "keys"))


def queue_of(view: View, name: str) -> str | None:
    """Return the queue a node is, or whose lane it works for; None where there is none."""
    if view.shape.is_queue(name) or view.shape.kind(name) == "dead_letter":
        return name
    above = view.shape.queues_above(name)
    return above[-1] if above else None


def head_rows(view: View, row: Row, inks: Styles, width: int) -> list[Ink]:
    """Return which node it is, and how it stands."""
    glyphs = ASCII if inks.ascii_only else UNICODE
    node = view.snapshot.nodes[row.name] if view.snapshot is not None else None
    role = node.role if node is not None else ""
    tone: Tone = level_tone(row.level) if row.level is not None else "strong"
    full = view.shape.field(row.name, "when_full") if row.kind == "queue" else None
    policy = f" · {str(full).replace('_', ' ')} when full" if full else ""
    kind = f"{row.kind} source" if role == "source" else row.kind.replace("_", " ")
    title = said(
        (f"{glyphs.kind(row.kind, role)} ", tone), (row.name, tone), (f"  {kind}{policy}", "dim")
    )
    word = row.state.word
    state = said((f"{row.state.glyph} {word}", row.state.tone if word != "ok" else "dim"))
    if row.kind in ("queue", "dead_letter") and row.capacity:
        when = clock(view.now + row.eta_s) if row.eta_s is not None and row.trend.grows else ""
        eta = said(row.eta, (f" at {when}", "dim") if when else "")
        state = eta if word in ("ok", "FULL") else said(state, "  ", eta)
    return [inks.ink(title.cut(width)), inks.ink(state.cut(width))]


def depth_rows(view: View, row: Row, inks: Styles, width: int) -> list[Ink]:
    """Return how full its queue is, with what is foreseen; of the queue of its lane otherwise."""
    name = queue_of(view, row.name)
    held = view.row(name) if name is not None else None
    if held is None:
        return []
    numbers = f" {of(held.depth, held.capacity)}"
    label = "depth" if held.name == row.name else "queue"
    wide = max(0, width - _LABEL - columns(numbers))
    return [
        (
            *inks.ink(said((label.ljust(_LABEL), "dim"))),
            *(bar(inks, wide, held.fill, held.fill_ahead, _loud(held)) if held.capacity else ()),
            *inks.ink(said((numbers, "strong"))),
        )
    ]


def _loud(row: Row) -> str:
    return "normal" if row.level is None else "bad" if row.level <= 3 else "warn"


def chart_rows(
    view: View, row: Row, inks: Styles, width: int, *, rows: int = 4, over_s: float = _OVER_S
) -> list[Ink]:
    """Return how its queue filled, from nothing to its capacity, with both axes."""
    name = queue_of(view, row.name)
    held = view.row(name) if name is not None else None
    if held is None or view.snapshot is None:
        return []
    top = count(held.capacity) if held.capacity else ""
    side = max(columns(top), 1) + 1
    wide = max(1, width - side)
    heights = spark(
        view.timeline, held.name, wide, capacity=held.capacity, over_s=over_s,
        levels=rows * LEVELS, until=view.snapshot.at,
    )  # fmt: skip
    found = area_rows(inks, heights, rows, _loud(held))
    marks = [top, *[""] * (rows - 2), "0"]
    axis = "-" if inks.ascii_only else "─"
    lines = [
        (*area, *inks.ink(said((mark.rjust(side), "dim"))))
        for area, mark in zip(found, marks, strict=True)
    ]
    return [
        *lines,
        ((axis * wide, inks.cell("edge normal")),),
        inks.ink(said((_times(wide, over_s), "dim"))),
    ]


def _times(wide: int, over_s: float) -> str:
    """Return the ends of the axis of time, and its middle where there is room."""
    first, half = f"-{short(over_s)}", f"-{short(over_s / 2)}"
    if wide < 24:
        return first + "now".rjust(max(0, wide - len(first)))
    middle = half.center(wide - len(first) - 3)
    return f"{first}{middle}now"


def rate_rows(view: View, row: Row, inks: Styles, width: int) -> list[Ink]:
    """Return in, out, age, latency and attempts, beside what is usual."""
    node = view.snapshot.nodes[row.name] if view.snapshot is not None else None
    if node is None:
        return []
    lines = []
    pairs: tuple[tuple[str, Series, float], ...] = (
        ("in", "in_per_s", row.in_per_s), ("out", "out_per_s", row.out_per_s),
    )  # fmt: skip
    for label, series, rate in pairs:
        usual = view.timeline.usual(row.name, series, before=view.now)
        off = usual is not None and usual >= 1 and rate < usual / 2 and row.level is not None
        line = said((label.ljust(_LABEL), "dim"), (per_s(rate).ljust(9), "warn" if off else "text"))
        if usual is not None and row.kind != "broadcast":
            line = said(line, (_USUAL + per_s(usual), "dim"))
        lines.append(line)
    if row.oldest_s is not None and node.depth:
        lines.append(said(("age".ljust(_LABEL), "dim"), f"oldest {short(row.oldest_s)}"))
    if node.latency is not None:
        p50, p99 = latency(node.latency.recent_p50_s), latency(node.latency.recent_p99_s)
        lines.append(said(("took".ljust(_LABEL), "dim"), f"p50 {p50}  p99 {p99}"))
    filtered = sum(node.ledger.filtered.values())
    if filtered and node.ledger.entered:
        passed = share(max(0, node.ledger.entered - filtered), node.ledger.entered)
        lines.append(said(("passes".ljust(_LABEL), "dim"), passed))
    if node.ledger.dead_lettered:
        died = count(node.ledger.dead_lettered)
        lines.append(said(("dead".ljust(_LABEL), "dim"), (f"{died} dead letters", "warn")))
    return [inks.ink(line.cut(width)) for line in lines]


def why_rows(view: View, name: str, inks: Styles, width: int) -> list[Ink]:
    """Return why it stands as it does."""
    lines = [part for one in view.why(name) for part in wrapped(one, width)]
    return _titled("WHY", lines, inks) if lines else []


def next_rows(view: View, name: str, inks: Styles, width: int) -> list[Ink]:
    """Return what comes, and what can be done."""
    lines = [
        part for one in view.next(name) for part in wrapped(one.told(view.now), width, indent=2)
    ]
    return _titled("NEXT", lines, inks) if lines else []


def breaker_rows(view: View, name: str, inks: Styles, width: int) -> list[Ink]:
    """Return how the breaker of its lane stood in the last minutes."""
    if view.snapshot is None:
        return []
    queue = queue_of(view, name)
    lane = (name, *(view.shape.section(queue) if queue is not None else ()))
    nodes = view.snapshot.nodes
    held = next((nodes[one] for one in lane if one in nodes and nodes[one].breaker), None)
    if held is None or held.breaker is None:
        return []
    states = ribbon(view.timeline, held.name, width, over_s=_RIBBON_S, until=view.snapshot.at)
    began = view.timeline.broken_since(held.name, view.snapshot.at)
    word = held.breaker.state.replace("_", "-")
    since = f" · not closed since {clock(began)}" if began is not None else ""
    told = said((word, "dim" if word == "closed" else "text"), (since, "dim"))
    title = said(("BREAKER ", "accent"), (f" last {short(_RIBBON_S)}", "dim"))
    return [
        inks.ink(title.cut(width)), ribbon_ink(inks, states), inks.ink(told.cut(width))
    ]  # fmt: skip


def key_rows(
    view: View, row: Row, inks: Styles, width: int, does: Callable[[str], bool] = bool
) -> list[Ink]:
    """Return which keys act on it."""
    keys = [("t", "tap"), ("x", "blast")]
    lane = (row.name, *(view.shape.section(queue_of(view, row.name) or row.name)))
    nodes = view.snapshot.nodes if view.snapshot is not None else {}
    if any(nodes[one].breaker is not None for one in lane if one in nodes):
        keys.insert(0, ("b", "breaker"))
    if queue_of(view, row.name) is not None or view.shape.is_source(row.name):
        paused = nodes[row.name].paused if row.name in nodes else False
        keys.insert(0, ("p", "resume" if paused else "pause"))
    found: Ink = ()
    for key, word in filter(lambda one: does(one[0]), keys):
        if columns_of(found) + len(key) + len(word) + 5 > width:
            break
        found = (*found, (f" {key} ", inks.chip("normal")), (f" {word} ", inks.tone("dim")))
    return [found] if found else []


def _titled(title: str, lines: list[Line], inks: Styles) -> list[Ink]:
    return [inks.ink(said((title, "accent"))), *(inks.ink(line) for line in lines)]
