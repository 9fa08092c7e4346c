"""docs/findings has a page for every code, and each is what `make findings` writes now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sinkgraph.cli.finding_page import index_markdown, page_markdown, write_pages
from sinkgraph.diagnostics.codes import CODES

PAGES = Path(__file__).parents[2] / "docs" / "findings"


def test_there_is_a_page_for_every_code_and_no_other() -> None:
    assert {one.stem for one in PAGES.iterdir()} == {*CODES, "README"}


@pytest.mark.parametrize("code", CODES)
def test_a_page_is_up_to_date(code: str) -> None:
    written = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert written == page_markdown(code), "`make findings` writes it again"


def test_the_index_is_up_to_date_and_names_every_page() -> None:
    written = (PAGES / "README.md").read_text(encoding="utf-8")
    assert written == index_markdown(), "`make findings` writes it again"
    assert re.findall(r"\((SG\d+)\.md\)", written) == list(CODES)


def test_pages_of_codes_that_are_no_more_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinkgraph.cli.finding_page.CODES", {"SG206": CODES["SG206"]})
    (tmp_path / "SG999.md").write_text("old", encoding="utf-8")
    write_pages(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["README.md", "SG206.md"]
