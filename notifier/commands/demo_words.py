"""What the demo says, in English and in Chinese as written in Taiwan."""

from collections.abc import Mapping

from notifier.commands.words import Language, chosen

PHRASES: Mapping[str, tuple[str, str]] = {
    "title": (
        "A payment-deadline run, from launch to finish. Everybody in it is made up; nothing leaves this machine.",
        "繳費期限提醒：從開始到完成的示範。用戶全屬虛構，所有通話與訊息都不會離開本機。",
    ),
    "step.database": ("PostgreSQL starts", "啟動 PostgreSQL"),
    "step.district": ("A district of {accounts:,} accounts is built", "建立 {accounts:,} 戶的模擬轄區"),
    "step.services": ("Carrier, mailbox and notifier start", "啟動模擬電信、模擬信箱與通知系統"),
    "step.launch": ("The billing group launches the run", "電費組開始批次作業"),
    "done.district": (
        "{bills:,} bills; {audience:,} fall due within {days} days and are not debited by a bank",
        "帳單 {bills:,} 張，其中 {audience:,} 張於 {days} 天內到期且未約定扣繳",
    ),
    "done.launch": (
        "{at}, the clock runs {scale:g} times faster than real time",
        "{at}，時鐘為實際時間的 {scale:g} 倍",
    ),
    "live.clock": ("clock", "模擬時鐘"),
    "live.planning": ("drawing the audience", "篩選名單中"),
    "live.settled": ("settled", "已結案"),
    "live.of": ("{n:,} of {all:,}", "{n:,}／{all:,}"),
    "live.in_flight": ("in flight", "進行中"),
    "live.due_now": ("due now", "待發送"),
    "live.due_later": ("due later", "稍後再試"),
    "live.next": ("{n:,}, next at {at}", "{n:,}，下一通 {at}"),
    "live.pace": ("pace", "速度"),
    "live.pace_words": (
        "{real:.0f} a second, {hour:,.0f} an hour of the clock",
        "每秒 {real:.0f} 通，相當於每小時 {hour:,.0f} 通",
    ),
    "live.held": ("held for a person", "留待專人"),
    "live.forecast": ("finish", "預計完成"),
    "live.forecast_words": ("about {at} ({limit})", "約 {at}（{limit}）"),
    "live.unknown": ("not known yet", "尚無法預估"),
    "limit.nothing": ("answers are awaited", "等候回覆"),
    "limit.pace": ("the pace decides", "取決於發送速度"),
    "limit.lines": ("the lines decide", "取決於線路數"),
    "limit.waits": ("retries wait for their time", "等待重撥時間"),
    "limit.window": ("a night lies between", "跨夜"),
    "live.prepared": ("before it begins", "開始前"),
    "clerk.waits": (
        "The run waits for a person: {n} customers on life support are not left to a machine.",
        "批次等待人工處理：{n} 戶使用維生設備，不由機器通知。",
    ),
    "clerk.closes": (
        "The demo's clerk has called them in person and closes the {n}.",
        "示範中的承辦人已親自致電，將這 {n} 件結案。",
    ),
    "clerk.reason": ("called in person by the demo's clerk", "示範承辦人已親自致電"),
    "finished": (
        "Finished at {at} of the clock, after {seconds:.0f} s.",
        "於模擬時間 {at} 完成，實際費時 {seconds:.0f} 秒。",
    ),
    "unfinished": ("Not finished after {seconds:.0f} s: {why}", "{seconds:.0f} 秒後仍未完成：{why}"),
    "summary": ("The sum", "總計"),
    "sum.part": ("{whole}: {part}", "{whole}：{part}"),
    "sum.selected": ("bills selected", "入選帳單"),
    "sum.merged": ("told together with another of the household", "與同戶其他帳單合併通知"),
    "sum.holdout": ("left uncontacted on purpose", "刻意不聯絡（對照組）"),
    "sum.excluded": ("left out", "排除"),
    "sum.held": ("held", "留待專人"),
    "sum.open": ("still open", "未結案"),
    "sum.difference": ("difference", "差額"),
    "attempts": ("What was tried", "各次嘗試"),
    "channel.voice": ("calls", "電話"),
    "channel.sms": ("texts", "簡訊"),
    "channel.email": ("mails", "電子郵件"),
    "comparison": (
        "Our log against the carrier's ledger and the mailbox, one by one",
        "發送紀錄與電信通聯紀錄、信箱逐筆核對",
    ),
    "rule.finished": ("The run is finished", "批次已完成"),
    "rule.adds_up": ("The sum adds up: difference {difference}", "總計相符：差額 {difference}"),
    "rule.calls": (
        "Calls: {ours:,} in the log, {theirs:,} in the ledger",
        "電話：紀錄 {ours:,} 通，電信 {theirs:,} 通",
    ),
    "rule.texts": (
        "Texts: {ours:,} in the log, {theirs:,} in the ledger",
        "簡訊：紀錄 {ours:,} 則，電信 {theirs:,} 則",
    ),
    "rule.mails": (
        "Mails: {ours:,} in the log, {theirs:,} in the mailbox",
        "郵件：紀錄 {ours:,} 封，信箱 {theirs:,} 封",
    ),
    "rule.one_to_one": (
        "All {compared:,} are in both, each once; missing or doubled: {broken}",
        "{compared:,} 筆兩邊都有，各一筆；缺漏或重複：{broken}",
    ),
    "rule.outcomes": (
        "All {compared:,} ended the same way in both; different: {broken}",
        "{compared:,} 筆結果兩邊相同；不同：{broken}",
    ),
    "rule.recordings": (
        "Recordings played {compared:,} times, each fetched once; failed or fetched again: {broken}",
        "錄音播放 {compared:,} 次，各只下載一次；失敗或重複下載：{broken}",
    ),
    "rule.once_per_try": (
        "No phone rang twice for one of {compared:,} tries; twice: {broken}",
        "{compared:,} 次嘗試各只聯絡一次；重複：{broken}",
    ),
    "rule.preferred": (
        "{compared:,} told first by the channel due to them, {asked:,} as they asked; otherwise: {broken}",
        "{compared:,} 件首次通知的方式正確，其中 {asked:,} 件依用戶偏好；不符：{broken}",
    ),
    "rule.after_payment": (
        "{payers:,} customers paid meanwhile; contacted more than 2 s after that: {broken}",
        "{payers:,} 戶期間繳清；繳清逾 2 秒仍被聯絡：{broken}",
    ),
    "rule.window": (
        "All {compared:,} between 09:00 and 20:00 of a working day; outside: {broken}",
        "{compared:,} 筆都在工作日 09:00 至 20:00；以外：{broken}",
    ),
    "pass": ("PASS", "相符"),
    "fail": ("FAIL", "不符"),
    "all_pass": ("All {n} comparisons hold.", "{n} 項核對全部相符。"),
    "some_fail": ("{n} comparisons do not hold.", "{n} 項核對不符。"),
    "look": ("Where to look", "接下來可以看"),
    "look.keep": ("To look around in it, keep it running:", "想進一步查看，請保留資料："),
    "look.environment": ("In another terminal:", "在另一個終端機："),
    "look.called": ("a customer who was tried on every channel", "各種管道都試過的用戶"),
    "look.withdrawn": ("one who paid in time", "及時繳費的用戶"),
    "look.excluded": ("one who was left out", "被排除的用戶"),
    "look.status": ("the run", "這個批次"),
    "look.logs": ("What the services say: {folder}", "各服務的記錄：{folder}"),
    "look.stop": ("Everything stays up until Ctrl-C.", "按 Ctrl-C 結束所有服務。"),
    "stopping": ("Stopping.", "正在結束。"),
    "wrong.busy": (
        "Another demo is running in {folder}: end it first, or go without --keep.",
        "{folder} 已有示範執行中：請先結束，或不要加 --keep。",
    ),
    "wrong.space": (
        "{folder} has {free} MB left; the demo needs {needed} MB.",
        "{folder} 只剩 {free} MB，示範需要 {needed} MB。",
    ),
    "wrong.postgres": ("The embedded PostgreSQL does not start: {why}", "內建 PostgreSQL 無法啟動：{why}"),
    "wrong.ports": ("No port can be opened on 127.0.0.1: {why}", "無法在 127.0.0.1 開啟連接埠：{why}"),
    "wrong.ended": ("{name} ended with code {code}: {why}", "{name} 以代碼 {code} 結束：{why}"),
    "wrong.slow": (
        "{name} did not come up within {seconds:.0f} s: {why}",
        "{name} 在 {seconds:.0f} 秒內未能啟動：{why}",
    ),
    "wrong.silent": ("it left no word", "沒有留下訊息"),
    "wrong.timeout": ("it took longer than {seconds:.0f} s", "超過 {seconds:.0f} 秒"),
}


def words(key: str, **values: object) -> str:
    """The phrase in the chosen language, its places filled in."""
    english, chinese = PHRASES[key]
    return (chinese if chosen() is Language.ZH else english).format(**values)
