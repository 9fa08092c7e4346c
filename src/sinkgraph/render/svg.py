"""What `dot` leaves to be done to an SVG: names for readers, tooltips, and the page's own theme.

It changes no geometry. What it is given was drawn from DOT in which every text was escaped.
"""

from __future__ import annotations

from collections.abc import Sized
from xml.etree import ElementTree

from sinkgraph.render.parts import Drawing, DrawnNode, names_in, nodes_in
from sinkgraph.render.style import swaps

__all__ = ["finish"]

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_TOLD = 80
_Element = ElementTree.Element


def finish(svg: bytes, drawing: Drawing, *, follow: bool = False) -> bytes:
    """Return an SVG of a drawing that says what it shows.

    The picture, its frames, nodes and edges have names for readers and tooltips for pointers;
    every node has its name in `data-node`. `follow`: a light picture turns dark where the page
    around it does (`prefers-color-scheme`).
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(svg)
    names = {node.name: node for node in nodes_in(drawing.frame)}
    for group in root.iter(f"{{{_SVG}}}g"):
        match group.get("class"):
            case "graph":
                _untitled(group)
            case "node":
                _node(group, names)
            case "edge" | "cluster" as kind:
                _titled(group, kind)
    _head(root, drawing)
    if follow:
        _follow(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _head(root: _Element, drawing: Drawing) -> None:
    title = _Element(f"{{{_SVG}}}title", {"id": "graph-title"})
    title.text = ": ".join(filter(None, (drawing.name, drawing.description)))
    about = _Element(f"{{{_SVG}}}desc", {"id": "graph-desc"})
    about.text = _told(drawing)
    for one in (title, about):
        one.tail = "\n"
    root[:0] = [title, about]
    root.set("role", "graphics-document document")
    root.set("aria-roledescription", "event graph")
    root.set("aria-labelledby", "graph-title")
    root.set("aria-describedby", "graph-desc")


def _told(drawing: Drawing) -> str:
    """Return the picture in sentences: each node, and where it writes to."""
    nodes = list(nodes_in(drawing.frame))
    titles = {node.name: node.about[0] for node in nodes}
    out: dict[str, list[str]] = {}
    for edge in drawing.edges:
        port = f" ({' '.join(edge.label)})" if edge.label else ""
        out.setdefault(edge.source, []).append(f"{titles[edge.target]}{port}")
    chips = [f"{', '.join(chip.text for chip in drawing.chips)}."] if drawing.chips else []
    said = [f"{_many(nodes, 'node')}, {_many(drawing.edges, 'edge')}.", *chips]
    for node in nodes[:_TOLD]:
        ends = [f"to {', '.join(out[node.name])}"] if node.name in out else []
        chips_of = [chip.text.replace("\n", ", ") for chip in node.chips]
        said.append(f"{titles[node.name]}: {', '.join([node.kind, *chips_of, *ends])}.")
    if len(nodes) > _TOLD:
        said.append(f"And {len(nodes) - _TOLD:,} more.")
    return "\n".join(said)


def _many(things: Sized, what: str) -> str:
    return f"{len(things):,} {what}{'' if len(things) == 1 else 's'}"


def _node(group: _Element, names: dict[str, DrawnNode]) -> None:
    title = group.find(f"{{{_SVG}}}title")
    node = names.get("" if title is None else title.text or "")
    if node is None:
        return
    said = list(node.about)
    _retitled(group, "\n".join(said))
    group.set("data-node", node.name)
    if node.members:
        group.set("data-members", " ".join(names_in(node)))
    group.set("role", "graphics-symbol img")
    group.set("aria-label", "; ".join(said))


def _titled(group: _Element, kind: str) -> None:
    link = group.find(f".//{{{_SVG}}}a")
    said = "" if link is None else link.get(f"{{{_XLINK}}}title", "")
    said = said.replace("\\n", "\n")
    _retitled(group, said)
    if said and kind == "cluster":
        group.set("role", "graphics-object group")
        group.set("aria-label", said)


def _retitled(group: _Element, said: str) -> None:
    """Give a group one title, a tooltip in every browser, in place of titles of links."""
    _untitled(group)
    if said:
        title = _Element(f"{{{_SVG}}}title")
        title.text = said
        title.tail = "\n"
        group.insert(0, title)


def _untitled(group: _Element) -> None:
    title = group.find(f"{{{_SVG}}}title")
    if title is not None:
        group.remove(title)
    for inner in list(group):
        if inner.tag == f"{{{_SVG}}}g" and inner.get("class") is None:
            for link in inner.findall(f"{{{_SVG}}}a"):
                link.tag = f"{{{_SVG}}}g"
                link.attrib.pop(f"{{{_XLINK}}}title", None)


def _follow(root: _Element) -> None:
    used = {
        (what, value)
        for one in root.iter()
        for what in ("fill", "stroke")
        if (value := one.get(what)) is not None
    }
    rules = [
        f'[{what}="{light}"]{{{what}:{dark}}}'
        for light, dark in swaps().items()
        for what in ("fill", "stroke")
        if (what, light) in used
    ]
    style = _Element(f"{{{_SVG}}}style")
    style.text = f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"
    style.tail = "\n"
    root.insert(0, style)
