"""The engine that speaks by Google Translate, judged by a service of its kind: by what it was asked, and when."""

import asyncio
import io
import logging
import random
import re
import socket
import ssl
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import gtts.lang
import gtts.tts
import pytest
import soundfile
from gtts import gTTS
from yarl import URL

from notifier.domain.dialogue_words import LOCALES, Sentence, say
from notifier.domain.speech import CannotSpeak, EngineAway, NotAudio, SpeechEngine, SpeechSurroundings, Utterance
from notifier.speech.circuit_breaker import FAILURES, FIRST, LONGEST, CircuitBreaker, Throttled
from notifier.speech.gtts import AT_ONCE, MOST_REQUESTS, SERVICE, VOICES, Gtts, bodies, create, hear, pieces
from notifier.speech.gtts_transport import MOST_BYTES, mp3_in
from tests.speech import speech_service as fake
from tests.speech.speech_service import HOST, RATE, Answer, Authority, SpeechService

SHORT = 0.5  # seconds; the deadline where nothing comes
GRACE = 2.0  # seconds that a busy machine may need on top
WORDS = Utterance("提醒您，有一筆電費快要到期了", "zh-TW")
ENGLISH = Utterance("You have an electricity bill that is due soon", "en")
PERSONAL = Utterance("王小明", "zh-TW", personal=True)


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def folder_of_authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not Authority.is_possible():
        pytest.skip("certificates are made by the openssl program")
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="module")
def authority(folder_of_authorities: Path) -> Authority:
    return Authority(folder_of_authorities, "ours")


@pytest.fixture(scope="module")
def stranger(folder_of_authorities: Path) -> Authority:
    return Authority(folder_of_authorities, "stranger")


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> ssl.SSLContext:
    return authority.issue()


@pytest.fixture
async def service(certificate: ssl.SSLContext) -> AsyncIterator[SpeechService]:
    async with fake.speech_service(certificate) as service:
        yield service


Engines = Callable[..., Gtts]


@pytest.fixture
async def engine_for(authority: Authority) -> AsyncIterator[Engines]:
    """Makes engines that ask at an address, without pauses unless told otherwise."""
    async with AsyncExitStack() as stack:

        def make(url: str, **changes: Any) -> Gtts:
            context = ssl.create_default_context(cafile=authority.certificate)
            engine = Gtts(URL(url), context, **({"spacing": 0.0} | changes))
            stack.push_async_callback(engine.close)
            return engine

        yield make


@pytest.fixture
def engine(service: SpeechService, engine_for: Engines) -> Gtts:
    return engine_for(service.url)


async def failure_of(speaking: Awaitable[bytes], within: float = GRACE) -> EngineAway:
    """How it failed: in time, and without a word of what was to be said."""
    began = time.monotonic()
    with pytest.raises(EngineAway) as caught:
        await speaking
    assert time.monotonic() - began < within
    error: BaseException | None = caught.value
    while error is not None:
        assert WORDS.text not in repr(error)
        error = error.__cause__
    return caught.value


def seconds_of(sound: bytes) -> float:
    return float(soundfile.info(io.BytesIO(sound)).duration)


# What is asked, and what is heard


@pytest.mark.parametrize("utterance", [WORDS, ENGLISH], ids=lambda one: one.locale)
async def test_words_become_sound(engine: Gtts, service: SpeechService, utterance: Utterance) -> None:
    sound = await engine.speak(utterance)
    slower = await engine.speak(Utterance(utterance.text, utterance.locale, slow=True))
    assert seconds_of(sound) == pytest.approx(0.3 + 0.02 * len(utterance.text), abs=0.1)
    assert seconds_of(slower) > seconds_of(sound) * 1.3
    assert [(one.text, one.language, one.slow) for one in service.asked] == [
        (utterance.text, utterance.locale, False),
        (utterance.text, utterance.locale, True),
    ]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_bodies_are_those_of_the_package(locale: str, slow: bool) -> None:
    sentences = [say(sentence, locale, "Taipower") for sentence in Sentence]
    short = [text for text in sentences if len(text) <= 100 and not re.search("[?!？！]", text)]
    assert short
    for text in short:
        assert bodies(Utterance(text, locale, slow)) == [
            body.encode() for body in gTTS(text, lang=locale, slow=slow, lang_check=False).get_bodies()
        ]


async def test_the_package_itself_asks_and_hears_the_same(
    engine: Gtts, service: SpeechService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is sent to the service, too: only its idea of where that is, is changed."""
    assert gTTS("x")._prepare_requests()[0].url == SERVICE
    monkeypatch.setattr(gtts.tts, "_translate_url", lambda **_: service.url)
    monkeypatch.setenv("NO_PROXY", HOST)
    monkeypatch.setenv("no_proxy", HOST)
    theirs = io.BytesIO()
    await asyncio.to_thread(gTTS(WORDS.text, lang="zh-TW", slow=True, lang_check=False).write_to_fp, theirs)
    ours = await engine.speak(Utterance(WORDS.text, "zh-TW", slow=True))

    first, second = service.asked
    assert (second.method, second.path, second.body) == (first.method, first.path, first.body)
    assert second.headers == first.headers
    assert theirs.getvalue() == fake.speech(WORDS.text, slow=True)
    assert seconds_of(ours) == pytest.approx(seconds_of(theirs.getvalue()), abs=0.001)


def test_the_answer_is_read_as_the_package_reads_it() -> None:
    answer = fake.packed(fake.tone(0.5))
    (line,) = (line for line in answer.splitlines() if "jQ1olc" in line)
    theirs = re.search(r'jQ1olc","\[\\"(.*)\\"]', line)
    assert theirs is not None
    assert mp3_in(answer.encode()) == b64decode(theirs[1]) == fake.tone(0.5)


def test_the_answers_other_shapes() -> None:
    sound = fake.tone(0.5)
    sound += bytes(1 + (1 - len(sound)) % 3)  # a length that base64 has to pad
    plain = fake.packed(sound)
    assert "=" in plain
    in_lengths = plain.replace("\n\n", "\n\n5564\n").replace(r'\"]"', r'\"]\n"').replace("\n,[", "\n57\n[")
    for answer in (
        plain,
        in_lengths,
        plain.replace("=", r"\\u003d"),
        plain.replace("=", r"\u003d"),
        plain.replace("/", r"\/"),
    ):
        assert mp3_in(answer.encode()) == sound


async def test_long_words_are_asked_for_in_pieces(engine: Gtts, service: SpeechService) -> None:
    text = say(longest(), "en", "Taiwan Power Company")
    sound = await engine.speak(Utterance(text, "en"))
    said = [one.text for one in service.asked]
    assert len(said) > 1
    assert all(len(one) <= 100 for one in said)
    assert " ".join(said) == text
    assert seconds_of(sound) == pytest.approx(sum(0.3 + 0.02 * len(one) for one in said), abs=0.2)


def longest() -> Sentence:
    return max(Sentence, key=lambda sentence: len(say(sentence, "en", "")))


async def test_a_piece_without_sound_is_no_clip(engine: Gtts, service: SpeechService) -> None:
    service.answers = [Answer(), Answer(text="")]
    await failure_of(engine.speak(Utterance(say(longest(), "en", "Taiwan Power Company"), "en")))
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("甲。" * 40 + "乙" * 40, ["甲。" * 40, "乙" * 40]),
        ("甲，" * 40 + "乙" * 40, ["甲，" * 40, "乙" * 40]),
        ("a b. c, d " * 11, ["a b. c, d " * 9 + "a b.", " c, d " + "a b. c, d "]),
        ("one two " * 14, ["one two " * 12 + "one ", "two one two "]),
        ("甲" * 101, ["甲" * 100, "甲"]),
        ("甲" * 100, ["甲" * 100]),
        ("，" * 100 + "甲", ["，" * 100, "甲"]),
    ],
)
def test_where_long_words_are_cut(text: str, ends: list[str]) -> None:
    assert pieces(text) == ends
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize(("characters", "requests"), [(1, 1), (100, 1), (101, 2), (200, 2), (400, 4)])
def test_commas_do_not_cut_what_fits(characters: int, requests: int) -> None:
    text = ("一，" * 200)[: characters - 1] + "完"
    assert len(text) == characters
    assert len(bodies(Utterance(text, "zh-TW"))) == requests


@pytest.mark.parametrize("text", ["Is your supply back? Press two", "電來了嗎？請按二", "st. dr. Esq. M", "one-\ntwo"])
async def test_the_words_are_not_rewritten(engine: Gtts, service: SpeechService, text: str) -> None:
    await engine.speak(Utterance(text, "en"))
    assert [one.text for one in service.asked] == [text]


def test_the_languages_are_the_packages() -> None:
    assert set(VOICES) == set(LOCALES)
    assert set(VOICES.values()) <= set(gtts.lang.tts_langs())


# What is never asked


@pytest.mark.parametrize(
    "utterance",
    [
        PERSONAL,
        Utterance("Guten Tag", "de"),
        Utterance("", "zh-TW"),
        Utterance(" 。，—\n", "zh-TW"),
        Utterance("甲" * (100 * MOST_REQUESTS + 1), "zh-TW"),
    ],
    ids=["personal", "no voice", "nothing", "no words", "too long"],
)
async def test_what_never_leaves_the_house(engine: Gtts, service: SpeechService, utterance: Utterance) -> None:
    with pytest.raises(CannotSpeak) as caught:
        await engine.speak(utterance)
    assert not utterance.text or utterance.text not in str(caught.value)
    assert service.asked == []
    assert not engine.abilities.personal


async def test_personal_words_stay_while_others_go(engine: Gtts, service: SpeechService) -> None:
    said = await asyncio.gather(*map(engine.speak, [WORDS, PERSONAL, ENGLISH]), return_exceptions=True)
    assert [type(one) for one in said] == [bytes, CannotSpeak, bytes]
    assert sorted(one.text for one in service.asked) == sorted([WORDS.text, ENGLISH.text])


async def test_the_words_are_not_logged(engine: Gtts, service: SpeechService, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await engine.speak(WORDS)
    service.answers = [Answer(text=fake.CAPTCHA)]
    await failure_of(engine.speak(WORDS))
    assert WORDS.text not in caplog.text
    assert "f.req" not in caplog.text


# Who is asked: nobody whose certificate is not right


IMPOSTORS: dict[str, Callable[[Authority, Authority], ssl.SSLContext]] = {
    "another authority": lambda _, stranger: stranger.issue(),
    "another name": lambda ours, _: ours.issue("DNS:translate.example.tw"),
    "another address": lambda ours, _: ours.issue("IP:127.0.0.2"),
    "expired": lambda ours, _: ours.issue(days=-1),
}


@pytest.mark.parametrize("impostor", IMPOSTORS.values(), ids=IMPOSTORS)
async def test_no_word_reaches_an_impostor(
    engine_for: Engines,
    authority: Authority,
    stranger: Authority,
    impostor: Callable[[Authority, Authority], ssl.SSLContext],
) -> None:
    async with fake.speech_service(impostor(authority, stranger)) as service:
        error = await failure_of(engine_for(service.url).speak(WORDS))
        assert "Certificate" in str(error)
        assert service.asked == []


async def test_no_word_goes_without_tls(engine_for: Engines) -> None:
    heard = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(listen, HOST, 0) as server:
        await failure_of(engine_for(f"https://{HOST}:{server.sockets[0].getsockname()[1]}/").speak(WORDS))
    assert b"f.req" not in b"".join(heard)


# What can go wrong


SPOKEN = fake.packed(fake.tone(0.5))
BROKEN: dict[str, Answer] = {
    "captcha with status 200": Answer(text=fake.CAPTCHA),
    "nothing with status 200": Answer(text=""),
    "an empty sound": Answer(audio=b""),
    "a page in place of sound": Answer(audio=fake.CAPTCHA.encode()),
    "a WAV": Answer(audio=fake.tone(1.0, kind="WAV")),
    "something that begins like an MP3": Answer(audio=b"\xff\xf3\x84\xc4" + bytes(4000)),
    "a tag and nothing else": Answer(audio=b"ID3" + bytes(200)),
    "an MP3 of no length": Answer(audio=fake.tone(0.05)),
    "silence": Answer(audio=fake.tone(1.0, loudness=0.0)),
    "an MP3 without end": Answer(audio=fake.tone(61.0, loudness=0.01)),
    "base64 that is none": Answer(text=SPOKEN.replace(r"[\"//", r"[\"//*", 1)),
    "JSON without an end": Answer(text='[["wrb.fr","jQ1olc","["'),
    "JSON that is nested deeply": Answer(text='["jQ1olc",' + "[" * 100_000),
    "JSON of another shape": Answer(text='[["wrb.fr","jQ1olc",{"sound":1}]'),
    "two sounds": Answer(text=SPOKEN.replace(r"\"]", r"\",\"AAAA\"]", 1)),
    "compressed without being asked": Answer(gzip=True),
    "cut in the middle": Answer(cut=True),
    "400": Answer(400, text="bad"),
    "403": Answer(403, text="forbidden"),
    "403 with sound": Answer(403),
    "404": Answer(404, text="not found"),
    "500": Answer(500, text="error"),
    "502 with sound": Answer(502),
    "503": Answer(503, text="busy"),
    "204": Answer(204, text=""),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_no_sound_is_an_engine_that_is_away(engine: Gtts, service: SpeechService, answer: Answer) -> None:
    service.answers = [answer, Answer()]
    error = await failure_of(engine.speak(WORDS))
    assert type(error) is EngineAway
    assert error.after is None, "one failure does not open the circuit"
    assert len(service.asked) == 1, "the transport repeats nothing"
    assert await engine.speak(WORDS), "the next is asked as ever"


async def test_words_without_sound_are_not_the_services_fault(engine: Gtts, service: SpeechService) -> None:
    """However many there are: the circuit stays closed."""
    service.unspoken = {WORDS.text}
    for _ in range(FAILURES + 1):
        with pytest.raises(NotAudio) as caught:
            await engine.speak(WORDS)
        assert WORDS.text not in str(caught.value)
    assert await engine.speak(ENGLISH)


OPENING: dict[str, Answer] = BROKEN | {"no answer": Answer(hang=True), "a byte at a time": Answer(drip=0.05)}


@pytest.mark.parametrize("answer", OPENING.values(), ids=OPENING)
async def test_whatever_it_was_the_circuit_opens(service: SpeechService, engine_for: Engines, answer: Answer) -> None:
    service.answers = [answer]
    engine = engine_for(service.url, deadline=SHORT)
    afters = [(await failure_of(engine.speak(WORDS), SHORT + GRACE)).after for _ in range(FAILURES + 2)]
    assert [after is None for after in afters] == [True] * (FAILURES - 1) + [False] * 3
    assert len(service.asked) == FAILURES


SILENT: dict[str, Answer] = {
    "no answer": Answer(hang=True),
    "a byte at a time": Answer(drip=0.05),
    "a byte a second": Answer(drip=1.0),
}


@pytest.mark.parametrize("answer", SILENT.values(), ids=SILENT)
async def test_the_deadline_is_for_the_whole(service: SpeechService, engine_for: Engines, answer: Answer) -> None:
    service.answers = [answer]
    error = await failure_of(engine_for(service.url, deadline=SHORT).speak(WORDS), SHORT + GRACE)
    assert "Timeout" in str(error)
    assert len(service.asked) == 1


async def test_a_service_that_never_shakes_hands(engine_for: Engines) -> None:
    with socket.socket() as mute:
        mute.bind((HOST, 0))
        mute.listen()
        engine = engine_for(f"https://{HOST}:{mute.getsockname()[1]}/", deadline=SHORT)
        await failure_of(engine.speak(WORDS), SHORT + GRACE)


async def test_nobody_listens(engine_for: Engines) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        await failure_of(engine_for(f"https://{HOST}:{taken.getsockname()[1]}/").speak(WORDS))


async def test_a_gigantic_answer_is_not_taken(engine: Gtts, service: SpeechService) -> None:
    service.answers = [Answer(endless=True)]
    assert str(MOST_BYTES) in str(await failure_of(engine.speak(WORDS)))
    assert service.sent < MOST_BYTES + 16 * 2**20, "what the buffers of two sockets hold, at most"


async def test_cookies_are_not_kept(engine: Gtts, service: SpeechService) -> None:
    service.answers = [Answer(headers={"Set-Cookie": "NID=1; Path=/"})]
    for _ in range(2):
        await engine.speak(WORDS)
    assert all("cookie" not in one.headers for one in service.asked)


# When it is asked: little, and not at all after failures


async def test_the_requests_at_a_time(engine: Gtts, service: SpeechService) -> None:
    service.answers = [Answer(wait=True)]
    speaking = [asyncio.create_task(engine.speak(WORDS)) for _ in range(AT_ONCE * 3)]
    await service.wait_for(AT_ONCE)
    service.go.set()
    assert all(await asyncio.gather(*speaking))
    assert service.most_at_once == AT_ONCE
    assert len(service.asked) == AT_ONCE * 3


async def test_the_pause_between_requests(service: SpeechService, engine_for: Engines) -> None:
    engine = engine_for(service.url, spacing=0.1)
    await asyncio.gather(*(engine.speak(WORDS) for _ in range(6)))
    assert service.asked[-1].at - service.asked[0].at > 0.4


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def broken(service: SpeechService, engine_for: Engines, hands: Hands) -> Gtts:
    """An engine whose service fails from now on."""
    service.answers = [Answer(500, text="error")]
    return engine_for(service.url, breaker=CircuitBreaker(now=hands))


async def test_the_circuit_opens_and_closes_again(broken: Gtts, service: SpeechService, hands: Hands) -> None:
    afters = [(await failure_of(broken.speak(WORDS))).after for _ in range(5)]
    assert afters[:4] == [None] * 4
    assert afters[4] is not None
    left = (await failure_of(broken.speak(WORDS))).after
    assert left == afters[4]
    assert left >= timedelta(seconds=FIRST)
    assert len(service.asked) == 5, "nobody is asked meanwhile"

    hands.seconds += left.total_seconds() - 1
    assert (await failure_of(broken.speak(WORDS))).after == pytest.approx(timedelta(seconds=1), abs=timedelta(0.001))
    hands.seconds += 1.001
    longer = (await failure_of(broken.speak(WORDS))).after
    assert len(service.asked) == 6, "one probe"
    assert longer is not None
    assert longer >= timedelta(seconds=2 * FIRST)

    hands.seconds += longer.total_seconds() + 0.001
    service.answers = [Answer()]
    assert await broken.speak(WORDS)
    service.answers = [Answer(500, text="error")]
    assert (await failure_of(broken.speak(WORDS))).after is None, "failures are counted from none again"
    assert len(service.asked) == 8


async def test_one_probe_at_a_time(broken: Gtts, service: SpeechService, hands: Hands) -> None:
    for _ in range(5):
        await failure_of(broken.speak(WORDS))
    hands.seconds += 2 * FIRST
    service.answers = [Answer(wait=True), Answer()]
    probe = asyncio.create_task(broken.speak(WORDS))
    await service.wait_for(6)
    assert (await failure_of(broken.speak(WORDS))).after is not None
    assert len(service.asked) == 6
    service.go.set()
    assert await probe
    assert await broken.speak(WORDS)


async def test_a_probe_that_is_called_off_does_not_block_the_next(
    broken: Gtts, service: SpeechService, hands: Hands
) -> None:
    for _ in range(5):
        await failure_of(broken.speak(WORDS))
    hands.seconds += 2 * FIRST
    service.answers = [Answer(hang=True), Answer()]
    probe = asyncio.create_task(broken.speak(WORDS))
    await service.wait_for(6)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await broken.speak(WORDS)


async def test_a_success_between_failures_counts_them_anew(broken: Gtts, service: SpeechService) -> None:
    error, fine = Answer(500, text="error"), Answer()
    service.answers = [error] * 4 + [fine] + [error] * 4 + [fine]
    said = [await asyncio.gather(broken.speak(WORDS), return_exceptions=True) for _ in range(10)]
    assert [isinstance(one, bytes) for (one,) in said] == ([False] * 4 + [True]) * 2
    assert len(service.asked) == 10


async def test_those_who_wait_are_told_when_the_circuit_opens(service: SpeechService, engine_for: Engines) -> None:
    engine = engine_for(service.url, spacing=0.2)
    service.answers = [Answer(500, text="error")]
    began = time.monotonic()
    said = await asyncio.gather(*(engine.speak(WORDS) for _ in range(64)), return_exceptions=True)
    assert all(isinstance(one, EngineAway) for one in said)
    assert 5 <= len(service.asked) <= 5 + AT_ONCE
    assert time.monotonic() - began < 7 * 0.2 + GRACE, "64 pauses would be 13 s"


THROTTLED: dict[str, tuple[Answer, float, float]] = {
    "429": (Answer(429, text="slow down"), FIRST, 1.5 * FIRST),
    "429 with a long Retry-After": (Answer(429, {"Retry-After": "600"}), 600, 600),
    "429 with a short Retry-After": (Answer(429, {"Retry-After": "1"}), FIRST, 1.5 * FIRST),
    "429 with a date": (Answer(429, {"Retry-After": "Tue, 24 Nov 2026 10:00:00 GMT"}), FIRST, 1.5 * FIRST),
    "429 with nonsense": (Answer(429, {"Retry-After": "9" * 5000}), FIRST, 1.5 * FIRST),
    "503 with Retry-After": (Answer(503, {"Retry-After": "600"}), 600, 600),
    "a redirect to the captcha": (Answer(302, {"Location": "/sorry"}), FIRST, 1.5 * FIRST),
    "a redirect that keeps the method": (Answer(307, {"Location": "/sorry"}), FIRST, 1.5 * FIRST),
}


@pytest.mark.parametrize(("answer", "least", "most"), THROTTLED.values(), ids=THROTTLED)
async def test_who_asks_to_be_left_alone_is(
    broken: Gtts, service: SpeechService, answer: Answer, least: float, most: float
) -> None:
    service.answers = [answer]
    for _ in range(3):
        error = await failure_of(broken.speak(WORDS))
        assert error.after is not None
        assert least <= error.after.total_seconds() <= most
    assert [one.path for one in service.asked] == [fake.PATH]


# The circuit by itself


def fail(breaker: CircuitBreaker, error: EngineAway) -> float | None:
    with pytest.raises(EngineAway) as caught, breaker.guard():
        raise error
    return caught.value.after.total_seconds() if caught.value.after else None


def test_longer_each_time_up_to_the_longest() -> None:
    clock = Hands()
    breaker = CircuitBreaker(now=clock)
    waits = []
    for _ in range(40):
        waits.append(fail(breaker, Throttled("429")) or 0.0)
        clock.seconds += waits[-1] + 0.001
    for number, wait in enumerate(waits):
        base = min(FIRST * 2**number, LONGEST)
        assert base <= wait <= 1.5 * base
    assert len(set(waits)) == len(waits), "with jitter"


def test_a_failed_probe_opens_again_whatever_it_was() -> None:
    clock = Hands()
    breaker = CircuitBreaker(now=clock)
    clock.seconds += (fail(breaker, Throttled("429")) or 0.0) + 0.001
    assert (fail(breaker, EngineAway("500")) or 0.0) >= 2 * FIRST


def test_a_success_that_began_before_the_opening_does_not_close_it() -> None:
    breaker = CircuitBreaker(now=Hands())
    with breaker.guard():
        opened = fail(breaker, Throttled("429"))
    assert left(breaker) == opened


def test_a_failure_that_began_before_the_opening_does_not_lengthen_it() -> None:
    breaker = CircuitBreaker(failures=1, now=Hands())
    late = breaker.guard()
    late.__enter__()
    opened = fail(breaker, Throttled("429"))
    with pytest.raises(EngineAway):
        late.__exit__(EngineAway, EngineAway("500"), None)
    assert left(breaker) == opened


def left(breaker: CircuitBreaker) -> float | None:
    with pytest.raises(EngineAway) as caught:
        breaker.check()
    return caught.value.after.total_seconds() if caught.value.after else None


# Whether it is there at all


@pytest.mark.parametrize(
    "options", [{}, {"gtts": ""}, {"gtts": "off"}, {"gtts": "ON"}, {"gtts.url": SERVICE}], ids=repr
)
def test_it_is_opt_in(options: dict[str, str]) -> None:
    assert create(SpeechSurroundings(options)) is None


async def test_it_is_made_from_options(authority: Authority, service: SpeechService) -> None:
    options = {"gtts": "on", "gtts.url": service.url, "gtts.ca": str(authority.certificate)}
    engine: SpeechEngine | None = create(SpeechSurroundings(options))
    assert engine is not None
    assert engine.name == "gtts"
    assert engine.abilities.voices == {"zh-TW": "zh-TW", "en": "en"}
    assert engine.abilities.version == f"gtts {gtts.__version__} {HOST}"
    assert await engine.speak(WORDS)
    await engine.close()
    assert await engine.speak(WORDS), "as after any lost connection"
    await engine.close()


async def test_without_its_authority_the_service_is_an_impostor(service: SpeechService) -> None:
    engine = create(SpeechSurroundings({"gtts": "on", "gtts.url": service.url}))
    assert engine is not None
    await failure_of(engine.speak(WORDS))
    await engine.close()
    assert service.asked == []


@pytest.mark.parametrize(
    "options",
    [
        {"gtts.url": "http://translate.google.com/x"},
        {"gtts.url": "http://127.0.0.1/x"},
        {"gtts.url": "https://name:word@translate.google.com/x"},
        {"gtts.url": "translate.google.com"},
        {"gtts.url": "https://"},
        {"gtts.url": ""},
        {"gtts.ca": "/nowhere/authority.pem"},
        {"gtts.ca": __file__},
    ],
    ids=repr,
)
def test_what_cannot_be_used_is_refused_at_once(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        create(SpeechSurroundings({"gtts": "on"} | options))


def test_sound_is_heard_whole() -> None:
    sound = hear(fake.tone(1.0))
    assert sound.rate == RATE
    assert len(sound.samples) == pytest.approx(RATE, abs=0.1 * RATE)
    noise = random.Random(7)
    for _ in range(200):
        with pytest.raises(EngineAway):
            hear(b"\xff\xfb" + noise.randbytes(300))
