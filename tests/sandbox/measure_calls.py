"""Measures how many complete calls a second the sandbox carries on one core.

    python -m tests.sandbox.measure_calls --calls 6000 --scale 300

The sandbox runs in a process of its own, held to one core; the application and the creator of calls share another
process. A complete call is a create, the fetch of its document, four status callbacks and a key pressed; the ledger
says whether each was complete.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web

from notifier.clock import ScaledClock
from notifier.sandbox.server import Sandbox, SandboxSettings

ACCOUNT, TOKEN = "AC" + "0" * 32, "sandbox-token"
CREATES_AT_ONCE = 64
WORDS = '<Response><Gather numDigits="1" action="/answer"><Say>Your bill is due on Friday.</Say></Gather></Response>'
THANKS = "<Response><Say>Thank you.</Say></Response>"


def serve(pipe: Connection, scale: float) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    asyncio.run(_serve(pipe, scale))


async def _serve(pipe: Connection, scale: float) -> None:
    clock = ScaledClock(datetime(2026, 1, 5, 9, tzinfo=UTC), scale, time.time())
    sandbox = Sandbox(SandboxSettings(ACCOUNT, TOKEN), clock)
    await sandbox.start()
    pipe.send(sandbox.url)
    await asyncio.to_thread(pipe.recv)
    await sandbox.stop()
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_utime + resource.getrusage(resource.RUSAGE_SELF).ru_stime)


async def measure(url: str, calls: int) -> tuple[float, int]:
    """Seconds taken, and how many calls were complete."""
    runner, port = await _application()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CREATES_AT_ONCE)) as session:
        everyone = {"calls": {"answer_after": 6, "keys": [{"after": 2, "digit": "1"}]}}
        await (await session.post(f"{url}/people", json={"everyone": everyone})).read()
        began = time.perf_counter()
        limit = asyncio.Semaphore(CREATES_AT_ONCE)
        await asyncio.gather(*(_create(session, url, port, n, limit) for n in range(calls)))
        await (await session.post(f"{url}/settle?timeout=300")).read()
        took = time.perf_counter() - began
        ledger = await (await session.get(f"{url}/ledger")).json()
    await runner.cleanup()
    complete = sum(entry["callbacks_sent"] == 4 and entry["pressed"] == ["1"] for entry in ledger["entries"])
    return took, complete


async def _application() -> tuple[web.AppRunner, int]:
    async def document(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text=THANKS if request.path == "/answer" else WORDS, content_type="text/xml")

    async def callback(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/callback", callback)
    app.router.add_post("/{document}", document)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, runner.addresses[0][1]


async def _create(session: aiohttp.ClientSession, url: str, port: int, n: int, limit: asyncio.Semaphore) -> None:
    form = [
        ("To", f"+8869{n:08d}"),
        ("From", "+886700000000"),
        ("Url", f"http://127.0.0.1:{port}/words?attempt={n}"),
        ("StatusCallback", f"http://127.0.0.1:{port}/callback?attempt={n}"),
        *(("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")),
    ]
    login = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    target = f"{url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    async with limit, session.post(target, data=form, headers=login) as made:
        await made.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=6000)
    parser.add_argument("--scale", type=float, default=300.0)
    wanted = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    sandbox = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, wanted.scale))
    sandbox.start()
    took, complete = asyncio.run(measure(ours.recv(), wanted.calls))
    ours.send("stop")
    busy = ours.recv()
    sandbox.join()
    print(f"{complete} of {wanted.calls} calls complete in {took:.1f} s: {wanted.calls / took:.0f} calls/s")
    print(f"the sandbox used {busy:.1f} s of one core: {1000 * busy / wanted.calls:.2f} ms a call")


if __name__ == "__main__":
    main()
