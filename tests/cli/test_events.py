"""What an operator sees of events and keys."""

import pytest

from notifier.commands.exits import Exit
from tests.cli.conftest import Desk
from tests.events.kit import CAMPAIGN, PAID, Sender, happen, settled


async def test_a_key_is_shown_once_and_serves_until_it_is_revoked(desk: Desk) -> None:
    added = await desk("api-key", "add", "case-system")
    key = added.out.strip()
    assert added.code == Exit.DONE
    assert "shown this once only" in added.err
    listed = await desk("api-key")
    assert key not in listed.out
    assert "case-system" in listed.out

    async with Sender(desk.house.app.settings.public_url, key) as system:
        await system.send("B1", kind=PAID)
    (known,) = (await desk("api-key", "list", "--json")).json
    assert known["used_at"] is not None
    again = await desk("api-key", "add", "case-system")
    assert (again.code, "in use" in again.err) == (Exit.USAGE, True)
    assert (await desk("api-key", "revoke", "case-system")).code == Exit.DONE
    assert (await desk("api-key", "revoke", "case-system")).code == Exit.NOT_FOUND
    assert (await desk("api-key", "add", "case-system")).out.strip() != key


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [
        ("en", ["ignored", "Payment-deadline reminder: nothing was to be told", "refused",
                "subject is missing or empty", "source.case_event was last read at"]),
        ("zh", ["不予處理", "繳費期限提醒: 沒有待通知的事項", "格式不符", "subject：空白或未提供", "最後讀取時間"]),
    ],
)  # fmt: skip
async def test_what_came_in_and_what_became_of_it(desk: Desk, lang: str, wanted: list[str]) -> None:
    await happen(desk.house, (PAID, "B1"))
    await settled(desk.house, 1)
    key = (await desk("api-key", "add", "x")).out.strip()
    async with Sender(desk.house.app.settings.public_url, key) as system:
        message = b'{"specversion": "1.0", "id": "7", "source": "/x", "type": "bill.paid"}'
        await system.post(message, {"Content-Type": "application/cloudevents+json"})

    said = await desk("events", "--lang", lang)

    assert [words for words in wanted if words not in said.out] == []
    only = (await desk("events", "--state", "refused", "--json")).json
    assert [one["reason"] for one in only["events"]] == ["subject: missing"]
    about = (await desk("events", "--subject", "B1", "--json")).json
    assert [one["effects"] for one in about["events"]] == [{CAMPAIGN: "nothing_open"}]
    assert (await desk("events", "--state", "odd")).code == Exit.USAGE


async def test_before_anything_came_in(desk: Desk) -> None:
    assert "No event has come in." in (await desk("events")).out
    assert "notifier api-key add NAME" in (await desk("api-key")).out
