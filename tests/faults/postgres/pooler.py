"""PgBouncer in transaction mode, as Debian installs it, between the notifier and a server."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.faults.postgres.story import comes
from tests.house import free_port

FOUND = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def found_or_skip() -> None:
    """Where it is lacking its tests are skipped, and say so; but not where everything must be tested."""
    if FOUND is None:
        if os.environ.get("CI"):
            pytest.fail("pgbouncer is not installed (Debian: apt install pgbouncer)")
        pytest.skip("PGBOUNCER IS NOT TESTED: it is not installed (Debian: apt install pgbouncer)")


@dataclass
class Pooler:
    settings: Path
    port: int
    process: asyncio.subprocess.Process | None = field(default=None)

    async def start(self) -> None:
        assert FOUND is not None
        self.process = await asyncio.create_subprocess_exec(
            FOUND, str(self.settings), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await comes(self.listens)

    async def listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def pooler(url: str) -> AsyncIterator[Pooler]:
    """In front of the server that this URL leads to by its socket."""
    socket = Path(parse_qs(urlsplit(url).query)["host"][0])
    with tempfile.TemporaryDirectory(prefix="notifier-pooler-") as folder:
        os.chmod(folder, 0o755)
        owner = socket.owner()  # noqa: ASYNC240
        file, port = Path(folder) / "pgbouncer.ini", free_port()
        lines = [
            "[databases]",
            f"* = host={socket} user=postgres",
            "[pgbouncer]",
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =",
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 8",
            # It refuses to be root, and must reach the server's socket.
            *([f"user = {owner}"] if os.geteuid() == 0 else []),
        ]
        file.write_text("\n".join(lines) + "\n")
        made = Pooler(file, port)
        await made.start()
        try:
            yield made
        finally:
            await made.kill()
