"""What real tables hold: each cell leads to a call or to a stated reason, and an inquiry shows which."""

from typing import Any

from tests.acceptance.crowd import by_number, everyone, finished, number
from tests.house import House

READ = [
    ("07-338-3131", "+88673383131"),
    ("(07)338 3131", "+88673383131"),
    ("０９１２－３４５－６７８", "+886912345678"),
    (" 0912 345 679 ", "+886912345679"),
    ("002886912345680", "+886912345680"),
    ("+886-912-345-681", "+886912345681"),
    ("公司07-3383132/家07-3383133", "+88673383132"),
    ("07-338-3134 0912345682", "+88673383134"),
    ("07-338-3131 轉 12、0912-345-683", "+886912345683"),
    ("070-1012-3456", "+8867010123456"),
]
REFUSED = [
    ("07-338-3131 轉 12", "extension"),
    ("0912345", "too_short"),
    ("338-3131", "no_area_code"),
    ("0204123456", "premium"),
    ("0800-080-090", "toll_free"),
    ("0990123456", "personal"),
    ("1911", "short_number"),
    ("110", "short_number"),
    ("119", "short_number"),
    ("+81 3 1234 5678", "foreign"),
    ("無", "not_a_number"),
    ("9.12E+08", "not_a_number"),
    ("  ", "empty"),
    (None, "no_telephone"),
]


async def test_every_telephone_cell_gives_a_number_or_a_reason(house: House) -> None:
    accounts = {cell: await house.customer(phone=cell, mobile=None) for cell, _ in READ + REFUSED}
    for account in accounts.values():
        await house.bill(account)
    await everyone(house)

    run = await finished(house, await house.launch())

    calls = by_number(await house.ledger("call"))
    assert set(calls) == {dialled for _, dialled in READ}
    assert all(len(to_one) == 1 for to_one in calls.values())
    reasons = {cell: await house.excluded(accounts[cell]) for cell, _ in REFUSED}
    assert reasons == {cell: [f"no_address: {reason}"] for cell, reason in REFUSED}
    tally = await house.tally(run)
    assert (tally.selected, tally.difference) == (len(READ) + len(REFUSED), 0)


CANNOT_BE_TOLD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a bill of nothing": ({}, {"amount": 0}, "nothing_owed"),
    "a negative amount": ({}, {"amount": -300}, "negative_amount"),
    "an unknown locale": ({"locale": "xx"}, {}, "unknown_locale"),
    "a mail without @": ({"mobile": None, "email": "wang.customer.example"}, {}, "no_address: no_telephone"),
    "a mail to a bare host": ({"mobile": None, "email": "wang@localhost"}, {}, "no_address: no_telephone"),
    "a mail with two @": ({"mobile": None, "email": "wang@@customer.example"}, {}, "no_address: no_telephone"),
}


async def test_a_row_that_cannot_be_told_says_why(house: House) -> None:
    accounts = {}
    for name, (customer, bill, _) in CANNOT_BE_TOLD.items():
        accounts[name] = await house.customer(**customer)
        await house.bill(accounts[name], **bill)

    run = await finished(house, await house.launch())

    assert await house.ledger() == []
    assert await house.mailbox() == []
    for name, (_, _, reason) in CANNOT_BE_TOLD.items():
        assert await house.excluded(accounts[name]) == [reason], name
    tally = await house.tally(run)
    assert (sum(tally.excluded.values()), tally.outcomes) == (len(CANNOT_BE_TOLD), {})


async def test_what_is_missing_but_not_needed_hinders_nobody(house: House) -> None:
    people = {
        number(1): await house.customer(mobile=number(1), name=None),
        number(2): await house.customer(mobile=number(2), locale=None),
        number(3): await house.customer(mobile=number(3), email="no at sign"),
        number(4): await house.customer(mobile="無", phone=number(4)),
    }
    for account in people.values():
        await house.bill(account)
    await everyone(house)

    run = await finished(house, await house.launch())

    assert set(by_number(await house.ledger("call"))) == set(people)
    assert (await house.tally(run)).outcomes == {"acknowledged": 4}


async def test_an_account_with_two_rows_is_called_once(house: House) -> None:
    account = await house.customer(mobile=number(1))
    await house.bill(account)
    await house.source.execute(
        "insert into billing.contact (account_no, mobile) values ($1, $2)", account, number(2)
    )  # from the other one of the two older systems
    await everyone(house)

    run = await finished(house, await house.launch())

    assert len(await house.ledger("call")) == 1
    assert await house.excluded(account) == ["duplicate_row"]
    tally = await house.tally(run)
    assert (tally.selected, tally.excluded, tally.outcomes) == (2, {"duplicate_row": 1}, {"acknowledged": 1})


async def test_a_bill_of_nobody_is_told_to_nobody(house: House) -> None:
    """Carried over from an older system: the bill names an account that does not exist."""
    await house.bill("70000009999")

    run = await finished(house, await house.launch())

    assert await house.ledger() == []
    assert await house.excluded("70000009999") == ["no_address: no_telephone"]
    assert (await house.tally(run)).selected == 1
