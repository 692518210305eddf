"""Recorded words: found by what was asked for, made once by one maker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain.speech import Utterance
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into


@dataclass(frozen=True)
class ClipQueries:
    made: Query
    audio: Query
    sizes: Query
    claim: Query
    keep: Query
    give_up: Query
    seal: Query


class ClipStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(ClipQueries, sql_root() / "clip.sql")

    async def seal(self) -> bytes:
        """The key that clip keys and audio addresses are made with; of this database alone."""
        value: bytes = await self._q.seal.fetch_value(self._pool, name="audio")
        return value

    async def made(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of the clips that exist."""
        return {row["key"] for row in await self._q.made.fetch(self._pool, keys=keys)}

    async def audio(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The sound of those that exist: 8 kHz mono mu-law without a header."""
        return {row["key"]: row["audio"] for row in await self._q.audio.fetch(self._pool, keys=keys)}

    async def sizes(self, connection: Any, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The bytes of those that exist, 8,000 to a second."""
        return {row["key"]: row["size"] for row in await self._q.sizes.fetch(connection, keys=keys)}

    async def claim(
        self, engine: str, wanted: Mapping[bytes, Utterance], maker: int, now: datetime, until: datetime
    ) -> list[bytes]:
        """Those of the clips that are this maker's to make, until the moment given."""
        rows = await self._q.claim.fetch(
            self._pool,
            keys=list(wanted),
            engine=engine,
            locales=[one.locale for one in wanted.values()],
            slow=[one.slow for one in wanted.values()],
            words=[None if one.personal else one.text for one in wanted.values()],
            maker=maker,
            now=now,
            until=until,
        )
        return [row["key"] for row in rows]

    async def keep(self, made: Mapping[bytes, bytes], maker: int, now: datetime) -> set[bytes]:
        """Those that were still this maker's to make."""
        rows = await self._q.keep.fetch(self._pool, keys=list(made), audio=list(made.values()), maker=maker, now=now)
        return {row["key"] for row in rows}

    async def give_up(self, keys: Sequence[bytes], maker: int) -> None:
        await self._q.give_up.execute(self._pool, keys=keys, maker=maker)
