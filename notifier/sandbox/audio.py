"""Clips of `<Play>`: fetched, measured, and cached as their headers say."""

import asyncio
import re
import struct
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import aiohttp
from yarl import URL

UNKNOWN_SECONDS = 5.0  # length assumed for what is not a WAV
FETCH = aiohttp.ClientTimeout(total=15)  # real seconds
_MAX_AGE = re.compile(r"max-age=(\d+)")


class ClipError(Exception):
    """The clip could not be fetched."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What is kept of a clip: its size, hash and seconds, not the sound."""

    bytes: int
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Cached:
    clip: Clip
    etag: str | None
    fresh_until: float  # seconds of the monotonic clock; caching is real time, as the headers' authors mean it


class Clips:
    """Fetches each clip once while it is fresh, however many people hear it at the same time."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._cached: dict[str, _Cached] = {}
        self._fetching: dict[str, asyncio.Task[Clip]] = {}
        self._asked: Counter[str] = Counter()

    def shown(self) -> list[dict[str, Any]]:
        """Every clip that was asked for: how often, and what it was."""
        return [
            {"url": url, "requests": requests, **(asdict(self._cached[url].clip) if url in self._cached else {})}
            for url, requests in self._asked.items()
        ]

    async def get(self, url: str) -> Clip:
        """The clip at an absolute URL. Raises ClipError."""
        cached = self._cached.get(url)
        if cached and cached.fresh_until > time.monotonic():
            return cached.clip
        fetching = self._fetching.get(url)
        if fetching is None:
            fetching = asyncio.get_running_loop().create_task(self._fetch(url, cached))
            self._fetching[url] = fetching
            fetching.add_done_callback(lambda _: self._fetching.pop(url, None))
        return await asyncio.shield(fetching)  # one listener who hangs up must not take the clip from the others

    async def stop(self) -> None:
        fetching = tuple(self._fetching.values())
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)

    async def _fetch(self, url: str, cached: _Cached | None) -> Clip:
        self._asked[url] += 1
        headers = {"If-None-Match": cached.etag} if cached and cached.etag else {}
        try:
            async with self._session.get(URL(url, encoded=True), headers=headers, timeout=FETCH) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ClipError(f"no clip: {error or type(error).__name__}") from error
        fresh_until = time.monotonic() + _fresh_seconds(response.headers.get("Cache-Control", ""))
        if response.status == 304 and cached:
            self._cached[url] = replace(cached, fresh_until=fresh_until)
            return cached.clip
        if response.status != 200:
            raise ClipError(f"no clip: HTTP {response.status}")
        clip = Clip(len(body), sha256(body).hexdigest(), wav_seconds(body) or UNKNOWN_SECONDS)
        self._cached[url] = _Cached(clip, response.headers.get("ETag"), fresh_until)
        return clip


def wav_seconds(body: bytes) -> float | None:
    """Seconds of a RIFF WAVE file of any format (the `wave` module refuses mu-law); None when it is not one."""
    if body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        return None
    at, bytes_a_second = 12, 0
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        if name == b"fmt " and at + 20 <= len(body):
            (bytes_a_second,) = struct.unpack_from("<I", body, at + 16)
        if name == b"data":
            return min(size, len(body) - at - 8) / bytes_a_second if bytes_a_second else None
        at += 8 + size + size % 2
    return None


def _fresh_seconds(cache_control: str) -> float:
    if "no-store" in cache_control or "no-cache" in cache_control:
        return 0.0
    found = _MAX_AGE.search(cache_control)
    return float(found[1]) if found else 0.0
