"""The control API beside the carrier's own: whom it really rang, and what goes wrong next.

It asks for no login, and answers loopback only.

- `GET /ledger?since=N` -> `{"entries": [...], "next": N}`: every call and message placed, in order (`records.py`)
- `GET /mailbox?since=N&to=ADDRESS` -> `{"mails": [...], "next": N, "reports": [...]}`: every mail kept (`mailbox.py`),
  and what came back of mails: kind, to whom, and how handing it over was answered
- `GET /clips` -> `{"clips": [...]}`: each URL that was played, with how often it was requested, and its bytes, hash and
  seconds (`audio.py`)
- `POST /people` scripts what people do next (`people.py`):
  `{"calls": {"+886900000001": [{"answer_after": 4, "keys": [{"after": 12, "digit": "1"}], "hang_up_after": null},
  {"outcome": "busy"}]}, "messages": {"+886900000001": [{"outcome": "undelivered", "error_code": 30003}]},
  "everyone": {"calls": {"outcome": "no_answer"}}}`
- `POST /faults` sets faults, `DELETE` clears them all, `GET` shows them with how often they struck (`faults.py`):
  `{"refuse": {"next": 3}, "lose": 0.2, "hang_after": {"share": 0.1, "seconds": 30, "resource": "calls"}}`
- `POST /inbound` lets somebody call a number of the account, whose configuration names the URL that answers; what they
  hear is in the ledger: `{"from": "+886900000001", "to": "+886800000001", "url": "https://...", "hang_up_after": null}`
- `POST /settle?timeout=SECONDS` waits until no call, message or callback is under way: 200, or 504
- `GET /health` -> counts, and the sandbox's time
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from notifier.sandbox.calls import Calls
from notifier.sandbox.exchange import Exchange
from notifier.sandbox.faults import FaultError
from notifier.sandbox.mailbox import Mailbox
from notifier.sandbox.orders import RejectedError, inbound_order
from notifier.sandbox.people import Behaviour, ScriptError

LEDGER_PAGE = 500  # entries written at a time; others get a turn in between
SETTLE = 60.0  # real seconds

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Handlers of /health, /ledger, /clips, /faults, /people, /mailbox and /settle."""

    def __init__(self, exchange: Exchange, mailbox: Mailbox, calls: Calls) -> None:
        self._calls = calls
        self._exchange = exchange
        self._mailbox = mailbox

    def add_routes(self, app: web.Application) -> None:
        for method, path, handler in (
            ("GET", "/health", self._health),
            ("GET", "/ledger", self._ledger),
            ("GET", "/clips", self._clips),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._set_faults),
            ("DELETE", "/faults", self._reset_faults),
            ("POST", "/people", self._script_people),
            ("GET", "/mailbox", self._mails),
            ("POST", "/inbound", self._call_in),
            ("POST", "/settle", self._settle),
        ):
            app.router.add_route(method, path, _guarded(handler))

    async def _health(self, _: web.Request) -> web.StreamResponse:
        ledger = self._exchange.ledger
        counts = {"calls": len(ledger.calls), "messages": len(ledger.messages), "mails": len(self._mailbox.mails)}
        state = {"status": "ok", "now": self._exchange.clock.now().isoformat(), "active": len(self._exchange.activity)}
        return web.json_response(state | counts)

    async def _ledger(self, request: web.Request) -> web.StreamResponse:
        """`{"entries": [...], "next": N}`; ask again with `?since=N` for what was placed later."""
        since = max(int(_number(request, "since", 0)), 0)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"entries": [')
        count, separator = 0, ""
        for entries in self._exchange.ledger.pages(since, LEDGER_PAGE):
            await response.write((separator + ", ".join(json.dumps(entry) for entry in entries)).encode())
            count, separator = count + len(entries), ", "
        await response.write(f'], "next": {since + count}}}'.encode())
        await response.write_eof()
        return response

    async def _clips(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"clips": self._exchange.clips.shown()})

    async def _faults(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._exchange.faults.shown())

    async def _set_faults(self, request: web.Request) -> web.StreamResponse:
        self._exchange.faults.merge(await _object(request))
        return web.json_response(self._exchange.faults.shown())

    async def _reset_faults(self, _: web.Request) -> web.StreamResponse:
        self._exchange.faults.reset()
        return web.json_response(self._exchange.faults.shown())

    async def _script_people(self, request: web.Request) -> web.StreamResponse:
        self._exchange.crowd.script(await _object(request))
        return web.Response(status=204)

    async def _call_in(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        leaves = wanted.get("hang_up_after")
        order = inbound_order(*(str(wanted.get(name, "")) for name in ("from", "to", "url")))
        call = self._calls.take(order, Behaviour(hang_up_after=None if leaves is None else float(leaves)))
        return web.json_response({"sid": call.sid}, status=201)

    async def _mails(self, request: web.Request) -> web.StreamResponse:
        since = int(_number(request, "since", 0))
        return web.json_response(
            {
                "mails": self._mailbox.shown(since, request.query.get("to")),
                "next": len(self._mailbox.mails),
                "reports": [asdict(report) for report in self._mailbox.returned.reports],
            }
        )

    async def _settle(self, request: web.Request) -> web.StreamResponse:
        """200 once nothing is under way; 504 when something still is after `?timeout` real seconds."""
        settled = await self._exchange.activity.settle(_number(request, "timeout", SETTLE))
        active = len(self._exchange.activity)
        return web.json_response({"settled": settled, "active": active}, status=200 if settled else 504)


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not (request.remote and ipaddress.ip_address(request.remote).is_loopback):
            return _refused("the control API answers loopback only", 403)
        try:
            return await handler(request)
        except (FaultError, ScriptError, RejectedError, _RequestError) as error:
            return _refused(str(error), 400)

    return guarded


class _RequestError(ValueError):
    """A request that cannot be read."""


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        wanted = await request.json()
    except ValueError as error:
        raise _RequestError(f"not JSON: {error}") from error
    if not isinstance(wanted, dict):
        raise _RequestError("expected a JSON object")
    return wanted


def _number(request: web.Request, name: str, default: float) -> float:
    try:
        return float(request.query.get(name, default))
    except ValueError as error:
        raise _RequestError(f"{name}: expected a number") from error


def _refused(why: str, status: int) -> web.Response:
    return web.json_response({"error": why}, status=status)
