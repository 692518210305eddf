"""What the commands say to the operator, in English and in Chinese as written in Taiwan."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from enum import StrEnum

from notifier.commands.words_check import CHECK
from notifier.commands.words_lists import LISTS
from notifier.commands.words_office import OFFICE
from notifier.commands.words_policy import POLICY
from notifier.commands.words_voice import VOICE


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


_language: ContextVar[Language] = ContextVar("language", default=Language.EN)


def choose(language: Language) -> None:
    """Speak this language from here on."""
    _language.set(language)


def chosen() -> Language:
    return _language.get()


def language_of(environ: Mapping[str, str]) -> Language:
    """As LC_ALL, LC_MESSAGES or LANG ask, the first that is set."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


def take_language(args: Sequence[str], environ: Mapping[str, str] = os.environ) -> tuple[Language, list[str]]:
    """The language asked for by `--lang` anywhere on the line, and the line without it. Raises ValueError."""
    language = language_of(environ)
    rest: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            return language, [*rest, word, *words]
        if word == "--lang":
            language = Language(next(words, ""))
        elif word.startswith("--lang="):
            language = Language(word.removeprefix("--lang="))
        else:
            rest.append(word)
    return language, rest


def say(key: str, /, **values: object) -> str:
    """The phrase in the chosen language, its places filled in."""
    english, chinese = PHRASES[key]
    return (chinese if chosen() is Language.ZH else english).format(**values)


def listed(names: Iterable[str]) -> str:
    """Names in a row, as the chosen language separates them."""
    return ("、" if chosen() is Language.ZH else ", ").join(names) or say("none")


def clauses(*parts: str) -> str:
    """What is said one after the other in one line."""
    return ("；" if chosen() is Language.ZH else "; ").join(parts)


def bracketed(text: str) -> str:
    """To be set behind a word."""
    return f"（{text}）" if chosen() is Language.ZH else f" ({text})"


PHRASES: Mapping[str, tuple[str, str]] = {
    # exit codes
    "exit.codes": ("Exit codes:", "結束代碼："),
    "exit.0": ("done", "完成"),
    "exit.1": ("something unexpected", "非預期的錯誤"),
    "exit.2": (
        "wrong usage: an unknown campaign or parameter, a bad setting",
        "用法錯誤：沒有這個通知作業或參數，或設定有誤",
    ),
    "exit.3": ("the database or the source cannot be used", "資料庫或來源資料庫無法使用"),
    "exit.4": ("found nothing, or no such run", "查無資料，或沒有這個批次"),
    "exit.5": (
        "the run waits for a person, was paused or cancelled, or failed",
        "批次待人工處理、已暫停、已取消或失敗",
    ),
    "exit.6": ("check found something that must be mended", "檢查發現必須修正的問題"),
    "exit.130": ("interrupted", "已中斷"),
    # what went wrong
    "error": ("Error: {sentence}", "錯誤：{sentence}"),
    "setting.missing": (
        "{name} is not set: give it in the environment or in the file that NOTIFIER_CONFIG names.",
        "尚未設定 {name}：請在環境變數，或在 NOTIFIER_CONFIG 所指的檔案中設定。",
    ),
    "setting.bad": ("{name} cannot be used: {why}.", "{name} 的值無法使用：{why}。"),
    "setting.not_json": (
        "{name} must be JSON: write it like {name}='{example}'.",
        "{name} 必須是 JSON：請寫成例如 {name}='{example}'。",
    ),
    "setting.unknown": (
        "{name} is not a setting of the notifier: correct its name.",
        "沒有 {name} 這項設定：請更正名稱。",
    ),
    "setting.unreadable": ("The settings cannot be read: {why}.", "無法讀取設定：{why}。"),
    "database.unreachable": (
        "The database does not answer ({why}): see that it runs and that NOTIFIER_DATABASE_URL is right.",
        "資料庫沒有回應（{why}）：請確認資料庫已啟動，且 NOTIFIER_DATABASE_URL 正確。",
    ),
    "database.refused": (
        "The database refused ({why}): see the name, the role and the password in NOTIFIER_DATABASE_URL.",
        "資料庫拒絕連線（{why}）：請確認 NOTIFIER_DATABASE_URL 的資料庫名稱、帳號與密碼。",
    ),
    "database.not_migrated": (
        "The database lacks tables of this version: run `notifier migrate`.",
        "資料庫缺少這個版本的資料表：請執行 `notifier migrate`。",
    ),
    "database.denied": (
        "The database role may not do this ({why}): use a role that is a member of notifier_scheduler.",
        "資料庫帳號的權限不足（{why}）：請改用屬於 notifier_scheduler 的帳號。",
    ),
    "source.unreachable": (
        "The source database does not answer ({why}): see that it runs and that NOTIFIER_SOURCE_URL is right.",
        "來源資料庫沒有回應（{why}）：請確認來源資料庫已啟動，且 NOTIFIER_SOURCE_URL 正確。",
    ),
    "source.broken": (
        "The source does not keep its contract ({why}): run `notifier check`.",
        "來源資料庫不符約定（{why}）：請執行 `notifier check`。",
    ),
    "unexpected": (
        "Unexpected {kind}: {why}. Run the command again with --traceback to see where.",
        "非預期的 {kind}：{why}。請加上 --traceback 再執行一次，查看發生的位置。",
    ),
    "lang.bad": ("--lang is zh or en.", "--lang 只能是 zh 或 en。"),
    "address.in_use": (
        "Cannot listen on {where}: another program does.",
        "無法在 {where} 接受連線：已有其他程式使用。",
    ),
    "interrupted": ("Interrupted.", "已中斷。"),
    # common
    "none": ("none", "無"),
    "run.unknown": (
        "There is no run {run}: `notifier runs` lists them.",
        "沒有批次 {run}：請以 `notifier runs` 列出。",
    ),
    # migrate
    "migrate.applied": ("Applied {name}.", "已套用 {name}。"),
    "migrate.nothing": (
        "Nothing to do: the database has this version's tables.",
        "無須更新：資料庫已是這個版本的結構。",
    ),
    # run
    "run.bad_set": ("--set {text}: write name=value.", "--set {text}：請寫成 名稱=值。"),
    "run.opened": ("Run {run} is opened: {title}.", "批次 {run} 已開啟：{title}。"),
    "run.key": ("Its key is {key}.", "識別鍵為 {key}。"),
    "run.already": (
        "Run {run} was opened at {at} and is {state}. Nothing new is sent.",
        "批次 {run} 已於 {at} 開啟，目前{state}；不會再送出任何通知。",
    ),
    "run.another_key": (
        "Its key is {key}: another run needs another.",
        "識別鍵為 {key}；若要另開批次，請用 --key 指定其他識別鍵。",
    ),
    "run.other_params": (
        "Its parameters are {params}, not those given now.",
        "該批次的參數是 {params}，與這次輸入的不同。",
    ),
    "run.follow": (
        "Follow it with `notifier status {run} --watch`.",
        "可用 `notifier status {run} --watch` 查看進度。",
    ),
    "run.test_refused": ("Nothing was sent: {why}.", "未送出：{why}。"),
    "run.test_sent": (
        "Sent by {channel} to {address}: {ended}. Notice {code} (`notifier who {code}`).",
        "已以{channel}送至 {address}：{ended}。通知代碼 {code}（`notifier who {code}`）。",
    ),
    "run.one_of": ("--dry-run, --test-to and --wait exclude each other.", "--dry-run、--test-to 與 --wait 只能擇一。"),
    "run.bad_parameter": ("{why}. It takes: {known}.", "參數有誤：{given}。可用的參數：{known}。"),
    "run.stopped": (
        "{campaign} tells nobody until its words are mended ({why}): run `notifier check`.",
        "{campaign} 的通知內容須先修正（{why}），目前不會通知：請執行 `notifier check`。",
    ),
    "run.does_not_fit": ("Nothing was opened: {why}.", "未開啟批次：{why}。"),
    "run.other_campaign": (
        "The key {key} belongs to run {run} of {campaign}: give another --key.",
        "識別鍵 {key} 已用於 {campaign} 的批次 {run}：請用 --key 指定其他識別鍵。",
    ),
    "run.kind_of": ("No campaign is named {name}; there are: {known}.", "沒有名為 {name} 的通知作業；現有：{known}。"),
    # states of a run
    "state.planning": ("planning", "名單整理中"),
    "state.preparing": ("recording its calls", "語音錄製中"),
    "state.open": ("open", "進行中"),
    "state.paused": ("paused", "已暫停"),
    "state.waiting": ("waiting for a person", "待人工處理"),
    "state.finished": ("finished", "已完成"),
    "state.cancelled": ("cancelled", "已取消"),
    "state.failed": ("failed", "失敗"),
    # status
    "status.run": ("Run {run}", "批次 {run}"),
    "status.key": ("key", "識別鍵"),
    "status.params": ("parameters", "參數"),
    "status.opened": ("opened", "開啟"),
    "status.finished": ("ended", "結束"),
    "status.reason": ("because", "原因"),
    "status.waiting_for": ("waits for", "等待"),
    "status.selected": ("selected", "選出"),
    "status.shrunk": (
        "only {n} can be told; last time it was {before}: see whether the source has lost rows",
        "可通知的只有 {n} 筆，上次為 {before} 筆：請確認來源資料庫是否遺漏資料",
    ),
    "status.already_told": ("{n} more were told before", "另有 {n} 筆先前已通知"),
    "status.merged": ("merged", "與同戶合併"),
    "status.excluded": ("excluded", "排除"),
    "status.holdout": ("holdout", "對照組"),
    "status.settled": ("settled", "已結案"),
    "status.held": ("held", "待人工處理"),
    "status.open": ("still open", "未結案"),
    "status.in_flight": ("in flight {n}", "進行中 {n}"),
    "status.due_now": ("due now {n}", "待送 {n}"),
    "status.due_later": ("due later {n}", "稍後 {n}"),
    "status.next": ("next at {at}", "下次 {at}"),
    "status.put_back": ("put off", "延後"),
    "status.put_back_line": ("{why}, next at {at}", "{why}，下次 {at}"),
    "status.suspended": ("suspended", "暫停聯絡"),
    "line.put_back": ("{n} put off: {why}", "延後 {n} 筆：{why}"),
    "status.attempts": ("attempts", "送出次數"),
    "status.sum": ("adds up", "核對"),
    "status.sum_words": (
        "{selected} = {merged} merged + {excluded} excluded + {holdout} holdout + {settled} settled + {held} held"
        " + {open} open",
        "{selected} = 併入 {merged} + 排除 {excluded} + 對照 {holdout} + 結案 {settled} + 人工 {held} + 未結 {open}",
    ),
    "status.difference": ("DIFFERENCE {n}: unaccounted for", "差額 {n}：去向不明"),
    "status.rate": ("rate", "速度"),
    "status.rate_words": ("{n} attempts in the last minute", "最近一分鐘送出 {n} 次"),
    "status.forecast": ("forecast", "預計完成"),
    "status.unknown_while": (
        "not known while {channel} stands still: {why}",
        "{channel}暫停期間無法預估：{why}",
    ),
    "status.unknown_yet": ("not known yet", "尚無法預估"),
    "status.about": ("about {at}", "約 {at}"),
    "status.channels": ("channels", "管道"),
    "status.before_recorded": ("they wait for their recordings", "等候語音錄製"),
    "line.settled": ("{n}/{all} settled", "已結案 {n}／{all}"),
    "line.in_flight": ("{n} in flight", "進行中 {n}"),
    "line.due_now": ("{n} due now", "待送 {n}"),
    "line.due_later": ("{n} later", "稍後 {n}"),
    "line.held": ("{n} wait for a person", "{n} 筆待人工處理"),
    "line.state": ("{state}: {why}", "{state}：{why}"),
    "status.held_hint": (
        "`notifier held {run}` lists what waits for a person.",
        "待人工處理的通知請以 `notifier held {run}` 列出。",
    ),
    # runs
    "runs.id": ("run", "批次"),
    "runs.state": ("state", "狀態"),
    "runs.opened": ("opened", "開啟時間"),
    "runs.selected": ("selected", "選出"),
    "runs.notifications": ("notices", "通知數"),
    "runs.none": ("No run yet: `notifier run CAMPAIGN` opens one.", "還沒有批次：以 `notifier run 通知作業` 開啟。"),
    # pause, resume, cancel
    "pause.done": (
        "Run {run} is paused. What is in flight ends by itself; nothing new is sent.",
        "批次 {run} 已暫停。進行中的會自行結束，不再送出新的通知。",
    ),
    "resume.done": ("Run {run} goes on.", "批次 {run} 繼續進行。"),
    "resume.waiting": (
        "Run {run} is not paused: it waits for a person to decide (`notifier held {run}`).",
        "批次 {run} 並未暫停，而是有通知待人工處理（`notifier held {run}`）。",
    ),
    "move.not": ("Run {run} is {state}: this changes nothing.", "批次 {run} 目前{state}，未作任何變更。"),
    "cancel.needs_yes": (
        "Run {run} has {n} notifications still open and nobody to ask: give --yes to cancel it for good.",
        "批次{run}還有{n}則通知未完成，且無人可確認：請加上 --yes 以永久取消。",
    ),
    "cancel.ask": (
        "Cancel run {run}? {n} notifications are still open and will not be sent.",
        "確定取消批次 {run}？還有 {n} 筆通知未結案，將不會送出。",
    ),
    "cancel.kept": ("Run {run} is left as it is.", "批次 {run} 維持原狀。"),
    "cancel.done": (
        "Run {run} is cancelled; {n} notifications were still open. What is in flight ends by itself.",
        "批次 {run} 已取消，當時還有 {n} 筆通知未結案。進行中的會自行結束。",
    ),
    # channels
    "channel.voice": ("voice", "語音電話"),
    "channel.sms": ("sms", "簡訊"),
    "channel.email": ("email", "電子郵件"),
    "channels.name": ("channel", "管道"),
    "channels.rate": ("pace", "速度"),
    "channels.per_second": ("{n}/s", "每秒 {n}"),
    "channels.per_minute": ("{n} a minute", "每分鐘 {n}"),
    "channels.in_flight": ("in flight", "進行中"),
    "channels.of": ("{n} of {most}", "{n}／{most}"),
    "channels.standing": ("standing", "狀態"),
    "channels.running": ("running", "運作中"),
    "channels.paused": ("paused: {why}", "已暫停：{why}"),
    "channels.until": ("tried again at {at}", "{at} 再試"),
    "channels.none": (
        "No channel has a budget yet: start `notifier serve` once.",
        "尚未建立管道：請先啟動一次 `notifier serve`。",
    ),
    "channels.unknown": ("There is no channel {name}; there are: {known}.", "沒有管道 {name}；現有：{known}。"),
    "channels.pause_done": (
        "Channel {name} is paused: nothing is sent on it until it is resumed.",
        "管道 {name} 已暫停；恢復之前不會送出任何通知。",
    ),
    "channels.already_paused": ("Channel {name} was paused already.", "管道 {name} 原已暫停。"),
    "channels.resume_done": ("Channel {name} goes on.", "管道 {name} 已恢復。"),
    "channels.not_paused": ("Channel {name} was not paused.", "管道 {name} 並未暫停。"),
    # held
    "held.id": ("id", "編號"),
    "held.account": ("account", "電號"),
    "held.why": ("waits because", "待處理原因"),
    "held.none": ("Nothing waits for a person.", "沒有待人工處理的通知。"),
    "held.more": ("There may be more: --most shows more than {n}.", "可能還有更多：請以 --most 顯示 {n} 筆以上。"),
    "held.unknown": (
        "No notification {id} waits for a person: `notifier held` lists them.",
        "沒有編號 {id} 的待處理通知：請以 `notifier held` 列出。",
    ),
    "held.no_route": (
        "Notification {id} has no address left on any channel in use: close it instead.",
        "通知 {id} 已沒有可用的聯絡方式：請改為結案。",
    ),
    "held.run_over": (
        "Run {run} is {state}: notification {id} can only be closed.",
        "批次 {run} {state}：通知 {id} 只能結案。",
    ),
    "held.released": ("Notification {id} is due now on {channel}.", "通知 {id} 將立即以{channel}送出。"),
    "held.closed": ("Notification {id} is closed: {why}", "通知 {id} 已結案：{why}"),
    # events
    "events.id": ("event", "事件"),
    "events.at": ("came in", "收到"),
    "events.state": ("state", "狀態"),
    "events.type": ("type", "類型"),
    "events.subject": ("about", "對象"),
    "events.became": ("what became of it", "結果"),
    "events.waits": ("waits for {what}", "等候{what}"),
    "events.none": ("No event has come in.", "尚未收到事件。"),
    "events.feed": ("{feed} was last read at {at}.", "{feed} 最後讀取時間：{at}。"),
    "events.feed_new": ("{feed} has not been read yet: a worker does it.", "尚未讀取 {feed}：由撥送程序讀取。"),
    "events.feed_waits": ("{feed} cannot be read now: it waits for {what}.", "目前無法讀取 {feed}：等候{what}。"),
    "event.pending": ("pending", "待處理"),
    "event.handled": ("handled", "已處理"),
    "event.ignored": ("ignored", "不予處理"),
    "event.refused": ("refused", "格式不符"),
    # cases
    "cases.none_late": ("No case is late.", "沒有逾期的案件。"),
    "cases.case": ("case", "受理號碼"),
    "cases.late": ("late", "逾期"),
    "cases.days": ("{n} days", "{n} 天"),
    "cases.section": ("section", "承辦部門"),
    "cases.stage": ("stage", "階段"),
    "cases.in_stage": ("{stage}, {n} days", "{stage}，{n} 天"),
    "cases.agreed": ("agreed for", "約定日期"),
    "cases.limit": ("limit", "期限"),
    "cases.why": ("why", "原因"),
    "cases.late_agreed": ("past the agreed date", "超過約定日期"),
    "cases.late_limit": ("past its time limit", "超過標準期限"),
    "cases.late_stage": ("too long in this stage", "階段停留過久"),
    "cases.no_history": (
        "Nothing is known of the dates of {case}: no delay of it was told.",
        "沒有 {case} 的日期紀錄：未曾通知過逾期。",
    ),
    "cases.at": ("at", "時間"),
    "cases.what": ("what", "事項"),
    "cases.day": ("day", "日期"),
    "cases.key": ("key", "按鍵"),
    "cases.standing": ("by the facts", "當時查證"),
    "cases.slipped": ("agreed, and slipped", "約定後逾期"),
    "cases.proposed": ("proposed", "提出"),
    "cases.chosen": ("chosen", "用戶選定"),
    "standing.holds": ("could be had", "可以安排"),
    "standing.not_offered": ("could not be had any more", "已不能安排"),
    "standing.unchecked": ("could not be asked", "未能查證"),
    # api-key
    "api_key.name": ("name", "名稱"),
    "api_key.made": ("made", "建立"),
    "api_key.used": ("last used", "上次使用"),
    "api_key.revoked": ("revoked", "撤銷"),
    "api_key.none": (
        "No key yet: `notifier api-key add NAME` makes one.",
        "還沒有金鑰：請以 `notifier api-key add 名稱` 建立。",
    ),
    "api_key.added": (
        "The key of {name}. It is shown this once only:",
        "{name} 的金鑰如下，只顯示這一次：",
    ),
    "api_key.taken": (
        "There is a key of the name {name} in use: revoke it first, or choose another name.",
        "已有名為 {name} 的金鑰使用中：請先撤銷，或改用其他名稱。",
    ),
    "api_key.unknown": (
        "No key of the name {name} is in use: `notifier api-key` lists them.",
        "沒有使用中的金鑰名為 {name}：請以 `notifier api-key` 列出。",
    ),
    "api_key.gone": ("The key of {name} is revoked.", "已撤銷 {name} 的金鑰。"),
    # schedules
    "schedules.name": ("schedule", "排程"),
    "schedules.cron": ("cron", "排程設定（cron）"),
    "schedules.next": ("next", "下次"),
    "schedules.last": ("last", "上次"),
    "schedules.note": ("what became of it", "結果"),
    "schedules.none": (
        "No schedule yet: `notifier serve` or `notifier keep` enters them.",
        "還沒有排程：啟動 `notifier serve` 或 `notifier keep` 後會建立。",
    ),
    # who
    "who.none": (
        "Nothing was sent to {asked}, and no run selected it.",
        "沒有任何批次選到 {asked}，也沒有送出任何通知。",
    ),
    "who.reads_as": ("{asked} reads as {number}.", "{asked} 判讀為 {number}。"),
    "who.reads_not": ("{asked} cannot be dialled: {why}.", "{asked} 無法撥打：{why}。"),
    "who.notice": ("Notice {code}", "通知 {code}"),
    "who.account": ("account", "電號"),
    "who.subjects": ("about", "內容"),
    "who.run": ("run", "批次"),
    "who.because": (": {why}", "：{why}"),
    "who.stands": ("now", "目前"),
    "who.attempts": ("sent", "送出"),
    "who.no_attempt": ("nothing was sent", "未送出任何通知"),
    "who.due": ("due at {at} on {channel}", "預定 {at} 以{channel}送出"),
    "who.prefers": ("prefers", "偏好"),
    "who.pressed": ("pressed {key}: {action}", "按 {key}：{action}"),
    "who.replied": ("replied: {action}", "回覆：{action}"),
    "who.excluded": ("Not sent", "未送出"),
    "who.excluded_line": ("run {run} of {at}, {subject}: {why}", "批次 {run}（{at}），{subject}：{why}"),
    "who.suppressions": ("Not to be contacted", "停止聯絡"),
    "who.ban": ("{address}, {purpose}, since {at}: {why}", "{address}，{purpose}，自 {at} 起：{why}"),
    "who.ban_undone": ("lifted at {at}", "已於 {at} 解除"),
    "who.ban_undone_by": ("lifted at {at} by {by}: {why}", "已於 {at} 由 {by} 解除：{why}"),
    "who.ban_set_by": ("set by {by}", "設定者：{by}"),
    "who.every_purpose": ("for every purpose", "所有用途"),
    "who.purpose": ("for {purpose}", "用途：{purpose}"),
    "who.erased": ("(erased after its retention)", "（已逾保存期限而清除）"),
    "who.spoken_by": (", spoken by {engine}", "，語音：{engine}"),
    "who.ended_at_line": (
        "; the call ended at line {line} of {lines} ({part}, {locale})",
        "；通話於第 {line} 句結束，共 {lines} 句（{part}，{locale}）",
    ),
    "who.ended_in_part": ("; the call ended within {part} ({locale})", "；通話於「{part}」途中結束（{locale}）"),
    "who.ended_at_question": (
        "; the call ended when a key was to be pressed again ({locale})",
        "；通話於請對方再按一次確認時結束（{locale}）",
    ),
    "who.receipt": ("{at} {kind}: {status}", "{at} {kind}：{status}"),
    "who.times": ("told {n} times", "重複 {n} 次"),
    "who.most": ("Only the newest {n} notices are shown.", "僅顯示最近 {n} 筆通知。"),
    "purpose.safety": ("safety", "安全"),
    "purpose.service": ("service", "服務"),
    "purpose.collection": ("collection", "收費"),
    "purpose.survey": ("survey", "調查"),
    "standing.planned": ("planned", "已排定"),
    "standing.pending": ("waits for its turn", "等候送出"),
    "standing.leased": ("about to be sent", "即將送出"),
    "standing.in_flight": ("in flight", "進行中"),
    "standing.held": ("waits for a person", "待人工處理"),
    "standing.settled": ("settled", "已結案"),
    "attempt.written": ("about to leave", "即將送出"),
    "attempt.in_flight": ("with the carrier, no final word yet", "電信端處理中，尚無結果"),
    "attempt.uncertain": (
        "uncertain: it may have been sent; the carrier is being asked",
        "不確定是否送出，正向電信端查詢",
    ),
    "receipt.answer": ("answer", "回應"),
    "receipt.callback": ("callback", "回報"),
    "receipt.poll": ("look-up", "查詢"),
    "receipt.verdict": ("our conclusion", "本系統判定"),
    **CHECK,
    **POLICY,
    **VOICE,
    **OFFICE,
    **LISTS,
}
