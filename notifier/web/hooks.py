"""Callbacks: known by our own attempt id, verified by the channel, on disk before they are answered."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiohttp import web

from notifier.clock import Clock
from notifier.domain.attempt_id import AttemptId, read_attempt_id
from notifier.domain.channel import Channel, Hook, HookCall, HookReply
from notifier.domain.errors import Forged
from notifier.domain.message import read_message
from notifier.engine.choices import Choices
from notifier.engine.inbox import Intake
from notifier.storage.attempts import AttemptStore
from notifier.storage.database import LOST
from notifier.web.metrics import CALLBACKS

log = structlog.get_logger()

WORDS_WITHIN = 4.0  # real seconds for what a call is to say; with STORED_WITHIN less than the carrier's 15 s

NOTHING_SAID: Mapping[str, Any] = {"message": None}
PROBE = "probe"  # asks whether calls would be heard: not by a process that cannot read what they are to say

Silence = Callable[[], Awaitable[str | None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HookRoutes:
    """Serves every hook of every channel at /hooks/<channel>/<path>."""

    def __init__(
        self,
        public_url: str,
        clock: Clock,
        attempts: AttemptStore,
        intake: Intake,
        choices: Choices,
        silence: Silence,
    ) -> None:
        self._public_url = public_url
        self._clock = clock
        self._attempts = attempts
        self._intake = intake
        self._choices = choices
        self._silence = silence

    def routes(self, channel: Channel) -> list[web.RouteDef]:
        return [
            web.route(method, f"/hooks/{channel.name}/{hook.path}", self._handler(channel, hook))
            for hook in channel.hooks
            if not hook.by_mail
            for method in ("GET", "POST")
        ]

    def _handler(self, channel: Channel, hook: Hook) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if hook.path == PROBE and (why := await self._silence()):
                return web.Response(status=503, text=f"{why}\n")
            try:
                reply = hook.answer(await self._call(channel, hook, request))
            except Forged as error:
                CALLBACKS.labels(channel.name, hook.path, "forged").inc()
                log.warning("hook.forged", channel=channel.name, hook=hook.path, reason=str(error))
                return web.Response(status=403, text="not signed by the provider\n")
            if reply.day:
                reply = reply.standing(await self._choices.standing(attempt_of(request), reply.day))
            return await self._store_and_answer(channel, hook, reply)

        return handle

    async def _store_and_answer(self, channel: Channel, hook: Hook, reply: HookReply) -> web.Response:
        if reply.receipts:
            try:
                await self._intake.take(reply.receipts)
            except LOST:
                CALLBACKS.labels(channel.name, hook.path, "lost").inc()
                return web.Response(status=503, text="not stored; please send it again\n")
        CALLBACKS.labels(channel.name, hook.path, "taken").inc()
        return web.Response(status=reply.status, text=reply.body, content_type=reply.content_type)

    async def _call(self, channel: Channel, hook: Hook, request: web.Request) -> HookCall:
        body = await request.read()
        form = await request.post() if request.content_type == "application/x-www-form-urlencoded" else {}
        attempt = attempt_of(request)
        return HookCall(
            url=self._public_url + request.raw_path,
            headers=request.headers,
            parameters=list(request.query.items()),
            form=[(name, str(value)) for name, value in form.items()],
            body=body,
            attempt=attempt,
            at=self._clock.now(),
            **await self._said(channel, attempt) if hook.speaks else NOTHING_SAID,
        )

    async def _said(self, channel: Channel, attempt: AttemptId | None) -> Mapping[str, Any]:
        """What the attempt says, and what is known of that, by the names of a HookCall; without words when it is not
        known, or cannot be read: a call must go on."""
        if attempt is None:
            return NOTHING_SAID
        try:
            async with asyncio.timeout(WORDS_WITHIN):
                found = await self._attempts.message_of(attempt)
        except LOST:
            log.warning("hook.database_lost", channel=channel.name, attempt=str(attempt))
            return {**NOTHING_SAID, "out_of_reach": True}
        if found is None or found.channel != channel.name or found.message is None:
            return NOTHING_SAID
        try:
            return {"message": read_message(found.message), "machine": found.machine, "unplayed": found.unplayed}
        except (ValueError, TypeError, KeyError):
            log.exception("hook.message_unreadable", attempt=str(attempt))
            return NOTHING_SAID


def attempt_of(request: web.Request) -> AttemptId | None:
    return read_attempt_id(request.query.get("attempt", ""))
