"""eSpeak NG as we use it: no character spelled in English, no digit handed over, no loop held up."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path

import espeakng_loader
import pytest

from notifier.domain.dialogue_words import LOCALES, Sentence, say
from notifier.domain.speech import CannotSpeak, SpeechSurroundings, Utterance
from notifier.sandbox import district_names
from notifier.speech.audio import make_clip, seconds
from notifier.speech.espeak import VOICES, Espeak, clean, create
from notifier.speech.espeak_library import DATA, library
from notifier.speech.espeak_readings import MISREAD, SPELLED, respell
from tests.stalls import longest_stall

CHINESE = VOICES["zh-TW"]
AT_ONCE = 200
DISTRICTS = (
    "鹽埕 鼓山 左營 楠梓 三民 新興 前金 苓雅 前鎮 旗津 小港 鳳山 林園 大寮 大樹 大社 仁武 鳥松 岡山 "
    "橋頭 燕巢 田寮 阿蓮 路竹 湖內 茄萣 永安 彌陀 梓官 旗山 美濃 六龜 甲仙 杉林 內門 茂林 桃源 那瑪夏"
)


@pytest.fixture
async def engine() -> AsyncIterator[Espeak]:
    made = create(SpeechSurroundings())
    assert isinstance(made, Espeak)
    yield made
    await made.close()


def stumbles(text: str) -> bool:
    return library().stumbles(respell(text), CHINESE)


def heard(text: str) -> str:
    """The sounds alone, without stress and the bounds of words."""
    return re.sub(r"['_|:,\s]", "", library().phonemes(respell(text), CHINESE))


def big5_common() -> str:
    """The 5,401 common characters of Big5, which Taiwan's forms and names are written with."""
    rows = range(0xA4, 0xC7)
    columns = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    found = (bytes([row, column]).decode("big5", "ignore") for row in rows for column in columns)
    return "".join(one for one in found if "\u4e00" <= one <= "\u9fff")


# -- what the voice reads


def test_no_common_character_is_spelled_in_english() -> None:
    characters = big5_common()
    assert len(characters) == 5401
    assert [one for one in characters if stumbles(one)] == []


def test_no_character_of_the_whole_block_is_spelled_in_english() -> None:
    """In hundreds: alone, each would take 0.3 ms. Some 700 rare ones have no sound at all and are refused instead."""
    block = [chr(code) for code in range(0x4E00, 0xA000)]
    for start in range(0, len(block), 100):
        sounds = library().phonemes(respell("，".join(block[start : start + 100])), CHINESE)
        assert "(en)" not in sounds


def test_the_voice_still_spells_what_we_substitute() -> None:
    """When a new version no longer does, the table can go."""
    spelled = "".join(SPELLED.values())
    assert [one for one in spelled if not library().stumbles(one, CHINESE)] == []
    assert [one for one in spelled if stumbles(one)] == []


@pytest.mark.parametrize(("syllable", "characters"), MISREAD.items())
def test_the_voice_still_misreads_what_we_substitute(syllable: str, characters: str) -> None:
    for one in characters:
        assert heard(one) == heard(syllable)
        assert re.sub(r"['_|]", "", library().phonemes(one, CHINESE)) != heard(one)


@pytest.mark.parametrize(("word", "sounds"), [("高雄市", "S;'ong35"), ("兄弟", "S;'ong55"), ("女兒", "@r35")])
def test_what_is_substituted_sounds_right(word: str, sounds: str) -> None:
    assert sounds in library().phonemes(respell(word), CHINESE)


@pytest.mark.parametrize(
    ("word", "pinyin"),
    [
        ("銀行", "yin2 hang2"), ("行動電話", "xing2 dong4 dian4 hua4"), ("商店行號", "shang1 dian4 hang2 hao4"),
        ("執行", "zhi2 xing2"), ("繳費期限", "jiao3 fei4 qi1 xian4"), ("逾期", "yu2 qi1"), ("長期", "chang2 qi1"),
        ("課長", "ke4 zhang3"), ("重要", "zhong4 yao4"), ("重新", "chong2 xin1"), ("重複", "chong2 fu4"),
        ("重撥", "chong2 bo1"), ("數字", "shu4 zi4"), ("還沒有繳費", "hai2 mei2 you3 jiao3 fei4"),
        ("還款", "huan2 kuan3"), ("得到", "de2 dao4"), ("到期了", "dao4 qi1 le5"), ("了解", "liao3 jie3"),
        ("為了", "wei4 le5"), ("調整", "tiao2 zheng3"), ("調查", "diao4 cha2"), ("當天", "dang1 tian1"),
        ("供電", "gong1 dian4"), ("復電", "fu4 dian4"), ("營業處", "ying2 ye4 chu4"), ("處理", "chu3 li3"),
        ("業務組", "ye4 wu4 zu3"), ("工務段", "gong1 wu4 duan4"), ("甲仙區", "jia3 xian1 qu1"),
        ("茄萣區", "jia1 ding4 qu1"), ("埔里鎮", "pu3 li3 zhen4"), ("於五日", "yu2 wu3 ri4"), ("關於", "guan1 yu2"),
        ("米字鍵", "mi3 zi4 jian4"), ("不再撥打", "bu2 zai4 bo1 da3"),
        ("一筆", "yi4 bi3"), ("兩百", "liang3 bai3"), ("一萬一千元", "yi2 wan4 yi4 qian1 yuan2"),
        ("十一元", "shi2 yi1 yuan2"), ("一百一十一元", "yi4 bai3 yi1 shi2 yi1 yuan2"),
        ("一百零一元", "yi4 bai3 ling2 yi1 yuan2"), ("十一月二十一日", "shi2 yi1 yue4 er4 shi2 yi1 ri4"),
    ],
)  # fmt: skip
def test_readings_that_matter(word: str, pinyin: str) -> None:
    assert heard(word) == heard(pinyin)


def test_names_of_the_district_are_not_spelled() -> None:
    words = chain.from_iterable(
        value if isinstance(value, tuple | list) else [value]
        for name, value in vars(district_names).items()
        if name.isupper()
    )
    chinese = [word for word in words if isinstance(word, str) and not word.isascii()]
    assert chinese
    assert [word for word in chinese if stumbles(word)] == []
    assert [name for name in DISTRICTS.split() if stumbles(f"{name}區")] == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("sentence", Sentence)
def test_the_sentences_of_every_call_can_be_spoken(sentence: Sentence, locale: str) -> None:
    caller = {"zh-TW": "高雄區營業處", "en": "Kaohsiung District Office"}[locale]
    words = clean(Utterance(say(sentence, locale, caller), locale))
    assert locale != "zh-TW" or not stumbles(words)


# -- what is refused, and what is left out


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("電費是1,002元", "zh-TW"), ("１２月", "zh-TW"), ("請按A", "zh-TW"), ("百分之5%", "zh-TW"), ("", "zh-TW"),
        ("第①筆", "zh-TW"), ("攝氏五℃", "zh-TW"), ("九點～十點", "zh-TW"), ("[[n'i]]", "zh-TW"), ("，。", "zh-TW"),
        ("陳\U00020bb7", "zh-TW"), ("\ud800", "zh-TW"), ("の", "zh-TW"), ("堔", "zh-TW"),
        ("press 1", "en"), ("NT$ five", "en"), ("the TPC", "en"), ("高雄", "en"), ("bonjour", "fr"), ("\x01\x02", "en"),
        ("five €", "en"), ("...", "en"),
    ],
)  # fmt: skip
async def test_what_nobody_has_read_is_refused(engine: Espeak, text: str, locale: str) -> None:
    with pytest.raises(CannotSpeak) as refusal:
        await engine.speak(Utterance(text, locale))
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "locale", "cleaned"),
    [
        ("您\x01\x1b好", "zh-TW", "您好"), ("您\u200b好\ufeff", "zh-TW", "您好"), ("\uf9dc", "zh-TW", "隆"),
        ("press\nnine", "en", "press nine"), ("press\t\x85nine", "en", "press nine"),
        ("「您好」，（請）按一。", "zh-TW", "「您好」，（請）按一。"), ("It’s twenty-four, at nine a.m.", "en", None),
    ],
)  # fmt: skip
def test_what_is_not_heard_is_left_out(text: str, locale: str, cleaned: str | None) -> None:
    assert clean(Utterance(text, locale)) == (text if cleaned is None else cleaned)


# -- how it speaks


@pytest.mark.parametrize(("text", "locale"), [("繳費期限是十二月五日", "zh-TW"), ("The amount is one thousand", "en")])
async def test_slow_is_spoken_slower(engine: Espeak, text: str, locale: str) -> None:
    plain = seconds(make_clip(await engine.speak(Utterance(text, locale))))
    slow = seconds(make_clip(await engine.speak(Utterance(text, locale, slow=True))))
    assert 1.2 < slow / plain < 1.6


async def test_a_name_with_substitutes_is_spoken_whole(engine: Espeak) -> None:
    spoken = seconds(make_clip(await engine.speak(Utterance("高雄市茄萣區", "zh-TW", personal=True))))
    like = seconds(make_clip(await engine.speak(Utterance("高同市家定區", "zh-TW"))))
    assert spoken == pytest.approx(like, rel=0.2)


async def test_many_at_once_keep_to_their_own_words(engine: Espeak) -> None:
    words = [
        Utterance("一", "zh-TW"), Utterance("兩百三十四元", "zh-TW"), Utterance("兩百三十四元", "zh-TW", slow=True),
        Utterance("Thank you for paying", "en"),
    ]  # fmt: skip
    alone = {one: seconds(make_clip(await engine.speak(one))) for one in words}
    together = await asyncio.gather(*(engine.speak(one) for one in words * 15))
    for one, wav in zip(words * 15, together, strict=True):
        assert seconds(make_clip(wav)) == pytest.approx(alone[one], abs=0.1)


async def test_who_stops_waiting_stops_nobody_else(engine: Espeak) -> None:
    waiting = [asyncio.create_task(engine.speak(Utterance("繳費期限是十二月五日", "zh-TW"))) for _ in range(9)]
    await asyncio.sleep(0)
    for task in waiting[:8]:
        task.cancel()
    assert seconds(make_clip(await waiting[8])) > 1
    assert all(task.cancelled() for task in waiting[:8])


async def test_the_threads_of_the_loop_stay_free(engine: Espeak) -> None:
    """Whoever waits for the one voice takes no thread from those who look up a host name."""
    speaking = [asyncio.create_task(engine.speak(Utterance("繳費期限是十二月五日", "zh-TW"))) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    await asyncio.to_thread(time.monotonic)
    assert sum(task.done() for task in speaking) < AT_ONCE / 2
    await asyncio.gather(*speaking)


async def make_clips(engine: Espeak, count: int) -> None:
    async def make(number: int) -> None:
        wav = await engine.speak(Utterance(f"繳費期限是十二月{'一二三四五'[number % 5]}日", "zh-TW"))
        await asyncio.to_thread(make_clip, wav)

    await asyncio.gather(*(make(number) for number in range(count)))


async def test_the_loop_is_never_held_up(engine: Espeak) -> None:
    """Made in the loop, 200 clips would hold it up for a second."""
    assert await longest_stall(asyncio.create_task(make_clips(engine, AT_ONCE))) < 0.05


# -- where its files are not as they should be


def data_without(folder: Path, missing: str) -> Path:
    for entry in Path(espeakng_loader.get_data_path()).iterdir():
        if entry.name != missing:
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.mark.parametrize("fault", ["nowhere", "too deep", *DATA])
def test_bad_data_are_an_error_and_not_the_end_of_the_process(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "nowhere"
    if fault == "too deep":
        path = data_without(_folder(tmp_path / "deep".ljust(200, "p")), "nothing")
    elif fault in DATA:
        path = data_without(_folder(tmp_path / "data"), fault)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "import espeakng_loader\n"
        "from notifier.speech.espeak_library import Library, LibraryMissing\n"
        "try:\n"
        "    Library(Path(espeakng_loader.get_library_path()), Path(sys.argv[1]))\n"
        "except LibraryMissing as error:\n"
        "    print('alive:', error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout[:7]) == (0, "alive: ")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
