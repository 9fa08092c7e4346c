"""Is told by the system when something happens in folders; what that was is for others to find out.

Without such messages nothing is missed, only found later: whoever is nudged also looks by itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable

__all__ = ["Nudges", "folders_of"]

_STEP_MS = 100
_GROUP_MS = 400
_HOPS = 40


class Nudges:
    """Calls `nudge` from a thread of its own when a name changes in the folders it follows.

    `cannot` is called once from there, with the reason, when the system tells nothing.
    """

    def __init__(self, nudge: Callable[[], None], cannot: Callable[[str], None]) -> None:
        self._nudge = nudge
        self._cannot = cannot
        self._folders: frozenset[str] = frozenset()
        self._names: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, folders: Iterable[str], names: Iterable[str]) -> None:
        """Be told of these names in these folders, all names where `names` is empty."""
        wanted = frozenset(one for one in folders if os.path.isdir(one))
        self._names = frozenset(names)
        alive = self._thread is not None and self._thread.is_alive()
        if wanted == self._folders and alive:
            return
        self.stop()
        self._folders = wanted
        if wanted:
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._listen,
                args=(sorted(wanted), self._stop),
                name="sinkgraph-watch",
                daemon=True,
            )
            self._thread.start()

    def _listen(self, folders: list[str], stop: threading.Event) -> None:
        try:
            from watchfiles import watch

            for _ in watch(
                *folders,
                watch_filter=lambda _, path: self._concerns(path),
                debounce=_GROUP_MS,
                step=_STEP_MS,
                stop_event=stop,
                raise_interrupt=False,
                recursive=False,
                ignore_permission_denied=True,
            ):
                if stop.is_set():
                    return
                self._nudge()
        except Exception as error:  # out of watches, an unknown file system: it is looked instead
            if not stop.is_set():
                self._cannot(str(error) or type(error).__name__)

    def _concerns(self, path: str) -> bool:
        return not self._names or os.path.basename(path) in self._names

    def stop(self, wait_s: float = 0.0) -> None:
        """Call nobody any more. Idempotent."""
        self._stop.set()
        if self._thread is not None and wait_s:
            self._thread.join(wait_s)
        self._thread = None
        self._folders = frozenset()


def folders_of(paths: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the folders in which a change may change what the paths hold, and the names there.

    A link is followed step by step: each step may be exchanged, as `..data` of a mounted
    ConfigMap is.
    """
    folders: set[str] = set()
    names: set[str] = set()
    for path in paths:
        todo = [os.path.abspath(path)]
        seen: set[str] = set()
        while todo and len(seen) < _HOPS:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            folder, name = os.path.split(one)
            folders.add(folder)
            names.add(name)
            try:
                if os.path.islink(one):
                    todo.append(os.path.normpath(os.path.join(folder, os.readlink(one))))
                if os.path.islink(folder):
                    todo.append(folder)
            except OSError:
                continue
    return folders, names
