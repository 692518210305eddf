"""kill -9 of workers, web and scheduler in the middle of a run: rule 7's sum holds, nobody is rung twice for one try,
nobody is lost. Judged by the carrier's ledger and the mailbox."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random

import pytest

from notifier.app import Parts
from notifier.domain.states import RunState
from notifier.engine.backoff import wait_for
from notifier.settings import Pace
from notifier.storage.runs import Run
from tests.acceptance.test_source_down import shut
from tests.conftest import Cluster
from tests.faults.kill.fleet import LOOK, Fleet, open_fleet, warm_up
from tests.faults.kill.gaps import CLOSING, EARLY, RUNNING
from tests.faults.kill.process import PATIENCE
from tests.faults.kill.town import QUICK, Customer, make_town, settle_in, wrongs
from tests.house import FAST, TAIPEI, House, open_house

RUNS = 20
KILLS = 10  # in each of them
BEFORE_NINE = datetime(2026, 12, 1, 7, 30, tzinfo=TAIPEI)  # the schedule fires at nine
NEARLY_NINE = BEFORE_NINE.replace(hour=8, minute=0)
SCALE = 1200  # an hour in three seconds
TROUBLE = {
    "error_after": 0.07, "drop_after": 0.07, "refuse": 0.05, "mail_drop": 0.2,
    "lose": 0.1, "double": 0.2, "shuffle": 0.1, "before_response": 0.1,
}  # fmt: skip
PACE = FAST | {"voice": Pace(rate=5, burst=50, most_in_flight=40, reserved=0)}
DRIBBLE = {"voice": Pace(rate=0.015, burst=3, most_in_flight=60, reserved=0)}  # 27 a second of the short form
UNDER_WAY = (RunState.PLANNING, RunState.PREPARING, RunState.OPEN, RunState.WAITING)
AT_RANDOM = "at random"
LONGEST = 200  # real seconds for a run with its deaths; 30 are usual


def plan_of(seed: int) -> list[str]:
    """Where the processes of this run die: in its share of all gaps, in others, and at random moments."""
    dice = Random(f"kill/{seed}")
    early, share, late = EARLY[seed::RUNS], [*RUNNING[seed::RUNS]], CLOSING[seed::RUNS]
    dice.shuffle(share)
    others = [trap for trap in RUNNING if trap not in share and "give_back" not in trap]
    left = KILLS - len(early) - len(share) - len(late)
    at_random = dice.randint(1, left - 1)
    more = [AT_RANDOM] * at_random + dice.sample(others, left - at_random)
    dice.shuffle(more)
    return [*early, *share, *more, *late]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(RUNS))
async def test_nothing_lost_nobody_rung_twice(
    cluster: Cluster, database: str, source_database: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    plan = plan_of(seed)
    killed, seen = await story(cluster, database, source_database, make_town(500), plan, seed=seed)
    assert not (missed := set(plan) - {AT_RANDOM} - set(killed)), f"never passed: {sorted(missed)}"
    assert killed.total() == KILLS
    record_property("killed", dict(killed))
    record_property("seen", dict(seen))


async def test_three_deaths(cluster: Cluster, database: str, source_database: str) -> None:
    """The short form: in the gaps that would hurt most. A phone rings and nobody has written it down; a callback is
    stored and not answered; what it says is applied and nobody is told."""
    plan = ["work voice.send:after", "web attempts.store:after", "work attempts.apply:after"]
    town = make_town(22, QUICK)
    killed, _ = await story(
        cluster, database, source_database, town, plan, start=NEARLY_NINE, scale=1800, pace=FAST | DRIBBLE
    )
    assert set(killed) == set(plan)


async def story(
    cluster: Cluster,
    database: str,
    source: str,
    town: list[Customer],
    plan: Sequence[str],
    *,
    seed: int = 0,
    start: datetime = BEFORE_NINE,
    scale: float = SCALE,
    pace: Mapping[str, Pace] = PACE,
) -> tuple[Counter[str], Counter[str]]:
    """One run with these deaths in it, judged; answers who died where, and what was seen."""
    warm_up()
    async with (
        open_house(database, source, scale=scale, start=start, parts=Parts()) as house,
        open_fleet(house, database, source, pace=pace, twilio={"timeout": PATIENCE}) as fleet,
    ):
        await settle_in(house, town)
        await house.faults(TROUBLE)
        killer = asyncio.create_task(lay_and_wait(fleet, list(plan), Random(f"moments/{seed}"), cluster, source))
        watch = asyncio.create_task(fleet.watch())
        try:
            run = await finished(house, fleet, killer)
            await house.no_more_faults()
            await house.quiet()
            found, seen = await wrongs(house, town)
            tally = await house.tally(run)
        finally:
            for task in (killer, watch):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        assert not found, "\n".join([*found[:20], f"{len(found)} in all", str(dict(fleet.killed))])
        assert not fleet.fallen, (fleet.fallen, fleet.logs()[-4000:])
        assert (tally.difference, tally.open, tally.held) == (0, 0, {})
        return fleet.killed, seen


async def lay_and_wait(fleet: Fleet, plan: list[str], dice: Random, cluster: Cluster, source: str) -> None:
    """Two traps are laid at any time, the next one when somebody has died in one of them."""
    laid: set[str] = set()
    started = False
    while plan or laid:
        while plan and len(laid) < 2:
            if (trap := plan.pop(0)) == AT_RANDOM:
                await asyncio.sleep(dice.uniform(0, 0.5))  # a random moment, not a wait for anything
                fleet.kill(dice.choice(fleet.alive()))
            else:
                fleet.arm(trap)
                laid.add(trap)
            if "give_back" in trap:
                await _blink(cluster, source)
        if not started:
            fleet.start()
            started = True
        await asyncio.sleep(LOOK)
        for trap in laid - fleet.armed():
            fleet.killed[trap] += 1
            laid.discard(trap)


async def _blink(cluster: Cluster, source: str) -> None:
    """The source is away for a moment: what was claimed is given back."""
    async with shut(cluster, source):
        await asyncio.sleep(0.5)


async def finished(house: House, fleet: Fleet, killer: "asyncio.Task[None]") -> Run:
    """The run that the schedule opened, once it has finished and everybody has died who had to."""
    heard = house.app.wake_ups.event("runs")
    latest = time.monotonic() + LONGEST
    while True:
        heard.clear()
        if killer.done():
            killer.result()
        runs = await house.app.runs.latest()
        first = runs[-1][0] if runs else None  # a later morning's has nobody left to tell
        if first and first.state is RunState.FINISHED:
            fleet.disarm()
            return first
        assert not first or first.state in UNDER_WAY, first
        assert time.monotonic() < latest, await what_is_left(house, fleet, first)
        await wait_for(heard, 0.5)


async def what_is_left(house: House, fleet: Fleet, run: Run | None) -> str:
    """Why a run does not end: its state, what is open or held of it, and what the crew last said."""
    if run is None:
        return f"no run was opened; {fleet.logs()[-3000:]}"
    tally = await house.tally(run)
    flights = await house.app.pool.fetch(
        "select f.*, t.state, t.tries, t.free from notifier.in_flight f join notifier.attempt t on t.id = f.attempt_id"
    )
    left = [f"{run.state} {run.reason} {run.waiting_for}", f"open {tally.open}, held {tally.held}", str(tally.outcomes)]
    left += [*map(str, flights[:10]), *await why_held(house)]
    return "\n".join([*left, str(fleet.armed()), str(dict(fleet.killed)), fleet.logs()[-3000:]])


async def why_held(house: House) -> list[str]:
    """What our log and the carrier's ledger say of a few that are held."""
    attempts = await house.app.pool.fetch(
        "select t.*, n.held, n.reason from notifier.notification n join notifier.attempt t on t.notification_id = n.id"
        " where n.held is not null and n.outcome is null order by t.id limit 20"
    )
    receipts = await house.app.pool.fetch(
        "select * from notifier.receipt where attempt_id = any ($1) order by at", [one["id"] for one in attempts]
    )
    addresses = {one["address"] for one in attempts}
    entries = [entry for entry in await house.ledger() if entry.get("to") in addresses]
    return [f"{dict(row)}" for row in (*attempts, *receipts)] + [str(entry) for entry in entries]
