"""One household, one call: the bills of one number are told together, and nobody learns a neighbour's account."""

from dataclasses import dataclass
from typing import Any

from tests.acceptance.crowd import LISTENS, by_number, everyone, finished, number
from tests.house import House

LISTED = "電號："
ONE, TWO = ["王小明"], ["王小明", "李大華"]


@dataclass(frozen=True)
class Family:
    """The names on the accounts of one address, their bills (dealt out in turn), and what a call and a mail say."""

    names: list[str]
    amounts: list[int]
    told: str
    total: str
    written: str
    listed: int


FAMILIES = {
    "two bills of one account": Family(ONE, [1200, 800], "有兩筆電費", "新臺幣兩千元", "2,000元", 2),
    "two accounts of one name": Family(ONE * 2, [1200, 800], "有兩筆電費", "新臺幣兩千元", "2,000元", 2),
    "two names": Family(TWO, [1200, 800], "有兩筆電費", "新臺幣兩千元", "2,000元", 0),
    "five bills": Family(ONE, [1000] * 5, "有五筆電費", "新臺幣五千元", "5,000元", 5),
    "six bills": Family(ONE, [1000] * 6, "有六筆電費", "新臺幣六千元", "6,000元", 0),
}
BILLS = sum(len(family.amounts) for family in FAMILIES.values())


async def settle_in(house: House, family: Family, **address: Any) -> list[str]:
    """The family's accounts, all at one address, with their bills."""
    accounts = [await house.customer(name=name, **address) for name in family.names]
    for turn, amount in enumerate(family.amounts):
        await house.bill(accounts[turn % len(accounts)], amount=amount)
    return accounts


async def test_one_number_is_called_once(house: House) -> None:
    accounts = [await settle_in(house, family, mobile=number(n)) for n, family in enumerate(FAMILIES.values())]
    await everyone(house, LISTENS)

    run = await finished(house, await house.launch())

    calls = by_number(await house.ledger("call"))
    for n, (name, family) in enumerate(FAMILIES.items()):
        (call,) = calls[number(n)]
        heard = "".join(await house.heard(call))
        assert family.told in heard, name
        assert heard.count(family.total) == 2, name
        assert not any(private in heard for private in [*family.names, *accounts[n]]), name
    tally = await house.tally(run)
    assert (tally.selected, tally.merged, tally.outcomes) == (
        BILLS, BILLS - len(FAMILIES), {"reached": len(FAMILIES)},
    )  # fmt: skip


async def test_one_mailbox_gets_one_mail(house: House) -> None:
    for n, family in enumerate(FAMILIES.values()):
        await settle_in(house, family, mobile=None, email=f"family{n}@customer.example")

    run = await finished(house, await house.launch())

    mails = {mail["rcpt_tos"][0]: mail for mail in await house.mailbox()}
    assert len(await house.mailbox()) == len(FAMILIES)
    for n, (name, family) in enumerate(FAMILIES.items()):
        mail = mails[f"family{n}@customer.example"]
        for form in ("text", "html"):
            assert mail[form].count(LISTED) == family.listed, (name, mail[form])
            assert f"{len(family.amounts)}筆電費" in mail[form], (name, mail[form])
            assert family.written in mail[form], (name, mail[form])
            assert not any(person in mail[form] for person in family.names), name
    tally = await house.tally(run)
    assert (tally.merged, tally.outcomes) == (BILLS - len(FAMILIES), {"reached": len(FAMILIES)})


async def test_an_inquiry_finds_the_household_s_call_under_each_account(house: House) -> None:
    accounts = await settle_in(house, FAMILIES["two names"], mobile=number(1))
    await everyone(house)

    await finished(house, await house.launch())

    found = {(await house.notification(account))["id"] for account in accounts}
    assert len(found) == 1
    assert len(await house.ledger("call")) == 1
