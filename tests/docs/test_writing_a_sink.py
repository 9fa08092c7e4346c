"""What docs/writing-a-sink.md shows is true: the sink is tested, the programs run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import sinkgraph
from sinkgraph import testing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-sink.md").read_text(encoding="utf-8")
SINK, *PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PRINTED = ['b\'{"action":"push"}\\n\' 1\n', "every promise is kept\n"]


def test_the_sink_that_is_shown_is_the_one_that_keeps_the_contract() -> None:
    assert (ROOT / "tests/contract/example_sink.py").read_text(encoding="utf-8") == SINK


def test_a_sink_takes_forty_lines() -> None:
    assert len(SINK.splitlines()) <= 42


@pytest.mark.parametrize(("program", "printed"), list(zip(PROGRAMS, PRINTED, strict=True)))
def test_every_program_prints_what_it_should(program: str, printed: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT / "tests" / "contract",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout, ran.stderr) == (printed, "")


def test_every_error_and_check_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:[A-Z][a-z]+){2,}|check_\w+)\b", PAGE))
    assert {"DeliveryFailed", "SinkClosed", "PartialWrite", "check_source_contract"} <= named
    for name in named:
        assert hasattr(sinkgraph, name) or hasattr(testing, name), name
