"""The help pages of `webhook` and `inbox` in Chinese. Part of `help_zh.CHINESE`."""

from collections.abc import Mapping

OFFICE: Mapping[str, str] = {
    # webhook
    "Tell other systems of answers, and see whether they take them.": "將用戶回覆送給其他系統，並查看送達情形。",
    "List the subscribers.": "列出接收端。",
    "How each does, what waits for it, and what it did not take.": "各接收端的狀態、待送與未送達的筆數。",
    "Add a subscriber.": "新增接收端。",
    "Its secret is printed once, alone on stdout: whoever receives checks the signatures with it.": (
        "簽章密鑰只在標準輸出顯示一次，供接收方驗證簽章。"
    ),
    "Remove a subscriber.": "移除接收端。",
    "What still waits for it is not sent; the log of its deliveries stays.": "待送的不再送出；送出紀錄保留。",
    "Stop telling a subscriber, for now.": "暫停送給某個接收端。",
    "What waits for it, and what happens meanwhile, is dead until it is replayed.": (
        "待送與停用期間的事件列為未送達，可再重送。"
    ),
    "Tell a disabled subscriber again.": "恢復送給已停用的接收端。",
    "List the newest deliveries.": "列出最近的送出紀錄。",
    "Each event for each subscriber: how often it was tried, what came back, when it is tried again.": (
        "每個事件對每個接收端：送了幾次、對方如何回應、何時再送。"
    ),
    "Send dead deliveries again.": "重送未送達的事件。",
    "Under the same ids, in the order of the events, behind what waits already.": (
        "以相同的事件編號，依事件順序，排在待送的之後。"
    ),
    "Send one event that means nothing, now.": "立即送出一則測試事件。",
    "It is signed like any other; prints what came back. Exit 5 when it was not taken.": (
        "簽章與一般事件相同，並顯示對方的回應；未收下時結束代碼為 5。"
    ),
    "What to call it, for example case-system.": "名稱，例如 case-system。",
    "The subscriber, as `notifier webhook` lists it.": "接收端，如 `notifier webhook` 所列。",
    "Where to send: https, and no address of a private network.": "送往的網址：須為 https，且不得是內部網路位址。",
    "Only events of this type, for example reply.received; repeat for more. Without: all.": (
        "只送此類事件，例如 reply.received；可重複指定。未指定則全部。"
    ),
    "Why; shown wherever the subscriber is.": "原因；會與接收端一起顯示。",
    "Only these: open, delivered or dead.": "只列這些：open（待送）、delivered（已送達）或 dead（未送達）。",
    "Of events since this moment, for example '2026-12-01 14:00'.": "此時間之後的事件，例如 '2026-12-01 14:00'。",
    "This delivery; repeat for more.": "此筆送出紀錄；可重複指定。",
    "Also those that were delivered.": "包括已送達的。",
    # inbox
    "List, claim and close the answers of customers.": "列出、認領與結案用戶的回覆。",
    "List the answers that are not closed.": "列出尚未結案的回覆。",
    "The nearest deadline first.": "處理期限近的在前。",
    "Show one answer with its history.": "顯示一筆回覆與處理經過。",
    "Take an answer in hand.": "認領一筆回覆。",
    "Of two who claim at once one has it, and the other is told who. Exit 5 then.": (
        "兩人同時認領時只有一人成功，另一人會得知由誰承辦（結束代碼 5）。"
    ),
    "Close an answer.": "將一筆回覆結案。",
    "Whoever has it: the note says what was done.": "不限承辦人；備註須寫明處理情形。",
    "Put a claimed or closed answer back.": "將已認領或已結案的回覆退回待處理。",
    "Nobody has it then.": "退回後無人承辦。",
    "The answer, as `notifier inbox` lists it.": "回覆編號，如 `notifier inbox` 所列。",
    "Only of this section, for example 電費組.": "只列此組別，例如電費組。",
    "Only what nobody has claimed.": "只列無人認領的。",
    "Only what should have been acted on by now.": "只列已逾處理期限的。",
    "Also what is closed.": "包括已結案的。",
    "Who does it; by default who is logged in here.": "由誰執行；未指定則為目前登入者。",
    "What was done; kept with the answer.": "處理情形；會與回覆一起保存。",
    "Why; kept in its history.": "原因；會保存在處理經過。",
}
