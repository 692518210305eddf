"""/healthz: the process runs. /readyz: it can do its work. /metrics: in figures."""

import asyncio
import time
from collections import Counter as Tally
from contextlib import suppress

import asyncpg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from notifier.clock import Clock
from notifier.domain.states import RunState
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import LOST, Pool, database_queries
from notifier.storage.runs import RunStore
from notifier.web.metrics import IN_FLIGHT, PAUSED, RUNS

PATIENCE = 2.0  # real seconds; whoever asks seldom waits longer
# Real seconds for which a database that comes back must answer: when all connections wait for one lock, those that give
# up leave room for a question that is answered, and the next ones fill it.
STEADY = 1.0


class HealthRoutes:
    def __init__(self, clock: Clock, pool: Pool, budgets: BudgetStore, runs: RunStore) -> None:
        self._clock = clock
        self._pool = pool
        self._budgets = budgets
        self._runs = runs
        self._read_only = database_queries().read_only
        self._silent_at = -STEADY

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self._alive),
            web.get("/readyz", self._ready),
            web.get("/metrics", self._metrics),
        ]

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        why = await self.silence() or self._failing() or self._clock.astray
        return web.Response(status=503 if why else 200, text=f"{why or 'ready'}\n")

    def _failing(self) -> str | None:
        """How the database does not do what is asked of it, although it answers."""
        if trouble := self._pool.trouble():
            return f"the database fails: {trouble}"
        return "the database has only just come back" if time.monotonic() < self._silent_at + STEADY else None

    async def silence(self) -> str | None:
        """Why nothing could be read or kept at this moment, or None."""
        try:
            async with asyncio.timeout(PATIENCE):
                read_only = await self._read_only.fetch_value(self._pool)
        except (*LOST, asyncpg.PostgresError) as error:
            self._silent_at = time.monotonic()
            return f"the database does not answer: {type(error).__name__}"
        return "the database is read-only" if read_only else None

    async def _metrics(self, _request: web.Request) -> web.Response:
        with suppress(*LOST):  # /readyz says so; what this process counted itself is still worth having
            async with asyncio.timeout(PATIENCE):
                await self._measure()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _measure(self) -> None:
        for budget in await self._budgets.all():
            IN_FLIGHT.labels(budget.channel).set(budget.in_flight)
            PAUSED.labels(budget.channel).set(1 if budget.paused else 0)
        states = Tally(run.state for run in await self._runs.unfinished())
        for state in RunState:
            RUNS.labels(state.value).set(states.get(state, 0))
