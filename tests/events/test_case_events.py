"""source.case_event is read on and on: nothing is lost, nothing is taken twice, whatever becomes visible when."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from notifier.app import Parts
from notifier.engine import case_events
from notifier.engine.case_events import OVERLAP_IDS, CaseEvents, advance, begin, read_from
from notifier.resources import sql_root
from notifier.storage.events import Feed
from notifier.storage.queries import load_query
from tests.acceptance.test_source_down import shut
from tests.conftest import Cluster
from tests.events.kit import ASKED, happen, inbox, let_events_trigger, settled
from tests.house import House, open_house, second_process

NEVER = timedelta(hours=1)


@pytest.fixture
async def still(database: str, source_database: str) -> AsyncIterator[House]:
    """Nothing runs: the reader is in the hands of the test."""
    async with open_house(database, source_database, parts=Parts()) as opened:
        yield opened


async def read(house: House, reader: CaseEvents | None = None) -> list[str]:
    """One reading, to its end; by default of a process just started. Answers all subjects in the inbox."""
    reader = reader or house.app.case_events()
    while await reader.read(house.app.clock.real_now()):
        pass
    return [row["subject"] for row in await inbox(house.app)]


@pytest.fixture
async def another(source_database: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A second clerk at the utility's database."""
    connection = await asyncpg.connect(source_database)
    yield connection
    await connection.close()


async def test_two_transactions_that_commit_in_the_other_order(still: House, another: Any) -> None:
    reader = still.app.case_events()
    slow = another.transaction()
    await slow.start()
    (first,) = await happen(still, (ASKED, "slow"), connection=another)
    (second,) = await happen(still, (ASKED, "quick"))
    assert first < second
    assert await read(still, reader) == ["quick"]

    await slow.commit()

    assert await read(still, reader) == ["quick", "slow"]
    assert await read(still, reader) == ["quick", "slow"]
    assert await read(still) == ["quick", "slow"]  # and by a process that knows nothing yet


async def test_of_a_transaction_that_takes_long_nothing_is_lost(still: House, another: Any) -> None:
    """While it is open, more ids are read than are always read again."""
    reader = still.app.case_events()
    await read(still, reader)
    async with another.transaction():
        await happen(still, (ASKED, "slow"), connection=another)
        await still.source.execute(
            "insert into billing.event (type, subject) select 'x', 'n' || n from generate_series(1, $1) n",
            OVERLAP_IDS + 100,
        )
        await read(still, reader)

    assert (await read(still, reader))[-1] == "slow"
    assert len(await read(still)) == OVERLAP_IDS + 101


NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def test_ten_minutes_or_ten_thousand_ids_are_read_again_whichever_is_more() -> None:
    feed = begin(Feed("f"), 50_000, NOW)
    assert read_from(feed) == 40_000
    for minute in range(1, 10):  # a burst
        feed = advance(feed, [50_000 + minute * 5_000], NOW + timedelta(minutes=minute))
        assert read_from(feed) == 40_000
    feed = advance(feed, [], NOW + timedelta(minutes=10))
    assert (feed.highest, read_from(feed)) == (95_000, 50_000)
    feed = advance(feed, [95_001], NOW + timedelta(minutes=19))
    assert read_from(feed) == 50_000
    feed = advance(feed, [95_002], NOW + timedelta(minutes=20))
    assert read_from(feed) == 85_002  # seldom events: ids are more


def test_after_hours_without_a_reading_it_begins_where_it_stopped() -> None:
    feed = advance(begin(Feed("f"), 50_000, NOW), [70_000], NOW + timedelta(minutes=1))
    feed = advance(feed, [300_000], NOW + timedelta(hours=5))
    assert read_from(feed) == 50_000


async def test_what_happened_while_nobody_read_is_found(still: House) -> None:
    await happen(still, (ASKED, "before"))
    await read(still)
    await happen(still, *[(ASKED, f"meanwhile {n}") for n in range(3)])

    assert await read(still) == ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2"]


async def test_more_than_fits_into_one_reading(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_events, "PORTION", 10)
    wanted = [f"S{n}" for n in range(45)]
    await happen(still, *[(ASKED, subject) for subject in wanted])

    assert await read(still) == wanted


async def test_history_before_the_first_reading_is_left_to_the_audiences(still: House) -> None:
    """Of a source that has years of events, the last ones are read: who is to be told still, audiences find."""
    await still.source.execute(
        "insert into billing.event (event_id, type, subject)"
        " select n, 'x', 'n' || n from generate_series(1, $1::integer, 5000) n",
        100_001,
    )

    assert await read(still) == [f"n{n}" for n in (95_001, 100_001)]


async def test_bad_rows_are_kept_with_the_reason_and_keep_nobody_back(still: House) -> None:
    await still.source.execute("alter table billing.event alter subject drop not null, alter type drop not null")
    await still.source.execute(
        "insert into billing.event (type, subject) values"
        " ('case.delayed', null), (null, 'S1'), ('case.delayed', ''), ('case.delayed', repeat('x', 300)),"
        " ('case.delayed', e'S\\x01'), ('case.delayed', 'S2')"
    )
    reader = still.app.case_events()
    await read(still, reader)
    await read(still, reader)
    await read(still)

    rows = await inbox(still.app)
    assert sorted((row["reason"] or row["subject"]) for row in rows) == [
        "S2", "subject: forbidden_character", "subject: missing", "subject: missing", "subject: too_long",
        "type: missing",
    ]  # fmt: skip
    assert {row["copies"] for row in rows} == {1}


async def test_several_readers_read_once(still: House) -> None:
    readers = [still.app.case_events() for _ in range(4)]
    for portion in range(5):
        await happen(still, *[(ASKED, f"S{portion}-{n}") for n in range(20)])
        await asyncio.gather(*(read(still, reader) for reader in readers))

    subjects = await read(still)
    assert len(subjects) == len(set(subjects)) == 100


async def test_woken_where_the_source_notifies(
    database: str, source_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_events, "POLL", NEVER)
    async with open_house(database, source_database) as house:
        for n in range(3):
            await happen(house, ("x", f"S{n}"))
            await house.until_soon(lambda n=n: arrived(house, n + 1))  # type: ignore[misc]


async def test_polled_where_it_does_not(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house:
        await house.source.execute("drop trigger event_told on billing.event")
        for n in range(2):
            await happen(house, ("x", f"S{n}"))
            await house.until_soon(lambda n=n: arrived(house, n + 1))  # type: ignore[misc]


async def arrived(house: House, count: int) -> bool:
    return len(await inbox(house.app)) == count


async def waits(house: House, beginning: str) -> None:
    async def says_so() -> bool:
        (feed,) = await house.app.events.feeds()
        return (feed.waiting_for or "").startswith(beginning)

    await house.until_soon(says_so)


async def test_a_source_that_is_away_is_waited_for(cluster: Cluster, database: str, source_database: str) -> None:
    async with (
        open_house(database, source_database) as house,
        second_process(house, database, source_database) as second,
    ):
        let_events_trigger(second)
        let_events_trigger(house.app)
        await happen(house, (ASKED, "before"))
        await settled(house, 1)
        async with shut(cluster, source_database):
            await waits(house, "the source database: ")
        utility = await asyncpg.connect(source_database)
        await happen(house, (ASKED, "after"), connection=utility)
        await utility.close()
        await settled(house, 2)

        assert [row["subject"] for row in await inbox(house.app)] == ["before", "after"]
        (feed,) = await house.app.events.feeds()
        assert feed.waiting_for is None


async def test_a_view_that_is_not_there_is_said(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house:
        await house.source.execute("alter view source.case_event rename to case_event_gone")
        await waits(house, 'the source does not hold its contract: relation "source.case_event" does not exist')
        await house.source.execute("alter view source.case_event_gone rename to case_event")
        await happen(house, ("x", "S1"))
        await house.until_soon(lambda: arrived(house, 1))


@pytest.mark.parametrize("name", ["case_event", "newest_case_event"])
async def test_its_queries_can_be_prepared(source_database: str, name: str) -> None:
    query = load_query(sql_root() / "feeds" / f"{name}.sql")
    connection = await asyncpg.connect(source_database)
    statement = await connection.prepare(query.text)
    assert len(statement.get_parameters()) == len(query.params)
    await connection.close()
