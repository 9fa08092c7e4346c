"""What is lit on the map: who is hit, and what a filter finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph_tui.layout import Look, Looks
from sinkgraph_tui.model.blast import blast_of
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.topology.lit import lit, only
from sinkgraph_tui.topology.mapped import map_of
from sinkgraph_tui.topology.moving import after, alarm_after
from sinkgraph_tui.topology.sizes import panes_for
from tests.tui.model.scenes import shop


def test_who_waits_and_who_starves_is_told_by_word_and_tone() -> None:
    graph = shop()
    looks = lit(Looks(), blast_of(Shape(graph), "hooks.http"), map_of(graph).nodes)
    words = {name: (look.word, look.tone) for name, look in looks.nodes.items() if look.word}
    assert words["hooks.http"] == ("stops", "bad")
    assert words["hooks"] == ("fills", "warn")
    assert words["fanout"] == ("waits", "warn")
    assert words["audit"] == ("starves", "manual")
    assert looks.of("dead-letters").tone == "dim"


def test_what_loses_is_told_as_loss() -> None:
    graph = shop(hooks="drop_oldest")
    looks = lit(Looks(), blast_of(Shape(graph), "hooks.http"), map_of(graph).nodes)
    assert looks.of("hooks").word == "loses"


def test_a_filter_fades_all_others() -> None:
    looks = only(Looks({"a": Look("bad"), "b": Look("bad", word="OPEN")}), {"a"})
    assert looks.of("a").tone == "bad"
    assert looks.of("b") == Look("dim")


def test_the_next_one_is_found_around_the_end() -> None:
    names = ("a", "b", "c")
    assert [after(names, "c", 1), after(names, "a", -1), after(names, "x", 1)] == ["a", "c", "a"]
    assert after((), "a", 1) is None
    assert alarm_after((), "a", 1) is None


@given(width=st.integers(0, 400), height=st.integers(0, 200))
def test_panes_leave_most_of_the_screen_to_the_map(width: int, height: int) -> None:
    panes = panes_for(width, height)
    if panes.map:
        assert width - panes.side >= width // 2
        assert height - panes.lower >= height // 2
    else:
        assert panes.names == ()
