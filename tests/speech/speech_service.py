"""A speech service that answers as Google Translate's does, over TLS under a throw-away authority, and misbehaves on
demand. It keeps a ledger of what it was asked."""

import asyncio
import gzip
import io
import json
import math
import shutil
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs

import numpy
import soundfile
from aiohttp import web

PATH = "/_/TranslateWebserverUi/data/batchexecute"
RATE = 24_000  # as the real one
HOST = "127.0.0.1"
CAPTCHA = "<!DOCTYPE html><html><title>Sorry...</title><body>Our systems have detected unusual traffic.</body></html>"


class Authority:
    """Issues certificates by the openssl program, good for so many days; -1: until yesterday."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self.certificate = self._folder / "authority.pem"
        self._key = self._folder / "authority.key"
        self._openssl("req", "-x509", *self._new_key(self._key), "-days", "1", "-subj", f"/CN={name}",
                      "-out", self.certificate)  # fmt: skip

    @staticmethod
    def is_possible() -> bool:
        return shutil.which("openssl") is not None

    def issue(self, alternative: str = f"IP:{HOST}", *, days: int = 1) -> ssl.SSLContext:
        """What a server under such a certificate uses."""
        key, request, certificate, extensions = (
            self._folder / f"{alternative.replace(':', '-')}.{days}.{kind}" for kind in ("key", "csr", "pem", "ext")
        )
        extensions.write_text(f"subjectAltName={alternative}")
        self._openssl("req", *self._new_key(key), "-subj", "/CN=speech", "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                      "-days", str(days), "-extfile", extensions, "-out", certificate)  # fmt: skip
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        return context

    def _new_key(self, key: Path) -> list[str | Path]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key]

    def _openssl(self, *words: str | Path) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True)


@dataclass(frozen=True)
class Answer:
    """One answer. Without `audio` it speaks the words that were asked for; `text` is sent instead of any sound.

    `gzip` compresses it; `cut` closes the connection in the middle; `hang` says nothing; `drip` sends a byte each so
    many seconds; `endless` sends for as long as anybody reads; `wait` answers only when `SpeechService.go` is set.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    audio: bytes | None = None
    text: str | None = None
    gzip: bool = False
    cut: bool = False
    hang: bool = False
    drip: float = 0.0
    endless: bool = False
    wait: bool = False


@dataclass(frozen=True)
class Asked:
    """One request, as it came and as the service understands it."""

    at: float  # of the loop's clock
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    text: str
    language: str
    slow: bool


class SpeechService:
    """`answers` are given in turn, then the last of them for ever; without any it speaks, all but `unspoken` words."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.unspoken: set[str] = set()
        self.asked: list[Asked] = []
        self.sent = 0  # bytes
        self.most_at_once = 0
        self.go = asyncio.Event()
        self.arrived = asyncio.Condition()
        self.url = ""
        self._at_once = 0
        self._closing = asyncio.Event()

    async def wait_for(self, requests: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.asked) >= requests)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = read_request(request, await request.read())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        async with self.arrived:
            self.asked.append(asked)
            self.arrived.notify_all()
        try:
            return await self._carry_out(request, asked, self._next(asked))
        finally:
            self._at_once -= 1

    def close(self) -> None:
        self._closing.set()

    def _next(self, asked: Asked) -> Answer:
        if not self.answers:
            return Answer(text=unspoken()) if asked.text in self.unspoken else Answer()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def _carry_out(self, request: web.BaseRequest, asked: Asked, answer: Answer) -> web.StreamResponse:
        if answer.wait:
            await self.go.wait()
        if answer.hang:
            await self._closing.wait()
        whole = (answer.text if answer.text is not None else spoken(asked, answer.audio)).encode()
        kind = {"Content-Type": "application/json; charset=utf-8"}
        if answer.gzip:
            whole, kind = gzip.compress(whole), kind | {"Content-Encoding": "gzip"}
        if not (answer.cut or answer.drip or answer.endless):
            return web.Response(status=answer.status, body=whole, headers=kind | answer.headers)
        response = web.StreamResponse(headers=kind | {"Content-Length": str(10**9 if answer.endless else len(whole))})
        await response.prepare(request)
        try:
            await self._send(response, whole, answer)
        except ConnectionError:
            return response  # nobody listens any more
        assert request.transport is not None
        request.transport.close()
        return response

    async def _send(self, response: web.StreamResponse, whole: bytes, answer: Answer) -> None:
        if answer.cut:
            await response.write(whole[: len(whole) // 2])
        while answer.endless:
            await response.write(bytes(65_536))
            self.sent += 65_536
            await asyncio.sleep(0)  # a write into room for more does not let anybody else run, nor see who has gone
        for byte in whole if answer.drip else b"":
            await response.write(bytes([byte]))
            self.sent += 1
            try:
                async with asyncio.timeout(answer.drip):
                    await self._closing.wait()
                return
            except TimeoutError:
                continue


@asynccontextmanager
async def speech_service(context: ssl.SSLContext) -> AsyncIterator[SpeechService]:
    """Serves on a free port of loopback."""
    service = SpeechService()

    async def count(request: web.BaseRequest) -> web.StreamResponse:
        return await service.answer(request)

    runner = web.ServerRunner(web.Server(count), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0, ssl_context=context).start()
    service.url = f"https://{HOST}:{runner.addresses[0][1]}{PATH}"
    try:
        yield service
    finally:
        service.close()
        await runner.cleanup()


def read_request(request: web.BaseRequest, body: bytes) -> Asked:
    (packed,) = parse_qs(body.decode("ascii"), strict_parsing=False)["f.req"]
    (((name, parameters, _, kind),),) = json.loads(packed)
    assert (name, kind) == ("jQ1olc", "generic")
    text, language, slow, _ = json.loads(parameters)
    headers = {name.lower(): value for name, value in request.headers.items()}
    at = asyncio.get_running_loop().time()
    return Asked(at, request.method, request.path, headers, body, text, language, slow is True)


def spoken(asked: Asked, audio: bytes | None = None) -> str:
    """The service's answer: its sound is the longer, the more words and the slower."""
    return packed(speech(asked.text, slow=asked.slow) if audio is None else audio)


def packed(audio: bytes) -> str:
    """As the real one packs it: an array of JSON in a string of JSON, a line for each part of the answer."""
    inner = json.dumps([b64encode(audio).decode()], separators=(",", ":"))
    outer = json.dumps(["wrb.fr", "jQ1olc", inner, None, None, None, "generic"], separators=(",", ":"))
    return f""")]}}'

[{outer}
,["di",59]
,["af.httprm",59,"-1234567890123456789",10]
]"""


def unspoken() -> str:
    """Its answer when it has no sound for the words."""
    return packed(b"").replace(r'"[\"\"]"', "null")


def speech(text: str, *, slow: bool = False) -> bytes:
    return tone((0.3 + 0.02 * len(text)) * (1.5 if slow else 1.0))


@lru_cache
def tone(seconds: float, *, loudness: float = 0.3, kind: str = "MP3") -> bytes:
    """So many seconds of one note."""
    times = numpy.arange(math.ceil(seconds * RATE)) / RATE
    encoded = io.BytesIO()
    soundfile.write(encoded, loudness * numpy.sin(2 * math.pi * 440 * times), RATE, format=kind)
    return encoded.getvalue()
