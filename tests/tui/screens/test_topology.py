"""The map on the screen: what is wrong is seen without a key, and keys go along the edges."""

from __future__ import annotations

import pytest

from tests.tui.fake import Played, opened, settled, shown


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
