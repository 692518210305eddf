"""Rounds, medians, targets, and how results are shown and kept.

Ours and its limit are measured by turns in the same run: on a shared machine only their ratio means anything.
"""

import asyncio
import json
import multiprocessing
import os
import platform
import resource
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, ParamSpec, TypeVar

import uvloop
from rich.console import Console
from rich.table import Table

P = ParamSpec("P")
T = TypeVar("T")

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Target:
    """What a ratio must not fall below, or not exceed. `why` says of what to what."""

    why: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, ratio: float) -> bool:
        low = self.at_least is None or ratio >= self.at_least
        return low and (self.at_most is None or ratio <= self.at_most)

    def __str__(self) -> str:
        bound = f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"
        return f"{bound} ({self.why})"


@dataclass
class Rounds:
    """What one question measured: a figure per round of ours, of the limit, and of what is printed beside them."""

    question: str
    unit: str
    target: Target | None
    ours: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    peers: dict[str, list[float]] = field(default_factory=dict)
    slower_is_higher: bool = False  # the ratio is limit / ours, as for figures per second that stand for times

    def beside(self, name: str, value: float) -> None:
        self.peers.setdefault(name, []).append(value)

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' own ratios: what a round suffers, both sides suffer."""
        if not self.limit:
            return None
        pairs = zip(self.ours, self.limit, strict=True)
        return median(limit / ours if self.slower_is_higher else ours / limit for ours, limit in pairs)

    def result(self) -> "Result":
        ratio = self.ratio
        return Result(
            question=self.question,
            unit=self.unit,
            ours=median(self.ours),
            spread=spread(self.ours),
            peers={name: median(values) for name, values in self.peers.items()},
            limit=median(self.limit) if self.limit else None,
            ratio=ratio,
            target=str(self.target) if self.target else None,
            met=self.target.met(ratio) if self.target and ratio is not None else None,
        )


@dataclass(frozen=True)
class Result:
    question: str
    unit: str
    ours: float
    spread: float
    peers: Mapping[str, float]
    limit: float | None
    ratio: float | None
    target: str | None
    met: bool | None


def spread(values: Sequence[float]) -> float:
    """From the lowest to the highest, as a share of the median."""
    return (max(values) - min(values)) / median(values)


def in_process(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it on a loop of its own in a process of its own: its memory and its profile are its alone."""
    (answer,) = in_processes(1, lambda _: (work, args, kwargs))
    return answer  # type: ignore[no-any-return]


def in_processes(count: int, job: Callable[[int], tuple[Callable[..., Any], Any, Any]]) -> list[Any]:
    """As `in_process`, several at the same time; `job` says what the process of a number does."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as processes:
        return [future.result() for future in [processes.submit(_run, *job(number)) for number in range(count)]]


def _run(work: Callable[..., Coroutine[Any, Any, T]], args: Any, kwargs: Any) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work(*args, **kwargs))


def peak_memory() -> float:
    """MB this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(results: Sequence[Result]) -> Table:
    table = Table(title="Medians; the ratio is the median of each round's own", title_justify="left")
    for name in ("question", "ours", "spread", "limit", "ratio", "target", "beside it"):
        table.add_column(name, justify="left" if name in ("question", "target", "beside it") else "right")
    for one in results:
        table.add_row(*_cells(one), style={True: "green", False: "red"}.get(one.met, "") if one.met is not None else "")
    return table


def _cells(one: Result) -> list[str]:
    beside = "\n".join(f"{name}: {_figure(value)}" for name, value in one.peers.items())
    limit = _figure(one.limit) if one.limit is not None else "-"
    ratio = f"{one.ratio:.2f}" if one.ratio is not None else "-"
    ours = f"{_figure(one.ours)} {one.unit}"
    return [one.question, ours, f"{one.spread:.0%}", limit, ratio, one.target or "-", beside]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """What the figures were measured on, without names or paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python {python}"


def keep(results: Sequence[Result], postgres: str, folder: Path = FOLDER) -> None:
    """Write results/latest.json and RESULTS.md. A question not asked this time keeps its last answer."""
    latest = folder / "results" / "latest.json"
    known = json.loads(latest.read_text("utf-8")) if latest.exists() else []
    answers = {answer["question"]: answer for answer in known} | {one.question: asdict(one) for one in results}
    latest.parent.mkdir(exist_ok=True)
    latest.write_text(json.dumps(list(answers.values()), indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / "RESULTS.md").write_text(_page([Result(**answer) for answer in answers.values()], postgres), "utf-8")


def _page(results: Sequence[Result], postgres: str) -> str:
    head = [
        "# What the last `make bench` measured",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; {machine()}, embedded PostgreSQL {postgres} on the same machine, fsync on.",
        "Medians of rounds in which ours and its limit took turns; other work may have been running: ratios hold, "
        "figures less so.",
        "",
        "| question | ours | spread | limit | ratio | target | met | beside it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = []
    for one in results:
        *cells, beside = _cells(one)
        met = {True: "yes", False: "no", None: "-"}[one.met]
        rows.append(f"| {' | '.join(cells)} | {met} | {'; '.join(beside.splitlines())} |")
    return "\n".join([*head, *rows, ""])


CONSOLE = Console()
