"""An operator's day: the file of a run is edited in a loop, with typos, and no event is lost.

The editor replaces the file, the destination fails three times in ten, the program is killed and
started again. Everything is the real command in processes of its own.
"""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import Any

from tests.support.client import calling, request
from tests.support.ledgers import ledger
from tests.support.program import Program, until

DOCUMENT = """
sinkgraph: 1
name: trial
sources:
  in: {{kind: http, listen: "127.0.0.1:0", path: /events, to: hooks}}
sinks:
  hooks:
    kind: endpoint
    store: disk
    url: "{url}"
    capacity: {capacity}
    concurrency: 1
    backoff: {{base: 5ms, cap: 20ms, jitter: none}}
"""
TYPOS = (
    ("kind: endpoint", "kind: endpiont"),
    ("to: hooks", "to: hoks"),
    ("capacity: ", "capacity: many # "),
    ("    backoff:", "   backoff:"),
)


class Editor:
    """Saves as editors do: another file takes the place of the one that was there."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.url = url

    def save(self, capacity: int, typo: tuple[str, str] | None = None) -> None:
        text = DOCUMENT.format(url=self.url, capacity=capacity)
        swap = self.path.with_name(f"{self.path.name}~")
        swap.write_text(text if typo is None else text.replace(*typo, 1))
        swap.replace(self.path)


async def status(folder: Path) -> Any:
    code, out, _ = await asked(folder, "status", "--json")
    assert code == 0
    return json.loads(out)


async def with_capacity(folder: Path, wanted: int) -> Any:
    """Return the status once the last look has seen the queue with this capacity."""
    for _ in range(20):
        now = await status(folder)
        if now["nodes"]["hooks"]["capacity"] == wanted:
            return now
    raise AssertionError(f"its capacity is {now['nodes']['hooks']['capacity']}, not {wanted}")


async def asked(folder: Path, *args: str) -> tuple[int | None, str, str]:
    async with Program(*args, cwd=folder) as program:
        code = await program.ends()
        return code, program.out.decode(), program.err


async def heard(program: Program, word: str, times: int) -> None:
    await until(lambda: program.err.count(word) >= times, word)


def received(path: Path) -> list[int]:
    if not path.exists():
        return []
    return [json.loads(line)["n"] for line in path.read_bytes().splitlines()]


async def test_a_file_edited_in_a_loop_with_typos_loses_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept.ndjson"
    args = ("receive", "--listen", "127.0.0.1:0", "--fail-rate", "0.3", "--out", str(kept))
    async with Program(*args, cwd=tmp_path) as receiver:
        found = await receiver.says(r"listening on (http://\S+)")
        editor = Editor(tmp_path / "graph.yaml", f"{found[1]}/hook")
        editor.save(1000)
        run = Program("run", "graph.yaml", "--watch", "--state-dir", "state", cwd=tmp_path)
        sent, digest = 0, ""
        async with run as program:
            port = await program.port()
            async with calling(port) as client:
                for turn in range(8):
                    typo = TYPOS[turn // 2] if turn % 2 else None
                    word = "reloaded; " if typo is None else "the reload is refused"
                    wanted = program.err.count(word) + 1
                    editor.save(2000 + turn, typo)
                    for _ in range(20):
                        answer = await client.send(request(b'{"n":%d}' % sent))
                        assert answer.status == 202
                        sent += 1
                    await heard(program, word, wanted)
                    if typo is None:
                        digest = (await with_capacity(tmp_path, 2000 + turn))["digest"]
                    else:
                        assert (await drifted(tmp_path, "refused"))["digest"] == digest
                        assert program.err.rpartition("-->")[2].lstrip().startswith("graph.yaml:")
            await until(lambda: len(received(kept)) >= sent, "all are delivered")
            assert await program.interrupted() == 0
        rows = ledger(program.err)
    assert sorted(set(received(kept))) == list(range(sent))
    assert received(kept) == sorted(received(kept)), "a reload put events out of their order"
    assert rows["in"].entered == sent
    assert program.err.count("error[SG") == 4
    assert "graph.yaml:5:" in program.err


async def test_a_hangup_with_a_broken_file_leaves_the_graph_running_and_says_where(
    tmp_path: Path,
) -> None:
    editor = Editor(tmp_path / "graph.yaml", "http://127.0.0.1:9/hook")
    editor.save(100)
    async with Program("run", "graph.yaml", "--state-dir", "state", cwd=tmp_path) as program:
        port = await program.port()
        editor.save(100, ("kind: endpoint", "kind: endpiont"))
        program.signal(signal.SIGHUP)
        await program.says(r"error\[SG124\]: `endpiont` of sink `hooks` is not a kind")
        await program.says(r"--> graph.yaml:8:11")
        async with calling(port) as client:
            assert (await client.send(request(b'{"n":1}'))).status == 202
        now = await status(tmp_path)
        assert (now["generation"], now["drift"]["why"]) == (1, "refused")
        assert now["drift"]["diagnostics"][0]["line"] == 8
        editor.save(200)
        program.signal(signal.SIGHUP)
        await program.says("reloaded; generation=2")
        assert (await with_capacity(tmp_path, 200))["drift"] is None
        assert await program.interrupted() == 0


async def test_killed_and_started_with_resume_it_runs_what_ran(tmp_path: Path) -> None:
    editor = Editor(tmp_path / "graph.yaml", "http://127.0.0.1:9/hook")
    editor.save(100)
    run = ("run", "graph.yaml", "--state-dir", "state")
    async with Program(*run, cwd=tmp_path) as program:
        port = await program.port()
        other = Editor(tmp_path / "other.yaml", editor.url)
        other.save(300)
        code, out, err = await asked(tmp_path, "apply", "other.yaml", "--if-match", "1")
        assert (code, out) == (0, "generation 2 runs now: 1 retuned\n"), err
        async with calling(port) as client:
            for n in range(5):
                assert (await client.send(request(b'{"n":%d}' % n))).status == 202
        program.signal(signal.SIGKILL)
        await program.process.wait()
    editor.save(100, TYPOS[0])
    code, _, err = await asked(tmp_path, *run)
    assert code == 1
    assert "`--resume` starts generation 2, which ran last" in err
    async with Program(*run, "--resume", cwd=tmp_path) as program:
        await program.port()
        assert "resuming generation 2, which ran last" in program.err
        now = await status(tmp_path)
        assert (now["generation"], now["nodes"]["hooks"]["capacity"]) == (2, 300)
        assert now["nodes"]["hooks"]["ledger"]["recovered"] == 5
        assert now["drift"]["why"] == "refused"
        code, out, err = await asked(tmp_path, "rollback")
        assert (code, out) == (0, "generation 3 runs now: 1 retuned\n"), err
        await with_capacity(tmp_path, 100)
        assert await program.interrupted() == 0
    editor.save(100, ("hooks", "hoks"))
    text = editor.path.read_text().replace("  hooks:", "  hoks:")
    editor.path.write_text(text)
    code, _, err = await asked(tmp_path, *run)
    assert code == 1
    assert "hooks" in err
    assert "`--resume` starts generation 3, which ran last" in err


async def test_operators_verbs_tell_what_they_did_and_what_they_could_not(tmp_path: Path) -> None:
    code, out, err = await asked(tmp_path, "apply")
    assert (code, out) == (3, "")
    assert "no graph of this user is running" in err
    editor = Editor(tmp_path / "graph.yaml", "http://127.0.0.1:9/hook")
    editor.save(100)
    async with Program("run", "graph.yaml", cwd=tmp_path) as program:
        await program.port()
        assert (await asked(tmp_path, "apply"))[:2] == (
            0,
            "nothing changes, generation 1 runs on\n",
        )
        editor.save(200)
        code, out, _ = await asked(tmp_path, "plan", "graph.yaml")
        assert code == 0
        assert "capacity  100 → 200" in out
        assert (await asked(tmp_path, "apply"))[:2] == (0, "generation 2 runs now: 1 retuned\n")
        code, out, err = await asked(tmp_path, "apply", "graph.yaml", "--if-match", "1")
        assert (code, out) == (1, "")
        assert "generation 2 runs, not 1" in err
        editor.save(200, TYPOS[0])
        code, out, err = await asked(tmp_path, "apply", "graph.yaml")
        assert (code, out) == (1, "")
        assert "--> graph.yaml:8:11" in err
        assert "nothing has changed" in err
        code, out, _ = await asked(tmp_path, "rollback", "--list")
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()] == ["1", "2"]
        code, _, err = await asked(tmp_path, "rollback", "77")
        assert code == 1
        assert "generation 77" in err
        assert (await asked(tmp_path, "apply", "--fate", "x=y"))[0] == 2
        assert await program.interrupted() == 0


async def test_watching_standard_input_is_refused(tmp_path: Path) -> None:
    async with Program("run", "-", "--watch", cwd=tmp_path, stdin=b"sinkgraph: 1") as program:
        assert await program.ends() == 2
    assert "`--watch` needs a file" in program.err


class Spoiled:
    """Is a way a file of a run can be wrong: how it gets so, and what is told of it."""

    def __init__(self, said: str, *wrong: tuple[str, str]) -> None:
        self.said = said
        self.wrong = wrong

    def carry_out(self, editor: Editor) -> None:
        """Make the file wrong, or remove it when it has nothing to be wrong in."""
        if not self.wrong:
            editor.path.unlink()
        for typo in self.wrong:
            editor.save(100, typo)


async def drifted(folder: Path, why: str | None) -> Any:
    """Return the status once the watch has seen how the file differs."""
    for _ in range(40):
        now = await status(folder)
        if (now["drift"] or {"why": None})["why"] == why:
            return now
    raise AssertionError(f"{now['drift']} is not {why}")


async def test_whatever_is_wrong_with_the_file_the_graph_runs_on_and_the_place_is_told(
    tmp_path: Path,
) -> None:
    editor = Editor(tmp_path / "graph.yaml", "http://127.0.0.1:9/hook")
    editor.save(100)
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = f"127.0.0.1:{other.getsockname()[1]}"
        ways = [
            Spoiled("graph.yaml:8:11", TYPOS[0]),
            Spoiled(busy, ("127.0.0.1:0", busy)),
            Spoiled("graph.yaml:10:", ('url: "http:', 'url: "${file:absent.txt}http:')),
            Spoiled("graph.yaml"),
        ]
        run = Program("run", "graph.yaml", "--watch", "--state-dir", "state", cwd=tmp_path)
        async with run as program:
            port = await program.port()
            before = await status(tmp_path)
            async with calling(port) as client:
                for n, way in enumerate(ways):
                    told = len(program.err)
                    way.carry_out(editor)
                    now = await drifted(tmp_path, "refused")
                    assert way.said in program.err[told:], way.said
                    for args in (("apply",), ("apply", "graph.yaml")):
                        code, out, err = await asked(tmp_path, *args)
                        assert (code, out) == (1, ""), (args, err)
                        assert way.said in err
                    now = await status(tmp_path)
                    assert (now["digest"], now["generation"]) == (before["digest"], 1), way.said
                    assert (await client.send(request(b'{"n":%d}' % n))).status == 202
                    editor.save(100)
                    await drifted(tmp_path, None)
                editor.save(200)
                now = await with_capacity(tmp_path, 200)
                assert now["nodes"]["in"]["ledger"]["entered"] == len(ways)
                assert now["generation"] == 2
            assert await program.interrupted() == 0
