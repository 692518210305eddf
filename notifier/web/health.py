"""/healthz: the process runs. /readyz: it can do its work. /metrics: in figures."""

from collections import Counter as Tally
from contextlib import suppress

import asyncpg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from notifier.domain.states import RunState
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import LOST, Pool, database_queries
from notifier.storage.runs import RunStore
from notifier.web.metrics import IN_FLIGHT, PAUSED, RUNS


class HealthRoutes:
    def __init__(self, pool: Pool, budgets: BudgetStore, runs: RunStore) -> None:
        self._pool = pool
        self._budgets = budgets
        self._runs = runs
        self._server_time = database_queries().server_time

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self._alive),
            web.get("/readyz", self._ready),
            web.get("/metrics", self._metrics),
        ]

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        try:
            await self._server_time.fetch_value(self._pool)
        except (*LOST, asyncpg.PostgresError) as error:
            return web.Response(status=503, text=f"the database does not answer: {type(error).__name__}\n")
        return web.Response(text="ready\n")

    async def _metrics(self, _request: web.Request) -> web.Response:
        with suppress(*LOST):  # /readyz says so; what this process counted itself is still worth having
            await self._measure()
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _measure(self) -> None:
        for budget in await self._budgets.all():
            IN_FLIGHT.labels(budget.channel).set(budget.in_flight)
            PAUSED.labels(budget.channel).set(1 if budget.paused else 0)
        states = Tally(run.state for run in await self._runs.unfinished())
        for state in RunState:
            RUNS.labels(state.value).set(states.get(state, 0))
