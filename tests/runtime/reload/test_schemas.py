"""A schema file that was written anew is another schema, though the document says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sinkgraph as sg
from sinkgraph.errors import Rejected
from sinkgraph.spec.document_file import read_regular

DOCUMENT = """\
sinkgraph: 1
name: orders
sources: {in: {kind: inlet, schema: ./order.json, validate: reject, to: queue}}
sinks: {queue: {kind: queue, to: {kind: blackhole}}}
"""


def schema(path: Path, type: str) -> None:
    properties: dict[str, Any] = {"id": {"type": type}}
    path.write_text(json.dumps({"type": "object", "properties": properties}))


async def test_a_schema_that_was_written_anew_holds_after_a_reload(tmp_path: Path) -> None:
    document = tmp_path / "orders.yaml"
    document.write_text(DOCUMENT)
    schema(tmp_path / "order.json", "integer")
    async with sg.run(str(document)) as live:
        await live.write({"id": 1})
        with pytest.raises(Rejected):
            await live.write({"id": "a"})
        schema(tmp_path / "order.json", "string")
        assert await live.reload(str(document))
        assert live.generation == 2
        await live.write({"id": "a"})
        with pytest.raises(Rejected):
            await live.write({"id": 1})
        assert await live.reload(str(document))
        assert live.generation == 2


async def test_only_schemas_are_read_again_to_compare_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "orders.yaml"
    document.write_text(DOCUMENT)
    schema(tmp_path / "order.json", "integer")
    graph = sg.load(str(document))
    read: list[str] = []
    opened = read_regular

    def noted(path: str, limit: int) -> tuple[bytes | None, str]:
        read.append(path)
        return opened(path, limit)

    monkeypatch.setattr("sinkgraph.runtime.reloads.read_regular", noted)
    async with sg.run(graph) as live:
        await live.write({"id": 1})
        assert set(read) == {str(tmp_path / "order.json")}
