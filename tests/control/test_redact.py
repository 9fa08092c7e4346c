"""What leaves over the control plane: no secrets, nothing that steers a terminal, bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.control.redact import Redactor, secrets_of
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.load import load
from sinkgraph.spec.secret import Secret

CANARY = "cAnArY-4711-0815"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{CANARY}@host/x",
        f"https://host/x?key={CANARY}&a=1",
        f"Authorization: Bearer {CANARY}",
        f"basic {CANARY}=",
        f"the value {CANARY} itself",
    ],
)
def test_no_text_carries_a_secret(text: str) -> None:
    assert CANARY not in Redactor([CANARY]).text(text)
    if "itself" not in text:
        assert CANARY not in Redactor().text(text)


@pytest.mark.parametrize(
    "text",
    [
        "a bearer token is needed",
        "basic information",
        "http://host/path",
        "tokens and cookies",
        "cannot connect to http://host/x?…: connection refused",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    "name", ["password", "API-Key", "x_api_key", "Authorization", "set-cookie", "clientSecret"]
)
def test_values_under_telling_names_are_hidden(name: str) -> None:
    assert Redactor().value({name: CANARY, "n": {name: 1}}) == {name: "***", "n": {name: "***"}}


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    held = {"a": [{"b": f"x{CANARY}y"}], CANARY: 1, "s": Secret("whatever")}
    assert CANARY not in json.dumps(Redactor([CANARY]).value(held))
    assert "whatever" not in json.dumps(Redactor().value(held))


def test_secrets_of_a_document_are_found() -> None:
    graph = load(
        {
            "sinkgraph": 1,
            "name": "s",
            "vars": {"key": {"default": "vvvvvvvv", "secret": True}},
            "sources": {"in": {"kind": "inlet", "to": "out"}},
            "sinks": {
                "out": {
                    "kind": "http",
                    "url": "http://127.0.0.1:9/x",
                    "headers": {"Authorization": f"Bearer {CANARY}"},
                }
            },
        }
    )
    found = secrets_of([graph.vars, *(node.spec for node in graph.nodes.values())])
    assert {f"Bearer {CANARY}", "vvvvvvvv"} <= found


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_whatever_it_is_given_it_gives_json_that_no_terminal_obeys(value: Any) -> None:
    text = json.dumps(Redactor(["password"]).value(value), allow_nan=False, ensure_ascii=False)
    assert safe_text(text) == text


def test_deep_and_large_values_are_cut() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    assert "…" in json.dumps(Redactor().value(deep), ensure_ascii=False)
    assert len(json.dumps(Redactor().value(list(range(100_000))))) < 100_000
