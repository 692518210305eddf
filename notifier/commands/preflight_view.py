"""How a preflight looks: readable in a window of 40 columns as in one of 80, in Chinese and in English."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from notifier.commands.reasons import in_words
from notifier.commands.terminal import engine_words, locale_words
from notifier.commands.words import Language, choose, chosen, listed
from notifier.domain.forecast import Limit
from notifier.engine.preflight import PreflightReport, Recordings, Sample, StepEstimate

# fmt: off
PHRASES: Mapping[str, tuple[str, str]] = {
    "title": ("Preflight: {title}", "執行前預覽：{title}"),
    "as_of": ("as of {at}; nothing was opened, nobody is contacted", "{at} 的狀況；未建立批次，也未聯絡任何人"),
    "part": ("{whole}: {part}", "{whole}：{part}"),
    "who": ("Who", "對象"),
    "staged": ("drawn from the source", "自來源資料庫選出"),
    "already_told": ("told before, by an earlier run", "先前批次已通知"),
    "selected": ("selected", "入選"),
    "excluded": ("left out", "排除"),
    "merged": ("told together with another of the household", "與同戶其他案件合併通知"),
    "notifications": ("notifications", "通知件數"),
    "held": ("of these, held for a person", "其中留待專人"),
    "locales": ("by language", "語言"),
    "difference": ("does not add up: {n} are unaccounted for", "帳目不符：{n} 筆去向不明"),
    "shrunk": (
        "Only {n:,} can be told; last time it was {before:,}. See whether the source has lost rows.",
        "可通知的只有 {n:,} 筆，上次為 {before:,} 筆。請確認來源資料庫是否遺漏資料。",
    ),
    "steps": ("Steps", "步驟"),
    "starts": ("{n:,} begin here", "{n:,} 件由此開始"),
    "preferred": ("{n:,} of them because they prefer it", "其中 {n:,} 件依用戶偏好"),
    "attempts": ("about {n:,} attempts", "約 {n:,} 次"),
    "tries": ("up to {n}", "最多 {n} 次"),
    "dropped": ("left out: {why}", "略過：{why}"),
    "takes": ("What it takes (an estimate)", "預估用量"),
    "calls": ("calls", "電話"),
    "minutes": ("minutes on the lines", "線路使用分鐘"),
    "sms": ("texts", "簡訊"),
    "segments": ("{n:,} ({segments:,} segments)", "{n:,} 則（{segments:,} 段）"),
    "emails": ("mails", "電子郵件"),
    "cost": ("NT$", "費用（新臺幣）"),
    "billed": ("minutes billed", "計費分鐘"),
    "billed_of": (
        "{minutes:,}: {each} begun of each call picked up",
        "{minutes:,}：接通一通以 {each} 分鐘計（不足一分鐘以一分鐘計）",
    ),
    "billed_playing": (
        "{minutes:,}: {each} begun of each call picked up, which plays {seconds:.0f} s",
        "{minutes:,}：接通一通以 {each} 分鐘計（語音 {seconds:.0f} 秒，不足一分鐘以一分鐘計）",
    ),
    "cost_of": (
        "{cost:,} = {minutes:,} minutes at {minute} + {segments:,} segments at {segment}",
        "{cost:,}＝{minutes:,} 分鐘 × {minute}＋{segments:,} 段 × {segment}",
    ),
    "recordings": ("recordings", "語音片段"),
    "recordings_of": (
        "{needed:,} for {calls:,} calls ({engine}): {made:,} there already, the others in about {seconds:,.0f} s",
        "{calls:,} 通電話需 {needed:,} 段（{engine}）：已有 {made:,} 段，其餘約需 {seconds:,.0f} 秒",
    ),
    "recordings_of_some": (
        "{needed:,} in the first {calls:,} of {all_calls:,} calls ({engine}): {made:,} there already, the others of"
        " these in about {seconds:,.0f} s",
        "{all_calls:,} 通電話中的前 {calls:,} 通需 {needed:,} 段（{engine}）：已有 {made:,} 段，"
        "這部分其餘約需 {seconds:,.0f} 秒",
    ),
    "when": ("When", "時間"),
    "begins": ("begins", "開始"),
    "suspended": ("put off", "延後"),
    "suspended_of": ("{n:,} ({where}) until {at}: {why}", "{n:,} 件（{where}）至 {at}：{why}"),
    "everywhere": ("every district", "所有轄區"),
    "finish": ("finished", "預計完成"),
    "about": ("about {at} ({limit})", "約 {at}（{limit}）"),
    "unknown": ("cannot be told", "無法預估"),
    "samples": ("Samples", "內容樣本"),
    "subjects": ("{n} in one", "合併 {n} 筆"),
    "sample_segments": ("{n} segments", "{n} 段"),
    "no_sample": ("nothing to show: {why}", "沒有內容：{why}"),
    "nobody": ("Nobody would be contacted.", "沒有需要聯絡的對象。"),
    "limit.nothing": ("answers are awaited", "等候回覆"),
    "limit.pace": ("the pace decides", "取決於發送速度"),
    "limit.lines": ("the lines decide", "取決於線路數"),
    "limit.waits": ("the waits between tries decide", "取決於重撥間隔"),
    "limit.window": ("it goes over into another day", "須延至隔日"),
    "channel.voice": ("voice", "電話"),
    "channel.sms": ("sms", "簡訊"),
    "channel.email": ("email", "電子郵件"),
    "not configured": ("not configured", "尚未設定"),
    "the sender is not a 111 short code: customers could not tell it from a fraud": (
        "the sender is not a 111 short code: customers could not tell it from a fraud",
        "發送號碼不是 111 簡碼，用戶無從分辨是否為詐騙",
    ),
}
# fmt: on


def show_preflight(report: PreflightReport, console: Console, lang: Literal["zh", "en"] | str) -> None:
    """Print the report for a person. `lang` is zh or en."""
    with _speaking(Language(lang)):
        console.print(_page(report))


@contextmanager
def _speaking(language: Language) -> Iterator[None]:
    before = chosen()
    choose(language)
    try:
        yield
    finally:
        choose(before)


def _say(key: str, **values: object) -> str:
    english, chinese = PHRASES[key]
    return (chinese if chosen() is Language.ZH else english).format(**values)


def _known(word: str, prefix: str = "") -> str:
    return _say(prefix + word) if prefix + word in PHRASES else word


def _page(report: PreflightReport) -> RenderableType:
    title = report.title_zh if chosen() is Language.ZH else report.title
    return Group(
        Text(_say("title", title=title), style="bold"),
        Text(_say("as_of", at=_at(report, report.at)), style="dim"),
        _section("who", _who(report)),
        _section("steps", _steps(report)),
        _section("takes", _takes(report)),
        _section("when", _when(report)),
        _section("samples", _samples(report)),
    )


def _section(key: str, body: RenderableType) -> RenderableType:
    return Group(Text(""), Text(_say(key), style="bold cyan"), Padding(body, (0, 0, 0, 2)))


def _figures() -> Table:
    """A column of figures and what they count: narrow enough for any window."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", min_width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _pairs() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", overflow="fold", max_width=20)
    grid.add_column(overflow="fold")
    return grid


def _who(report: PreflightReport) -> RenderableType:
    grid = _figures()
    grid.add_row(f"{report.staged:,}", _say("staged"))
    if report.already_told:
        grid.add_row(f"−{report.already_told:,}", _say("already_told"))
    grid.add_row(Text(f"{report.selected:,}", style="bold"), Text(_say("selected"), style="bold"))
    for reason, count in _largest(report.excluded):
        grid.add_row(f"−{count:,}", _say("part", whole=_say("excluded"), part=in_words(reason)))
    if report.merged:
        grid.add_row(f"−{report.merged:,}", _say("merged"))
    grid.add_row(Text(f"{report.notifications:,}", style="bold"), Text(_say("notifications"), style="bold"))
    for reason, count in _largest(report.held):
        grid.add_row(f"{count:,}", _say("part", whole=_say("held"), part=in_words(reason)))
    if report.locales:
        languages = listed([f"{locale_words(name)} {count:,}" for name, count in _largest(report.locales)])
        grid.add_row("", _say("part", whole=_say("locales"), part=languages))
    if report.has_shrunk:
        warning = _say("shrunk", n=report.tellable, before=report.tellable_before or 0)
        grid.add_row("", Text(warning, style="bold yellow"))
    if report.difference:
        grid.add_row("", Text(_say("difference", n=report.difference), style="bold red"))
    return grid


def _steps(report: PreflightReport) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for number, step in enumerate(report.steps, 1):
        grid.add_row(f"{number}. {_known(step.channel, 'channel.')}", _step(step))
    return grid


def _step(step: StepEstimate) -> Text:
    if step.refused:
        return Text(_say("dropped", why=_known(step.refused)), style="yellow")
    parts = [_say("starts", n=step.starting)]
    if step.preferred:
        parts.append(_say("preferred", n=step.preferred))
    parts.append(_say("attempts", n=step.attempts))
    if step.tries > 1:
        parts.append(_say("tries", n=step.tries))
    return Text(" · ".join(parts))


def _takes(report: PreflightReport) -> RenderableType:
    estimate, tariff = report.estimate, report.tariff
    grid = _pairs()
    grid.add_row(_say("calls"), f"{estimate.calls:,}")
    grid.add_row(_say("minutes"), f"{estimate.line_minutes:,}")
    grid.add_row(_say("sms"), _say("segments", n=estimate.sms, segments=estimate.sms_segments))
    grid.add_row(_say("emails"), f"{estimate.emails:,}")
    grid.add_row(_say("billed"), _billed(report))
    price = _say(
        "cost_of", cost=_plain(estimate.cost), minutes=estimate.billed_minutes, minute=tariff.call_minute,
        segments=estimate.sms_segments, segment=tariff.sms_segment,
    )  # fmt: skip
    grid.add_row(_say("cost"), price)
    if report.recordings is not None:
        grid.add_row(_say("recordings"), _recordings(report.recordings))
    return grid


def _plain(amount: Decimal) -> Decimal | int:
    """Without the zeros behind a whole amount."""
    return int(amount) if amount == int(amount) else amount


def _billed(report: PreflightReport) -> str:
    minutes, each = report.estimate.billed_minutes, report.tariff.minutes_of_a_call
    if report.call_seconds is None:
        return _say("billed_of", minutes=minutes, each=each)
    return _say("billed_playing", minutes=minutes, each=each, seconds=report.call_seconds)


def _recordings(recordings: Recordings) -> str:
    key = "recordings_of" if recordings.calls == recordings.all_calls else "recordings_of_some"
    return _say(key, **asdict(recordings) | {"engine": engine_words(recordings.engine)})


def _when(report: PreflightReport) -> RenderableType:
    if not any(step.starting for step in report.steps):
        return Text(_say("nobody"))
    grid = _pairs()
    grid.add_row(_say("begins"), _at(report, report.starts_at))
    for one in report.suspended:
        where, why = one.district or _say("everywhere"), in_words(one.because)
        put_off = _say("suspended_of", n=one.notifications, where=where, at=_at(report, one.opens), why=why)
        grid.add_row(_say("suspended"), Text(put_off, style="yellow"))
    if report.finish is None:
        finish = _say("unknown")
    else:
        limit = _say(f"limit.{Limit(report.limit or Limit.NOTHING).value}")
        finish = _say("about", at=_at(report, report.finish), limit=limit)
    grid.add_row(_say("finish"), finish)
    return grid


def _samples(report: PreflightReport) -> RenderableType:
    if not report.samples:
        return Text(_say("nobody"))
    return Group(*[_sample(number, sample) for number, sample in enumerate(report.samples, 1)])


def _sample(number: int, sample: Sample) -> RenderableType:
    parts = [f"{number}. {_known(sample.channel, 'channel.')}", locale_words(sample.locale)]
    if sample.subjects > 1:
        parts.append(_say("subjects", n=sample.subjects))
    if sample.segments is not None:
        parts.append(_say("sample_segments", n=sample.segments))
    if sample.problem:
        body = Text(_say("no_sample", why=in_words(sample.problem)), style="yellow")
    else:
        body = Text(sample.text, overflow="fold")
    return Group(Text(" · ".join(parts), style="dim"), Padding(body, (0, 0, 1, 3)))


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _at(report: PreflightReport, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(report.zone)):%Y-%m-%d %H:%M}"
