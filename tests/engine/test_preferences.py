"""By which channel whom first, as they asked: against an independent reckoning in Python of the same source rows."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifier.app import Parts
from notifier.domain.attempt_id import AttemptId, make_attempt_id
from notifier.domain.campaign import read_parameters
from notifier.domain.disposition import Disposition
from notifier.domain.follow_up import Place
from notifier.domain.receipt import AttemptProgress, Receipt, ReceiptKind
from notifier.domain.states import AttemptState
from notifier.engine.audition_calls import doubts
from notifier.engine.judgement import Judge
from notifier.engine.outlook import forecast_run
from notifier.engine.preflight import preflight
from notifier.sandbox.district import build_district
from notifier.storage.attempts import AttemptFile
from tests.acceptance.crowd import number
from tests.engine.test_planner import EMAIL, audience_of, plan
from tests.house import House, open_house

KNOWN = ("voice", "sms", "email")


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    """Nothing runs but what the test calls."""
    async with open_house(database, source_database, parts=Parts(), scale=1) as opened:
        yield opened


def reckon(row: Any, phone: str | None) -> str:
    """The channel that this row begins with, given the telephone that its cells came to."""
    email = (row["email"] or "").strip().lower()
    has = {
        "voice": phone is not None,
        "sms": phone is not None and phone.startswith("+8869"),
        "email": EMAIL.fullmatch(email) is not None,
    }
    wish = (row["prefers"] or "").strip().lower()
    return wish if has.get(wish) else next(channel for channel in KNOWN if has[channel])


async def test_everybody_is_queued_where_they_asked_to_be_told(house: House) -> None:
    await house.source.execute("delete from billing.office")
    await build_district(house.source, accounts=2000, seed=7, today=house.today)
    rows = {row["subject"]: row for row in await audience_of(house)}

    run = await plan(house)

    found = await house.app.pool.fetch(
        "select a.subject, n.phone, n.prefers, q.channel, q.step from notifier.notification n"
        " join notifier.queue q on q.notification_id = n.id"
        " join notifier.audience a on a.notification_id = n.id and a.fate = 'lead' where n.run_id = $1",
        run.id,
    )
    assert {one["subject"]: one["channel"] for one in found} == {
        one["subject"]: reckon(rows[one["subject"]], one["phone"]) for one in found
    }
    assert all(KNOWN[one["step"]] == one["channel"] for one in found)
    wishes = {one["subject"]: rows[one["subject"]]["prefers"] for one in found}
    assert {one["subject"]: one["prefers"] for one in found} == {
        subject: wish if wish in KNOWN else None for subject, wish in wishes.items()
    }
    assert {"voice", "sms", "email", None} <= set(wishes.values())
    asked = Counter(one["channel"] for one in found if one["prefers"])
    assert min(asked["sms"], asked["email"], asked["voice"]) > 0, "somebody must have asked for each"


@pytest.mark.parametrize(("cell", "kept"), [(" SMS ", "sms"), ("Email", "email"), ("LINE", None), ("", None)])
async def test_the_cell_is_read_as_it_was_typed(house: House, cell: str, kept: str | None) -> None:
    account = await house.customer(prefers=cell, email="a@example.com")
    await house.bill(account)
    await house.launch()
    assert await house.app.planner().plan_next()
    assert (await house.notification(account))["prefers"] == kept


async def test_a_household_is_told_as_the_lead_of_it_prefers(house: House) -> None:
    later = await house.customer(mobile=number(1), prefers="voice")
    sooner = await house.customer(mobile=number(1), prefers="sms")
    await house.bill(later, due_in=3)
    await house.bill(sooner, due_in=1)
    await house.launch()
    assert await house.app.planner().plan_next()
    row = await house.notification(sooner)
    assert (row["prefers"], row["channel"], len(row["subjects"])) == ("sms", "sms", 2)


async def some_customers(house: House) -> dict[str, str]:
    """Who prefers what -> the bill."""
    wishes = {"nothing": None, "text": "sms", "mail": "email", "call": "voice", "text without a mobile": "sms"}
    bills = {}
    for n, (who, wish) in enumerate(wishes.items()):
        cells = {"mobile": None, "phone": f"07-338-31{n:02}"} if "without" in who else {"mobile": number(n)}
        bills[who] = await house.bill(await house.customer(**cells, prefers=wish, email=f"c{n}@example.com"))
    return bills


async def test_the_preflight_counts_where_they_begin_and_why(house: House) -> None:
    await some_customers(house)
    campaign = house.app.catalogue.campaign("payment_deadline")

    report = await preflight(house.app, campaign, read_parameters(campaign, {}))

    assert [(step.channel, step.starting, step.preferred) for step in report.steps] == [
        ("voice", 3, 1),
        ("sms", 1, 1),
        ("email", 1, 1),
    ]
    assert report.finish is not None


async def test_whoever_prefers_a_text_is_no_example_of_a_call(house: House) -> None:
    bills = await some_customers(house)
    campaign = house.app.catalogue.campaign("payment_deadline")
    found = {who: [doubt.reason for doubt in await doubts(house.app, campaign, [bill])] for who, bill in bills.items()}
    assert found == {
        "nothing": [],
        "text": ["the customer prefers another channel"],
        "mail": ["the customer prefers another channel"],
        "call": [],
        "text without a mobile": [],
    }


async def test_the_forecast_of_a_run_follows_what_is_preferred(house: House) -> None:
    """For whoever is texted at last a mail is left; for whoever prefers a text, calls are, hours of retries long."""
    account = await house.customer(prefers="sms")
    await house.bill(account)
    run = await house.launch()
    assert await house.app.planner().plan_next()
    await house.app.pool.execute("update notifier.run set state = 'open'")
    await house.app.pool.execute(
        "insert into notifier.notification (id, run_id, account_no, locale, phone, expires_at, prefers)"
        " select 1000 + i, n.run_id, 'x', 'zh-TW', '+8869' || lpad(i::text, 8, '0'), n.expires_at, n.prefers"
        "   from notifier.notification n, generate_series(1, 500) i"
    )
    await house.app.pool.execute(
        "insert into notifier.queue (notification_id, run_id, channel, due_at, step)"
        " select n.id, n.run_id, 'sms', q.due_at, 1 from notifier.notification n, notifier.queue q where n.id > 1000"
    )

    async def finish() -> Any:
        found = await forecast_run(house.app, await house.run(run))
        assert found is not None
        return found.at

    preferring = await finish()
    await house.app.pool.execute("update notifier.notification set prefers = null")
    assert preferring > await finish()


def the_text(attempt: AttemptId, ended: Disposition, prefers: str | None) -> AttemptFile:
    progress = AttemptProgress(AttemptState.ENDED, disposition=ended)
    return AttemptFile(
        attempt, 1, 1, "payment_deadline", "sms", Place(1), number(1), progress, 1, number(1), "a@example.com", None,
        prefers=prefers,
    )  # fmt: skip


@pytest.mark.parametrize(("prefers", "step", "earlier"), [(None, 2, [0, 1]), ("sms", 0, [1]), ("email", None, [])])
async def test_a_late_truth_about_a_text_leads_to_whoever_comes_next(
    house: House, prefers: str | None, step: int | None, earlier: list[int]
) -> None:
    """It had been taken not to exist; the network says that it was not delivered."""
    now = house.clock.now()
    attempt = make_attempt_id(now, bytes(10))
    late = Receipt(attempt, ReceiptKind.CALLBACK, "undelivered", "undelivered", now, 9, ended=Disposition.UNDELIVERED)

    verdict = Judge(house.app.catalogue).verdict(the_text(attempt, Disposition.NOT_CREATED, prefers), [late], now)

    if step is None:  # nothing is left to follow: what waits is left alone
        assert verdict.follow == "none"
    else:
        assert (verdict.follow, verdict.place.step, list(verdict.earlier)) == ("adjust", step, earlier)
