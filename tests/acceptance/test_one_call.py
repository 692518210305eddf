"""One bill, one call: the shortest way through the house, read as a telephone call."""

from notifier.domain.states import RunState
from tests.house import House


async def test_a_customer_hears_the_reminder_and_presses_one(house: House) -> None:
    account = await house.customer(mobile="0912 345 678")
    await house.bill(account, amount=1234)
    await house.people(
        {"calls": {"+886912345678": [{"outcome": "answers", "answer_after": 5, "keys": [{"after": 45, "digit": "1"}]}]}}
    )

    run = await house.ended(await house.launch())

    assert run.state is RunState.FINISHED
    (call,) = await house.ledger("call")
    assert call["to"] == "+886912345678"
    assert call["status"] == "completed"
    assert call["pressed"] == ["1"]
    words = "".join(await house.heard(call))
    assert words.startswith("台灣電力公司")
    assert words.count("新臺幣一千兩百三十四元") == 2
    assert (await house.notification(account))["outcome"] == "acknowledged"
    (attempt,) = await house.attempts(account)
    assert (attempt["disposition"], attempt["action"]) == ("answered", "acknowledge")
    tally = await house.tally(run)
    assert (tally.selected, tally.difference, tally.outcomes) == (1, 0, {"acknowledged": 1})
