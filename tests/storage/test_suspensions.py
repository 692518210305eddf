"""Suspensions and grace in the statements of the queue: nothing they forbid is claimed as free, or written."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from notifier.domain.purpose import Purpose
from notifier.domain.suspension import USUAL
from notifier.storage.database import Pool
from notifier.storage.queue import QueueStore
from notifier.storage.suspensions import SuspensionStore
from tests.storage import seeds
from tests.storage.seeds import NOW

EVENING = NOW + timedelta(hours=8)
NIGHT = NOW + timedelta(hours=12)


async def begin(pool: Pool, **given: Any) -> int:
    usual = {
        "district": "楠梓", "purposes": USUAL, "reason": "凱米颱風", "until": EVENING, "set_by": "王組長", "now": NOW,
    }  # fmt: skip
    return await SuspensionStore(pool).begin(**(usual | given))


async def districts(pool: Pool, *names: str | None) -> list[int]:
    """One queued notification in each district, all of one run."""
    run = await seeds.run(pool)
    ids = await seeds.notifications(pool, run, len(names))
    for number, name in zip(ids, names, strict=True):
        await pool.execute("update notifier.notification set district = $1 where id = $2", name, number)
    return ids


@pytest.mark.parametrize(
    ("given", "left_alone"),
    [
        ({}, [True, False, False]),
        ({"district": None}, [True, True, True]),
        ({"purposes": {Purpose.SURVEY}}, [False, False, False]),
    ],
)
async def test_whom_a_claim_finds_left_alone(pool: Pool, given: dict[str, Any], left_alone: list[bool]) -> None:
    await districts(pool, "楠梓", "左營", None)
    await begin(pool, **given)
    claimed = await seeds.claim(QueueStore(pool), 1)
    assert [one.suspended_until is not None for one in claimed] == left_alone


async def test_the_longest_of_several_is_named(pool: Pool) -> None:
    await districts(pool, "楠梓")
    await begin(pool)
    longest = await begin(pool, district=None, reason="全區停班", until=NIGHT)
    await begin(pool, district="左營", until=NIGHT + timedelta(hours=1))
    (one,) = await seeds.claim(QueueStore(pool), 1)
    assert (one.suspended_by, one.suspended_until, one.suspended_because) == (longest, NIGHT, "全區停班")


async def test_one_set_since_the_claim_writes_nothing(pool: Pool) -> None:
    store = QueueStore(pool)
    await districts(pool, "楠梓", "左營")
    claimed = await seeds.claim(store, 1)
    number = await begin(pool)
    assert Counter((await seeds.write(store, pool, claimed)).values()) == {"lost": 1, "written": 1}
    assert await SuspensionStore(pool).end(number, "王組長", NOW)
    again = await seeds.write(store, pool, claimed)
    assert Counter(again.values()) == {"lost": 1, "written": 1}  # the other has left the queue


async def test_it_ends_by_itself(pool: Pool) -> None:
    await districts(pool, "楠梓")
    await begin(pool)
    (one,) = await seeds.claim(QueueStore(pool), 1, now=EVENING)
    assert one.suspended_until is None
    assert await SuspensionStore(pool).standing(EVENING) == []


async def test_the_queue_is_put_off_and_brought_back_in_pages(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.storage.suspensions.PAGE", 2)
    store = SuspensionStore(pool)
    ids = await districts(pool, *["楠梓", "左營"] * 4)
    number = await begin(pool)

    async def through(move: Any) -> int:
        after, pages = 0, 0
        while after is not None:
            after, pages = await move(after), pages + 1
        return pages

    opens = {"payment_deadline": EVENING + timedelta(minutes=5)}
    assert await through(lambda after: store.put_off(number, opens, after, NOW)) == 5
    rows = await pool.fetch("select * from notifier.queue order by notification_id")
    assert [row["notification_id"] for row in rows if row["due_at"] == opens["payment_deadline"]] == ids[::2]
    assert {row["because"] for row in rows} == {"suspended: 凱米颱風", None}
    assert [row["put_off_from"] for row in rows] == [NOW, None] * 4

    assert await store.end(number, "王組長", NOW + timedelta(hours=1))
    assert not await store.end(number, "林組長", NOW + timedelta(hours=1))
    await through(lambda after: store.bring_back(number, after))
    rows = await pool.fetch("select * from notifier.queue")
    assert {(row["due_at"], row["because"], row["put_off_by"]) for row in rows} == {(NOW, None, None)}
    (kept,) = await store.latest(10)
    assert (kept.set_by, kept.ended_by, kept.reason) == ("王組長", "王組長", "凱米颱風")


async def test_what_has_been_asked_meanwhile_is_carried_out_again(pool: Pool) -> None:
    store = SuspensionStore(pool)
    number = await begin(pool)
    ((_, asked),) = await store.to_carry_out(NOW)
    await store.ask_again(NOW)
    await store.note_carried_out(number, asked)
    ((_, again),) = await store.to_carry_out(NOW)
    await store.note_carried_out(number, again)
    assert await store.to_carry_out(NOW) == []
    assert await store.end(number, "x", NOW)
    assert len(await store.to_carry_out(NOW)) == 1


async def test_expired_while_put_off_names_the_suspension(pool: Pool) -> None:
    queue, store = QueueStore(pool), SuspensionStore(pool)
    await districts(pool, "楠梓", "左營")
    number = await begin(pool, until=NIGHT)
    await store.put_off(number, {"payment_deadline": NIGHT}, 0, NOW)
    assert await queue.sweep(1, NOW + timedelta(hours=11)) == 2
    reasons = await pool.fetch("select district, outcome, reason from notifier.notification order by id")
    assert [tuple(row) for row in reasons] == [
        ("楠梓", "expired", "suspended: 凱米颱風"),
        ("左營", "expired", "its time had passed"),
    ]


async def test_a_bill_whose_payment_is_awaited_is_left_out_of_what_is_told(pool: Pool) -> None:
    ids = await districts(pool, "楠梓", "左營")
    await pool.execute(
        "insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, notification_id)"
        " values (1, 'payment_deadline', 'second bill', 'deadline', '1', 'merged', $1)",
        ids[0],
    )
    for subject in (f"B{ids[0]}", f"B{ids[1]}"):
        await pool.execute(
            "insert into notifier.posting_hold (subject, until, attempt_id) values ($1, $2, gen_random_uuid())",
            subject, EVENING,
        )  # fmt: skip
    first, second = await seeds.claim(QueueStore(pool), 1)
    assert (first.subjects, first.grace_until) == (("second bill",), EVENING)
    assert (second.subjects, second.grace_until) == ((), EVENING)
