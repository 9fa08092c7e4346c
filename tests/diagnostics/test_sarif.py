"""Findings as SARIF have the structure OASIS requires of version 2.1.0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.sarif import SCHEMA, VERSION, render_sarif
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.graph.load import check
from tests.graph.broken import BROKEN, DOCUMENTS

LEVELS = {"none", "note", "warning", "error"}


def require(value: Any, kind: type, *required: str, known: tuple[str, ...] = ()) -> None:
    """Hold a value to a type, and an object to its keys."""
    assert isinstance(value, kind), value
    if isinstance(value, dict):
        assert set(required) <= set(value), value
        assert set(value) <= {*required, *known}, value


def text_of(message: Any) -> str:
    """Return the text of a message (§3.11), which is never empty."""
    require(message, dict, "text")
    require(message["text"], str)
    assert message["text"]
    return str(message["text"])


def hold_log(log: Any) -> list[Any]:
    """Hold a log to §3.13 and §3.14, and return its results."""
    require(log, dict, "version", "runs", known=("$schema",))
    assert log["version"] == VERSION == "2.1.0"
    assert log["$schema"] == SCHEMA
    (run,) = log["runs"]
    require(run, dict, "tool", known=("results", "columnKind"))
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    driver = run["tool"]["driver"]
    require(driver, dict, "name", known=("version", "rules"))
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        require(
            *(rule, dict, "id"),
            known=("name", "shortDescription", "help", "defaultConfiguration"),
        )
        assert text_of(rule["shortDescription"]) == CODES[rule["id"]].title
        text_of(rule["help"])
        assert rule["defaultConfiguration"]["level"] in LEVELS
    for result in run["results"]:
        hold_result(result, ids)
    return list(run["results"])


def hold_result(result: Any, ids: list[str]) -> None:
    """Hold a result to §3.27."""
    require(
        *(result, dict, "message", "ruleId", "ruleIndex", "level"),
        known=("locations", "relatedLocations"),
    )
    assert ids[result["ruleIndex"]] == result["ruleId"]
    assert result["level"] in LEVELS
    text_of(result["message"])
    for location in (*result.get("locations", ()), *result.get("relatedLocations", ())):
        hold_location(location)
    related = [one["id"] for one in result.get("relatedLocations", ())]
    assert related == sorted(set(related))


def hold_location(location: Any) -> None:
    """Hold a location to §3.28 to §3.30."""
    require(location, dict, known=("physicalLocation", "logicalLocations", "message", "id"))
    assert {"physicalLocation", "logicalLocations"} & set(location)
    for one in location.get("logicalLocations", ()):
        require(one, dict, "fullyQualifiedName")
    if "message" in location:
        text_of(location["message"])
    if "physicalLocation" not in location:
        return
    physical = location["physicalLocation"]
    require(physical, dict, "artifactLocation", known=("region",))
    uri = physical["artifactLocation"]["uri"]
    assert uri == uri.encode("ascii").decode()
    assert urlsplit(uri).scheme in {"", "file"}
    region = physical["region"]
    require(region, dict, "startLine", "startColumn", "endLine", "endColumn")
    start = region["startLine"], region["startColumn"]
    assert min(start) >= 1
    assert (region["endLine"], region["endColumn"]) >= start


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_findings_of_a_document_are_a_valid_log(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BROKEN)
    found = check(path.name, env={})
    results = hold_log(json.loads(render_sarif(found)))
    assert [one["ruleId"] for one in results] == [one.code for one in found]
    assert [one["level"] for one in results] == [one.severity for one in found]
    for result, one in zip(results, found, strict=True):
        assert one.span is not None
        physical = result["locations"][0]["physicalLocation"]
        region = physical["region"]
        assert (region["startLine"], region["startColumn"]) == (one.span.line, one.span.col)
        assert unquote(physical["artifactLocation"]["uri"]) == one.span.source.name
        assert len(result.get("relatedLocations", ())) == len(one.secondary)


def test_no_findings_are_a_log_with_no_results() -> None:
    assert hold_log(json.loads(render_sarif([]))) == []


def test_notes_and_help_are_part_of_the_message() -> None:
    one = Diagnostic("SG206", "it is", notes=("a fact",), help=("do this",), path="sinks.a")
    (result,) = hold_log(json.loads(render_sarif([one])))
    assert result["message"]["text"] == "it is\nnote: a fact\nhelp: do this"
    assert result["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "sinks.a"}]}]


def test_a_finding_without_any_place_has_no_location() -> None:
    (result,) = hold_log(json.loads(render_sarif([Diagnostic("SG104", "it is empty")])))
    assert "locations" not in result


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b/ä.yaml", "a%20b/%C3%A4.yaml"),
        ("c:d.yaml", "c%3Ad.yaml"),
        ("/etc/a.yaml", "file:///etc/a.yaml"),
        ("<stdin>", "stdin"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_file_names_become_uris(name: str, uri: str) -> None:
    source = SourceText(name, "a: 1\nb: 2\n")
    one = Diagnostic(
        "SG108", "twice", span=Span(source, 5, 6), secondary=(Label(Span(source, 0, 1), "first"),)
    )
    (result,) = hold_log(json.loads(render_sarif([one])))
    places = [*result["locations"], *result["relatedLocations"]]
    uris = [place["physicalLocation"]["artifactLocation"]["uri"] for place in places]
    assert uris == [uri, uri]
