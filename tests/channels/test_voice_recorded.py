"""A call that an engine of ours has recorded: played, not said; the keys do the same."""

from dataclasses import replace
from urllib.parse import urlsplit
from xml.etree import ElementTree

from notifier.channels.voice import Voice
from notifier.domain.message import MachinePolicy, Script
from notifier.domain.recording import AudioAddresses
from tests.channels.channel_kit import ATTEMPT, PUBLIC_URL, VOICE, account, answer, hook_call, surroundings

SEAL = b"thirty-two bytes that nobody knows"
CHANNEL = Voice(account(), surroundings(seal=SEAL))
RECORDED = replace(VOICE, engine="espeak")
SCRIPT = f"{PUBLIC_URL}/hooks/voice/script?attempt={ATTEMPT}"


def twiml(url: str, key: str | None = None, message: object = RECORDED, **form: str) -> ElementTree.Element:
    fields = [("CallStatus", "in-progress"), *form.items(), *([("Digits", key)] if key is not None else [])]
    return ElementTree.fromstring(answer(CHANNEL, hook_call(url, fields, message)).body)  # type: ignore[arg-type]


def played(response: ElementTree.Element) -> list[str]:
    """What is played, as the path of its address after the seal; nothing may be said beside it."""
    assert not list(response.iter("Say"))
    return [urlsplit(one.text or "").path.split("/", 3)[3] for one in response.iter("Play")]


def action(response: ElementTree.Element) -> str:
    gather = response.find("Gather")
    assert gather is not None
    return gather.attrib["action"]


def test_halves_are_played_and_keys_lead_on() -> None:
    opening = twiml(SCRIPT)
    assert played(opening) == [f"{ATTEMPT}/zh-TW/essential/plain.wav"]
    menu = twiml(action(opening), "")
    assert played(menu) == [f"{ATTEMPT}/zh-TW/rest/plain.wav", "espeak/zh-TW/goodbye/plain.wav"]
    thanks = twiml(action(menu), "1")
    assert played(thanks) == ["espeak/zh-TW/thanks_acknowledged/plain.wav"]


def test_star_plays_the_slow_recording() -> None:
    again = twiml(action(twiml(SCRIPT)), "*")
    assert played(again) == [f"{ATTEMPT}/zh-TW/essential/slow.wav"]


def test_zero_plays_the_other_language() -> None:
    assert played(twiml(action(twiml(SCRIPT)), "0")) == [f"{ATTEMPT}/en/essential/plain.wav"]


def test_a_wrong_key_is_answered_and_the_half_played_again() -> None:
    assert played(twiml(action(twiml(SCRIPT)), "5")) == [
        "espeak/zh-TW/unknown_key/plain.wav",
        f"{ATTEMPT}/zh-TW/essential/plain.wav",
    ]


def test_a_wrong_person_is_asked_again() -> None:
    assert played(twiml(action(twiml(SCRIPT)), "8")) == ["espeak/zh-TW/ask_confirm_wrong_person/plain.wav"]


def test_a_machine_gets_the_short_version() -> None:
    left = twiml(SCRIPT, message=replace(RECORDED, machine=MachinePolicy.LEAVE_MESSAGE), AnsweredBy="machine_start")
    assert played(left) == [f"{ATTEMPT}/zh-TW/essential/plain.wav"]


def test_addresses_hold_a_seal_and_nothing_of_the_customer() -> None:
    play = next(twiml(SCRIPT).iter("Play")).text or ""
    addresses = AudioAddresses(PUBLIC_URL, SEAL)
    seal, *words = urlsplit(play).path.removeprefix("/audio/").removesuffix(".wav").split("/")
    assert addresses.is_ours(seal, words)
    assert not addresses.is_ours(seal, [*words[:-1], "slow"])
    assert not AudioAddresses(PUBLIC_URL, b"another").is_ours(seal, words)


def test_the_carriers_own_voice_speaks_english_lines_in_english() -> None:
    message = replace(VOICE, scripts={"zh-TW": Script(("您好。", "For English, press zero."), 2)})
    said = [(one.get("language"), one.text) for one in twiml(SCRIPT, message=message).iter("Say")]
    assert said == [("cmn-TW", "您好。"), ("en-US", "For English, press zero.")]
