"""The sender of the how-to page, run against a house."""

import asyncio
from types import ModuleType
from typing import Any
from urllib.error import HTTPError

import pytest

from notifier.app import Parts
from tests.docs.pages import DOCS, blocks
from tests.events.kit import api_key, inbox
from tests.house import open_house

PAGE = DOCS / "how-to" / "send-us-events.md"


@pytest.fixture
def page() -> Any:
    (text,) = blocks(PAGE, "python")
    made = ModuleType("sender")
    exec(compile(text, PAGE.name, "exec"), made.__dict__)
    return made


async def test_the_sender_of_the_page_sends(database: str, source_database: str, page: Any) -> None:
    async with open_house(database, source_database, parts=Parts(web=True)) as house:
        url, key = house.app.settings.public_url, await api_key(house.app)

        first = await asyncio.to_thread(page.send, url, key, "7301", "bill.paid", "B000000017")
        again = await asyncio.to_thread(page.send, url, key, "7301", "bill.paid", "B000000017")
        with pytest.raises(HTTPError, match="401"):
            await asyncio.to_thread(page.send, url, "notifier_wrong", "7302", "bill.paid", "B000000017")

        (row,) = await inbox(house.app)
        assert first == again == str(row["id"])
        assert (row["type"], row["subject"], row["copies"]) == ("bill.paid", "B000000017", 2)
