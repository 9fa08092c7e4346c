"""Proves that a soak keeps to its time, tells each failure with its seed, and ends with a table."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from tests.soak.__main__ import main
from tests.soak.parts import PARTS, Call, Part
from tests.soak.play import ROOT, Outcome, play, run_call
from tests.soak.report import Result, bar, clock_face, progress, table

PART = Part("order", "P7", ("tests/reliability/test_order.py",), 10)
ONCE = Part("corruption", "P3", ("tests/log",), 1_000, once=True)


class Watch:
    """Is a clock that only the runner moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def runner(watch: Watch, takes_s: float, code: int = 0, failing_round: int = 0) -> object:
    calls: list[Call] = []

    def run(call: Call, limit_s: float, tick: Callable[[], None]) -> Outcome:
        calls.append(call)
        tick()
        if takes_s > limit_s:
            watch.now += limit_s
            return None, "cut"
        watch.now += takes_s
        failed = code and len(calls) == failing_round
        return (code, "first line\nlast line\n") if failed else (0, "fine")

    run.calls = calls  # type: ignore[attr-defined]
    return run


def soak(
    part: Part, takes_s: float, limit_s: float, **options: int
) -> tuple[Result, str, list[Call]]:
    watch, out = Watch(), io.StringIO()
    run = runner(watch, takes_s, **options)
    (result,) = play([part], limit_s, 7, out, runner=run, clock=watch)  # type: ignore[arg-type]
    assert watch.now <= 100.0 + limit_s
    return result, out.getvalue(), run.calls  # type: ignore[attr-defined]


def test_rounds_go_on_until_the_time_is_over_each_with_another_seed() -> None:
    result, said, calls = soak(PART, 20.0, 70.0)
    assert (result.rounds, result.failures, result.cut, result.seed) == (3, 0, True, None)
    assert [call.env["SINKGRAPH_SEED"] for call in calls] == ["7", "8", "9", "10"]
    assert "order: round 3 ok, seed 9, 1:00\n" in said
    assert "order: a round was cut short at 1:10\n" in said


def test_what_would_be_the_same_again_is_played_once() -> None:
    result, _, calls = soak(ONCE, 1.0, 70.0)
    assert (result.rounds, result.cut, len(calls)) == (1, False, 1)


def test_a_failure_ends_its_part_and_says_how_to_see_it_again() -> None:
    result, said, calls = soak(PART, 1.0, 70.0, code=1, failing_round=2)
    assert (result.rounds, result.failures, result.seed) == (2, 1, 8)
    assert len(calls) == 2
    assert "  | last line\n" in said
    assert (
        "seed 8; to see it again:\n  SINKGRAPH_SOAK=10 SINKGRAPH_SEED=8 .venv/bin/python -m" in said
    )
    assert said.rstrip().endswith("failed")


def test_one_part_that_fails_does_not_keep_the_next_from_being_played() -> None:
    watch, out = Watch(), io.StringIO()
    run = runner(watch, 40.0, code=1, failing_round=1)
    results = play([PART, ONCE], 60.0, 7, out, runner=run, clock=watch)  # type: ignore[arg-type]
    assert [(one.part.name, one.verdict) for one in results] == [
        ("order", "failed"),
        ("corruption", "ok"),
    ]


def test_the_table_is_shown_although_somebody_interrupts() -> None:
    def interrupted(_call: Call, _limit_s: float, _tick: Callable[[], None]) -> Outcome:
        raise KeyboardInterrupt

    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        play([PART], 60.0, 7, out, runner=interrupted)
    assert "no round ended" in out.getvalue()


def test_a_terminal_sees_one_line_that_grows() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    watch = Watch()
    play([PART], 40.0, 7, out, runner=runner(watch, 20.0), clock=watch)  # type: ignore[arg-type]
    assert out.getvalue().count("\r") == 3
    assert "round 1" not in out.getvalue()
    assert f"order        [{'#' * 24}] 0:40 of 0:40, rounds 2, failures 0\n" in out.getvalue()


@pytest.mark.parametrize(
    ("share", "shown"), [(0, "----"), (0.5, "##--"), (1, "####"), (7, "####"), (-1, "----")]
)
def test_a_bar_shows_its_share(share: float, shown: str) -> None:
    assert bar(share, 4) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3_661, "1:01:01")]
)
def test_a_duration_is_read_at_a_glance(seconds: float, shown: str) -> None:
    assert clock_face(seconds) == shown


def test_a_line_and_a_table_say_what_they_know() -> None:
    first = Result(PART).after(7, 0, 10.0).after(8, 1, 20.0)
    second = Result(ONCE, took_s=3_600.0, cut=True)
    assert progress(first, 30.0, 60.0).startswith("order        [############------------] 0:30 of")
    assert table([first, second]).splitlines() == [
        "part        promises  rounds  failures     took  seed",
        "order       P7             2         1     0:20     8  failed",
        "corruption  P3            0+         0  1:00:00        no round ended",
        "+ a further round was cut short by the time bound",
    ]


def test_a_command_is_shown_as_it_is_typed() -> None:
    call = Call(("-m", "pytest", "-k", "one and two"), {"SINKGRAPH_SEED": "3"})
    assert call.shown("python") == "SINKGRAPH_SEED=3 python -m pytest -k 'one and two'"


def test_every_part_has_a_name_of_its_own_and_tests_that_exist() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)
    for part in PARTS:
        for word in part.what:
            if word.endswith(".py"):
                assert (ROOT / word).exists(), word
            if word.startswith("tests."):
                assert (ROOT / f"{word.replace('.', '/')}.py").exists(), word


def test_a_real_command_is_run_in_its_environment_and_cut_at_its_time() -> None:
    ticks: list[int] = []
    say = "import os, sys; print(os.environ['SINKGRAPH_SOAK']); sys.exit(3)"
    call = Call(("-c", say), {"SINKGRAPH_SOAK": "10"})
    assert run_call(call, 30.0, lambda: ticks.append(1)) == (3, "10\n")
    assert ticks
    forever = Call(("-c", "import signal; signal.pause()"))
    assert run_call(forever, 0.0, lambda: None)[0] is None


def test_unknown_parts_and_odd_times_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, said in ((["ordr"], "no part is named ordr"), (["--minutes", "0"], "more than 0")):
        with pytest.raises(SystemExit) as raised:
            main(wrong)
        assert raised.value.code == 2
        assert said in capsys.readouterr().err
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("properties")
