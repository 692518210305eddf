import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from notifier.channels import voice
from notifier.channels.voice import Voice
from notifier.domain.channel import Address, Channel, HookReply, Pollable, Probing
from notifier.domain.disposition import Disposition as D
from notifier.domain.errors import ChannelError, Forged, Misconfigured, Uncertain
from notifier.domain.message import MachinePolicy, Message
from notifier.domain.receipt import UNNUMBERED, Receipt, ReceiptKind
from tests.channels.channel_kit import (
    ATTEMPT,
    CALL_SID,
    NOW,
    PHONE,
    PUBLIC_URL,
    SMS,
    TOKEN,
    VOICE,
    Canned,
    Carrier,
    account,
    answer,
    hook_call,
    surroundings,
)

TO = Address(PHONE)
RETRIES = "#rc=3&rp=ct,rt,5xx"
HOOKS = f"{PUBLIC_URL}/hooks/voice"


@pytest.fixture
async def channel(carrier: Carrier) -> AsyncIterator[Voice]:
    channel = Voice(account(carrier.url), surroundings())
    yield channel
    await channel.close()


def test_configured_only_with_a_number_to_call_from() -> None:
    assert voice.create(surroundings()) is None
    assert voice.create(surroundings(account(voice_from=""))) is None
    channel = voice.create(surroundings(account(ring_seconds=20)))
    assert isinstance(channel, Pollable)
    assert isinstance(channel, Probing)
    assert channel.abilities.keypad
    assert channel.abilities.receipts
    assert not channel.abilities.repeatable
    assert channel.abilities.silent_after == timedelta(minutes=5, seconds=20)


async def test_a_call_is_created(channel: Voice, carrier: Carrier) -> None:
    carrier.answers = [Canned(201, json.dumps({"sid": CALL_SID, "status": "queued"}))]
    assert await channel.send(VOICE, TO, ATTEMPT) == Receipt(
        ATTEMPT, ReceiptKind.ANSWER, f"{CALL_SID}:created", "queued", NOW, provider_ref=CALL_SID
    )
    assert carrier.asked[0].path.endswith("/Calls.json")
    assert carrier.asked[0].form == [
        ("To", PHONE),
        ("From", "+886200000000"),
        ("Url", f"{HOOKS}/script?attempt={ATTEMPT}{RETRIES}"),
        ("FallbackUrl", f"{HOOKS}/fallback?attempt={ATTEMPT}{RETRIES}"),
        ("StatusCallback", f"{HOOKS}/status?attempt={ATTEMPT}{RETRIES}"),
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered"),
        ("StatusCallbackEvent", "completed"),
        ("Timeout", "30"),
    ]


# Detection before the call would be 4 s of silence for whoever picks up.
BESIDE = [
    ("MachineDetection", "Enable"),
    ("AsyncAmd", "true"),
    ("AsyncAmdStatusCallback", f"{HOOKS}/machine?attempt={ATTEMPT}{RETRIES}"),
]


@pytest.mark.parametrize(
    ("policy", "detection"),
    [
        (MachinePolicy.IGNORE, []),
        (MachinePolicy.HANG_UP, BESIDE),
        (MachinePolicy.LEAVE_MESSAGE, BESIDE),
    ],
)
async def test_machines_are_detected_beside_the_call_when_the_message_asks(
    channel: Voice, carrier: Carrier, policy: MachinePolicy, detection: list[tuple[str, str]]
) -> None:
    carrier.answers = [Canned(201, json.dumps({"sid": CALL_SID, "status": "queued"}))]
    await channel.send(replace(VOICE, machine=policy), TO, ATTEMPT)
    assert [pair for pair in carrier.asked[0].form if "Amd" in pair[0] or "Machine" in pair[0]] == detection


async def test_a_call_carries_no_text_message(channel: Voice, carrier: Carrier) -> None:
    with pytest.raises(Misconfigured):
        await channel.send(SMS, TO, ATTEMPT)
    assert carrier.asked == []


STATUS_URL = f"{HOOKS}/status?attempt={ATTEMPT}"


def status(channel: Channel, *form: tuple[str, str], url: str = STATUS_URL) -> HookReply:
    return answer(channel, hook_call(url, [("CallSid", CALL_SID), ("To", PHONE), *form], None))


@pytest.mark.parametrize(
    ("answered_by", "machine"),
    [("machine_start", True), ("machine_end_beep", True), ("fax", True), ("human", False), ("unknown", False)],
)
def test_what_detection_finds_is_kept_when_it_is_a_machine(channel: Voice, answered_by: str, machine: bool) -> None:
    url = f"{HOOKS}/machine?attempt={ATTEMPT}"
    reply = answer(channel, hook_call(url, [("CallSid", CALL_SID), ("AnsweredBy", answered_by)], None))
    assert reply.status == 204
    assert [receipt.machine for receipt in reply.receipts] == [True] * machine


def test_a_status_becomes_a_receipt(channel: Voice) -> None:
    reply = status(
        channel,
        ("CallStatus", "no-answer"),
        ("SequenceNumber", "2"),
        ("SipResponseCode", "603"),
        ("CallDuration", "0"),
    )
    assert reply.status == 204
    assert reply.receipts == (
        Receipt(
            ATTEMPT,
            ReceiptKind.CALLBACK,
            f"{CALL_SID}:no-answer:2",
            "no-answer",
            NOW,
            sequence=2,
            provider_ref=CALL_SID,
            ended=D.DECLINED,
            detail={"sip": "603", "seconds": "0"},
        ),
    )


@pytest.mark.parametrize(
    ("form", "sequence", "ended", "machine"),
    [
        ([("CallStatus", "ringing"), ("SequenceNumber", "1")], 1, None, None),
        ([("CallStatus", "completed"), ("SequenceNumber", "3"), ("AnsweredBy", "human")], 3, D.ANSWERED, None),
        ([("CallStatus", "completed"), ("SequenceNumber", "3"), ("AnsweredBy", "machine_start")], 3, D.ANSWERED, True),
        ([("CallStatus", "completed"), ("SequenceNumber", "3"), ("AnsweredBy", "fax")], 3, D.ANSWERED, True),
        ([("CallStatus", "completed"), ("SequenceNumber", "3"), ("AnsweredBy", "unknown")], 3, D.ANSWERED, None),
        ([("CallStatus", "busy")], UNNUMBERED, D.BUSY, None),
        ([("CallStatus", "busy"), ("SequenceNumber", "x")], UNNUMBERED, D.BUSY, None),
        ([("CallStatus", "sparkling"), ("SequenceNumber", "4")], 4, None, None),  # alive: its end is looked up
        ([], UNNUMBERED, None, None),
    ],
)
def test_statuses(
    channel: Voice, form: list[tuple[str, str]], sequence: int, ended: D | None, machine: bool | None
) -> None:
    (receipt,) = status(channel, *form).receipts
    assert (receipt.sequence, receipt.ended, receipt.machine) == (sequence, ended, machine)
    assert PHONE not in str(receipt)


def test_a_status_of_an_attempt_that_is_not_ours_is_answered_and_forgotten(channel: Voice) -> None:
    reply = status(channel, ("CallStatus", "completed"), url=f"{HOOKS}/status?attempt=what")
    assert (reply.status, reply.receipts) == (204, ())


@pytest.mark.parametrize("path", ["script", "key", "status", "machine", "fallback", "probe", "inbound"])
def test_every_hook_refuses_what_the_carrier_did_not_sign(channel: Voice, path: str) -> None:
    with pytest.raises(Forged):
        answer(channel, hook_call(f"{HOOKS}/{path}?attempt={ATTEMPT}&nonce=1", token="somebody-else"))


@pytest.mark.parametrize(
    ("path", "message"),
    [("script", None), ("script", SMS), ("key", None), ("key", SMS), ("fallback", None), ("fallback", VOICE)],
)
def test_a_call_without_its_words_still_says_who_is_calling(channel: Voice, path: str, message: Message | None) -> None:
    reply = answer(channel, hook_call(f"{HOOKS}/{path}?attempt={ATTEMPT}", [("Digits", "1")], message))
    assert (reply.status, reply.content_type) == (200, "text/xml")
    assert reply.body == channel.fallback_twiml
    assert "電力公司" in reply.body
    assert "一，九，一，一" in reply.body
    assert 'language="en-US"' in reply.body
    assert reply.body.endswith("<Hangup /></Response>")
    assert not any(receipt.heard or receipt.action or receipt.ended for receipt in reply.receipts)


def test_who_is_calling_can_be_told_by_options() -> None:
    channel = Voice(account(), surroundings(options={"caller.zh-TW": "台電鳳山區處"}))
    assert "這裡是台電鳳山區處。" in channel.fallback_twiml


def test_the_fallback_keeps_why_it_was_needed(channel: Voice) -> None:
    call = hook_call(f"{HOOKS}/fallback?attempt={ATTEMPT}", [("CallSid", CALL_SID), ("ErrorCode", "11200")], None)
    (receipt,) = answer(channel, call).receipts
    assert (receipt.status, receipt.detail, receipt.ended) == ("fallback", {"error": "11200"}, None)


def call_json(status: str = "completed", seconds: float = 1, **more: object) -> dict[str, object]:
    created = format_datetime(NOW + timedelta(seconds=seconds))
    return {"sid": CALL_SID, "status": status, "date_created": created, "to": PHONE, **more}


async def test_a_call_is_looked_up_by_its_sid(channel: Voice, carrier: Carrier) -> None:
    found = call_json("completed", duration="12", answered_by="machine_start", price="-0.11", price_unit="USD")
    carrier.answers = [Canned(200, json.dumps(found))]
    receipt = await channel.look_up(ATTEMPT, TO, NOW, CALL_SID)
    assert receipt == Receipt(
        ATTEMPT,
        ReceiptKind.POLL,
        f"{CALL_SID}:poll:completed",
        "completed",
        NOW,
        provider_ref=CALL_SID,
        machine=True,
        ended=D.ANSWERED,
        detail={"seconds": "12", "answered_by": "machine_start", "price": "-0.11", "price_unit": "USD"},
    )
    assert carrier.asked[0].method == "GET"
    assert carrier.asked[0].path.endswith(f"/Calls/{CALL_SID}.json")


async def test_a_call_without_a_sid_is_found_between_the_two_numbers(channel: Voice, carrier: Carrier) -> None:
    carrier.answers = [Canned(200, json.dumps({"calls": [call_json("in-progress")]}))]
    receipt = await channel.look_up(ATTEMPT, TO, NOW, None)
    assert receipt is not None
    assert (receipt.provider_ref, receipt.status, receipt.ended) == (CALL_SID, "in-progress", None)
    assert carrier.asked[0].path.endswith("/Calls.json")
    assert carrier.asked[0].query == [("To", PHONE), ("From", "+886200000000"), ("PageSize", "50")]


@pytest.mark.parametrize(
    ("moments", "found"),
    [
        ([], False),
        ([-3600], False),
        ([-901], False),
        ([-5], True),
        ([0], True),
        ([30], True),
        ([300], True),
        ([901], False),
        ([-3600, 2, 7200], True),
        ([-60, 2], True),
    ],
)
async def test_a_call_is_ours_when_it_was_created_at_our_time(
    channel: Voice, carrier: Carrier, moments: list[float], found: bool
) -> None:
    carrier.answers = [Canned(200, json.dumps({"calls": [call_json(seconds=moment) for moment in moments]}))]
    assert (await channel.look_up(ATTEMPT, TO, NOW, None) is not None) is found


@pytest.mark.parametrize("skew", [timedelta(minutes=5), timedelta(minutes=-5)])
async def test_a_call_is_ours_by_a_carriers_clock_that_is_five_minutes_off(
    channel: Voice, carrier: Carrier, skew: timedelta
) -> None:
    date = {"Date": format_datetime(NOW + skew, usegmt=True)}
    ours, before = call_json(seconds=skew.total_seconds() + 2), call_json(seconds=skew.total_seconds() - 1800)
    carrier.answers = [Canned(200, json.dumps({"calls": [ours, before]}), date)]
    assert await channel.look_up(ATTEMPT, TO, NOW, None) is not None


async def test_a_call_that_is_known_to_be_anothers_is_not_ours(channel: Voice, carrier: Carrier) -> None:
    carrier.answers = [Canned(200, json.dumps({"calls": [call_json()]}))]
    assert await channel.look_up(ATTEMPT, TO, NOW, None, others=frozenset({CALL_SID})) is None


async def test_a_call_that_failed_says_not_why_when_it_is_looked_up(channel: Voice, carrier: Carrier) -> None:
    carrier.answers = [Canned(200, json.dumps(call_json("failed")))]
    receipt = await channel.look_up(ATTEMPT, TO, NOW, CALL_SID)
    assert receipt is not None
    assert receipt.ended is D.UNEXPLAINED


LOOK_UPS = {
    "one shortly before": ({"calls": [call_json(seconds=-6)]}, Uncertain),
    "one somewhat later": ({"calls": [call_json(seconds=301)]}, Uncertain),
    "two that could be it": ({"calls": [call_json(), call_json(seconds=2)]}, Uncertain),
    "no list": ({"messages_of_the_day": []}, Uncertain),
    "no time": ({"calls": [{"sid": CALL_SID, "status": "completed"}]}, Uncertain),
    "a time that is none": ({"calls": [{"sid": CALL_SID, "date_created": "yesterday"}]}, Uncertain),
}


@pytest.mark.parametrize(("page", "kind"), LOOK_UPS.values(), ids=LOOK_UPS)
async def test_a_look_up_that_does_not_tell(
    channel: Voice, carrier: Carrier, page: object, kind: type[ChannelError]
) -> None:
    carrier.answers = [Canned(200, json.dumps(page))]
    with pytest.raises(kind):
        await channel.look_up(ATTEMPT, TO, NOW, None)


async def test_a_sid_that_the_carrier_gave_and_forgot_is_no_proof_of_silence(channel: Voice, carrier: Carrier) -> None:
    carrier.answers = [Canned(404, '{"code": 20404}')]
    with pytest.raises(Uncertain):
        await channel.look_up(ATTEMPT, TO, NOW, CALL_SID)


@pytest.mark.parametrize(
    "canned",
    [
        Canned(404, "not found"),
        Canned(200, "0" * 64),
        Canned(200, ""),
        Canned(302, "", {"Location": "/"}),
        Canned(cut=True),
        pytest.param(Canned(hang=True), id="hang"),
    ],
)
async def test_a_public_address_that_is_not_ours_is_noticed(carrier: Carrier, canned: Canned) -> None:
    channel = Voice(account(timeout=0.2), surroundings(public_url=carrier.url))
    carrier.answers = [canned]
    with pytest.raises(Misconfigured, match="calls would be silent"):
        await channel.probe()


async def test_a_public_address_that_leads_to_us_passes(carrier: Carrier) -> None:
    """The carrier plays our own web part: it hands the request to the hook and its answer back."""
    channel = Voice(account(), surroundings(public_url=carrier.url))

    class Web(list[Canned]):
        def pop(self, _: object = 0) -> Canned:
            asked = carrier.asked[-1]
            url = f"{carrier.url}{asked.path}?nonce={dict(asked.query)['nonce']}"
            reply = answer(channel, hook_call(url, headers=asked.headers, body=b""))
            return Canned(reply.status, reply.body)

    carrier.answers = Web()
    await channel.probe()
    assert carrier.asked[0].path == "/hooks/voice/probe"
    assert TOKEN not in str(carrier.asked[0])


async def test_a_channel_with_another_token_does_not_pass_for_us(carrier: Carrier) -> None:
    ours = Voice(account(), surroundings(public_url=carrier.url))
    other = Voice(account(auth_token="another"), surroundings(public_url=carrier.url))
    url = f"{carrier.url}/hooks/voice/probe?nonce=abc"
    replies = {answer(one, hook_call(url, token=token)).body for one, token in ((ours, TOKEN), (other, "another"))}
    assert len(replies) == 2


def test_a_key_that_cannot_be_understood_now_is_asked_for_again(channel: Voice) -> None:
    url = f"{HOOKS}/key?attempt={ATTEMPT}&round=1&part=rest&locale=zh-TW"
    pressed = replace(hook_call(url, [("Digits", "9"), ("CallStatus", "in-progress")], None), out_of_reach=True)
    reply = answer(channel, pressed)
    assert (reply.status, reply.receipts) == (503, ())

    silent = replace(hook_call(url, [("CallStatus", "in-progress")], None), out_of_reach=True)
    assert answer(channel, silent).status == 200, "a call goes on, with who is calling"


def test_nothing_counts_as_heard_in_a_call_that_could_not_be_played(channel: Voice) -> None:
    url = f"{HOOKS}/key?attempt={ATTEMPT}&round=1&part=essential&locale=zh-TW"
    call = hook_call(url, [("CallStatus", "in-progress")])
    (heard,) = answer(channel, call).receipts
    (silent,) = answer(channel, replace(call, unplayed=True)).receipts
    assert (heard.heard, silent.heard) == (True, False)


def test_a_key_shows_that_it_is_no_machine(channel: Voice) -> None:
    url = f"{HOOKS}/key?attempt={ATTEMPT}&round=1&part=rest&locale=zh-TW"
    (receipt,) = answer(channel, hook_call(url, [("Digits", "*"), ("CallStatus", "in-progress")])).receipts
    assert receipt.machine is False
