"""python -m bench [question ...] [--size N] [--rounds N] [--profile]"""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from bench import clips, dispatch, fan_out
from bench.ground import Ground, open_ground, server_version
from bench.measure import CONSOLE, Result, Rounds, keep, show

SIZES = {"fan_out": [10_000, 100_000], "dispatch": [100_000], "clips": [100_000]}
ROUNDS = 3


def main(
    questions: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(SIZES)}; without any: all.")] = None,
    size: Annotated[
        int | None, typer.Option(help="Accounts of the district, or calls, instead of each question's own.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often ours and its limit take turns.")] = ROUNDS,
    profile: Annotated[bool, typer.Option(help="Say where our time goes, after the measured rounds.")] = False,
) -> None:
    """Measure the notifier against the limits of its own machine, and write bench/RESULTS.md."""
    if unknown := sorted(set(questions or ()) - SIZES.keys()):
        raise typer.BadParameter(f"no question {unknown[0]!r}; there are: {', '.join(SIZES)}")
    ask: dict[str, Callable[[Ground, list[int]], list[Rounds]]] = {
        "fan_out": lambda ground, sizes: fan_out.ask(ground, sizes, rounds),
        "dispatch": lambda ground, sizes: dispatch.ask(ground, sizes, rounds, profile=profile),
        "clips": lambda ground, sizes: clips.ask(ground, sizes, rounds),
    }
    results: list[Result] = []
    with open_ground() as ground:
        for question in questions or SIZES:
            sizes = [size] if size else SIZES[question]
            results += [measured.result() for measured in ask[question](ground, sizes)]
        postgres = asyncio.run(server_version(ground))
    CONSOLE.print(show(results))
    keep(results, postgres)


if __name__ == "__main__":
    typer.run(main)
