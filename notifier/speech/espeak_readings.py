"""What eSpeak's voice cmn reads wrong, and the syllable that it is given instead. Found by hearing out its phonemes.

`tests/speech/test_espeak.py` walks the 5,401 common characters of Big5; the table holds the whole block U+4E00-9FFF.
"""

import re

VERSION = "2"  # part of a clip's key: with other syllables, another pace or amplitude, clips are made anew

# Spelled in English, 雄 as "x, iong, two": the voice knows no "iong" by its usual spelling, but knows it by this one.
SPELLED = {
    "er2": "兒",
    "jong1": "冂冋坰埛扃蘏蘔駫",
    "jong3": "侰僒冏囧幜泂炯烱煚煛熲皛窘絅綗褧迥逈顈颎駉",
    "jong4": "澃",
    "qong1": "匔焪",
    "qong2": "儝卭宆惸桏棾橩焭煢琼瓊睘瞏穷穹窮竆笻筇芎茕藑藭蛩赹跫輁邛銎",  # 芎 as in 芎林
    "xong1": "兄兇凶匈哅忷恟汹洶胷胸訩詾讻賯",
    "xong2": "熊赨雄",
    "xong4": "夐敻詗诇",
}

# Read, but not as in Taiwan: in place names, surnames and the office's words. The voice has 萣 not at all, and says a
# character that it knows as the weak end of a word (工務 段, 甲仙) without a tone.
MISREAD = {
    "ba1": "巴",
    "chen2": "晨",
    "ding4": "萣",
    "fang1": "坊",
    "fu3": "甫",
    "fu4": "傅",
    "ge2": "葛",
    "ji1": "稽",
    "jia3": "賈",
    "tu2": "涂",
    "wu3": "伍",
    "wu4": "務",
    "xian1": "仙",
    "yan1": "菸",
    "yi2": "宜",
    "yu2": "於",
    "yu4": "癒",
}

# Read right alone, and wrong in these words: 十一元 as it would be in 一元, 課長 as "lesson's length".
MISREAD_IN_WORDS = {
    re.compile(words): f" {syllable} "
    for words, syllable in (
        ("(?<=[十零])一|一(?=[十號樓])", "yi1"),
        ("(?<=[課處股段])長", "zhang3"),
        ("(?<!嚴)重(?=[撥寄填])", "chong2"),
        ("(?<![執進])行(?=號)", "hang2"),
        ("還(?=[款錢])", "huan2"),
        ("當(?=天)", "dang1"),
        ("(?<=連)假", "jia4"),
        ("埔", "pu3"),
    )
}

_SYLLABLES = {
    ord(character): f" {syllable} "
    for table in (SPELLED, MISREAD)
    for syllable, characters in table.items()
    for character in characters
}


def respell(text: str) -> str:
    """The text with a syllable, as a word of its own, for every character that would be read wrong."""
    for words, syllable in MISREAD_IN_WORDS.items():
        text = words.sub(syllable, text)
    return text.translate(_SYLLABLES)
