"""The map on the screen: what is wrong is seen without a key, and keys go along the edges."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.api.models import SnapshotView
from sinkgraph_tui.model.rows import row_of
from sinkgraph_tui.widgets.rows import Rows
from tests.tui.fake import Played, opened, settled, shown, visible
from tests.tui.model.scenes import AT, graph, node, snapshot


@pytest.mark.parametrize("size", [(168, 48), (120, 35), (80, 24)])
async def test_an_outage_is_told_without_a_key(size: tuple[int, int]) -> None:
    async with opened(Played(16.5), size) as (app, _):
        text = shown(app)
        assert "1 ALARM" in text
        assert "hooks OPEN" in text
        assert "full in 1s" in text
        assert "● LIVE" in text
        assert app.chosen == "hooks.retry"


async def test_keys_go_along_the_edges() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        app.choose("shop")
        await pilot.press("l")
        assert app.chosen == "fanout"
        await pilot.press("l")
        assert app.chosen == "audit"
        await pilot.press("down")
        assert app.chosen == "pushes"
        await pilot.press("h")
        assert app.chosen == "fanout"


async def test_zoom_goes_from_cards_to_one_glyph_a_node_and_back_to_what_fits() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        assert app.screen.canvas.arrangement.zoom == "cards"  # type: ignore[attr-defined]
        for zoom in ("lanes", "map", "map"):
            await pilot.press("Z")
            assert app.screen.canvas.arrangement.zoom == zoom  # type: ignore[attr-defined]
        await pilot.press("f")
        assert app.screen.canvas.arrangement.zoom == "cards"  # type: ignore[attr-defined]


async def test_what_comes_is_shown_and_a_chosen_node_stays() -> None:
    door = Played(5.0)
    async with opened(door) as (app, pilot):
        app.choose("audit")
        assert "NO ALARMS" in shown(app)
        door.play(12.5)
        await settled(app, pilot)
        assert "1 ALARM" in shown(app)
        assert app.chosen == "audit"


@pytest.mark.parametrize(
    ("size", "there", "absent"),
    [
        ((168, 48), {"WHY", "NEXT", "BREAKER", " NODES ", " EVENTS ", "▽ filter"}, set()),
        ((120, 35), {"WHY", "NEXT", "▽ filter"}, {" NODES ", " EVENTS "}),
        ((100, 30), {" EVENTS ", "▽ filter"}, {"WHY", " NODES "}),
        ((80, 24), {"pushes"}, {"WHY", " NODES ", " EVENTS "}),
        ((50, 20), {"queued 1.07k", "hooks OPEN"}, {"pushes"}),
    ],
)
async def test_each_size_has_the_panes_it_has_room_for(
    size: tuple[int, int], there: set[str], absent: set[str]
) -> None:
    async with opened(Played(16.5), size) as (app, _):
        text = visible(app)
        assert {one for one in there if one not in text} == set()
        assert {one for one in absent if one in text} == set()


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (59, 14), (60, 15), (300, 16), (40, 90)])
async def test_no_size_is_refused(size: tuple[int, int]) -> None:
    async with opened(Played(16.5), size) as (app, pilot):
        for key in ("j", "x", "w", "tab", "apostrophe", "a", "M"):
            await pilot.press(key)
        assert app.is_running


async def test_alarms_are_gone_through_and_acknowledged() -> None:
    async with opened(Played(16.5)) as (app, pilot):
        app.choose("audit")
        await pilot.press("full_stop")
        assert app.chosen == "hooks.retry"
        assert app.view().level < 6
        await pilot.press("a")
        assert app.view().level == 6


async def test_gg_chooses_the_first_node_and_one_g_none() -> None:
    async with opened(Played(16.5)) as (app, pilot):
        app.choose("audit")
        await pilot.press("g")
        assert app.chosen == "audit"
        await pilot.press("g")
        assert app.chosen == "shop"
        await pilot.press("G")
        assert app.chosen == "dead-letters"


async def test_a_blast_radius_is_lit_before_the_failure() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        app.choose("hooks")
        await pilot.press("x")
        text = visible(app)
        assert "If hooks takes nothing more" in text
        assert "stops" in text
        assert "waits" in text
        await pilot.press("x")
        assert "stops" not in visible(app)


async def test_a_filter_counts_and_chooses_what_it_finds() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        app.choose("shop")
        await pilot.press("slash", *"hooks", "enter")
        assert "/hooks" in visible(app)
        assert "3 of 9 nodes" in visible(app)
        assert app.chosen == "hooks"
        await pilot.press("n")
        assert app.chosen == "hooks.retry"
        await pilot.press("N", "N")
        assert app.chosen == "hooks.http"
        await pilot.press("escape")
        assert "of 9 nodes" not in visible(app)
        await pilot.press("slash", *"!hooks", "enter")
        assert "6 of 9 nodes" in visible(app)


async def test_a_letter_jumps_to_its_box() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        app.choose("hooks")
        await pilot.press("apostrophe")
        assert "[a]" in visible(app)
        await pilot.press("a")
        assert app.chosen == "shop"
        assert "[a]" not in visible(app)


async def test_the_mouse_chooses_in_the_map_the_table_and_the_events() -> None:
    async with opened(Played(16.5), (168, 48)) as (app, pilot):
        await pilot.click("#nodes", offset=(10, 3))
        assert app.chosen == "audit"
        await pilot.click("#events", offset=(10, 0))
        assert app.chosen == "hooks.retry"


async def test_tab_gives_the_keys_to_the_next_pane() -> None:
    async with opened(Played(16.5), (168, 48)) as (app, pilot):
        await pilot.press("tab", "tab")
        assert app.screen.pane == "nodes"  # type: ignore[attr-defined]
        await pilot.press("j")
        assert app.chosen == "audit"
        await pilot.press("tab", "k", "enter")
        assert app.chosen == "hooks.retry"
        await pilot.press("tab")
        assert app.screen.pane == "map"  # type: ignore[attr-defined]


async def test_reasons_are_read_where_there_is_no_side_pane() -> None:
    async with opened(Played(16.5), (80, 24)) as (app, pilot):
        await pilot.press("w")
        assert "Nothing drains" in visible(app)
        await pilot.press("w")
        assert "Nothing drains" not in visible(app)


async def test_a_map_that_is_larger_than_its_pane_has_a_ribbon_and_is_scrolled() -> None:
    async with opened(Played(16.5), (80, 24)) as (app, pilot):
        canvas = app.screen.canvas  # type: ignore[attr-defined]
        canvas.zoom = "cards"
        app.choose("shop")
        await pilot.resize_terminal(80, 15)
        await settled(app, pilot)
        assert {row[79:80] for row in canvas.texts} & {"┃", "│", "█"}
        before = canvas.texts
        canvas.scroll_by(0, 6)
        assert canvas.texts != before


@pytest.mark.parametrize("size", [(168, 48), (80, 24)])
async def test_a_frame_looks_at_each_node_once(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(Played(16.5), size) as (app, _):
        asked: list[str] = []

        def counted(name: str, *rest: Any) -> Any:
            asked.append(name)
            return row_of(name, *rest)

        monkeypatch.setattr("sinkgraph_tui.model.reading.row_of", counted)
        app.show_now()
        assert sorted(asked) == sorted(set(asked)) == sorted(app.view().shape.nodes)


async def test_only_keys_that_do_something_are_offered() -> None:
    async with opened(Played(16.5), (168, 48)) as (app, _):
        hints = shown(app).splitlines()[-1]
        assert "x blast" in hints
        keys = app.screen.active_bindings
        for key, word in (("p", "pause"), ("t", "tap"), ("b", "breaker")):
            assert (f" {key} {word}" in hints) is (key in keys)


def wide_graph(lanes: int) -> Played:
    """Return a graph of many lanes of which one is growing."""
    names = [f"lane{number:02d}" for number in range(lanes)]
    kinds = {"shop": "generate", "fan": "broadcast"}
    edges = ["shop fan"]
    for name in names:
        kinds |= {name: "queue", f"{name}.http": "http"}
        edges += [f"fan {name}", f"{name} {name}.http"]
    made = graph(kinds, edges)

    def at(second: int) -> SnapshotView:
        depths = {name: 900 // 30 * second if name == "lane07" else 1 for name in names}
        return snapshot(
            (
                node(name, kind, capacity=1000 if kind == "queue" else None,
                     depth=depths.get(name, 0), waiting=depths.get(name, 0))
                for name, kind in kinds.items()
            ),
            at=AT + second,
        )  # fmt: skip

    return Played(recorded=(made, tuple(at(second) for second in range(30)), ()))


async def test_healthy_lanes_are_folded_and_a_growing_one_says_when_it_is_full() -> None:
    async with opened(wide_graph(60), (80, 24)) as (app, pilot):
        text = visible(app)
        assert "lane07" in text
        assert "▲ full 4s" in text
        assert "+ 59 lanes  0/s" in text
        await pilot.press("c")
        text = visible(app)
        assert "lane07" in text
        assert "lane08" in text
        assert "+ 59 lanes" not in text
        assert "█" in {row[79:80] for row in app.screen.canvas.texts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(168, 48), (80, 24), (50, 12)])
async def test_without_unicode_nothing_on_the_screen_is_more_than_ascii(
    size: tuple[int, int],
) -> None:
    async with opened(Played(16.5), size, glyphs="ascii") as (app, pilot):
        for key in ("z", "w", "x", "apostrophe", "tab"):
            assert [row for row in shown(app).splitlines() if not row.isascii()] == []
            await pilot.press(key)


async def test_escape_leaves_the_field_and_seeks_nothing() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        await pilot.press("slash", *"audit", "escape")
        assert app.focused is None
        assert "of 9 nodes" not in visible(app)
        assert "/ filter" in visible(app)
        app.choose("shop")
        await pilot.press("l")
        assert app.chosen == "fanout"


async def test_marked_nodes_are_counted_and_have_a_glyph() -> None:
    async with opened(Played(5.0)) as (app, pilot):
        app.choose("shop")
        await pilot.press("space")
        assert "1 marked" in visible(app)
        assert "◆ generate" in visible(app)
        await pilot.press("space")
        assert "◆" not in visible(app)


async def test_frozen_values_have_no_colour_and_the_header_says_so() -> None:
    door = Played(16.5)
    async with opened(door, (168, 48)) as (app, pilot):
        red = app.inks.palette.tone("bad")

        def reds() -> int:
            return sum(
                style.color is not None and style.color.name == red
                for name in ("map", "side", "nodes")
                for y in range(app.screen.query_one(f"#{name}", Rows).size.height)
                for _, style, _ in app.screen.query_one(f"#{name}", Rows).render_line(y)
                if style is not None
            )

        assert reds() > 10
        door.clock.now += 60
        app.show_now()
        await pilot.pause()
        assert "STALE 1m" in visible(app)
        assert reds() == 0
