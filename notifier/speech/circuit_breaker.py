"""Leaves a service alone that fails, longer each time, and lets one request try whether it is back. Real seconds."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from notifier.domain.speech import EngineAway

FAILURES = 5  # in a row
FIRST = 30.0  # seconds left alone; as long again at each failed probe
LONGEST = 3600.0
PROBE = 5.0  # seconds; about when it is known how a probe went


class Throttled(EngineAway):
    """The service asks to be left alone: the circuit opens at once. `after`: for how long, if it said so."""


class CircuitBreaker:
    """Closed: everybody may ask. Open: nobody. Then one at a time, until one succeeds."""

    def __init__(
        self, *, failures: int = FAILURES, first: float = FIRST, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._first = first
        self._now = now
        self._failures = 0  # in a row
        self._openings = 0  # in a row; none: closed
        self._until = 0.0
        self._probing = False

    def check(self) -> None:
        """Raises EngineAway while the service is left alone."""
        if self._openings and (left := self._until - self._now()) > 0:
            raise EngineAway("the speech service is left alone after its failures", timedelta(seconds=left))
        if self._probing:
            raise EngineAway("it is being tried whether the speech service is back", timedelta(seconds=PROBE))

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one request: an EngineAway within counts as a failure, and says how long to stay away."""
        self.check()
        openings = self._openings
        probe = self._probing = openings > 0
        try:
            yield
        except EngineAway as error:
            self._fail(error, openings)
            raise EngineAway(str(error), self._left()) from error
        else:
            self._succeed(openings)
        finally:
            if probe:
                self._probing = False

    def _succeed(self, openings: int) -> None:
        if openings == self._openings:  # else the circuit opened meanwhile: others know better
            self._failures = self._openings = 0

    def _fail(self, error: EngineAway, openings: int) -> None:
        self._failures += 1
        throttled = isinstance(error, Throttled)
        if openings == self._openings and (openings or throttled or self._failures >= self._most):
            self._open()
        if throttled and error.after is not None:
            self._until = max(self._until, self._now() + error.after.total_seconds())

    def _open(self) -> None:
        self._openings += 1
        seconds = min(self._first * 2 ** min(self._openings - 1, 32), LONGEST)
        # Only ever later: the workers that fell together do not all come back at the earliest moment.
        self._until = self._now() + seconds * random.uniform(1.0, 1.5)  # noqa: S311 - jitter

    def _left(self) -> timedelta | None:
        return timedelta(seconds=max(0.0, self._until - self._now())) if self._openings else None
