"""What a run's calls say is recorded before the first of them is made; what goes wrong there does not stop the run."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.app import Parts
from notifier.domain.speech import CARRIER, CannotSpeak, Utterance
from notifier.domain.states import RunState
from notifier.engine.backoff import wait_for
from notifier.engine.clips import Clips
from notifier.engine.preflight import preflight
from notifier.storage.runs import Run
from tests.acceptance.crowd import customers, everyone, finished, moment
from tests.acceptance.test_source_down import shut
from tests.conftest import Cluster
from tests.engine.test_clips import Whistle
from tests.house import House, open_house

OWN = ["espeak", CARRIER]


@pytest.fixture
async def still(database: str, source_database: str) -> AsyncIterator[House]:
    """Nothing runs but what the test calls."""
    async with open_house(database, source_database, parts=Parts(), scale=1, speech_engines=OWN) as house:
        yield house


class Hoarse(Whistle):
    """An engine that speaks only when it is let."""

    def __init__(self) -> None:
        super().__init__("espeak")
        self.let = asyncio.Event()

    async def speak(self, utterance: Utterance) -> bytes:
        await self.let.wait()
        return await super().speak(utterance)


def speaks(house: House, engine: Whistle) -> None:
    old = house.app.clips
    house.app.clips = Clips(old.store, {"espeak": engine}, OWN, old.seal, old.clock, old.wake_ups)


async def planned(house: House, count: int = 3) -> Run:
    await customers(house, count)
    run = await house.launch()
    assert await house.app.planner().plan_next()
    return await house.run(run)


async def test_every_recording_is_there_before_the_first_call(database: str, source_database: str) -> None:
    async with open_house(database, source_database, speech_engines=OWN, scale=60) as house:
        await customers(house, 8)
        await everyone(house)
        await finished(house, await house.launch(), within=60)
        first = min(moment(call["created_at"]) for call in await house.ledger("call"))
        made, last = await house.app.pool.fetchrow("select count(*), max(made_at) from notifier.clip")
        assert made > 50
        assert last < first


async def test_a_planned_run_opens_when_it_is_prepared(still: House) -> None:
    run = await planned(still)
    assert run.state is RunState.PREPARING

    assert await still.app.preparer().prepare_next()

    run = await still.run(run)
    assert (run.state, run.waiting_for) == (RunState.OPEN, None)
    assert not await still.app.preparer().prepare_next()


async def test_a_run_that_calls_nobody_is_not_prepared(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=Parts(), scale=1, speech_engines=[CARRIER]) as house:
        assert (await planned(house)).state is RunState.OPEN


async def test_it_says_how_far_it_is(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.engine.preparer.HEARTBEAT", 0.02)
    engine = Hoarse()
    speaks(still, engine)
    run = await planned(still)
    preparing = asyncio.create_task(still.app.preparer().prepare_next())

    waits = await waiting_for(still, run, "its recordings being made: ")

    done, every = waits.removeprefix("its recordings being made: ").split(" of ")
    assert int(done) == 0 < int(every)
    engine.let.set()
    assert await preparing
    assert (await still.run(run)).state is RunState.OPEN
    assert len(engine.asked) == int(every)


async def test_a_person_who_pauses_it_meanwhile_is_obeyed(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.engine.preparer.HEARTBEAT", 0.02)
    speaks(still, Hoarse())
    run = await planned(still)
    preparing = asyncio.create_task(still.app.preparer().prepare_next())
    await waiting_for(still, run, "its recordings being made: ")

    await still.move(run, RunState.PAUSED)

    assert await preparing
    assert (await still.run(run)).state is RunState.PAUSED
    await still.move(run, RunState.OPEN)
    assert (await still.run(run)).state is RunState.PREPARING, "nothing was recorded yet"
    speaks(still, Whistle("espeak"))
    assert await still.app.preparer().prepare_next()
    await still.move(run, RunState.PAUSED)
    await still.move(run, RunState.OPEN)
    assert (await still.run(run)).state is RunState.OPEN


async def test_a_run_is_prepared_by_one_until_it_dies(still: House) -> None:
    run = await planned(still)
    now = still.clock.now()
    assert await still.app.runs.take_to_prepare(1, [run.campaign], now, now + timedelta(minutes=1)) is not None
    assert not await still.app.preparer().prepare_next()
    assert (await still.run(run)).state is RunState.PREPARING

    await still.app.pool.execute("update notifier.run set preparing_until = $1", now - timedelta(seconds=1))

    assert await still.app.preparer().prepare_next()
    assert (await still.run(run)).state is RunState.OPEN
    assert not await still.app.runs.prepared(run.id, 1, now)


async def test_a_worker_without_the_campaign_leaves_it_to_others(still: House) -> None:
    run = await planned(still)
    still.app.catalogue = replace(still.app.catalogue, campaigns={})
    assert not await still.app.preparer().prepare_next()
    assert (await still.run(run)).state is RunState.PREPARING


async def test_what_is_urgent_is_not_prepared(still: House) -> None:
    campaign = replace(still.app.catalogue.campaign("payment_deadline"), priority=1)
    still.app.catalogue = replace(still.app.catalogue, campaigns={campaign.name: campaign})
    assert (await planned(still)).state is RunState.OPEN


async def test_it_does_not_take_for_ever(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.engine.preparer.MOST", 0.2)
    speaks(still, Hoarse())
    run = await planned(still)
    assert await still.app.preparer().prepare_next()
    assert (await still.run(run)).state is RunState.OPEN


async def test_calls_that_one_engine_cannot_speak_are_recorded_whole_by_the_next(still: House) -> None:
    first, second = Whistle("espeak"), Whistle("other")
    first.fails = {"一千": CannotSpeak("not this")}
    old = still.app.clips
    engines = {"espeak": first, "other": second}
    still.app.clips = Clips(old.store, engines, ["espeak", "other", CARRIER], old.seal, old.clock, old.wake_ups)
    await planned(still, 1)

    assert await still.app.preparer().prepare_next()

    assert set(first.asked) == set(second.asked), "a message is spoken whole by one"


async def test_an_engine_that_is_away_does_not_keep_a_run(still: House) -> None:
    engine = Whistle("espeak")
    engine.away = True
    speaks(still, engine)
    run = await planned(still)
    assert await still.app.preparer().prepare_next()
    assert (await still.run(run)).state is RunState.OPEN


async def test_a_source_that_is_away_is_waited_for(
    still: House, cluster: Cluster, source_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.engine.preparer.HEARTBEAT", 0.02)
    run = await planned(still)
    async with shut(cluster, source_database):
        preparing = asyncio.create_task(still.app.preparer().prepare_next())
        await waiting_for(still, run, "the source database: ")
    assert await preparing
    assert (await still.run(run)).state is RunState.OPEN
    assert await still.app.pool.fetchval("select count(*) from notifier.clip") > 50


async def test_the_preflight_counts_what_the_run_then_makes(still: House) -> None:
    await customers(still, 5)
    campaign = still.app.catalogue.campaign("payment_deadline")
    before = (await preflight(still.app, campaign, {"days": 3, "district": ""})).recordings
    assert before is not None
    assert (before.calls, before.engine, before.made) == (5, "espeak", 0)
    assert before.seconds > 0

    await still.launch()
    await still.app.planner().plan_next()
    await still.app.preparer().prepare_next()

    assert await still.app.pool.fetchval("select count(*) from notifier.clip") == before.needed
    after = (await preflight(still.app, campaign, {"days": 3, "district": ""})).recordings
    assert after is None or after.made == after.needed


async def waiting_for(house: House, run: Run, what: str) -> str:
    async with asyncio.timeout(10):
        while not ((await house.run(run)).waiting_for or "").startswith(what):
            await wait_for(house.app.wake_ups.event("runs"), 0.02)
    return str((await house.run(run)).waiting_for)
