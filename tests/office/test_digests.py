"""Open answers by mail, judged by the mailbox."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.app import Parts
from notifier.domain.message import Action
from notifier.engine import digests
from notifier.storage.answers import Move
from tests.house import TAIPEI, House, open_house, second_process
from tests.office.kit import SECTION, answered

TO = "billing@office.example"
CRON = "0 10 * * *"
EIGHT = datetime(2026, 12, 1, 8, 0, tzinfo=TAIPEI)
KEEP = Parts(keep=True)
MAIL = {"digest": {"to": {SECTION: TO, "設計組": "design@office.example"}, "cron": CRON}}


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    """A day of it takes four seconds. What the line should have fired before it was there, it has caught up."""
    async with open_house(database, source_database, parts=KEEP, start=EIGHT, scale=20_000, **MAIL) as opened:
        await closed(opened, 30, month=11)
        yield opened


async def rows(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.app.pool.fetch("select * from notifier.digest order by moment, section")]


async def closed(house: House, day: int, month: int = 12) -> list[dict[str, Any]]:
    """The digests of that day, once none of them is open."""
    moment = datetime(2026, month, day, 10, 0, tzinfo=TAIPEI)

    async def are() -> bool:
        some = [row for row in await rows(house) if row["moment"] == moment]
        return len(some) == 2 and all(row["state"] != "open" for row in some)

    await house.until_soon(are, within=60)
    return [row for row in await rows(house) if row["moment"] == moment]


async def test_once_with_two_schedulers(house: House, database: str, source_database: str) -> None:
    async with second_process(house, database, source_database, **MAIL):
        late = await answered(house.app, action="wrong_person", due_in=timedelta(hours=-3), subjects=["B000000042"])
        fresh = await answered(house.app, account_no="07100000011", value="2026-12-08", standing="not_offered")
        done = await answered(house.app, subjects=["B000000099"])
        await house.app.answers.move(done, Move.CLOSED, "Ms Lin", "seen", house.clock.now())
        await closed(house, 1)
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


async def test_nothing_new_is_no_mail_and_overdue_is_news_each_time(house: House) -> None:
    await answered(house.app, due_in=timedelta(hours=28))
    first = await closed(house, 1)
    second = await closed(house, 2)
    third = await closed(house, 3)

    def of(some: list[dict[str, Any]]) -> dict[str, str]:
        return {row["section"]: row["state"] for row in some}

    assert of(first) == {SECTION: "sent", "設計組": "nothing_new"}
    assert of(second) == {SECTION: "nothing_new", "設計組": "nothing_new"}
    assert of(third) == {SECTION: "sent", "設計組": "nothing_new"}
    assert [mail["subject"].partition(" / ")[2] for mail in await house.mailbox()][:2] == [
        "1 open answers", "1 open answers, 1 overdue",
    ]  # fmt: skip


async def test_a_mail_that_may_have_gone_out_is_repeated_as_the_same_mail(house: House) -> None:
    await house.faults({"mail_drop": {"next": 1}})
    await answered(house.app)
    await closed(house, 1)

    mails = await house.mailbox()
    assert len(mails) == 2
    assert len({mail["message_id"] for mail in mails}) == 1
    assert mails[0]["text"] == mails[1]["text"]


async def test_a_mail_server_that_is_away_is_waited_for_and_the_next_digest_holds_everything(house: House) -> None:
    await house.faults({"mail_answer": {"share": 1.0, "resource": "banner", "code": 421}})
    first = await answered(house.app)

    async def put_off() -> bool:
        return any(row["reason"] for row in await rows(house))

    await house.until_soon(put_off)
    later = await answered(house.app, due_in=timedelta(days=9))

    async def next_day() -> bool:
        return house.clock.now() > datetime(2026, 12, 2, 10, 1, tzinfo=TAIPEI)

    await house.until_soon(next_day, within=120)
    await house.no_more_faults()
    await closed(house, 2)

    (mail,) = await house.mailbox()
    states = {row["moment"].astimezone(TAIPEI).day: row for row in await rows(house) if row["section"] == SECTION}
    assert states[1]["state"] == "superseded"
    assert states[2]["replies"] == [first, later]
    assert mail["message_id"] == f"<digest.{states[2]['reference']}@office.example>"


async def test_an_address_that_is_refused_is_said(house: House) -> None:
    await house.faults({"mail_refuse": {"share": 1.0, "code": 550}})
    await answered(house.app)
    digest = next(row for row in await closed(house, 1) if row["section"] == SECTION)

    assert digest["state"] == "refused"
    assert "550" in digest["reason"]
    assert TO not in digest["reason"]
    assert await house.app.pool.fetchval("select mailed_at is null from notifier.reply")


async def test_whoever_died_with_a_digest_in_hand_is_followed_by_another(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=Parts(), start=EIGHT, scale=1200, **MAIL) as house:
        await answered(house.app)
        dying, other = house.app.section_mail(), house.app.section_mail()
        assert dying is not None
        assert other is not None
        dying.takes = other.takes = 0.2
        await dying._open_due()
        now = house.clock.now()
        digest = await dying.store.claim(dying.to, now + timedelta(seconds=0.2 * 1200), now)
        assert digest is not None  # and nothing more is heard of it
        assert not await other.turn()

        async def sent() -> bool:
            await other.turn()
            return bool(await house.mailbox())

        await house.until_soon(sent)
        await asyncio.gather(dying.mailer.close(), other.mailer.close())
        (mail,) = await house.mailbox()
        assert mail["message_id"] == f"<digest.{digest.reference}@office.example>"


async def test_more_than_a_mail_can_list_are_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MOST_LISTED", 3)
    for _ in range(5):
        await answered(house.app)
    await closed(house, 1)

    (mail,) = await house.mailbox()
    assert "另有 2 筆未列出" in mail["text"]
    assert "2 more are not listed" in mail["html"]
    assert await house.app.pool.fetchval("select count(*) from notifier.reply where mailed_at is null") == 2


@pytest.mark.parametrize("action", list(Action))
async def test_every_action_has_words(house: House, action: Action) -> None:
    """A code in a mail to people would be our neglect."""
    await answered(house.app, action=action.value)
    await closed(house, 1)

    (mail,) = await house.mailbox()
    assert action.value not in mail["text"]
