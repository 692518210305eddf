"""A carrier that plays canned answers, and calls to hooks signed as the carrier signs them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from notifier.domain.attempt_id import AttemptId, make_attempt_id, read_attempt_id
from notifier.domain.channel import Channel, HookCall, HookReply, Surroundings, TwilioAccount
from notifier.domain.message import Action, Message, Script, SmsMessage, VoiceMessage

NOW = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
ATTEMPT: AttemptId = make_attempt_id(NOW, b"0123456789")
PUBLIC_URL = "https://notify.example.tw"
PHONE = "+886287654321"
MOBILE = "+886900000111"
TOKEN = "a-made-up-token"
CALL_SID = "CA" + "1" * 32
REPLIES = {"1": Action.ACKNOWLEDGE, "7": Action.ALREADY_PAID, "8": Action.WRONG_PERSON, "9": Action.OPT_OUT}

VOICE = VoiceMessage(
    locale="zh-TW",
    scripts={
        "zh-TW": Script(("台電您好。", "電費是一千元。", "聽清楚了，請按一。"), essential=2),
        "en": Script(("Taipower calling.", "The amount is 1,000.", "If you have understood, press one."), essential=2),
    },
    replies=REPLIES,
    caller="台電",
)
SMS = SmsMessage("zh-TW", "台電提醒：電費將到期。查證請撥1911", segments=1)


@dataclass(frozen=True)
class Canned:
    """One answer of the carrier. `cut` closes the connection instead, or after `body` when it is longer than that."""

    status: int = 201
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    headers: dict[str, str]


class Carrier:
    def __init__(self) -> None:
        self.answers: list[Canned] = []
        self.asked: list[Asked] = []
        self.url = ""
        self._closing = asyncio.Event()

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        form = parse_qsl(await request.text(), keep_blank_values=True)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.path, list(request.query.items()), form, headers))
        canned = self.answers.pop(0)
        if canned.hang:
            await self._closing.wait()
        if canned.cut:
            return await self._cut(request, canned)
        date = {"Date": format_datetime(NOW, usegmt=True)}
        return web.Response(status=canned.status, text=canned.body, headers=date | canned.headers)

    async def _cut(self, request: web.BaseRequest, canned: Canned) -> web.StreamResponse:
        assert request.transport is not None
        if canned.body == "{}":
            request.transport.close()
            return web.Response()
        response = web.StreamResponse(status=canned.status, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(canned.body.encode())
        request.transport.close()
        return response


def account(base_url: str = "http://127.0.0.1:9", **changes: Any) -> TwilioAccount:
    given: dict[str, Any] = {
        "account_sid": "ACmadeup",
        "auth_token": TOKEN,
        "base_url": base_url,
        "voice_from": "+886200000000",
        "sms_from": "111",
        "timeout": 2.0,
    }
    return TwilioAccount(**(given | changes))


def surroundings(twilio: TwilioAccount | None = None, **changes: Any) -> Surroundings:
    given: dict[str, Any] = {"public_url": PUBLIC_URL, "now": lambda: NOW, "twilio": twilio}
    return Surroundings(**(given | changes))


def hook_call(
    url: str,
    form: Sequence[tuple[str, str]] = (),
    message: Message | None = VOICE,
    *,
    token: str = TOKEN,
    signed_url: str | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    machine: bool = False,
) -> HookCall:
    """A callback as the web part hands it over: the fragment never leaves the carrier."""
    address = url.partition("#")[0]
    parameters = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    signature = RequestValidator(token).compute_signature(signed_url or address, MultiDict(form))
    given = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", "x-twilio-signature": signature}
    return HookCall(
        url=address,
        headers=given if headers is None else headers,
        parameters=parameters,
        form=list(form),
        body=urlencode(form).encode() if body is None else body,
        attempt=read_attempt_id(dict(parameters).get("attempt", "")),
        message=message,
        at=NOW,
        machine=machine,
    )


def answer(channel: Channel, call: HookCall) -> HookReply:
    """What the hook of the call's path answers."""
    path = urlsplit(call.url).path
    hook = next(hook for hook in channel.hooks if path == f"/hooks/{channel.name}/{hook.path}")
    return hook.answer(call)
