"""What the commands say of suspensions, suppressions and numbers. Part of `words.PHRASES`."""

from collections.abc import Mapping

POLICY: Mapping[str, tuple[str, str]] = {
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
}
