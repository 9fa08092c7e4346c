"""The JSON Schema of documents is whole: every kind, every field, every reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sinkgraph.spec.kind import all_kinds, find_kind
from sinkgraph.spec.load import TOP_LEVEL
from sinkgraph.spec.schema import document_schema, kind_schema, schema_text


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from _walk(one)
    elif isinstance(value, list):
        for one in value:
            yield from _walk(one)


def test_every_reference_leads_to_a_definition() -> None:
    schema = document_schema()
    refs = {one["$ref"] for one in _walk(schema) if isinstance(one.get("$ref"), str)}
    assert "#/$defs/Sink" in refs
    for ref in refs:
        assert ref.startswith("#/$defs/")
        assert ref.removeprefix("#/$defs/") in schema["$defs"]


def test_every_kind_stands_in_the_union_of_its_side() -> None:
    schema = document_schema()
    for side, title in (("source", "Source"), ("sink", "Sink")):
        union = schema["$defs"][title]
        names = {one.name for one in all_kinds() if one.side == side}
        assert set(union["properties"]["kind"]["enum"]) == names
        assert len(union["oneOf"]) == len(names)


def test_every_field_has_its_description() -> None:
    schema = document_schema()
    for name, model in schema["$defs"].items():
        for key, field in model.get("properties", {}).items():
            if (name, key) not in {("Source", "kind"), ("Sink", "kind")}:
                assert field.get("description"), f"{name}.{key}"
    assert all(one.get("description") for one in schema["properties"].values())


def test_the_top_level_has_the_keys_this_version_reads() -> None:
    later = {"templates", "include", "egress"}
    assert set(document_schema()["properties"]) == set(TOP_LEVEL) - later


def test_a_number_may_be_interpolated() -> None:
    capacity = document_schema()["$defs"]["Queue"]["properties"]["capacity"]
    assert {one.get("type") for one in capacity["anyOf"]} == {"integer", "string"}


@pytest.mark.parametrize("kind", ["queue", "endpoint"])
def test_the_defaults_of_a_queue_are_stated_for_each_store(kind: str) -> None:
    found = find_kind("sink", kind)
    assert found is not None
    schema = kind_schema(found)
    fields = {name: schema["properties"][name] for name in ("capacity", "max_bytes")}
    assert all("default" not in one for one in fields.values()), "it depends"
    assert schema["if"]["properties"] == {"store": {"const": "disk"}}
    ends: dict[str, dict[str, Any]] = {"queue": {"to": "x"}, "endpoint": {"url": ["http://x/"]}}
    for store, branch in (("disk", "then"), ("memory", "else")):
        spec: Any = found.model.model_validate({"kind": kind, "store": store, **ends[kind]})
        stated = {name: one["default"] for name, one in schema[branch]["properties"].items()}
        said = spec.model_dump(mode="json")
        assert stated == {"capacity": said["capacity"], "max_bytes": said["max_bytes"]}


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda one: f"{one.side}-{one.name}")
def test_a_kind_has_a_schema_of_its_own(kind: Any) -> None:
    schema = kind_schema(kind)
    assert "kind" in schema["properties"]
    assert schema["additionalProperties"] is False


def test_the_text_is_the_schema_and_the_same_each_time() -> None:
    assert json.loads(schema_text()) == document_schema()
    assert schema_text() == schema_text()
    assert schema_text().endswith("}\n")


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: f"{kind.side}-{kind.name}")
def test_an_editor_is_not_offered_a_word_this_version_refuses(kind: Any) -> None:
    properties = kind_schema(kind)["properties"]
    for one in kind.model.later:
        if isinstance(one.value, str):
            enums = [part.get("enum", ()) for part in _walk(properties[one.field])]
            assert one.value not in [word for words in enums for word in words]
