"""Time travel is on every screen: what is shown is of then, and the header says so."""

from __future__ import annotations

from tests.tui.fake import Played, opened, visible


async def test_a_step_back_shows_the_numbers_of_then_and_says_so() -> None:
    async with opened(Played(16.5), (168, 48)) as (app, pilot):
        assert "1.07k/1.20k" in visible(app)
        await pilot.press(*["left_square_bracket"] * 10)
        text = visible(app)
        assert "10s AGO" in text
        assert "1.07k/1.20k" not in text
        await pilot.press("backslash")
        assert "● LIVE" in visible(app)
        assert "1.07k/1.20k" in visible(app)


async def test_events_are_moments_to_go_to() -> None:
    async with opened(Played(16.5), (168, 48)) as (app, pilot):
        ats = [entry.at for entry in app.reading.entries]
        await pilot.press("left_curly_bracket")
        assert app.cursor.at == ats[-1]
        await pilot.press("left_curly_bracket")
        assert app.cursor.at == ats[-2]
        await pilot.press("right_curly_bracket")
        assert app.cursor.at == ats[-1]


async def test_a_past_moment_tells_no_later_event() -> None:
    async with opened(Played(16.5), (168, 48)) as (app, pilot):
        await pilot.press(*["left_square_bracket"] * 12)
        assert "nothing has happened yet" in visible(app)


async def test_what_changed_since_the_mark_is_told() -> None:
    async with opened(Played(16.5), (120, 35)) as (app, pilot):
        await pilot.press("M")
        assert "CHANGES" not in visible(app)
        await pilot.press(*["left_square_bracket"] * 10, "m", "backslash", "M")
        text = visible(app)
        assert "10s after the mark" in text
        assert "breaker closed → open" in text
        await pilot.press("M")
        assert "CHANGES" not in visible(app)
