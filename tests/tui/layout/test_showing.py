"""What a moment draws into a map, what the mouse hits there, and what a window shows of it."""

from __future__ import annotations

from unicodedata import east_asian_width

import pytest

from sinkgraph_tui.layout import (
    ASCII,
    TONES,
    UNICODE,
    ZOOMS,
    Glyphs,
    Hit,
    Look,
    Looks,
    MapEdge,
    MapGraph,
    MapNode,
    Tone,
    Zoom,
    arrange,
    box_tones,
    hit,
    painted,
    ribbon,
    scrolled,
    step,
    worst,
)
from tests.tui.layout import shapes

EIGHTEEN = arrange(shapes.eighteen(), zoom="cards", errors=True, width=130)


def styles_of(text: str, looks: Looks, *, zoom: Zoom = "cards") -> set[str]:
    """Return the styles of the cells in which a text stands."""
    made = arrange(shapes.eighteen(), zoom=zoom, errors=True, width=160)
    grid = painted(made, looks)
    found: set[str] = set()
    for row, styles in zip(grid.chars, grid.styles, strict=True):
        at = "".join(char or "\0" for char in row).find(text)
        if at >= 0:
            found |= set(styles[at : at + len(text)])
    return found


@pytest.mark.parametrize("zoom", ZOOMS)
def test_looks_move_nothing(zoom: Zoom) -> None:
    made = arrange(shapes.eighteen(), zoom=zoom, errors=True, width=160)
    calm, loud = painted(made), painted(made, shapes.outage())
    assert (calm.width, calm.height) == (loud.width, loud.height) == (made.width, made.height)


def test_an_open_breaker_is_a_glyph_and_a_word_and_a_tone() -> None:
    assert styles_of("OPEN probe", shapes.outage()) == {"word bad selected"}
    text = painted(EIGHTEEN, shapes.outage()).text()
    assert "○ breaker" in text
    assert "● breaker" in painted(EIGHTEEN).text()


def test_a_bad_lane_has_a_heavy_border() -> None:
    assert "┏━ billing" in painted(EIGHTEEN, shapes.outage()).text()
    assert "┏" not in painted(EIGHTEEN).text()


def test_a_wire_has_the_tone_of_the_box_it_leads_to_and_the_trunk_the_gravest() -> None:
    grid = painted(EIGHTEEN, shapes.outage())
    fan = EIGHTEEN.boxes[EIGHTEEN.homes["fanout"]]
    assert grid.styles[fan.y + fan.height // 2][fan.x + fan.width] == "edge bad"
    for name, tone in (("search", "warn"), ("slack", "manual"), ("audit", "normal")):
        box = EIGHTEEN.boxes[EIGHTEEN.homes[name]]
        assert grid.styles[box.y + box.height // 2][box.x - 1] == f"edge {tone}"


def test_an_edge_may_have_a_tone_of_its_own() -> None:
    number = next(n for n, edge in enumerate(EIGHTEEN.edges) if edge.target == "audit")
    grid = painted(EIGHTEEN, Looks(edges={number: "added"}))
    box = EIGHTEEN.boxes[EIGHTEEN.homes["audit"]]
    assert grid.styles[box.y + box.height // 2][box.x - 1] == "edge added"


def test_only_edges_of_dead_letters_are_dashed() -> None:
    grid = painted(EIGHTEEN)
    seen = {
        char: style.split()[0]
        for row, styles in zip(grid.chars, grid.styles, strict=True)
        for char, style in zip(row, styles, strict=True)
        if char in "┆┄"
    }
    assert seen == {"┆": "error", "┄": "error"}
    assert "┄" not in painted(arrange(shapes.eighteen(), zoom="cards")).text()


def test_an_edge_nobody_waits_for_has_another_arrow() -> None:
    grid = painted(EIGHTEEN)
    for name, char in (("audit", "▹"), ("billing", "▸")):
        box = EIGHTEEN.boxes[EIGHTEEN.homes[name]]
        assert grid.chars[box.y + box.height // 2][box.x - 1] == char


@pytest.mark.parametrize(
    ("fill", "predicted", "bar"),
    [
        (None, None, "░░░░░░░░░░░░"),
        (0.0, None, "░░░░░░░░░░░░"),
        (0.0001, None, "▏░░░░░░░░░░░"),
        (0.5, None, "██████░░░░░░"),
        (0.55, None, "██████▋░░░░░"),
        (0.5, 0.8, "██████▒▒▒▒░░"),
        (0.53, 0.8, "██████▒▒▒▒░░"),
        (0.5, 0.2, "██████░░░░░░"),
        (1.0, None, "████████████"),
        (3.0, 9.0, "████████████"),
        (-1.0, -1.0, "░░░░░░░░░░░░"),
    ],
)
def test_a_bar_shows_what_is_there_and_what_is_to_come(
    fill: float | None, predicted: float | None, bar: str
) -> None:
    looks = Looks({"alone": Look(fill=fill, predicted=predicted)})
    made = arrange(MapGraph.of([MapNode("alone", "queue")], []), zoom="lanes", width=80)
    start = made.boxes[0].form.store_at + 1
    assert "".join(painted(made, looks).chars[0])[start : start + 12] == bar


def test_the_selected_box_is_marked_by_more_than_a_colour() -> None:
    made = arrange(shapes.eighteen(), zoom="lanes", width=120)
    grid = painted(made, Looks(selected="audit.file"))
    box = made.boxes[made.homes["audit"]]
    assert grid.chars[box.y][box.x] == UNICODE.stripe
    row = grid.styles[box.y][box.x : box.x + box.width]
    assert all(style.endswith(" selected") for style in row)
    assert not any("selected" in style for style in grid.styles[box.y - 1])


def test_an_edge_that_cannot_be_drawn_marks_both_its_ends() -> None:
    circle = MapGraph.of(
        [MapNode(name, "queue") for name in "abc"],
        [MapEdge("a", "b"), MapEdge("a", "c"), MapEdge("b", "a")],
    )
    shown = painted(arrange(circle, zoom="lanes")).text()
    assert shown.count(UNICODE.again) == 2
    assert painted(arrange(circle, zoom="cards")).text().count(UNICODE.again) == 2


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_glyph_takes_one_cell(glyphs: Glyphs) -> None:
    lines = glyphs.lines + glyphs.dashes + glyphs.heavy + glyphs.bar
    single = [glyphs.ghost, glyphs.track, glyphs.arrow, glyphs.free_arrow, glyphs.stripe]
    single += [glyphs.more, glyphs.fail, glyphs.again, glyphs.to]
    found = [*glyphs.kinds.values(), *glyphs.marks.values(), *lines, *single]
    assert all(len(char) == 1 and east_asian_width(char) not in "WF" for char in found)
    assert len(glyphs.lines) == len(glyphs.dashes) == len(glyphs.heavy) == 16
    assert glyphs is not ASCII or "".join(found).isascii()


def test_kinds_and_states_have_glyphs_of_their_own() -> None:
    for glyphs in (UNICODE, ASCII):
        assert len(set(glyphs.kinds.values())) == len(glyphs.kinds)
        assert len(set(glyphs.marks.values())) == len(glyphs.marks)
        assert glyphs.kinds.keys() == UNICODE.kinds.keys()
        assert glyphs.marks.keys() == UNICODE.marks.keys()


def test_the_gravest_tone_wins() -> None:
    assert worst(()) == "normal"
    assert worst(("normal", "bad", "warn")) == "bad"
    assert [worst((one, "dim")) for one in TONES] == list(TONES)


def test_every_part_of_a_card_answers_the_mouse() -> None:
    box = EIGHTEEN.boxes[EIGHTEEN.homes["billing"]]
    assert hit(EIGHTEEN, box.x + 4, box.y + 3) == Hit("node", "billing.breaker")
    assert hit(EIGHTEEN, box.x, box.y) == Hit("node", "billing")
    row = box.y + box.height // 2
    found = hit(EIGHTEEN, box.x - 1, row)
    assert found is not None
    assert (found.kind, found.node, found.port) == ("port", "billing", "")
    found = hit(EIGHTEEN, box.x + box.width, box.y + 2)
    assert found is not None
    assert (found.kind, found.node, found.port) == ("port", "billing.retry", "dead_letter")
    found = hit(EIGHTEEN, box.x - 3, row)
    assert found is not None
    assert found.kind == "edge"
    assert [EIGHTEEN.edges[number].target for number in found.edges] == ["billing"]
    assert hit(EIGHTEEN, 0, 0) is None
    assert hit(EIGHTEEN, -1, 9999) is None


@pytest.mark.parametrize("zoom", ZOOMS)
def test_every_node_of_a_lane_can_be_hit(zoom: Zoom) -> None:
    made = arrange(shapes.eighteen(), zoom=zoom, width=160)
    found = {
        one.node
        for y in range(made.height)
        for x in range(made.width)
        if (one := hit(made, x, y)) and one.kind == "node"
    }
    assert found == {node.name for node in shapes.eighteen().nodes}


def test_a_fold_is_hit_as_one() -> None:
    made = arrange(shapes.star(9), loud={"end3"})
    box = next(box for box in made.boxes if box.block.folded)
    assert hit(made, box.x + 1, box.y) == Hit("fold", "end0")


def test_keys_follow_the_edges_and_the_column() -> None:
    assert step(EIGHTEEN, "fanout", "downstream") == "billing"
    assert step(EIGHTEEN, "billing", "upstream") == "fanout"
    assert step(EIGHTEEN, "billing.retry", "downstream") == "billing.breaker"
    assert step(EIGHTEEN, "billing", "below") == "search"
    assert step(EIGHTEEN, "search.http", "above") == "billing"
    assert step(EIGHTEEN, "billing", "above") is None
    assert step(EIGHTEEN, "registry", "upstream") is None
    assert step(EIGHTEEN, "audit", "downstream") == "audit.file"
    assert step(EIGHTEEN, "nobody", "below") is None


LARGE = arrange(shapes.regions(("eu", "us", "ap", "sa"), 10), zoom="cards", width=80)


@pytest.mark.parametrize("focus", ["eu", "us/billing", "sa/push.http", "dead"])
@pytest.mark.parametrize("size", [(80, 24), (30, 9), (5, 2), (400, 400)])
def test_a_window_shows_its_focus_and_never_leaves_the_map(
    focus: str, size: tuple[int, int]
) -> None:
    left, top = scrolled(LARGE, size, (0, 0), focus)
    box = LARGE.boxes[LARGE.homes[focus]]
    assert left < box.x + box.width
    assert box.x < left + size[0]
    assert top < box.y + box.height
    assert box.y < top + size[1]
    assert 0 <= left <= max(0, LARGE.width - size[0])
    assert 0 <= top <= max(0, LARGE.height - size[1])
    assert scrolled(LARGE, size, (left, top), focus) == (left, top)


def test_a_window_without_a_focus_stays_where_it_is() -> None:
    assert scrolled(LARGE, (60, 24), (3, 17), None) == (3, 17)
    assert scrolled(LARGE, (60, 24), (3, 17), "nobody") == (3, 17)


def test_a_window_shows_the_same_cells_as_the_whole_map() -> None:
    whole = painted(LARGE, Looks(selected="us/billing"))
    part = painted(LARGE, Looks(selected="us/billing"), window=(13, 50, 40, 30))
    assert part.chars == [row[13:53] for row in whole.chars[50:80]]
    assert part.styles == [row[13:53] for row in whole.styles[50:80]]


def test_the_ribbon_tells_what_is_wrong_outside_the_window() -> None:
    tones: list[Tone] = box_tones(LARGE, Looks({"sa/push.http": Look("bad")}))
    shown = ribbon(LARGE, tones, 20, 0, 24)
    assert [tone for tone, _ in shown].count("bad") >= 1
    assert [visible for tone, visible in shown if tone == "bad"] == [False]
    assert shown[0][1]
    assert all(visible for _, visible in ribbon(LARGE, tones, 20, 0, LARGE.height))
    empty = arrange(MapGraph((), ()))
    assert ribbon(empty, [], 3, 0, 5) == ((None, True),) * 3


@pytest.mark.parametrize(
    ("marks", "sign"),
    [
        ({"audit": "added", "audit.file": "added"}, "+"),
        ({"audit": "removed", "audit.file": "removed"}, "-"),
        ({"audit": "changed"}, "~"),
        ({"audit.file": "added"}, "~"),
        ({"audit": "paused"}, ""),
    ],
)
def test_a_lane_says_whether_it_comes_goes_or_changes(marks: dict[str, str], sign: str) -> None:
    looks = Looks({name: Look(mark=mark) for name, mark in marks.items()})
    card = painted(EIGHTEEN, looks).text()
    assert (f"╭─ {sign} audit ─" if sign else "╭─ audit ─") in card
    line = painted(arrange(shapes.eighteen(), width=120), looks).text()
    assert f"▹ {sign or ' '}audit" in line
