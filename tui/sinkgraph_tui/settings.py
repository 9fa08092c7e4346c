"""What a person chose for the terminal interface, before it opens.

It reads no environment and no file; `__main__` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["HZ", "Settings"]

HZ = (0.2, 5.0)
"""The fewest and the most frames a second."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Is what was chosen. `hz` is how often the screen is drawn at most, in frames a second.

    `read_only`: nothing is done to the graph until it is armed. `keys` replaces keys of actions by
    their id. `reader`: nothing moves by itself, for those who listen to the screen.
    """

    hz: float = 2.0
    glyphs: str = "unicode"
    theme: str = "sink-dark"
    read_only: bool = False
    mouse: bool = True
    reader: bool = False
    bell: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    recording: Path | None = None

    @property
    def ascii_only(self) -> bool:
        """Whether glyphs are of ASCII."""
        return self.glyphs == "ascii"
