"""Clips of a speech service that misbehaves, and of one that many ask at once: judged by what it was asked, and by what
is kept."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from yarl import URL

from notifier.domain.message import Script, VoiceMessage
from notifier.domain.recording import utterances
from notifier.domain.speech import SpeechSurroundings, Utterance
from notifier.speech.gtts import AT_ONCE, Gtts, create
from notifier.storage.database import Pool
from tests.engine.clip_maker import Orders, makers
from tests.engine.test_clips import Whistle, at_work, clips, spoken_by
from tests.speech import speech_service as fake
from tests.speech.speech_service import Answer, Authority, SpeechService

CALL = VoiceMessage("zh-TW", {"zh-TW": Script(("您好。", "電費是一千元。", "請按一。"), 2)}, {}, "台電")
DEADLINE = 0.3  # real seconds of a request


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if not Authority.is_possible():
        pytest.skip("certificates are made by the openssl program")
    return Authority(tmp_path_factory.mktemp("authorities"), "ours")


@pytest.fixture
async def service(authority: Authority) -> AsyncIterator[SpeechService]:
    async with fake.speech_service(authority.issue()) as service:
        yield service


@pytest.fixture
async def impostor(authority: Authority) -> AsyncIterator[SpeechService]:
    async with fake.speech_service(authority.issue("DNS:translate.example.tw")) as service:
        yield service


Engines = Callable[..., Gtts]


@pytest.fixture
async def engine_at(authority: Authority) -> AsyncIterator[Engines]:
    async with AsyncExitStack() as stack:

        def make(url: str, **changes: Any) -> Gtts:
            context = ssl.create_default_context(cafile=authority.certificate)
            engine = Gtts(URL(url), context, spacing=0.0, **changes)
            stack.push_async_callback(engine.close)
            return engine

        yield make


MISBEHAVIOURS: dict[str, Answer] = {
    "429": Answer(429, {"Retry-After": "600"}, text="slow down"),
    "captcha with status 200": Answer(text=fake.CAPTCHA),
    "nothing with status 200": Answer(text=""),
    "an empty sound": Answer(audio=b""),
    "silence": Answer(audio=fake.tone(1.0, loudness=0.0)),
    "no sound for the words": Answer(text=fake.unspoken()),
    "cut in the middle": Answer(cut=True),
    "a byte at a time": Answer(drip=0.05),
    "no answer": Answer(hang=True),
    "503": Answer(503, text="busy"),
}


@pytest.mark.parametrize("answer", MISBEHAVIOURS.values(), ids=MISBEHAVIOURS)
async def test_the_message_goes_out_by_the_next_engine(
    pool: Pool, database: str, service: SpeechService, engine_at: Engines, answer: Answer
) -> None:
    service.answers = [answer]
    await goes_out_by_the_next(pool, database, engine_at(service.url, deadline=DEADLINE))
    assert 0 < len(service.asked) <= len(utterances(CALL)), "nothing is asked twice of a service that fails"


async def test_no_word_of_it_reaches_an_impostor(
    pool: Pool, database: str, impostor: SpeechService, authority: Authority
) -> None:
    """With the engine as it is installed: nothing about its TLS is the test's."""
    options = {"gtts": "on", "gtts.url": impostor.url, "gtts.ca": str(authority.certificate)}
    engine = create(SpeechSurroundings(options))
    assert isinstance(engine, Gtts)
    try:
        await goes_out_by_the_next(pool, database, engine)
    finally:
        await engine.close()
    assert impostor.asked == []


async def goes_out_by_the_next(pool: Pool, database: str, broken: Gtts) -> None:
    """And nothing is kept of the broken one, nor claimed for it."""
    whistle = Whistle()
    made = clips(pool, database, broken, whistle)
    async with asyncio.timeout(10), at_work(made):
        assert await spoken_by(made, CALL) == "whistle"
        assert set(whistle.asked) == utterances(CALL)
    assert await pool.fetchval("select count(*) from notifier.clip where engine = 'gtts' and audio is not null") == 0
    assert await pool.fetchval("select min(length(audio)) from notifier.clip") > 400


async def test_a_service_that_fails_is_left_alone(
    pool: Pool, database: str, service: SpeechService, engine_at: Engines
) -> None:
    """Whatever is wished for: the circuit is open after five failures, and the engine is not asked before it closes."""
    service.answers = [Answer(500, text="error")]
    made = clips(pool, database, engine_at(service.url), Whistle())
    async with at_work(made):
        await spoken_by(made, CALL)
        asked = len(service.asked)
        for number in "一二三四五六":
            call = VoiceMessage("zh-TW", {"zh-TW": Script((f"電費是{number}千元。",), 1)}, {}, "台電")
            assert await spoken_by(made, call) == "whistle"
    assert asked <= 5 + AT_ONCE
    assert len(service.asked) == asked


async def test_one_text_without_sound_leaves_the_engine_its_others(
    pool: Pool, database: str, service: SpeechService, engine_at: Engines
) -> None:
    """Only calls that say it go out by the next engine."""
    service.unspoken = {"電費是一千元"}
    other = VoiceMessage("zh-TW", {"zh-TW": Script(("您好。",), 1)}, {}, "台電")
    made = clips(pool, database, engine_at(service.url), Whistle())
    async with at_work(made):
        assert await spoken_by(made, CALL) == "whistle"
        assert await spoken_by(made, other) == "gtts"


async def test_two_processes_ask_a_service_for_each_clip_once(
    pool: Pool, database: str, service: SpeechService, authority: Authority
) -> None:
    """250 requests each, at the same moment, for the same 50 clips."""
    words = tuple(Utterance("一" * n, "zh-TW") for n in range(1, 51))
    orders = Orders(database, service.url, authority.certificate, words, requests=250)
    with makers(orders, 2) as answers:
        done = [await asyncio.to_thread(answers.get, timeout=90) for _ in range(2)]
    assert done == [[True] * 250] * 2
    assert Counter(one.text for one in service.asked) == Counter(word.text for word in words)
    assert await pool.fetchval("select count(*) from notifier.clip where length(audio) > 400") == 50
    assert await pool.fetchval("select count(*) from notifier.clip") == 50
