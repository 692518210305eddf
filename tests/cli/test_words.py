"""Whatever the log may hold has words, in both languages, and nothing is worded that is not used."""

import re
import string
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import notifier.commands as commands
from notifier.campaigns import find_campaigns
from notifier.commands import contract_words, help_zh, reasons
from notifier.commands.checks import Level
from notifier.commands.exits import Exit
from notifier.commands.reasons import in_words
from notifier.commands.words import (
    PHRASES,
    Language,
    bracketed,
    choose,
    clauses,
    language_of,
    listed,
    say,
    take_language,
)
from notifier.domain.dialogue_words import OF_THE_CARRIER, Sentence
from notifier.domain.disposition import EFFECTS, Disposition, Effect
from notifier.domain.event import NOBODY_ASKED, Came, EventState, Fault
from notifier.domain.list_cell import Kind as Cell
from notifier.domain.message import LOCALES, Action
from notifier.domain.purpose import Purpose
from notifier.domain.receipt import ReceiptKind
from notifier.domain.speech import CARRIER
from notifier.domain.states import AttemptState, NotificationState, Outcome, RunState
from notifier.domain.telephone import NumberReason
from notifier.engine.audition import Kind
from notifier.resources import sql_root
from notifier.speech import GROUP

TABLES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "phrases": PHRASES,
    "dispositions": reasons.DISPOSITIONS,
    "outcomes": reasons.OUTCOMES,
    "actions": reasons.ACTIONS,
    "numbers": reasons.NUMBERS,
    "exclusions": reasons.EXCLUSIONS,
    "held": reasons.HELD,
    "withdrawals": reasons.WITHDRAWALS,
    "bans": reasons.BANS,
    "came": reasons.CAME,
    "faults": reasons.FAULTS,
    "patterns": {pattern.pattern: wording for pattern, wording in reasons.PATTERNS},
}
# Forms that only the mainland writes, of characters that stand in these tables.
SIMPLIFIED = set(
    "个们为么义乌书买乱争于云产亲仅从价众优会传伤体余佣侧侨债倾儿党关兴写军农冲决况净减凤击刘则刚创别剂剑劝办务动励劳势勋区医华协单卖卢卫厂厅历压厌县参双发变号叶听启员响哑团园围国图圆圣场坏块坚坛坝坟处备复够头夹奋奖妇妈姗学宁宝实审宪宫宽宾对寻导寿将尔尘尝层属岁岂岛币帅师帐帮干并广庆库应庙开异弃张弹强归当录彻径忆忧怀态总恋恳恶悬惊惧惩惯愤愿战户执扩扫扬护报拟拥择挂挥损换据掳摄摆摇撑操敌数断无旧时显晓暂术机杀杂权条来杨极构枪柜标栈树样档桥检楼欢欧欤残毁毕汇汉汤沟没沪沿泪泼泽洁浅测济浑浓涂涛润涨渐渔温湾湿滚满滤滥灭灯灵灾炉点炼热爱爷牵犹独狭狮猎献环现电画畅疗疯盐监盖盘着矿码砖确础禁离种积称稳穷窃窜竞笔筑签简类粮紧纠红约级纪纯纲纳纵纷纸纹线练组细织终绍经结绕绘给络绝统继绩绪续维综绿缓编缩罗罚职联聪肃肠肤肾肿胀胁胜脉脑脚脱脸腾舰艺节芦苏范荐药获营萧蓝虑虽虾补装规视览觉触计订认讨让训议讯记讲许论设访证评识诉词译试诗诚话询该详语误说请诸读课谁调谅谈谋谢谣谱负财责贤败账货质贩贪贫购贯贴贵贷费资赏赖赚赛赞赠赢趋跃车轨转轮软轻载较辅辆辈辉输达迁过运还这进远违连迟适选递逻遗邓邮邻郑酱采释里鉴针钉钟钢钱铁铃银锁错锋镇长门闪闭问间闲闻阅队阳阴阵阶际陆陈险随隐难雾静须顶项顺顾预领频颗题额风飞饭饮饰饱馆马驱驳验骑骗鱼鲜鸟鸡鸣鸭麦黄龄齐"
)


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("table", TABLES)
def test_both_languages_are_complete_and_fill_in_the_same(table: str) -> None:
    for key, (english, chinese) in TABLES[table].items():
        assert english, key
        assert chinese, key
        assert english.isascii() or "→" in english, key
        assert names(chinese) <= names(english) | {"given"}, key


def chinese_texts() -> Iterable[str]:
    for table in TABLES.values():
        yield from (chinese for _, chinese in table.values())
    yield from help_zh.CHINESE.values()
    yield from (chinese for table in (contract_words.PROBLEMS, contract_words.REMEDIES) for _, chinese in table)


def test_chinese_is_written_in_traditional_characters() -> None:
    assert [text for text in chinese_texts() if SIMPLIFIED & set(text)] == []


HALF_WIDTH = re.compile(r"[\u4e00-\u9fff}] ?[;,()]|[;,()] ?[\u4e00-\u9fff{]")


def test_chinese_is_punctuated_as_chinese() -> None:
    assert [text for text in chinese_texts() if HALF_WIDTH.search(text)] == []


def test_names_and_clauses_are_joined_as_the_language_does() -> None:
    said = {}
    for language in Language:
        choose(language)
        said[language] = [listed(["a", "b"]), clauses("a", "b"), bracketed("a"), listed([])]
    choose(Language.EN)

    assert said == {Language.EN: ["a, b", "a; b", " (a)", "none"], Language.ZH: ["a、b", "a；b", "（a）", "無"]}


def values(kind: type[StrEnum], *but: str) -> set[str]:
    return {member.value for member in kind} - set(but)


def test_every_code_of_the_domain_has_words() -> None:
    assert values(Disposition) == set(reasons.DISPOSITIONS)
    assert values(Outcome) == set(reasons.OUTCOMES)
    assert values(Action) == set(reasons.ACTIONS)
    assert values(Came, "left_out") | {NOBODY_ASKED} == set(reasons.CAME)
    assert values(Fault) == set(reasons.FAULTS)
    assert values(NumberReason) | {"no_telephone"} == set(reasons.NUMBERS)


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("state", values(RunState)),
        ("standing", values(NotificationState)),
        ("attempt", values(AttemptState, "ended")),
        ("receipt", values(ReceiptKind)),
        ("purpose", values(Purpose)),
        ("event", values(EventState)),
        ("check", values(Level)),
        ("exit", {str(code.value) for code in Exit}),
        ("engine", {CARRIER, *entry_points(group=GROUP).names}),
        ("kind", values(Kind)),
        ("sentence", values(Sentence, *OF_THE_CARRIER)),
        ("locale", set(LOCALES)),
        ("channel", {step.channel for campaign in find_campaigns().values() for step in campaign.plan}),
    ],
)
def test_every_state_has_words(prefix: str, wanted: set[str]) -> None:
    assert wanted <= {key.partition(".")[2] for key in PHRASES if key.startswith(f"{prefix}.")}


def codes_in_sql() -> set[str]:
    """What planner.sql and the audiences give as a reason: the literals after `then`."""
    planner = (sql_root() / "planner.sql").read_text("utf-8")
    screen = planner.split("judged as", 1)[1].split("grouped as", 1)[0]
    audiences = [path.read_text("utf-8") for path in sql_root().glob("campaigns/*/audience.sql")]
    of_lists = re.findall(r"(?:then|else) '([a-z_]+)'", planner.split("name: stage_list", 1)[1].split("-- name:", 1)[0])
    kinds = {f"not_a_{kind}" for kind in Cell if kind is not Cell.TEXT}
    return {*re.findall(r"then '([a-z_]+)'", "".join([screen, *audiences])), *of_lists, *kinds} - {"not_a_"}


def test_every_reason_for_leaving_out_or_holding_has_words() -> None:
    assert codes_in_sql() - {"no_address"} <= reasons.EXCLUSIONS.keys() | reasons.HELD.keys()
    assert reasons.EXCLUSIONS.keys() | {"life_support"} <= codes_in_sql()


@pytest.mark.parametrize("reason", [*sorted(values(NumberReason)), "no_telephone"])
def test_no_address_says_what_is_wrong_with_the_number(reason: str) -> None:
    for language in Language:
        choose(language)
        words = in_words(f"no_address: {reason}")
        assert reasons.NUMBERS[reason][language is Language.ZH] in words
    choose(Language.EN)


@pytest.mark.parametrize(
    ("code", "english"),
    [
        ("paid at 14:02", "paid at 14:02"),
        ("paid at 14:02 on 2026-12-01", "paid at 14:02 on 2026-12-01"),
        ("failed, 10 times without a try being spent",
         "the provider failed before a phone could ring: 10 times, and no phone can have rung"),
        ("cannot be worded: 'amount' is undefined", "the message cannot be worded: 'amount' is undefined"),
        ("life_support", "life support: a person calls"),
        ("the source database: it took longer than 2 s", "the source database, which took longer than 2 s"),
        ("run 3 for 2026-12-07 09:00, catching up 2 missed", "run 3 for 2026-12-07 09:00, catching up 2 missed"),
        ("its cron line cannot be read: 0 9 * *", "its cron line cannot be read: 0 9 * *"),
        ("called by Ms Lin", "called by Ms Lin"),
        ("left_out: no_address: extension", "left out: no address: an extension behind a switchboard"),
        ("subject: missing", "subject is missing or empty"),
        (None, ""),
    ],
)  # fmt: skip
def test_reasons_in_words(code: str | None, english: str) -> None:
    assert in_words(code) == english


@pytest.mark.parametrize("disposition", [d.value for d in Disposition if EFFECTS[d] is Effect.HOLDS])
def test_what_an_attempt_holds_for_has_words(disposition: str) -> None:
    assert in_words(disposition) != disposition


def used_phrases() -> set[str]:
    """Keys as the source spells them, f-strings cut off at their first place."""
    files = [*Path(commands.__file__).parent.glob("*.py"), Path(commands.__file__).parents[1] / "cli.py"]
    text = "".join(file.read_text("utf-8") for file in files if not file.name.startswith("words"))
    undotted = set(re.findall(r"say\(\"([a-z_]+)\"", text))
    return (
        undotted
        | set(re.findall(r"\"([a-z_]+\.[a-z0-9_.]*)[\"{]", text))
        | set(re.findall(r"'([a-z_]+\.[a-z0-9_.]*)['{]", text))
    )


def test_no_phrase_is_missing_or_idle() -> None:
    used = used_phrases()
    open_ended = (*(key for key in used if key.endswith(".")), "channels.", "runs.", "schedules.")

    assert [key for key in PHRASES if key not in used and not key.startswith(open_ended)] == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
    ],
)
def test_the_language_is_what_the_environment_asks_for(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language


@pytest.mark.parametrize(
    ("args", "rest"),
    [
        (["--lang", "zh", "runs"], ["runs"]),
        (["runs", "--lang=zh"], ["runs"]),
        (["held", "close", "3", "--lang", "zh", "--reason", "x"], ["held", "close", "3", "--reason", "x"]),
    ],
)
def test_lang_may_stand_anywhere(args: list[str], rest: list[str]) -> None:
    assert take_language(args, {}) == (Language.ZH, rest)


def test_what_follows_two_dashes_is_left_alone() -> None:
    assert take_language(["who", "--", "--lang"], {}) == (Language.EN, ["who", "--", "--lang"])


def test_say_speaks_the_chosen_language() -> None:
    choose(Language.ZH)
    assert say("state.paused") == "已暫停"
    choose(Language.EN)
    assert say("state.paused") == "paused"
