import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from notifier.channels import sms
from notifier.channels.sms import Sms
from notifier.domain.channel import Address, AddressKind, HookReply, Pollable
from notifier.domain.disposition import Disposition as D
from notifier.domain.errors import Forged, Misconfigured, OptedOut, Refused, Uncertain
from notifier.domain.receipt import Receipt, ReceiptKind
from tests.channels.channel_kit import (
    ATTEMPT,
    MOBILE,
    NOW,
    PUBLIC_URL,
    SMS,
    VOICE,
    Canned,
    Carrier,
    account,
    answer,
    hook_call,
    surroundings,
)

TO = Address(MOBILE)
SID = "SM" + "2" * 32
STATUS_URL = f"{PUBLIC_URL}/hooks/sms/status?attempt={ATTEMPT}"


@pytest.fixture
async def channel(carrier: Carrier) -> AsyncIterator[Sms]:
    channel = Sms(account(carrier.url), surroundings())
    yield channel
    await channel.close()


def test_configured_only_with_a_sender() -> None:
    assert sms.create(surroundings()) is None
    assert sms.create(surroundings(account(sms_from=""))) is None
    assert isinstance(sms.create(surroundings(account())), Pollable)


@pytest.mark.parametrize(("sender", "genuine"), [("111", True), ("+886911111111", False), ("Taipower", False)])
def test_only_111_is_known_to_be_ours(sender: str, genuine: bool) -> None:
    abilities = Sms(account(sms_from=sender), surroundings()).abilities
    assert abilities.genuine_sender is genuine
    assert abilities.address is AddressKind.MOBILE
    assert abilities.max_segments == 3


async def test_a_message_is_created(channel: Sms, carrier: Carrier) -> None:
    carrier.answers = [Canned(201, json.dumps({"sid": SID, "status": "accepted"}))]
    assert await channel.send(SMS, TO, ATTEMPT) == Receipt(
        ATTEMPT, ReceiptKind.ANSWER, f"{SID}:created", "accepted", NOW, provider_ref=SID
    )
    assert carrier.asked[0].path.endswith("/Messages.json")
    assert carrier.asked[0].form == [
        ("To", MOBILE),
        ("From", "111"),
        ("Body", SMS.body),
        ("StatusCallback", f"{STATUS_URL}#rc=3&rp=ct,rt,5xx"),
    ]


async def test_a_message_that_is_too_long_is_not_sent(channel: Sms, carrier: Carrier) -> None:
    with pytest.raises(Refused):
        await channel.send(replace(SMS, segments=4), TO, ATTEMPT)
    with pytest.raises(Misconfigured):
        await channel.send(VOICE, TO, ATTEMPT)
    assert carrier.asked == []


async def test_an_opted_out_number(channel: Sms, carrier: Carrier) -> None:
    carrier.answers = [Canned(400, '{"code": 21610}')]
    with pytest.raises(OptedOut):
        await channel.send(replace(SMS, segments=3), TO, ATTEMPT)


def status(channel: Sms, *form: tuple[str, str], url: str = STATUS_URL) -> HookReply:
    return answer(channel, hook_call(url, [("MessageSid", SID), ("To", MOBILE), *form], None))


@pytest.mark.parametrize(
    ("word", "code", "ended", "detail"),
    [
        ("sending", "", None, {}),
        ("sent", "", None, {}),
        ("delivered", "", D.DELIVERED, {}),
        ("undelivered", "30005", D.REFUSED, {"error": "30005", "follows": "bad_number"}),
        ("failed", "21610", D.OPTED_OUT, {"error": "21610", "follows": "opted_out"}),
        ("failed", "30002", D.FAILED, {"error": "30002", "follows": "misconfigured"}),
        ("undelivered", "30007", D.UNKNOWN, {"error": "30007", "follows": "hold"}),
        ("sparkling", "", None, {"unknown_word": "yes"}),  # alive: how it ended is looked up
    ],
)
def test_a_status_becomes_a_receipt(
    channel: Sms, word: str, code: str, ended: D | None, detail: dict[str, str]
) -> None:
    reply = status(channel, ("MessageStatus", word), *([("ErrorCode", code)] if code else []))
    assert reply.receipts == (
        Receipt(
            ATTEMPT, ReceiptKind.CALLBACK, f"{SID}:{word}", word, NOW, provider_ref=SID, ended=ended, detail=detail
        ),
    )


def test_a_status_of_nobody_and_a_status_from_nobody(channel: Sms) -> None:
    assert status(channel, ("MessageStatus", "sent"), url=f"{PUBLIC_URL}/hooks/sms/status").receipts == ()
    with pytest.raises(Forged):
        answer(channel, hook_call(STATUS_URL, [("MessageStatus", "delivered")], token="somebody-else"))


async def test_a_message_is_looked_up(channel: Sms, carrier: Carrier) -> None:
    found = {"sid": SID, "status": "undelivered", "error_code": 30003, "date_created": format_datetime(NOW)}
    carrier.answers = [
        Canned(200, json.dumps(found)),
        Canned(200, json.dumps({"messages": [found]})),
        Canned(200, json.dumps({"messages": []})),
    ]
    by_sid = await channel.look_up(ATTEMPT, TO, NOW, SID)
    assert by_sid == await channel.look_up(ATTEMPT, TO, NOW, None)
    assert by_sid is not None
    assert (by_sid.kind, by_sid.ended, by_sid.detail) == (ReceiptKind.POLL, D.UNDELIVERED, {"error": "30003"})
    assert await channel.look_up(ATTEMPT, TO, NOW, None) is None
    assert carrier.asked[1].query == [("To", MOBILE), ("From", "111"), ("PageSize", "50")]


def listed(sid: str, body: str, seconds: float = 1) -> dict[str, object]:
    created = format_datetime(NOW + timedelta(seconds=seconds))
    return {"sid": sid, "status": "delivered", "body": body, "date_created": created}


OURS = listed("SM-ours", f"Sent from your trial account - {SMS.body} ")
LISTS = {
    "ours among another's": ([listed("SM-other", "Dinner at seven?"), OURS], "SM-ours"),
    "ours twice, one of them known": ([listed("SM-known", SMS.body), OURS], "SM-ours"),
    "another's, long before": ([listed("SM-other", "Dinner at seven?", -600)], None),
    "a known one alone": ([listed("SM-known", SMS.body)], None),
}


@pytest.mark.parametrize(("messages", "sid"), LISTS.values(), ids=LISTS)
async def test_a_message_is_known_by_its_words(
    channel: Sms, carrier: Carrier, messages: list[dict[str, object]], sid: str | None
) -> None:
    carrier.answers = [Canned(200, json.dumps({"messages": messages}))]
    found = await channel.look_up(ATTEMPT, TO, NOW, None, others=frozenset({"SM-known"}), message=SMS)
    assert (found and found.provider_ref) == sid


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([listed("SM1", SMS.body), listed("SM2", SMS.body)], id="two that say it"),
        pytest.param([listed("SM1", "Dinner at seven?")], id="other words, at our time"),
        pytest.param([listed("SM1", SMS.body, 400)], id="our words, not quite at our time"),
    ],
)
async def test_a_doubt_is_no_proof(channel: Sms, carrier: Carrier, messages: list[dict[str, object]]) -> None:
    carrier.answers = [Canned(200, json.dumps({"messages": messages}))]
    with pytest.raises(Uncertain):
        await channel.look_up(ATTEMPT, TO, NOW, None, message=SMS)
