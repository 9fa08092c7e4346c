"""Where keys lead that do not follow edges: to alarms, matches, and letters on the map.

It gives names; who is chosen then is the app's affair.
"""

from __future__ import annotations

from collections.abc import Sequence

from sinkgraph_tui.model.alarms import Alarm

__all__ = ["JUMPS", "after", "alarm_after", "alarm_of"]

JUMPS = "asdfghjklqwertyuiopzxcvbnm1234567890"
"""The keys that jump, in the order they are given out."""


def after(names: Sequence[str], name: str | None, by: int) -> str | None:
    """Return the one that is `by` places on, around the end; the first when it is none of them."""
    if not names:
        return None
    if name not in names:
        return names[0 if by > 0 else -1]
    return names[(names.index(name) + by) % len(names)]


def alarm_of(alarms: Sequence[Alarm], node: str | None) -> int | None:
    """Return the place of the alarm a node stands for: first of it, or else anywhere in it."""
    for first in (True, False):
        for place, alarm in enumerate(alarms):
            if node in (alarm.nodes[:1] if first else alarm.nodes):
                return place
    return None


def alarm_after(alarms: Sequence[Alarm], node: str | None, by: int) -> str | None:
    """Return the node of the next alarm, or of the previous one, in their order."""
    held = [alarm for alarm in alarms if alarm.nodes]
    if not held:
        return None
    at = alarm_of(held, node)
    place = (0 if by > 0 else -1) if at is None else (at + by) % len(held)
    return held[place].nodes[0]
