"""The REST API: calls, messages and the account, with basic authentication and faults on demand."""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from multidict import MultiDict

from notifier.sandbox import lists, orders
from notifier.sandbox.calls import Calls
from notifier.sandbox.exchange import API_VERSION, Exchange
from notifier.sandbox.faults import MISSPELT, Switch
from notifier.sandbox.messages import Messages
from notifier.sandbox.orders import RejectedError
from notifier.sandbox.records import Call, Message, Resource
from notifier.sandbox.shapes import account_json, call_json, error_json, message_json
from notifier.sandbox.webhooks import TOTAL

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVER_ERRORS = {503: 20503}


class Rest:
    """Handlers of /2010-04-01/Accounts/{account}/."""

    def __init__(self, exchange: Exchange, auth_token: str, calls: Calls, messages: Messages) -> None:
        self._exchange = exchange
        self._ledger = exchange.ledger
        self._account = exchange.account_sid
        self._calls = calls
        self._messages = messages
        self._started_at = exchange.clock.now()
        login = base64.b64encode(f"{self._account}:{auth_token}".encode()).decode()
        self._authorization = f"Basic {login}".encode()

    def add_routes(self, app: web.Application) -> None:
        account = f"/{API_VERSION}/Accounts/{{account}}"
        for method, path, handler in (
            ("GET", f"{account}.json", self._account_shown),
            ("POST", f"{account}/Calls.json", self._create_call),
            ("GET", f"{account}/Calls.json", self._list_calls),
            ("POST", f"{account}/Calls/{{sid}}.json", self._update_call),
            ("GET", f"{account}/Calls/{{sid}}.json", self._fetch_call),
            ("POST", f"{account}/Messages.json", self._create_message),
            ("GET", f"{account}/Messages.json", self._list_messages),
            ("GET", f"{account}/Messages/{{sid}}.json", self._fetch_message),
        ):
            app.router.add_route(method, path, self._guarded(handler))

    def _guarded(self, handler: Handler) -> Handler:
        """Checks the login and the account, and words every rejection as the carrier does."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            response = await self._answer(handler, request)
            now = self._exchange.clock.now() + self._exchange.faults.skew
            response.headers["Date"] = format_datetime(now, usegmt=True)
            return response

        return guarded

    async def _answer(self, handler: Handler, request: web.Request) -> web.StreamResponse:
        faults = self._exchange.faults
        if faults.now.down.strikes(faults.dice, ""):
            return _server_error(faults.now.down.code)
        try:
            self._check_login(request)
            return await handler(request)
        except RejectedError as rejected:
            return _error(rejected)

    def _check_login(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            raise RejectedError(20003, 401)
        if request.match_info["account"] != self._account:
            raise RejectedError(20404, 404)

    async def _account_shown(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(account_json(self._account, self._started_at))

    async def _create_call(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        return await self._create(request, "calls", form, lambda: self._calls.place(orders.call_order(form)))

    async def _create_message(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        return await self._create(request, "messages", form, lambda: self._messages.place(orders.message_order(form)))

    async def _create(
        self, request: web.Request, resource: Resource, form: MultiDict[str], place: Callable[[], Call | Message]
    ) -> web.StreamResponse:
        to = form.get("To", "")
        if refusal := await self._fault_before(resource, to):
            return refusal
        placed = place()
        if self._strikes("before_response", resource, to):
            await _first_callback(placed)
        if fault := await self._fault_after(request, resource, to):
            return fault
        return web.json_response(self._shown(placed), status=201)

    async def _fault_before(self, resource: Resource, to: str) -> web.Response | None:
        """Faults that leave nothing behind."""
        faults = self._exchange.faults.now
        if self._strikes("latency", resource, to):
            await asyncio.sleep(faults.latency.seconds)
        if self._strikes("refuse", resource, to):
            return _error(RejectedError(20429, 429), {"Retry-After": f"{faults.refuse.seconds:.0f}"})
        if self._strikes("error_before", resource, to):
            return _server_error(faults.error_before.code)
        return None

    async def _fault_after(self, request: web.Request, resource: Resource, to: str) -> web.Response | None:
        """Faults that hide what was placed."""
        faults = self._exchange.faults.now
        if self._strikes("hang_after", resource, to):
            await asyncio.sleep(faults.hang_after.seconds)
        if self._strikes("error_after", resource, to):
            return _server_error(faults.error_after.code)
        if self._strikes("drop_after", resource, to) and request.transport is not None:
            request.transport.abort()
        return None

    def _strikes(self, name: str, resource: Resource, to: str) -> bool:
        faults = self._exchange.faults
        switch: Switch = getattr(faults.now, name)
        return switch.strikes(faults.dice, to, resource)

    async def _fetch_call(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._told(self._call(request)))

    async def _fetch_message(self, request: web.Request) -> web.StreamResponse:
        message = self._ledger.messages.get(request.match_info["sid"])
        if message is None:
            raise RejectedError(20404, 404)
        return web.json_response(self._told(message))

    async def _update_call(self, request: web.Request) -> web.StreamResponse:
        """Only `Status` may change: the sandbox does not move a call in progress to another document."""
        call = self._call(request)
        form = await _form(request)
        if set(form) != {"Status"}:
            raise RejectedError(20001, detail="the sandbox updates Status, and nothing else")
        self._calls.end(call, form["Status"])
        return web.json_response(self._shown(call))

    async def _list_calls(self, request: web.Request) -> web.StreamResponse:
        to = request.query.get("To")
        records = self._ledger.calls_to(to) if to else list(self._ledger.calls.values())
        filters = lists.call_filters(request.query)
        return self._list(request, "calls", records, filters)

    async def _list_messages(self, request: web.Request) -> web.StreamResponse:
        to = request.query.get("To")
        records = self._ledger.messages_to(to) if to else list(self._ledger.messages.values())
        filters = lists.message_filters(request.query)
        return self._list(request, "messages", records, filters)

    def _list(
        self,
        request: web.Request,
        resource: Resource,
        records: Sequence[lists.Record],
        filters: list[lists.Filter[lists.Record]],
    ) -> web.StreamResponse:
        page = lists.page_asked(request.query)
        hidden = timedelta(seconds=self._exchange.faults.now.list_delay.seconds)
        chosen, more = lists.select(records, filters, page, self._exchange.clock.now() - hidden)
        last = chosen[-1].n if more else None
        frame = lists.page_json(request.path, request.query, page, last, len(chosen))
        return web.json_response(frame | {resource: [self._told(record) for record in chosen]})

    def _call(self, request: web.Request) -> Call:
        call = self._ledger.calls.get(request.match_info["sid"])
        if call is None:
            raise RejectedError(20404, 404)
        return call

    def _told(self, record: Call | Message) -> dict[str, Any]:
        """What is told to whoever asks."""
        wrong = self._strikes("misspell_polls", record.track.resource, record.order.to)
        return self._shown(record) | ({"status": MISSPELT} if wrong else {})

    def _shown(self, record: Call | Message) -> dict[str, Any]:
        shape = call_json if isinstance(record, Call) else message_json
        return shape(self._account, record, self._exchange.clock.now(), self._exchange.faults.skew)  # type: ignore[arg-type]


async def _form(request: web.Request) -> MultiDict[str]:
    form = await request.post()
    return MultiDict((name, value) for name, value in form.items() if isinstance(value, str))


async def _first_callback(placed: Call | Message) -> None:
    """Until its first status callback has been delivered, if one was asked for; 15 s at most."""
    if placed.order.status is None:
        return
    placed.track.first = asyncio.Event()
    try:
        async with asyncio.timeout(TOTAL):
            await placed.track.first.wait()
    except TimeoutError:
        return


def _error(rejected: RejectedError, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(error_json(rejected), status=rejected.status, headers=headers)


def _server_error(status: int) -> web.Response:
    return _error(RejectedError(SERVER_ERRORS.get(status, 20500), status))
