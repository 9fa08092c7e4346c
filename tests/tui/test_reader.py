"""Reader mode: nothing moves by itself, and what is new is said in one line."""

from __future__ import annotations

from tests.tui.fake import Played, opened, shown, visible


def first_line(text: str) -> str:
    return text.partition("\n")[0]


async def test_what_is_chosen_is_said_and_the_cursor_rests_on_it() -> None:
    async with opened(Played(5.0), (120, 35), reader=True) as (app, pilot):
        app.choose("shop")
        assert first_line(visible(app)) == " shop, generate, ok"
        await pilot.press("l")
        assert first_line(visible(app)) == " fanout, broadcast, ok"
        x, y = app.cursor_position
        row = app.screen.canvas.texts[y - app.screen.canvas.region.y]  # type: ignore[attr-defined]
        assert row[x:].lstrip("│ ").startswith("⇉ fanout")


async def test_nothing_is_drawn_again_but_for_a_new_alarm() -> None:
    door = Played(3.0)
    async with opened(door, (120, 35), reader=True) as (app, pilot):
        app.choose("hooks")
        before = shown(app)
        door.play(6.0)
        for _ in range(4):
            await pilot.pause()
        assert len(app.reading.timeline.snapshots()) > 4
        assert shown(app) == before
        door.play(14.0)
        for _ in range(4):
            await pilot.pause(0.02)
        assert first_line(shown(app)).startswith(" New: 1 alarm: ○ hooks OPEN")
