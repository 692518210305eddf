"""What a call is made of, as a page and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from notifier.commands.reasons import in_words
from notifier.commands.terminal import Cell, engine_words, listing, pairs
from notifier.commands.words import listed, say
from notifier.domain.recording import Part
from notifier.domain.speech import CARRIER

if TYPE_CHECKING:
    from notifier.engine.audition_calls import Doubt
    from notifier.engine.explanation import ExplainedClip, ExplainedLine, Explanation

KEY = 8  # letters of a clip's key that are shown: enough to tell a call's two hundred apart


def explanation_json(explanation: "Explanation") -> dict[str, Any]:
    totals = {"clips": explanation.clips, "made": explanation.made, "seconds": round(explanation.seconds, 3)}
    return {**asdict(explanation), **totals}


def doubt_lines(doubts: "Sequence[Doubt]") -> list[Text]:
    """Why a run would not make this call, a line each."""
    words = [say("voice.would_not", subjects=listed(doubt.subjects), why=in_words(doubt.reason)) for doubt in doubts]
    return [Text(line, style="yellow") for line in words]


def explanation_page(explanation: "Explanation", title: str, width: int) -> RenderableType:
    """A row for each clip; a line that is cut into several stands above them whole."""
    recorded = explanation.engine != CARRIER
    heads = [say(f"voice.{name}") for name in (_HEADS if recorded else ("line", "words"))]
    rows: list[list[Cell]] = []
    for part, lines in groupby(explanation.lines, lambda line: line.part):
        rows.append([*[""] * (len(heads) - 1), Text(_part_words(part), style="bold cyan")])
        for line in lines:
            rows += _rows(line) if recorded else [[str(line.number), line.words]]
    about = f"{listed(explanation.subjects)} · {say(f'locale.{explanation.locale}')}"
    return Group(
        Text(title, style="bold"), Text(about, style="dim"), Text(""), listing(heads, rows, width), Text(""),
        pairs(list(_totals(explanation))),
    )  # fmt: skip


_HEADS = ("line", "clip", "seconds", "pause", "personal", "words")


def _part_words(part: Part) -> str:
    return say("kind.answer", key=part.key) if part.key else say(f"kind.{part.value}")


def _rows(line: "ExplainedLine") -> Iterator[list[Cell]]:
    if len(line.clips) != 1:
        yield [str(line.number), "", "", "", "", Text(line.words, style="dim")]
    for clip in line.clips:
        yield [str(line.number) if len(line.clips) == 1 else "", *_cells(clip), clip.words]


def _cells(clip: "ExplainedClip") -> list[Cell]:
    return [
        clip.key[:KEY],
        Text(say("voice.not_made"), style="yellow") if clip.seconds is None else f"{clip.seconds:.2f}",
        f"{clip.pause / 1000:.2f}",
        say("voice.yes") if clip.personal else "",
    ]


def _totals(explanation: "Explanation") -> Iterator[tuple[str, RenderableType]]:
    yield say("voice.engine"), Text(engine_words(explanation.engine))
    if explanation.engine == CARRIER:
        yield "", Text(say("voice.no_clips"))
        return
    yield say("voice.clips"), Text(say("voice.of_lines", n=explanation.clips, made=explanation.made))
    plays = "voice.plays" if explanation.made == explanation.clips else "voice.plays_so_far"
    yield say("voice.length"), Text(say(plays, s=f"{explanation.seconds:.1f}"))
    whole = {"n": explanation.clips_of_call, "made": explanation.made_of_call}
    yield say("voice.whole_call"), Text(say("voice.of_call", **whole))
