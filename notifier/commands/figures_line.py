"""Where a run stands in one line that fits a window of 80 columns."""

from datetime import datetime

from rich.cells import cell_len

from notifier.commands.words import Language, bracketed, chosen, say
from notifier.storage.runs import RunProgress

WIDTH = 80


def figures_line(begin: str, settled: int, notifications: int, progress: RunProgress, next_at: str | None) -> str:
    """`begin` says when; parts that are nothing are left out, and so is what comes next where there is no room."""
    parts = [say("line.settled", n=settled, all=notifications)]
    parts += [say("line.in_flight", n=progress.in_flight)] if progress.in_flight else []
    parts += [say("line.due_now", n=progress.due_now)] if progress.due_now else []
    parts += [say("line.due_later", n=progress.due_later)] if progress.due_later else []
    line = f"{begin}  " + joined(parts)
    following = bracketed(next_at) if next_at and progress.due_later else ""
    return line + following if cell_len(line + following) <= WIDTH else line


def joined(parts: list[str]) -> str:
    return ("，" if chosen() is Language.ZH else ", ").join(parts)


def short_moment(moment: datetime, now: datetime) -> str:
    """The hour; of another day, the day too. Both local."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%m-%d %H:%M}"
