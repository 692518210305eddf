"""Customers whose every answer is known beforehand, and the judgement by what really rang."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.acceptance.crowd import AGREES, BUSY, LISTENS, NO_ANSWER, attempt_of, number, presses
from tests.house import DISTRICT, House

Entry = Mapping[str, Any]
APOLOGY = "很抱歉，現在無法播放通知內容"


@dataclass(frozen=True)
class Kind:
    """A way to answer: what each call meets, and what the customer must have got in the end."""

    calls: tuple[dict[str, Any], ...]
    texts: int = 0
    mails: int = 0
    outcome: str = "acknowledged"
    telephone: bool = True


KINDS = (
    Kind((AGREES,)),
    Kind((AGREES,)),
    Kind((LISTENS,), outcome="reached"),
    Kind((BUSY, AGREES)),
    Kind((NO_ANSWER, AGREES)),
    Kind((BUSY, BUSY, LISTENS), outcome="reached"),
    Kind((BUSY, BUSY, BUSY), texts=1, outcome="reached"),
    Kind((presses("9", "9"),)),  # opts out
    Kind((presses("7"),)),  # has paid already
    Kind((presses("8", "8"),), mails=1, outcome="reached"),  # is somebody else
    Kind((), mails=1, outcome="reached", telephone=False),
)


@dataclass(frozen=True)
class Customer:
    account: str
    kind: Kind
    number: str
    email: str


QUICK = tuple(kind for kind in KINDS if NO_ANSWER not in kind.calls)  # nobody who is called again after hours only


def make_town(count: int, kinds: Sequence[Kind] = KINDS, start: int = 0) -> list[Customer]:
    return [
        Customer(f"{70_000_000_000 + n}", kinds[n % len(kinds)], number(n), f"customer{n}@mail.example")
        for n in range(start, start + count)
    ]


async def settle_in(house: House, town: list[Customer]) -> None:
    """Their rows in the utility's database, a bill each, and how they answer."""
    await house.source.execute(
        "insert into billing.account (account_no, customer_id, district)"
        " select account_no, customer_id, $2 from unnest($1::text[]) account_no,"
        " lateral (select $3::bigint as customer_id) c",
        [one.account for one in town], DISTRICT,
        await house.source.fetchval(
            "insert into billing.customer (name, locale) values ('測試客戶', 'zh-TW') returning customer_id"
        ),
    )  # fmt: skip
    await house.source.execute(
        "insert into billing.contact (account_no, mobile, email)"
        " select * from unnest($1::text[], $2::text[], $3::text[])",
        [one.account for one in town],
        [one.number if one.kind.telephone else None for one in town],
        [one.email for one in town],
    )
    await house.source.execute(
        "insert into billing.bill (bill_no, account_no, period, amount, issued_on, due_on)"
        " select 'B' || account_no, account_no, '2026-10', 1234, $2, $3 from unnest($1::text[]) account_no",
        [one.account for one in town], house.today - timedelta(days=20), house.today + timedelta(days=2),
    )  # fmt: skip
    await house.people({
        "calls": {one.number: list(one.kind.calls) for one in town if one.kind.calls},
        "everyone": {"calls": AGREES, "messages": {"outcome": "delivered"}},
    })  # fmt: skip


async def wrongs(house: House, town: list[Customer]) -> tuple[list[str], Counter[str]]:
    """What the carrier's ledger and the mailbox hold against us, and how much of everything there was."""
    calls, texts, mails = await house.ledger("call"), await house.ledger("message"), await house.mailbox()
    seen = Counter(calls=len(calls), texts=len(texts), mails=len(mails))
    seen["calls that our dying broke"] = sum(broke_off(call) for call in calls)
    seen["mails sent again"] = len(mails) - len({mail["message_id"] for mail in mails})
    found = [
        *_one_try_one_ring([*calls, *texts]),
        *_as_expected(town, calls, texts, mails),
        *await _committed(house, [*calls, *texts]),
        *await _outcomes(house, town, {call["to"] for call in calls if broke_off(call)}),
    ]
    return found, seen


def broke_off(call: Entry) -> bool:
    """Nobody was there to speak in it, or who was could not find out what to say, and apologised."""
    said = "".join(heard.get("words", "") for heard in call["heard"])  # it is never recorded
    return bool(call["errors"]) or APOLOGY in said


def _one_try_one_ring(entries: Iterable[Entry]) -> list[str]:
    placed = Counter(attempt_of(entry) for entry in entries)
    return [f"attempt {attempt} was placed {times} times" for attempt, times in placed.items() if times > 1]


def _as_expected(town: list[Customer], calls: list[Entry], texts: list[Entry], mails: list[Entry]) -> list[str]:
    """Each customer got just the calls, texts and mails that follow from how they answer. A call that broke off
    because the process that spoke in it died may have been made again."""
    rings = _by_address(call for call in calls if call["status"] not in ("failed", "canceled"))
    text = _by_address(texts)
    mail: defaultdict[str, set[str]] = defaultdict(set)
    for one in mails:
        mail[one["rcpt_tos"][0]].add(one["message_id"])
    found = []
    for one in town:
        mine = rings.get(one.number, [])
        least, broken = len(one.kind.calls), sum(broke_off(call) for call in mine)
        got = f"{one.account} {one.number}: {[(c['status'], c['pressed'], len(c['errors'])) for c in mine]}"
        if not least <= len(mine) <= least + broken:
            found.append(f"{got}: expected {least} rings")
        if len(text.get(one.number, [])) != one.kind.texts and not broken:
            found.append(f"{got}: {len(text.get(one.number, []))} texts instead of {one.kind.texts}")
        if len(mail[one.email]) != one.kind.mails and not broken:
            found.append(f"{got}: {len(mail[one.email])} different mails instead of {one.kind.mails}")
    return found


def _by_address(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry["to"]].append(entry)
    return found


async def _committed(house: House, entries: list[Entry]) -> list[str]:
    """Rule 1: whatever was placed is on record; and no try of a step was made twice by calls that rang."""
    rows = await house.app.pool.fetch("select id, notification_id, channel, step, tries from notifier.attempt")
    log = {str(row["id"]): row for row in rows}
    found = [f"{attempt_of(e)} was placed and is not on record" for e in entries if attempt_of(e) not in log]
    rang = Counter(
        (row["notification_id"], row["channel"], row["step"], row["tries"])
        for entry in entries
        if entry["status"] not in ("failed", "canceled") and (row := log.get(attempt_of(entry)))
    )
    return found + [f"{place} rang {times} times for one try" for place, times in rang.items() if times > 1]


async def _outcomes(house: House, town: list[Customer], broken: set[str]) -> list[str]:
    """Everybody has come to the end they must; who was called again after a broken call, to any end."""
    rows = await house.app.pool.fetch("select account_no, outcome, held, reason from notifier.notification")
    known = {row["account_no"]: row for row in rows}
    return [
        f"{one.account}: {dict(known.get(one.account) or {})} instead of {one.kind.outcome}"
        for one in town
        if (outcome := (known.get(one.account) or {}).get("outcome")) is None
        or (outcome != one.kind.outcome and one.number not in broken)
    ]
