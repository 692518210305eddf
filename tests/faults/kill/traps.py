"""Traps: whichever process passes an armed one first dies there, as by kill -9.

A trap is a file `<folder>/<role> <effect>:<phase>`. Whoever manages to remove it is the one that dies, so a trap kills
once, in whatever process; the controller sees by the missing file that it has. The production code knows nothing of
this: `lay_traps` puts them around stores and channels from outside.

    before   the effect has not begun
    amid     it was asked for and not answered: the server may or may not have carried it out
    after    it has happened, and what follows it has not
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from inspect import getmembers, iscoroutinefunction
from pathlib import Path
from typing import Any

from notifier.app import App

UNDER_WAY = 0.001  # seconds after which a statement or request has left the process and is seldom answered
STORES = (
    "attempts", "audiences", "budgets", "queue", "replies", "runs", "schedules", "source", "wake_ups", "webhooks",
)  # fmt: skip


@dataclass(frozen=True)
class Traps:
    """The traps of the processes of one role."""

    folder: Path
    role: str

    def step_on(self, effect: str, phase: str) -> None:
        """Die, if this trap is armed and nobody else dies of it."""
        try:
            (self.folder / f"{self.role} {effect}:{phase}").unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, effect: str, act: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        async def watched_act(*args: Any, **named: Any) -> Any:
            self.step_on(effect, "before")
            acting = asyncio.ensure_future(act(*args, **named))
            if (self.folder / f"{self.role} {effect}:amid").exists():
                await asyncio.wait({acting}, timeout=UNDER_WAY)
                self.step_on(effect, "amid")
            answer = await acting
            self.step_on(effect, "after")
            return answer

        return watched_act


def lay_traps(app: App, traps: Traps) -> None:
    """Surround what the parts of the app do to the world: stores, channels, the source, wake-ups."""
    effects = {name: getattr(app, name) for name in STORES} | dict(app.catalogue.channels)
    effects["clips"] = app.clips.store
    for name, thing in effects.items():
        for method, act in getmembers(thing, iscoroutinefunction):
            setattr(thing, method, traps.around(f"{name}.{method}", act))
