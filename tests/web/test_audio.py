"""The sound of calls, as a carrier fetches it: from any web process, whole, in part and once, while it may be heard."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from statistics import median, quantiles

import aiohttp
import pytest
from yarl import URL

from notifier.app import Parts
from notifier.domain.attempt_id import AttemptId, read_attempt_id
from notifier.domain.dialogue_words import OF_THE_CARRIER, Sentence
from notifier.domain.message import Script, VoiceMessage, store_message
from notifier.domain.recording import HALVES, AudioAddresses, Part
from notifier.domain.script import cut_amount
from notifier.sandbox.audio import wav_seconds
from notifier.web import audio
from tests.cli.conftest import environment, start
from tests.house import House, free_port, open_house
from tests.storage import seeds

AMOUNT = "新臺幣一千兩百三十四元"
SAYS = Script(("台灣電力公司，您好。", f"電費是{cut_amount(AMOUNT)}。", "聽清楚了，請按一。"), essential=2)
ENGLISH = Script(("Taiwan Power Company calling.", "Thank you."), essential=1)
CALL = VoiceMessage("zh-TW", {"zh-TW": SAYS, "en": ENGLISH}, {}, "台灣電力公司", engine="espeak")
FETCHES = 300  # of one call's recording
CALLS = 100  # whose recordings are each fetched for the first time
FIRST_BYTE = 0.020  # seconds
WORST = 0.100


@dataclass(frozen=True)
class Recorded:
    """A web part, and attempts whose clips are made. Nobody works."""

    house: House
    attempts: list[AttemptId]
    addresses: AudioAddresses

    @property
    def attempt(self) -> AttemptId:
        return self.attempts[0]

    def url(self, part: Part = Part.ESSENTIAL, locale: str = "zh-TW", *, slow: bool = False) -> str:
        return self.addresses.part(self.attempt, locale, part, slow=slow)

    async def erase(self) -> None:
        await self.house.app.pool.execute("update notifier.attempt set message = null where id = $1", self.attempt)


@pytest.fixture
async def recorded(database: str, source_database: str) -> AsyncIterator[Recorded]:
    async with open_house(
        database, source_database, parts=Parts(web=True), speech_engines=["espeak", "carrier"]
    ) as house:
        yield await record(house)


async def record(house: House) -> Recorded:
    pool, clips = house.app.pool, house.app.clips
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, CALLS)
    written = await seeds.write(house.app.queue, pool, await seeds.claim(house.app.queue, run))
    await pool.execute("update notifier.attempt set message = $1", store_message(CALL))
    assert await clips.make("espeak", clips.needed("espeak", CALL))
    attempts = [known for one in written if (known := read_attempt_id(str(one))) is not None]
    assert len(attempts) == CALLS
    return Recorded(house, attempts, AudioAddresses(house.app.settings.public_url, clips.seal))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def fetch(session: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, bytes]:
    async with session.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}) as response:
        return response.status, await response.read()


async def test_whole_in_part_and_not_again(recorded: Recorded, session: aiohttp.ClientSession) -> None:
    url = recorded.url()
    async with session.get(url) as whole:
        sound = await whole.read()
        assert (whole.status, whole.content_type) == (200, "audio/wav")
        assert whole.headers["Cache-Control"].startswith("private, max-age=3600")
        assert "immutable" in whole.headers["Cache-Control"]
        etag = whole.headers["ETag"]
    assert await fetch(session, url, If_None_Match=etag) == (304, b"")
    assert await fetch(session, url, If_None_Match='"another"') == (200, sound)
    assert await fetch(session, url, Range="bytes=100-199") == (206, sound[100:200])
    assert await fetch(session, url, Range="bytes=-100") == (206, sound[-100:])
    assert await fetch(session, url, Range="bytes=100-199", If_Range=etag) == (206, sound[100:200])
    assert await fetch(session, url, Range="bytes=100-199", If_Range='"another"') == (200, sound)
    assert await fetch(session, url, Range="bytes=what") == (200, sound)
    assert (await fetch(session, url, Range=f"bytes={len(sound)}-"))[0] == 416
    async with session.head(url) as head:
        assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(sound)), b"")
        assert head.headers["ETag"] == etag


async def test_every_half_pace_language_and_sentence_is_there(
    recorded: Recorded, session: aiohttp.ClientSession
) -> None:
    urls = [
        recorded.url(part, locale, slow=slow) for part in HALVES for locale in CALL.scripts for slow in (False, True)
    ]
    urls += [
        recorded.addresses.sentence("espeak", sentence, "zh-TW", slow=False)
        for sentence in Sentence
        if sentence not in OF_THE_CARRIER
    ]
    found = [await fetch(session, url) for url in urls]
    assert {status for status, _ in found} == {200}
    assert len({sound for _, sound in found}) == len(urls)
    assert all((wav_seconds(sound) or 0) > 0.5 for _, sound in found)


async def test_nobody_guesses_an_address_and_none_tells_whose_it_is(
    recorded: Recorded, session: aiohttp.ClientSession
) -> None:
    url = recorded.url()
    for row in await recorded.house.app.pool.fetch("select phone, account_no from notifier.notification"):
        assert row["phone"].removeprefix("+886") not in url
        assert row["account_no"] not in url
    assert url.isascii()
    for guessed in (
        url.replace("plain", "slow"),
        url.replace("essential", "rest"),
        url.replace("zh-TW", "en"),
        url.replace(str(recorded.attempt), "01900000-0000-7000-8000-000000000000"),
        replace(recorded.addresses, seal=b"another").part(recorded.attempt, "zh-TW", Part.ESSENTIAL, slow=False),
    ):
        assert guessed != url
        assert (await fetch(session, guessed))[0] == 404


async def test_access_ends_when_the_words_are_erased(
    recorded: Recorded, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, "FRESH", 0.5)
    assert (await fetch(session, recorded.url()))[0] == 200
    await recorded.erase()
    assert (await fetch(session, recorded.url(Part.REST)))[0] == 410
    began = time.monotonic()
    while (status := (await fetch(session, recorded.url()))[0]) == 200:  # what was joined before, for so long
        assert time.monotonic() - began < 5
    assert status == 410


async def test_an_attempt_that_is_gone_is_gone(recorded: Recorded, session: aiohttp.ClientSession) -> None:
    await recorded.house.app.pool.execute("delete from notifier.attempt")
    assert (await fetch(session, recorded.url()))[0] == 410


async def test_a_clip_that_is_gone_is_said_and_not_made_up(recorded: Recorded, session: aiohttp.ClientSession) -> None:
    await recorded.house.app.pool.execute("delete from notifier.clip where words like '%請按一%'")
    assert (await fetch(session, recorded.url()))[0] == 200
    assert (await fetch(session, recorded.url(Part.REST)))[0] == 404


async def test_any_web_process_serves_the_same_and_the_first_byte_within_20_ms(
    recorded: Recorded, session: aiohttp.ClientSession, record_property: Callable[[str, object], None]
) -> None:
    port = free_port()
    env = environment(recorded.house.app.settings) | {"NOTIFIER_PORT": str(port)}
    process = await start("web", env=env)
    try:
        mine = recorded.url()
        theirs = at_port(mine, port)
        await until_it_listens(session, theirs)
        first, other = (await fetch(session, mine))[1], (await fetch(session, theirs))[1]
        assert sha256(first).digest() == sha256(other).digest()
        again = [await first_byte(session, theirs) for _ in range(FETCHES)]
        others = [recorded.addresses.part(one, "zh-TW", Part.REST, slow=False) for one in recorded.attempts]
        new = [await first_byte(session, at_port(url, port)) for url in others]
    finally:
        process.terminate()
        await process.communicate()
    for what, waits in ("one call's recording again", again), ("another call's, of clips in memory", new):
        p50, p99 = median(waits), quantiles(waits, n=100)[98]
        record_property(f"ms to the first byte of {what}: p50, p99", f"{p50 * 1e3:.1f}, {p99 * 1e3:.1f}")
        assert p50 < FIRST_BYTE, what
        assert p99 < WORST, what


def at_port(url: str, port: int) -> str:
    return str(URL(url).with_port(port))


async def until_it_listens(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await fetch(session, url)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)  # nothing tells of another process's socket
            else:
                return


async def first_byte(session: aiohttp.ClientSession, url: str) -> float:
    """Seconds from the request to the first byte of the sound."""
    began = time.perf_counter()
    async with session.get(url) as response:
        assert await response.content.read(1)
        return time.perf_counter() - began
