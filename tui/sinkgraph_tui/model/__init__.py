"""Is what the screens know: from snapshots, graph, journal and history to alarms and sentences.

It is pure: it draws nothing, asks nobody, and is told the time. `reading` is its front.
"""

from __future__ import annotations

__all__: list[str] = []
