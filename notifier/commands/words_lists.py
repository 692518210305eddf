"""What the commands say of uploaded lists."""

from collections.abc import Mapping

LISTS: Mapping[str, tuple[str, str]] = {
    "list.name": ("list", "名單"),
    "list.uploaded": ("uploaded", "上傳時間"),
    "list.taken": ("taken", "可用"),
    "list.bad": ("bad", "有誤"),
    "list.district": ("district", "轄區"),
    "list.variables": ("columns", "欄位"),
    "list.column": (
        "{name} ({title}): {n} filled in, {dates} read as dates, {numbers} as numbers",
        "{name}（{title}）：有內容 {n} 筆，可讀為日期 {dates} 筆、數字 {numbers} 筆",
    ),
    "list.line": ("line", "行"),
    "list.why": ("bad because", "有誤原因"),
    "list.none": (
        "No list yet: `notifier list upload FILE --name NAME` takes one.",
        "還沒有名單：請以 `notifier list upload 檔案 --name 名稱` 上傳。",
    ),
    "list.unknown": (
        "There is no list {name}: `notifier list` lists them.",
        "沒有名單 {name}：請以 `notifier list` 列出。",
    ),
    "list.bad_name": ("A list's name has 1 to 80 characters.", "名單名稱須為 1 至 80 個字。"),
    "list.name_taken": (
        "There is a list {name} that holds something else: drop it, or give another --name.",
        "已有內容不同的名單 {name}：請先刪除，或用 --name 指定其他名稱。",
    ),
    "list.needs_district": (
        "{n} rows have a telephone only: say with --district whose office answers for them.",
        "有 {n} 列只有電話：請用 --district 指定由哪個轄區的服務所答覆。",
    ),
    "list.taken_words": (
        "List {name} is there: {n} of {all} rows taken.",
        "名單 {name} 已建立：{all} 列中可用 {n} 列。",
    ),
    "list.again": (
        "List {name} was there already, from the same file: {n} of {all} rows taken.",
        "名單 {name} 原已由同一檔案建立：{all} 列中可用 {n} 列。",
    ),
    "list.would_take": (
        "Nothing is kept. {n} of {all} rows would be taken.",
        "未保留任何資料；{all} 列中可用 {n} 列。",
    ),
    "list.nothing_taken": (
        "None of the {all} rows can be used: there is no list of them.",
        "{all} 列均無法使用，未建立名單。",
    ),
    "list.columns": ("Templates name its columns: {names}.", "範本可用的欄位名稱：{names}。"),
    "list.reason": ("{n} bad: {why}", "有誤 {n} 列：{why}"),
    "list.more": (
        "{n} more bad rows: `notifier list show NAME --most` shows them.",
        "另有 {n} 列有誤：請以 `notifier list show 名稱 --most` 查看。",
    ),
    "list.in_use": (
        "Run {run} still tells list {name}: let it end, or cancel it first.",
        "批次 {run} 仍在使用名單 {name}：請待其結束，或先取消。",
    ),
    "list.drop_needs_yes": (
        "List {name} has {n} rows, and there is nobody to ask: give --yes to erase them for good.",
        "名單 {name} 有 {n} 列資料，且無人可確認：請加上 --yes 以永久刪除。",
    ),
    "list.drop_ask": ("Erase the {n} rows of list {name} for good?", "確定永久刪除名單 {name} 的 {n} 列資料？"),
    "list.kept": ("List {name} is left as it is.", "名單 {name} 維持原狀。"),
    "list.dropped": ("List {name} is dropped, its {n} rows are erased.", "名單 {name} 已刪除，{n} 列資料均已清除。"),
    "list.file.unread": ("{file} cannot be read: {why}.", "無法讀取 {file}：{why}。"),
    "list.file.too_large": ("{file} is larger than 64 MiB: divide it.", "{file} 超過 64 MiB：請分成幾個檔案。"),
    "list.file.too_many_rows": (
        "{file} has more than 1,000,000 rows: divide it.",
        "{file} 超過 1,000,000 列：請分成幾個檔案。",
    ),
    "list.file.not_a_table": (
        "{file} is neither CSV nor XLSX, or is broken ({where}).",
        "{file} 不是 CSV 或 XLSX，或檔案已損壞（{where}）。",
    ),
    "list.file.a_bomb": (
        "{file} unfolds to more than 512 MiB: save only the list in it.",
        "{file} 展開後超過 512 MiB：請只保留名單內容後另存。",
    ),
    "list.file.encoding": (
        "Line {where} of {file} is neither UTF-8 nor Big5: save it as CSV UTF-8 or XLSX.",
        "{file} 第 {where} 行不是 UTF-8 或 Big5 編碼：請另存為 CSV UTF-8 或 XLSX。",
    ),
    "list.file.old_excel": ("{file} is an XLS of before 2007: save it as XLSX.", "{file} 是舊版 XLS：請另存為 XLSX。"),
    "list.heading.empty": ("The file is empty.", "檔案沒有內容。"),
    "list.heading.no_rows": ("Nothing stands below the headings.", "欄位名稱之下沒有資料。"),
    "list.heading.no_key": (
        "No column is headed account or telephone: name it so in the first line.",
        "找不到電號或電話欄位：請在第一行標示。",
    ),
    "list.heading.too_many": (
        "There are more than 50 columns: keep those that are needed.",
        "超過 50 欄：請只保留需要的欄位。",
    ),
    "list.heading.reserved": (
        "The heading {title} has a meaning of its own in every message: rename it.",
        "欄位名稱 {title} 在通知內容中另有用途：請改名。",
    ),
    "list.heading.twice": ("The heading {title} stands twice: rename one.", "欄位名稱 {title} 重複：請改名。"),
    "list.heading.no_name": (
        "No template can name the heading {title}: begin it with a letter.",
        "範本無法使用欄位名稱 {title}：請以文字開頭。",
    ),
}
