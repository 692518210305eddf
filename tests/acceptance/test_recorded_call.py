"""A call spoken by an engine of the house: what the carrier fetched and played is what the attempt said, in full."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from notifier.domain.speech import CARRIER
from notifier.domain.states import RunState
from tests.acceptance.crowd import AGREES, LISTENS, customers, everyone, finished, number, presses
from tests.house import House, open_house


@pytest.fixture
async def recorded(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, speech_engines=["espeak", "carrier"], scale=60) as house:
        yield house


async def test_calls_play_recordings_and_say_nothing(recorded: House) -> None:
    await customers(recorded, 6)
    await recorded.people({"calls": {number(0): [LISTENS], number(1): [presses("*", "1")]}})
    await everyone(recorded, AGREES)

    run = await finished(recorded, await recorded.launch(), within=60)

    assert (await recorded.tally(run)).outcomes == {"reached": 1, "acknowledged": 5}
    calls = await recorded.ledger("call")
    assert len(calls) == 6
    for call in calls:
        assert not call["errors"], call
        assert {heard["kind"] for heard in call["heard"]} == {"play"}
        assert all(heard["bytes"] > 8000 and heard["sha256"] for heard in call["heard"])
    (listened,) = [call for call in calls if call["to"] == number(0)]
    assert all(heard["seconds"] == pytest.approx(heard["of"], abs=0.1) for heard in listened["heard"])
    (slower,) = [call for call in calls if call["to"] == number(1)]
    assert any("/slow.wav" in heard["url"] for heard in slower["heard"])


async def test_nothing_is_fetched_twice_that_could_be_kept(recorded: House) -> None:
    """The carrier keeps what it may, as long as it may: a sentence that thirty people hear is fetched once."""
    await customers(recorded, 30)
    await everyone(recorded, presses("5", "1", first=1, between=4))
    await finished(recorded, await recorded.launch(), within=60)

    calls, fetched = await recorded.ledger("call"), await recorded.clips()
    played = [heard for call in calls for heard in call["heard"]]
    assert len(calls) == 30
    assert {clip["requests"] for clip in fetched} == {1}
    assert {(clip["url"], clip["sha256"], clip["bytes"]) for clip in fetched} >= {
        (heard["url"], heard["sha256"], heard["bytes"]) for heard in played
    }
    (wrong_key,) = {heard["url"] for heard in played if "/unknown_key/" in heard["url"]}
    assert sum(heard["url"] == wrong_key for heard in played) == 30
    assert all(heard["of"] == pytest.approx(clip["seconds"], abs=0.01)
               for heard in played for clip in fetched if clip["url"] == heard["url"])  # fmt: skip


async def test_the_attempt_shows_who_spoke_and_what_it_said(recorded: House) -> None:
    accounts = await customers(recorded, 1)
    await everyone(recorded)
    await finished(recorded, await recorded.launch(), within=60)

    (attempt,) = await recorded.attempts(accounts[number(0)])
    message = await recorded.app.pool.fetchval("select message from notifier.attempt where id = $1", attempt["id"])
    assert message["engine"] == "espeak"
    made, listed = await recorded.app.pool.fetchrow(
        "select count(*), count(*) filter (where words is not null) from notifier.clip where audio is not null"
    )
    assert made == listed > 50


async def test_sound_is_served_whole_in_part_and_once(recorded: House) -> None:
    await customers(recorded, 1)
    await everyone(recorded, LISTENS)
    await finished(recorded, await recorded.launch(), within=60)
    (call,) = await recorded.ledger("call")
    url = call["heard"][0]["url"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as whole:
            sound = await whole.read()
            assert (whole.status, whole.content_type) == (200, "audio/wav")
            assert "immutable" in whole.headers["Cache-Control"]
            etag = whole.headers["ETag"]
        async with session.get(url, headers={"If-None-Match": etag}) as again:
            assert (again.status, await again.read()) == (304, b"")
        async with session.get(url, headers={"Range": "bytes=100-199"}) as part:
            assert (part.status, await part.read()) == (206, sound[100:200])
            assert part.headers["Content-Range"] == f"bytes 100-199/{len(sound)}"
        async with session.get(url, headers={"Range": f"bytes={len(sound)}-"}) as beyond:
            assert beyond.status == 416
        async with session.head(url) as head:
            assert (head.status, head.headers["Content-Length"]) == (200, str(len(sound)))
        async with session.get(url.replace("/plain.wav", "/slow.wav")) as guessed:
            assert guessed.status == 404
        await recorded.app.pool.execute("update notifier.attempt set message = null")
        recorded_again = url.replace("essential", "rest")
        async with session.get(recorded_again) as unsealed:
            assert unsealed.status == 404


async def test_an_engine_that_is_not_there_leaves_the_call_to_the_carrier(database: str, source_database: str) -> None:
    async with open_house(database, source_database, speech_engines=["nobody", CARRIER]) as house:
        await customers(house, 1)
        await everyone(house)
        await finished(house, await house.launch())
        (call,) = await house.ledger("call")
        assert {heard["kind"] for heard in call["heard"]} == {"say"}


async def test_a_silent_call_has_told_nobody(
    database: str, source_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The web part is of another release, and does not find what the workers have recorded."""
    monkeypatch.setattr("notifier.engine.playback.VERSION", "another")
    async with open_house(database, source_database, speech_engines=["espeak", CARRIER], scale=60) as house:
        accounts = await customers(house, 1)
        await everyone(house, LISTENS)
        run = await house.launch()

        async def over() -> bool:
            return bool(
                await house.app.pool.fetchval("select exists (select from notifier.attempt where state = 'ended')")
            )

        await house.until(over, "inbox", "lanes", "runs")
        await house.move(run, RunState.CANCELLED)

        call = (await house.ledger("call"))[0]
        assert (call["status"], call["heard"]) == ("completed", [])
        assert (await house.attempts(accounts[number(0)]))[0]["disposition"] == "hung_up"
        assert (await house.notification(accounts[number(0)]))["outcome"] != "reached"
