"""What a run would do is told beforehand, and nothing of the telling is kept."""

import io
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from math import ceil
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from notifier.app import Parts
from notifier.commands.preflight_view import show_preflight
from notifier.domain.campaign import read_parameters
from notifier.domain.message import EmailMessage, Script, SmsMessage, VoiceMessage
from notifier.engine.audition_calls import word_call
from notifier.engine.explanation import explain_call
from notifier.engine.preflight import PreflightReport, Tariff, message_text, preflight
from tests.house import MORNING, House, open_house


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, parts=Parts(), scale=1) as opened:
        yield opened


async def look_ahead(house: House, samples: int = 5, **given: Any) -> PreflightReport:
    campaign = house.app.catalogue.campaign("payment_deadline")
    return await preflight(house.app, campaign, read_parameters(campaign, {}), samples, **given)


async def a_small_district(house: House) -> None:
    await house.bill(await house.customer(mobile="0912000001", email="a@example.com"), amount=1234)
    await house.bill(await house.customer(mobile="0912000002", locale="en"), amount=500)
    await house.bill(await house.customer(phone="07-338-3131", mobile=None))
    family = [await house.customer(mobile="0912000003") for _ in range(3)]
    for account in family:
        await house.bill(account)
    await house.bill(await house.customer(mobile=None, email="only.mail@example.com"))
    await house.bill(await house.customer(mobile="0204-000-001"))
    await house.bill(await house.customer(mobile=None))
    await house.bill(await house.customer(mobile="0912000009"), amount=0)
    await house.bill(await house.customer(mobile="0912000010", life_support=True))


async def test_everybody_is_in_or_out_with_a_reason(house: House) -> None:
    await a_small_district(house)
    report = await look_ahead(house)
    assert (report.staged, report.already_told, report.selected) == (11, 0, 11)
    assert report.excluded == {"no_address: premium": 1, "no_address: no_telephone": 1, "nothing_owed": 1}
    assert (report.merged, report.notifications, report.held) == (2, 6, {"life_support": 1})
    assert report.difference == 0
    assert report.locales == {"zh-TW": 5, "en": 1}
    assert [(step.channel, step.starting, step.refused) for step in report.steps] == [
        ("voice", 4, None),
        ("sms", 0, None),
        ("email", 1, None),
    ]


async def test_nothing_is_kept(house: House) -> None:
    await a_small_district(house)
    await look_ahead(house)
    for table in ("run", "notification", "audience", "queue", "number_book"):
        assert await house.app.pool.fetchval(f"select count(*) from notifier.{table}") == 0, table


async def test_who_was_told_before_is_not_counted_again(house: House) -> None:
    await a_small_district(house)
    await house.launch()
    assert await house.app.planner().plan_next()
    report = await look_ahead(house)
    assert (report.staged, report.already_told, report.selected) == (11, 8, 3)


async def test_samples_are_the_words_that_would_go_out(house: House) -> None:
    await a_small_district(house)
    report = await look_ahead(house)
    assert len(report.samples) == 5
    assert {sample.channel for sample in report.samples} == {"voice", "sms", "email"}
    assert {sample.locale for sample in report.samples} == {"zh-TW", "en"}
    assert all(sample.text and not sample.problem for sample in report.samples)
    assert any("新臺幣" in sample.text for sample in report.samples)
    assert len((await look_ahead(house, samples=2)).samples) == 2


async def test_a_sample_paid_since_says_so(house: House) -> None:
    bill = await house.bill(await house.customer())
    draw = house.app.source.facts

    async def paid_meanwhile(*given: Any) -> Any:
        await house.pay(bill)
        return await draw(*given)

    house.app.source.facts = paid_meanwhile  # type: ignore[method-assign]
    report = await look_ahead(house)
    assert all((sample.problem or "").startswith("paid at ") for sample in report.samples)


async def test_a_step_that_cannot_be_taken_is_dropped_with_the_reason(database: str, source_database: str) -> None:
    twilio = {"account_sid": "AC" + "0" * 32, "auth_token": "t", "voice_from": "+886800000001", "sms_from": "+886900"}
    async with open_house(database, source_database, parts=Parts(), scale=1, twilio=twilio, smtp=None) as plain:
        await plain.bill(await plain.customer())
        report = await look_ahead(plain)
    assert [step.refused and step.refused[:20] for step in report.steps] == [
        None,
        "the sender is not a ",
        "not configured",
    ]
    assert (report.estimate.sms, report.estimate.emails) == (0, 0)


async def test_what_it_costs_follows_the_tariff(house: House) -> None:
    await a_small_district(house)
    cheap = await look_ahead(house, tariff=Tariff(call_minute=Decimal(100), sms_segment=Decimal(0)))
    dear = await look_ahead(house, tariff=Tariff(call_minute=Decimal(200), sms_segment=Decimal(0)))
    assert cheap.estimate.calls == dear.estimate.calls > 4
    assert dear.estimate.cost == pytest.approx(2 * cheap.estimate.cost, abs=2)
    assert cheap.estimate.line_minutes >= cheap.estimate.calls


async def test_the_cost_can_be_computed_again_from_the_screen(house: House) -> None:
    await a_small_district(house)
    report = await look_ahead(house)
    screen = shown(report, 200, "en")
    found = re.search(r"NT\$ +([\d,.]+) = ([\d,]+) minutes at ([\d.]+) \+ ([\d,]+) segments at ([\d.]+)", screen)
    assert found
    cost, minutes, minute, segments, segment = (Decimal(word.replace(",", "")) for word in found.groups())
    assert cost == minutes * minute + segments * segment > 0
    assert cost == report.estimate.cost
    assert minutes == report.estimate.billed_minutes
    assert minutes % report.tariff.minutes_of_a_call == 0


async def test_a_call_is_billed_by_the_minutes_its_recordings_play(house: House) -> None:
    account = await house.customer()
    bill = await house.bill(account)
    before = await look_ahead(house)
    campaign = house.app.catalogue.campaign("payment_deadline")
    call = await word_call(house.app, campaign, [bill])
    await house.app.clips.make("espeak", house.app.clips.needed("espeak", call.message))

    short = Tariff(minutes_of_a_call=9)  # what the recordings tell is believed before the tariff
    report = await look_ahead(house, tariff=short)

    assert before.call_seconds is None
    explained = await explain_call(house.app.clips, call, "zh-TW")
    assert report.call_seconds == pytest.approx(explained.seconds)
    assert report.tariff.minutes_of_a_call == ceil(explained.seconds / 60) == 2
    assert f"which plays {explained.seconds:.0f} s" in shown(report, 200, "en")
    assert f"語音 {explained.seconds:.0f} 秒" in shown(report, 200, "zh")


async def test_only_calls_are_counted_as_calls(house: House) -> None:
    await a_small_district(house)
    report = await look_ahead(house)
    assert report.recordings is not None
    assert (report.recordings.calls, report.recordings.all_calls) == (4, 4)
    assert "for 4 calls (eSpeak NG)" in shown(report, 200, "en")


async def test_when_not_all_calls_were_looked_at_it_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_small_district(house)
    monkeypatch.setattr("notifier.engine.preflight.LOOKED_AT", 2)
    report = await look_ahead(house, samples=2)
    assert report.recordings is not None
    assert report.recordings.calls < report.recordings.all_calls == 4
    assert f"in the first {report.recordings.calls} of 4 calls" in shown(report, 200, "en")
    assert f"4 通電話中的前 {report.recordings.calls} 通" in shown(report, 200, "zh")


async def test_it_begins_no_sooner_than_it_was_asked(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=Parts(), scale=36_000) as fast:  # ten hours a second
        await fast.bill(await fast.customer())
        report = await look_ahead(fast)
    assert report.finish is not None
    assert report.at <= report.starts_at <= report.finish


async def test_the_finish_lies_in_the_window_and_after_the_waits(house: House) -> None:
    await a_small_district(house)
    report = await look_ahead(house)
    assert report.finish is not None
    assert abs((report.starts_at - MORNING).total_seconds()) < 60
    local = house.app.catalogue.calendar.local(report.finish)
    assert 9 <= local.hour < 20
    assert report.finish > report.starts_at


async def test_an_empty_audience_is_told_as_such(house: House) -> None:
    report = await look_ahead(house)
    assert (report.selected, report.notifications, report.samples) == (0, 0, [])
    assert report.limit == "nothing"
    assert report.recordings is None
    assert shown(report, 80, "en").count("Nobody would be contacted.") == 2
    assert "finished" not in shown(report, 80, "en")
    assert report.finish is not None
    assert report.finish >= report.starts_at >= report.at


def shown(report: PreflightReport, width: int, lang: str) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    show_preflight(report, console, lang)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_it_is_readable_in_a_wide_and_in_a_narrow_window_in_both_languages(house: House) -> None:
    await a_small_district(house)
    report = await look_ahead(house)
    for width in (80, 40):
        english, chinese = shown(report, width, "en"), shown(report, width, "zh")
        assert all(cell_len(line) <= width for line in [*english.splitlines(), *chinese.splitlines()])
        assert "life support" in english.replace("\n", " ")
        assert "執行前預覽" in chinese
        assert "維生設備" in chinese
        assert "no_address" not in english + chinese
        assert "2026-12-01" in chinese


async def test_as_json_it_is_whole(house: House) -> None:
    import json

    await a_small_district(house)
    report = await look_ahead(house)
    found = json.loads(json.dumps(report.to_json()))
    assert found["excluded"] == dict(report.excluded)
    assert found["difference"] == 0
    assert found["estimate"]["cost"] == str(report.estimate.cost)
    assert len(found["samples"]) == 5


def test_every_kind_of_message_has_words() -> None:
    voice = VoiceMessage("zh-TW", {"zh-TW": Script(("甲", "乙"), 1)}, {}, "台電")
    assert message_text(voice) == "甲\n乙"
    assert message_text(SmsMessage("en", "hello", 1)) == "hello"
    assert message_text(EmailMessage("en", "Due", "Pay.\n", "<p>", "1")) == "Due\n\nPay."
