"""What a running graph says of itself, as words on its drawing: depths, rates, breakers, pauses.

It reads a snapshot as it is shown; drawing is `sinkgraph.render`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sinkgraph.render.guarantees import Guarantee
from sinkgraph.render.parts import Chip, Tone

__all__ = ["overlay"]

_FILLED: tuple[tuple[float, Tone], ...] = ((0.8, "poor"), (0.5, "fair"), (0.0, "calm"))
_BREAKER: dict[str, Tone] = {"open": "poor", "isolated": "poor", "half_open": "fair"}
_STATUS: dict[str, Tone] = {"failed": "poor", "degraded": "fair", "draining": "fair"}


def overlay(nodes: Mapping[str, Mapping[str, Any]]) -> tuple[Guarantee, ...]:
    """Return what to write on the nodes of a drawing; `nodes` as `SnapshotView` has them."""
    return tuple(one for name, node in nodes.items() for one in _node(name, node))


def _node(name: str, node: Mapping[str, Any]) -> Iterator[Guarantee]:
    why = (str(node["last_error"]),) if node["last_error"] else ()
    breaker = node["breaker"]
    state = breaker["state"] if breaker is not None else "closed"
    if node["paused"]:
        yield Guarantee(name, Chip("paused", "fair"), ())
    if state != "closed":
        tone = _BREAKER.get(state, "fair")
        yield Guarantee(name, Chip(f"breaker {state.replace('_', '-')}", tone), why)
    elif node["status"] in _STATUS:
        yield Guarantee(name, Chip(node["status"], _STATUS[node["status"]]), why)
    if node["depth"] and node["capacity"]:
        fill = node["depth"] / node["capacity"]
        tone = next(tone for least, tone in _FILLED if fill >= least)
        said = f"{node['depth']:,} of {node['capacity']:,}"
        yield Guarantee(name, Chip(said, tone), (f"{said} events are pending",))
    if node["out_per_s"]:
        rate = f"{node['out_per_s']:,.0f}/s" if node["out_per_s"] >= 1 else "< 1/s"
        yield Guarantee(name, Chip(rate, "calm"), (f"{rate} go on from here",))
    dropped = sum(node["ledger"]["dropped"].values())
    if dropped:
        reasons = ", ".join(node["ledger"]["dropped"])
        yield Guarantee(name, Chip(f"dropped {dropped:,}", "poor"), (f"dropped: {reasons}",))
