"""Draws the pictures of the documentation: `python docs/pictures.py`, in a checkout.

`python docs/pictures.py --page` also takes the picture of `render --serve`, which needs a Chromium.
Each picture is one call of `sinkgraph render`; which, is in PICTURES.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
_GOLDEN = "tests/render/golden"

PICTURES: dict[str, tuple[str, ...]] = {
    "quickstart.svg": ("graphs/quickstart.yaml", "--fold", "lanes"),
    "shapes.svg": ("graphs/quickstart.yaml",),
    "guarantees.svg": ("graphs/durable.yaml", "--guarantees"),
    "isolation.svg": ("graphs/quickstart.yaml", "--isolation"),
    "against.svg": (f"{_GOLDEN}/registry-new.yaml", "--against", f"{_GOLDEN}/registry.yaml"),
    "groups.svg": (f"{_GOLDEN}/commerce.yaml",),
    "large.svg": (f"{_GOLDEN}/large.yaml",),
}
PAGE = "serve.png"
SERVED = "graphs/quickstart.yaml"
MISTAKE = ("to: hooks", "to: hook")


def draw(name: str, into: Path) -> None:
    """Draw one picture of PICTURES into a folder."""
    command = [sys.executable, "-m", "sinkgraph", "render", *PICTURES[name], "-o", str(into / name)]
    env = {**os.environ, "HOOK_TOKEN": "set"}
    drawn = subprocess.run(
        command, cwd=ROOT, env=env, timeout=120, capture_output=True, text=True, check=False
    )
    if drawn.returncode != 0:
        raise SystemExit(f"{name}: {drawn.stderr}")


async def take_page(into: Path) -> None:
    """Take the picture of a page whose document was saved with a mistake."""
    sys.path.insert(0, str(ROOT))
    from tests.support.browser import Browser, find_browser
    from tests.support.program import Program, until

    program = find_browser()
    if program is None:
        raise SystemExit("error: there is no Chromium on this machine")
    good = (ROOT / SERVED).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "graph.yaml").write_text(good, encoding="utf-8")
        async with Program("render", "graph.yaml", "--serve", cwd=here) as served:
            url = (await until(lambda: served.out.decode(), "it says its address")).split()[0]
            async with Browser(program, here / "browser") as page:
                await page.open(url)
                await page.until("document.querySelector('g.node') !== null")
                (here / "new.yaml").write_text(good.replace(*MISTAKE), encoding="utf-8")
                (here / "new.yaml").replace(here / "graph.yaml")
                await page.until("document.querySelector('g.node .badge') !== null")
                await page.value("document.getElementById('live').textContent = 'live'")
                into.joinpath(PAGE).write_bytes(await page.picture())


def main() -> None:
    """Draw all of them."""
    for name in PICTURES:
        draw(name, IMAGES)
    if "--page" in sys.argv[1:]:
        asyncio.run(take_page(IMAGES))


if __name__ == "__main__":
    main()
