"""No digit, abbreviation or symbol of any voice template reaches a speech engine, whatever the utility's cells hold."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import asyncpg
import pytest

from notifier.campaigns import find_campaigns
from notifier.channels import find_channels
from notifier.domain.campaign import Campaign
from notifier.domain.channel import AddressKind, Channel, Surroundings, TwilioAccount
from notifier.domain.facts import Facts
from notifier.domain.list_cell import ListCell
from notifier.domain.message import LOCALES, VoiceMessage
from notifier.domain.recording import sentences, sequence, spoken_pieces
from notifier.engine.list_fit import GIVEN
from notifier.engine.rendering import UNREADABLE, CannotRender, House, Rendering
from notifier.resources import template_root
from notifier.storage.source import campaign_queries

RECIPIENTS = 10_000
TODAY = date(2026, 12, 30)  # so that a due date soon falls into another year
NOW = datetime(2026, 12, 30, 2, 0, tzinfo=UTC)
CAMPAIGNS = find_campaigns()
CALLERS = {"zh-TW": "台電高雄區營業處", "en": "Taipower Kaohsiung"}
RENDERING = Rendering(template_root(), House(CALLERS, "stop@office.example"))


# -- what an engine reads wrong, by a scanner that knows nothing of ours


ZH_FOREIGN = re.compile(r"[^\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff，。、；：？！「」\s]")
EN_FOREIGN = re.compile(r"[^A-Za-z\s,.;:?!'’-]")
EN_WORD = re.compile(r"[A-Za-z]+(?:[.'’-][A-Za-z]+)*\.?")
NAME = re.compile("[A-Z][a-z]+(?:['’-][A-Z]?[a-z]+)*")
CLOCK = frozenset({"a.m", "p.m"})  # read letter by letter, as they are said
SHORTENED = re.compile(
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|ave|est|etc|ext|fig|inc|tel|vol|id"
)


def unread(text: str, locale: str) -> list[str]:
    """What of a text is no word of its language: 1,234, ３, NT$, kWh, Dec., ㎡, ℃."""
    if locale == "zh-TW":
        return ZH_FOREIGN.findall(text)
    return [*EN_FOREIGN.findall(text), *(word for word in EN_WORD.findall(text) if is_shortened(word.rstrip(".")))]


def is_shortened(word: str) -> bool:
    if len(word) == 1 or word in CLOCK:  # a letter of a number is read as a letter
        return False
    capitals = len(re.findall("[A-Z]", word)) > 1 and not NAME.fullmatch(word)
    return capitals or "." in word or bool(SHORTENED.fullmatch(word.lower())) or not re.search("[aeiouy]", word.lower())


def language_of(line: str) -> str:
    return "zh-TW" if re.search("[\u4e00-\u9fff]", line) else "en"


def unread_in(lines: Iterable[str], locale: str) -> list[str]:
    """Of the clips as the house's engines are given them, and of the whole lines as the carrier's own voice is."""
    clips = {(one.text, one.locale) for one, _ in sequence([*lines], locale, slow=False)}
    whole = {(words, language_of(words)) for line in lines for words, _ in spoken_pieces(line, locale)}
    return [f"{what} in {text}" for text, spoken_in in clips | whole for what in unread(text, spoken_in)]


@pytest.mark.parametrize(
    "text",
    [
        "電費是1,234元", "十二月５日", "第①筆", "三㎡", "攝氏五℃", "百分之5%", "請洽IT組", "Ａ組", "電費NT$一百",
        "電話07", "一〇五年", "請洽ㄅ組", "九點～十點", "三+四", "の",
    ],
)  # fmt: skip
def test_the_scanner_sees_what_a_chinese_voice_reads_wrong(text: str) -> None:
    assert unread(text, "zh-TW")
    assert unread_in([f"您好，{text}。"], "zh-TW")


@pytest.mark.parametrize(
    "text",
    [
        "The amount is 1,234", "NT$ five", "five NTD", "Dec fifth", "on Mon.", "ten kWh", "the IT Section", "Nr. five",
        "Main St. five", "five %", "five & six", "e.g. this", "Ext. five", "twenty € more", "the TPC", "five hrs",
        "ID five", "the 電費組",
    ],
)  # fmt: skip
def test_the_scanner_sees_what_an_english_voice_reads_wrong(text: str) -> None:
    assert unread(text, "en")
    assert unread_in([f"Hello, {text}."], "en")


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("電費是新臺幣一千兩百三十四元", "zh-TW"), ("提醒您：「請記得」", "zh-TW"),
        ("December fifth, twenty twenty-seven", "en"), ("at five thirty p.m.", "en"), ("You didn't pay. Why", "en"),
        ("It’s the Customer Service Section", "en"), ("K", "en"), ("Sha-Lun", "en"),
    ],
)  # fmt: skip
def test_the_scanner_lets_words_pass(text: str, locale: str) -> None:
    assert unread(text, locale) == []


# -- ten thousand recipients


SECTIONS = ("電費組", "業務組", "設計組", "工務段", "總務組", "楠梓服務所", "第二課", "客服中心")
ODD_SECTIONS = ("第2課", "IT組", "Ａ組", "電費組(二)", "e化小組", "組①", "", "　", "None", None)
TELEPHONES = ("07-338-3131", "(07)338-3131", "07 338 3131 轉 12", "07-3383131#12", "+886 7 338-3131", "1911")
ODD_TELEPHONES = ("０７-338-3131", "07/3383131", "無", "", None)
AMOUNTS = (0, 1, 2, 10, 101, 1000, 1001, 2000, 20_000, 10**8, 10**8 + 1000, 10**12, 10**15, 10**16 - 1)
ODD_AMOUNTS = (Decimal("-5"), Decimal("NaN"), Decimal(10**16), None)


PLACES = [f"{one}{two}{three}" for one in ("楠梓區", "岡山區", "高雄市") for two in ("示範里", "樣本路") for three in
          ("活動中心", "服務所", "市場")]  # fmt: skip
ODD_PLACES = ("3樓", "A棟", "７號", "示範路12號", "kWh", "")


class Cells:
    """What stands in the columns of facts, by their type: mostly as it should, now and then odd."""

    def __init__(self, columns: Mapping[str, str], dice: Random) -> None:
        self._columns = columns
        self._dice = dice

    def facts(self, number: int) -> Facts:
        return Facts(
            f"S{number}", True, None, NOW, {name: self.cell(name, kind) for name, kind in self._columns.items()}
        )

    def cell(self, name: str, kind: str) -> object:
        named = {"section": self._section, "section_phone": self._telephone, "account_no": self._account}
        typed = {
            "text": lambda: self._dice.choice(("示範", "王小明", "Ｄemo 3", "MR. TEST", "示範路 12 號")),
            "numeric": self._amount,
            "date": self._date,
            "timestamptz": lambda: NOW + timedelta(minutes=self._dice.randrange(-(10**5), 10**5)),
            "timestamp": lambda: NOW.replace(tzinfo=None) + timedelta(minutes=self._dice.randrange(-(10**5), 10**5)),
            "date[]": lambda: [TODAY + timedelta(days=self._dice.randrange(1, 60)) for _ in range(2)],
            "bool": lambda: self._dice.random() < 0.5,
            "int4": lambda: self._dice.choice((0, 1, 2, 12, 22, 200, 99_999)),
            "int8": lambda: self._dice.choice((0, 1, 2, 12, 22, 200, 99_999)),
        }
        return named.get(name, typed[kind])()

    def listed(self, names: Iterable[str]) -> dict[str, object]:
        """The cells of a list's row, in columns of these names."""
        day = TODAY + timedelta(days=self._dice.randrange(400))
        date_of = {"text": str(day), "date": day.isoformat()}
        return {
            name: ListCell(date_of) if name == "day" else ListCell({"text": str(self._mostly(PLACES, ODD_PLACES))})
            for name in names
        }

    def _mostly(self, usual: Sequence[object], odd: Sequence[object]) -> object:
        return self._dice.choice(odd if self._dice.random() < 0.005 else usual)

    def _section(self) -> object:
        return self._mostly(SECTIONS, ODD_SECTIONS)

    def _telephone(self) -> object:
        return self._mostly(TELEPHONES, ODD_TELEPHONES)

    def _account(self) -> object:
        return f"{self._dice.randrange(10**11):011d}"

    def _amount(self) -> object:
        usual = (self._dice.randrange(100, 9_000), self._dice.choice(AMOUNTS), Decimal(self._dice.randrange(10**6)) / 8)
        amount = self._mostly(usual, ODD_AMOUNTS)
        return Decimal(amount) if isinstance(amount, int) else amount

    def _date(self) -> object:
        return TODAY + timedelta(
            days=self._dice.choice((0, 1, 3, 20, -400, 800, self._dice.randrange(-(10**4), 10**4)))
        )


async def columns_of(campaign: Campaign, source: str) -> dict[str, str]:
    connection = await asyncpg.connect(source)
    try:
        statement = await connection.prepare(campaign_queries(campaign.name).facts.text)
        return {column.name: column.type.name for column in statement.get_attributes()}
    finally:
        await connection.close()


def telephones(campaign: Campaign) -> Iterator[Channel]:
    twilio = TwilioAccount("AC1", "t", voice_from="+886800000001", sms_from="111")
    channels = find_channels(Surroundings(public_url="https://office.example", now=lambda: NOW, twilio=twilio))
    for name in {step.channel for step in campaign.plan} & channels.keys():
        if channels[name].abilities.address is AddressKind.PHONE:
            yield channels[name]


def render(campaign: Campaign, channel: Channel, locale: str, facts: list[Facts]) -> VoiceMessage | None:
    """The call; None where it would be held, since its cells cannot be told."""
    try:
        words = campaign.compose(facts)
        call = RENDERING.render(
            campaign, channel, locale, words, code="7K3M2QA", reference="1.0.0", today=TODAY
        ).message
    except (CannotRender, *UNREADABLE):
        return None
    assert isinstance(call, VoiceMessage)
    return call


# A greeting says the same to everybody but the section; a list's cells differ in place and day.
DIFFERENT = {(False, False): 1000, (False, True): 20, (True, True): 100}
TOLD = [(name, template) for name, campaign in sorted(CAMPAIGNS.items()) for template in RENDERING.templates(campaign)]


@pytest.mark.parametrize(("name", "template"), TOLD)
async def test_nothing_reaches_an_engine_unread(name: str, template: str, source_database: str) -> None:
    """Each of them renders the template of both languages. Lines that are the same are judged once."""
    campaign, dice = CAMPAIGNS[name].told_with({"template": template}), Random(20261230)
    of_list = RENDERING.needs(campaign).used.keys() - GIVEN if campaign.listed else ()
    cells = Cells(await columns_of(campaign, source_database), dice)
    for channel in telephones(campaign):
        said: dict[str, set[str]] = {locale: set(sentences(locale, CALLERS[locale])) for locale in LOCALES}
        held = 0
        for number in range(RECIPIENTS):
            facts = [cells.facts(n) for n in range(dice.choice((1, 1, 1, 2, 3, 7)))]
            facts = [replace(one, values={**one.values, **cells.listed(of_list)}) for one in facts]
            call = render(campaign, channel, LOCALES[number % 2], facts)
            held += call is None
            for locale, script in call.scripts.items() if call else ():
                said[locale].update(script.marked)
        assert 0 < held < RECIPIENTS / 5, "odd cells are met, and seldom"
        for locale in LOCALES:
            assert len(said[locale]) > DIFFERENT[bool(of_list), campaign.listed], "what they are told differs"
            assert unread_in(said[locale], locale) == []
