"""The keys of the first screen, each with the id that a file of keys replaces it by.

What they do is in the screen itself.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

__all__ = ["KEYS"]

KEYS: list[BindingType] = [
    Binding("h,left", "step('upstream')", "upstream", id="map.upstream"),
    Binding("l,right", "step('downstream')", "downstream", id="map.downstream"),
    Binding("k,up", "step('above')", "lane above", id="map.above"),
    Binding("j,down", "step('below')", "lane below", id="map.below"),
    Binding("g", "first", "first node: gg", id="map.first"),
    Binding("G,upper_g,end", "last", "last node", id="map.last"),
    Binding("home", "first(True)", "first node", show=False, id="map.home"),
    Binding("full_stop", "alarm(1)", "next alarm", id="map.next_alarm"),
    Binding("comma", "alarm(-1)", "previous alarm", id="map.previous_alarm"),
    Binding("a", "acknowledge", "acknowledge the alarm", id="map.acknowledge"),
    Binding("tab", "pane(1)", "next pane", id="map.next_pane"),
    Binding("shift+tab", "pane(-1)", "previous pane", id="map.previous_pane"),
    Binding("enter", "look", "detail of the node", id="map.detail"),
    Binding("z", "zoom(1)", "zoom in", id="map.zoom_in"),
    Binding("Z,upper_z", "zoom(-1)", "zoom out", id="map.zoom_out"),
    Binding("f", "fit", "fit the screen", id="map.fit"),
    Binding("c", "fold", "fold healthy lanes", id="map.fold"),
    Binding("e", "errors", "dead-letter edges", id="map.errors"),
    Binding("x", "blast", "blast radius", id="map.blast"),
    Binding("w", "why", "why", id="map.why"),
    Binding("slash", "find", "filter; /! all others", id="map.filter"),
    Binding("n", "match(1)", "next match", id="map.next_match"),
    Binding("N,upper_n", "match(-1)", "previous match", id="map.previous_match"),
    Binding("space", "mark", "mark the node", id="map.mark"),
    Binding("apostrophe", "jump", "jump to a node", id="map.jump"),
    Binding("escape", "clear", "clear, or back", show=False, id="map.clear"),
]
