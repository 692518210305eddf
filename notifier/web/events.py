"""POST /v1/events: what happened elsewhere, as CloudEvents; on disk before it is answered."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from aiohttp import web

from notifier.clock import Clock
from notifier.domain.event import FAULTS, Arrival, Flaw
from notifier.storage.api_keys import ApiKeyStore
from notifier.storage.database import LOST, WakeUps
from notifier.storage.events import EventStore
from notifier.web.callers import caller_of, no_key
from notifier.web.cloud_events import BATCHED, STRUCTURED, BadBody, UnknownMedia, read_request
from notifier.web.problems import problem

log = structlog.get_logger()

PATH = "/v1/events"
MOST_BODY = 1024 * 1024  # bytes; of one event, every carrier of CloudEvents forwards 64 KiB
MOST_EVENTS = 1000  # in one batch
STORED_WITHIN = 8.0  # real seconds


class EventRoutes:
    def __init__(self, clock: Clock, keys: ApiKeyStore, events: EventStore, wake_ups: WakeUps) -> None:
        self._clock = clock
        self._keys = keys
        self._events = events
        self._wake_ups = wake_ups

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._take)]

    async def _take(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(STORED_WITHIN):
                return await self._answer(request)
        except LOST as error:
            log.warning("events.not_stored", error=type(error).__name__)
            return problem(
                503, "not-stored", "Not stored", "The database did not take it. Send it again.", {"Retry-After": "5"}
            )

    async def _answer(self, request: web.Request) -> web.Response:
        owner = await caller_of(request, self._keys, self._clock)
        if owner is None:
            return no_key()
        try:
            body = await request.clone(client_max_size=MOST_BODY).read()
            arrivals = read_request(request.content_type, request.charset, request.headers, body)
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "too-large", "Too large", f"A request may have {MOST_BODY} bytes.")
        except UnknownMedia:
            return problem(415, "unknown-media", "Not CloudEvents over HTTP", _modes())
        except BadBody as error:
            arrivals = [Arrival("", "", None, None, flaw=error.flaw)]
        if len(arrivals) > MOST_EVENTS:
            return problem(413, "too-many", "Too many events", f"A batch may have {MOST_EVENTS} events.")
        return await self._store(request.content_type == BATCHED, owner, arrivals)

    async def _store(self, batched: bool, owner: str, arrivals: Sequence[Arrival]) -> web.Response:
        ids = await self._events.store(arrivals, self._clock.real_now(), recount=True)
        taken = [str(number) for number, one in zip(ids, arrivals, strict=True) if one.flaw is None]
        flaws = [(place, one.flaw) for place, one in enumerate(arrivals) if one.flaw is not None]
        if taken:
            with suppress(*LOST):  # what is stored is found by the next poll
                await self._wake_ups.send("events")
        if flaws:
            log.warning("events.refused", key=owner, refused=len(flaws), taken=len(taken), first=str(flaws[0][1]))
            return _refusal(flaws, taken, batched)
        return web.json_response({"ids": taken} if batched else {"id": taken[0]}, status=202)


def _modes() -> str:
    return f"Send {STRUCTURED} or {BATCHED} in UTF-8, or the attributes as ce-* headers."


def _refusal(flaws: Sequence[tuple[int, Flaw]], taken: Sequence[str], batched: bool) -> web.Response:
    """Which field of which event is wrong. What is good of a batch has been taken all the same: an event that can never
    be read must not keep the others back."""
    errors = [{"event": place, "field": flaw.field, "detail": FAULTS[flaw.fault]} for place, flaw in flaws]
    first = flaws[0][1]
    more: dict[str, object] = {"taken": taken, "errors": errors} if batched else {"field": first.field}
    return problem(400, "bad-event", "Bad event", f"{first.field} {FAULTS[first.fault]}.", None, **more)
