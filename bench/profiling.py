"""Where the time of a process goes: its functions by the profiler, its statements by the clock on the wall."""

import cProfile
import io
import pstats
import re
import time
from collections import defaultdict
from types import TracebackType
from typing import Any

from notifier.storage.queries import Query

TIMED = ("fetch", "fetch_row", "fetch_value", "execute")
MOST = 45  # functions shown
FOLDERS = re.compile(r"\S*/(?=(?:site-packages|lib/python3\.\d+|notifier|bench)/)")


class Profile:
    """A context manager; `report` says what happened inside. Costs about half the speed."""

    def __init__(self) -> None:
        self._profiler = cProfile.Profile()
        self._waited: dict[str, float] = defaultdict(float)
        self._calls: dict[str, int] = defaultdict(int)
        self._cpu = 0.0
        self._plain = {name: getattr(Query, name) for name in TIMED}

    def __enter__(self) -> "Profile":
        for name, method in self._plain.items():
            setattr(Query, name, self._timed(method))
        self._cpu = time.process_time()
        self._profiler.enable()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._profiler.disable()
        self._cpu = time.process_time() - self._cpu
        for name, method in self._plain.items():
            setattr(Query, name, method)

    def report(self, seconds: float) -> str:
        lines = [f"{seconds:.2f} s, of them {self._cpu:.2f} s on the CPU of this process", "", "statement, calls, wall"]
        for name, waited in sorted(self._waited.items(), key=lambda pair: -pair[1]):
            calls = self._calls[name]
            lines.append(f"  {name:<20} {calls:>6}  {waited:7.3f} s  {waited / calls * 1000:8.2f} ms each")
        for order in ("tottime", "cumulative"):
            text = io.StringIO()
            pstats.Stats(self._profiler, stream=text).sort_stats(order).print_stats(MOST)
            lines += ["", f"by {order}", FOLDERS.sub("", text.getvalue())]
        return "\n".join(lines)

    def _timed(self, method: Any) -> Any:
        async def run(query: Query, *args: Any, **given: Any) -> Any:
            start = time.perf_counter()
            try:
                return await method(query, *args, **given)
            finally:
                self._waited[query.name] += time.perf_counter() - start
                self._calls[query.name] += 1

        return run
