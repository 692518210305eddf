"""What a clip is found by."""

import pytest

from notifier.domain.recording import clip_key
from notifier.domain.speech import EngineAbilities, Utterance

WORDS = Utterance("您好", "zh-TW")
VOICES = {"zh-TW": "cmn", "en": "en-us"}
KEY = clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.52"), WORDS, "1")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(clip_key(b"another", "espeak", EngineAbilities(VOICES, "1.52"), WORDS, "1"), id="seal"),
        pytest.param(clip_key(b"sealed", "gtts", EngineAbilities(VOICES, "1.52"), WORDS, "1"), id="engine"),
        pytest.param(clip_key(b"sealed", "espeak", EngineAbilities({"zh-TW": "yue"}, "1.52"), WORDS, "1"), id="voice"),
        pytest.param(clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.53"), WORDS, "1"), id="version"),
        pytest.param(clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.52"), WORDS, "2"), id="processing"),
        pytest.param(
            clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.52"), Utterance("您好", "zh-TW", slow=True), "1"),
            id="pace",
        ),
        pytest.param(
            clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.52"), Utterance("您", "zh-TW"), "1"), id="words"
        ),
        pytest.param(
            clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.52"), Utterance("您好", "en"), "1"), id="locale"
        ),
    ],
)
def test_another_clip_has_another_key(other: bytes) -> None:
    assert other != KEY
    assert len(other) == len(KEY) == 32


def test_the_same_is_found_again() -> None:
    """Whoever the words belong to."""
    mine = Utterance("您好", "zh-TW", personal=True)
    assert clip_key(b"sealed", "espeak", EngineAbilities(VOICES, "1.52", personal=True), mine, "1") == KEY
