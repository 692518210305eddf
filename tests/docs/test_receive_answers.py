"""The receiver of the how-to page takes what a house sends."""

import asyncio
from types import ModuleType
from typing import Any

import pytest

from notifier.app import Parts
from notifier.domain.delivery import DeliveryState
from tests.docs.pages import DOCS, blocks
from tests.house import free_port, open_house
from tests.office.kit import all_in, happened

PAGE = DOCS / "how-to" / "receive-answers.md"


@pytest.fixture
def page() -> Any:
    (text,) = blocks(PAGE, "python")
    made = ModuleType("receiver")
    exec(compile(text, PAGE.name, "exec"), made.__dict__)
    return made


async def test_the_receiver_of_the_page_acts_once(database: str, source_database: str, page: Any) -> None:
    port, acted = free_port(), []
    async with open_house(database, source_database, parts=Parts(work=True), webhook_private=True) as house:
        store, now = house.app.webhooks, house.clock.now()
        secret = await store.add("cases", f"http://127.0.0.1:{port}/answers", None, now)
        server = page.serve(secret, port, acted.append, set())
        serving = asyncio.create_task(asyncio.to_thread(server.serve_forever))
        try:
            await happened(house.app, "B1", "B1")
            await all_in(house, "delivered", 2)
            (subscriber,) = await store.all()
            assert await store.replay(subscriber.id, now, states=[DeliveryState.DELIVERED], since=now) == 2
            await house.app.wake_ups.send("outbox")
            await all_in(house, "delivered", 2)
        finally:
            server.shutdown()
            await serving
            server.server_close()

    assert [event["data"]["number"] for event in acted] == [1, 2]
    assert subscriber.dead == 0
