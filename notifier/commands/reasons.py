"""Codes that the log keeps, in words: why something was not sent, how it ended, why it waits."""

import re
from collections.abc import Mapping

from notifier.commands.words import Language, chosen
from notifier.domain.event import FAULTS as ENGLISH_FAULTS
from notifier.domain.event import Fault

Wording = tuple[str, str]  # English, Chinese

DISPOSITIONS: Mapping[str, Wording] = {
    "answered": ("answered", "已接聽"),
    "hung_up": ("picked up, but left before the essential line was over", "接聽後未聽完重點即掛斷"),
    "wrong_person": ("answered by somebody who is not the customer", "接聽者不是本人"),
    "machine": ("an answering machine", "語音信箱"),
    "busy": ("busy", "忙線"),
    "no_answer": ("no answer", "無人接聽"),
    "declined": ("declined", "拒接"),
    "delivered": ("delivered", "已送達"),
    "accepted": ("accepted by the mail server, unconfirmed", "郵件伺服器已收下，未確認送達"),
    "sent": ("sent, never confirmed", "已送出，未獲確認"),
    "undelivered": ("not delivered", "未送達"),
    "bounced": ("the mail came back: there is no such address", "退信：查無此信箱"),
    "refused": ("refused by the provider", "業者拒絕受理"),
    "opted_out": ("the customer told the carrier not to be contacted", "用戶已向電信業者拒收"),
    "failed": ("the provider failed before a phone could ring", "業者端失敗，電話未響"),
    "unexplained": (
        "failed before a phone could ring; the provider does not say why",
        "電話未響即失敗，業者未說明原因",
    ),
    "cancelled": ("cancelled before it rang", "響鈴前已取消"),
    "not_sent": ("never left", "並未送出"),
    "not_created": ("looked up at the provider: it does not exist", "經向業者查詢，並無此筆"),
    "uncertain": ("nobody can tell whether it was sent", "無法確定是否送出"),
    "unknown": ("the provider used a word that no table knows", "業者回覆無法辨識"),
}
OUTCOMES: Mapping[str, Wording] = {
    "acknowledged": ("acknowledged", "已確認"),
    "reached": ("reached", "已通知"),
    "unreached": ("unreached", "未能聯絡上"),
    "withdrawn": ("withdrawn", "已無須通知"),
    "suppressed": ("suppressed", "不予聯絡"),
    "expired": ("expired", "逾時"),
    "cancelled": ("cancelled", "已取消"),
}
ACTIONS: Mapping[str, Wording] = {
    "acknowledge": ("understood", "已了解"),
    "already_paid": ("already paid", "已繳費"),
    "promise": ("promised to pay", "承諾繳費"),
    "extension": ("asked for more time to pay", "申請延後繳費"),
    "choose_date": ("chose a day", "選定日期"),
    "call_back_morning": ("wants to be called in the morning", "希望上午回電"),
    "call_back_afternoon": ("wants to be called in the afternoon", "希望下午回電"),
    "no_power": ("has no power", "仍然沒電"),
    "wrong_person": ("wrong person", "不是本人"),
    "opt_out": ("do not call again", "請勿再來電"),
}
WORK: Mapping[str, Wording] = {  # what the office is asked for, where its name is not the key's
    "call_back": ("wants to be called back", "希望回電"),
}
NUMBERS: Mapping[str, Wording] = {
    "empty": ("the cell is empty", "欄位空白"),
    "not_a_number": ("not a telephone number", "不是電話號碼"),
    "too_short": ("too short", "號碼太短"),
    "too_long": ("too long", "號碼太長"),
    "no_area_code": ("no area code: the same digits ring in several cities", "缺區碼，無法判斷縣市"),
    "extension": ("an extension behind a switchboard", "總機分機，無法直撥"),
    "fax": ("a fax", "傳真號碼"),
    "premium": ("a premium-rate number", "付費語音號碼"),
    "toll_free": ("a toll-free number", "免付費號碼"),
    "personal": ("a personal number (099)", "個人號碼（099）"),
    "shared_cost": ("a shared-cost number (050)", "分攤付費號碼（050）"),
    "short_number": ("a short number", "簡碼"),
    "foreign": ("a foreign number", "國外號碼"),
    "invalid": ("no such number in Taiwan", "台灣沒有這種號碼"),
    "no_telephone": ("no telephone number on record", "沒有登記電話"),
}
EXCLUSIONS: Mapping[str, Wording] = {
    "nothing_owed": ("nothing is owed", "無應繳金額"),
    "negative_amount": ("the amount is negative", "金額為負"),
    "no_account_no": ("the account number does not have 11 digits", "電號不是 11 碼"),
    "no_subject": ("the row says not what it is about", "資料列未載明案件"),
    "duplicate_row": ("the same bill stood twice in the audience", "名單重複"),
    "unknown_locale": ("a language that no message is written in", "沒有該語言的通知內容"),
    "past_deadline": ("its last moment had passed", "已過通知期限"),
    "promise": ("the customer has promised to pay; reminders rest for some days", "用戶承諾繳費，暫停提醒數日"),
    "extension": ("the customer has asked for more time; reminders rest meanwhile", "用戶申請延後繳費，暫停提醒"),
    "no_duty_crew": ("the district has no crew on duty to be told", "該轄區沒有登錄值班人員"),
    "posting_hold": ("the customer says it is paid; the payment is awaited in the books", "用戶表示已繳，等候入帳"),
    "suppressed": ("every address is barred from contact", "聯絡方式均已停止聯絡"),
    "unknown_account": ("the source knows no such account", "來源資料庫查無此電號"),
    "missing_value": ("a cell that the words need is empty", "通知內容所需的欄位空白"),
    "not_a_date": ("a cell that is to be a date is none", "應為日期的欄位不是日期"),
    "not_a_number": ("a cell that is to be a number is none", "應為數字的欄位不是數字"),
}
HELD: Mapping[str, Wording] = {
    "life_support": ("life support: a person calls", "使用維生設備，由專人聯絡"),
    "second_slip": (
        "the agreed date has slipped a second time: a supervisor decides before the customer hears of it",
        "約定日期第二次逾期：先由主管決定再通知用戶",
    ),
    "facts_missing": (
        "the source no longer knows it: that must not pass for a payment",
        "來源資料庫已查無此筆，不可視為已繳",
    ),
    "facts_contradict": (
        "the source says two different things about it",
        "來源資料庫對此筆的資料前後不一",
    ),
}
WITHDRAWALS: Mapping[str, Wording] = {
    "nothing owed": ("nothing is owed", "無應繳金額"),
    "autopay": ("debited by a bank", "已約定自動扣繳"),
    "no longer due": ("no longer due", "已無須繳納"),
    "case cancelled": ("the case was cancelled", "案件已取消"),
    "no supply date is agreed": ("no supply date is agreed", "沒有約定送電日期"),
    "not completed after all": ("it is not completed after all", "實際尚未完成"),
    "its time had passed": ("its time had passed", "已過通知期限"),
    "no address left that may be used": ("no address left that may be used", "沒有可用的聯絡方式"),
    "told before": ("an earlier run has told it", "先前批次已通知"),
    "not selected by a run now": (
        "a run opened now would not select it (due too late or past, paid, or debited by a bank)",
        "現在開啟的批次不會選到（未到期或已過期、已繳清或約定扣繳）",
    ),
    "no telephone to call": ("no telephone that may be called", "沒有可撥打的電話"),
    "the customer prefers another channel": ("the customer prefers another channel", "用戶希望以其他方式通知"),
    "not told together": ("each of these would be told by itself", "這些會分別通知，不會合併在同一通"),
    "run cancelled": ("the run was cancelled", "批次已取消"),
    "its calls being worded": ("its calls being worded", "產生電話內容"),
    "some notifications wait for a person": ("some notifications wait for a person", "有通知待人工處理"),
    "paused by a person": ("paused by a person", "由人員暫停"),
    "cancelled by a person": ("cancelled by a person", "由人員取消"),
    "the clock was set back": ("the clock was set back", "時鐘曾往回調"),
    "its cron line was changed": ("its cron line was changed", "排程時間已變更"),
    "a source that answers within a second, so that facts are fresh when told": (
        "a source that answers within a second, so that facts are fresh when told",
        "來源資料庫在一秒內回應，以確保通知內容為最新",
    ),
}
BANS: Mapping[str, Wording] = {
    "opt_out": ("asked by key not to be called", "按鍵要求停止聯絡"),
    "opted_out_at_carrier": ("asked the carrier not to be contacted", "已向電信業者拒收"),
    "complained": ("reported a mail of ours as unwanted", "檢舉來信為垃圾郵件"),
}
ADDRESSES: Mapping[str, Wording] = {"not_a_mailbox": ("not a mailbox", "不是電子郵件地址")}
CAME: Mapping[str, Wording] = {  # what an event came to in a campaign
    "opened": ("a notification was opened", "已開立通知"),
    "already_told": ("was told before", "先前已通知"),
    "not_selected": ("not in the campaign's audience", "不在通知對象之內"),
    "acknowledged": ("somebody has taken it over", "已有人接手"),
    "run_cancelled": ("the run of that day was cancelled", "當日的批次已取消"),
    "withdrawn": ("nothing more is told", "不再通知"),
    "dropped": ("nothing more is told of it; the household's others still are", "不再通知此筆，同戶其餘照常通知"),
    "in_flight": ("contact is under way; no further try", "聯絡進行中，結束後不再嘗試"),
    "nothing_open": ("nothing was to be told", "沒有待通知的事項"),
    "still_due": ("by the facts still to be told", "依現況仍須通知"),
    "not_known": ("the source does not know it", "來源資料庫查無此筆"),
    "no_campaign": ("concerns no campaign", "與任何通知作業無關"),
}
FAULTS: Mapping[str, Wording] = {  # what is wrong with a field of an event
    "missing": (ENGLISH_FAULTS[Fault.MISSING], "空白或未提供"),
    "not_text": (ENGLISH_FAULTS[Fault.NOT_TEXT], "不是文字"),
    "too_long": (ENGLISH_FAULTS[Fault.TOO_LONG], "過長"),
    "forbidden_character": (ENGLISH_FAULTS[Fault.FORBIDDEN_CHARACTER], "含有 CloudEvents 不允許的字元"),
    "not_a_time": (ENGLISH_FAULTS[Fault.NOT_A_TIME], "不是含時區的時間（RFC 3339）"),
    "not_1_0": (ENGLISH_FAULTS[Fault.NOT_1_0], "不是 1.0"),
    "reserved": (ENGLISH_FAULTS[Fault.RESERVED], "為系統保留的名稱"),
    "against_the_specification": (ENGLISH_FAULTS[Fault.AGAINST_THE_SPECIFICATION], "不符 CloudEvents 1.0 規範"),
    "not_json": (ENGLISH_FAULTS[Fault.NOT_JSON], "不是 UTF-8 的 JSON"),
    "not_an_event": (ENGLISH_FAULTS[Fault.NOT_AN_EVENT], "不是事件"),
}
LIST_ROWS: Mapping[str, Wording] = {  # why a row of an uploaded list is bad
    "no_account_or_telephone": ("neither an account nor a telephone", "沒有電號，也沒有電話"),
    "account_has_10_digits": (
        "an account of 10 digits: a spreadsheet may have dropped its first zero; give it as text, or as XLSX",
        "電號只有 10 碼：可能被試算表去掉開頭的 0，請改為文字格式或以 XLSX 上傳",
    ),
    "account_not_11_digits": ("the account number does not have 11 digits", "電號不是 11 碼"),
    "no_number": ("the telephone cannot be dialled", "電話無法撥打"),
    "unknown_locale": ("a language that no message is written in", "沒有該語言的通知內容"),
    "same_as_line": ("the same customer stands above", "與前面的列重複"),
    "cell_without_heading": ("something stands in a column without a heading", "沒有欄位名稱的儲存格有內容"),
    "cell_is_an_error": ("a formula came to no value", "公式沒有結果"),
    "cell_unreadable": ("a character that its encoding does not have", "含有無法辨識的字元"),
    "cell_too_long": ("a cell of more than 200 characters", "儲存格超過 200 個字"),
    "forbidden_link": ("a cell holds a link", "儲存格含有網址"),
    "forbidden_transfer_call": ("a cell speaks of transferring a call", "儲存格提到轉接電話"),
    "forbidden_identity": ("a cell speaks of an identity number", "儲存格提到身分證號碼"),
    "forbidden_remit": ("a cell speaks of remitting money", "儲存格提到匯送款項"),
    "forbidden_payee_account": ("a cell names an account to pay into", "儲存格提到收款帳戶"),
}
PATTERNS: tuple[tuple[re.Pattern[str], Wording], ...] = (
    (re.compile(r"suspended: (?P<why>.*)", re.DOTALL), ("suspended: {why}", "暫停聯絡：{why}")),
    (
        re.compile(r"capped: (?P<n>\d+) in 7 days"),
        ("the household was contacted {n} times in 7 days", "同一戶 7 天內已聯絡 {n} 次"),
    ),
    (
        re.compile(r"capped: (?P<n>\d+) in 24 hours"),
        ("the household was contacted {n} times in 24 hours", "同一戶 24 小時內已聯絡 {n} 次"),
    ),
    (
        re.compile(r"capped: (?P<n>\d+) in a day at one address"),
        ("the address was tried {n} times in a day", "同一聯絡方式一天內已嘗試 {n} 次"),
    ),
    (re.compile(r"left_out: (?P<reason>.*)"), ("left out: {reason}", "不列入：{reason}")),
    (re.compile(r"no_address: (?P<number>\w+)"), ("no address: {number}", "沒有聯絡方式：{number}")),
    (re.compile(r"same_as_line: (?P<n>\d+)"), ("the same customer as in line {n}", "與第 {n} 行重複")),
    (re.compile(r"no_number: (?P<number>\w+)"), ("no telephone to dial: {number}", "電話無法撥打：{number}")),
    (
        re.compile(
            rf"(?P<row>{'|'.join([*LIST_ROWS, 'missing_value', 'not_a_date', 'not_a_number'])}): (?P<column>.+)"
        ),
        ("{column}: {row}", "{column}：{row}"),
    ),
    (
        re.compile(r"no template is named (?P<name>.*); there are: (?P<known>.*)"),
        ("no template is named {name}; there are: {known}", "沒有名為 {name} 的範本；現有：{known}"),
    ),
    (re.compile(r"no list is named (?P<name>.*)"), ("no list is named {name}", "沒有名為 {name} 的名單")),
    (
        re.compile(r"the list (?P<name>.*) lacks columns that (?P<template>\S+) uses: (?P<columns>.*)"),
        (
            "the list {name} lacks columns that {template} uses: {columns}",
            "名單 {name} 缺少範本 {template} 使用的欄位：{columns}",
        ),
    ),
    (
        re.compile(r"cannot be worded: (?P<file>\S+): (?P<row>forbidden_\w+)"),
        ("the words may not be sent ({file}): {row}", "內容不得送出（{file}）：{row}"),
    ),
    (re.compile(rf"(?P<field>\w+): (?P<fault>{'|'.join(FAULTS)})"), ("{field} {fault}", "{field}：{fault}")),
    (re.compile(r"paid at (?P<at>[\d:]+)"), ("paid at {at}", "已於 {at} 繳清")),
    (re.compile(r"paid at (?P<at>[\d:]+) on (?P<day>[\d-]+)"), ("paid at {at} on {day}", "已於 {day} {at} 繳清")),
    (re.compile(r"supplied on (?P<day>[\d-]+)"), ("supplied on {day}", "已於 {day} 送電")),
    (re.compile(r"supplied at (?P<at>[\d:]+)"), ("supplied at {at}", "已於 {at} 送電")),
    (re.compile(r"agreed anew for (?P<day>[\d-]+)"), ("agreed anew for {day}", "已改約 {day}")),
    (
        re.compile(r"(?P<ended>\w+), (?P<n>\d+) times without a try being spent"),
        ("{ended}: {n} times, and no phone can have rung", "{ended}：連續 {n} 次，電話均未響"),
    ),
    (
        re.compile(r"does not add up: (?P<n>-?\d+) of (?P<all>\d+) selected are unaccounted for"),
        ("does not add up: {n} of {all} selected are unaccounted for", "帳目不符：選出 {all} 筆，{n} 筆去向不明"),
    ),
    (
        re.compile(r"(?P<n>\d+) of the last (?P<all>\d+) attempts failed; paused by itself"),
        ("paused itself: {n} of the last {all} attempts failed", "自動暫停：最近 {all} 次中有 {n} 次失敗"),
    ),
    (
        re.compile(r"(?P<n>\d+) of the last (?P<all>\d+) calls were hung up on at once; paused by itself"),
        (
            "paused itself: {n} of the last {all} calls were hung up on at once",
            "自動暫停：最近 {all} 通中有 {n} 通一接聽就掛斷",
        ),
    ),
    (
        re.compile(r"the source no longer knows (?P<n>\d+) of (?P<all>\d+) subjects"),
        ("the source no longer knows {n} of {all} subjects", "來源資料庫已查無 {all} 筆中的 {n} 筆"),
    ),
    (
        re.compile(r"(?P<n>\d+) of (?P<all>\d+) were withdrawn: more than payments explain"),
        (
            "{n} of {all} were withdrawn: more than payments explain",
            "{all} 筆中有 {n} 筆變成無須通知，超出正常繳費的比例",
        ),
    ),
    (
        re.compile(r"(?P<n>\d+) of (?P<all>\d+) cannot be told: see what is held"),
        ("{n} of {all} cannot be told: see what is held", "{all} 筆中有 {n} 筆無法通知：請查看待處理的通知"),
    ),
    (
        re.compile(r"run (?P<run>\d+) for (?P<at>[\d-]+ [\d:]+)"),
        ("run {run} for {at}", "{at} 的批次 {run}"),
    ),
    (
        re.compile(r"run (?P<run>\d+) for (?P<at>[\d-]+ [\d:]+), catching up (?P<n>\d+) missed"),
        ("run {run} for {at}, catching up {n} missed", "{at} 的批次 {run}，併補先前錯過的 {n} 次"),
    ),
    (
        re.compile(r"run (?P<run>\d+) for (?P<at>[\d-]+ [\d:]+), (?P<n>\d+) missed before it"),
        ("run {run} for {at}; {n} missed before it", "{at} 的批次 {run}；先前錯過 {n} 次"),
    ),
    (
        re.compile(r"missed (?P<n>\d+) firings up to (?P<at>[\d-]+ [\d:]+)"),
        (
            "missed {n} firings up to {at}: launch a run by hand if it is still needed",
            "截至 {at} 錯過 {n} 次：如仍有需要，請自行開啟批次",
        ),
    ),
    (
        re.compile(r"waits for a scheduler that knows the campaign (?P<campaign>\S+)"),
        ("waits for a scheduler that knows the campaign {campaign}", "等候裝有通知作業 {campaign} 的排程程式"),
    ),
    (
        re.compile(r"its cron line cannot be read: (?P<line>.*)"),
        ("its cron line cannot be read: {line}", "排程時間的寫法有誤：{line}"),
    ),
    (
        re.compile(r"the words of (?P<campaign>\S+) to be mended: (?P<why>.*)"),
        (
            "the words of {campaign} to be mended ({why}): see `notifier check`",
            "修正 {campaign} 的通知內容（{why}）：請執行 `notifier check`",
        ),
    ),
    (
        re.compile(r"a worker that knows the campaign (?P<campaign>\S+)"),
        ("a worker that knows the campaign {campaign}", "裝有通知作業 {campaign} 的發送程式"),
    ),
    (
        re.compile(r"its audience cannot be drawn: (?P<why>.*)", re.DOTALL),
        ("its audience cannot be drawn: {why}", "無法選取名單：{why}"),
    ),
    (
        re.compile(r"its audience: it took longer than (?P<s>[\d.]+) s, (?P<n>\d+) times in a row"),
        (
            "selecting its audience took longer than {s} s, {n} times in a row: make the views faster or raise"
            " NOTIFIER_AUDIENCE_SECONDS, then resume the run",
            "選取名單連續 {n} 次超過 {s} 秒：請加快檢視或調高 NOTIFIER_AUDIENCE_SECONDS，再繼續這個批次",
        ),
    ),
    (
        re.compile(r"the source database: it took longer than (?P<s>[\d.]+) s"),
        ("the source database, which took longer than {s} s", "來源資料庫（超過 {s} 秒未完成）"),
    ),
    (
        re.compile(r"unavailable: (?P<why>.*)", re.DOTALL),
        ("the provider is unavailable: {why}", "業者暫時無法服務：{why}"),
    ),
    (
        re.compile(r"misconfigured: (?P<why>.*)", re.DOTALL),
        ("our configuration is wrong: {why}", "設定有誤：{why}"),
    ),
    (
        re.compile(r"probe: (?P<why>.*)", re.DOTALL),
        ("a test of the way back to us failed: {why}", "回呼測試失敗：{why}"),
    ),
    (
        re.compile(r"the source database: (?P<why>.*)", re.DOTALL),
        ("the source database: {why}", "來源資料庫（{why}）"),
    ),
    (
        re.compile(r"a source that is up to date: its last word is of (?P<at>[\d:]+) UTC"),
        ("a source that is up to date: its last word is of {at} UTC", "來源資料庫更新（最後資料時間 {at} UTC）"),
    ),
    (
        re.compile(r"the source does not hold its contract: (?P<why>.*)", re.DOTALL),
        ("the source does not keep its contract: {why}", "來源資料庫不符約定：{why}"),
    ),
    (
        re.compile(r"cannot be worded: (?P<why>.*)", re.DOTALL),
        ("the message cannot be worded: {why}", "無法產生內容：{why}"),
    ),
    (
        re.compile(r"facts cannot be told: (?P<why>.*)", re.DOTALL),
        ("the facts cannot be told: {why}", "資料無法表述：{why}"),
    ),
    (
        re.compile(r"its calls being worded: (?P<n>\d+) of (?P<all>\d+)"),
        ("its calls being worded: {n} of {all}", "產生電話內容：{all} 通中已完成 {n} 通"),
    ),
    (
        re.compile(r"its recordings being made: (?P<n>\d+) of (?P<all>\d+)"),
        ("its recordings being made: {n} of {all}", "錄製語音：{all} 段中已完成 {n} 段"),
    ),
)

_ALL: Mapping[str, Wording] = {
    **BANS,
    **ADDRESSES,
    **WITHDRAWALS,
    **NUMBERS,
    **DISPOSITIONS,
    **LIST_ROWS,
    **EXCLUSIONS,
    **HELD,
    **CAME,
}


def in_words(code: str | None) -> str:
    """A reason of the log in the chosen language; one that a person wrote stands as it was written."""
    if not code:
        return ""
    if code in _ALL:
        return _pick(_ALL[code])
    for pattern, wording in PATTERNS:
        if match := pattern.fullmatch(code):
            parts = {name: _part(name, value) for name, value in match.groupdict().items()}
            return _pick(wording).format(**parts)
    return code


def outcome_words(outcome: str) -> str:
    return _pick(OUTCOMES[outcome]) if outcome in OUTCOMES else outcome


def disposition_words(disposition: str) -> str:
    return _pick(DISPOSITIONS[disposition]) if disposition in DISPOSITIONS else disposition


def action_words(action: str) -> str:
    wording = {**ACTIONS, **WORK}.get(action)
    return _pick(wording) if wording else action


def _part(name: str, value: str) -> str:
    if name == "reason":
        return in_words(value)
    table = {"number": NUMBERS, "ended": DISPOSITIONS, "fault": FAULTS, "row": {**LIST_ROWS, **EXCLUSIONS}}.get(
        name, {}
    )
    return _pick(table[value]) if value in table else value


def _pick(wording: Wording) -> str:
    return wording[1] if chosen() is Language.ZH else wording[0]
