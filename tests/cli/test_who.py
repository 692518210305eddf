"""Everything about one customer, and what waits for a person."""

import asyncio
import re

from notifier.commands.exits import Exit
from notifier.domain.notice_code import notice_code
from notifier.domain.states import RunState
from tests.cli.conftest import ANSWERS, BUSY, Desk


async def test_who_was_told_and_who_was_not(desk: Desk) -> None:
    house = desk.house
    told = await house.customer(mobile="0912 345 678", email="a.wang@example.com")
    bill = await house.bill(told)
    nothing = await house.customer(mobile="0912 345 679")
    await house.bill(nothing, amount=0)
    unreadable = await house.customer(mobile="338-3131")
    await house.bill(unreadable)
    await house.people({"calls": {"+886912345678": [BUSY, ANSWERS]}})
    run = await house.ended(await house.launch())
    assert run.state is RunState.FINISHED
    code = notice_code((await house.notification(told))["id"])

    by_account, by_phone, by_mail, by_code, in_chinese, left_out, no_number, stranger = await asyncio.gather(
        desk("who", told), desk("who", "0912-345-678", "--json", "--verbose"), desk("who", "A.Wang@example.com"),
        desk("who", code, "--words"), desk("who", told, "--lang", "zh"), desk("who", nothing),
        desk("who", unreadable, "--json"), desk("who", "0912 000 000"),
    )  # fmt: skip

    assert by_account.code == Exit.DONE
    assert "acknowledged: answered" in by_account.out
    assert re.search(r"voice  busy *$", by_account.out, re.MULTILINE)
    assert by_account.out.count("spoken by eSpeak NG") == 1
    assert "pressed 1: understood" in by_account.out
    assert bill in by_account.out
    (notification,) = by_phone.json["notifications"]
    assert by_phone.json["reading"] == {"number": "+886912345678"}
    assert [attempt["disposition"] for attempt in notification["attempts"]] == ["busy", "answered"]
    assert "message" not in notification["attempts"][0]
    assert {receipt["status"] for receipt in notification["attempts"][0]["receipts"]} >= {"queued", "busy"}
    assert code in by_mail.out
    assert "新臺幣一千兩百三十四元" in by_code.out
    assert "已確認：已接聽" in in_chinese.out
    assert "nothing is owed" in left_out.out
    assert no_number.json["excluded"][0]["reason"] == "no_address: no_area_code"
    assert stranger.code == Exit.NOT_FOUND
    assert "0912 000 000 reads as +886912000000." in stranger.out


async def test_what_waits_for_a_person_is_released_or_closed(desk: Desk) -> None:
    house = desk.house
    first = await house.customer(life_support=True, mobile="0912 345 678")
    second = await house.customer(life_support=True, mobile="0912 345 679")
    await house.bill(first)
    await house.bill(second)
    await house.people({"calls": {"+886912345678": [ANSWERS]}})
    run = await house.ended(await house.launch())
    assert run.state is RunState.WAITING

    held = await desk("held", str(run.id), "--json")
    listed, hint = await asyncio.gather(desk("held"), desk("resume", str(run.id)))
    ids = {row["account_no"]: str(row["id"]) for row in held.json}
    released = await desk("held", "release", ids[first])
    closed = await desk("held", "close", ids[second], "--reason", "called by Ms Lin")
    await house.ended(run, frozenset({RunState.FINISHED}))
    again, who = await asyncio.gather(desk("held", "close", ids[second], "--reason", "x"), desk("who", second))

    assert "life support: a person calls" in listed.out
    assert (hint.code, released.code, closed.code, again.code) == (Exit.UNFINISHED, 0, 0, Exit.NOT_FOUND)
    assert [call["to"] for call in await house.ledger("call")][:1] == ["+886912345678"]
    assert "suppressed: called by Ms Lin" in who.out
    assert "nothing was sent" in who.out


async def test_who_prefers_what_is_said_and_a_release_goes_on_from_there(desk: Desk) -> None:
    house = desk.house
    account = await house.customer(life_support=True, mobile="0912 345 678", email="wang@example.com", prefers="email")
    await house.bill(account)
    run = await house.ended(await house.launch())
    assert run.state is RunState.WAITING
    (held,) = await house.app.runs.held(run.id)

    released = await desk("held", "release", str(held.id))
    await house.ended(run, frozenset({RunState.FINISHED}))
    english, chinese = await desk("who", account), await desk("who", account, "--lang", "zh")
    as_json = await desk("who", account, "--json")

    assert "email" in released.out
    assert re.search(r"^ *prefers +email *$", english.out, re.MULTILINE)
    assert re.search(r"^ *偏好 +電子郵件 *$", chinese.out, re.MULTILINE)
    assert as_json.json["notifications"][0]["prefers"] == "email"
    assert ([one["rcpt_tos"] for one in await house.mailbox()], await house.ledger("call")) == (
        [["wang@example.com"]],
        [],
    )


async def test_an_opt_out_is_shown_masked_unless_asked_for(desk: Desk) -> None:
    house = desk.house
    account = await house.customer(mobile="0912 345 678")
    await house.bill(account)
    await house.app.pool.execute(
        "insert into notifier.suppression (address, purpose, reason, since)"
        " values ('+886912345678', 'collection', 'opt_out', now())"
    )
    await house.ended(await house.launch())

    by_phone, by_account, as_json = await asyncio.gather(
        desk("who", "0912345678"), desk("who", account), desk("who", "0912345678", "--json")
    )

    assert "+886912345678, for collection, since" in by_phone.out
    assert "asked by key not to be called" in by_phone.out
    assert "every address is barred from contact" in by_account.out
    assert as_json.json["suppressions"][0]["reason"] == "opt_out"


async def test_mails_that_came_back_are_shown_in_both_languages(desk: Desk) -> None:
    for address, purpose, reason in (
        ("gone@customer.example", None, "bounced"),
        ("angry@customer.example", "collection", "complained"),
    ):
        await desk.house.app.pool.execute(
            "insert into notifier.suppression (address, purpose, reason, since) values ($1, $2, $3, now())",
            address, purpose, reason,
        )  # fmt: skip

    gone, gone_zh, angry, angry_zh = await asyncio.gather(
        desk("who", "gone@customer.example"), desk("who", "gone@customer.example", "--lang", "zh"),
        desk("who", "angry@customer.example"), desk("who", "angry@customer.example", "--lang", "zh"),
    )  # fmt: skip

    assert "gone@customer.example, for every purpose, since" in gone.out
    assert "the mail came back: there is no such address" in gone.out
    assert "退信：查無此信箱" in gone_zh.out
    assert "angry@customer.example, for collection, since" in angry.out
    assert "reported a mail of ours as unwanted" in angry.out
    assert "檢舉來信為垃圾郵件" in angry_zh.out
