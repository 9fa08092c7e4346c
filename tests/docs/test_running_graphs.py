"""docs/running-graphs.md and the files beside it say what the control plane has, and no more."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sinkgraph.cli.main import cli
from sinkgraph.control.access import SCOPES, parse_tokens
from sinkgraph.control.metrics import METRICS
from sinkgraph.control.ways import WAYS
from sinkgraph.graph.load import load_graph

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "running-graphs.md").read_text(encoding="utf-8")
SUFFIX = {"counter": "_total", "info": "_info"}


def test_every_way_has_its_row_with_its_scope() -> None:
    rows = re.findall(r"^\| `(GET|POST) (\S+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (way.method, way.path, f"`{way.scope}`" if way.scope else "nobody asks", way.says)
        for way in WAYS
    ]


def test_every_metric_has_its_row() -> None:
    rows = re.findall(r"^\| `(sinkgraph_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (
            f"sinkgraph_{one.name}{SUFFIX.get(one.type, '')}",
            one.type,
            " ".join(f"`{label}`" for label in one.labels),
            one.help,
        )
        for one in METRICS
    ]


def test_every_scope_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?:to|`read`|everything)", PAGE, re.MULTILINE) == [*SCOPES]


@pytest.mark.parametrize("name", re.findall(r"--[a-z][a-z-]+", PAGE))
def test_every_option_it_names_exists(name: str) -> None:
    helps = [
        CliRunner().invoke(cli, [*words, "--help"]).output
        for words in (["run"], ["tap"], ["pause"], ["status"])
    ]
    assert name == "--unix-socket" or any(name in text for text in helps)


def test_the_manifest_for_kubernetes_runs_a_document_without_errors(tmp_path: Path) -> None:
    config, secret, workload = yaml.safe_load_all((DOCS / "deploy/kubernetes.yaml").read_text())
    path = tmp_path / "graph.yaml"
    path.write_text(config["data"]["graph.yaml"])
    graph, found = load_graph(path)
    assert graph is not None
    assert [one.headline for one in found if one.severity == "error"] == []
    assert len(parse_tokens(secret["stringData"]["tokens"], "tokens")) == 2
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    told = CliRunner().invoke(cli, ["run", "--help"]).output
    for arg in container["args"][2:]:
        assert arg.partition("=")[0] in told
    drain = next(arg for arg in container["args"] if arg.startswith("--drain="))
    assert pod["terminationGracePeriodSeconds"] > int(drain.removeprefix("--drain=")[:-1])
    mounts = {one["name"] for one in container["volumeMounts"]}
    volumes = {one["name"] for one in pod["volumes"]}
    claims = {one["metadata"]["name"] for one in workload["spec"]["volumeClaimTemplates"]}
    assert mounts == volumes | claims


def test_the_unit_gives_a_drain_its_time() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DOCS / "deploy/sinkgraph@.service")
    service = unit["Service"]
    assert service["Type"] == "notify-reload"
    drain = re.search(r"--drain (\d+)s", service["ExecStart"])
    assert drain is not None
    assert int(service["TimeoutStopSec"].removesuffix("s")) > int(drain[1])
