"""What is sent to a running graph is a whole document, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from sinkgraph.cli.changing import is_address, sent


@pytest.mark.parametrize("held", ["", " \n"])
def test_an_empty_document_is_not_sent(tmp_path: Path, held: str) -> None:
    path = tmp_path / "g.yaml"
    path.write_text(held)
    with pytest.raises(click.ClickException, match="is empty: nothing was sent"):
        sent(str(path), None)


def test_a_device_or_a_pipe_is_neither_a_graph_nor_a_document(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in ("/dev/zero", str(pipe)):
        assert not is_address(path)
        with pytest.raises(click.ClickException, match="is not a regular file"):
            sent(path, None)
