"""Is the screens of the terminal interface, one a file; each is a frame with its own body."""

from __future__ import annotations
