"""Runs: opened once, planned once, moved by the table of legal moves, and added up."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from notifier.domain.states import RUN_MOVES, RunState
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into
from notifier.storage.queue import Mark


@dataclass(frozen=True)
class RunQueries:
    open_run: Query
    by_key: Query
    by_id: Query
    list_runs: Query
    to_plan: Query
    take_to_plan: Query
    planned: Query
    take_to_prepare: Query
    go_on_preparing: Query
    prepared: Query
    to_tell: Query
    how_many_to_tell: Query
    move: Query
    wait_for: Query
    open_runs: Query
    drained: Query
    reopen_released: Query
    tellable_before: Query
    tally: Query
    progress: Query
    queued_by_step: Query
    put_back: Query
    unsure: Query
    recent_dispositions: Query
    held: Query
    release_held: Query
    close_held: Query


@dataclass(frozen=True, slots=True)
class Run:
    id: int
    key: str
    campaign: str
    owner: str
    params: Mapping[str, Any]
    priority: int
    zone: str
    state: RunState
    reason: str | None
    waiting_for: str | None
    opened_at: datetime
    planned_at: datetime | None
    finished_at: datetime | None
    selected: int
    already_told: int


@dataclass(frozen=True, slots=True)
class ToTell:
    """A notification that waits in the queue, and the subjects it is about."""

    notification: int
    due_at: datetime
    locale: str
    subjects: tuple[str, ...]

    @property
    def mark(self) -> Mark:
        return self.due_at, self.notification


@dataclass(frozen=True, slots=True)
class Tally:
    """The figures of rule 7. `difference` is 0 when they add up."""

    selected: int
    already_told: int
    merged: int
    holdout: int
    excluded: Mapping[str, int]
    outcomes: Mapping[str, int]
    held: Mapping[str, int]
    open: int
    reasons: Mapping[str, int]
    attempts: Mapping[str, int]

    @property
    def tellable(self) -> int:
        """Of how many subjects it is known whom to tell, whether it was done before or not."""
        return self.selected + self.already_told - sum(self.excluded.values())

    @property
    def difference(self) -> int:
        parts = self.merged + self.holdout + sum(self.excluded.values())
        return self.selected - parts - sum(self.outcomes.values()) - sum(self.held.values()) - self.open


@dataclass(frozen=True, slots=True)
class RunProgress:
    in_flight: int
    due_now: int
    due_later: int
    next_due_at: datetime | None
    last_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class PutBack:
    """How many wait for one reason, and until when the first of them does."""

    notifications: int
    next_due_at: datetime


@dataclass(frozen=True, slots=True)
class HeldNotification:
    id: int
    run: int
    account_no: str
    reason: str
    locale: str


class RunStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(RunQueries, sql_root() / "run.sql")

    async def open(
        self,
        *,
        key: str,
        campaign: str,
        owner: str,
        params: Mapping[str, object],
        priority: int,
        zone: str,
        now: datetime,
        connection: "Connection | None" = None,
    ) -> tuple[Run, bool]:
        """The run of this key, and whether it was opened by this call, in the transaction of `connection` if given."""
        opened = await self._q.open_run.fetch_value(
            connection or self._pool,
            key=key,
            campaign=campaign,
            owner=owner,
            params=dict(params),
            priority=priority,
            zone=zone,
            now=now,
        )
        row = await self._q.by_key.fetch_row(connection or self._pool, key=key)
        if row is None:
            raise LookupError(f"the run {key!r} was opened and is gone")
        return _run(row), opened is not None

    async def by_id(self, run: int) -> Run | None:
        row = await self._q.by_id.fetch_row(self._pool, run=run)
        return _run(row) if row else None

    async def by_key(self, key: str) -> Run | None:
        row = await self._q.by_key.fetch_row(self._pool, key=key)
        return _run(row) if row else None

    async def latest(self, most: int = 20) -> list[tuple[Run, int]]:
        """The newest runs, with how many notifications each has."""
        return [(_run(row), row["notifications"]) for row in await self._q.list_runs.fetch(self._pool, most=most)]

    async def unfinished(self) -> list[Run]:
        return [_run(row) for row in await self._q.open_runs.fetch(self._pool)]

    async def next_to_plan(self, connection: Any, later: Collection[int] = ()) -> Run | None:
        """A run whose audience is to be drawn, but none of `later`; ours for the transaction of `connection`."""
        for row in await self._q.to_plan.fetch(connection, later=list(later)):
            if taken := await self._q.take_to_plan.fetch_row(connection, run=row["id"]):
                return _run(taken)
        return None

    async def planned(
        self,
        connection: Any,
        run: int,
        now: datetime,
        state: RunState,
        selected: int,
        already_told: int,
        next_expiry: datetime | None,
    ) -> bool:
        """Let the planned run go on to be prepared, or opened; answers whether it was still to be planned."""
        return bool(
            await self._q.planned.execute(
                connection, run=run, now=now, state=state.value, selected=selected, already_told=already_told,
                next_expiry=next_expiry,
            )
        )  # fmt: skip

    async def take_to_prepare(
        self, preparer: int, campaigns: Collection[str], now: datetime, until: datetime
    ) -> Run | None:
        """A run of these campaigns whose recordings are this preparer's to make, until the moment given."""
        row = await self._q.take_to_prepare.fetch_row(
            self._pool, preparer=preparer, campaigns=list(campaigns), now=now, until=until
        )
        return _run(row) if row else None

    async def go_on_preparing(self, run: int, preparer: int, until: datetime, waiting_for: str) -> bool:
        """Say how far the preparer is; answers whether the run is still its own."""
        gone_on = await self._q.go_on_preparing.fetch_value(
            self._pool, run=run, preparer=preparer, until=until, waiting_for=waiting_for
        )
        return gone_on is not None

    async def prepared(self, run: int, preparer: int, now: datetime) -> bool:
        """Let the run begin; answers whether it was still this preparer's."""
        return await self._q.prepared.fetch_value(self._pool, run=run, preparer=preparer, now=now) is not None

    async def to_tell(self, run: int, channel: str, after: Mark, most: int) -> list[ToTell]:
        """Whom a channel is to tell, in the order of their turns, beginning after one."""
        rows = await self._q.to_tell.fetch(
            self._pool, run=run, channel=channel, mark_due=after[0], mark_id=after[1], most=most
        )
        return [ToTell(row["notification"], row["due_at"], row["locale"], tuple(row["subjects"])) for row in rows]

    async def how_many_to_tell(self, run: int, channel: str) -> int:
        count: int = await self._q.how_many_to_tell.fetch_value(self._pool, run=run, channel=channel)
        return count

    async def move(self, run: int, to: RunState, reason: str | None, now: datetime) -> bool:
        """Move a run where the table of legal moves allows it; answers whether it moved."""
        sources = [state.value for state, targets in RUN_MOVES.items() if to in targets]
        moved = await self._q.move.fetch_value(
            self._pool, run=run, from_states=sources, to_state=to.value, reason=reason, now=now
        )
        return moved is not None

    async def wait_for(self, run: int, what: str | None) -> None:
        """Say on the run what keeps it from going on by itself, or that nothing does."""
        await self._q.wait_for.execute(self._pool, run=run, what=what)

    async def drained(self, now: datetime) -> list[tuple[int, RunState, bool]]:
        """Runs with nothing queued, nothing in flight and nothing to come; and whether something is held."""
        rows = await self._q.drained.fetch(self._pool, now=now)
        return [(row["id"], RunState(row["state"]), row["held"]) for row in rows]

    async def reopen_released(self) -> None:
        """Let runs go on that wait for a person although something of them is queued again."""
        await self._q.reopen_released.execute(self._pool)

    async def tellable_before(
        self, campaign: str, params: Mapping[str, object], run: int = 0, connection: "Connection | None" = None
    ) -> int | None:
        """`Tally.tellable` of the last run of this kind, or of the last one before `run`; None when there is none."""
        found: int | None = await self._q.tellable_before.fetch_value(
            connection or self._pool, campaign=campaign, params=dict(params), run=run
        )
        return found

    async def tally(self, run: Run) -> Tally:
        row = await self._q.tally.fetch_row(self._pool, run=run.id)
        return _tally(run, row) if row else _tally(run, {})

    async def progress(self, run: int, now: datetime) -> RunProgress:
        row = await self._q.progress.fetch_row(self._pool, run=run, now=now)
        return RunProgress(**row) if row else RunProgress(0, 0, 0, None, None)

    async def queued_by_step(self, run: int) -> list[asyncpg.Record]:
        return await self._q.queued_by_step.fetch(self._pool, run=run)

    async def put_back(self, run: int) -> dict[str, PutBack]:
        """Why some of the run are not sent yet although their turn had come."""
        rows = await self._q.put_back.fetch(self._pool, run=run)
        return {row["because"]: PutBack(row["notifications"], row["next_due_at"]) for row in rows}

    async def unsure(self, run: int) -> tuple[int, datetime | None]:
        """How many attempts may have been sent or not, and when the last of them is looked up."""
        row = await self._q.unsure.fetch_row(self._pool, run=run)
        return (row["attempts"], row["until"]) if row else (0, None)

    async def recent_dispositions(self, run: int, since: datetime) -> dict[str, int]:
        rows = await self._q.recent_dispositions.fetch(self._pool, run=run, since=since)
        return {row["disposition"]: row["attempts"] for row in rows}

    async def held(self, run: int | None = None, most: int = 100) -> list[HeldNotification]:
        rows = await self._q.held.fetch(self._pool, run=run or 0, most=most)
        return [
            HeldNotification(row["id"], row["run_id"], row["account_no"], row["held"], row["locale"]) for row in rows
        ]

    async def release_held(self, notification: int, channel: str, step: int, now: datetime) -> bool:
        freed = await self._q.release_held.fetch_value(
            self._pool, notification=notification, channel=channel, step=step, now=now
        )
        return freed is not None

    async def close_held(self, notification: int, reason: str, now: datetime) -> bool:
        closed = await self._q.close_held.fetch_value(self._pool, notification=notification, reason=reason, now=now)
        return closed is not None


RUN_COLUMNS = tuple(Run.__dataclass_fields__)


def _run(row: asyncpg.Record) -> Run:
    values = {name: row[name] for name in RUN_COLUMNS}
    return Run(**values | {"state": RunState(row["state"])})


def _tally(run: Run, row: Mapping[str, Any] | asyncpg.Record) -> Tally:
    def figures(name: str) -> dict[str, int]:
        return row[name] or {} if row else {}

    fates, outcomes = figures("fates"), dict(figures("outcomes"))
    still_open = outcomes.pop("open", 0)
    outcomes.pop("held", 0)
    return Tally(
        selected=run.selected,
        already_told=run.already_told,
        merged=fates.get("merged", 0),
        holdout=fates.get("holdout", 0),
        excluded=figures("excluded"),
        outcomes=outcomes,
        held=figures("held"),
        open=still_open,
        reasons=figures("reasons"),
        attempts=figures("attempts"),
    )
