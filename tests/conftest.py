"""One PostgreSQL cluster per test run, one database per test, cloned from a migrated template.

The controlling process starts the cluster and tells the workers where it is; nothing else is shared.
"""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from notifier.resources import sql_root
from notifier.storage.database import Pool, open_pool
from notifier.storage.embedded import database_url, temporary_server
from notifier.storage.migrations import migrate

TEMPLATES = {"empty": "template0", "notifier": "template_notifier", "source": "template_source"}


class Cluster:
    """The run's cluster: started at the first use, on the controller, with its templates."""

    def __init__(self, url: str) -> None:
        self.url = url  # with {database} to be filled in

    def database(self, name: str) -> str:
        return self.url.replace("DATABASE", name)


def _start(stack: ExitStack) -> str:
    server = stack.enter_context(temporary_server())
    asyncio.run(make_templates(database_url(server, "DATABASE")))
    return database_url(server, "DATABASE")


async def make_templates(url: str) -> None:
    await run_statement(url, "postgres", "create database template_notifier template template0 strategy file_copy")
    await run_statement(url, "postgres", "create database template_source template template0 strategy file_copy")
    connection = await asyncpg.connect(url.replace("DATABASE", "template_notifier"))
    await migrate(connection)
    await connection.close()
    connection = await asyncpg.connect(url.replace("DATABASE", "template_source"))
    for file in ("sample/schema.sql", "sample/views.sql", "reader.sql"):
        await connection.execute((sql_root() / "source" / file).read_text("utf-8"))
    await connection.close()


async def run_statement(url: str, database: str, statement: str) -> None:
    connection = await asyncpg.connect(url.replace("DATABASE", database))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[CLUSTER] = Cluster(config.workerinput["cluster"])
        return
    stack = ExitStack()
    config.stash[CLUSTER] = Cluster(_start(stack))
    config.add_cleanup(stack.close)


def pytest_configure_node(node: Any) -> None:
    node.workerinput["cluster"] = node.config.stash[CLUSTER].url


CLUSTER = pytest.StashKey[Cluster]()


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    return pytestconfig.stash[CLUSTER]


async def _fresh(cluster: Cluster, template: str) -> AsyncIterator[str]:
    name = f"t_{uuid.uuid4().hex[:16]}"
    await run_statement(cluster.url, "postgres", f"create database {name} template {template} strategy file_copy")
    yield cluster.database(name)
    await run_statement(cluster.url, "postgres", f"drop database {name} with (force)")


@pytest.fixture
async def empty_database(cluster: Cluster) -> AsyncIterator[str]:
    """URL of a database with nothing in it."""
    async for url in _fresh(cluster, "template0"):
        yield url


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[str]:
    """URL of a migrated database of the notifier."""
    async for url in _fresh(cluster, "template_notifier"):
        yield url


@pytest.fixture
async def source_database(cluster: Cluster) -> AsyncIterator[str]:
    """URL of a utility's database: sample schema, contract views, reader role; no rows."""
    async for url in _fresh(cluster, "template_source"):
        yield url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with await open_pool(database, name="test", size=5) as opened:
        yield opened


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="notifier-") as path:
        yield Path(path)
