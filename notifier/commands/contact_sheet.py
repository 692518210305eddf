"""Recordings in a folder, and the sheet to listen to them by: what each says, how long it lasts and who speaks."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from notifier.commands.terminal import engine_words
from notifier.commands.words import Language, chosen, listed, say
from notifier.resources import template_root

if TYPE_CHECKING:
    from notifier.engine.audition import Take
    from notifier.engine.audition_calls import Call

SHEET = "contact-sheet.html"
TEMPLATE = "console/contact_sheet.html.j2"
LANGUAGES = {"zh-TW": "zh-Hant-TW"}  # as HTML names them
OWNER_ONLY = 0o600


class CannotWrite(Exception):
    """Why nothing can be put there; the message is the system's."""


class Occupied(CannotWrite):
    """There is something in the folder already."""


class IsFile(CannotWrite):
    """A folder was asked for where a file lies."""


@contextmanager
def new_folder(where: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `where` once it is whole; only its owner may look into it. Raises CannotWrite."""
    where = where.absolute()
    with _named():
        filling = _begin(where)
    try:
        yield filling
        with _named():
            filling.rename(where)  # takes the place of an empty folder, and of nothing else
    finally:
        shutil.rmtree(filling, ignore_errors=True)


def _begin(where: Path) -> Path:
    if where.is_dir() and any(where.iterdir()):
        raise Occupied
    if where.exists() and not where.is_dir():
        raise IsFile
    where.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{where.name}.", suffix=".unfinished", dir=where.parent))


def write_takes(folder: Path, takes: "Sequence[Take]", calls: "Sequence[Call]", title: str, at: str) -> None:
    """The recordings, and the sheet beside them. Raises CannotWrite."""
    with _named():
        for take in takes:
            _write(folder / _file(take), take.sound)
        _write(folder / SHEET, contact_sheet(takes, calls, title, at).encode())


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(error.strerror) from error


def contact_sheet(takes: "Sequence[Take]", calls: "Sequence[Call]", title: str, at: str) -> str:
    """A page that needs nothing but the files beside it."""
    loader = jinja2.FileSystemLoader(template_root())
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=True)
    return environment.get_template(TEMPLATE).render(
        lang=LANGUAGES["zh-TW"] if chosen() is Language.ZH else "en",
        title=say("sheet.title", title=title),
        about=say("sheet.about", at=at, n=len(takes)),
        private=say("sheet.private"),
        groups=[
            _Group(_group_title(call, calls), [_entry(take) for take in some])
            for call, some in groupby(takes, lambda take: take.call)
        ],
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    title: str
    file: str
    lang: str
    words: Sequence[str]
    about: str


@dataclass(frozen=True, slots=True)
class _Group:
    title: str
    takes: Sequence[_Entry]


def _group_title(call: int | None, calls: "Sequence[Call]") -> str:
    if call is None:
        return say("sheet.sentences")
    return say("sheet.call", n=call, subjects=listed(calls[call - 1].subjects))


def _entry(take: "Take") -> _Entry:
    what = say(f"sentence.{take.sentence.value}") if take.sentence else say(f"kind.{take.kind.value}", key=take.key)
    parts = [what, say(f"locale.{take.locale}")]
    parts += [say("sheet.slow")] if take.slow else []
    about = say("sheet.take", s=f"{take.seconds:.1f}", engine=engine_words(take.engine), file=_file(take))
    return _Entry(" · ".join(parts), _file(take), LANGUAGES.get(take.locale, take.locale), take.words, about)


def _file(take: "Take") -> str:
    return f"{take.name}.wav"


def _write(file: Path, content: bytes) -> None:
    file.touch(OWNER_ONLY, exist_ok=False)
    file.write_bytes(content)
