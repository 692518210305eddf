"""What follows a call that did not reach: a text from 111 and from nobody else, and a mail that is one mail."""

from typing import Any

import pytest

from notifier.domain.notice_code import notice_code
from notifier.domain.states import RunState
from tests.acceptance.crowd import BAD_NUMBER, everyone, finished, number
from tests.house import House, open_house

MAIL = "wang@customer.example"


async def customer_without_a_working_telephone(house: House, **cells: Any) -> str:
    account = await house.customer(**{"mobile": number(1), "email": MAIL} | cells)
    await house.bill(account, amount=1234)
    await everyone(house, BAD_NUMBER)
    return account


async def test_a_text_from_111(house: House) -> None:
    account = await customer_without_a_working_telephone(house)

    await finished(house, await house.launch())

    (text,) = await house.ledger("message")
    assert (text["from"], text["to"], text["status"]) == ("111", number(1), "delivered")
    code = notice_code((await house.notification(account))["id"])
    for said in ("台灣電力公司提醒", "1,234元", "1911", code, "電費組", "07-338-3131"):
        assert said in text["body"], (said, text["body"])
    assert "http" not in text["body"]
    assert await house.mailbox() == []


@pytest.mark.parametrize("sender", ["+15005550006", ""])
async def test_no_text_from_anybody_else(database: str, source_database: str, sender: str) -> None:
    async with open_house(database, source_database, twilio={"sms_from": sender}) as house:
        await customer_without_a_working_telephone(house)

        await finished(house, await house.launch())

        assert await house.ledger("message") == []
        (mail,) = await house.mailbox()
        assert mail["rcpt_tos"] == [MAIL]


async def test_an_undelivered_text_is_followed_by_a_mail(house: House) -> None:
    account = await customer_without_a_working_telephone(house)
    await house.people({"messages": {number(1): [{"outcome": "undelivered", "error_code": 30003}]}})

    await finished(house, await house.launch())

    assert len(await house.ledger("message")) == 1
    assert len(await house.mailbox()) == 1
    assert [one["disposition"] for one in await house.attempts(account)] == ["refused", "undelivered", "accepted"]


async def test_a_landline_gets_no_text(house: House) -> None:
    await customer_without_a_working_telephone(house, mobile=None, phone="07-338-3131")

    await finished(house, await house.launch())

    assert await house.ledger("message") == []
    assert len(await house.mailbox()) == 1


@pytest.mark.parametrize(
    ("locale", "subject", "said"),
    [
        ("zh-TW", "電費繳費期限提醒", ["您好", "電費組", "07-338-3131", "1911", "1,234元"]),
        ("en", "electricity payment due", ["Dear customer", "Billing Section", "07-338-3131", "1911", "NT$1,234"]),
    ],
)
async def test_the_mail(house: House, locale: str, subject: str, said: list[str]) -> None:
    account = await house.customer(mobile=None, email=MAIL, locale=locale)
    await house.bill(account, amount=1234)

    await finished(house, await house.launch())

    (mail,) = await house.mailbox()
    notification = await house.notification(account)
    code = notice_code(notification["id"])
    headers = dict(mail["headers"])
    assert (mail["mail_from"], mail["rcpt_tos"]) == ("notice@office.example", [MAIL])
    assert subject in mail["subject"]
    assert mail["message_id"] == f"<{notification['id']}.2.0@office.example>"
    assert headers["List-Unsubscribe"] == f"<mailto:stop@office.example?subject={code}>"
    assert mail["attachments"] == []
    for form in ("text", "html"):
        assert all(part in mail[form] for part in [*said, code]), (form, mail[form])
        assert "http" not in mail[form].lower()
        assert "<a " not in mail[form]
    assert notification["outcome"] == "reached"
    (attempt,) = await house.attempts(account)
    assert attempt["disposition"] == "accepted"


async def test_a_mail_whose_answer_was_lost_is_repeated_as_the_same_mail(house: House) -> None:
    account = await house.customer(mobile=None, email=MAIL)
    await house.bill(account)
    await house.faults({"mail_drop": {"next": 1}})

    await finished(house, await house.launch())

    once, again = await house.mailbox()
    assert once["message_id"] == again["message_id"] != ""
    assert once["text"] == again["text"]
    assert [one["disposition"] for one in await house.attempts(account)] == ["not_created", "accepted"]
    assert (await house.notification(account))["outcome"] == "reached"


async def test_a_server_that_always_loses_its_answer_holds_the_mail(database: str, source_database: str) -> None:
    """Free retries are capped at ten: then a person must look."""
    async with open_house(database, source_database, scale=7200) as house:
        account = await house.customer(mobile=None, email=MAIL)
        await house.bill(account)
        await house.faults({"mail_drop": 1})
        run = await house.planned(await house.launch())

        async def held() -> bool:
            await house.app.wake_ups.send("lanes")  # this clock is too fast for the lanes' own poll
            return (await house.notification(account))["held"] is not None

        await house.until(held, "lanes")
        run = await house.ended(run)

        assert run.state is RunState.WAITING
        mails = await house.mailbox()
        assert len(mails) == 11
        assert len({mail["message_id"] for mail in mails}) == 1
        assert (await house.notification(account))["held"] == "not_created, 10 times without a try being spent"
        tally = await house.tally(run)
        assert (tally.difference, tally.open, sum(tally.held.values())) == (0, 0, 1)


async def test_what_the_mail_server_says(house: House) -> None:
    accounts = {}
    for name in ("greylisted", "refused", "fine"):
        accounts[name] = await house.customer(mobile=None, email=f"{name}@customer.example")
        await house.bill(accounts[name])
    await house.faults(
        {
            "mail_refuse": {"next": 1, "code": 451, "only": ["greylisted@customer.example"]},
            "mail_data_refuse": {"share": 1, "code": 554, "only": ["refused@customer.example"]},
        }
    )

    await finished(house, await house.launch())

    ended = {name: [one["disposition"] for one in await house.attempts(accounts[name])] for name in accounts}
    assert ended == {"greylisted": ["not_sent", "accepted"], "refused": ["refused"], "fine": ["accepted"]}
    outcomes = {name: (await house.notification(accounts[name]))["outcome"] for name in accounts}
    assert outcomes == {"greylisted": "reached", "refused": "unreached", "fine": "reached"}
