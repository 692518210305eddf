"""TwiML: what Twilio's builder writes is read; what is wrong is refused."""

import pytest
from twilio.twiml.voice_response import Gather as BuiltGather
from twilio.twiml.voice_response import VoiceResponse

from notifier.sandbox.twiml import Gather, Hangup, Pause, Play, Redirect, Say, TwimlError, parse, speech_seconds


def test_every_verb_of_twilios_builder() -> None:
    built = VoiceResponse()
    built.say("繳費 提醒", language="cmn-TW", voice="Google.cmn-TW-Wavenet-A", loop=2)
    built.play("https://utility.example/clip.wav")
    gather = BuiltGather(input="dtmf", num_digits=1, timeout=8, action="/a", finish_on_key="", method="GET")
    gather.say("Press 1")
    gather.pause(length=2)
    built.append(gather)
    built.redirect("/b", method="GET")
    built.hangup()
    built.reject(reason="busy")
    assert parse(str(built)) == (
        Say("繳費 提醒", 2),
        Play("https://utility.example/clip.wav"),
        Gather((Say("Press 1"), Pause(2)), 1, 8, "", "/a", "GET"),
        Redirect("/b", "GET"),
        Hangup(),
        Hangup(),
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", 12100),
        ("<Response><Say>", 12100),
        ("<Reply/>", 12102),
        ("<Response><Dial/></Response>", 12200),
        ("<Response><say>small</say></Response>", 12200),
        ("<Response><Say speed='2'>x</Say></Response>", 12200),
        ("<Response><Say loop='many'>x</Say></Response>", 12200),
        ("<Response><Play/></Response>", 12200),
        ("<Response><Pause length='-1'/></Response>", 12200),
        ("<Response><Gather input='speech'/></Response>", 12200),
        ("<Response><Gather numDigits='0'/></Response>", 12200),
        ("<Response><Gather finishOnKey='12'/></Response>", 12200),
        ("<Response><Gather method='PUT'/></Response>", 12200),
        ("<Response><Gather><Hangup/></Gather></Response>", 12200),
    ],
)
def test_documents_that_are_refused(document: str, code: int) -> None:
    with pytest.raises(TwimlError) as refused:
        parse(document)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("您的電費將於星期五到期", 11 / 4.5),
        ("Your bill is due on Friday.", 6 / 2.6),
        ("電費 1234 元", 3 / 4.5 + 1 / 2.6),
    ],
)
def test_seconds_of_speech(text: str, seconds: float) -> None:
    assert speech_seconds(text) == pytest.approx(seconds)
