"""What each channel may do, over all workers together: pace, calls in flight, pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into


@dataclass(frozen=True)
class BudgetQueries:
    grant: Query
    lock_lines: Query
    count_in_flight: Query
    set_up: Query
    note_trouble: Query
    note_success: Query
    pause: Query
    pause_by_probe: Query
    lift_probe: Query
    resume: Query
    list_budgets: Query


@dataclass(frozen=True, slots=True)
class Grant:
    """How many attempts a worker may make in its window. `rate` is attempts a second; `paused` says why none;
    `limited`: only so many may be in flight, which has to be looked at again when they are written."""

    amount: int
    rate: float
    paused: str | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class ChannelBudget:
    channel: str
    rate: float
    most_in_flight: int | None
    paused: str | None
    paused_until: datetime | None
    in_flight: int

    @property
    def breaker_open(self) -> bool:
        """The provider fails for everybody: paused, to be tried again by itself."""
        return self.paused is not None and self.paused_until is not None


class BudgetStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(BudgetQueries, sql_root() / "budget.sql")

    async def set_up(
        self, channel: str, *, rate: float, burst: float, most_in_flight: int | None, reserved: int, now: datetime
    ) -> None:
        await self._q.set_up.execute(
            self._pool,
            channel=channel,
            rate=rate,
            burst=burst,
            most_in_flight=most_in_flight,
            reserved=reserved,
            now=now,
        )

    async def grant(self, channel: str, *, now: datetime, span: float, most: int, urgent: bool) -> Grant:
        """A window's worth of attempts; `span` is the window in seconds of the clock."""
        row = await self._q.grant.fetch_row(self._pool, channel=channel, now=now, span=span, most=most, urgent=urgent)
        if row is None:
            return Grant(0, 1.0, f"channel {channel} has no budget")
        return Grant(row["amount"], row["rate"], row["paused"], row["most_in_flight"] is not None)

    async def lines(self, connection: Any, channel: str, *, urgent: bool, most: int) -> int:
        """How many more calls may be in flight, at most `most`; holds the channel's row until the transaction ends."""
        limit: int | None = await self._q.lock_lines.fetch_value(connection, channel=channel, urgent=urgent)
        if limit is None:
            return most
        in_flight: int = await self._q.count_in_flight.fetch_value(connection, channel=channel)
        return max(0, min(most, limit - in_flight))

    async def note_trouble(self, channel: str, reason: str, now: datetime, times: int = 1) -> str | None:
        """The provider was found unavailable; answers the reason when the breaker is open now."""
        return await self._q.note_trouble.fetch_value(  # type: ignore[no-any-return]
            self._pool, channel=channel, reason=reason, now=now, times=times
        )

    async def note_success(self, channel: str) -> None:
        await self._q.note_success.execute(self._pool, channel=channel)

    async def pause(self, channel: str, reason: str) -> bool:
        return await self._q.pause.execute(self._pool, channel=channel, reason=reason) > 0

    async def pause_by_probe(self, channel: str, reason: str) -> bool:
        """Pause unless a person has; `reason` begins with "probe: "."""
        return await self._q.pause_by_probe.execute(self._pool, channel=channel, reason=reason) > 0

    async def lift_probe(self, channel: str) -> bool:
        return await self._q.lift_probe.execute(self._pool, channel=channel) > 0

    async def resume(self, channel: str) -> bool:
        return await self._q.resume.execute(self._pool, channel=channel) > 0

    async def all(self) -> Sequence[ChannelBudget]:
        return [ChannelBudget(**row) for row in await self._q.list_budgets.fetch(self._pool)]
