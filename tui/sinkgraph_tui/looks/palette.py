"""The colours of each theme, by what they mean; none of them is ever the only sign of a state.

Distances for colour-blind eyes and contrasts are held by tests; nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PALETTES", "Palette"]


@dataclass(frozen=True, slots=True)
class Palette:
    """Is one theme. Colours are #rrggbb, or names of the terminal's own where `ansi`.

    `ground` lies under everything, `strip` under the lines at the top and bottom, `alarm` under
    the alarms, `raised` under what is selected; `tones` has a colour for each tone.
    """

    name: str
    dark: bool
    ground: str
    strip: str
    alarm: str
    raised: str
    track: str
    rule: str
    tones: Mapping[str, str]
    ansi: bool = False

    def tone(self, name: str) -> str:
        """Return the colour of a tone."""
        return self.tones.get(name) or self.tones["text"]


def _tones(**colours: str) -> Mapping[str, str]:
    return MappingProxyType(colours)


PALETTES: Mapping[str, Palette] = MappingProxyType({
    "sink-dark": Palette(
        "sink-dark", True, "#0c0f14", "#151a22", "#2a1311", "#16283a", "#1d242e", "#2b333e",
        _tones(
            text="#c9d1d9", normal="#9aa4af", dim="#7d8794", strong="#f0f3f6", accent="#56b4e9",
            warn="#f0b429", bad="#ff5f45", probing="#f5e663", manual="#d58fc0", added="#56b4e9",
            changed="#f0b429", removed="#ff5f45",
        ),
    ),
    "sink-light": Palette(
        "sink-light", False, "#fbfbf8", "#eceff2", "#fbe4df", "#d8e8f6", "#e2e6ea", "#c4cbd3",
        _tones(
            text="#24292f", normal="#57606a", dim="#646d77", strong="#0b0e12", accent="#075fa3",
            warn="#865300", bad="#c02a0e", probing="#6a6000", manual="#8a3a78", added="#075fa3",
            changed="#865300", removed="#c02a0e",
        ),
    ),
    "high-contrast": Palette(
        "high-contrast", True, "#000000", "#000000", "#3a0000", "#00335c", "#2a2a2a", "#8a8a8a",
        _tones(
            text="#ffffff", normal="#d8d8d8", dim="#bdbdbd", strong="#ffffff", accent="#6fd0ff",
            warn="#ffcc33", bad="#ff7a66", probing="#ffff66", manual="#ffa6e6", added="#6fd0ff",
            changed="#ffcc33", removed="#ff7a66",
        ),
    ),
    "ansi": Palette(
        "ansi", True, "default", "default", "default", "default", "default", "bright_black",
        _tones(
            text="default", normal="default", dim="bright_black", strong="default", accent="cyan",
            warn="yellow", bad="red", probing="bright_yellow", manual="magenta", added="cyan",
            changed="yellow", removed="red",
        ),
        ansi=True,
    ),
})  # fmt: skip
"""By name: the one to begin with, its light sister, one of strong contrast, the terminal's own."""
