"""A call is looked at and listened to before anybody is rung, and what is heard is what a customer would hear."""

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from notifier.app import Parts
from notifier.commands.contact_sheet import SHEET, contact_sheet
from notifier.commands.exits import Exit
from notifier.domain.dialogue_words import OF_THE_CARRIER, SENTENCES, Sentence
from notifier.domain.message import LOCALES, MachinePolicy
from notifier.engine.audition import SENTENCES as RECORDED
from notifier.engine.audition import CannotRecord, Kind, Take, record
from notifier.engine.audition_calls import NoCall, sample_calls, word_call
from notifier.engine.explanation import explain_call
from notifier.sandbox.audio import wav_seconds
from tests.acceptance.crowd import LISTENS, finished
from tests.cli.conftest import Call, Desk, Said, environment, settle_in
from tests.house import House, open_house

OURS = '["espeak","carrier"]'
CARRIERS = '["carrier"]'
DEAD = '{"gtts":"on","gtts.url":"https://127.0.0.1:1/"}'  # nobody listens there
ENGINES = ["espeak"]


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, parts=Parts(), speech_engines=["espeak", "carrier"]) as opened:
        yield opened


@pytest.fixture
def office(house: House, monkeypatch: pytest.MonkeyPatch, tidy: None) -> Desk:
    """The office's command line, eSpeak speaking."""
    settle_in(monkeypatch, {**environment(house.app.settings), "NOTIFIER_SPEECH_ENGINES": OURS})
    return Desk(house, {})


async def one_bill(house: House, **cells: Any) -> str:
    return await house.bill(await house.customer(**cells))


async def explained(office: Desk, *bills: str, more: tuple[str, ...] = ()) -> Said:
    named = [word for bill in bills for word in ("--subject", bill)]
    return await office("voice", "explain", "payment_deadline", *named, *more)


async def auditioned(office: Desk, where: Path, *more: str) -> Said:
    return await office("voice", "audition", "payment_deadline", "--output", str(where), *more)


async def clips_kept(house: House) -> int:
    count: int = await house.app.pool.fetchval("select count(*) from notifier.clip")
    return count


# -- explain


async def test_a_call_is_explained_line_by_line_and_nothing_is_made(office: Desk) -> None:
    bill = await one_bill(office.house)

    page = await explained(office, bill)
    figures = (await explained(office, bill, more=("--json",))).json

    assert page.code == Exit.DONE
    assert re.search(r"7 +電費是新臺幣一千兩百三十四元。", page.out)
    assert re.search(r"[0-9a-f]{8} +not made +0\.03 +一千 *$", page.out, re.MULTILINE)
    assert "For English, press zero" in page.out
    assert (figures["engine"], figures["made"], figures["made_of_call"]) == ("espeak", 0, 0)
    assert figures["clips_of_call"] > 2 * figures["clips"]
    amount = next(line for line in figures["lines"] if line["words"].startswith("電費是"))
    assert [clip["words"] for clip in amount["clips"]] == ["電費是新臺幣", "一千", "兩百三十四元"]
    assert [clip["pause"] for clip in amount["clips"]] == [30, 30, 800]
    assert not any(clip["personal"] for line in figures["lines"] for clip in line["clips"])
    assert await clips_kept(office.house) == 0


async def test_what_is_made_is_shown_with_its_seconds(office: Desk, folder: Path) -> None:
    bill = await one_bill(office.house)
    assert (await auditioned(office, folder / "review", "--subject", bill)).code == Exit.DONE

    page = await explained(office, bill)
    figures = (await explained(office, bill, more=("--json",))).json

    assert "not made" not in page.out
    assert figures["made"] == figures["clips"]
    assert figures["made_of_call"] == figures["clips_of_call"] == await clips_kept(office.house)
    clip = figures["lines"][0]["clips"][0]
    sound = await office.house.app.pool.fetchval(
        "select audio from notifier.clip where key = $1", bytes.fromhex(clip["key"])
    )
    assert clip["seconds"] == pytest.approx(len(sound) / 8000)
    halves = [folder / "review" / f"call1.zh-TW.{half}.wav" for half in ("essential", "rest")]
    heard = sum(wav_seconds(half.read_bytes()) or 0 for half in halves)
    assert figures["seconds"] == pytest.approx(heard, abs=0.01)
    assert f"{figures['seconds']:.1f} s, silences included" in page.out


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("locale", LOCALES)
async def test_a_page_fits_a_narrow_window(
    office: Desk, monkeypatch: pytest.MonkeyPatch, language: str, locale: str
) -> None:
    bill = await one_bill(office.house)
    for width in (80, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        page = await explained(office, bill, more=("--lang", language, "--locale", locale))
        assert page.code == Exit.DONE
        assert max(cell_len(line.rstrip()) for line in page.out.splitlines()) <= width
        assert {"zh-TW": "兩百三十四元", "en": "one thousand"}[locale] in page.out  # not a letter a line


async def test_several_bills_make_one_call_about_those_still_due(office: Desk) -> None:
    house = office.house
    account = await house.customer()
    bills = [await house.bill(account, amount=1000) for _ in range(3)]
    await house.pay(bills[1])

    figures = (await explained(office, *bills, bills[0], more=("--json", "--locale", "en"))).json

    assert figures["subjects"] == [bills[0], bills[2]]
    assert "You have two electricity bills that are due soon." in [line["words"] for line in figures["lines"]]


async def test_what_belongs_to_a_customer_is_marked_and_goes_to_an_engine_of_the_house(house: House) -> None:
    bill = await one_bill(house)
    campaign = replace(house.app.catalogue.campaign("payment_deadline"), public=frozenset())

    explanation = await explain_call(house.app.clips, await word_call(house.app, campaign, [bill]), "zh-TW")

    (telephone,) = [line for line in explanation.lines if line.words.startswith("電話是")]
    assert [clip.personal for clip in telephone.clips] == [False, *[True] * (len(telephone.clips) - 1)]


async def test_a_call_that_no_run_would_make_says_so(office: Desk, folder: Path) -> None:
    house = office.house
    alive = await one_bill(house, life_support=True)
    silent = await one_bill(house, mobile=None, email="a@example.com")
    unreachable = await one_bill(house, mobile=None)
    later = await house.bill(await house.customer(), due_in=60)
    called = await one_bill(house)
    said = {bill: (await explained(office, bill)).out for bill in (alive, silent, unreachable, later, called)}

    assert f"Would not be called: {alive}: life support: a person calls." in said[alive]
    assert f"{silent}: no telephone that may be called." in said[silent]
    assert f"{unreachable}: no address: no telephone number on record." in said[unreachable]
    assert f"{later}: a run opened now would not select it" in said[later]
    assert "Would not" not in said[called]
    assert all("電費是新臺幣" in page for page in said.values())
    heard = await auditioned(office, folder / "review", "--subject", alive, "--locale", "en", "--lang", "zh")
    assert (heard.code, f"不會如此撥打：{alive}：使用維生設備" in heard.err) == (Exit.DONE, True)


async def test_who_was_told_before_and_who_is_told_apart(office: Desk) -> None:
    house = office.house
    told = await one_bill(house)
    await house.launch()
    assert await house.app.planner().plan_next()
    bills = [await one_bill(house, mobile=mobile) for mobile in ("0912000001", "0912000001", "0912000002")]

    once = (await explained(office, told, more=("--json",))).json
    household, strangers = await explained(office, *bills[:2]), await explained(office, *bills[1:])

    assert once["doubts"] == [{"subjects": [told], "reason": "told before"}]
    assert "Would not" not in household.out
    assert f"{bills[1]}, {bills[2]}: each of these would be told by itself." in strangers.out


async def test_the_carriers_own_voice_needs_no_clips(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFIER_SPEECH_ENGINES", CARRIERS)
    bill = await one_bill(office.house)

    page, chinese = await asyncio.gather(explained(office, bill), explained(office, bill, more=("--lang", "zh")))

    assert "the carrier's own voice" in page.out
    assert "電信端語音" in chinese.out
    assert "電費是新臺幣一千兩百三十四元。" in page.out
    assert "not made" not in page.out


# -- audition


async def test_recordings_and_their_sheet(office: Desk, folder: Path) -> None:
    house = office.house
    single = await one_bill(house, mobile="0912000001")
    family = [await house.bill(await house.customer(mobile="0912000002"), amount=30_000) for _ in range(3)]
    where = folder / "for" / "review"

    said = await auditioned(office, where)

    assert said.code == Exit.DONE
    sounds = {file.name: file.read_bytes() for file in where.glob("*.wav")}
    leaves = house.app.catalogue.campaign("payment_deadline").machine is MachinePolicy.LEAVE_MESSAGE
    answered = 2  # keys that the script has its own words for
    assert len(sounds) == 2 * (2 * (4 + leaves + answered) + len(RECORDED))
    assert {wav_seconds(sound) is not None and len(sound) > 4000 for sound in sounds.values()} == {True}
    sheet = unescape((where / SHEET).read_text("utf-8"))
    assert single in sheet
    assert all(bill in sheet for bill in family)
    assert "電費一共是新臺幣九萬元。" in sheet
    assert "The amount is one thousand two hundred thirty-four New Taiwan dollars." in sheet
    listed = dict(re.findall(r'<audio controls preload="none" src="([^"]+)".*?([\d.]+) s, eSpeak NG', sheet, re.DOTALL))
    assert {name: float(s) for name, s in listed.items()} == {
        name: round(wav_seconds(sound) or 0, 1) for name, sound in sounds.items()
    }
    assert "facts of real customers" in sheet
    assert sheet.count("answers a key that means nothing · ") == len(LOCALES)
    assert "facts of real customers" in said.out
    assert re.search(r"(\d+) of \1 clips", said.err)
    for sentence in RECORDED:
        for locale in LOCALES:
            assert SENTENCES[sentence][locale] in sheet


async def test_only_the_owner_can_read_them(office: Desk, folder: Path) -> None:
    await one_bill(office.house)
    where = folder / "review"
    await auditioned(office, where, "--locale", "en")

    assert stat.S_IMODE(where.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in where.iterdir()} == {0o600}
    assert [file.name for file in where.iterdir() if ".zh-TW." in file.name] == []


async def test_the_slow_pace_is_slower_and_the_sheet_is_in_chinese_for_whoever_asks(office: Desk, folder: Path) -> None:
    await one_bill(office.house)
    await auditioned(office, folder / "review", "--locale", "zh-TW", "--lang", "zh")

    plain, slow = (
        wav_seconds((folder / "review" / f"call1.zh-TW.essential{pace}.wav").read_bytes()) for pace in ("", ".slow")
    )
    assert plain is not None
    assert slow is not None
    assert slow > 1.1 * plain
    sheet = (folder / "review" / SHEET).read_text("utf-8")
    assert "內含真實用戶資料" in sheet
    assert "慢速" in sheet
    assert "回應無此選項的按鍵 · " in sheet


async def test_calls_differ_in_their_number_of_bills_and_nobody_paid_is_among_them(house: House) -> None:
    paid = await one_bill(house, mobile="0912000001")
    await house.pay(paid)
    for bills in (1, 1, 2, 3, 4, 5):
        mobile = f"09130000{bills:02d}"
        for _ in range(bills):
            await one_bill(house, mobile=mobile)
    campaign = house.app.catalogue.campaign("payment_deadline")

    calls = await sample_calls(house.app, campaign)

    assert [len(call.subjects) for call in calls] == [2, 3, 5]
    assert not any(paid in call.subjects for call in calls)
    for table in ("run", "notification", "number_book"):
        assert await house.app.pool.fetchval(f"select count(*) from notifier.{table}") == 0, table


async def test_what_is_left_on_a_machine_is_what_must_be_heard(house: House) -> None:
    bill = await one_bill(house)
    campaign = replace(house.app.catalogue.campaign("payment_deadline"), machine=MachinePolicy.LEAVE_MESSAGE)
    call = await word_call(house.app, campaign, [bill])

    takes = await record(house.app.clips, campaign, [call], ["zh-TW"], ENGINES, lambda _done, _of: None)

    by_kind = {(take.kind, take.slow): take for take in takes}
    assert by_kind[Kind.MACHINE, False].sound == by_kind[Kind.ESSENTIAL, False].sound
    assert by_kind[Kind.MACHINE, False].name == "call1.zh-TW.machine"


async def test_what_is_auditioned_is_what_the_customer_hears_and_who_shows_by_whom(
    database: str, source_database: str, monkeypatch: pytest.MonkeyPatch, tidy: None, folder: Path
) -> None:
    async with open_house(database, source_database, speech_engines=["espeak", "carrier"], scale=60) as house:
        settle_in(monkeypatch, {**environment(house.app.settings), "NOTIFIER_SPEECH_ENGINES": OURS})
        office = Desk(house, {})
        account = await house.customer(mobile="0912345678", email="a.wang@customer.example")
        bill = await house.bill(account)
        await house.people({"calls": {"+886912345678": [LISTENS]}})
        assert (await auditioned(office, folder / "review", "--subject", bill)).code == Exit.DONE
        await finished(house, await house.launch(), within=60)

        (call,) = await house.ledger("call")
        recorded = {file.stem: sha256(file.read_bytes()).hexdigest() for file in (folder / "review").glob("*.wav")}
        page, chinese, figures = await asyncio.gather(
            office("who", account), office("who", account, "--lang", "zh"), office("who", account, "--json")
        )
        await house.app.pool.execute("update notifier.attempt set message = null")  # as after its retention
        erased = await office("who", account)

    assert [heard["sha256"] for heard in call["heard"]] == [
        recorded[name] for name in ("call1.zh-TW.essential", "call1.zh-TW.rest", "sentence.zh-TW.goodbye")
    ]
    assert "voice  answered, spoken by eSpeak NG" in page.out
    assert "語音電話  已接聽，語音：eSpeak NG" in chinese.out
    assert "spoken by" not in erased.out
    assert [attempt["engine"] for attempt in figures.json["notifications"][0]["attempts"]] == ["espeak"]


async def test_the_next_engine_speaks_when_the_first_is_away(
    office: Desk, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("NOTIFIER_SPEECH_ENGINES", '["gtts","espeak","carrier"]')
    monkeypatch.setenv("NOTIFIER_OPTIONS", DEAD)
    await one_bill(office.house)

    said = await auditioned(office, folder / "review")

    assert said.code == Exit.DONE
    assert "spoken by eSpeak NG." in said.out


async def test_nothing_is_left_when_the_engine_fails(
    office: Desk, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("NOTIFIER_OPTIONS", DEAD)
    await one_bill(office.house)

    said = await auditioned(office, folder / "review", "--engine", "gtts")

    assert said.code == Exit.UNFINISHED
    assert said.err.splitlines()[-1].startswith("Error: gtts did not speak this call")
    assert os.listdir(folder) == []


async def test_what_the_source_holds_is_no_markup_on_the_sheet(house: House) -> None:
    bill = await one_bill(house)
    call = await word_call(house.app, house.app.catalogue.campaign("payment_deadline"), [bill])
    take = Take("call1.en.rest", 1, Kind.REST, "en", slow=False, engine="espeak", words=("<b>",), sound=b"")

    sheet = contact_sheet([take], [replace(call, subjects=("<img src=x>",))], "title", "now")

    assert "&lt;img src=x&gt;" in sheet
    assert "&lt;b&gt;" in sheet


# -- errors


@pytest.mark.parametrize(
    ("args", "code", "english", "chinese"),
    [
        (["explain", "nonsense", "--subject", "B1"], Exit.USAGE, "No campaign is named nonsense", "沒有名為"),
        (["explain", "payment_deadline", "--subject", "B404"], Exit.NOT_FOUND, "The source knows no B404", "查無"),
        (["explain", "payment_deadline", "--subject", "PAID"], Exit.NOT_FOUND, "paid at ", "不會為此撥打電話：已於 "),
        (["explain", "payment_deadline", "--subject", "B1", "--locale", "fr"], Exit.USAGE, "no language fr", "語言 fr"),
        (["audition", "payment_deadline"], Exit.NOT_FOUND, "Nobody is to be called", "目前沒有需要撥打的用戶"),
        (["audition", "payment_deadline", "--subject", "PAID"], Exit.NOT_FOUND, "paid at ", "已於 "),
        (["audition", "payment_deadline", "--engine", "x"], Exit.USAGE, "No speech engine x", "沒有可用的語音引擎 x"),
        (["audition", "payment_deadline", "--engine", "carrier"], Exit.USAGE, "one of: espeak", "無法在此錄音"),
    ],
)  # fmt: skip
async def test_an_error_says_what_to_do(
    office: Desk, folder: Path, args: list[str], code: Exit, english: str, chinese: str
) -> None:
    paid = await one_bill(office.house)
    await office.house.pay(paid)
    words = [paid if word == "PAID" else word for word in args]
    words += ["--output", str(folder / "review")] if args[0] == "audition" else []

    said, in_chinese = await office("voice", *words), await office("voice", *words, "--lang", "zh")

    assert (said.code, in_chinese.code) == (code, code)
    assert english in said.err
    assert chinese in in_chinese.err
    assert said.err.count("\n") == 1
    assert os.listdir(folder) == []


async def test_no_engine_of_ours_is_asked_for(office: Desk, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("NOTIFIER_SPEECH_ENGINES", CARRIERS)
    await one_bill(office.house)

    silent = await auditioned(office, folder / "review")
    spoken = await auditioned(office, folder / "review", "--engine", "espeak", "--locale", "en")

    assert (silent.code, spoken.code) == (Exit.USAGE, Exit.DONE)


async def test_a_folder_in_use_is_left_alone(office: Desk, folder: Path) -> None:
    await one_bill(office.house)
    (folder / "letter.txt").write_text("mine")
    (folder / "empty").mkdir(mode=0o755)

    occupied = await auditioned(office, folder)
    no_folder = await auditioned(office, folder / "letter.txt" / "below", "--lang", "zh")
    empty = await auditioned(office, folder / "empty")

    assert (occupied.code, no_folder.code, empty.code) == (Exit.USAGE, Exit.USAGE, Exit.DONE)
    assert "is not empty" in occupied.err
    assert "letter.txt is a file" in (await auditioned(office, folder / "letter.txt")).err
    assert "無法寫入" in no_folder.err
    assert stat.S_IMODE((folder / "empty").stat().st_mode) == 0o700
    assert (folder / "letter.txt").read_text() == "mine"
    assert set(os.listdir(folder)) == {"letter.txt", "empty"}


async def test_a_source_that_is_away_is_named(office: Desk, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("NOTIFIER_SOURCE_URL", "postgresql://nobody@127.0.0.1:1/none")

    said, drawn = await explained(office, "B1"), await auditioned(office, folder / "review")

    assert (said.code, drawn.code) == (Exit.UNREACHABLE, Exit.UNREACHABLE)
    assert "NOTIFIER_SOURCE_URL" in said.err
    assert os.listdir(folder) == []


async def test_a_campaign_that_cannot_call_says_so(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCOUNT_SID", "AUTH_TOKEN", "BASE_URL", "VOICE_FROM"):
        monkeypatch.delenv(f"NOTIFIER_TWILIO__{name}")

    said = await explained(office, "B1")

    assert said.code == Exit.USAGE
    assert "payment_deadline makes no calls here" in said.err


def test_every_reason_has_words(call: Call) -> None:
    from notifier.commands import voice

    app: Any = type("Installed", (), {"clips": type("Engines", (), {"engines": {}})})
    for kind in (*NoCall.__subclasses__(), *CannotRecord.__subclasses__()):
        assert str(voice._failure(app, kind("what")))


def test_the_sentence_that_the_carrier_says_is_not_recorded() -> None:
    assert set(Sentence) - set(RECORDED) == OF_THE_CARRIER
