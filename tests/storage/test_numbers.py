"""What is learnt of numbers: from each attempt once, whoever learns, and only from what is over."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from notifier.storage.database import Pool
from notifier.storage.numbers import NumberStore
from tests.storage import seeds
from tests.storage.seeds import NOW

HOUR = timedelta(hours=1)
ZONE = "Asia/Taipei"
NUMBER = "+886900001001"  # of the first notification of run 1


async def called(pool: Pool, notification: int, *endings: str, begins: datetime = NOW, channel: str = "voice") -> None:
    """One attempt an hour, ended at once."""
    for n, ending in enumerate(endings):
        at = begins + n * HOUR
        await pool.execute(
            "insert into notifier.attempt (id, notification_id, run_id, channel, step, tries, free, address, template,"
            " state, disposition, ended_at) select $1, n.id, n.run_id, $2, 0, 0, 0, n.phone, 't', 'ended', $3, $4"
            "  from notifier.notification n where n.id = $5",
            seeds.draft_id(at), channel, ending, at, notification,
        )  # fmt: skip


async def learn(pool: Pool, upto: datetime = NOW + 24 * HOUR) -> int:
    return await NumberStore(pool).learn(["voice"], ZONE, NOW - 60 * 24 * HOUR, upto)


async def known(pool: Pool) -> dict[str, Any]:
    (row,) = await pool.fetch("select * from notifier.number_memory")
    return dict(row)


async def one(pool: Pool) -> int:
    (notification,) = await seeds.notifications(pool, await seeds.run(pool), 1)
    return notification


async def test_hours_silences_and_machines(pool: Pool) -> None:
    notification = await one(pool)
    await called(pool, notification, "no_answer", "answered", "hung_up", "busy", "machine", "no_answer")
    await called(pool, notification, "delivered", "refused", channel="sms")

    assert await learn(pool) == 1

    memory = await known(pool)
    assert memory["number"] == NUMBER
    assert [hour for hour in range(24) if memory["hours"] >> hour & 1] == [11, 12]  # NOW is 10:00 in Taipei
    assert (memory["tries"], memory["silent"], memory["machine"], memory["bad"]) == (6, 2, True, None)
    assert (memory["silent_since"], memory["last_at"]) == (NOW + 4 * HOUR, NOW + 5 * HOUR)


async def test_what_comes_later_is_added_or_corrects(pool: Pool) -> None:
    notification = await one(pool)
    await called(pool, notification, "machine", "no_answer", "wrong_person")
    await learn(pool, NOW + 3 * HOUR)
    assert ((await known(pool))["bad"], (await known(pool))["bad_since"]) == ("wrong_person", NOW + 2 * HOUR)
    await called(pool, notification, "no_answer", "no_answer", begins=NOW + 4 * HOUR)
    await learn(pool, NOW + 6 * HOUR)
    memory = await known(pool)
    assert (memory["silent"], memory["bad"], memory["tries"], memory["machine"]) == (2, "wrong_person", 5, False)
    await called(pool, notification, "answered", begins=NOW + 8 * HOUR)
    await learn(pool)
    memory = await known(pool)
    assert (memory["silent"], memory["silent_since"], memory["bad"], memory["tries"]) == (0, None, None, 6)


async def test_each_attempt_teaches_once(pool: Pool) -> None:
    notification = await one(pool)
    await called(pool, notification, "no_answer", "no_answer", "no_answer")
    assert await learn(pool, NOW + 2 * HOUR) == 1
    assert (await known(pool))["tries"] == 2
    assert await learn(pool, NOW + 2 * HOUR) == 0
    assert sum(await asyncio.gather(*(learn(pool) for _ in range(4)))) == 1
    assert (await known(pool))["tries"] == 3


async def test_who_is_not_called_any_more_is_forgotten(pool: Pool) -> None:
    await called(pool, await one(pool), "answered")
    await learn(pool)
    assert await NumberStore(pool).forget(NOW) == 0
    assert await NumberStore(pool).forget(NOW + HOUR) == 1


async def repairs(pool: Pool) -> list[tuple[str, str | None, str | None, str]]:
    return [(r.account_no, r.cell, r.number, r.reason) async for r in NumberStore(pool).repairs()]


async def test_the_office_is_told_what_to_mend_until_it_has(pool: Pool) -> None:
    wrong, silent, fine = await seeds.notifications(pool, await seeds.run(pool), 3)
    await pool.execute("insert into notifier.number_book values ('0900-001-001 家', '+886900001001', null)")
    await called(pool, wrong, "wrong_person")
    await called(pool, silent, *["no_answer"] * 4, "machine")
    await called(pool, fine, "answered", *["no_answer"] * 4)
    await pool.execute(
        "insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, reason)"
        " values (1, 'payment_deadline', 'B', 'd', '00000000009', 'excluded', 'no_address: extension')"
    )
    await learn(pool)

    assert await repairs(pool) == [
        ("00000000001", "0900-001-001 家", "+886900001001", "wrong_person"),
        ("00000000002", None, "+886900001002", "machine"),
        ("00000000009", None, None, "no_address: extension"),
    ]
    later = await seeds.run(pool, "later")
    (mended,) = await seeds.notifications(pool, later, 1)  # the first account, by another telephone
    await pool.execute(
        "insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, notification_id)"
        " values ($1, 'payment_deadline', 'B2', 'd', '00000000009', 'lead', $2)",
        later, mended,
    )  # fmt: skip
    assert [row[0] for row in await repairs(pool)] == ["00000000002"]
