"""The JSON Schema of documents is whole: every kind, every field, every reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sinkgraph.spec.kind import all_kinds, find_kind
from sinkgraph.spec.load import LATER, TOP_LEVEL
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
        held: Any = schema
        for step in ref.removeprefix("#/").split("/"):
            assert step in held, ref
            held = held[step]


def test_every_kind_stands_in_the_union_of_its_side() -> None:
    schema = document_schema()
    for side, title in (("source", "Source"), ("sink", "Sink")):
        union = schema["$defs"][title]
        names = {one.name for one in all_kinds() if one.side == side}
        offered = union["properties"]["kind"]["anyOf"][0]
        assert set(offered["enum"]) == names
        assert all(offered["enumDescriptions"])
        assert len(union["allOf"]) == len(union["defaultSnippets"]) == len(names)


def _fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    schema = document_schema()
    for name, model in schema["$defs"].items():
        for key, field in model.get("properties", {}).items():
            if not name.endswith("Known"):  # which describes nothing, it only forbids
                yield name, key, field
    for key, field in schema["properties"].items():
        yield "document", key, field


def _choices(field: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in _walk(field) if "enum" in one]


def test_every_field_has_its_description() -> None:
    assert [(name, key) for name, key, one in _fields() if not one.get("description")] == []


def test_every_field_shows_what_may_be_written_there() -> None:
    shown = ("examples", "default", "const")
    silent = [
        f"{name}.{key}: an example goes into sinkgraph.spec.schema_words"
        for name, key, one in _fields()
        if not (any(one.get(word) not in (None, [], ()) for word in shown) or _choices(one))
        and one.get("default") is not False
    ]
    assert silent == []


def test_every_word_of_a_choice_is_explained() -> None:
    silent = [
        f"{name}.{key}: {one['enum']}: what they mean goes into sinkgraph.spec.schema_words"
        for name, key, field in _fields()
        for one in _choices(field)
        if len(one.get("enumDescriptions", ())) != len(one["enum"])
    ]
    assert silent == []


def test_every_field_that_may_be_left_open_says_what_it_then_is() -> None:
    schema = document_schema()["$defs"]
    for kind in all_kinds():
        model = schema[kind.model.__name__]
        for name, field in kind.model.model_fields.items():
            stated = model["properties"][field.alias or name]
            fixed = field.get_default(call_default_factory=True)
            if not field.is_required() and fixed not in (None, (), {}):
                by_store = name in ("capacity", "max_bytes") and "if" in model
                assert by_store or "default" in stated, f"{kind.name}.{name}"


def test_the_top_level_has_the_keys_this_version_reads() -> None:
    assert set(document_schema()["properties"]) == set(TOP_LEVEL) - set(LATER)


def test_a_number_may_be_interpolated() -> None:
    capacity = document_schema()["$defs"]["Queue"]["properties"]["capacity"]
    assert capacity["type"] == ["integer", "string"]
    assert capacity["pattern"] == r"\$\{"


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
