"""Looks at the demo's run while it goes on."""

import time
from datetime import datetime
from typing import TYPE_CHECKING

from notifier.commands.demo_view import Look, moment
from notifier.commands.demo_words import words
from notifier.commands.reasons import in_words
from notifier.commands.words import say
from notifier.domain.forecast import Forecast
from notifier.domain.states import RunState
from notifier.engine.outlook import forecast_run, rounded
from notifier.storage.runs import Run

if TYPE_CHECKING:
    from notifier.app import App
    from notifier.commands.demo_evidence import Witness

AT_REST = frozenset({RunState.FINISHED, RunState.WAITING, RunState.CANCELLED, RunState.FAILED, RunState.PAUSED})
SPAN = 3.0  # real seconds over which the pace is taken
AGAIN = 2.0  # real seconds between two forecasts


class Watch:
    """`run` is as last seen. `waited`: a person has done their part, so that waiting for one is no rest any more."""

    def __init__(self, app: "App", witness: "Witness", run: Run, scale: float, *, waited: bool) -> None:
        self.run = run
        self._rest = AT_REST - {RunState.WAITING} if waited else AT_REST
        self._app = app
        self._witness = witness
        self._scale = scale
        self._made: list[tuple[float, int]] = []
        self._forecast: Forecast | None = None
        self._forecast_at = -AGAIN
        self._scripted = waited

    @property
    def at_rest(self) -> bool:
        return self.run.state in self._rest

    async def look(self) -> Look:
        self.run = await self._app.runs.by_id(self.run.id) or self.run
        planned = self.run.state is not RunState.PLANNING
        if planned and not self._scripted:
            self._scripted = True
            await self._witness.confirm_late_texts(self.run.id)
        now = self._app.clock.now()
        tally = await self._app.runs.tally(self.run)
        progress = await self._app.runs.progress(self.run.id, now)
        await self._look_ahead()
        return Look(
            clock=self._at(now) or "",
            doing=self._doing(),
            tally=tally,
            progress=progress,
            next_at=self._at(progress.next_due_at),
            pace=self._pace(sum(tally.attempts.values())),
            scale=self._scale,
            forecast=self._forecast,
            finish_at=self._at(rounded(self._forecast.at)) if self._forecast else None,
        )

    def _doing(self) -> str | None:
        if self.run.state is RunState.PREPARING:
            return in_words(self.run.waiting_for) or say("state.preparing")
        return words("live.planning") if self.run.state is RunState.PLANNING else None

    async def _look_ahead(self) -> None:
        if time.monotonic() - self._forecast_at >= AGAIN:
            self._forecast_at = time.monotonic()
            self._forecast = await forecast_run(self._app, self.run)

    def _pace(self, attempts: int) -> float:
        """Attempts a real second, over the last few."""
        now = time.monotonic()
        self._made = [(at, made) for at, made in self._made if now - at <= SPAN] + [(now, attempts)]
        (began, before), seconds = self._made[0], now - self._made[0][0]
        return (attempts - before) / seconds if now > began else 0.0

    def _at(self, at: datetime | None) -> str | None:
        return moment(self._app.catalogue.calendar.local(at)) if at else None
