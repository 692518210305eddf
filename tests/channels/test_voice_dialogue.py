"""Telephone calls, read from the TwiML: expect the words, press a key, expect the answer."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pytest

from notifier.channels.voice import Voice
from notifier.domain.dialogue_words import Sentence, say
from notifier.domain.message import Action, MachinePolicy, Script, VoiceMessage
from notifier.domain.receipt import Receipt
from tests.channels.channel_kit import (
    ATTEMPT,
    CALL_SID,
    PHONE,
    PUBLIC_URL,
    VOICE,
    account,
    answer,
    hook_call,
    surroundings,
)

HOOKS = f"{PUBLIC_URL}/hooks/voice"
ESSENTIAL = ["台電您好。", "電費是一千元。"]
MENU = ["聽清楚了，請按一。"]
ENGLISH = ["Taipower calling.", "The amount is 1,000."]
ENGLISH_MENU = ["If you have understood, press one."]
CHANNEL = Voice(account(), surroundings())


def fixed(sentence: Sentence, locale: str = "zh-TW") -> str:
    return say(sentence, locale, "台電")


class Telephone:
    """One answered call. `said` is everything since the last key; the call must have ended for `hung_up`."""

    def __init__(self, message: VoiceMessage | None = VOICE, answered_by: str = "") -> None:
        self.message = message
        self.machine = False
        self.receipts: list[Receipt] = []
        self.said: list[str] = []
        self.hung_up = False
        self.gather: ElementTree.Element | None = None
        self._ask(f"{HOOKS}/script?attempt={ATTEMPT}", [("AnsweredBy", answered_by)] if answered_by else [])

    def press(self, key: str) -> "Telephone":
        assert self.gather is not None, "nothing is listening"
        self.said = []
        self._ask(self.gather.attrib["action"], [("Digits", key)])
        return self

    def wait(self) -> "Telephone":
        """Say nothing, until there is something to answer or the call ends."""
        assert self.gather is not None, "nothing is listening"
        if self.gather.get("actionOnEmptyResult") == "true":
            return self.press("")
        self.said, self.gather = [], None
        self._perform(self._after)
        return self

    def expect(self, *words: str) -> "Telephone":
        assert self.said == list(words)
        return self

    @property
    def heard(self) -> bool:
        return any(receipt.heard for receipt in self.receipts)

    @property
    def actions(self) -> list[Action]:
        return [receipt.action for receipt in self.receipts if receipt.action]

    def _ask(self, url: str, form: list[tuple[str, str]]) -> None:
        assert url.startswith("https://"), "inside a call every URL is absolute"
        assert PHONE not in url
        form = [("CallSid", CALL_SID), ("To", PHONE), ("CallStatus", "in-progress"), *form]
        reply = answer(CHANNEL, hook_call(url, form, self.message, machine=self.machine))
        assert (reply.status, reply.content_type) == (200, "text/xml")
        self.receipts += reply.receipts
        self.document = ElementTree.fromstring(reply.body)
        self.gather = None
        self._perform(list(self.document))

    def _perform(self, verbs: list[ElementTree.Element]) -> None:
        for number, verb in enumerate(verbs):
            match verb.tag:
                case "Say":
                    self.said.append("".join(verb.itertext()))
                case "Pause":
                    pass
                case "Gather":
                    self._perform(list(verb))
                    self.gather, self._after = verb, verbs[number + 1 :]
                    return
                case "Hangup":
                    self.hung_up = True
                    return
                case unknown:
                    pytest.fail(f"<{unknown}> was not expected")


def attributes(call: Telephone, verb: str) -> list[dict[str, str]]:
    return [dict(element.attrib) for element in call.document.iter(verb)]


def test_a_patient_customer_hears_everything_and_confirms() -> None:
    call = Telephone().expect(*ESSENTIAL)
    assert not call.heard
    call.wait().expect(*MENU)
    assert call.heard
    assert not call.actions
    call.press("1").expect(fixed(Sentence.THANKS_ACKNOWLEDGED))
    assert call.hung_up
    assert call.actions == [Action.ACKNOWLEDGE]


def test_a_customer_who_presses_nothing_is_told_goodbye() -> None:
    call = Telephone().wait().wait().expect(fixed(Sentence.GOODBYE))
    assert call.hung_up
    assert call.heard
    assert call.actions == []


def test_a_key_during_the_essential_part_counts() -> None:
    call = Telephone().press("7").expect(fixed(Sentence.CONFIRM_ALREADY_PAID_THANKS))
    assert call.hung_up
    assert call.actions == [Action.ALREADY_PAID]
    assert not call.heard


@pytest.mark.parametrize(
    ("key", "action", "question", "done"),
    [
        ("8", Action.WRONG_PERSON, Sentence.ASK_CONFIRM_WRONG_PERSON, Sentence.WRONG_PERSON_DONE),
        ("9", Action.OPT_OUT, Sentence.ASK_CONFIRM_DO_NOT_CALL, Sentence.DO_NOT_CALL_DONE),
    ],
)
def test_some_replies_ask_for_the_same_key_again(key: str, action: Action, question: Sentence, done: Sentence) -> None:
    call = Telephone().wait().press(key).expect(fixed(question))
    assert not call.hung_up
    assert call.actions == []
    call.press(key).expect(fixed(done))
    assert call.hung_up
    assert call.actions == [action]


@pytest.mark.parametrize("second", ["9", "1", "*", "0", "5", ""])
def test_another_key_at_the_confirmation_leads_back_to_the_menu(second: str) -> None:
    call = Telephone().wait().press("8").press(second).expect(*MENU)
    assert call.actions == []
    call.press("1")
    assert call.actions == [Action.ACKNOWLEDGE]


def test_a_confirmation_during_the_essential_part_leads_back_to_it() -> None:
    call = Telephone().press("8").press("").expect(*ESSENTIAL)
    assert not call.heard, "the question was heard, the notice was not"
    assert call.wait().heard


def test_star_says_everything_again_and_slower() -> None:
    call = Telephone().wait().press("*").expect(*ESSENTIAL)
    assert attributes(call, "prosody") == [{"rate": "80%"}] * 2
    call.wait().expect(*MENU)
    assert attributes(call, "prosody") == [{"rate": "80%"}] * 2, "the menu and the goodbye"


def test_zero_starts_again_in_the_other_language_and_back() -> None:
    call = Telephone().wait().press("0").expect(*ENGLISH)
    assert {say["language"] for say in attributes(call, "Say")} == {"en-US"}
    call.wait().expect(*ENGLISH_MENU).press("0").expect(*ESSENTIAL)
    call.press("0").press("1").expect(fixed(Sentence.THANKS_ACKNOWLEDGED, "en"))


def test_slow_stays_slow_in_the_other_language() -> None:
    call = Telephone().press("*").press("0").expect(*ENGLISH)
    assert len(attributes(call, "prosody")) == 2


def test_zero_is_a_wrong_key_when_there_is_one_language() -> None:
    only = replace(VOICE, scripts={"zh-TW": VOICE.scripts["zh-TW"]})
    Telephone(only).wait().press("0").expect(fixed(Sentence.UNKNOWN_KEY), *MENU)


@pytest.mark.parametrize("key", ["5", "#", "3"])
def test_a_wrong_key_is_not_hung_up_on(key: str) -> None:
    call = Telephone().wait().press(key).expect(fixed(Sentence.UNKNOWN_KEY), *MENU)
    assert not call.hung_up
    call.press("1").expect(fixed(Sentence.THANKS_ACKNOWLEDGED))


def test_a_wrong_key_during_the_essential_part_says_it_again() -> None:
    call = Telephone().press("5").expect(fixed(Sentence.UNKNOWN_KEY), *ESSENTIAL)
    assert not call.heard
    assert call.wait().heard


@pytest.mark.parametrize("keys", ["555555", "******", "000000", "81" * 6])
def test_a_call_does_not_go_on_for_ever(keys: str) -> None:
    call = Telephone().wait()
    for key in keys:
        assert not call.hung_up
        call.press(key)
    assert call.hung_up
    assert call.said in ([fixed(Sentence.GOODBYE)], [fixed(Sentence.GOODBYE, "en")])


def test_a_reply_still_counts_in_the_last_round() -> None:
    call = Telephone().wait()
    for _ in range(5):
        call.press("5")
    call.press("8").press("8").expect(fixed(Sentence.WRONG_PERSON_DONE))
    assert call.actions == [Action.WRONG_PERSON]


@pytest.mark.parametrize("answered_by", ["machine_start", "machine_end_beep", "machine_end_other", "fax"])
def test_a_machine_is_hung_up_on(answered_by: str) -> None:
    call = Telephone(replace(VOICE, machine=MachinePolicy.HANG_UP), answered_by).expect()
    assert call.hung_up
    assert [receipt.machine for receipt in call.receipts] == [True]


def test_a_machine_is_left_the_essential_part() -> None:
    call = Telephone(replace(VOICE, machine=MachinePolicy.LEAVE_MESSAGE), "machine_end_beep").expect(*ESSENTIAL)
    assert call.hung_up
    assert [receipt.machine for receipt in call.receipts] == [True]
    assert not call.heard


def detected(policy: MachinePolicy) -> Telephone:
    """A call that a machine has taken, which is known before the essential part is over."""
    call = Telephone(replace(VOICE, machine=policy)).expect(*ESSENTIAL)
    assert not call.hung_up
    call.machine = True
    return call


def test_a_machine_that_is_detected_meanwhile_is_left_the_essential_part_once_more() -> None:
    call = detected(MachinePolicy.LEAVE_MESSAGE).wait().expect(*ESSENTIAL)
    assert call.hung_up
    assert [(receipt.machine, receipt.heard) for receipt in call.receipts] == [(True, False)]


def test_a_machine_that_is_detected_meanwhile_is_hung_up_on() -> None:
    call = detected(MachinePolicy.HANG_UP).wait().expect()
    assert call.hung_up
    assert [(receipt.machine, receipt.heard) for receipt in call.receipts] == [(True, False)]


@pytest.mark.parametrize("policy", MachinePolicy)
def test_whoever_presses_a_key_is_no_machine(policy: MachinePolicy) -> None:
    call = detected(policy).press("1").expect(fixed(Sentence.THANKS_ACKNOWLEDGED))
    assert call.actions == [Action.ACKNOWLEDGE]


def test_a_campaign_that_does_not_ask_for_machines_treats_everybody_alike() -> None:
    detected(MachinePolicy.IGNORE).wait().expect(*MENU)


@pytest.mark.parametrize("answered_by", ["human", "unknown", ""])
@pytest.mark.parametrize("policy", MachinePolicy)
def test_a_person_is_never_taken_for_a_machine(policy: MachinePolicy, answered_by: str) -> None:
    call = Telephone(replace(VOICE, machine=policy), answered_by).expect(*ESSENTIAL)
    assert call.receipts == []
    assert not call.hung_up


def test_how_it_is_said() -> None:
    call = Telephone()
    chinese = {"language": "cmn-TW", "voice": "Google.cmn-TW-Wavenet-A"}
    assert attributes(call, "Say") == [chinese, chinese]
    assert attributes(call, "Pause") == [{"length": "1"}]
    (gather,) = attributes(call, "Gather")
    action = gather.pop("action")
    assert gather == {
        "input": "dtmf",
        "numDigits": "1",
        "timeout": "1",
        "finishOnKey": "",
        "method": "POST",
        "actionOnEmptyResult": "true",
    }
    assert urlsplit(action).path == "/hooks/voice/key"
    assert urlsplit(action).fragment == "rc=3&rp=ct,rt,5xx"
    assert dict(parse_qsl(urlsplit(action).query)) == {
        "attempt": str(ATTEMPT),
        "part": "essential",
        "locale": "zh-TW",
        "round": "1",
    }


def test_the_menu_leaves_time_to_find_the_key() -> None:
    (gather,) = attributes(Telephone().wait(), "Gather")
    assert int(gather["timeout"]) >= 5


def test_no_word_of_the_message_is_in_a_url() -> None:
    call = Telephone().wait()
    assert call.gather is not None
    assert "一千" not in call.gather.attrib["action"]
    assert "%" not in urlsplit(call.gather.attrib["action"]).query


def test_words_that_are_not_xml_are_still_said() -> None:
    odd = replace(VOICE, scripts={"zh-TW": Script(("A & B <C>\x0b\x00。",), essential=1)})
    call = Telephone(odd).expect("A & B <C>。")
    call.wait().expect()
    call.wait().expect(fixed(Sentence.GOODBYE))


@pytest.mark.parametrize(
    "query", ["", "&round=", "&round=x&locale=fr&part=what&pace=9&confirm=4", "&round=999&part=rest"]
)
def test_a_query_we_did_not_make_ends_the_call_kindly(query: str) -> None:
    call = hook_call(f"{HOOKS}/key?attempt={ATTEMPT}{query}", [("CallSid", CALL_SID), ("Digits", "5")])
    assert answer(CHANNEL, call).body.endswith("<Hangup /></Response>")


def test_each_turn_has_a_receipt_of_its_own_and_says_what_is_told_next() -> None:
    call = Telephone().wait().press("5").press("*").wait().press("8").press("8")
    assert [(receipt.key.removeprefix(f"{CALL_SID}:turn:"), receipt.status) for receipt in call.receipts] == [
        ("1:essential", "heard"), ("1:rest", "key"), ("2:rest", "key"), ("3:essential", "heard"), ("3:rest", "key"),
        ("3:rest:8", "key"),
    ]  # fmt: skip
    assert [dict(receipt.detail) for receipt in call.receipts] == [
        {"locale": "zh-TW", "part": "rest"},
        {"locale": "zh-TW", "part": "rest", "sentence": "unknown_key", "key": "5"},
        {"locale": "zh-TW", "part": "essential", "pace": "slow", "key": "*"},
        {"locale": "zh-TW", "part": "rest", "pace": "slow"},
        {"locale": "zh-TW", "pace": "slow", "sentence": "ask_confirm_wrong_person", "key": "8"},
        {"locale": "zh-TW", "pace": "slow", "sentence": "wrong_person_done", "key": "8"},
    ]


def test_a_turn_that_is_asked_for_again_is_the_same_word() -> None:
    url = f"{HOOKS}/key?attempt={ATTEMPT}&part=rest&locale=zh-TW&round=2"
    call = hook_call(url, [("CallSid", CALL_SID), ("CallStatus", "in-progress"), ("Digits", "5")])
    assert answer(CHANNEL, call).receipts == answer(CHANNEL, call).receipts != ()


def test_the_silence_of_somebody_who_hung_up_is_not_hearing() -> None:
    url = f"{HOOKS}/key?attempt={ATTEMPT}&part=essential&locale=zh-TW&round=1"
    form = [("CallSid", CALL_SID), ("CallStatus", "completed"), ("Digits", "")]
    assert answer(CHANNEL, hook_call(url, form)).receipts == ()
