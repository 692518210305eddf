"""POST and DELETE /v1/suppressions: other systems ban an address and lift bans. An address is never part of a URL."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web

from notifier.clock import Clock
from notifier.domain.address import NoAddress, read_address
from notifier.domain.purpose import Purpose
from notifier.storage.api_keys import ApiKeyStore
from notifier.storage.database import LOST
from notifier.storage.suppressions import Suppression, SuppressionStore
from notifier.web.callers import caller_of, no_key
from notifier.web.problems import problem

log = structlog.get_logger()

PATH = "/v1/suppressions"
STORED_WITHIN = 8.0  # real seconds
LONGEST_REASON = 200  # characters
PURPOSES = tuple(purpose.value for purpose in Purpose)

Answer = Callable[[web.Request, str], Awaitable[web.Response]]


class BadField(ValueError):
    """A member of the body that cannot be used: its name, and what is wrong with it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


class SuppressionRoutes:
    def __init__(self, clock: Clock, keys: ApiKeyStore, suppressions: SuppressionStore) -> None:
        self._clock = clock
        self._keys = keys
        self._suppressions = suppressions

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._guarded(self._add)), web.delete(PATH + "/{id}", self._guarded(self._undo))]

    def _guarded(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        """By a key that is in use; what is wrong is said as a problem."""

        async def handle(request: web.Request) -> web.Response:
            try:
                async with asyncio.timeout(STORED_WITHIN):
                    caller = await caller_of(request, self._keys, self._clock)
                    return no_key() if caller is None else await answer(request, caller)
            except BadField as error:
                return problem(400, "bad-field", "Bad field", f"{error.field} {error.detail}.", field=error.field)
            except LOST as error:
                log.warning("suppressions.not_stored", error=type(error).__name__)
                again = {"Retry-After": "5"}
                return problem(503, "not-stored", "Not stored", "The database did not take it. Send it again.", again)

        return handle

    async def _add(self, request: web.Request, caller: str) -> web.Response:
        body = await _body(request, {"address", "purpose", "reason"})
        address = _address(_text(body, "address"))
        purpose = body.get("purpose")
        if purpose is not None and purpose not in PURPOSES:
            raise BadField("purpose", f"is none of {', '.join(PURPOSES)}")
        added, fresh = await self._suppressions.add(address, purpose, _text(body, "reason"), caller, self._clock.now())
        log.info("suppressions.added", key=caller, suppression=added.id, fresh=fresh)
        return web.json_response(_plain(added), status=201 if fresh else 200)

    async def _undo(self, request: web.Request, caller: str) -> web.Response:
        reason = _text(await _body(request, {"reason"}), "reason")
        named = request.match_info["id"]
        undone = None
        if named.isascii() and named.isdigit() and len(named) < 19:
            undone = await self._suppressions.undo(int(named), caller, reason, self._clock.now())
        if undone is None:
            return problem(404, "no-suppression", "No such suppression", "None of this id is in force.")
        log.info("suppressions.undone", key=caller, suppression=undone.id)
        return web.json_response(_plain(undone))


async def _body(request: web.Request, known: set[str]) -> Mapping[str, Any]:
    body: Any = None
    with suppress(ValueError):
        body = json.loads(await request.read())
    if not isinstance(body, dict):
        raise BadField("body", "is no JSON object")
    if unknown := sorted(body.keys() - known):
        raise BadField(unknown[0], f"is not known; there are {', '.join(sorted(known))}")
    return body


def _text(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise BadField(field, "is missing, empty or no text")
    if len(value) > LONGEST_REASON or not value.isprintable():
        raise BadField(field, f"is longer than {LONGEST_REASON} characters, or has some that cannot be printed")
    return value.strip()


def _address(text: str) -> str:
    try:
        return read_address(text)
    except NoAddress as error:
        raise BadField("address", f"cannot be used ({error})") from error


def _plain(one: Suppression) -> dict[str, Any]:
    """Without the address: the caller has it, and logs on the way need not."""
    return {
        "id": str(one.id),
        "purpose": one.purpose,
        "reason": one.reason,
        "since": one.since.isoformat(),
        "undone_at": one.undone_at.isoformat() if one.undone_at else None,
    }
