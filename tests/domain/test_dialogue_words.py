import re

import pytest

from notifier.domain.dialogue_words import LOCALES, OF_THE_CARRIER, SENTENCES, Sentence, say
from notifier.domain.lint import lint_template
from notifier.domain.purpose import Purpose

CALLERS = {"zh-TW": "台灣電力公司楠梓服務所", "en": "Taipower Nanzi Service Office"}


def test_every_sentence_is_there_in_both_locales() -> None:
    assert set(SENTENCES) == set(Sentence)
    assert all(set(words) == set(LOCALES) for words in SENTENCES.values())


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("sentence", Sentence)
def test_every_sentence_may_be_said(sentence: Sentence, locale: str) -> None:
    said = say(sentence, locale, CALLERS[locale])
    purpose = Purpose.COLLECTION if sentence in OF_THE_CARRIER else Purpose.SERVICE
    assert lint_template(purpose, "voice", locale, said) == []
    assert not re.search(r"[0-9{}\n]", said)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("sentence", sorted(OF_THE_CARRIER))
def test_what_is_said_of_an_unknown_call_says_who_we_are(sentence: Sentence, locale: str) -> None:
    assert CALLERS[locale] in say(sentence, locale, CALLERS[locale])


def test_a_locale_of_no_call_is_refused() -> None:
    with pytest.raises(KeyError):
        say(Sentence.GOODBYE, "fr", "")
