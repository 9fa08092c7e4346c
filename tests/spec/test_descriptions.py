"""The text below a field in its source is its description, once somebody asks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from sinkgraph.spec.descriptions import describe
from sinkgraph.spec.kinds.base import NodeSpec, Section


class Inner(Section):
    depth: int = 1
    """How deep
    it is."""


class Outer(NodeSpec):
    kind: Literal["outer"]
    """`outer`."""
    inner: Inner | None = None
    """What is inside."""
    told: int = Field(default=1, description="as told")
    """Not this."""
    silent: int = 1


class Deeper(Outer):
    more: tuple[Inner, ...] = ()
    """Several."""


def test_fields_of_a_model_its_bases_and_its_sections_are_described() -> None:
    describe([Deeper])
    fields = Deeper.model_fields
    assert fields["kind"].description == "`outer`."
    assert fields["inner"].description == "What is inside."
    assert fields["more"].description == "Several."
    assert fields["told"].description == "as told"
    assert fields["silent"].description is None
    assert fields["enabled"].description == "False takes the node and its edges out of the graph."
    assert Inner.model_fields["depth"].description == "How deep\nit is."
    described = Deeper.model_json_schema()
    assert described["$defs"]["Inner"]["properties"]["depth"]["description"] == "How deep\nit is."


def test_a_model_is_valid_before_and_after_it_is_described() -> None:
    values = {"kind": "outer", "inner": {"depth": 2}}
    before = Outer.model_validate(values)
    describe([Outer])
    assert Outer.model_validate(values) == before


def test_a_model_without_a_source_has_no_descriptions() -> None:
    space: dict[str, type[BaseModel]] = {"Section": Section}
    exec("class Made(Section):\n    a: int = 1\n    'lost'\n", space)
    describe([space["Made"]])
    assert space["Made"].model_fields["a"].description is None
