"""Each kind of process has the rights that its part of the policy needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from notifier.domain.cap import Cap
from notifier.domain.suspension import USUAL
from notifier.storage.database import Pool, open_pool
from notifier.storage.numbers import NumberStore
from notifier.storage.queue import QueueStore
from notifier.storage.suppressions import SuppressionStore
from notifier.storage.suspensions import SuspensionStore
from tests.storage import seeds
from tests.storage.seeds import NOW

EVENING = NOW + timedelta(hours=8)


@asynccontextmanager
async def as_role(database: str, role: str) -> AsyncIterator[Pool]:
    async with await open_pool(f"{database}&role={role}", name=role, size=2) as pool:
        yield pool


async def test_web_bans_and_lifts(database: str) -> None:
    async with as_role(database, "notifier_web") as pool:
        store = SuppressionStore(pool)
        added, _ = await store.add("+886912345678", None, "asked", "case system", NOW)
        assert await store.undo(added.id, "case system", "asked again", NOW)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await SuspensionStore(pool).standing(NOW)


async def test_a_worker_reads_the_switch_and_counts_households(database: str, pool: Pool) -> None:
    await seeds.notifications(pool, await seeds.run(pool), 2)
    async with as_role(database, "notifier_worker") as worker:
        queue, suspensions = QueueStore(worker), SuspensionStore(worker)
        claimed = await seeds.claim(queue, 1)
        verdicts = await seeds.write(queue, worker, claimed, household=Cap(1, 1))
        assert set(verdicts.values()) == {"written"}
        assert await suspensions.standing(NOW) == []
        await suspensions.ask_again(NOW)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await suspensions.begin(district=None, purposes=USUAL, reason="x", until=EVENING, set_by="x", now=NOW)


async def test_who_gives_the_commands_sets_ends_and_carries_out(database: str, pool: Pool) -> None:
    await seeds.notifications(pool, await seeds.run(pool), 2)
    async with as_role(database, "notifier_scheduler") as scheduler:
        store, numbers = SuspensionStore(scheduler), NumberStore(scheduler)
        number = await store.begin(district=None, purposes=USUAL, reason="x", until=EVENING, set_by="x", now=NOW)
        assert await store.waiting(None, ["payment_deadline"]) == 2
        await store.put_off(number, {"payment_deadline": EVENING}, 0, NOW)
        assert await store.end(number, "x", NOW)
        await store.bring_back(number, 0)
        await store.note_carried_out(number, 2)
        assert await numbers.learn(["voice"], "Asia/Taipei", NOW, EVENING) == 0
        assert [one async for one in numbers.repairs()] == []
        await numbers.forget(NOW)
        await QueueStore(scheduler).forget_households(NOW)
        added, _ = await SuppressionStore(scheduler).add("+886912345678", None, "asked", "x", NOW)
        assert added.set_by == "x"
