"""The pictures of the documentation show what is drawn today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
PICTURES: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "pictures.py"))
IMAGES = ROOT / "docs" / "images"
SVG = "{http://www.w3.org/2000/svg}"


def shown(path: Path) -> list[str | None]:
    """Return what can be read in a picture, wherever Graphviz has put it; tooltips aside."""
    root = ElementTree.parse(path).getroot()
    said = [one.text for one in root if one.tag in (f"{SVG}title", f"{SVG}desc")]
    return said + sorted(one.text or "" for one in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("name", PICTURES["PICTURES"])
def test_a_picture_is_the_one_that_is_drawn_today(name: str, tmp_path: Path) -> None:
    PICTURES["draw"](name, tmp_path)
    assert shown(tmp_path / name) == shown(IMAGES / name), "`python docs/pictures.py` draws it anew"


def test_every_picture_is_drawn_by_the_script_and_shown_on_a_page() -> None:
    there = {path.name for path in IMAGES.iterdir()}
    assert there == {*PICTURES["PICTURES"], PICTURES["PAGE"]}
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    used = {
        found
        for page in pages
        for found in re.findall(r"images/([\w.-]+)", page.read_text(encoding="utf-8"))
    }
    assert used == there
