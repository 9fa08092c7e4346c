"""The documents of graphs/broken, and the findings that stand beside them.

`python -m tests.graph.broken` writes the findings again; look at what changed.
"""

from __future__ import annotations

import os
from pathlib import Path

from sinkgraph.diagnostics.report import render_human
from sinkgraph.graph.load import check

__all__ = ["BROKEN", "DOCUMENTS", "beside", "findings_text"]

BROKEN = Path(__file__).parents[2] / "graphs" / "broken"
DOCUMENTS = sorted(one for one in BROKEN.iterdir() if one.suffix in {".yaml", ".toml", ".json"})


def beside(path: Path) -> Path:
    """Return where the findings of a document stand."""
    return path.with_suffix(".findings" if path.suffix == ".yaml" else f"{path.suffix}.findings")


def findings_text(path: Path) -> str:
    """Return the findings of a document as people read them, without any environment variable.

    The working directory has to be `BROKEN`.
    """
    return render_human(check(path.name, env={})) + "\n"


if __name__ == "__main__":
    os.chdir(BROKEN)
    for document in DOCUMENTS:
        beside(document).write_text(findings_text(document), encoding="utf-8")
