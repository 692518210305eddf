"""Where in its script a call ended: which line was being said when somebody hung up.

What a document of the call tells is kept with the receipt of the turn that led to it; how long its lines take is known
of recordings of ours, and of the carrier's own voice it is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from notifier.domain.dialogue_words import Sentence
from notifier.domain.message import VoiceMessage
from notifier.domain.recording import Part

LAST_HEARD = "last_heard"  # key and status of the receipt that this is kept in
QUESTIONS = frozenset({Sentence.ASK_CONFIRM_WRONG_PERSON, Sentence.ASK_CONFIRM_DO_NOT_CALL})


@dataclass(frozen=True, slots=True)
class Passage:
    """What one document of a call says: a sentence, a half of the script, or one before the other."""

    locale: str
    part: Part | None = None
    slow: bool = False
    sentence: Sentence | None = None

    def detail(self) -> dict[str, str]:
        """As a receipt keeps it."""
        found = {"locale": self.locale}
        found |= {"part": self.part.value} if self.part else {}
        found |= {"pace": "slow"} if self.slow else {}
        return found | ({"sentence": self.sentence.value} if self.sentence else {})

    @classmethod
    def read(cls, detail: Mapping[str, str]) -> "Passage | None":
        """None for the detail of a receipt that led to no document."""
        if "locale" not in detail:
            return None
        part, sentence = detail.get("part"), detail.get("sentence")
        return cls(
            detail["locale"],
            Part(part) if part else None,
            detail.get("pace") == "slow",
            Sentence(sentence) if sentence else None,
        )


@dataclass(frozen=True, slots=True)
class LastHeard:
    """`line` counts from 1 over the whole script of `lines`; None when it is not known, or when the call ended at a
    question that the script does not hold."""

    passage: Passage
    lines: int
    line: int | None = None

    def detail(self) -> dict[str, str]:
        """As its receipt keeps it."""
        found = self.passage.detail() | {"lines": str(self.lines)}
        return found if self.line is None else found | {"line": str(self.line)}


def seconds_told(
    began: datetime | None, answered: datetime | None, ended: datetime | None, lasted: float | None
) -> float | None:
    """Seconds from the beginning of the last passage to the end of the call, or None when nothing says so.

    `began` None: it began when the call was answered. `lasted` is what the carrier says of the whole call, in whole
    seconds. Callbacks come late and never early, so of two figures the smaller is the better one.
    """
    start = began or answered
    found = [(ended - start).total_seconds()] if ended and start else []
    if lasted is not None and began is None:
        found.append(lasted)
    elif lasted is not None and began and answered:
        found.append(lasted - (began - answered).total_seconds())
    return max(min(found), 0.0) if found else None


def last_heard(
    message: VoiceMessage, passage: Passage, seconds: float | None, before: float = 0.0, lines: Sequence[float] = ()
) -> LastHeard | None:
    """Where a call ended `seconds` into its last passage; None when that was said to its end.

    `before`: the seconds of the sentence before the half; `lines`: those of each line of the half with its pauses, or
    none when they are not known.
    """
    script = message.scripts[passage.locale]
    count = len(script.marked)
    if passage.part is not None and passage.part.key:
        return None  # the customer had said what they wanted
    if passage.part is None:
        return LastHeard(passage, count) if passage.sentence in QUESTIONS else None
    if seconds is None or not lines:
        return LastHeard(passage, count)
    ends = accumulate(lines, initial=before)
    over = sum(seconds >= end for end in ends) - 1  # lines that were said to their end
    if over < len(lines):
        return LastHeard(passage, count, _offset(passage.part, script.essential) + max(over, 0) + 1)
    return LastHeard(passage, count, script.essential) if passage.part is Part.ESSENTIAL else None


def _offset(part: Part, essential: int) -> int:
    return 0 if part is Part.ESSENTIAL else essential
