"""One answered call: the application's documents on one side, a person on the other."""

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from notifier.clock import Clock
from notifier.sandbox import twiml
from notifier.sandbox.audio import ClipError, Clips
from notifier.sandbox.faults import Faults
from notifier.sandbox.people import Behaviour
from notifier.sandbox.records import Call, Callback, Heard, Trouble
from notifier.sandbox.webhooks import NoReplyError, Reply, Webhooks

MOST_DOCUMENTS = 100  # in one call; a loop of redirects takes no time and would never end
XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})
APOLOGY = "We are sorry, an application error has occurred. Goodbye."
RETRIEVAL_FAILURE = 11200
INVALID_URL = 11100
INVALID_CONTENT_TYPE = 12300


class HungUpError(Exception):
    """The person, or the time limit, ended the call."""


class Line:
    """A person on the line, and the seconds since they answered.

    These seconds count what the person hears and the silences meant for them, not the time the application takes to
    answer a webhook: on a clock 300 times too fast 20 ms of that would be 6 s, and everybody would hang up.
    A key pressed while nothing listens waits for the next Gather.
    """

    def __init__(self, clock: Clock, behaviour: Behaviour, time_limit: float) -> None:
        self._clock = clock
        self._keys = deque(behaviour.keys)
        leaves = behaviour.hang_up_after
        self._end = time_limit if leaves is None else min(leaves, time_limit)
        self.seconds = 0.0

    async def pass_time(self, seconds: float, *, listening: bool = False) -> bool:
        """Lets the seconds pass; True when `listening` and a key cut them short. Raises HungUpError."""
        until = self.seconds + seconds
        key_at = max(self._keys[0].after, self.seconds) if listening and self._keys else float("inf")
        moment = min(until, key_at, self._end)
        await self._sleep_until(moment)
        if key_at <= moment:
            return True
        if self._end <= moment:
            raise HungUpError
        return False

    async def _sleep_until(self, moment: float) -> None:
        if moment <= self.seconds:
            return
        began = self._clock.now()
        try:
            await self._clock.sleep(moment - self.seconds)
        except asyncio.CancelledError:  # ended by the API: what was heard until now still counts
            self.seconds = min(self.seconds + (self._clock.now() - began).total_seconds(), moment)
            raise
        self.seconds = moment

    async def survives(self, seconds: float) -> bool:
        """Lets the seconds pass in silence; False when the person hung up meanwhile."""
        try:
            await self.pass_time(seconds)
        except HungUpError:
            return False
        return True

    def take_key(self) -> str:
        return self._keys.popleft().digit


@dataclass(frozen=True, slots=True)
class Document:
    verbs: tuple[twiml.Verb, ...]
    url: str | None  # None for TwiML given in the create: relative URLs have no base then


class _DocumentError(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class Conversation:
    """Carries out the documents of one call until somebody hangs up."""

    def __init__(
        self, call: Call, line: Line, webhooks: Webhooks, clips: Clips, faults: Faults, params: dict[str, str]
    ) -> None:
        self._call = call
        self._line = line
        self._webhooks = webhooks
        self._clips = clips
        self._faults = faults
        self._params = params  # the standard parameters of every voice request
        self._documents = 0

    async def hold(self) -> None:
        """Until the last verb, a hang-up on either side, or an error without a fallback."""
        try:
            document: Document | None = await self._first()
            while document is not None:
                document = await self._perform(document)
        except HungUpError:
            return
        except _DocumentError as failure:
            self._call.errors.append(failure.trouble)
            self._call.heard.append(Heard("say", APOLOGY, self._line.seconds, 0.0, twiml.speech_seconds(APOLOGY)))

    async def _first(self) -> Document:
        order = self._call.order
        if order.url is not None:
            return await self._fetch(order.url, {})
        try:
            return Document(twiml.parse(order.twiml or ""), None)
        except twiml.TwimlError as error:
            raise _DocumentError(Trouble(error.code, str(error))) from error

    async def _perform(self, document: Document) -> Document | None:
        """Carries out the verbs; the document they lead to, or None at the end."""
        for verb in document.verbs:
            match verb:
                case twiml.Gather():
                    if (answer := await self._gather(verb, document)) is not None:
                        return await self._follow(document, verb.action, verb.method, answer)
                case twiml.Redirect():
                    return await self._follow(document, verb.url, verb.method, {})
                case twiml.Hangup():
                    return None
                case utterance:
                    await self._utter(utterance, document, listening=False)
        return None

    async def _gather(self, gather: twiml.Gather, document: Document) -> dict[str, str] | None:
        """The parameters for its action, or None when the call falls through to the next verb."""
        for child in gather.children:
            if await self._utter(child, document, listening=True):
                break
        digits, finished_by = "", ""
        while len(digits) < gather.num_digits and await self._line.pass_time(gather.timeout, listening=True):
            key = self._line.take_key()
            self._call.pressed.append(key)
            if key == gather.finish:
                finished_by = key
                break
            digits += key
        if not digits and not gather.tells_empty:
            return None
        return {"Digits": digits, "FinishedOnKey": finished_by, "msg": "Gather End"}

    async def _utter(self, utterance: twiml.Utterance, document: Document, *, listening: bool) -> bool:
        """Says, plays or waits; True when `listening` and a key cut it short."""
        match utterance:
            case twiml.Pause(seconds):
                return await self._line.pass_time(seconds, listening=listening)
            case twiml.Say(text, loop):
                return await self._hear(self._said(text, loop), listening)
            case twiml.Play(url, loop):
                return await self._play(_absolute(document, url), loop, listening)

    async def _play(self, url: str, loop: int, listening: bool) -> bool:
        """A clip that cannot be fetched is an error on record and a silence; the call goes on."""
        try:
            clip = await self._clips.get(url)
        except ClipError as failure:
            self._call.errors.append(Trouble(RETRIEVAL_FAILURE, str(failure), url))
            return False
        sound = Heard("play", url, self._line.seconds, 0.0, clip.seconds * loop, clip.sha256, clip.bytes)
        return await self._hear(sound, listening)

    def _said(self, text: str, loop: int) -> Heard:
        return Heard("say", text, self._line.seconds, 0.0, twiml.speech_seconds(text) * loop)

    async def _hear(self, sound: Heard, listening: bool) -> bool:
        began = self._line.seconds
        try:
            return await self._line.pass_time(sound.of, listening=listening)
        finally:
            if (seconds := self._line.seconds - began) > 0:
                self._call.heard.append(replace(sound, seconds=seconds))

    async def _follow(self, document: Document, url: str, method: str, params: dict[str, str]) -> Document:
        """The next document; an empty URL means the current one again."""
        return await self._fetch(Callback(_absolute(document, url), method), params)

    async def _fetch(self, source: Callback, params: dict[str, str]) -> Document:
        """The document, or the fallback's when there is one and the first fails."""
        self._documents += 1
        if self._documents > MOST_DOCUMENTS:
            raise _DocumentError(
                Trouble(RETRIEVAL_FAILURE, f"more than {MOST_DOCUMENTS} documents in one call", source.url)
            )
        fallback = self._call.order.fallback
        try:
            return await self._document(source, params)
        except _DocumentError as failure:
            if fallback is None:
                raise
            self._call.errors.append(failure.trouble)
            details = {"ErrorCode": str(failure.trouble.code), "ErrorUrl": source.url}
            return await self._document(fallback, params | details)

    async def _document(self, source: Callback, params: dict[str, str]) -> Document:
        try:
            reply = await self._send(source, self._params | params)
            verbs = _read(reply)
        except (NoReplyError, twiml.TwimlError) as error:
            raise _DocumentError(Trouble(error.code, str(error), source.url)) from error
        return Document(verbs, source.url)

    async def _send(self, source: Callback, params: dict[str, str]) -> Reply:
        twice = self._faults.now.fetch_twice.strikes(self._faults.dice, self._call.order.to, "calls")
        for _ in range(2 if twice else 1):
            reply = await self._webhooks.send(source.url, params, source.method)
        return reply


def _read(reply: Reply) -> tuple[twiml.Verb, ...]:
    if reply.status != 200:
        raise NoReplyError(RETRIEVAL_FAILURE, f"HTTP {reply.status}")
    if reply.content_type not in XML_TYPES:
        raise twiml.TwimlError(INVALID_CONTENT_TYPE, f"invalid content type {reply.content_type}")
    return twiml.parse(reply.body)


def _absolute(document: Document, url: str) -> str:
    absolute = urljoin(document.url or "", url) if url else document.url or ""
    if urlsplit(absolute).scheme not in ("http", "https"):
        raise _DocumentError(
            Trouble(INVALID_URL, f"invalid URL {url!r}: TwiML given in the create needs absolute ones")
        )
    return absolute
