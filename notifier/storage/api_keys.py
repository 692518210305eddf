"""Who may call the API: keys that are shown once and kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into

PREFIX = "notifier_"  # so that a key is known for what it is wherever it turns up
RANDOM_BYTES = 32  # too many to be tried: a hash made slow on purpose would only cost each request 50 ms
NOTED = timedelta(minutes=1)  # how exactly the last use is kept


@dataclass(frozen=True)
class ApiKeyQueries:
    add: Query
    find: Query
    note_use: Query
    revoke: Query
    list_keys: Query


@dataclass(frozen=True, slots=True)
class ApiKey:
    name: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class ApiKeyStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(ApiKeyQueries, sql_root() / "api_key.sql")

    async def add(self, name: str, now: datetime) -> str | None:
        """A new key, which cannot be shown again; None when one of this name is in use."""
        key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        added = await self._q.add.fetch_value(self._pool, name=name, hash=_hash(key), now=now)
        return key if added is not None else None

    async def owner(self, key: str, now: datetime) -> str | None:
        """The name the key was given, unless there is no such key any more."""
        hashed = _hash(key)
        row = await self._q.find.fetch_row(self._pool, hash=hashed)
        if row is None:
            return None
        if row["used_at"] is None or now - row["used_at"] > NOTED:
            await self._q.note_use.execute(self._pool, hash=hashed, now=now)
        name: str = row["name"]
        return name

    async def revoke(self, name: str, now: datetime) -> bool:
        """Answers whether a key of this name was in use."""
        return await self._q.revoke.execute(self._pool, name=name, now=now) > 0

    async def all(self) -> list[ApiKey]:
        return [ApiKey(**row) for row in await self._q.list_keys.fetch(self._pool)]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
