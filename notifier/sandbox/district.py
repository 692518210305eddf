"""A make-believe district: the sample utility's database, its customers, and the payments they keep making.

await create_source_database(conn)
summary = await build_district(conn, accounts=20_000, seed=1, today=date(2026, 12, 1))
payments = asyncio.create_task(take_payments(dsn, clock, per_hour=600, seed=1))
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import asyncpg

from notifier.clock import Clock
from notifier.resources import sql_root
from notifier.sandbox import district_names as cells
from notifier.sandbox.district_cases import (
    CRITICAL_KINDS,
    DISTRICTS,
    Holder,
    Row,
    Table,
    cases,
    meters,
    moment,
    offices,
    outages,
)

Connection: TypeAlias = "asyncpg.Connection[Any]"  # quoted: generic only in the stubs

DUE_WITHIN = 3  # days; the bills that are due fall due from today to today + 3
AUTOPAY_SHARE = 0.35
CRITICAL_SHARE = 0.003
DUPLICATE_SHARE = 0.005  # accounts with a second contact row
SHORT_NUMBER_SHARE = 0.001  # account numbers of ten digits
LIFE_SUPPORT_PER_ACCOUNT = 1 / 4000  # of them, all with a bill due and not debited by a bank; never fewer than three

# Of the bills that are due; the rest are whole and "unpaid".
DUE_SHARES: Mapping[str, float] = {
    "part_paid": 0.02,
    "zero": 0.01,
    "negative": 0.005,
    "no_account": 0.002,
}
# Of the accounts without a bill that is due; the rest have a bill due "later", in 8 to 24 days.
OTHER_SHARES: Mapping[str, float] = {"paid": 0.45, "overdue": 0.02}

TICK = 0.1  # real seconds between two commits of payments
BASKET = 5_000  # payable bills looked up at a time


@dataclass(frozen=True)
class DistrictSummary:
    """What was built. `audience` is how many distinct bills a run over DUE_WITHIN days selects."""

    accounts: int
    bills: int
    payments: int
    audience: int
    life_support: int
    households: int
    dirt: Mapping[str, int]  # kind -> how many: 'telephone extension', 'email without_at', 'bill zero', ...


async def create_source_database(conn: Connection) -> None:
    """Install the sample utility's tables, the contract views over them and the reader role."""
    async with conn.transaction():
        for name in ("sample/schema.sql", "sample/views.sql", "reader.sql"):
            await conn.execute(_sql(name))


async def build_district(
    conn: Connection, *, accounts: int, seed: int, today: date, share_due: float = 0.3
) -> DistrictSummary:
    """Fill an empty sample database with `accounts` accounts, the same for the same arguments.

    `share_due` of them have an unpaid bill due from `today` to DUE_WITHIN days on; a third of these is debited by a
    bank. Every kind of dirt is there at least once. Raises ValueError below 200 accounts.
    """
    if accounts < cells.SMALLEST:
        raise ValueError(f"a district needs at least {cells.SMALLEST} accounts")
    plan = _Plan(accounts, seed, today, share_due)
    async with conn.transaction():
        for table in plan.tables():
            await conn.copy_records_to_table(
                table.name, schema_name="billing", columns=list(table.columns), records=table.rows
            )
        await conn.execute(
            "select setval(pg_get_serial_sequence('billing.customer', 'customer_id'), max(customer_id))"
            " from billing.customer"
        )
    await _settle(conn)
    return plan.summary()


async def build_large_district(conn: Connection, accounts: int, *, today: date | None = None) -> None:
    """Fill an empty sample database by set-based SQL, for benchmarks: two bills an account, one due within 3 days.

    `today` is the database's day in Taiwan if not given.
    """
    async with conn.transaction():
        await conn.execute("select set_config('sandbox.accounts', $1, true)", str(accounts))
        await conn.execute(
            "select set_config('sandbox.today', coalesce($1, (now() at time zone 'Asia/Taipei')::date)::text, true)",
            today,
        )
        await conn.execute(_sql("sample/large_district.sql"))
    await _settle(conn)


async def take_payments(dsn: str, clock: Clock, *, per_hour: float, seed: int) -> None:
    """Customers keep paying, `per_hour` of them in an hour of `clock`, until this task is cancelled.

    Each tick's payments are one commit. `received_at` is real database time, `paid_at` the moment by `clock`.
    """
    payable, pay = _sql("sample/payable.sql"), _sql("sample/pay.sql")
    conn = await asyncpg.connect(dsn)
    try:
        basket: list[str] = []
        last, owing = clock.now(), 0.0
        while True:
            await clock.sleep(TICK * clock.scale)
            now = clock.now()
            owing += per_hour * (now - last).total_seconds() / 3600
            last = now
            if owing < 1:
                continue
            if not basket:
                basket = [row["bill_no"] for row in await conn.fetch(payable, now, BASKET, seed)]
            if not basket:
                owing = 0  # everybody has paid
                continue
            count = min(int(owing), len(basket))
            owing -= count
            await conn.execute(pay, [basket.pop() for _ in range(count)], now)
    finally:
        conn.terminate()


def _sql(name: str) -> str:
    return Path(sql_root() / "source" / name).read_text(encoding="utf-8")


async def _settle(conn: Connection) -> None:
    """Let the planner know what is there; the vacuum makes index-only scans possible from the start."""
    names = await conn.fetch("select tablename from pg_tables where schemaname = 'billing'")
    tables = ", ".join(f"billing.{row['tablename']}" for row in names)
    await conn.execute(f"{'analyze' if conn.is_in_transaction() else 'vacuum (analyze)'} {tables}")


class _Plan:
    """Deals every trait to every account, then writes the rows down."""

    def __init__(self, accounts: int, seed: int, today: date, share_due: float) -> None:
        self.rng, self.today, self.count = Random(seed), today, accounts
        self.names = cells.Names(seed)
        self.telephones = cells.deal(cells.TELEPHONE_SHARES, "mobile", accounts, self.rng)
        self.emails = cells.deal(cells.EMAIL_SHARES, "plain", accounts, self.rng)
        self.locales = cells.deal(cells.LOCALE_SHARES, "zh-TW", accounts, self.rng)
        self.named = cells.deal(cells.NAME_SHARES, "given", accounts, self.rng)
        self.preferences = cells.deal(cells.PREFERENCE_SHARES, "null", accounts, Random(f"{seed} preferences"))
        self.short = self._some(SHORT_NUMBER_SHARE)
        self.autopay = self._some(AUTOPAY_SHARE)
        self.critical = self._some(CRITICAL_SHARE)
        self.duplicates = self._some(DUPLICATE_SHARE)
        self.households = _households([i for i, form in enumerate(self.telephones) if form == "household"], self.rng)
        self.bills = self._deal_bills(share_due)
        self.life_support = self._some_payers(max(3, round(accounts * LIFE_SUPPORT_PER_ACCOUNT)))
        self.holders: list[Holder] = []
        self.written: Counter[str] = Counter()

    def _some(self, share: float) -> set[int]:
        return set(self.rng.sample(range(self.count), max(1, round(share * self.count))))

    def _deal_bills(self, share_due: float) -> list[str]:
        """How the current bill of each account stands. Households come first among those with a bill due."""
        together = list(chain.from_iterable(self.households))
        alone = [i for i, form in enumerate(self.telephones) if form != "household"]
        self.rng.shuffle(alone)
        due = set((together + alone)[: round(share_due * self.count)])
        due_cards = iter(cells.deal(DUE_SHARES, "unpaid", len(due), self.rng))
        other_cards = iter(cells.deal(OTHER_SHARES, "later", self.count - len(due), self.rng))
        return [next(due_cards) if i in due else next(other_cards) for i in range(self.count)]

    def _some_payers(self, count: int) -> set[int]:
        payers = [i for i, bill in enumerate(self.bills) if bill == "unpaid" and i not in self.autopay]
        return set(self.rng.sample(payers, min(count, len(payers))))

    def tables(self) -> Iterator[Table]:
        yield offices()
        yield from self._accounts()
        yield from self._bills()
        yield from meters(self.holders, self.today)
        some = self.holders[:: max(1, self.count // 50)]
        yield from outages([self.holders[i] for i in sorted(self.critical)], some, self.today)
        yield from cases(self.holders[:: max(1, min(200, self.count // 60))], self.today, self.rng)

    def account_no(self, i: int) -> str:
        """Eleven digits that count up after 07 and the district's own; ten for a few old ones."""
        digits = f"07{i % len(DISTRICTS) + 1}{i:07d}0"
        return digits[:-1] if i in self.short else digits

    def _accounts(self) -> Iterator[Table]:
        owners = {i: group[0] for group in self.households[::2] for i in group}
        heads = {i: group[0] for group in self.households for i in group}
        people = {i: self._person(i) for i in range(self.count) if owners.get(i, i) == i}
        rows = [(i + 1, *person) for i, person in people.items()]
        yield Table("customer", ("customer_id", "name", "locale", "prefers"), rows)
        accounts = [self._account(i, owners.get(i, i) + 1) for i in range(self.count)]
        yield Table("account", ACCOUNT_COLUMNS, accounts)
        contacts = [self._contact(i, heads.get(i, i)) for i in range(self.count)]
        self.holders = [
            Holder(account[0], *people[owners.get(i, i)], contacts[i][2], DISTRICTS[i % len(DISTRICTS)])
            for i, account in enumerate(accounts)
        ]
        second = [(contacts[i][0], None, cells.mobile(self.count + i), None) for i in sorted(self.duplicates)]
        yield Table("contact", ("account_no", "phone", "mobile", "email"), contacts + second)

    def _person(self, i: int) -> tuple[str | None, str | None, str | None]:
        locale, prefers = self.locales[i], self.preferences[i]
        name = self.names.pick(locale) if self.named[i] == "given" else None
        return name, None if locale == "null" else locale, None if prefers == "null" else prefers

    def _account(self, i: int, customer_id: int) -> Row:
        district = DISTRICTS[i % len(DISTRICTS)]
        return (
            self.account_no(i),
            customer_id,
            f"高雄市{district}區{cells.STREETS[i % len(cells.STREETS)]} {i % 400 + 1} 號",
            district,
            self.today - timedelta(days=400 + i % 900) if i in self.autopay else None,
            i in self.life_support,
            CRITICAL_KINDS[i % len(CRITICAL_KINDS)] if i in self.critical else None,
        )

    def _contact(self, i: int, head: int) -> Row:
        form = self.telephones[i]
        phone, mobile = cells.TELEPHONE_FORMS[form](head)
        email = None if form == "nothing" else cells.EMAIL_FORMS[self.emails[i]](i)
        return self.account_no(i), phone, mobile, email

    def _bills(self) -> Iterator[Table]:
        bills: list[Row] = []
        payments: list[Row] = []
        for i, card in enumerate(self.bills):
            monthly = i % 7 == 0
            for turn, days in enumerate((self._days_to_deadline(i, card), -58)):
                settled = turn == 1 or card == "paid"
                bill = self._bill(i, card if turn == 0 else "paid", f"B{i:07d}{turn}", days, monthly)
                bills.append(bill)
                if settled or card == "part_paid":
                    payments.append(self._payment(bill, whole=settled))
        self.written = Counter(bills=len(bills), payments=len(payments))
        yield Table("bill", ("bill_no", "account_no", "period", "amount", "issued_on", "due_on"), bills)
        yield Table("payment", ("bill_no", "amount", "paid_at"), payments)

    def _days_to_deadline(self, i: int, card: str) -> int:
        if card == "overdue":
            return -1 - i % 20
        if card == "later":
            return 8 + i % 17
        if card == "paid":
            return i % 25
        return i % (DUE_WITHIN + 1)

    def _bill(self, i: int, card: str, bill_no: str, days: int, monthly: bool) -> Row:
        due_on = self.today + timedelta(days=days)
        issued_on = due_on - timedelta(days=16 if monthly else 28)
        amount = {"zero": 0, "negative": -50 - i % 400}.get(card, 100 + self.rng.randrange(9_000))
        account_no = None if card == "no_account" else self.account_no(i)
        return bill_no, account_no, _period(issued_on, monthly), amount, issued_on, due_on

    def _payment(self, bill: Row, *, whole: bool) -> Row:
        bill_no, _, _, amount, issued_on, _ = bill
        paid_on = min(issued_on + timedelta(days=3 + amount % 9), self.today - timedelta(days=1))
        return bill_no, amount if whole else max(1, amount // 3), moment(paid_on, 8 + amount % 12, amount % 60)

    def summary(self) -> DistrictSummary:
        dirt = Counter(f"telephone {form}" for form in self.telephones)
        dirt += Counter(
            f"email {form}" for form, phone in zip(self.emails, self.telephones, strict=True) if phone != "nothing"
        )
        dirt += Counter(f"locale {locale}" for locale in self.locales)
        dirt += Counter(f"prefers {channel}" for channel in self.preferences)
        dirt += Counter(f"bill {card}" for card in self.bills)
        dirt += Counter({"name null": self.named.count("null"), "account duplicate": len(self.duplicates)})
        dirt += Counter({"account short": len(self.short), "account autopay": len(self.autopay)})
        selected = [
            i
            for i, card in enumerate(self.bills)
            if card == "no_account" or ((card in DUE_SHARES or card == "unpaid") and i not in self.autopay)
        ]
        return DistrictSummary(
            accounts=self.count,
            bills=self.written["bills"],
            payments=self.written["payments"],
            audience=len(selected),
            life_support=len(self.life_support),
            households=len(self.households),
            dirt=dict(dirt),
        )


ACCOUNT_COLUMNS = ("account_no", "customer_id", "address", "district", "autopay_since", "life_support", "critical_kind")


def _households(members: list[int], rng: Random) -> list[list[int]]:
    """Groups of 2 to 4 accounts behind one number: by turns one person with several accounts, and a family."""
    groups = []
    while len(members) >= 2:
        size = rng.randint(2, 4)
        groups.append(members[:size])
        members = members[size:]
    return groups if len(groups[-1]) > 1 else groups[:-1]


def _period(issued_on: date, monthly: bool) -> str:
    last = issued_on.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1) - timedelta(days=1)
    return f"{last:%Y-%m}" if monthly else f"{first:%Y-%m}/{last:%Y-%m}"
