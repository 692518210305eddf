"""Open answers by mail, judged by the mailbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.app import Parts
from notifier.clock import ScaledClock
from notifier.domain.message import Action
from notifier.engine import digests
from notifier.engine.cron import last_firing
from notifier.engine.digests import Digests
from notifier.settings import DigestSettings
from notifier.storage.answers import Move
from tests.house import TAIPEI, House, open_house, second_process
from tests.office.kit import SECTION, answered

TO = "billing@office.example"
CRON = "0 10 * * *"
EIGHT = datetime(2026, 12, 1, 8, 0, tzinfo=TAIPEI)
TEN = EIGHT.replace(hour=10)
STANDING = 1e-9  # of a clock that stands
MAIL = {"digest": {"to": {SECTION: TO, "設計組": "design@office.example"}, "cron": CRON}}


async def rows(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.app.pool.fetch("select * from notifier.digest order by moment, section")]


async def test_once_with_two_schedulers(database: str, source_database: str) -> None:
    """Both come up after the hour of the line, and find it missed."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(
            open_house(database, source_database, parts=Parts(), start=EIGHT, scale=1, **MAIL)
        )
        late = await answered(house.app, action="wrong_person", due_in=timedelta(hours=-3), subjects=["B000000042"])
        fresh = await answered(house.app, account_no="07100000011", value="2026-12-08", standing="not_offered")
        done = await answered(house.app, subjects=["B000000099"])
        await house.app.answers.move(done, Move.CLOSED, "Ms Lin", "seen", house.clock.now())
        for _ in range(2):
            await stack.enter_async_context(second_process(house, database, source_database, **MAIL))

        async def over() -> bool:
            return sorted(row["state"] for row in await rows(house)) == ["nothing_new", "sent"]

        await house.until_soon(over)
        (mail,) = await house.mailbox()
        (sent,) = [row for row in await rows(house) if row["state"] == "sent"]

    assert mail["rcpt_tos"] == [TO]
    assert mail["message_id"] == f"<digest.{sent['reference']}@office.example>"
    assert mail["subject"] == "電費組：2 筆用戶回覆待處理，1 筆逾期 / 2 open answers, 1 overdue"
    text, html = mail["text"], mail["html"]
    for words in (text, html):
        chinese, english = words.index("接聽者不是本人"), words.index("is not the customer")
        assert chinese < english
        assert words.index("B000000042") < words.index("B000000017")
        assert "B000000099" not in words
        assert "07-**-****-**-1" in words
        assert "07100000011" not in words
        assert "12月8日" in words
        assert "December 8" in words
        assert "當時已無此選項" in words
        assert "http" not in words.replace("http-equiv", "")
        assert "@" not in words
    assert "【逾期】" in text
    assert "[OVERDUE]" in text
    assert "href" not in html
    assert sent["replies"] == [late, fresh]
    assert (sent["section"], sent["overdue"]) == (SECTION, 1)


@pytest.fixture
async def still(database: str, source_database: str) -> AsyncIterator[House]:
    """One whose clock stands at eight of the first of December; nothing happens by itself."""
    async with open_house(database, source_database, parts=Parts(), start=EIGHT, scale=STANDING, **MAIL) as opened:
        yield opened


async def scheduler(house: House) -> Digests:
    made = house.app.section_mail()
    assert made is not None
    made.takes /= STANDING  # its lease lasts as long as any
    return made


async def at(keeper: Digests, moment: datetime) -> None:
    """All there is to do at that moment."""
    keeper.clock = ScaledClock(moment, STANDING, 0)
    while await keeper.turn():
        pass


async def states(house: House) -> dict[int, str]:
    """Of the section's digests, by day."""
    return {
        row["moment"].astimezone(TAIPEI).day: row["state"] for row in await rows(house) if row["section"] == SECTION
    }


async def test_nothing_new_is_no_mail_and_overdue_is_news_each_time(still: House) -> None:
    await answered(still.app, due_in=timedelta(days=2))
    keeper = await scheduler(still)
    for day in range(1, 5):
        await at(keeper, TEN.replace(day=day))

    assert await states(still) == {1: "sent", 2: "nothing_new", 3: "sent", 4: "sent"}
    assert [mail["subject"].partition(" / ")[2] for mail in await still.mailbox()] == [
        "1 open answers", "1 open answers, 1 overdue", "1 open answers, 1 overdue",
    ]  # fmt: skip
    await keeper.mailer.close()


async def test_a_mail_that_may_have_gone_out_is_repeated_as_the_same_mail(still: House) -> None:
    await still.faults({"mail_drop": {"next": 1}})
    await answered(still.app)
    keeper = await scheduler(still)
    await at(keeper, TEN)
    assert await states(still) == {1: "open"}
    await answered(still.app, subjects=["B000000099"])
    await at(keeper, TEN + timedelta(minutes=2))

    mails = await still.mailbox()
    assert await states(still) == {1: "sent"}
    assert len(mails) == 2
    assert len({(mail["message_id"], mail["text"], mail["html"]) for mail in mails}) == 1
    await keeper.mailer.close()


async def test_a_mail_server_that_is_away_is_waited_for_and_the_next_digest_holds_everything(still: House) -> None:
    await still.faults({"mail_answer": {"share": 1.0, "resource": "banner", "code": 421}})
    first, keeper = await answered(still.app), await scheduler(still)
    await at(keeper, TEN)
    for hours in range(1, 20):
        await at(keeper, TEN + timedelta(hours=hours))
    (row,) = [row for row in await rows(still) if row["section"] == SECTION]
    later = await answered(still.app, due_in=timedelta(days=9))
    await still.no_more_faults()
    await at(keeper, TEN + timedelta(days=1))

    (mail,) = await still.mailbox()
    (sent,) = [row for row in await rows(still) if row["state"] == "sent"]
    assert row["tries"] > 15
    assert row["reason"]
    assert await states(still) == {1: "superseded", 2: "sent"}
    assert sorted(sent["replies"]) == [first, later]
    assert mail["message_id"] == f"<digest.{sent['reference']}@office.example>"
    await keeper.mailer.close()


async def test_an_address_that_is_refused_is_said(still: House) -> None:
    await still.faults({"mail_refuse": {"share": 1.0, "code": 550}})
    await answered(still.app)
    keeper = await scheduler(still)
    await at(keeper, TEN)

    (digest,) = [row for row in await rows(still) if row["section"] == SECTION]
    assert digest["state"] == "refused"
    assert "550" in digest["reason"]
    assert TO not in digest["reason"]
    assert await still.app.pool.fetchval("select mailed_at is null from notifier.reply")
    await keeper.mailer.close()


async def test_of_many_schedulers_at_one_moment_one_opens_it(still: House) -> None:
    await answered(still.app)
    keepers = [await scheduler(still) for _ in range(5)]
    await asyncio.gather(*(at(keeper, TEN) for keeper in keepers))

    assert len(await rows(still)) == 2
    assert len(await still.mailbox()) == 1
    await asyncio.gather(*(keeper.mailer.close() for keeper in keepers))


async def test_whoever_died_with_a_digest_in_hand_is_followed_by_another(still: House) -> None:
    await answered(still.app)
    dying, other = await scheduler(still), await scheduler(still)
    dying.clock = ScaledClock(TEN, STANDING, 0)
    await dying._open_due()
    digest = await dying.store.claim(dying.to, TEN + timedelta(minutes=6), TEN + timedelta(minutes=1))
    assert digest is not None  # and nothing more is heard of it
    await at(other, TEN + timedelta(minutes=5))
    assert await still.mailbox() == []
    await at(other, TEN + timedelta(minutes=7))

    (mail,) = await still.mailbox()
    assert mail["message_id"] == f"<digest.{digest.reference}@office.example>"
    await other.mailer.close()


async def test_more_than_a_mail_can_list_are_counted(still: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MOST_LISTED", 3)
    keeper = await scheduler(still)
    for _ in range(5):
        await answered(still.app)
    await at(keeper, TEN)
    await at(keeper, TEN + timedelta(days=1))

    first, second = await still.mailbox()
    assert "另有 2 筆未列出" in first["text"]
    assert "2 more are not listed" in first["html"]
    assert second["text"].count("【新】") == 2, "what the first did not list is new in the second"
    await keeper.mailer.close()


async def test_every_action_has_words(still: House) -> None:
    """A code in a mail to people would be our neglect."""
    keeper = await scheduler(still)
    for action in Action:
        await answered(still.app, action=action.value)
    await at(keeper, TEN)

    (mail,) = await still.mailbox()
    assert [action for action in Action if action.value in mail["text"]] == []
    await keeper.mailer.close()


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("* * * * *", datetime(2026, 12, 1, 10, 0)),
        ("0 10 * * *", datetime(2026, 12, 1, 10, 0)),
        ("1 10 * * *", datetime(2026, 11, 30, 10, 1)),
        ("30 8,13 * * 1-5", datetime(2026, 12, 1, 8, 30)),
        ("0 9 * * 0", datetime(2026, 11, 29, 9, 0)),
        ("0 9 5 * *", datetime(2026, 11, 5, 9, 0)),
        ("0 9 1 6 *", None),
    ],
)
def test_when_a_line_fired_last(line: str, last: datetime | None) -> None:
    assert last_firing(line, "Asia/Taipei", TEN) == (last and last.replace(tzinfo=TAIPEI))


def test_a_line_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        DigestSettings(cron="every morning")
