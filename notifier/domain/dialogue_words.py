"""The fixed sentences of every call, in both locales. Each is one clip; `{caller}` is the name of who is calling."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Sentence(StrEnum):
    CONFIRM_ALREADY_PAID_THANKS = "confirm_already_paid_thanks"
    ASK_CONFIRM_WRONG_PERSON = "ask_confirm_wrong_person"
    WRONG_PERSON_DONE = "wrong_person_done"
    ASK_CONFIRM_DO_NOT_CALL = "ask_confirm_do_not_call"
    DO_NOT_CALL_DONE = "do_not_call_done"
    THANKS_ACKNOWLEDGED = "thanks_acknowledged"
    DAY_NOT_OFFERED = "day_not_offered"
    DAY_UNCHECKED = "day_unchecked"
    UNKNOWN_KEY = "unknown_key"
    GOODBYE = "goodbye"
    FALLBACK = "fallback"
    """For a call whose own words cannot be had: who is calling, and where to check."""
    CALLED_BACK = "called_back"
    """For somebody who calls the number that rang them. It does not say that we rang: a swindler may have shown our
    number, and whoever calls back must not hear him confirmed."""


# Said when nothing of the call is known: no recording need be at hand, so the carrier's own voice says them.
OF_THE_CARRIER = frozenset({Sentence.FALLBACK, Sentence.CALLED_BACK})


LOCALES = ("zh-TW", "en")

SENTENCES: Mapping[Sentence, Mapping[str, str]] = MappingProxyType(
    {
        Sentence.CONFIRM_ALREADY_PAID_THANKS: {
            "zh-TW": "謝謝您已經繳費。入帳需要幾天，這段時間我們不會再為這筆電費打電話給您。",
            "en": "Thank you for paying. It can take a few days to reach us. "
            "We will not call you about this bill in the meantime.",
        },
        Sentence.ASK_CONFIRM_WRONG_PERSON: {
            "zh-TW": "您按了八，表示我們找錯人了。如果沒錯，請再按一次八。",
            "en": "You pressed eight, to say we have reached the wrong person. If that is right, press eight again.",
        },
        Sentence.WRONG_PERSON_DONE: {
            "zh-TW": "對不起，打擾您了。我們會查明資料，不再撥打這支電話。",
            "en": "We are sorry to have disturbed you. We will check our records and will not call this number again.",
        },
        Sentence.ASK_CONFIRM_DO_NOT_CALL: {
            "zh-TW": "您按了九，表示不想再接到這類電話。如果沒錯，請再按一次九。",
            "en": "You pressed nine, to stop calls like this one. If that is right, press nine again.",
        },
        Sentence.DO_NOT_CALL_DONE: {
            "zh-TW": "好的，我們不會再打這類電話給您。",
            "en": "Very well. We will not make calls like this one to you again.",
        },
        Sentence.THANKS_ACKNOWLEDGED: {
            "zh-TW": "好的，謝謝您。",
            "en": "Thank you.",
        },
        Sentence.DAY_NOT_OFFERED: {
            "zh-TW": "對不起，您選的日期剛剛已經不能安排了。承辦人員會打電話給您，另外約定日期。謝謝您，再見。",
            "en": "Sorry, the day you chose has just become unavailable. "
            "Our staff will telephone you to agree on another. Thank you. Goodbye.",
        },
        Sentence.DAY_UNCHECKED: {
            "zh-TW": "您選的日期我們記下來了。承辦人員確認以後，會打電話告訴您。謝謝您，再見。",
            "en": "We have noted the day you chose. Our staff will confirm it and telephone you. Thank you. Goodbye.",
        },
        Sentence.UNKNOWN_KEY: {
            "zh-TW": "對不起，沒有這個選項，請再按一次。",
            "en": "Sorry, that key is not in use here. Please try again.",
        },
        Sentence.GOODBYE: {
            "zh-TW": "謝謝您，再見。",
            "en": "Thank you. Goodbye.",
        },
        Sentence.FALLBACK: {
            "zh-TW": "這裡是{caller}。很抱歉，現在無法播放通知內容。想查證這通電話，請撥一，九，一，一。謝謝您，再見。",
            "en": "This is {caller}. We are sorry, we cannot play our message just now. "
            "To verify this call, dial one, nine, one, one. Thank you. Goodbye.",
        },
        Sentence.CALLED_BACK: {
            "zh-TW": "這裡是{caller}。這支電話只用來通知用戶，沒有人接聽。"
            "想知道剛才的電話是不是我們打的，請撥一，九，一，一查證。謝謝您，再見。",
            "en": "This is {caller}. We use this number to notify customers; nobody answers here. "
            "To find out whether a call was really ours, dial one, nine, one, one. Thank you. Goodbye.",
        },
    }
)


def say(sentence: Sentence, locale: str, caller: str) -> str:
    """The sentence with the caller's name in it. Raises KeyError on a locale of no call."""
    return SENTENCES[sentence][locale].replace("{caller}", caller)
