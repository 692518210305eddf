"""Every key that a customer can press, in both languages: what is heard, what is recorded, what follows."""

from dataclasses import dataclass

import pytest

from notifier.domain.dialogue_words import LOCALES, Sentence, say
from tests.acceptance.crowd import Behaviour, by_number, everyone, finished, number, presses
from tests.house import House

AMOUNT = {"zh-TW": "新臺幣一千兩百三十四元", "en": "one thousand two hundred thirty-four New Taiwan dollars"}
OTHER = {"zh-TW": "en", "en": "zh-TW"}


@dataclass(frozen=True)
class Case:
    """Keys pressed; what was made of them; and the sentence said last, or asked before it was done."""

    behaviour: Behaviour
    action: str | None
    outcome: str
    says: tuple[Sentence, ...] = ()
    amounts: int = 2  # how often the amount is said, in the customer's language
    other_amounts: int = 0  # and in the other one
    never: tuple[Sentence, ...] = ()


S = Sentence
AFTER_ALL = 55  # seconds: the essential part is over, and the menu too
CASES = {
    "1": Case(presses("1", first=AFTER_ALL), "acknowledge", "acknowledged", (S.THANKS_ACKNOWLEDGED,)),
    "1 at once": Case(presses("1", first=1), "acknowledge", "acknowledged", (S.THANKS_ACKNOWLEDGED,), amounts=0),
    "7": Case(presses("7", first=AFTER_ALL), "already_paid", "acknowledged", (S.CONFIRM_ALREADY_PAID_THANKS,)),
    "8 8": Case(
        presses("8", "8", first=AFTER_ALL), "wrong_person", "unreached",
        (S.ASK_CONFIRM_WRONG_PERSON, S.WRONG_PERSON_DONE),
    ),
    "9 9": Case(
        presses("9", "9", first=AFTER_ALL), "opt_out", "acknowledged",
        (S.ASK_CONFIRM_DO_NOT_CALL, S.DO_NOT_CALL_DONE),
    ),
    "8, then another": Case(
        presses("8", "5", first=AFTER_ALL), None, "reached", (S.ASK_CONFIRM_WRONG_PERSON, S.GOODBYE),
        never=(S.WRONG_PERSON_DONE,),
    ),
    "9, then nothing": Case(
        presses("9", first=AFTER_ALL), None, "reached", (S.ASK_CONFIRM_DO_NOT_CALL, S.GOODBYE),
        never=(S.DO_NOT_CALL_DONE,),
    ),
    "*": Case(presses("*", first=AFTER_ALL), None, "reached", (S.GOODBYE,), amounts=4),
    "0": Case(presses("0", first=AFTER_ALL), None, "reached", other_amounts=2),
    "0 1": Case(presses("0", "1", first=AFTER_ALL, between=30), "acknowledge", "acknowledged", other_amounts=2),
    "5": Case(presses("5", first=AFTER_ALL), None, "reached", (S.UNKNOWN_KEY, S.GOODBYE)),
    "5 1": Case(
        presses("5", "1", first=AFTER_ALL), "acknowledge", "acknowledged", (S.UNKNOWN_KEY, S.THANKS_ACKNOWLEDGED)
    ),
    "silence": Case(presses(), None, "reached", (S.GOODBYE,)),
}  # fmt: skip
IN_OTHER_LANGUAGE = {"0", "0 1"}


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_key(house: House, locale: str) -> None:
    accounts = {}
    for n, name in enumerate(CASES):
        accounts[name] = await house.customer(mobile=number(n), locale=locale)
        await house.bill(accounts[name], amount=1234)
    await house.people({"calls": {number(n): [case.behaviour] for n, case in enumerate(CASES.values())}})

    await finished(house, await house.launch())

    calls = by_number(await house.ledger("call"))
    for n, (name, case) in enumerate(CASES.items()):
        (call,) = calls[number(n)]
        heard, caller = "".join(await house.heard(call)), ""
        spoken_last = OTHER[locale] if name in IN_OTHER_LANGUAGE else locale
        assert call["pressed"] == [key["digit"] for key in case.behaviour["keys"]], name
        for sentence in case.says:
            assert say(sentence, spoken_last, caller) in heard, (name, sentence, heard)
        for sentence in case.never:
            assert say(sentence, spoken_last, caller) not in heard, (name, sentence, heard)
        assert heard.count(AMOUNT[locale]) == case.amounts, (name, heard)
        assert heard.count(AMOUNT[OTHER[locale]]) == case.other_amounts, (name, heard)
        (attempt,) = await house.attempts(accounts[name])
        assert attempt["action"] == case.action, name
        row = await house.notification(accounts[name])
        assert row["outcome"] == case.outcome, (name, row["outcome"])


async def test_already_paid_is_believed_for_the_posting_lag(house: House) -> None:
    account = await house.customer(mobile=number(1))
    bill = await house.bill(account)
    await everyone(house, presses("7"))

    await finished(house, await house.launch())

    (hold,) = await house.app.pool.fetch("select subject, until from notifier.posting_hold")
    assert hold["subject"] == bill
    (attempt,) = await house.attempts(account)
    assert (hold["until"] - attempt["ended_at"]).total_seconds() == pytest.approx(7 * 86_400, abs=3600)


async def test_the_wrong_person_is_never_called_again_and_the_mail_goes_out(house: House) -> None:
    account = await house.customer(mobile=number(1), email="wang@customer.example")
    await house.bill(account)
    await everyone(house, presses("8", "8"))

    await finished(house, await house.launch())

    (ban,) = await house.app.inquiries.suppressions(number(1))
    assert (ban["purpose"], ban["reason"]) == (None, "wrong_person")
    assert [one["disposition"] for one in await house.attempts(account)] == ["wrong_person", "accepted"]
    assert await house.ledger("message") == []
    (mail,) = await house.mailbox()
    assert mail["rcpt_tos"] == ["wang@customer.example"]
    assert (await house.notification(account))["outcome"] == "reached"

    await house.bill(account, amount=777)
    await finished(house, await house.launch("next"))
    assert len(await house.ledger("call")) == 1
    assert len(await house.mailbox()) == 2


async def test_whoever_asks_for_it_is_not_dunned_again(house: House) -> None:
    account = await house.customer(mobile=number(1), email="wang@customer.example")
    await house.bill(account)
    await everyone(house, presses("9", "9"))

    await finished(house, await house.launch())

    (ban,) = await house.app.inquiries.suppressions(number(1))
    assert (ban["purpose"], ban["reason"]) == ("collection", "opt_out")
    assert await house.mailbox() == []

    other = await house.customer(mobile=number(1))
    await house.bill(other)
    await finished(house, await house.launch("next"))
    assert await house.excluded(other) == ["suppressed"]
    assert len(await house.ledger("call")) == 1
