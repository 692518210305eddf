"""The delivery log: attempts and receipts, and the one statement that moves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import Disposition
from notifier.domain.follow_up import Place
from notifier.domain.message import Action
from notifier.domain.receipt import AttemptProgress, Receipt, ReceiptKind
from notifier.domain.states import AttemptState
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into


@dataclass(frozen=True)
class AttemptQueries:
    with_news: Query
    news_of: Query
    apply: Query
    store_receipts: Query
    message_of: Query
    messages_of: Query
    told_of: Query
    silent: Query
    postpone_look: Query
    take_unwanted: Query
    note_cancelled: Query
    note_miss: Query
    bound_elsewhere: Query
    suppress: Query


@dataclass(frozen=True, slots=True)
class AttemptFile:
    """An attempt with all it takes to judge what follows from a receipt. `hours`: at which its address has answered, as
    `answers_at` reads them; none are known as long as the provider has only taken it."""

    id: AttemptId
    notification: int
    run: int
    campaign: str
    channel: str
    place: Place
    address: str | None
    progress: AttemptProgress
    version: int
    phone: str | None
    email: str | None
    outcome: str | None
    expires_at: datetime | None = None
    hours: int = 0
    prefers: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What receipts came to. `follow`, in the words of `apply` (sql/attempt.sql), says what; the rest says where to.
    `earlier`: the steps whose turn comes before `place`, for a late truth to overtake whoever waits at one of them."""

    attempt: AttemptId
    version: int
    progress: AttemptProgress
    look_at: datetime | None
    follow: str = "none"
    outcome: str | None = None
    reason: str | None = None
    due_at: datetime | None = None
    channel: str | None = None
    place: Place = Place(0)
    earlier: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an attempt says, as stored (None once its words are erased); whether a machine is known to listen, and
    whether something of it could not be played."""

    channel: str
    message: Any
    machine: bool
    unplayed: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """An attempt without a final word for too long."""

    attempt: AttemptId
    channel: str
    address: str
    since: datetime
    misses: int
    provider_ref: str | None
    state: AttemptState
    message: Any  # as stored; None once its words are erased


@dataclass(frozen=True, slots=True)
class Ban:
    address: str
    purpose: str | None
    reason: str
    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class Unwanted:
    """An attempt in flight that need not be made any more."""

    attempt: AttemptId
    channel: str
    provider_ref: str | None


class AttemptStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(AttemptQueries, sql_root() / "attempt.sql")

    def transaction(self) -> Any:
        return self._pool.acquire()

    async def store(self, receipts: Sequence[Receipt]) -> None:
        """Put receipts on disk; a word told twice is counted."""
        kept = {(receipt.attempt, receipt.key): receipt for receipt in receipts}
        ordered = [kept[key] for key in sorted(kept)]
        await self._q.store_receipts.execute(
            self._pool,
            attempts=[r.attempt for r in ordered],
            keys=[r.key for r in ordered],
            kinds=[r.kind.value for r in ordered],
            statuses=[r.status for r in ordered],
            at=[r.at for r in ordered],
            bodies=[receipt_body(r) for r in ordered],
        )

    async def with_news(self, connection: Any, most: int) -> list[tuple[AttemptFile, list[Receipt]]]:
        """Attempts with receipts nobody has applied, locked for the transaction of `connection`."""
        files = [_file(row) for row in await self._q.with_news.fetch(connection, most=most)]
        rows = await self._q.news_of.fetch(connection, attempts=[file.id for file in files]) if files else []
        news: dict[UUID, list[Receipt]] = {}
        for row in rows:
            news.setdefault(row["attempt_id"], []).append(_receipt(row))
        return [(file, news.get(file.id, [])) for file in files]

    async def apply(
        self, now: datetime, verdicts: Sequence[Verdict], receipts: Sequence[Receipt], connection: Any = None
    ) -> set[UUID]:
        """Write verdicts and the receipts they were drawn from; answers the attempts that had not moved meanwhile."""
        rows = await self._q.apply.fetch(
            connection or self._pool,
            now=now,
            **_verdict_columns(verdicts),
            word_attempts=[r.attempt for r in receipts],
            word_keys=[r.key for r in receipts],
            word_kinds=[r.kind.value for r in receipts],
            word_statuses=[r.status for r in receipts],
            word_at=[r.at for r in receipts],
            word_bodies=[receipt_body(r) for r in receipts],
        )
        return {row["id"] for row in rows}

    async def message_of(self, attempt: AttemptId) -> Spoken | None:
        """None when there is no such attempt."""
        row = await self._q.message_of.fetch_row(self._pool, attempt=attempt)
        return Spoken(**row) if row else None

    async def messages_of(self, connection: Any, attempts: Sequence[AttemptId]) -> dict[AttemptId, Any]:
        """The stored words of those that have them still."""
        rows = await self._q.messages_of.fetch(connection, attempts=list(attempts))
        return {AttemptId(row["id"]): row["message"] for row in rows}

    async def told_of(self, connection: Any, attempts: Sequence[AttemptId]) -> dict[AttemptId, list[Receipt]]:
        """What the provider has told us of each, as it came."""
        told: dict[AttemptId, list[Receipt]] = {attempt: [] for attempt in attempts}
        for row in await self._q.told_of.fetch(connection, attempts=list(attempts)):
            told[AttemptId(row["attempt_id"])].append(_receipt(row))
        return told

    async def take_silent(self, now: datetime, again_at: datetime, most: int = 100) -> list[Silence]:
        """Attempts whose provider must be asked; nobody else is given them before `again_at`."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await self._q.silent.fetch(connection, now=now, most=most)
            if rows:
                await self._q.postpone_look.execute(connection, attempts=[row["id"] for row in rows], look_at=again_at)
        return [
            Silence(
                AttemptId(row["id"]), row["channel"], row["address"], row["since"], row["misses"], row["provider_ref"],
                AttemptState(row["state"]), row["message"],
            )
            for row in rows
        ]  # fmt: skip

    async def take_unwanted(self, now: datetime, again_at: datetime, most: int) -> list[Unwanted]:
        """Attempts that need not be made; nobody else is given them before `again_at`."""
        rows = await self._q.take_unwanted.fetch(self._pool, now=now, again_at=again_at, most=most)
        return [Unwanted(AttemptId(row["attempt_id"]), row["channel"], row["provider_ref"]) for row in rows]

    async def note_cancelled(self, attempts: Sequence[AttemptId]) -> None:
        """Their provider has been told."""
        await self._q.note_cancelled.execute(self._pool, attempts=list(attempts))

    async def note_miss(self, attempt: AttemptId, seen: int, look_at: datetime) -> int:
        """A look-up found nothing, after `seen` others; answers how many have, 0 when another keeper counted first."""
        return await self._q.note_miss.fetch_value(self._pool, attempt=attempt, seen=seen, look_at=look_at) or 0

    async def bound_elsewhere(self, address: str, attempt: AttemptId) -> frozenset[str]:
        """The provider's references that are known to belong to other attempts at the address."""
        rows = await self._q.bound_elsewhere.fetch(self._pool, address=address, attempt=attempt)
        return frozenset(row["provider_ref"] for row in rows)

    async def suppress(self, connection: Any, now: datetime, bans: Sequence[Ban]) -> None:
        await self._q.suppress.execute(
            connection, now=now,
            addresses=[b.address for b in bans], purposes=[b.purpose for b in bans],
            reasons=[b.reason for b in bans], attempts=[b.attempt for b in bans],
        )  # fmt: skip


def receipt_body(receipt: Receipt) -> dict[str, object]:
    """The parts of a receipt that are kept as JSON."""
    return {
        name: value
        for name, value in (
            ("sequence", receipt.sequence),
            ("provider_ref", receipt.provider_ref),
            ("uncertain", receipt.uncertain),
            ("heard", receipt.heard),
            ("machine", receipt.machine),
            ("action", receipt.action),
            ("ended", receipt.ended),
            ("blameless", receipt.blameless),
            ("detail", dict(receipt.detail)),
        )
        if value or name == "sequence" or (name == "machine" and value is False)
    }


def _receipt(row: asyncpg.Record) -> Receipt:
    body = row["body"]
    return Receipt(
        attempt=AttemptId(row["attempt_id"]),
        kind=ReceiptKind(row["kind"]),
        key=row["key"],
        status=row["status"],
        at=row["at"],
        sequence=body["sequence"],
        provider_ref=body.get("provider_ref"),
        uncertain=body.get("uncertain", False),
        heard=body.get("heard", False),
        machine=body.get("machine"),
        action=Action(body["action"]) if "action" in body else None,
        ended=Disposition(body["ended"]) if "ended" in body else None,
        blameless=body.get("blameless", False),
        detail=body.get("detail", {}),
    )


def _file(row: asyncpg.Record) -> AttemptFile:
    progress = AttemptProgress(
        state=AttemptState(row["state"]),
        provider_ref=row["provider_ref"],
        heard=row["heard"],
        machine=row["machine"],
        action=Action(row["action"]) if row["action"] else None,
        disposition=Disposition(row["disposition"]) if row["disposition"] else None,
        sequence=row["sequence"],
    )
    return AttemptFile(
        AttemptId(row["id"]), row["notification_id"], row["run_id"], row["campaign"], row["channel"],
        Place(row["step"], row["tries"], row["free"]), row["address"], progress, row["version"],
        row["phone"], row["email"], row["outcome"], row["expires_at"], row["hours"], row["prefers"],
    )  # fmt: skip


def _verdict_columns(verdicts: Sequence[Verdict]) -> dict[str, list[object]]:
    return {
        "attempts": [v.attempt for v in verdicts],
        "versions": [v.version for v in verdicts],
        "states": [v.progress.state.value for v in verdicts],
        "dispositions": [v.progress.disposition for v in verdicts],
        "refs": [v.progress.provider_ref for v in verdicts],
        "heard": [v.progress.heard for v in verdicts],
        "machine": [v.progress.machine for v in verdicts],
        "actions": [v.progress.action for v in verdicts],
        "sequences": [v.progress.sequence for v in verdicts],
        "look": [v.look_at for v in verdicts],
        "follows": [v.follow for v in verdicts],
        "outcomes": [v.outcome for v in verdicts],
        "reasons": [v.reason for v in verdicts],
        "due": [v.due_at for v in verdicts],
        "channels": [v.channel for v in verdicts],
        "steps": [v.place.step for v in verdicts],
        "tries": [v.place.tries for v in verdicts],
        "free": [v.place.free for v in verdicts],
        "earlier": [list(v.earlier) or None for v in verdicts],
    }
