"""The help pages in Chinese as written in Taiwan, by the lines of their English text."""

from collections.abc import Mapping

from notifier.commands.help_zh_office import OFFICE

CHINESE: Mapping[str, str] = {
    "Examples:": "範例：",
    "Call, text and mail an electricity utility's customers: on time, once, and with a log that adds up.": (
        "以電話、簡訊與電子郵件通知電力用戶：準時、不重複、帳目清楚。"
    ),
    # cases
    "See which cases are late, and what became of a case's dates.": "查看逾期的案件，以及案件日期的紀錄。",
    "List the cases that are late, the latest first.": "列出逾期的案件，逾期最久的在前。",
    (
        "Past the agreed supply date, past the time limit of their kind, or too long in one stage"
        " (NOTIFIER_STAGE_DAYS)."
    ): "超過約定送電日期、超過該類案件的標準期限，或在同一階段停留過久（NOTIFIER_STAGE_DAYS）。",
    "Show the dates of one case.": "顯示一件案件的日期紀錄。",
    "Which were agreed and slipped, proposed in which call, and chosen by which key.": (
        "哪些日期約定後逾期、在哪通電話提出、由哪個按鍵選定。"
    ),
    "Only of this section.": "只限這個承辦部門。",
    "Only of this district.": "只限這個轄區。",
    "The acceptance number.": "受理號碼。",
    # options
    "Language; else as LC_ALL or LANG ask.": "語言；未指定時依 LC_ALL 或 LANG。",
    "Show where an error came from.": "顯示錯誤發生的位置。",
    "Show this message and exit.": "顯示本說明。",
    "Print JSON.": "以 JSON 輸出。",
    "The run's id, or its key.": "批次的編號或識別鍵。",
    "Address to listen on.": "接受連線的位址。",
    "Port to listen on.": "接受連線的連接埠。",
    "How many at most.": "最多幾筆。",
    "Why; shown with the run.": "原因；會與批次一起顯示。",
    "Do not ask.": "不再詢問。",
    # migrate, check
    "Bring the database to this version.": "將資料庫更新到這個版本。",
    "Applies the migrations that are missing, all in one transaction.": "在單一交易中套用尚缺的結構更新。",
    "Look whether everything is in place.": "檢查是否一切就緒。",
    (
        "Settings, database, migrations, clock, speech, the source's contract, campaigns, templates, channels."
        " Exit 6 when something must be mended."
    ): (
        "檢查設定、資料庫、結構更新、時鐘、語音、來源資料庫的約定、通知作業、範本與管道；"
        "有必須修正的問題時結束代碼為 6。"
    ),
    # services
    "Run web, worker and timetable in one process.": "以單一程式執行網頁、發送與排程。",
    "SIGTERM ends it cleanly: what is in flight is recorded first.": "收到 SIGTERM 時，先記錄完進行中的通知再結束。",
    "Take the providers' callbacks in.": "接收業者的回報。",
    "Also answers /healthz, /readyz and /metrics.": "同時提供 /healthz、/readyz 與 /metrics。",
    "Plan runs and send.": "整理名單並送出通知。",
    "Any number of workers may share a database.": "可同時執行多個，共用一個資料庫。",
    "Keep the hours.": "看管時間。",
    "Opens scheduled runs, looks after what is silent, closes runs. Any number may run at once.": (
        "開啟排定的批次、追查沒有回音的通知、結束批次；可同時執行多個。"
    ),
    # run
    "Open a run of a campaign.": "開啟通知作業的一個批次。",
    (
        "Its audience is drawn and everybody is told, by the workers. The same key opens one run only, whoever asks and"
        " however often; without --key it is made of campaign, day and parameters."
    ): "由發送程式整理名單並逐一通知。同一識別鍵只會開啟一個批次；未指定 --key 時，由通知作業、日期與參數組成。",
    "For example payment_deadline.": "例如 payment_deadline。",
    "A parameter.": "參數。",
    "What makes this run the same run.": "識別鍵：相同即為同一批次。",
    "Open nothing; show what would happen.": "不開啟批次，只顯示將會如何。",
    "Only your own telephone or mailbox; not counted.": "只送到自己的電話或信箱，不列入統計。",
    "Language of the test: zh-TW or en.": "測試用的語言：zh-TW 或 en。",
    "Show progress until it has ended; exit 5 if not well.": "顯示進度直到結束；未順利完成時結束代碼為 5。",
    # runs
    "List the newest runs.": "列出最近的批次。",
    "Show where a run stands.": "顯示批次的進度。",
    "Selected, settled by outcome, in flight, due later, held; the forecast of its finish; and whether it adds up.": (
        "選出、各結果結案、進行中、稍後、待人工處理的筆數，預計完成時間，以及帳目是否相符。"
    ),
    "Renew it every second until the run is over.": "每秒更新，直到批次結束。",
    "Pause a run.": "暫停批次。",
    "What is in flight ends by itself; nothing new is sent.": "進行中的會自行結束，不再送出新的通知。",
    "Let a paused run go on.": "讓暫停的批次繼續。",
    "Cancel a run for good.": "取消批次，無法復原。",
    "Whoever was not contacted yet may be told by another run.": "尚未聯絡的用戶可由其他批次通知。",
    # who
    "Show everything sent and not sent to one customer, with reasons.": "顯示對某用戶送出與未送出的一切，以及原因。",
    "By account, telephone as typed, e-mail address, or the code of a notice as the customer reads it out.": (
        "可用電號、電話、電子郵件地址，或用戶唸出的通知代碼查詢。"
    ),
    "As the customer gives it, dashes or not.": "照用戶提供的輸入，有無連字號均可。",
    "Also the exact words of every attempt.": "同時顯示每次送出的完整內容。",
    "Also every word of the providers.": "同時顯示業者的每一則回報。",
    "How many notices at most.": "最多幾筆通知。",
    # held
    "List, release and close what waits for a person.": "列出、送出或結案待人工處理的通知。",
    "List what waits for a person.": "列出待人工處理的通知。",
    "Only of this run: its id, or its key.": "只列這個批次：編號或識別鍵。",
    "Send a held notification after all.": "仍然送出待處理的通知。",
    "From its first step, or from the step of its last attempt.": "從第一個步驟，或上次嘗試的步驟開始。",
    "The notification, as `notifier held` lists it.": "`notifier held` 所列的通知編號。",
    "Close a held notification.": "將待處理的通知結案。",
    "It was dealt with otherwise, as the reason says.": "已另行處理，如原因所述。",
    "What was done instead; kept in the log.": "另行處理的方式；會留下紀錄。",
    # list
    "Upload, show and drop lists of whom to call.": "上傳、顯示或刪除要聯絡的名單。",
    "List the uploaded lists.": "列出已上傳的名單。",
    "Upload a list.": "上傳名單。",
    (
        "CSV or XLSX with headings: an account or a telephone in each row, and what the words may say. The same file"
        " under the same name is the same list. Bad rows are kept and told nobody."
    ): (
        "第一行為欄位名稱的 CSV 或 XLSX，每列須有電號或電話，其餘欄位可用於通知內容。"
        "同一檔案與名稱即為同一名單；有誤的列會保留，但不會通知。"
    ),
    "Show a list.": "顯示名單。",
    "Its columns as templates name them, and every bad row with its line and reason.": (
        "顯示範本可用的欄位名稱，以及每一列有誤的行號與原因。"
    ),
    "Drop a list.": "刪除名單。",
    "Its rows are erased for good; that there was one is kept.": "名單內容永久清除，僅保留曾有此名單的紀錄。",
    "The list's name.": "名單名稱。",
    "CSV (UTF-8 or Big5) or XLSX.": "CSV（UTF-8 或 Big5）或 XLSX。",
    "What the list is called from now on.": "名單的名稱。",
    "Whose office answers for rows that have a telephone only, for example 楠梓.": (
        "只有電話的列由哪個轄區的服務所答覆，例如楠梓。"
    ),
    "Keep nothing; show what is bad.": "不保留資料，只顯示有誤之處。",
    # events, api-key
    "List the newest events.": "列出最近的事件。",
    "What came in, what it came to in each campaign, or why it was refused or ignored.": (
        "收到什麼、在各項通知作業的結果，以及不予處理或格式不符的原因。"
    ),
    "Only these: pending, handled, ignored or refused.": "只列這個狀態：pending、handled、ignored 或 refused。",
    "Only about this case or bill.": "只列這個案件或帳單。",
    "Make, list and revoke the keys of the API.": "建立、列出或撤銷介面金鑰。",
    "List the keys of the API.": "列出介面金鑰。",
    "By name; a key itself is shown once, when it is made.": "列出名稱；金鑰本身只在建立時顯示一次。",
    "Make a key.": "建立金鑰。",
    "It is printed once and kept as a hash only: hand it on at once.": "只顯示一次，系統僅保存雜湊值：請立即轉交。",
    "Revoke a key.": "撤銷金鑰。",
    "It opens nothing from this moment on.": "自此刻起失效。",
    "Whose key it is, for example case-system.": "金鑰的使用者，例如 case-system。",
    # channels
    "List, pause and resume channels.": "列出、暫停或恢復管道。",
    "List the channels: pace, what is in flight, and why one is paused.": "列出管道：速度、進行中筆數、暫停原因。",
    "Pause a channel for every run.": "暫停管道，所有批次均受影響。",
    "Nothing is sent on it until it is resumed.": "恢復之前不會送出任何通知。",
    "Let a paused channel go on.": "恢復暫停的管道。",
    "The channel: voice, sms, email.": "管道：voice、sms、email。",
    "Why; shown wherever the channel is shown.": "原因；會與管道一起顯示。",
    # suspend, suspensions
    "Leave a district alone until a given time, as in a typhoon.": "暫停聯絡某轄區至指定時間，例如颱風期間。",
    (
        "Reminders and surveys stop within a second, in runs under way, too, and go on by themselves afterwards; safety"
        " notices go out. Calls in progress end by themselves."
    ): "繳費提醒與調查在一秒內停止，進行中的批次亦同，期滿後自動恢復；安全通知照常送出。通話中的會自行結束。",
    'Local time: "2026-09-30 18:00", or 18:00 for today.': '當地時間："2026-09-30 18:00"，今天可寫 18:00。',
    "Why; shown wherever it puts something off.": "原因；延後通知時一併顯示。",
    "Only this district; else everywhere.": "只限這個轄區；未指定時為所有轄區。",
    "collection, survey or service; else collection and survey. Never safety.": (
        "collection、survey 或 service；未指定時為前兩者。safety 不能暫停。"
    ),
    "Who says so; else your log-in name.": "設定者；未指定時為登入名稱。",
    "List the suspensions, and end one before its time.": "列出暫停，或提前結束。",
    "List the suspensions: those in force, and those that are over.": "列出生效中與已結束的暫停。",
    "End a suspension before its time.": "提前結束暫停。",
    "What it put off is due again at once, within the hours of its campaign.": (
        "延後的通知立即恢復，但仍限於各通知作業的時段。"
    ),
    "As `notifier suspensions` lists it.": "`notifier suspensions` 所列的編號。",
    # suppressions
    "List, add and undo bans on telephones and mailboxes.": "列出、設定或解除停止聯絡的電話與信箱。",
    "List the bans in force, the newest first.": "列出生效中的停止聯絡，最新的在前。",
    "Addresses are shown in part only.": "聯絡方式只顯示部分。",
    "Ban an address.": "停止聯絡某電話或信箱。",
    "From the next try on nobody contacts it, in runs under way, too.": "自下一次嘗試起不再聯絡，進行中的批次亦同。",
    "Lift a ban.": "解除停止聯絡。",
    "It stays on record, with who lifted it and why.": "紀錄仍保留，並註明解除者與原因。",
    "Show every ban that an address ever had.": "列出某聯絡方式的所有紀錄。",
    "safety, service, collection or survey; else every purpose.": (
        "safety、service、collection 或 survey；未指定時為所有用途。"
    ),
    "Why; kept with it.": "原因；一併保存。",
    "As `notifier suppressions` lists it.": "`notifier suppressions` 所列的編號。",
    # numbers
    "What is known of telephones by their calls.": "由通話紀錄得知的電話狀況。",
    "List the telephones that the office should look at.": "列出應由區處查核的電話。",
    (
        "Wrong ones, those that never answer, and cells that hold no number. The file holds facts of real customers:"
        " only its owner can read it."
    ): "包含號碼有誤、始終無人接聽，以及欄位中沒有號碼者。檔案內含真實用戶資料，僅擁有者可讀取。",
    "A new file, in CSV; else one named by the day.": "新檔案（CSV）；未指定時以日期命名。",
    # schedules
    "List the schedules.": "列出排程。",
    "When each fires next, and what became of its last firing.": "下次執行時間，以及上次執行的結果。",
    # voice
    "Look at and listen to a campaign's calls before anybody is rung.": "撥打之前，先查看並試聽通知作業的電話。",
    "Show what a call is made of.": "顯示一通電話由哪些音檔組成。",
    (
        "As it would be made now: each line, its clips, the silence after each, who speaks, and what is recorded"
        " already. Changes nothing."
    ): "依現在撥打的內容列出：每一句、其音檔與停頓、由誰播報，以及哪些已經製作；不變更任何資料。",
    "Record calls to listen to.": "製作試聽錄音。",
    (
        "Without --subject a few real ones that differ in the number of bills; both languages and both paces, the fixed"
        " sentences, and a contact sheet. They hold facts of real customers."
    ): (
        "未指定 --subject 時，選出幾通帳單筆數不同的真實電話；包含兩種語言、兩種語速、固定語句與試聽清單。"
        "內含真實用戶資料。"
    ),
    "A bill's number; several make one call, as of a household.": "帳單號碼；可重複指定，同戶合併為一通。",
    "Language of the lines: zh-TW or en.": "語句的語言：zh-TW 或 en。",
    "Only this language: zh-TW or en.": "只製作這種語言：zh-TW 或 en。",
    "Who speaks, for example espeak; else whoever would in a call.": "語音引擎，例如 espeak；未指定時與實際撥打相同。",
    "A new folder; else one named by campaign and time.": "新資料夾；未指定時以通知作業與時間命名。",
    # sandbox
    "Serve a make-believe carrier and mailbox.": "提供模擬的電信業者與信箱。",
    (
        "It speaks Twilio's API and webhooks; nobody is really called. With --district it also builds a utility's"
        " database, whose customers keep paying."
    ): "採用 Twilio 的介面，不會真的撥打電話。加上 --district 時，另建立電力公司的模擬資料庫，用戶會陸續繳費。",
    "The carrier's port; 0: a free one.": "模擬電信的連接埠；0 表示任選。",
    "The mailbox's; 0: a free one.": "模擬信箱的連接埠；0 表示任選。",
    "Draws how people behave, and the district.": "決定用戶行為與模擬轄區的亂數種子。",
    "system, or START@SCALE@SINCE as in NOTIFIER_CLOCK.": "system，或如 NOTIFIER_CLOCK 的 START@SCALE@SINCE。",
    "The carrier's only account.": "模擬電信唯一的帳號。",
    "Its password.": "其密碼。",
    "0: as fast as asked.": "每秒通數；0 表示不限。",
    "The mailbox offers STARTTLS.": "模擬信箱提供 STARTTLS。",
    "Who takes mails that come back.": "接收退信的主機與連接埠（LMTP）。",
    "Build a district there.": "在該資料庫建立模擬轄區。",
    "How large the district is.": "模擬轄區的戶數。",
    "How fast bills get paid.": "每小時繳費筆數。",
    # demo
    "Watch the whole thing on a make-believe district.": "以模擬轄區觀看全部過程。",
    (
        "Starts a PostgreSQL, a carrier and a mailbox of its own, calls, texts and mails its customers, and compares"
        " the log with what the carrier says. Nothing leaves this machine."
    ): (
        "啟動自備的 PostgreSQL、模擬電信與模擬信箱，以電話、簡訊與電子郵件通知用戶，再與電信端紀錄逐筆比對；"
        "所有資料都不會離開本機。"
    ),
    "Draws the district and how its people behave.": "決定模擬轄區與用戶行為的亂數種子。",
    "How fast the clock runs.": "時鐘的倍速。",
    "Keep everything up afterwards, in .demo, to look around.": "結束後保留在 .demo 並繼續執行，供查看。",
    **OFFICE,
}


def in_chinese(text: str) -> str:
    """The text in Chinese. Command lines, and what is in Chinese already, stand as they are."""
    return "\n".join(CHINESE.get(line, line) for line in text.split("\n"))
