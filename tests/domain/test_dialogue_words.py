import re

import pytest

from notifier.domain.dialogue_words import LOCALES, SENTENCES, Sentence, say
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
    purpose = Purpose.COLLECTION if sentence is Sentence.FALLBACK else Purpose.SERVICE
    assert lint_template(purpose, "voice", locale, said) == []
    assert not re.search(r"[0-9{}\n]", said)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_fallback_says_who_is_calling(locale: str) -> None:
    assert CALLERS[locale] in say(Sentence.FALLBACK, locale, CALLERS[locale])


def test_a_locale_of_no_call_is_refused() -> None:
    with pytest.raises(KeyError):
        say(Sentence.GOODBYE, "fr", "")
