"""What looks wrong stops by itself and says why: calls nobody could hear, a list everybody hangs up on."""

from notifier.app import Parts
from notifier.domain.states import RunState
from notifier.engine.keeper import PROBE
from tests.acceptance.crowd import customers
from tests.house import House, open_house

NOBODY = "http://127.0.0.1:1"  # nothing listens there


async def voice(house: House) -> str | None:
    return {budget.channel: budget.paused for budget in await house.app.budgets.all()}["voice"]


async def test_no_call_is_made_that_would_be_silent(database: str, source_database: str) -> None:
    parts = Parts(work=True, keep=True)
    async with open_house(database, source_database, parts=parts, public_url=NOBODY) as house:
        await house.app.keeper().probe_channels()
        assert "public address" in (await voice(house) or "")
        account = await house.customer(mobile="0912345678", email="somebody@customer.example")
        await house.bill(account)
        await house.launch()
        mail_only = await house.customer(mobile=None, email="other@customer.example")
        await house.bill(mail_only)

        await house.ended(await house.launch("mail goes on"), frozenset({RunState.FINISHED}))

        assert [mail["rcpt_tos"] for mail in await house.mailbox()] == [["other@customer.example"]]
        assert await house.ledger("call") == []
        assert (await house.notification(account))["state"] == "pending"


async def test_a_good_probe_lifts_the_pause_of_a_bad_one_and_no_other(house: House) -> None:
    await house.app.budgets.pause("voice", f"{PROBE}our public address does not answer")
    await house.app.keeper().probe_channels()
    assert await voice(house) is None
    await house.app.budgets.pause("voice", "the carrier is at work until noon")
    await house.app.keeper().probe_channels()
    assert await voice(house) == "the carrier is at work until noon"
    assert not await house.app.budgets.pause_by_probe("voice", f"{PROBE}it does not answer")
    assert await voice(house) == "the carrier is at work until noon"


async def test_a_run_everybody_hangs_up_on_pauses(database: str, source_database: str) -> None:
    watch = {"sample": 20}
    # At this scale the half hour that is watched is longer than the 5 s between two looks.
    async with open_house(database, source_database, scale=120, watch=watch) as house:
        await customers(house, 60)
        await house.people({"everyone": {"calls": {"outcome": "answers", "answer_after": 2, "hang_up_after": 1}}})
        run = await house.launch()

        paused = await house.ended(run, frozenset({RunState.PAUSED}))

        assert "hung up on at once" in (paused.reason or "")
        assert (await house.tally(paused)).difference == 0
