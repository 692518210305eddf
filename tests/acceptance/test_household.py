"""One household, one call: the bills of one number are told together, and nobody learns a neighbour's account."""

from typing import Any

import pytest

from tests.acceptance.crowd import LISTENS, everyone, finished, number, words
from tests.house import House

MAIL = "family@customer.example"
LISTED = "電號："


async def household(house: House, names: list[str], amounts: list[int], **address: Any) -> list[str]:
    """An account of each name at the same address, and a bill of each amount: dealt out in turn."""
    accounts = [await house.customer(name=name, **address) for name in names]
    for turn, amount in enumerate(amounts):
        await house.bill(accounts[turn % len(accounts)], amount=amount)
    return accounts


@pytest.mark.parametrize(
    ("names", "amounts", "said"),
    [
        pytest.param(["王小明"], [1200, 800], ["有兩筆電費", "新臺幣兩千元"], id="two bills of one account"),
        pytest.param(["王小明"] * 2, [1200, 800], ["有兩筆電費", "新臺幣兩千元"], id="two accounts of one name"),
        pytest.param(["王小明", "李大華"], [1200, 800], ["有兩筆電費", "新臺幣兩千元"], id="two names"),
        pytest.param(["王小明"], [1000] * 6, ["有六筆電費", "新臺幣六千元"], id="six bills"),
    ],
)
async def test_one_number_is_called_once(house: House, names: list[str], amounts: list[int], said: list[str]) -> None:
    accounts = await household(house, names, amounts, mobile=number(1))
    await everyone(house, LISTENS)

    run = await finished(house, await house.launch())

    (call,) = await house.ledger("call")
    heard = words(call)
    assert heard.count(said[1]) == 2
    assert said[0] in heard
    assert not any(str(account) in heard or name in heard for account in accounts for name in names)
    tally = await house.tally(run)
    assert (tally.selected, tally.merged, tally.outcomes) == (len(amounts), len(amounts) - 1, {"reached": 1})


@pytest.mark.parametrize(
    ("names", "amounts", "listed", "total"),
    [
        pytest.param(["王小明"], [1200, 800], 2, "2,000元", id="one name: each bill"),
        pytest.param(["王小明", "王小明"], [1200, 800], 2, "2,000元", id="one name, two accounts: each bill"),
        pytest.param(["王小明", "李大華"], [1200, 800], 0, "2,000元", id="two names: the sum only"),
        pytest.param(["王小明"], [1000] * 5, 5, "5,000元", id="five bills: each"),
        pytest.param(["王小明"], [1000] * 6, 0, "6,000元", id="six bills: the sum only"),
    ],
)
async def test_one_mailbox_gets_one_mail(
    house: House, names: list[str], amounts: list[int], listed: int, total: str
) -> None:
    await household(house, names, amounts, mobile=None, email=MAIL)

    run = await finished(house, await house.launch())

    (mail,) = await house.mailbox()
    for form in ("text", "html"):
        assert mail[form].count(LISTED) == listed, mail[form]
        assert f"{len(amounts)}筆電費" in mail[form]
        assert total in mail[form]
        assert not any(name in mail[form] for name in names)
    tally = await house.tally(run)
    assert (tally.merged, tally.outcomes) == (len(amounts) - 1, {"reached": 1})


async def test_an_inquiry_finds_the_household_s_call_under_each_account(house: House) -> None:
    accounts = await household(house, ["王小明", "李大華"], [1200, 800], mobile=number(1))
    await everyone(house)

    await finished(house, await house.launch())

    found = {(await house.notification(account))["id"] for account in accounts}
    assert len(found) == 1
    assert len(await house.ledger("call")) == 1
