"""Where a run stands fits a line of a common window, however large the district."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from rich.cells import cell_len

from notifier.commands.channels import pace_words
from notifier.commands.figures_line import WIDTH, figures_line, short_moment
from notifier.commands.words import Language, choose
from notifier.storage.budgets import ChannelBudget
from notifier.storage.runs import RunProgress

NOON = datetime(2026, 12, 1, 12)


@pytest.fixture(params=Language)
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    choose(request.param)
    yield request.param
    choose(Language.EN)


def standing(of: int) -> RunProgress:
    return RunProgress(in_flight=200, due_now=of, due_later=of, next_due_at=None, last_due_at=None)


@pytest.mark.parametrize("of", [1, 3608, 36_080])
@pytest.mark.parametrize("begin", ["09:31:07", "12-01 09:31"])
def test_it_fits(language: Language, begin: str, of: int) -> None:
    assert cell_len(figures_line(begin, of, of, standing(of), "12-02 09:00")) <= WIDTH


@pytest.mark.usefixtures("language")
def test_what_comes_next_is_told_where_there_is_room() -> None:
    assert "12:30" in figures_line("09:31:07", 3608, 3608, standing(3608), "12:30")


def test_what_is_nothing_is_left_out() -> None:
    nothing = RunProgress(in_flight=0, due_now=0, due_later=0, next_due_at=None, last_due_at=None)
    assert figures_line("09:31:07", 5, 5, nothing, None) == "09:31:07  5/5 settled"


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.208333, "12.5 a minute"), (0.999, "59.9 a minute"), (1.0, "1/s"), (20.833333, "20.8/s"), (1000.0, "1000/s")],
)
def test_a_slow_pace_is_told_by_the_minute(rate: float, words: str) -> None:
    budget = ChannelBudget("voice", rate, most_in_flight=10, paused=None, paused_until=None, in_flight=0)
    assert pace_words(budget) == words


def test_the_day_is_told_of_another_day_only() -> None:
    assert short_moment(NOON.replace(hour=15), NOON) == "15:00"
    assert short_moment(NOON.replace(day=2), NOON) == "12-02 12:00"
