"""Do the hot statements keep their plans on a large queue? `python -m bench.plans [--rows N] [--show NAME]`

Each is explained as the server runs it prepared, planned anew and generic, on a crowded database; it must use the
indexes it was written for, read no big table from end to end, and touch a bounded number of pages.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from bench import crowded
from bench.crowded import Crowd
from bench.explaining import MODES, Plan, explain
from bench.ground import CAMPAIGN, Connection, open_ground
from bench.measure import CONSOLE
from notifier.domain.attempt_id import ENTROPY_BYTES, make_attempt_id
from notifier.resources import sql_root
from notifier.sandbox.district import build_large_district, create_source_database
from notifier.storage.database import set_up_connection
from notifier.storage.migrations import migrate
from notifier.storage.queries import Query, load_queries
from notifier.storage.queue import START
from notifier.storage.source import campaign_queries

BIG = ("notification", "queue", "attempt", "receipt", "in_flight", "audience", "bill", "account", "contact", "payment")
FEW = 1000  # rows of a big table that may be read from end to end: a partition that is nearly empty
WITH_HISTORY = 150  # the same where each row's address has a history: ten notifications, five months of attempts
PER_ROW = 80  # pages a statement over a batch may touch for each row of it: a dozen index descents and the writes
MOST_COMPARED = 2000  # pairs of rows one join may compare in vain; a batch against itself is 250,000
ALONE = 400  # pages a statement that answers one question may touch


@dataclass(frozen=True)
class Case:
    """One statement, what it is asked, and how its plan must look.

    `indexes`: each must be used; of a partitioned table any partition's. `pages`: as many as it may touch.
    """

    query: Query
    given: Mapping[str, Any]
    indexes: Sequence[str]
    pages: int = ALONE
    reads_through: Sequence[str] = field(default_factory=tuple)  # big tables it is right to read whole


@dataclass(frozen=True)
class Finding:
    query: str
    mode: str
    plan: Plan
    faults: tuple[str, ...]


async def notifier_cases(connection: Connection, crowd: Crowd) -> list[Case]:
    """The hot statements of the notifier's own database, asked about what is in it."""
    files = {
        file: load_queries(sql_root() / f"{file}.sql") for file in ("queue", "attempt", "budget", "run", "inquiry")
    }
    leased = await connection.fetch(LEASED, crowd.owner, crowd.now, crowd.batch)
    flying = await connection.fetch(FLYING, crowd.batch)
    some = leased[0]
    run = await connection.fetchval("select min(id) from notifier.run where state = 'open'")
    return [
        *_queue_cases(files["queue"], crowd, run, leased),
        *_attempt_cases(files["attempt"], crowd, flying),
        Case(files["budget"]["grant"], _grant(crowd), [], reads_through=["in_flight"]),
        Case(files["run"]["drained"], {"now": crowd.now}, ["queue_due"]),
        Case(files["run"]["progress"], {"run": run, "now": crowd.now}, ["queue_due"], reads_through=["queue"]),
        Case(files["run"]["to_tell"],
             {"run": run, "channel": "voice", "mark_due": START[0], "mark_id": START[1], "most": crowd.batch},
             ["queue_due", "notification_pkey", "audience_notification"], PER_ROW * crowd.batch),
        Case(files["inquiry"]["by_account"], {"account": some["account_no"], "most": 100},
             ["notification_account", "audience_account", "audience_notification"]),
        Case(files["inquiry"]["by_address"], {"address": some["phone"], "most": 100},
             ["notification_phone", "audience_notification"]),
    ]  # fmt: skip


LEASED = """
select q.notification_id as id, n.phone, n.account_no from notifier.queue q
  join notifier.notification n on n.id = q.notification_id
 where q.lease_owner = $1 and q.lease_until > $2 order by q.run_id, q.due_at limit $3
"""
FLYING = "select attempt_id as id, notification_id from notifier.in_flight order by since, attempt_id limit $1"


def _queue_cases(queries: Mapping[str, Query], crowd: Crowd, run: int, leased: Sequence[Any]) -> list[Case]:
    now, soon = crowd.now, crowd.now + timedelta(seconds=30)
    ids = [row["id"] for row in leased]
    count = len(ids)
    attempts = [make_attempt_id(now, os.urandom(ENTROPY_BYTES)) for _ in ids]
    claim = {
        "channel": "voice", "run": run, "owner": crowd.owner, "now": now, "until": soon, "purpose": "collection",
        "mark_due": now - timedelta(hours=1), "mark_id": 0, "most": crowd.batch,
    }  # fmt: skip
    write_ahead = {
        "owner": crowd.owner, "channel": "voice", "purpose": "collection", "now": now, "look_at": soon, "cap": 3,
        "per_day": 5, "per_week": 7, "lines": count,
        "day_start": now.replace(hour=0), "notifications": ids, "attempts": attempts,
        "addresses": [row["phone"] for row in leased], "templates": ["t@1"] * count,
        "messages": [{"kind": "VoiceMessage"}] * count, "offers": [None] * count,
    }  # fmt: skip
    dispose = {
        "owner": crowd.owner, "now": now, "notifications": ids, "kinds": ["settle"] * count,
        "outcomes": ["withdrawn"] * count, "reasons": ["paid"] * count, "due": [None] * count,
        "put_off_by": [None] * count,
        "channels": [None] * count, "steps": [0] * count, "tries": [0] * count, "free": [0] * count,
    }  # fmt: skip
    return [
        Case(queries["claim"], claim,
             ["queue_due", "notification_pkey", "audience_notification"], PER_ROW * crowd.batch),
        Case(queries["due_runs"], {"channel": "voice", "now": now}, ["queue_due"]),
        Case(queries["next_due"], {"channel": "voice"}, ["queue_due"]),
        Case(queries["write_ahead"], write_ahead,
             ["queue_pkey", "notification_phone", "attempt_*_notification_id_idx", "household_pkey"],
             WITH_HISTORY * count),
        Case(queries["dispose"], dispose, ["queue_pkey", "notification_pkey"], PER_ROW * count),
        Case(queries["sweep"], {"run": run, "now": now, "most": crowd.batch},
             ["notification_pkey"], PER_ROW * crowd.batch,
             reads_through=["queue", "notification"]),
    ]  # fmt: skip


def _attempt_cases(queries: Mapping[str, Query], crowd: Crowd, flying: Sequence[Any]) -> list[Case]:
    attempts = [row["id"] for row in flying]
    count = len(attempts)
    receipts = {
        "attempts": attempts, "keys": ["new"] * count, "kinds": ["callback"] * count, "statuses": ["busy"] * count,
        "at": [crowd.now] * count, "bodies": [{"sequence": 3}] * count,
    }  # fmt: skip
    return [
        Case(queries["with_news"], {"most": crowd.batch},
             ["receipt_*_attempt_id_idx", "attempt_*_pkey", "notification_pkey"], PER_ROW * crowd.batch),
        Case(queries["store_receipts"], receipts, [], PER_ROW * count),
        Case(queries["apply"], _verdicts(crowd, attempts),
             ["attempt_*_pkey", "notification_pkey", "queue_pkey"], PER_ROW * count),
        Case(queries["message_of"], {"attempt": attempts[0]}, ["attempt_*_pkey"]),
        Case(queries["messages_of"], {"attempts": attempts}, ["attempt_*_pkey"], PER_ROW * count),
        Case(queries["told_of"], {"attempts": attempts}, ["receipt_*_pkey"], PER_ROW * count),
        Case(queries["silent"], {"now": crowd.now, "most": 100}, ["attempt_*_pkey"], PER_ROW * 100),
    ]  # fmt: skip


def _verdicts(crowd: Crowd, attempts: Sequence[Any]) -> dict[str, Any]:
    count = len(attempts)
    same: dict[str, Any] = {
        "versions": 1, "states": "ended", "dispositions": "answered", "refs": "CA1", "heard": True, "machine": False,
        "actions": None, "sequences": 4, "look": None, "follows": "settle", "outcomes": "reached",
        "reasons": "answered", "due": None, "channels": None, "steps": 0, "tries": 0, "free": 0, "earlier": None,
        "word_keys": "last", "word_kinds": "callback", "word_statuses": "completed", "word_at": crowd.now,
    }  # fmt: skip
    columns = {name: [value] * count for name, value in same.items()}
    words = {"word_attempts": attempts, "word_bodies": [{"sequence": 4}] * count}
    return {"now": crowd.now, "attempts": attempts, **columns, **words}


def _grant(crowd: Crowd) -> dict[str, Any]:
    return {"channel": "voice", "now": crowd.now, "span": 1.0, "most": crowd.batch, "urgent": False}


async def source_cases(connection: Connection, crowd: Crowd) -> list[Case]:
    subjects = [row["bill_no"] for row in await connection.fetch(BILLS, crowd.batch)]
    given = {"subjects": subjects, "now": crowd.now}
    indexes = ["bill_pkey", "payment_by_bill", "account_pkey", "contact_by_account"]
    return [Case(campaign_queries(CAMPAIGN).facts, given, indexes, PER_ROW * crowd.batch)]


BILLS = "select bill_no from billing.bill order by md5(bill_no) limit $1"


async def judge(connection: Connection, cases: Sequence[Case]) -> AsyncIterator[Finding]:
    await set_up_connection(connection)
    for case in cases:
        for mode in MODES:
            plan = await explain(connection, case.query, case.given, mode)
            yield Finding(case.query.name, mode, plan, tuple(_faults(case, plan)))


def _faults(case: Case, plan: Plan) -> list[str]:
    faults = [f"does not use {index}" for index in case.indexes if not plan.uses(index)]
    through = {table for table in plan.scanned(FEW) if table.startswith(BIG) and table not in case.reads_through}
    faults += [f"reads {table} from end to end" for table in sorted(through)]
    if plan.buffers > case.pages and not case.reads_through:
        faults.append(f"touches {plan.buffers:,} pages, more than {case.pages:,}")
    if plan.most_compared > MOST_COMPARED and not case.reads_through:
        faults.append(f"compares {plan.most_compared:,.0f} pairs of rows in vain")
    return faults


async def share_hot(connection: Connection, crowd: Crowd) -> float:
    """Of the rows a claim updates, the share that needed no new index entry. Commits the claim."""
    before = await _updates(connection)
    claim = next(case for case in await notifier_cases(connection, crowd) if case.query.name == "claim")
    await case_run(connection, claim)
    after = await _updates(connection)
    return (after[1] - before[1]) / (after[0] - before[0])


async def case_run(connection: Connection, case: Case) -> None:
    await case.query.fetch(connection, **case.given)


async def _updates(connection: Connection) -> tuple[int, int]:
    await connection.execute("select pg_stat_force_next_flush()")
    row = await connection.fetchrow(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relid = 'notifier.queue'::regclass"
    )
    assert row is not None
    return row[0], row[1]


async def check(notifier: Connection, source: Connection, crowd: Crowd) -> tuple[list[Finding], float]:
    """What is found of every hot statement, and the share of HOT updates of a claim."""
    findings = [one async for one in judge(notifier, await notifier_cases(notifier, crowd))]
    findings += [one async for one in judge(source, await source_cases(source, crowd))]
    return findings, await share_hot(notifier, crowd)


async def _at_full_size(rows: int) -> tuple[list[Finding], float]:
    with open_ground() as ground:
        async with ground.connect("postgres") as connection:
            for name in ("notifier", "source"):
                await connection.execute(f"create database {name} template template0")
        async with ground.connect("notifier") as notifier, ground.connect("source") as source:
            await migrate(notifier)
            crowd = await crowded.fill(notifier, rows)
            await create_source_database(source)
            await build_large_district(source, rows)
            return await check(notifier, source, crowd)


def show(findings: Sequence[Finding], hot: float, rows: int) -> Table:
    table = Table(title=f"{rows:,} notifications; {hot:.0%} of a claim's updates are HOT", title_justify="left")
    for name in ("statement", "plan", "pages", "ms", "faults"):
        table.add_column(name, justify="right" if name in ("pages", "ms") else "left")
    for one in findings:
        mode = one.mode.removeprefix("force_").removesuffix("_plan")
        faults = "\n".join(one.faults) or "none"
        style = "red" if one.faults else ""
        table.add_row(one.query, mode, f"{one.plan.buffers:,}", f"{one.plan.milliseconds:.1f}", faults, style=style)
    return table


MOSTLY_HOT = 0.8


def main(
    rows: Annotated[int, typer.Option(help="Notifications in the database.")] = 1_000_000,
    explained: Annotated[str, typer.Option("--show", help="A statement whose plans are printed whole.")] = "",
) -> None:
    """Show that the hot statements keep their plans on a large queue."""
    findings, hot = asyncio.run(_at_full_size(rows))
    CONSOLE.print(show(findings, hot, rows))
    for one in findings:
        if one.query == explained:
            CONSOLE.print(f"{one.query} {one.mode}", one.plan.outline(), sep="\n", highlight=False)
    if hot < MOSTLY_HOT or any(one.faults for one in findings):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
