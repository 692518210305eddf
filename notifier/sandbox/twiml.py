"""TwiML read into verbs. Only what is listed here is known; anything else is an error, as an unknown verb would be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

PARSE_FAILURE = 12100
INVALID_ROOT = 12102
SCHEMA = 12200
NUMBERLESS = 1000  # digits a Gather without numDigits takes, and rounds of `loop="0"` ("for ever")
HANZI_PER_SECOND = 4.5
WORDS_PER_SECOND = 2.6
_HANZI = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+|\d+")


class TwimlError(Exception):
    """A document that cannot be carried out; `code` is the carrier's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Gather:
    """Speaks its children and takes digits; `timeout` seconds of silence end it."""

    children: tuple[Say | Play | Pause, ...]
    num_digits: int = NUMBERLESS
    timeout: float = 5.0
    finish: str = "#"
    action: str = ""
    method: str = "POST"
    tells_empty: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    """Ends the call; `<Reject>` on an outgoing call does the same."""


Utterance = Say | Play | Pause
Verb = Utterance | Gather | Redirect | Hangup


def parse(text: str | bytes) -> tuple[Verb, ...]:
    """The verbs of a document. Raises TwimlError."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - the application's own words
    except (ElementTree.ParseError, ValueError) as error:
        raise TwimlError(PARSE_FAILURE, f"document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(INVALID_ROOT, f"invalid root element <{root.tag}>")
    return tuple(_verb(element) for element in root)


def speech_seconds(text: str) -> float:
    """How long the text takes to say: about 4.5 Chinese characters or 2.6 words a second, punctuation included."""
    return len(_HANZI.findall(text)) / HANZI_PER_SECOND + len(_WORD.findall(text)) / WORDS_PER_SECOND


def _verb(element: ElementTree.Element) -> Verb:
    if element.tag not in _READERS:
        raise TwimlError(SCHEMA, f"<{element.tag}> is not a verb the sandbox knows")
    known, reader = _READERS[element.tag]
    if unknown := set(element.attrib) - known:
        raise TwimlError(SCHEMA, f"<{element.tag}> has no attribute {', '.join(sorted(unknown))}")
    return reader(element)


def _say(element: ElementTree.Element) -> Say:
    return Say(" ".join("".join(element.itertext()).split()), _loop(element))


def _play(element: ElementTree.Element) -> Play:
    url = (element.text or "").strip()
    if not url:
        raise TwimlError(SCHEMA, "<Play> without a URL")
    return Play(url, _loop(element))


def _pause(element: ElementTree.Element) -> Pause:
    return Pause(_whole(element, "length", 1, least=0))


def _gather(element: ElementTree.Element) -> Gather:
    if element.get("input", "dtmf") != "dtmf":
        raise TwimlError(SCHEMA, f'<Gather input="{element.get("input")}">: the sandbox takes digits only')
    children = tuple(_verb(child) for child in element)
    spoken = tuple(child for child in children if isinstance(child, Say | Play | Pause))
    if len(spoken) != len(children):
        raise TwimlError(SCHEMA, "<Gather> holds only Say, Play and Pause")
    return Gather(
        children=spoken,
        num_digits=_whole(element, "numDigits", NUMBERLESS, least=1),
        timeout=_whole(element, "timeout", 5, least=0),
        finish=_one_of(element, "finishOnKey", "#", set("0123456789#*") | {""}),
        action=element.get("action", ""),
        method=_method(element),
        tells_empty=_one_of(element, "actionOnEmptyResult", "false", {"true", "false"}) == "true",
    )


def _redirect(element: ElementTree.Element) -> Redirect:
    return Redirect((element.text or "").strip(), _method(element))


def _hangup(_: ElementTree.Element) -> Hangup:
    return Hangup()


_READERS: Mapping[str, tuple[set[str], Callable[[ElementTree.Element], Verb]]] = {
    "Say": ({"voice", "language", "loop"}, _say),
    "Play": ({"loop"}, _play),
    "Pause": ({"length"}, _pause),
    "Gather": (
        {"input", "numDigits", "timeout", "finishOnKey", "action", "method", "actionOnEmptyResult", "language"},
        _gather,
    ),
    "Redirect": ({"method"}, _redirect),
    "Hangup": (set(), _hangup),
    "Reject": ({"reason"}, _hangup),
}


def _loop(element: ElementTree.Element) -> int:
    return _whole(element, "loop", 1, least=0) or NUMBERLESS


def _method(element: ElementTree.Element) -> str:
    return _one_of(element, "method", "POST", {"GET", "POST"})


def _whole(element: ElementTree.Element, name: str, default: int, *, least: int) -> int:
    text = element.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise TwimlError(SCHEMA, f'<{element.tag} {name}="{text}">: expected a whole number, at least {least}')
    return int(text)


def _one_of(element: ElementTree.Element, name: str, default: str, allowed: set[str]) -> str:
    text = element.get(name, default)
    if text not in allowed:
        raise TwimlError(SCHEMA, f'<{element.tag} {name}="{text}">: expected one of {sorted(allowed)}')
    return text
