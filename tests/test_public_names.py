"""The public names: what is looked up lazily at run time is what type checkers are shown."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest

import sinkgraph
import sinkgraph.sinks


def _shown(module: ModuleType) -> set[str]:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        str(name.asname)
        for line in guarded.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }


@pytest.mark.parametrize("module", [sinkgraph, sinkgraph.sinks], ids=lambda one: one.__name__)
def test_type_checkers_see_every_public_name(module: ModuleType) -> None:
    assert _shown(module) == set(module._EXPORTS)


@pytest.mark.parametrize("module", [sinkgraph, sinkgraph.sinks], ids=lambda one: one.__name__)
def test_every_public_name_can_be_had(module: ModuleType) -> None:
    for name in module._EXPORTS:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("module", [sinkgraph, sinkgraph.sinks], ids=lambda one: one.__name__)
def test_an_unknown_name_is_an_attribute_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name
