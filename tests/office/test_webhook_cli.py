"""`notifier webhook`, and where else an operator sees how subscribers do."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from notifier.commands.exits import Exit
from tests.cli.conftest import Desk, environment, settle_in
from tests.house import House, open_house
from tests.office.kit import Received, Receiver, all_in, answer_with, answered, by_subject, deliveries, happened


@pytest.fixture
async def desk(database: str, source_database: str, monkeypatch: pytest.MonkeyPatch, tidy: None) -> AsyncIterator[Desk]:
    async with open_house(database, source_database, scale=2000, webhook_private=True) as house:
        env = environment(house.app.settings) | {"NOTIFIER_WEBHOOK_PRIVATE": "true"}
        settle_in(monkeypatch, env)
        yield Desk(house, env)


async def test_from_add_to_remove(desk: Desk) -> None:
    assert "Nobody is told" in (await desk("webhook")).out
    async with Receiver(desk.house.clock) as receiver:
        added = await desk("webhook", "add", "cases", receiver.url, "--type", "reply.claimed")
        receiver.secret = added.out.strip()
        assert (added.code, receiver.secret[:6]) == (Exit.DONE, "whsec_")
        assert receiver.secret not in (await desk("webhook", "list", "--json")).out
        assert (await desk("webhook", "add", "cases", receiver.url)).code == Exit.USAGE

        tested = await desk("webhook", "test", "cases")
        assert (tested.code, tested.out.strip()) == (Exit.DONE, "cases took the test: answered 204.")
        reply = await answered(desk.house.app)
        await desk("inbox", "claim", str(reply), "--by", "Ms Lin")
        await receiver.got(2)
        await all_in(desk.house, "delivered", 2)
        assert [one.type for one in receiver.taken] == ["webhook.test", "reply.claimed"]
        log = (await desk("webhook", "deliveries", "cases")).out
        assert "reply.claimed" in log
        assert "delivered; answered 204" in log

        assert (await desk("webhook", "remove", "cases")).code == Exit.DONE
    assert (await desk("webhook", "test", "cases")).code == Exit.NOT_FOUND
    assert len((await desk("webhook", "deliveries", "--json")).json) == 2, "the log stays"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://cases.office.example/hook", "is not https"),
        ("https://10.0.0.1/hook", "is in a private network"),
        ("https://user:secret@cases.office.example", "may hold no login"),
        ("cases.office.example", "no address of a web server"),
    ],
)
async def test_where_nothing_may_be_sent(desk: Desk, url: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFIER_WEBHOOK_PRIVATE")
    said = await desk("webhook", "add", "cases", url)
    assert (said.code, why in said.err) == (Exit.USAGE, True)
    assert "secret@" not in said.err


async def test_a_type_that_is_none(desk: Desk) -> None:
    said = await desk("webhook", "add", "cases", "https://cases.office.example", "--type", "Reply Received")
    assert (said.code, "reply.received" in said.err) == (Exit.USAGE, True)


async def seen(desk: Desk) -> list[str]:
    """Where an operator looks: check and the page of a run."""
    run = await desk.house.launch()
    await desk.house.planned(run)
    check = [one["text"] for one in (await desk("check", "--json")).json["findings"] if one["area"] == "webhooks"]
    return [*check, (await desk("status", str(run.id))).out]


async def test_a_subscriber_in_trouble_is_seen_mended_and_told_what_it_missed(desk: Desk) -> None:
    gone = True

    async def react(_: Received) -> web.StreamResponse:
        return await answer_with(410 if gone else 204)

    async with Receiver(desk.house.clock, react=react) as receiver:
        receiver.secret = (await desk("webhook", "add", "cases", receiver.url)).out.strip()
        assert (await seen(desk))[0] == "cases takes what it is sent"
        await happened(desk.house.app, "B1", "B1", "B2")
        await all_in(desk.house, "dead", 3)

        disabled, dead, page = await seen(desk)
        assert "answered 410 Gone" in disabled
        assert dead == "cases: 3 deliveries are dead"
        assert "Webhook cases: disabled" in page
        refused = await desk("webhook", "replay", "cases", "--since", "2026-01-01")
        assert (refused.code, "enable it first" in refused.err) == (Exit.UNFINISHED, True)
        failed = await desk("webhook", "test", "cases")
        assert (failed.code, "answered 410" in failed.err) == (Exit.UNFINISHED, True)
        gone = False
        assert (await desk("webhook", "enable", "cases")).code == Exit.DONE
        test = await _id_of_test(desk.house)
        replayed = await desk("webhook", "replay", "cases", "--since", "2026-01-01 00:00")
        assert "4 deliveries" in replayed.out
        await all_in(desk.house, "delivered", 4)
        again = await desk("webhook", "replay", "cases", "--id", str(test), "--delivered")
        assert (again.code, "1 deliveries" in again.out) == (Exit.DONE, True)
        await receiver.got(5)
        await all_in(desk.house, "delivered", 4)

    told = [one for one in receiver.taken if one.type != "webhook.test"]
    assert by_subject(told) == {"B1": [1, 2], "B2": [3]}
    assert (await seen(desk))[0] == "cases takes what it is sent"


async def _id_of_test(house: House) -> int:
    number: int = next(row["id"] for row in await deliveries(house.app) if row["type"] == "webhook.test")
    return number


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("webhook replay cases", Exit.USAGE, "--since or --id"),
        ("webhook replay cases --since yesterday", Exit.USAGE, "yesterday is no moment"),
        ("webhook replay cases --id 99", Exit.NOT_FOUND, "Nothing to replay"),
        ("webhook enable cases", Exit.DONE, "was not disabled"),
        ("webhook enable nobody", Exit.NOT_FOUND, "no subscriber nobody"),
    ],
)
async def test_what_cannot_be_done(desk: Desk, line: str, code: Exit, words: str) -> None:
    await desk("webhook", "add", "cases", "https://cases.office.example/hook")
    said = await desk(*line.split())
    assert (said.code, words in said.out + said.err) == (code, True)


async def test_disabled_by_hand_until_it_is_enabled(desk: Desk) -> None:
    async with Receiver(desk.house.clock) as receiver:
        receiver.secret = (await desk("webhook", "add", "cases", receiver.url)).out.strip()
        assert (await desk("webhook", "disable", "cases", "--reason", "moving")).code == Exit.DONE
        await happened(desk.house.app, "B1")
        await all_in(desk.house, "dead", 1)
        assert "moving" in (await desk("webhook")).out
        assert "未送達：moving" in (await desk("webhook", "deliveries", "--lang", "zh")).out
        await desk("webhook", "enable", "cases")
        await happened(desk.house.app, "B1")
        await receiver.got(1)


async def test_overdue_answers_and_digests_are_seen_by_check(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFIER_DIGEST__TO", '{"電費組": "billing@office.example"}')
    await desk.house.app.pool.execute(
        "insert into notifier.digest (section, moment, state, due_at, reason)"
        " values ('電費組', $1, 'refused', $1, 'RCPT: the mail server answered 550')",
        desk.house.clock.now(),
    )
    checked = (await desk("check", "--json")).json
    texts = [one["text"] for one in checked["findings"] if one["area"] == "inbox"]
    assert texts[0] == "open answers are mailed to: 電費組"
    assert "was refused: RCPT: the mail server answered 550" in texts[1]
    assert checked["ok"], "nothing here keeps calls from being made"
