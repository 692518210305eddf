"""What the commands say to the operator, in English and in Chinese as written in Taiwan."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from enum import StrEnum

from notifier.commands.words_lists import LISTS
from notifier.commands.words_office import OFFICE


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
    # suspend, suspensions, suppressions
    "by.needed": (
        "Nobody is logged in here by name: say who you are with --by.",
        "此處無登入名稱：請以 --by 註明姓名。",
    ),
    "suspend.done": (
        "Suspension {id}: {where} is left alone until {until}. Calls in progress end by themselves.",
        "暫停 {id}：{where}暫停聯絡至 {until}。通話中的會自行結束。",
    ),
    "suspend.waiting": (
        "{n} waiting notifications are concerned; they go on by themselves afterwards.",
        "待送的通知中有 {n} 筆受影響，期滿後自動恢復。",
    ),
    "suspend.purpose": (
        "{name} cannot be suspended; what can: {known}.",
        "{name} 不能暫停；可暫停的用途：{known}。",
    ),
    "suspend.bad_until": (
        '{text} is no time: write 18:00 for today, or "2026-09-30 18:00".',
        '{text} 不是時間：今天請寫 18:00，其他日子請寫 "2026-09-30 18:00"。',
    ),
    "suspend.past": ("{at} has passed already.", "{at} 已經過去。"),
    "suspend.too_long": (
        "{at} is more than {days} days ahead: nothing is suspended for so long. Is the date right?",
        "{at} 距今超過 {days} 天：不接受這麼長的暫停，請確認日期。",
    ),
    "suspend.unknown": ("There is no district {district}; there are: {known}.", "沒有轄區 {district}；現有：{known}。"),
    "suspend.unchecked": (
        "The source database does not answer: whether there is a district {district} is not known.",
        "來源資料庫沒有回應，無法確認轄區 {district} 是否存在。",
    ),
    "suspensions.id": ("suspension", "暫停"),
    "suspensions.where": ("where", "範圍"),
    "suspensions.purposes": ("of what", "用途"),
    "suspensions.since": ("since", "開始"),
    "suspensions.until": ("until", "至"),
    "suspensions.by": ("by", "設定者"),
    "suspensions.standing": ("standing", "狀態"),
    "suspensions.why": ("because", "原因"),
    "suspensions.none": ("Nobody has been left alone by a suspension.", "沒有任何暫停。"),
    "suspensions.everywhere": ("every district", "所有轄區"),
    "suspensions.in_force": ("in force", "生效中"),
    "suspensions.over": ("over", "已期滿"),
    "suspensions.ended_by": ("ended by {by}", "由 {by} 提前結束"),
    "suspensions.line": ("{where} until {until}: {why}", "{where}至 {until}：{why}"),
    "suspensions.unknown": (
        "No suspension {id} is in force: `notifier suspensions` lists them.",
        "沒有生效中的暫停 {id}：請以 `notifier suspensions` 列出。",
    ),
    "suspensions.ended": (
        "Suspension {id} is ended. What it put off goes on within the hours of its campaign.",
        "暫停 {id} 已結束；延後的通知將在各通知作業的時段內繼續。",
    ),
    "suppressions.id": ("ban", "編號"),
    "suppressions.address": ("address", "聯絡方式"),
    "suppressions.purpose": ("for what", "範圍"),
    "suppressions.since": ("since", "開始"),
    "suppressions.why": ("because", "原因"),
    "suppressions.undone": (
        "Ban {id} is lifted: {address} may be contacted again ({purpose}).",
        "已解除 {id}：可再聯絡 {address}（{purpose}）。",
    ),
    "suppressions.undone_at": ("lifted", "解除"),
    "suppressions.set_by": ("by", "設定者"),
    "suppressions.by": ("{by}: {why}", "{by}：{why}"),
    "suppressions.customer": ("the customer, or a provider", "用戶或業者"),
    "suppressions.none": ("No ban.", "沒有停止聯絡的紀錄。"),
    "suppressions.more": (
        "There may be more: --most shows more than {n}.",
        "可能還有更多：請以 --most 顯示 {n} 筆以上。",
    ),
    "suppressions.added": (
        "Ban {id}: {address} is not contacted any more ({purpose}).",
        "已設定 {id}：不再聯絡 {address}（{purpose}）。",
    ),
    "suppressions.was_there": (
        "Ban {id} stood already: {address} is not contacted ({purpose}).",
        "{id} 原已設定：不聯絡 {address}（{purpose}）。",
    ),
    "suppressions.unknown": (
        "No ban {id} is in force: `notifier suppressions` lists them.",
        "沒有生效中的 {id}：請以 `notifier suppressions` 列出。",
    ),
    "suppressions.no_address": ("{text} is no address: {why}.", "{text} 不是可用的聯絡方式：{why}。"),
    # numbers
    "numbers.account": ("account", "電號"),
    "numbers.cell": ("as it is on record", "登記內容"),
    "numbers.number": ("read as", "判讀號碼"),
    "numbers.reason": ("what is wrong", "問題"),
    "numbers.since": ("since", "自"),
    "numbers.last": ("last try", "最後嘗試"),
    "numbers.tries": ("tries", "嘗試次數"),
    "numbers.written": ("{n} telephones to look at are in {where}.", "待查核的電話共 {n} 筆，已存入 {where}。"),
    "numbers.exists": (
        "{where} is there already: give another --output.",
        "{where} 已存在：請用 --output 指定其他檔名。",
    ),
    # schedules
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
    # check
    "check.ok": ("ok", "正常"),
    "check.warning": ("look", "注意"),
    "check.problem": ("MEND", "修正"),
    "check.all_well": ("All is well.", "一切正常。"),
    "check.count": ("{problems} to mend, {warnings} to look at.", "須修正 {problems} 項，須注意 {warnings} 項。"),
    "check.area.settings": ("settings", "設定"),
    "check.area.files": ("files", "檔案"),
    "check.area.database": ("database", "資料庫"),
    "check.area.clock": ("clock", "時鐘"),
    "check.area.source": ("source", "來源資料庫"),
    "check.area.speech": ("speech", "語音"),
    "check.area.campaigns": ("campaigns", "通知作業"),
    "check.area.channels": ("channels", "管道"),
    "check.settings_read": ("the settings can be read", "設定可以讀取"),
    "check.files_found": ("templates and SQL in {where}", "範本與 SQL 位於 {where}"),
    "check.reinstall": (
        "install the wheel again, or run from a full checkout",
        "請重新安裝，或改從完整的原始碼目錄執行",
    ),
    "check.database_answers": ("PostgreSQL {version} answers", "PostgreSQL {version} 可連線"),
    "check.migrated": ("all {n} migrations are applied", "{n} 項結構更新均已套用"),
    "check.not_migrated": ("not applied: {names}", "尚未套用：{names}"),
    "check.migrate": ("run `notifier migrate`", "請執行 `notifier migrate`"),
    "check.clock_near": ("{ms} ms off the database's", "與資料庫相差 {ms} 毫秒"),
    "check.clock_far": ("{s} s off the database's", "與資料庫相差 {s} 秒"),
    "check.set_clock": ("set this machine's clock (NTP)", "請校正本機時鐘（NTP）"),
    "check.clock_given": ("a scaled clock, for demonstrations only", "使用加速時鐘，僅供示範"),
    "check.unset_clock": ("unset NOTIFIER_CLOCK before you go live", "正式上線前請移除 NOTIFIER_CLOCK"),
    "check.source_well": ("the views keep the contract, and the role can only read", "檢視符合約定，帳號僅能讀取"),
    "check.source_local": ("tolerated on a Unix socket", "使用本機 Unix socket，暫予容許"),
    "check.sql_fits": ("{campaign}: both SQL files fit the source", "{campaign}：兩個 SQL 檔均符合來源資料庫"),
    "check.sql_wrong": ("{campaign}/{file}: {why}", "{campaign}/{file}：{why}"),
    "check.sql_params": (
        "{campaign}/{file} declares {found}; the campaign gives {wanted}",
        "{campaign}/{file} 宣告 {found}；通知作業提供 {wanted}",
    ),
    "check.sql_columns": (
        "{campaign}/{file} selects other columns than {wanted}",
        "{campaign}/{file} 的欄位應為 {wanted}",
    ),
    "check.mend_sql": ("mend the file, or the view it reads", "請修正該檔案，或其讀取的檢視"),
    "check.templates_well": (
        "{campaign}: every template is there and says nothing it must not",
        "{campaign}：範本齊全且用語合格",
    ),
    "check.templates_and_sms_well": (
        "{campaign}: every template is there and says nothing it must not; an SMS is at most {n} segments (NT${cost})",
        "{campaign}：範本齊全且用語合格；簡訊最長 {n} 則（{cost} 元）",
    ),
    "check.write_template": ("write it in templates/{name}", "請補上 templates/{name}"),
    "check.template_lint": ("{name}: {why} [{rule}]", "{name}：{why}［{rule}］"),
    "check.rewrite": ("rewrite this passage: {excerpt}", "請改寫此處：{excerpt}"),
    "check.rewrite_all": ("add it to the template", "請在範本中補上"),
    "check.speech_on": ("{engine} speaks {voices}", "{engine}可播報：{voices}"),
    "check.speech_carrier": ("{engine} speaks what nobody else does", "其他引擎無法播報時，改用{engine}"),
    "check.speech_voice": ("{language} ({voice})", "{language}（{voice}）"),
    "check.speech_off": ("the speech engine {name} does not run here", "語音引擎 {name} 在此無法使用"),
    "check.speech_configure": (
        "see docs/reference/settings.md for its options, or take it out of NOTIFIER_SPEECH_ENGINES",
        "請參閱 docs/reference/settings.md 完成設定，或將它從 NOTIFIER_SPEECH_ENGINES 移除",
    ),
    "check.speech_unknown": (
        "there is no speech engine '{name}'; there are: {known}",
        "沒有語音引擎「{name}」；現有：{known}",
    ),
    "check.speech_mend": ("correct NOTIFIER_SPEECH_ENGINES", "請更正 NOTIFIER_SPEECH_ENGINES"),
    "check.channel_on": ("{channel} is configured", "{channel}已設定"),
    "check.channel_off": ("{channel} is not configured", "{channel}未設定"),
    "check.channel_refused": ("{campaign} cannot use {channel}: {why}", "{campaign} 無法使用{channel}：{why}"),
    "check.channel_paused": ("{channel} is paused: {why}", "{channel}已暫停：{why}"),
    "check.resume": (
        "when it is mended: `notifier channels resume {channel}`",
        "排除後請執行 `notifier channels resume {channel}`",
    ),
    "check.set_these": ("set {names}", "請設定 {names}"),
    "check.no_channel": ("{campaign} has no channel it could use", "{campaign} 沒有可用的管道"),
    "check.one_channel": ("configure at least one of: {channels}", "請至少設定其一：{channels}"),
    "check.no_campaign": ("no campaign is installed", "沒有安裝任何通知作業"),
    "check.mend_setting": ("correct the setting", "請更正設定"),
    "check.public_url_well": ("the carrier's callbacks come to {url}", "電信端回報網址為 {url}"),
    "check.public_url_local": ("the carrier cannot reach {url}", "電信端連不到 {url}"),
    "check.public_url_plain": ("{url} is not encrypted", "{url} 未加密"),
    "check.set_public_url": (
        "set NOTIFIER_PUBLIC_URL to the https address under which `notifier web` is reached from outside",
        "請將 NOTIFIER_PUBLIC_URL 設為外部可連到 `notifier web` 的 https 網址",
    ),
    "check.sender_not_111": (
        "the sender is not a 111 short code: customers could not tell it from a fraud",
        "發送號碼不是 111 短碼，民眾無法分辨真偽",
    ),
    # sandbox
    "sandbox.carrier": ("carrier", "模擬電信"),
    "sandbox.ledger": ("ledger", "通話紀錄"),
    "sandbox.smtp": ("mailbox", "模擬信箱"),
    "sandbox.settings": ("Settings for the notifier:", "通知系統的設定："),
    "sandbox.district": ("district: {accounts} accounts, {bills} bills", "模擬轄區：{accounts} 戶、{bills} 張帳單"),
    "sandbox.district_kept": ("district: was there already, left as it is", "模擬轄區：原已存在，維持不變"),
    "sandbox.stop": ("Ctrl-C ends it.", "按 Ctrl-C 結束。"),
    # voice
    "engine.carrier": ("the carrier's own voice", "電信端語音"),
    "engine.espeak": ("eSpeak NG", "eSpeak NG"),
    "engine.gtts": ("gTTS", "gTTS"),
    "locale.zh-TW": ("Mandarin", "國語"),
    "locale.en": ("English", "英語"),
    "kind.essential": ("what must be heard", "必須聽到的內容"),
    "kind.rest": ("the menu and the rest", "按鍵選項與其餘內容"),
    "kind.machine": ("left on an answering machine", "語音信箱留言"),
    "kind.answer": ("after key {key}", "按 {key} 之後"),
    "kind.sentence": ("fixed sentence", "固定語句"),
    "sentence.confirm_already_paid_thanks": ("answers: already paid", "回應「已繳費」"),
    "sentence.ask_confirm_wrong_person": ("asks again: wrong person?", "再次確認「不是本人」"),
    "sentence.wrong_person_done": ("answers: wrong person, confirmed", "回應「不是本人」（已確認）"),
    "sentence.ask_confirm_do_not_call": ("asks again: no more calls?", "再次確認「請勿再來電」"),
    "sentence.do_not_call_done": ("answers: no more calls, confirmed", "回應「請勿再來電」（已確認）"),
    "sentence.thanks_acknowledged": ("answers: understood", "回應「已了解」"),
    "sentence.day_not_offered": ("answers: that day is taken", "回應「日期已不能安排」"),
    "sentence.day_unchecked": ("answers: the day will be confirmed", "回應「日期待確認」"),
    "sentence.unknown_key": ("answers a key that means nothing", "回應無此選項的按鍵"),
    "sentence.goodbye": ("says goodbye", "結束語"),
    "voice.line": ("line", "句"),
    "voice.clip": ("clip", "音檔"),
    "voice.seconds": ("seconds", "秒數"),
    "voice.not_made": ("not made", "未製作"),
    "voice.pause": ("silence", "停頓"),
    "voice.personal": ("personal", "個資"),
    "voice.yes": ("yes", "是"),
    "voice.words": ("words", "內容"),
    "voice.engine": ("spoken by", "語音"),
    "voice.no_clips": ("it needs no clips of ours", "不需製作音檔"),
    "voice.clips": ("clips", "音檔"),
    "voice.of_lines": ("{n} different, {made} made", "不重複 {n} 個，已製作 {made} 個"),
    "voice.length": ("plays", "長度"),
    "voice.plays": ("{s} s, silences included", "{s} 秒（含停頓）"),
    "voice.plays_so_far": ("{s} s of it, as far as it is made", "已製作部分 {s} 秒"),
    "voice.whole_call": ("whole call", "整通電話"),
    "voice.of_call": (
        "{n} clips, {made} made: both languages, both paces, every answer",
        "音檔 {n} 個，已製作 {made} 個（含兩種語言、兩種語速與所有回應）",
    ),
    "voice.progress": ("{done} of {all} clips", "音檔 {done}／{all}"),
    "voice.written": (
        "Recordings: {n}, calls: {calls}, in {where}, spoken by {engine}.",
        "{calls} 通電話的 {n} 個錄音已存入 {where}，語音：{engine}。",
    ),
    "voice.open": ("Open {sheet}.", "請開啟 {sheet}。"),
    "voice.unknown_locale": ("There is no language {name}; there are: {known}.", "沒有語言 {name}；現有：{known}。"),
    "voice.occupied": (
        "{where} is not empty: give another --output.",
        "{where} 已有內容：請用 --output 指定其他位置。",
    ),
    "voice.is_file": ("{where} is a file: give a folder to --output.", "{where} 是檔案：請用 --output 指定資料夾。"),
    "voice.cannot_write": ("Cannot write to {where}: {why}.", "無法寫入 {where}：{why}。"),
    "voice.makes_no_calls": (
        "{what} makes no calls here: no telephone channel of its plan is configured (see `notifier check`).",
        "{what} 在此不會撥打電話：步驟中沒有已設定的電話管道（請執行 `notifier check`）。",
    ),
    "voice.unknown_subject": ("The source knows no {what}.", "來源資料庫查無 {what}。"),
    "voice.not_called": ("Nobody would be called about it: {what}.", "不會為此撥打電話：{what}。"),
    "voice.would_not": ("Would not be called: {subjects}: {why}.", "不會如此撥打：{subjects}：{why}。"),
    "voice.nobody": (
        "Nobody is to be called by this campaign now: name a bill with --subject.",
        "目前沒有需要撥打的用戶：請用 --subject 指定。",
    ),
    "voice.unknown_engine": (
        "No speech engine {what} runs here; there are: {known}.",
        "沒有可用的語音引擎 {what}；現有：{known}。",
    ),
    "voice.not_recordable": (
        "The carrier's own voice speaks these calls and cannot be recorded here: give --engine, one of: {known}.",
        "這些電話由電信端語音播報，無法在此錄音：請用 --engine 指定，現有：{known}。",
    ),
    "voice.may_not_speak": (
        "{what} cannot speak this call: it lacks one of its languages, or may not be given words that belong to a"
        " customer.",
        "{what} 無法播報這通電話：缺少其中一種語言，或不得接觸用戶個人資料。",
    ),
    "voice.not_spoken": (
        "{what} did not speak this call: it does not answer now, or made no sound of some of its words.",
        "{what} 未能播報這通電話：目前沒有回應，或部分內容無法發音。",
    ),
    "sheet.title": ("{title}: recordings to listen to", "{title}：試聽錄音"),
    "sheet.about": ("{at}, {n} recordings", "{at}，錄音 {n} 個"),
    "sheet.private": (
        "It holds facts of real customers: show it to nobody, delete it afterwards.",
        "內含真實用戶資料：僅供試聽，請勿外流，用畢請刪除。",
    ),
    "sheet.call": ("Call {n}: {subjects}", "第 {n} 通：{subjects}"),
    "sheet.sentences": ("Fixed sentences of every call", "每通電話的固定語句"),
    "sheet.slow": ("slower, as after the star key", "慢速（按米字鍵後）"),
    "sheet.take": ("{s} s, {engine}, {file}", "{s} 秒，{engine}，{file}"),
    **OFFICE,
    **LISTS,
}
