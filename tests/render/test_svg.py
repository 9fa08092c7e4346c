"""A finished SVG has names for readers, tooltips, and the theme of the page around it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from sinkgraph.render.dot import to_dot
from sinkgraph.render.drawing import draw
from sinkgraph.render.fold import fold
from sinkgraph.render.image import render_image
from sinkgraph.render.output import made
from sinkgraph.render.svg import finish
from tests.render.drawn import BLACKHOLE, graph_of

SVG = "{http://www.w3.org/2000/svg}"
GRAPH = graph_of(
    {
        "eu/q": {"kind": "queue", "capacity": 7, "to": "end", "description": '<b>"&</b>\\n'},
        "end": BLACKHOLE,
    },
    description="A queue & its end.",
)


def root_of(svg: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def groups(svg: bytes, kind: str) -> list[ElementTree.Element]:
    return [one for one in root_of(svg).iter(f"{SVG}g") if one.get("class") == kind]


@pytest.fixture(params=["program", "library"])
def svg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> bytes:
    if request.param == "library":
        monkeypatch.setenv("PATH", str(tmp_path))
    return made(draw(GRAPH), "svg")


def test_the_picture_has_a_title_and_a_text_that_says_the_same(svg: bytes) -> None:
    root = root_of(svg)
    told = {one.get("id"): one.text for one in root if one.tag in (f"{SVG}title", f"{SVG}desc")}
    assert told == {
        "graph-title": "drawn: A queue & its end.",
        "graph-desc": (
            "3 nodes, 2 edges.\neu/q: queue, to end.\nin: generate, to eu/q.\nend: blackhole."
        ),
    }
    assert root.get("role") == "graphics-document document"
    assert (root.get("aria-labelledby"), root.get("aria-describedby")) == tuple(told)


def test_every_node_has_its_name_and_facts(svg: bytes) -> None:
    nodes = {one.get("data-node"): one for one in groups(svg, "node")}
    assert sorted(map(str, nodes)) == ["end", "eu/q", "in"]
    (title,) = nodes["eu/q"].iter(f"{SVG}title")
    assert title.text == ('eu/q\nkind: queue\ncapacity: 7\none write waits for: end\n<b>"&</b>\\n')
    assert nodes["eu/q"].get("aria-label") == title.text.replace("\n", "; ")
    assert nodes["eu/q"].get("role") == "graphics-symbol img"


def test_edges_and_frames_have_one_title_each(svg: bytes) -> None:
    titles = [[t.text for t in one.iter(f"{SVG}title")] for one in groups(svg, "edge")]
    assert ["eu/q to → end"] in titles
    assert all(len(one) == 1 for one in titles)
    (frame,) = groups(svg, "cluster")
    assert [t.text for t in frame.iter(f"{SVG}title")] == ["group eu"]


def test_it_links_to_nothing(svg: bytes) -> None:
    assert b"xlink" not in svg
    assert b"<a" not in svg.replace(b"<animate", b"")


def test_it_follows_the_page_when_it_may(svg: bytes) -> None:
    (style,) = root_of(svg).iter(f"{SVG}style")
    assert style.text is not None
    assert style.text.startswith("@media (prefers-color-scheme:dark){")
    assert '[fill="#ffffff"]{fill:#0c0f14}' in style.text
    assert b"<style>" not in made(draw(GRAPH), "svg", "light")
    assert b'fill="#0c0f14"' in made(draw(GRAPH), "svg", "dark")


def test_every_colour_of_a_light_picture_has_a_dark_one() -> None:
    old = graph_of({"end": {"kind": "stdout"}, "gone": BLACKHOLE})
    svg = made(draw(GRAPH, against=old, dead_letters=True), "svg")
    (style,) = root_of(svg).iter(f"{SVG}style")
    assert style.text is not None
    for one in root_of(svg).iter():
        for what in ("fill", "stroke"):
            value = one.get(what, "none")
            if value not in {"none", "transparent", "black"}:
                assert f'[{what}="{value}"]' in style.text, (one.tag, what, value)


def test_a_lane_names_its_members() -> None:
    drawing = fold(draw(GRAPH), lanes=True).drawing
    chain = graph_of({"q": {"kind": "queue", "to": "end"}, "end": BLACKHOLE})
    drawing = fold(draw(chain), lanes=True).drawing
    svg = finish(render_image(to_dot(drawing), "svg"), drawing)
    (lane,) = [one for one in groups(svg, "node") if one.get("data-members")]
    assert lane.get("data-members") == "q end"
