"""The page as a person sees it: in a real browser, redrawn on saving, findings on the nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser import Browser, find_browser
from tests.support.program import Program, finished, until

DOCUMENT = """
sinkgraph: 1
name: shown
sources: {in: {kind: generate, rate: 1/s, to: fan}}
sinks:
  fan: {kind: broadcast, to: [keep, call]}
  keep: {kind: queue, to: {kind: file, path: kept.ndjson}}
  call: {kind: queue, to: {kind: stdout, name: last}, description: "<img src=x onerror=alert(1)>"}
"""
BROWSER = find_browser()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


def save(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def nodes(count: int) -> str:
    return f"document.querySelectorAll('#sheet g.node').length === {count}"


async def test_a_saved_document_is_drawn_again_with_its_findings(tmp_path: Path) -> None:
    assert BROWSER is not None
    path = tmp_path / "graph.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    async with Program("render", path, "--serve", cwd=tmp_path) as program:
        url = (await until(lambda: program.out.decode(), "it says its address")).split()[0]
        async with Browser(BROWSER, tmp_path / "browser") as page:
            await page.open(url)
            await page.until(nodes(6))
            assert await page.value("document.getElementById('name').textContent") == "shown"
            assert await page.value("document.querySelectorAll('#sheet img').length") == 0
            assert await page.value("document.getElementById('side').hidden")

            save(path, DOCUMENT.replace("[keep, call]", "[keep, cal]"))
            await page.until("document.querySelector('li[data-code=SG204]') !== null")
            assert await page.value(nodes(6)), "the last drawing stays"
            badge = "document.querySelector('[data-node=fan] .badge.error title').textContent"
            assert "SG204" in await page.value(badge)
            assert "1 error" in await page.value("document.getElementById('notice').textContent")

            risky = DOCUMENT.replace("[keep, call]", "[keep, call, direct]")
            save(path, risky + '  direct: {kind: http, url: "http://127.0.0.1:9/"}\n')
            await page.until(nodes(7))
            assert await page.value("document.getElementById('notice').hidden")
            await page.until("document.querySelector('li[data-severity=warning]') !== null")
            assert await page.value("document.querySelector('[data-node=fan] .badge') !== null")

            await page.value("document.querySelector('li button').click()")
            assert await page.value(
                "document.querySelector('[data-node=fan]').classList.contains('picked')"
            )
            assert "kind: broadcast" in await page.value(
                "document.querySelector('#node pre').textContent"
            )


async def test_the_page_follows_the_theme_of_its_reader_and_can_be_turned(tmp_path: Path) -> None:
    assert BROWSER is not None
    path = tmp_path / "graph.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    ground = "document.querySelector('#sheet polygon').getAttribute('fill')"
    async with Program("render", path, "--serve", cwd=tmp_path) as program:
        url = (await until(lambda: program.out.decode(), "it says its address")).split()[0]
        async with Browser(BROWSER, tmp_path / "browser", dark=True) as page:
            await page.open(url)
            await page.until(nodes(6))
            assert await page.value(ground) == "#0c0f14"
            await page.value("document.getElementById('theme').click()")
            await page.until(f"{ground} === '#ffffff'")


async def test_an_svg_by_itself_follows_the_theme_of_its_reader(tmp_path: Path) -> None:
    assert BROWSER is not None
    (tmp_path / "graph.yaml").write_text(DOCUMENT, encoding="utf-8")
    drawn = await finished("render", "graph.yaml", "-o", "graph.svg", cwd=tmp_path)
    assert drawn.code == 0
    colour = "getComputedStyle(document.querySelector('polygon')).fill"
    for dark, expected in ((True, "rgb(12, 15, 20)"), (False, "rgb(255, 255, 255)")):
        async with Browser(BROWSER, tmp_path / f"browser-{dark}", dark=dark) as page:
            await page.open((tmp_path / "graph.svg").as_uri())
            await page.until("document.querySelector('g.node') !== null")
            assert await page.value(colour) == expected
            described = "document.getElementById('graph-desc').textContent"
            assert "fan: broadcast, to keep, call." in await page.value(described)
