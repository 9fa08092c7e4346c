"""Every test has a runtime directory of its own, and leaves no task, file or thread behind."""

from __future__ import annotations

from tests.control.conftest import runtime
from tests.support.leaks import leaves_nothing_behind

__all__ = ["leaves_nothing_behind", "runtime"]
