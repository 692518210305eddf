"""Runs at the command line: opened once, watched, paused, gone on with, cancelled."""

import asyncio

import pytest

from notifier.app import Parts
from notifier.commands import progress
from notifier.commands.exits import Exit
from notifier.domain.states import RunState
from tests.cli.conftest import ANSWERS, Call, Desk, environment, notifier, run_here, settle_in
from tests.house import open_house


async def test_a_second_launch_with_the_same_key_rings_nobody_and_says_so(desk: Desk) -> None:
    await desk.house.bill(await desk.house.customer(mobile="0912 345 678"))
    await desk.house.people({"calls": {"+886912345678": [ANSWERS]}})

    first = await desk("run", "payment_deadline", "--wait")
    second = await desk("run", "payment_deadline")
    third = await desk("run", "payment_deadline", "--json", "--wait")

    assert first.code == Exit.DONE
    assert first.out.startswith("Run 1 is opened: Payment-deadline reminder.\nIts key is payment_deadline 2026-12-01 ")
    assert "1 = 0 merged + 0 excluded + 0 holdout + 1 settled + 0 held + 0 open" in first.out
    assert second.code == Exit.DONE
    assert second.out.startswith("Run 1 was opened at ")
    assert max(map(len, second.out.splitlines())) <= 80
    assert "Nothing new is sent." in second.out
    assert (third.json["opened"], third.json["run"]["state"]) == (False, "finished")
    assert third.json["tally"]["difference"] == 0
    assert len(await desk.house.ledger("call")) == 1


async def test_two_launches_at_the_same_instant_open_one_run(desk: Desk) -> None:
    await desk.house.bill(await desk.house.customer(mobile="0912 345 678"))

    command = ("run", "payment_deadline", "--key", "same", "--json")
    launches = await asyncio.gather(*[notifier(*command, env=desk.env) for _ in range(2)])

    assert [launch.code for launch in launches] == [Exit.DONE, Exit.DONE]
    assert sorted(launch.json["opened"] for launch in launches) == [False, True]
    assert len({launch.json["run"]["id"] for launch in launches}) == 1
    assert len(await desk.house.app.runs.latest()) == 1


async def test_parameters_make_another_run_and_a_key_belongs_to_one_campaign(desk: Desk) -> None:
    one = await desk("run", "payment_deadline", "--json")
    other = await desk("run", "payment_deadline", "--set", "days=3", "--json")
    same = await desk("run", "payment_deadline", "--set", "days=3", "--key", one.json["run"]["key"])

    assert other.json["opened"]
    assert other.json["run"]["params"] == {"days": 3, "district": ""}
    assert "not those given now" in same.out


async def test_pause_resume_and_cancel(desk: Desk) -> None:
    house = desk.house
    for _ in range(3):
        await house.bill(await house.customer())
    assert (await desk("channels", "pause", "voice", "--reason", "a quiet morning")).code == Exit.DONE
    run = await house.launch()
    await house.ended(run, frozenset({RunState.OPEN}))

    paused = await desk("pause", str(run.id), "--reason", "wrong date")
    watching = asyncio.create_task(desk("run", "payment_deadline", "--key", "test", "--wait"))
    page, again, waited = await asyncio.gather(desk("status", "test"), desk("pause", str(run.id)), watching)
    assert (paused.code, again.code, waited.code) == (Exit.DONE, Exit.UNFINISHED, Exit.UNFINISHED)
    assert "wrong date" in page.out
    assert "a quiet morning" in page.out
    assert "not known while voice stands still: a quiet morning" in page.out
    assert "3 = 0 merged + 0 excluded + 0 holdout + 0 settled + 0 held + 3 open" in page.out

    resumed = await desk("resume", str(run.id))
    again = await desk("resume", str(run.id))
    assert (resumed.code, again.code) == (Exit.DONE, Exit.UNFINISHED)

    assert (await desk("cancel", str(run.id))).code == Exit.USAGE  # nobody is there to be asked
    cancelled = await desk("cancel", str(run.id), "--yes")
    assert cancelled.code == Exit.DONE
    assert "3 notifications were still open" in cancelled.out
    watched = await desk("status", str(run.id), "--watch")
    assert "3 = 0 merged + 0 excluded + 0 holdout + 3 settled + 0 held + 0 open" in watched.out
    assert (await desk("cancel", str(run.id), "--yes")).code == Exit.UNFINISHED
    assert await house.ledger("call") == []


def test_a_run_paused_before_its_audience_is_drawn_draws_it_when_it_goes_on(call: Call, database: str) -> None:
    assert call("run", "payment_deadline", "--key", "k", DATABASE_URL=database).code == Exit.DONE

    assert call("pause", "k", DATABASE_URL=database).code == Exit.DONE
    assert call("status", "k", "--json", DATABASE_URL=database).json["run"]["state"] == "paused"
    assert call("resume", "k", DATABASE_URL=database).code == Exit.DONE

    assert call("status", "k", "--json", DATABASE_URL=database).json["run"]["state"] == "planning"


async def test_while_calls_are_recorded_none_of_them_is_due(
    database: str, source_database: str, monkeypatch: pytest.MonkeyPatch, tidy: None
) -> None:
    async with open_house(database, source_database, parts=Parts()) as house:
        settle_in(monkeypatch, environment(house.app.settings))
        await house.bill(await house.customer())
        run = await house.launch()
        assert await house.app.planner().plan_next()
        page = await asyncio.to_thread(run_here, ["status", "test"])
        line = progress.line(house.app, await progress.read_standing(house.app, run.id))

    assert "1  they wait for their recordings" in page.out
    assert "due now" not in page.out
    assert line.endswith("recording its calls")


async def test_runs_and_schedules_and_channels_are_listed(desk: Desk) -> None:
    run = await desk.house.launch()
    await desk.house.ended(run)

    listed, runs, schedules, channels = await asyncio.gather(
        desk("runs"), desk("runs", "--json"), desk("schedules", "--json"), desk("channels", "--json")
    )

    assert "finished" in listed.out
    assert [(row["id"], row["key"], row["state"]) for row in runs.json] == [(run.id, "test", "finished")]
    assert [row["name"] for row in schedules.json] == ["payment_deadline"]
    assert {row["channel"] for row in channels.json} == {"voice", "sms", "email"}


async def test_a_dry_run_opens_nothing(desk: Desk) -> None:
    await desk.house.bill(await desk.house.customer(mobile="0912 345 678"))

    page = await desk("run", "payment_deadline", "--dry-run")
    figures = await desk("run", "payment_deadline", "--set", "days=3", "--dry-run", "--json")

    assert (page.code, figures.code) == (Exit.DONE, Exit.DONE)
    assert "Payment-deadline reminder" in page.out
    assert figures.json["selected"] == figures.json["notifications"] == 1
    assert await desk.house.app.runs.latest() == []


async def test_a_test_goes_to_ones_own_telephone(desk: Desk) -> None:
    sent = await desk("run", "payment_deadline", "--test-to", "0912-345-678")
    refused = await desk("run", "payment_deadline", "--test-to", "338-3131")

    assert sent.code == Exit.DONE
    assert sent.out.startswith("Sent by voice to +886912345678: queued.")
    assert "台灣電力公司" in sent.out
    assert (refused.code, refused.out) == (Exit.UNFINISHED, "")
    assert [call["to"] for call in await desk.house.ledger("call")] == ["+886912345678"]
