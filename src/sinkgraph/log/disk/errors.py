"""Why a state directory cannot be used, each as one line that says what to do about it.

What a commit meets later is `StoreFull` and `StoreFailed` of `sinkgraph.errors`.
"""

from __future__ import annotations

from sinkgraph.errors import StartFailed

__all__ = ["StateDamaged", "StateLocked", "StateNewer", "StateOlder", "StateUnusable"]


class StateUnusable(StartFailed):
    """Say why a state directory cannot be used as it is: its place, its owner, its mode."""

    def __init__(self, reason: str) -> None:
        super().__init__([reason])


class StateLocked(StateUnusable):
    """Say that another process uses the state directory; `pid` is it, None when unknown."""

    def __init__(self, directory: str, pid: int | None) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"state directory {directory} is in use by {who}: stop that, choose another"
            " --state-dir, or put both graphs into one document"
        )


class StateNewer(StateUnusable):
    """Say that the stored events have a format that only a newer sinkgraph knows."""

    def __init__(self, path: str, found: int, known: int) -> None:
        self.found = found
        super().__init__(
            f"{path} has format {found}, and this sinkgraph knows formats up to {known}:"
            " use the newer sinkgraph that wrote it; nothing was touched"
        )


class StateOlder(StateUnusable):
    """Say that the stored events have an older format that `queue migrate` brings up to date."""

    def __init__(self, path: str, directory: str, found: int, known: int) -> None:
        self.found = found
        super().__init__(
            f"{path} has format {found}, and this sinkgraph writes format {known}:"
            f" run `sinkgraph queue migrate --state-dir {directory}`"
        )


class StateDamaged(StateUnusable):
    """Say that the file of stored events cannot be opened at all; most of it can be saved."""

    def __init__(self, path: str, directory: str, why: str) -> None:
        self.why = why
        super().__init__(
            f"{path} is damaged ({why}): run `sinkgraph queue repair --state-dir {directory}`,"
            " which saves what can be read and keeps the damaged file"
        )
