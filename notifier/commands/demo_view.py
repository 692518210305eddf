"""How the demo looks: the live panel, the sum, the comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from notifier.commands.demo_comparison import Check
from notifier.commands.demo_words import words
from notifier.commands.figures_line import figures_line
from notifier.commands.reasons import disposition_words, in_words, outcome_words
from notifier.domain.forecast import Forecast
from notifier.domain.states import Outcome
from notifier.storage.runs import RunProgress, Tally

BAR = 36
OUTCOME_COLOURS = {"acknowledged": "green", "reached": "green", "unreached": "yellow", "withdrawn": "cyan"}


@dataclass(frozen=True, slots=True)
class Look:
    """The run as it stands at one moment. `pace`: attempts a real second."""

    clock: str
    doing: str | None  # before it begins
    tally: Tally
    progress: RunProgress
    next_at: str | None
    pace: float
    scale: float
    forecast: Forecast | None
    finish_at: str | None

    @property
    def settled(self) -> int:
        return sum(self.tally.outcomes.values())

    @property
    def notifications(self) -> int:
        return self.settled + self.tally.open + sum(self.tally.held.values())


def panel(look: Look) -> RenderableType:
    """The live picture, a dozen lines."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    grid.add_row(words("live.clock"), Text(look.clock, style="bold"))
    if look.doing:
        grid.add_row(words("live.prepared"), look.doing)
        return Padding(grid, (1, 0, 0, 2))
    grid.add_row(words("live.settled"), _bar(look))
    for outcome in Outcome:
        if count := look.tally.outcomes.get(outcome, 0):
            grid.add_row("", Text(f"{count:>6,}  {outcome_words(outcome)}", style=OUTCOME_COLOURS.get(outcome, "")))
    grid.add_row(words("live.in_flight"), f"{look.progress.in_flight:>6,}")
    grid.add_row(words("live.due_now"), f"{look.progress.due_now:>6,}")
    grid.add_row(words("live.due_later"), _later(look))
    if held := sum(look.tally.held.values()):
        grid.add_row(words("live.held"), Text(f"{held:>6,}", style="yellow"))
    grid.add_row(words("live.pace"), words("live.pace_words", real=look.pace, hour=look.pace * 3600 / look.scale))
    grid.add_row(words("live.forecast"), _finish(look))
    return Padding(grid, (1, 0, 0, 2))


def _bar(look: Look) -> RenderableType:
    row = Table.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(total=max(1, look.notifications), completed=look.settled, width=BAR)
    row.add_row(bar, words("live.of", n=look.settled, all=look.notifications))
    return row


def _later(look: Look) -> str:
    later = look.progress.due_later
    return words("live.next", n=later, at=look.next_at) if look.next_at else f"{later:,}"


def _finish(look: Look) -> str:
    if look.forecast is None or look.finish_at is None:
        return words("live.unknown")
    return words("live.forecast_words", at=look.finish_at, limit=words(f"limit.{look.forecast.limit.value}"))


def one_line(look: Look) -> str:
    """The same for a screen that is no terminal."""
    if look.doing:
        return f"{look.clock}  {look.doing}"
    return figures_line(look.clock, look.settled, look.notifications, look.progress, _short(look))


def _short(look: Look) -> str | None:
    """Without the day where it is today's."""
    today = look.clock.partition(" ")[0]
    return look.next_at.removeprefix(f"{today} ") if look.next_at else None


@dataclass(frozen=True, slots=True)
class Term:
    """One term of rule 7's sum. `sign` is '' for what is broken down, '-' for a part of it, '=' for the rest."""

    sign: str
    count: int
    name: str
    part_of: str = ""


def terms(tally: Tally) -> list[Term]:
    """Selected, less everything that became of it, is the difference: 0 when the run adds up."""
    parts = [
        Term("-", tally.merged, words("sum.merged")),
        *(Term("-", count, in_words(why), words("sum.excluded")) for why, count in _largest(tally.excluded)),
        Term("-", tally.holdout, words("sum.holdout")),
        *_settled(tally),
        *(Term("-", count, in_words(why), words("sum.held")) for why, count in _largest(tally.held)),
        Term("-", tally.open, words("sum.open")),
    ]
    return [
        Term("", tally.selected, words("sum.selected")),
        *(part for part in parts if part.count),
        Term("=", tally.difference, words("sum.difference")),
    ]


def _settled(tally: Tally) -> list[Term]:
    return [Term("-", count, outcome_words(outcome)) for outcome, count in _largest(tally.outcomes)]


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def the_sum(tally: Tally) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", width=2)
    grid.add_column(justify="right", min_width=7)
    grid.add_column(overflow="fold")
    for term in terms(tally):
        style = _term_style(term)
        if term.sign == "=":
            grid.add_row("", "─" * 7, "")
        name = words("sum.part", whole=term.part_of, part=term.name) if term.part_of else term.name
        grid.add_row(term.sign.replace("-", "−"), Text(f"{term.count:,}", style=style), Text(name, style=style))
    return grid


def _term_style(term: Term) -> str:
    if term.sign == "=":
        return "bold green" if term.count == 0 else "bold red"
    return "bold" if term.sign == "" else ""


def attempts_table(tally: Tally) -> RenderableType:
    """Attempts by channel and by how they ended."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", width=2)
    grid.add_column(justify="right", min_width=7)
    grid.add_column(overflow="fold")
    for channel in ("voice", "sms", "email"):
        endings = {word.partition(" ")[2]: n for word, n in tally.attempts.items() if word.startswith(f"{channel} ")}
        if not endings:
            continue
        grid.add_row("", Text(f"{sum(endings.values()):,}", style="bold"), Text(words(f"channel.{channel}"), "bold"))
        for ending, count in _largest(endings):
            grid.add_row("", f"{count:,}", disposition_words(ending))
    return grid


def comparison(checks: Sequence[Check]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        verdict = Text(words("pass"), style="bold green") if check.passed else Text(words("fail"), style="bold red")
        grid.add_row(verdict, words(f"rule.{check.rule.value}", **check.figures))
        for offender in check.offenders:
            grid.add_row("", Text(offender, style="red"))
    return grid


def verdict(checks: Sequence[Check]) -> Text:
    failed = sum(not check.passed for check in checks)
    if failed:
        return Text(words("some_fail", n=failed), style="bold red")
    return Text(words("all_pass", n=len(checks)), style="bold green")


def section(key: str, body: RenderableType) -> RenderableType:
    heading = Line(Text(words(key), style="bold"), align="left", style="dim")
    return Group(Text(""), heading, Padding(body, (0, 0, 0, 2)))


def moment(local: datetime) -> str:
    return f"{local:%m-%d %H:%M}"
