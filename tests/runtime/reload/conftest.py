"""No test of reloads leaves a task, a file descriptor or a thread behind (P17)."""

from __future__ import annotations

from tests.support.leaks import leaves_nothing_behind

__all__ = ["leaves_nothing_behind"]
