"""docs/formatting.md shows what `sinkgraph fmt` does."""

from __future__ import annotations

import re

import yaml

from tests.spec.formatting.corpus import ROOT
from tests.spec.formatting.laws import in_order

PAGE = (ROOT / "docs/formatting.md").read_text(encoding="utf-8")


def _shown(what: str) -> str:
    (block,) = re.findall(rf"```yaml {what}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def test_the_shown_document_becomes_the_one_below_it() -> None:
    assert in_order(_shown("untidy")) == _shown("tidy")


def test_the_named_hooks_are_there() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert set(re.findall(r"`(sinkgraph-\w+)`", PAGE)) == {one["id"] for one in hooks}
