"""The life of a call, read as a telephone call."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.twiml.voice_response import Gather, VoiceResponse

from notifier.sandbox.conversation import APOLOGY

from .conftest import ACCOUNT, EVERY_EVENT, FROM, TO, Application, Carrier, Opening


def said(entry: dict[str, Any]) -> list[str]:
    return [heard["words"] for heard in entry["heard"] if heard["kind"] == "say"]


async def test_a_call_is_answered_heard_and_reported(carrier: Carrier, application: Application, hello: str) -> None:
    await carrier.behaves({"answer_after": 4})
    status = f"{application.url}/status?attempt=7"
    call = await carrier.call(url=hello, status_callback=status, status_callback_event=EVERY_EVENT)
    assert (call.status, call.direction, call.start_time, call.price) == ("queued", "outbound-api", None, None)

    [entry] = await carrier.settled()
    assert entry["sid"] == call.sid
    assert (entry["status"], entry["sip_code"], entry["finals"]) == ("completed", 200, ["completed"])
    assert said(entry) == ["This is your electricity utility."]
    assert entry["created_at"] < entry["dialled_at"] < entry["rang_at"] < entry["answered_at"] < entry["ended_at"]
    assert (entry["callbacks_sent"], entry["errors"]) == (4, [])

    callbacks = [hook.form for hook in application.at("/status")]
    assert [one["CallStatus"] for one in callbacks] == ["initiated", "ringing", "in-progress", "completed"]
    assert [one["SequenceNumber"] for one in callbacks] == ["0", "1", "2", "3"]
    assert {one["CallSid"] for one in callbacks} == {call.sid}
    assert {(one["To"], one["From"], one["AccountSid"]) for one in callbacks} == {(TO, FROM, ACCOUNT)}
    assert int(callbacks[-1]["CallDuration"]) >= 1
    assert (callbacks[-1]["Duration"], callbacks[-1]["SipResponseCode"]) == ("1", "200")
    assert "CallDuration" not in callbacks[0]
    assert all(hook.is_genuine for hook in application.hooks)


async def test_only_the_end_is_reported_unless_more_is_asked_for(
    carrier: Carrier, application: Application, hello: str
) -> None:
    await carrier.behaves({})
    await carrier.call(url=hello, status_callback=f"{application.url}/status")
    await carrier.settled()
    assert [hook.form["CallStatus"] for hook in application.at("/status")] == ["completed"]


@pytest.mark.parametrize(
    ("behaviour", "status", "sip_code", "rang"),
    [
        ({"outcome": "busy"}, "busy", 486, False),
        ({"outcome": "bad_number"}, "failed", 404, False),
        ({"outcome": "no_answer"}, "no-answer", 487, True),
        ({"outcome": "declined", "answer_after": 3}, "no-answer", 603, True),
        ({"answer_after": 31}, "no-answer", 487, True),
    ],
)
async def test_calls_nobody_takes(
    carrier: Carrier,
    application: Application,
    hello: str,
    behaviour: dict[str, Any],
    status: str,
    sip_code: int,
    rang: bool,
) -> None:
    await carrier.behaves(behaviour)
    await carrier.call(url=hello, timeout=30, status_callback=f"{application.url}/status")
    [entry] = await carrier.settled()
    assert (entry["status"], entry["sip_code"], bool(entry["rang_at"])) == (status, sip_code, rang)
    assert entry["answered_at"] is None
    [callback] = application.at("/status")
    assert (callback.form["CallStatus"], callback.form["CallDuration"]) == (status, "0")
    assert application.at("/hello") == []


async def test_a_key_interrupts_the_speech_and_reaches_the_action(carrier: Carrier, application: Application) -> None:
    menu = VoiceResponse()
    gather = Gather(num_digits=1, action="/answer", timeout=5)
    gather.say("Your bill is due on Friday. " * 10)
    menu.append(gather)
    menu.say("You pressed nothing.")
    thanks = VoiceResponse()
    thanks.say("Thank you.")
    application.says("/answer", thanks)
    await carrier.behaves({"keys": [{"after": 6, "digit": "1"}]})

    await carrier.call(url=application.says("/menu", menu))
    [entry] = await carrier.settled()

    assert entry["pressed"] == ["1"]
    assert entry["heard"][0]["seconds"] == 6
    assert entry["heard"][0]["of"] > 15
    assert said(entry)[1:] == ["Thank you."]
    [answer] = application.at("/answer")
    assert (answer.form["Digits"], answer.form["CallStatus"], answer.is_genuine) == ("1", "in-progress", True)


async def test_a_key_pressed_too_early_waits_for_the_gather(carrier: Carrier, application: Application) -> None:
    menu = VoiceResponse()
    menu.say("Good morning. " * 5)
    menu.gather(num_digits=1, action="/answer")
    application.says("/answer", VoiceResponse())
    await carrier.behaves({"keys": [{"after": 0.5, "digit": "9"}]})
    await carrier.call(url=application.says("/menu", menu))
    await carrier.settled()
    assert application.at("/answer")[0].form["Digits"] == "9"


async def test_a_gather_without_a_key_falls_through(carrier: Carrier, application: Application) -> None:
    menu = VoiceResponse()
    menu.gather(num_digits=1, action="/answer", timeout=4)
    menu.say("Good bye.")
    await carrier.behaves({})
    await carrier.call(url=application.says("/menu", menu))
    [entry] = await carrier.settled()
    assert said(entry) == ["Good bye."]
    assert application.at("/answer") == []


async def test_an_empty_gather_can_be_told(carrier: Carrier, application: Application) -> None:
    menu = VoiceResponse()
    menu.gather(num_digits=1, action="/answer", timeout=4, action_on_empty_result=True)
    await carrier.behaves({})
    application.says("/answer", VoiceResponse())
    await carrier.call(url=application.says("/menu", menu))
    await carrier.settled()
    assert application.at("/answer")[0].form["Digits"] == ""


async def test_digits_are_collected_until_the_finishing_key(carrier: Carrier, application: Application) -> None:
    menu = VoiceResponse()
    menu.gather(action="/answer?step=2", method="GET")
    keys = [{"after": second, "digit": digit} for second, digit in enumerate("042#", start=1)]
    application.says("/answer", VoiceResponse())
    await carrier.behaves({"keys": keys})
    await carrier.call(url=application.says("/menu", menu))
    [entry] = await carrier.settled()
    [answer] = application.at("/answer")
    assert (answer.method, answer.is_genuine) == ("GET", True)
    assert (answer.query["step"], answer.query["Digits"], answer.query["FinishedOnKey"]) == ("2", "042", "#")
    assert entry["pressed"] == ["0", "4", "2", "#"]


async def test_a_gather_without_an_action_asks_the_same_document_again(
    carrier: Carrier, application: Application
) -> None:
    menu = VoiceResponse()
    menu.gather(num_digits=1).say("Press a key.")
    await carrier.behaves({"keys": [{"after": 1, "digit": "*"}], "hang_up_after": 30})
    await carrier.call(url=f"{application.says('/menu', menu)}?attempt=7")
    await carrier.settled()
    first, second = application.at("/menu")
    assert (first.query, second.query) == ({"attempt": "7"}, {"attempt": "7"})
    assert ("Digits" in first.form, second.form["Digits"]) == (False, "*")


async def test_a_person_hangs_up_in_the_middle(carrier: Carrier, application: Application) -> None:
    long = VoiceResponse()
    long.say("word " * 100)
    long.say("The end.")
    await carrier.behaves({"hang_up_after": 7})
    await carrier.call(url=application.says("/long", long))
    [entry] = await carrier.settled()
    assert entry["status"] == "completed"
    assert [heard["seconds"] for heard in entry["heard"]] == [7]


async def test_a_redirect_and_a_pause_lead_on(carrier: Carrier, application: Application) -> None:
    first = VoiceResponse()
    first.pause(length=3)
    first.redirect("second?lang=en")
    second = VoiceResponse()
    second.say("Here we are.")
    second.hangup()
    second.say("Never said.")
    application.says("/second", second)
    await carrier.behaves({})
    await carrier.call(url=application.says("/first", first))
    [entry] = await carrier.settled()
    assert said(entry) == ["Here we are."]
    assert application.at("/second")[0].query == {"lang": "en"}


async def test_redirects_without_end_are_cut(carrier: Carrier, application: Application) -> None:
    loop = VoiceResponse()
    loop.redirect("/loop")
    await carrier.behaves({})
    await carrier.call(url=application.says("/loop", loop))
    [entry] = await carrier.settled()
    assert (entry["status"], entry["errors"][0]["code"]) == ("completed", 11200)


async def test_inline_twiml(carrier: Carrier) -> None:
    response = VoiceResponse()
    response.say("Hello.")
    await carrier.behaves({})
    await carrier.call(twiml=response)
    [entry] = await carrier.settled()
    assert said(entry) == ["Hello."]


async def test_inline_twiml_needs_absolute_actions(carrier: Carrier) -> None:
    response = VoiceResponse()
    response.redirect("/next")
    await carrier.behaves({})
    await carrier.call(twiml=response)
    [entry] = await carrier.settled()
    assert entry["errors"][0]["code"] == 11100
    assert entry["heard"][0]["words"] == APOLOGY


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({"status": 500}, 11200),
        ({"text": "<Response/>", "content_type": "application/json"}, 12300),
        ({"text": "<Response>", "content_type": "text/xml"}, 12100),
        ({"text": "<Answer/>", "content_type": "text/xml"}, 12102),
        ({"text": "<Response><Dial>+886900000002</Dial></Response>", "content_type": "text/xml"}, 12200),
    ],
)
async def test_a_bad_document_ends_the_call_with_an_apology(
    carrier: Carrier, application: Application, reply: dict[str, Any], code: int
) -> None:
    application.documents["/bad"] = lambda _: web.Response(**reply)
    await carrier.behaves({})
    await carrier.call(url=f"{application.url}/bad")
    [entry] = await carrier.settled()
    assert [error["code"] for error in entry["errors"]] == [code]
    assert (entry["status"], said(entry)) == ("completed", [APOLOGY])


async def test_the_fallback_takes_over(carrier: Carrier, application: Application, hello: str) -> None:
    application.documents["/bad"] = lambda _: web.Response(status=500)
    await carrier.behaves({})
    await carrier.call(url=f"{application.url}/bad", fallback_url=hello)
    [entry] = await carrier.settled()
    assert said(entry) == ["This is your electricity utility."]
    assert application.at("/hello")[0].form["ErrorCode"] == "11200"


async def test_a_queued_call_is_canceled_before_it_rings(open_carrier: Opening, application: Application) -> None:
    carrier = await open_carrier(calls_per_second=0.001)
    url = f"{application.url}/status"
    await carrier.behaves({"outcome": "busy"})
    first = await carrier.call(twiml="<Response/>")
    call = await carrier.call(twiml="<Response/>", to="+886900000002", status_callback=url)
    ended = await carrier.ask(lambda client: client.calls(call.sid).update(status="canceled"))
    assert ended.status == "canceled"
    [callback] = await application.wait_for("/status")
    assert callback.form["CallStatus"] == "canceled"
    entries = await carrier.settled()
    assert [entry["sid"] for entry in entries if entry["dialled_at"]] == [first.sid]


async def test_a_call_in_progress_is_ended_and_what_was_heard_counts(
    open_carrier: Opening, application: Application
) -> None:
    carrier = await open_carrier(scale=20.0)
    await carrier.behaves({"answer_after": 1})
    long = VoiceResponse()
    long.pause(length=1)
    long.say("word " * 1000)
    status = {"status_callback": f"{application.url}/status", "status_callback_event": ["answered", "completed"]}
    call = await carrier.call(url=application.says("/long", long), **status)
    await application.wait_for("/status")
    await application.wait_for("/long")

    with pytest.raises(TwilioRestException) as refusal:
        await carrier.ask(lambda client: client.calls(call.sid).update(status="canceled"))
    assert refusal.value.code == 21220
    ended = await carrier.ask(lambda client: client.calls(call.sid).update(status="completed"))

    assert ended.status == "completed"
    [entry] = await carrier.settled()
    assert entry["finals"] == ["completed"]
    assert all(heard["seconds"] < heard["of"] for heard in entry["heard"])


async def test_a_call_that_is_over_cannot_be_ended(carrier: Carrier) -> None:
    await carrier.behaves({"outcome": "busy"})
    call = await carrier.call(twiml="<Response/>")
    await carrier.settled()
    with pytest.raises(TwilioRestException) as refusal:
        await carrier.ask(lambda client: client.calls(call.sid).update(status="completed"))
    assert (refusal.value.status, refusal.value.code) == (400, 21220)


async def test_calls_beyond_the_rate_wait_in_the_queue(open_carrier: Opening) -> None:
    carrier = await open_carrier(calls_per_second=1 / 60)
    await carrier.people(everyone={"calls": {"outcome": "busy"}})
    for _ in range(3):
        await carrier.call(twiml="<Response/>")
    entries = await carrier.settled()
    began = datetime.fromisoformat(entries[0]["created_at"])
    waited = [datetime.fromisoformat(entry["dialled_at"]) - began for entry in entries]
    assert all(wait >= timedelta(minutes=n) for n, wait in enumerate(waited))


async def test_detection_before_the_first_word(carrier: Carrier, application: Application, hello: str) -> None:
    await carrier.behaves({"outcome": "machine"}, {"answer_after": 2})
    for _ in range(2):
        await carrier.call(url=hello, machine_detection="Enable", status_callback=f"{application.url}/status")
        entries = await carrier.settled()
    assert [entry["answered_by"] for entry in entries] == ["machine_start", "human"]
    assert [hook.form["AnsweredBy"] for hook in application.at("/hello")] == ["machine_start", "human"]
    assert [hook.form["AnsweredBy"] for hook in application.at("/status")] == ["machine_start", "human"]


async def test_a_person_gone_before_detection_hears_nothing(
    carrier: Carrier, application: Application, hello: str
) -> None:
    await carrier.behaves({"hang_up_after": 2})
    await carrier.call(url=hello, machine_detection="Enable")
    [entry] = await carrier.settled()
    assert (entry["status"], entry["heard"], application.at("/hello")) == ("completed", [], [])


async def test_detection_beside_the_call(carrier: Carrier, application: Application) -> None:
    long = VoiceResponse()
    long.say("word " * 500)
    await carrier.behaves({"outcome": "machine", "hang_up_after": 90})
    await carrier.call(
        url=application.says("/long", long),
        machine_detection="DetectMessageEnd",
        async_amd="true",
        async_amd_status_callback=f"{application.url}/detected",
    )
    [entry] = await carrier.settled()
    assert "AnsweredBy" not in application.at("/long")[0].form
    [detected] = application.at("/detected")
    assert detected.form["AnsweredBy"] == entry["answered_by"] == "machine_end_beep"
    assert int(detected.form["MachineDetectionDuration"]) == 12_000
    assert detected.is_genuine


async def test_scripts_are_used_up_in_order_and_then_the_crowd_answers(carrier: Carrier) -> None:
    await carrier.behaves({"outcome": "busy"}, {"outcome": "bad_number"})
    await carrier.people(everyone={"calls": {"outcome": "declined"}})
    for _ in range(3):
        await carrier.call(twiml="<Response/>")
        entries = await carrier.settled()
    assert [entry["status"] for entry in entries] == ["busy", "failed", "no-answer"]


async def test_a_document_that_is_fetched_twice_is_carried_out_once(carrier: Carrier, application: Application) -> None:
    """A key is told twice, too."""
    response = VoiceResponse()
    gather = Gather(input="dtmf", num_digits=1, action=f"{application.url}/key")
    gather.say("Press one.")
    response.append(gather)
    application.says("/menu", response)
    application.documents["/key"] = "<Response/>"
    await carrier.faults(fetch_twice=1)
    await carrier.behaves({"keys": [{"after": 1, "digit": "1"}]})
    await carrier.call(url=f"{application.url}/menu")
    [entry] = await carrier.settled()
    assert (len(said(entry)), entry["pressed"]) == (1, ["1"])
    assert [len(application.at(path)) for path in ("/menu", "/key")] == [2, 2]
