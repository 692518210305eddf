"""Somebody calls back the number that rang: they hear who we are and where to ask, and nothing of anybody."""

import aiohttp
import pytest

from tests.acceptance.crowd import AGREES, everyone, finished, number
from tests.house import House

OURS = "+886800000001"


async def call_back(house: House, caller: str) -> dict[str, object]:
    url = f"{house.app.settings.public_url}/hooks/voice/inbound"
    async with house.carrier.post("/inbound", json={"from": caller, "to": OURS, "url": url}) as response:
        assert response.status == 201, await response.text()
        sid = (await response.json())["sid"]
    async with house.carrier.post("/settle") as response:
        assert response.status == 200
    (call,) = [entry for entry in await house.ledger("call") if entry["sid"] == sid]
    return call


@pytest.mark.parametrize("caller", [number(1), number(2)], ids=["a customer we rang", "anybody"])
async def test_who_calls_back_hears_who_we_are_and_1911(house: House, caller: str) -> None:
    account = await house.customer(mobile=number(1), name="王示範")
    await house.bill(account, amount=1234)
    await everyone(house, AGREES)
    await finished(house, await house.launch())
    receipts = await house.app.pool.fetchval("select count(*) from notifier.receipt")

    call = await call_back(house, caller)

    heard = "".join(await house.heard(call))
    assert (call["direction"], call["status"], call["errors"]) == ("inbound", "completed", [])
    assert "台灣電力公司" in heard
    assert "Taiwan Power Company" in heard
    assert "請撥一，九，一，一查證" in heard
    assert "dial one, nine, one, one" in heard
    for personal in ("王示範", "一千兩百三十四", "one thousand two hundred", account):
        assert personal not in heard
    assert await house.app.pool.fetchval("select count(*) from notifier.receipt") == receipts, "nothing is kept of it"


async def test_only_the_carrier_is_answered(house: House) -> None:
    url = f"{house.app.settings.public_url}/hooks/voice/inbound"
    async with aiohttp.ClientSession() as session, session.post(url, data={"From": number(1), "To": OURS}) as response:
        assert response.status == 403
