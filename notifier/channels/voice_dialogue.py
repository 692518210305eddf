"""What a call says, and what a pressed key makes of it. Pure: a message, where the call stands, and a key.

    essential part -> (silence) heard -> the rest and the menu -> (silence) goodbye
    any time: * everything again and slower, 0 the other language, reply keys, a wrong key the same part again
    wrong person and opt-out ask for the same key once more
    a reply is answered by the script's own lines for its key, or by thanks; a chosen day only if it can still be had

Where a call stands travels in the query string of its next URL, which the carrier signs, and nowhere else.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from twilio.twiml.voice_response import Gather, Say, VoiceResponse

from notifier.domain.attempt_id import AttemptId
from notifier.domain.dialogue_words import LOCALES, Sentence, say
from notifier.domain.last_heard import Passage
from notifier.domain.message import CONFIRMED_ACTIONS, Action, VoiceMessage
from notifier.domain.recording import AudioAddresses, Part, part_of, spoken_pieces
from notifier.domain.reply import Standing
from notifier.domain.speech import CARRIER

MOST_ROUNDS = 6
SLOW_RATE = "80%"
BETWEEN_LINES = 1  # seconds of silence
ESSENTIAL_WAIT = 1  # seconds; the rest follows at once
MENU_WAIT = 6  # seconds; an elderly customer needs at least 5 to find the key
SLOWER_KEY = "*"
LANGUAGE_KEY = "0"
LANGUAGES = {"zh-TW": "cmn-TW", "en": "en-US"}
_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # may not stand in XML

CONFIRMATIONS = {
    Action.WRONG_PERSON: Sentence.ASK_CONFIRM_WRONG_PERSON,
    Action.OPT_OUT: Sentence.ASK_CONFIRM_DO_NOT_CALL,
}
THANKS = {
    Action.ACKNOWLEDGE: Sentence.THANKS_ACKNOWLEDGED,
    Action.ALREADY_PAID: Sentence.CONFIRM_ALREADY_PAID_THANKS,
    Action.WRONG_PERSON: Sentence.WRONG_PERSON_DONE,
    Action.OPT_OUT: Sentence.DO_NOT_CALL_DONE,
}


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a call stands: all there is to know of it besides its message."""

    attempt: AttemptId
    locale: str
    part: Part = Part.ESSENTIAL
    round: int = 1
    slow: bool = False
    confirm: str = ""

    @classmethod
    def start(cls, attempt: AttemptId, message: VoiceMessage) -> "Stand":
        return cls(attempt, message.locale)

    @classmethod
    def read(cls, attempt: AttemptId, message: VoiceMessage, query: Mapping[str, str]) -> "Stand":
        """What we do not recognise is as at the start, except the round: without one, this is the last."""
        locale, rounds = query.get("locale", ""), query.get("round", "")
        return cls(
            attempt,
            locale if locale in message.scripts else message.locale,
            Part.REST if query.get("part") == Part.REST else Part.ESSENTIAL,
            int(rounds) if rounds.isascii() and rounds.isdecimal() else MOST_ROUNDS,
            query.get("pace") == "slow",
            query.get("confirm", ""),
        )

    def query(self) -> str:
        fields = {"attempt": str(self.attempt), "part": self.part, "locale": self.locale, "round": str(self.round)}
        fields |= {"pace": "slow"} if self.slow else {}
        fields |= {"confirm": self.confirm} if self.confirm else {}
        return urlencode(fields)

    def next_round(self) -> "Stand":
        return replace(self, round=self.round + 1, confirm="")

    @property
    def name(self) -> str:
        """No two turns of a call begin here."""
        return ":".join(filter(None, (str(self.round), self.part.value, self.confirm)))

    def passage(self, sentence: Sentence | None, *, alone: bool = False) -> Passage:
        return Passage(self.locale, None if alone else self.part, self.slow, sentence)


@dataclass(frozen=True, slots=True)
class Turn:
    """What to say next, and what the customer has just told us. `otherwise`: what is said instead when the `day` that
    was chosen cannot be had any more, or nobody can tell."""

    twiml: str
    passage: Passage
    heard: bool = False
    action: Action | None = None
    day: str = ""
    otherwise: Mapping[Standing, str] = field(default_factory=dict)


class Dialogue:
    """`next_url` makes the absolute URL that a Gather posts its key to, from a query string. What an engine of ours
    has recorded is played from `addresses`; the rest the carrier says with its own `voices`."""

    def __init__(self, voices: Mapping[str, str], next_url: Callable[[str], str], addresses: AudioAddresses) -> None:
        self._voices = voices
        self._next_url = next_url
        self._addresses = addresses

    def open(self, message: VoiceMessage, stand: Stand) -> str:
        return self._part(message, stand).twiml

    def leave(self, message: VoiceMessage, stand: Stand) -> str:
        """For a machine: the essential part, and no menu that it cannot use."""
        response = VoiceResponse()
        self._speak_part(response, message, replace(stand, part=Part.ESSENTIAL))
        response.hangup()
        return str(response)

    def answer(self, message: VoiceMessage, stand: Stand, key: str) -> Turn:
        """After a key, or after silence (`key` is empty)."""
        turn = self._react(message, stand, key)
        return replace(turn, heard=stand.part is Part.REST or _played_through(stand, key))

    def unworded(self, sentence: Sentence, callers: Mapping[str, str]) -> str:
        """For a call of which we know nothing: who we are and where to ask, in every language."""
        response = VoiceResponse()
        for locale in LOCALES:
            self._say(response, locale, say(sentence, locale, callers[locale]))
            response.pause(length=BETWEEN_LINES)
        response.hangup()
        return str(response)

    def _react(self, message: VoiceMessage, stand: Stand, key: str) -> Turn:
        if stand.confirm:
            return self._confirmed(message, stand, key)
        if _played_through(stand, key):
            return self._part(message, replace(stand, part=Part.REST))
        if not key or (stand.round >= MOST_ROUNDS and key not in message.replies):
            return self._close(message, stand, Sentence.GOODBYE)
        if key == SLOWER_KEY:
            return self._part(message, replace(stand.next_round(), part=Part.ESSENTIAL, slow=True))
        if key == LANGUAGE_KEY and len(message.scripts) > 1:
            other = _other_locale(message, stand.locale)
            return self._part(message, replace(stand.next_round(), part=Part.ESSENTIAL, locale=other))
        if (action := message.replies.get(key)) is not None:
            return self._replied(message, stand, key, action)
        return self._part(message, stand.next_round(), first=Sentence.UNKNOWN_KEY)

    def _replied(self, message: VoiceMessage, stand: Stand, key: str, action: Action) -> Turn:
        if action in CONFIRMED_ACTIONS:
            return self._ask(message, replace(stand, confirm=key), CONFIRMATIONS[action])
        turn = replace(self._answered(message, stand, key, action), action=action)
        if action is not Action.CHOOSE_DATE:
            return turn
        instead = {
            Standing.NOT_OFFERED: self._close(message, stand, Sentence.DAY_NOT_OFFERED).twiml,
            Standing.UNCHECKED: self._close(message, stand, Sentence.DAY_UNCHECKED).twiml,
        }
        return replace(turn, day=message.days[key], otherwise=instead)

    def _answered(self, message: VoiceMessage, stand: Stand, key: str, action: Action) -> Turn:
        """The script's own lines for the key, where it has any; then goodbye."""
        if key not in message.scripts[stand.locale].answers:
            return self._close(message, stand, THANKS[action])
        response = VoiceResponse()
        answer = replace(stand, part=Part.answer_to(key))
        self._speak_part(response, message, answer)
        self._end(response, message, stand, Sentence.GOODBYE)
        return Turn(str(response), answer.passage(None))

    def _confirmed(self, message: VoiceMessage, stand: Stand, key: str) -> Turn:
        action = message.replies.get(stand.confirm)
        if key == stand.confirm and action in CONFIRMATIONS:
            return replace(self._close(message, stand, THANKS[action]), action=action)
        if stand.round >= MOST_ROUNDS:
            return self._close(message, stand, Sentence.GOODBYE)
        return self._part(message, stand.next_round())

    def _part(self, message: VoiceMessage, stand: Stand, first: Sentence | None = None) -> Turn:
        response = VoiceResponse()
        is_last = stand.part is Part.REST
        gather = self._gather(response, stand, MENU_WAIT if is_last else ESSENTIAL_WAIT, tell_silence=not is_last)
        if first:
            self._speak_sentence(gather, message, stand, first)
        self._speak_part(gather, message, stand)
        if is_last:
            self._end(response, message, stand, Sentence.GOODBYE)
        return Turn(str(response), stand.passage(first))

    def _ask(self, message: VoiceMessage, stand: Stand, question: Sentence) -> Turn:
        response = VoiceResponse()
        gather = self._gather(response, stand, MENU_WAIT, tell_silence=True)
        self._speak_sentence(gather, message, stand, question)
        return Turn(str(response), stand.passage(question, alone=True))

    def _close(self, message: VoiceMessage, stand: Stand, last: Sentence) -> Turn:
        response = VoiceResponse()
        self._end(response, message, stand, last)
        return Turn(str(response), stand.passage(last, alone=True))

    def _end(self, response: VoiceResponse, message: VoiceMessage, stand: Stand, last: Sentence) -> None:
        self._speak_sentence(response, message, stand, last)
        response.hangup()

    def _gather(self, response: VoiceResponse, stand: Stand, seconds: int, *, tell_silence: bool) -> Gather:
        return response.gather(
            input="dtmf",
            num_digits=1,
            timeout=seconds,
            finish_on_key="",  # by default # would pass for silence
            action=self._next_url(stand.query()),
            method="POST",
            action_on_empty_result=tell_silence,
        )

    def _speak_part(self, into: VoiceResponse | Gather, message: VoiceMessage, stand: Stand) -> None:
        if message.engine != CARRIER:
            into.play(self._addresses.part(stand.attempt, stand.locale, stand.part, slow=stand.slow))
            return
        for number, line in enumerate(part_of(message, stand.locale, stand.part)):
            if number:
                into.pause(length=BETWEEN_LINES)
            for words, language in spoken_pieces(line, stand.locale):
                self._say(into, language, words, slow=stand.slow)

    def _speak_sentence(
        self, into: VoiceResponse | Gather, message: VoiceMessage, stand: Stand, sentence: Sentence
    ) -> None:
        if message.engine != CARRIER:
            into.play(self._addresses.sentence(message.engine, sentence, stand.locale, slow=stand.slow))
        else:
            self._say(into, stand.locale, say(sentence, stand.locale, message.caller), slow=stand.slow)

    def _say(self, into: VoiceResponse | Gather, locale: str, words: str, *, slow: bool = False) -> None:
        words = _UNSPEAKABLE.sub("", words)
        spoken: Say = into.say(None if slow else words, language=LANGUAGES.get(locale), voice=self._voices.get(locale))
        if slow:
            spoken.prosody(words, rate=SLOW_RATE)


def _played_through(stand: Stand, key: str) -> bool:
    return stand.part is Part.ESSENTIAL and not key and not stand.confirm


def _other_locale(message: VoiceMessage, locale: str) -> str:
    return next(other for other in message.scripts if other != locale)
