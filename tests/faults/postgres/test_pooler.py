"""Everything but LISTEN goes through PgBouncer in transaction mode, and outlives its restart."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.faults.postgres.pooler import Pooler, found_or_skip, pooler
from tests.faults.postgres.story import tell
from tests.faults.proxy import Proxy, open_proxy, tcp
from tests.house import open_house


@asynccontextmanager
async def pooled(database: str) -> AsyncIterator[tuple[Pooler, Proxy, str]]:
    """A wire to a pooler before the database, and its URL over both."""
    found_or_skip()
    async with pooler(database) as bouncer, open_proxy(tcp(bouncer.port)) as proxy:
        yield bouncer, proxy, f"postgresql://postgres:@127.0.0.1:{proxy.port}{urlsplit(database).path}?sslmode=disable"


@pytest.mark.long
async def test_a_run_goes_through_it(database: str, source_database: str) -> None:
    """With more statements at the same time than it has connections to the server."""
    async with (
        pooled(database) as (_, _, url),
        open_house(url, source_database, scale=2400, direct_database_url=database, pool_size=20) as house,
    ):
        await customers(house, 20)
        await everyone(house)
        await finished(house, await house.launch())
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(20)}


@asynccontextmanager
async def killed(bouncer: Pooler) -> AsyncIterator[None]:
    await bouncer.kill()
    yield
    await bouncer.start()


@pytest.mark.long
@pytest.mark.timeout(150)
@pytest.mark.usefixtures("hasty")
async def test_it_is_restarted(
    database: str, source_database: str, record_property: Callable[[str, object], None]
) -> None:
    async with pooled(database) as (bouncer, proxy, url):
        await tell(url, proxy, source_database, record_property, killed(bouncer), 4.0, direct_database_url=database)
