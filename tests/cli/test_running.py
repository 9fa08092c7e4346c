"""The commands about a running graph, on one that runs in another process."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from sinkgraph.api.messages import TapEvent, TapGap
from sinkgraph.cli.tap import _line, _summary
from tests.support.program import Program, finished, until

DOCUMENT = """\
sinkgraph: 1
name: try
sources:
  ticks: {kind: generate, rate: 50/s, to: q}
sinks:
  q:
    kind: queue
    capacity: 200
    to:
      kind: retry
      name: again
      breaker: {failure_threshold: 3}
      to: {kind: blackhole, name: end}
"""


LETTERS = """\
sinkgraph: 1
name: letters
sources:
  ticks: {{kind: generate, rate: 20/s, count: {count}, to: check}}
  idle: {{kind: file, paths: [none.ndjson], follow: true, to: check}}
sinks:
  check: {{kind: filter, where: data.missing == 1, to: end}}
  end: {{kind: blackhole}}
"""


async def ask(cwd: Path, *args: str, code: int = 0) -> tuple[str, str]:
    asked = await finished(*args, cwd=cwd)
    assert asked.code == code, asked.err
    return asked.out.decode(), asked.err


def running(tmp_path: Path, *args: str) -> Program:
    (tmp_path / "g.yaml").write_text(DOCUMENT)
    return Program("run", "g.yaml", *args, cwd=tmp_path)


async def started(program: Program) -> None:
    await until(lambda: "press Ctrl-C" in program.err, program.err)


async def test_an_operators_round(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await started(run)
        out, _ = await ask(tmp_path, "status")
        assert out.splitlines()[0].startswith("try, ok, generation 1, up ")
        assert "again" in out
        out, _ = await ask(tmp_path, "pause", "q", "--for", "10m", "--why", "a look")
        assert out.startswith("q is paused, for 10m")
        out, _ = await ask(tmp_path, "status", "try", "--json")
        seen = json.loads(out)
        assert seen["nodes"]["q"]["paused"] is True
        out, _ = await ask(tmp_path, "status")
        assert [line.split()[:3] for line in out.splitlines()[2:3]] == [["q", "queue", "paused"]]
        out, _ = await ask(tmp_path, "resume", "q")
        assert out.startswith("q goes on")
        out, _ = await ask(tmp_path, "breaker", "trip", "q", "--for", "1m")
        assert out.startswith("the breaker of again lets nothing through, for 1m")
        _, err = await ask(tmp_path, "breaker", "probe", "q", code=1)
        assert "the breaker of `again` is isolated, not open: reset it" in err
        out, _ = await ask(tmp_path, "breaker", "reset", "again")
        assert out.startswith("the breaker of again is closed")
        _, err = await ask(tmp_path, "pause", "end", code=1)
        assert "`end` (blackhole) holds no events back; the nearest that can is `q`" in err
        out, err = await ask(tmp_path, "tap", "q", "--limit", "2", "--where", "data != null")
        shown = [json.loads(line) for line in out.splitlines()]
        assert [one["source"] for one in shown] == ["ticks", "ticks"]
        assert all(datetime.fromisoformat(one["time"]).tzinfo for one in shown)
        out, _ = await ask(tmp_path, "tap", "q", "--limit", "1", "--json")
        assert isinstance(json.loads(out)["time"], float)


async def test_a_change_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await started(run)
        async with Program("watch", "--plain", cwd=tmp_path) as watch:
            await until(lambda: b"try is running, generation 1" in watch.out, watch.err)
            await ask(tmp_path, "pause", "q")
            await until(lambda: b"q was paused" in watch.out, watch.err)
            await until(lambda: b"q is 50% full" in watch.out, watch.err)
            run.process.kill()
            await until(lambda: b"try is out of reach: " in watch.out, watch.err)


async def test_a_graph_that_was_started_again_is_watched_on(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await started(run)
        async with Program("watch", cwd=tmp_path) as watch:
            await until(lambda: b"try is running, generation 1" in watch.out, watch.err)
            run.process.kill()
            await until(lambda: b"try is out of reach: " in watch.out, watch.err)
            async with running(tmp_path) as again:
                await started(again)
                await until(lambda: watch.out.count(b"try is running") == 2, watch.err)


def test_a_tapped_event_has_its_time_to_the_millisecond_or_as_it_came() -> None:
    event = TapEvent(seq=1, id="a", type="t", source="s", time=1.25, meta={}, size=None)
    shown = datetime.fromisoformat(json.loads(_line(event, as_json=False))["time"])
    assert shown.timestamp() == 1.25
    assert json.loads(_line(event, as_json=True))["time"] == 1.25
    never = event.model_copy(update={"time": 1e300})
    assert json.loads(_line(never, as_json=False))["time"] == 1e300


def test_what_came_after_the_last_gap_of_a_tap_is_counted_as_shown() -> None:
    gap = TapGap(seen=45, shown=3, filtered=0, failed=0, sampled_out=42, missed=0)
    assert _summary(gap, 4) == "4 of 46 events shown, 42 not sampled"
    assert _summary(gap, 3) == "3 of 45 events shown, 42 not sampled"


@pytest.mark.parametrize(
    "args", [["status"], ["watch"], ["tap", "q"], ["pause", "q"], ["breaker", "reset", "q"]]
)
async def test_nobody_there_is_exit_code_3(tmp_path: Path, args: list[str]) -> None:
    _, err = await ask(tmp_path, *args, code=3)
    assert err.startswith("error: no graph of this user is running")


async def test_a_run_without_control_is_not_found_and_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, "--no-control") as run:
        await started(run)
        await ask(tmp_path, "status", code=3)
        assert not (tmp_path / ".run").exists()


async def test_a_run_that_was_killed_is_not_found_and_tidied_up(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await started(run)
        assert len(list((tmp_path / ".run").iterdir())) >= 1
        run.process.kill()
        await run.process.wait()
        await ask(tmp_path, "status", code=3)
    assert [one for one in (tmp_path / ".run").iterdir() if one.name.endswith(".json")] == []


async def test_an_address_needs_a_token_and_is_used_with_it(tmp_path: Path) -> None:
    _, err = await ask(tmp_path, "run", "g.yaml", "--control", "127.0.0.1:0", code=2)
    assert "`--control` needs a token" in err
    (tmp_path / "tokens").write_text("ops read 0123456789abcdef\n")
    async with running(
        tmp_path, "--control", "127.0.0.1:0", "--control-token-file", "tokens"
    ) as run:
        await started(run)
        url = run.err.split("control at ")[1].split()[0]
        _, err = await ask(tmp_path, "status", url, code=1)
        assert "a bearer token is needed" in err
        out, _ = await ask(tmp_path, "status", url, "--token-file", "tokens")
        assert out.startswith("try, ok")
        _, err = await ask(tmp_path, "pause", "q", url, "--token-file", "tokens", code=1)
        assert "this needs the scope `operate`" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--control", "nonsense"], "is no HOST:PORT"),
        (["--control", "h:99999"], "is no HOST:PORT"),
        (["--control-token-file", "x"], "are of an address"),
        (["--no-control", "--control", "h:1"], "exclude each other"),
        (["--control", "h:1", "--control-token-file", "none"], "no such file"),
    ],
)
async def test_what_cannot_be_meant_is_a_usage_error(
    tmp_path: Path, args: list[str], said: str
) -> None:
    (tmp_path / "g.yaml").write_text(DOCUMENT)
    _, err = await ask(tmp_path, "run", "g.yaml", *args, code=2)
    assert said in err


async def test_a_runtime_directory_that_cannot_be_used_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / ".run").write_text("no directory")
    async with running(tmp_path) as run:
        await started(run)
        assert "warning: the control plane cannot use" in run.err
        run.process.terminate()
        await run.ends()
        assert run.code == 0


async def test_dead_letters_are_replayed_by_the_graph_that_runs(tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text(LETTERS.format(count=3))
    async with Program("run", "letters.yaml", "--state-dir", "st", cwd=tmp_path) as run:
        await started(run)

        async def counted() -> int:
            out, _ = await ask(tmp_path, "status", "--json")
            return int(json.loads(out)["nodes"]["dead-letters"]["depth"])

        while await counted() < 3:
            pass
        live = ["dlq", "replay", "--live", "letters"]
        out, _ = await ask(tmp_path, *live, "--node", "check", "--dry-run")
        assert out == "3 dead letters would be written again:\n  into check: 3\n"
        _, err = await ask(tmp_path, *live, "--all", "--expect", "7", code=1)
        assert "not 7" in err
        out, _ = await ask(tmp_path, *live, "1", "#2", "--to", "end", "--json")
        assert json.loads(out) == {"replayed": {"end": 2}, "left": []}
        _, err = await ask(tmp_path, *live, "--all", "--to", "ned", code=1)
        assert "no node is named `ned`" in err
        _, err = await ask(tmp_path, *live, "--all", "--state-dir", "st", code=2)
        assert "`--live` asks a running graph" in err
        _, err = await ask(tmp_path, "dlq", "replay", "--live", "other", "--all", code=3)
        assert "no running graph is `other`" in err


async def test_dead_letters_are_deleted_by_the_graph_that_runs(tmp_path: Path) -> None:
    (tmp_path / "letters.yaml").write_text(LETTERS.format(count=5))
    async with Program("run", "letters.yaml", "--state-dir", "st", cwd=tmp_path) as run:
        await started(run)

        async def counted() -> int:
            out, _ = await ask(tmp_path, "status", "--json")
            return int(json.loads(out)["nodes"]["dead-letters"]["depth"])

        while await counted() < 5:
            pass
        live = ["dlq", "purge", "--live", "letters"]
        _, err = await ask(tmp_path, *live, "--node", "check", code=2)
        assert "5 dead letters would go" in err
        assert "`--expect 5`" in err
        for wrong in (("--all", "--expect", "4"), ("1", "2", "--expect", "3")):
            _, err = await ask(tmp_path, *live, *wrong, code=1)
            assert "nothing was deleted" in err
        for absent in ("0", "77", "nobody"):
            _, err = await ask(tmp_path, *live, absent, "1", "--expect", "2", code=1)
            assert f"{absent}" in err
        assert await counted() == 5
        out, _ = await ask(tmp_path, *live, "2", "#4", "2", "--expect", "2")
        assert out == "2 dead letters deleted\n"
        out, _ = await ask(tmp_path, "dlq", "ls", "--list", "--json", "--state-dir", "st")
        assert [one["number"] for one in json.loads(out)["letters"]] == [1, 3, 5]
        gone = json.loads(out)["letters"][0]["id"]
        out, _ = await ask(tmp_path, *live, gone, "--expect", "1")
        assert out == "1 dead letter deleted\n"
        _, err = await ask(tmp_path, *live, "--node", "nowhere", "--expect", "1", code=1)
        assert "0 dead letters would go, not 1" in err
        out, _ = await ask(tmp_path, *live, "--all", "--expect", "2")
        assert out == "2 dead letters deleted\n"
        assert await counted() == 0
        _, err = await ask(tmp_path, *live, "--all", "--state-dir", "st", code=2)
        assert "`--live` asks a running graph" in err
