"""How far long work has come: one line on a terminal, overwritten as it goes on; else nothing."""

from __future__ import annotations

import sys
from types import TracebackType

import click

from sinkgraph.cli.queue.words import events

__all__ = ["Progress"]

_EVERY = 2_000  # events


class Progress:
    """Shows a count of events on stderr while its block runs, and leaves no trace of it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = 0
        self._tty = sys.stderr is not None and sys.stderr.isatty()
        self._dirty = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._dirty:
            click.echo("\r\x1b[K", nl=False, err=True)

    def say(self, text: str) -> None:
        """Show what is being done, where nobody counts."""
        if self._tty:
            self._dirty = True
            click.echo(f"\r\x1b[K{self._what} {text}", nl=False, err=True)

    def at(self, count: int, total: int) -> None:
        """Show how far it is."""
        if self._tty and count - self._shown >= _EVERY:
            self._shown = count
            self.say(f"{count:,} of {events(total)}")
