import json
from pathlib import Path

import pytest

from bench.measure import Rounds, Target, keep, spread


def test_the_ratio_is_the_median_of_the_rounds_own() -> None:
    measured = Rounds("q", "per second", Target("of the limit", at_least=0.6), ours=[60, 10, 70], limit=[100, 20, 100])
    result = measured.result()
    assert (result.ratio, result.met) == (0.6, True)
    assert (result.ours, result.limit) == (60, 100)


def test_a_time_may_be_so_much_longer_than_its_limit() -> None:
    measured = Rounds("q", "rows/s", Target("time", at_most=1.5), ours=[50], limit=[100], slower_is_higher=True)
    assert (measured.result().ratio, measured.result().met) == (2.0, False)


def test_without_a_limit_nothing_is_met_or_missed() -> None:
    assert Rounds("q", "per second", None, ours=[1.0]).result().met is None


@pytest.mark.parametrize(("target", "said"), [
    (Target("of x", at_least=0.6), ">= 0.6 (of x)"),
    (Target("to x", at_most=1.5), "<= 1.5 (to x)"),
])  # fmt: skip
def test_a_target_says_itself(target: Target, said: str) -> None:
    assert str(target) == said


def test_spread() -> None:
    assert spread([90, 100, 120]) == pytest.approx(0.3)


def test_a_question_not_asked_keeps_its_last_answer(folder: Path) -> None:
    first, second = (
        Rounds(name, "per second", None, ours=[value]).result() for name, value in (("a", 1.0), ("b", 2.0))
    )
    keep([first], "18", folder)
    keep([second], "18", folder)
    kept = json.loads((folder / "results" / "latest.json").read_text("utf-8"))
    assert [answer["question"] for answer in kept] == ["a", "b"]
    assert "| a | 1 per second |" in (folder / "RESULTS.md").read_text("utf-8")
