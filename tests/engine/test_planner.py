"""The fan-out against an independent reckoning in Python of the same source rows."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifier.app import Parts
from notifier.domain.message import LOCALES
from notifier.domain.states import RunState
from notifier.domain.telephone import Number, read_cell
from notifier.sandbox.district import build_district
from notifier.storage.runs import Run
from notifier.storage.source import SourceBroken, campaign_queries
from tests.house import House, open_house

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@pytest.fixture
async def district(database: str, source_database: str) -> AsyncIterator[House]:
    """A made-up district of 2,000 accounts with all its dirt; nothing runs but what the test calls."""
    async with open_house(database, source_database, parts=Parts(), scale=1) as house:
        await house.source.execute("delete from billing.office")
        await build_district(house.source, accounts=2000, seed=7, today=house.today)
        yield house


def reckon(rows: list[Any]) -> tuple[Counter[str], Counter[str], int]:
    """What should become of these audience rows: (excluded by reason, held by reason, notifications)."""
    excluded: Counter[str] = Counter()
    held: Counter[str] = Counter()
    households: set[str] = set()
    seen: set[str] = set()
    for row in rows:
        if row["subject"] in seen:
            excluded["duplicate_row"] += 1
            continue
        seen.add(row["subject"])
        reason, address = judge(row)
        if reason:
            excluded[reason] += 1
        elif row["hold"]:
            held[row["hold"]] += 1
            households.add(row["subject"])
        else:
            households.add(str(address))
    return excluded, held, len(households)


def judge(row: Any) -> tuple[str | None, str | None]:
    mobile, phone = read_cell(row["mobile"]), read_cell(row["phone"])
    number = next((cell.e164 for cell in (mobile, phone) if isinstance(cell, Number)), None)
    email = (row["email"] or "").strip().lower()
    address = number or (email if EMAIL.fullmatch(email) else None)
    if row["exclude"]:
        return row["exclude"], None
    if (row["locale"] or "zh-TW").strip() not in LOCALES:
        return "unknown_locale", None
    if address is None:
        reasons = [cell for cell in (row["mobile"], row["phone"]) if cell is not None]
        why = read_cell(reasons[0]).reason.value if reasons else "no_telephone"  # type: ignore[union-attr]
        return f"no_address: {why}", None
    return None, address


async def plan(house: House, key: str = "test") -> Run:
    run = await house.launch(key, days="3")
    assert await house.app.planner().plan_next()
    planned = await house.app.runs.by_id(run.id)
    assert planned is not None
    return planned


async def audience_of(house: House) -> list[Any]:
    query = campaign_queries("payment_deadline").audience
    return await query.fetch(house.source, now=house.clock.now(), days=3, district="")


async def test_every_row_is_accounted_for(district: House) -> None:
    rows = await audience_of(district)
    excluded, held, notifications = reckon(rows)

    run = await plan(district)

    tally = await district.tally(run)
    assert run.state is RunState.PREPARING
    assert run.selected == len(rows)
    assert tally.difference == 0
    assert tally.excluded == dict(excluded)
    assert tally.held == dict(held)
    assert tally.open + sum(tally.held.values()) == notifications
    assert min(len(excluded), tally.merged, sum(held.values())) > 0, "the district must have some of everything"


async def test_what_was_planned_is_not_told_again(district: House) -> None:
    rows = await audience_of(district)
    excluded, _, _ = reckon(rows)
    await plan(district)
    second = await plan(district, "again")
    # Who cannot be contacted is listed again; duplicate rows of a bill that was told were told with it.
    listed_again = sum(excluded.values()) - excluded["duplicate_row"]
    assert second.selected - listed_again <= excluded["duplicate_row"]
    assert second.already_told + second.selected == len(rows)
    assert await district.app.pool.fetchval(
        "select count(*) from notifier.notification where run_id = $1", second.id
    ) == 0  # fmt: skip


async def test_a_planner_that_dies_leaves_nothing_behind(district: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await district.launch(days="3")
    planner = district.app.planner()

    async def die(*_args: Any, **_kwargs: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(planner.audiences, "fan_out", die)
        with pytest.raises(asyncio.CancelledError):
            await planner.plan_next()
    for table in ("notification", "queue", "audience"):
        assert await district.app.pool.fetchval(f"select count(*) from notifier.{table}") == 0
    assert await district.app.planner().plan_next()
    again = await district.app.runs.by_id(run.id)
    assert again is not None
    assert again.state is RunState.PREPARING


async def test_several_planners_plan_a_run_once(district: House) -> None:
    await district.launch(days="3")
    planned = await asyncio.gather(*(district.app.planner().plan_next() for _ in range(4)))
    assert sum(planned) == 1


async def test_a_view_of_the_wrong_type_fails_the_run_with_the_reason(district: House) -> None:
    await district.source.execute("drop view source.bill cascade")
    run = await district.launch(days="3")
    assert not await district.app.planner().plan_next()
    failed = await district.app.runs.by_id(run.id)
    assert failed is not None
    assert failed.state is RunState.FAILED
    assert "source.bill" in (failed.reason or "")


async def test_suppressed_addresses_are_passed_over(district: House) -> None:
    pool = district.app.pool
    first = await plan(district)
    row = await pool.fetchrow(
        "select phone, email, account_no from notifier.notification where run_id = $1 and phone is not null"
        " and email is not null and held is null limit 1", first.id,
    )  # fmt: skip
    await pool.execute("truncate notifier.notification, notifier.queue, notifier.audience")
    await pool.execute(
        "insert into notifier.suppression (address, purpose, reason, since)"
        " values ($1, 'collection', 'opt_out', now())",
        row["phone"],
    )
    second = await plan(district, "again")
    found = await pool.fetch(
        "select n.phone, q.channel from notifier.notification n join notifier.queue q on q.notification_id = n.id"
        " where n.run_id = $1 and n.email = $2", second.id, row["email"],
    )  # fmt: skip
    assert {tuple(each) for each in found} == {(None, "email")}


async def test_a_source_that_is_away_is_waited_for(database: str, source_database: str) -> None:
    nowhere = "postgresql://postgres@127.0.0.1:1/nothing"
    async with open_house(database, source_database, parts=Parts(), source_url=nowhere) as house:
        run = await house.launch()
        assert not await house.app.planner().plan_next()
        waiting = await house.app.runs.by_id(run.id)
        assert waiting is not None
        assert waiting.state is RunState.PLANNING
        assert "source database" in (waiting.waiting_for or "")


async def test_the_source_is_only_read(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=Parts()) as house:
        with pytest.raises(SourceBroken, match="read-only"):
            async with house.app.source.snapshot() as reader:
                await reader.execute("delete from billing.bill")
