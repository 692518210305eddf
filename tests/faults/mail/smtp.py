"""An SMTP server that fails at the stage a test names, and keeps what it was given; and a man in the middle."""

import asyncio
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from enum import StrEnum
from pathlib import Path

from tests.faults.proxy import Streams

DROP = "drop"  # the connection is cut instead of an answer; at the end of a mail it has been kept
HANG = "hang"  # no answer, and the connection stays; at the end of a mail it has been kept
ALWAYS = 10**9


class Stage(StrEnum):
    """Where a conversation may fail. END is the dot after the data."""

    BANNER = "BANNER"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "END"


USUAL = {
    Stage.BANNER: "220 mail.office.example",
    Stage.STARTTLS: "220 2.0.0 go ahead",
    Stage.AUTH: "235 2.7.0 welcome",
    Stage.DATA: "354 go on",
}


@dataclass
class Fault:
    """An answer in place of the usual one, so many `times`; `only` for this recipient, where one is named already."""

    answer: str
    times: int = ALWAYS
    only: str = ""

    def strikes(self, to: str) -> bool:
        if self.times <= 0 or (self.only and self.only != to):
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Kept:
    """A mail that the server has, whatever it said to it."""

    to: str
    message_id: str
    mail_from: str
    encrypted: bool


@dataclass
class Talk:
    """One conversation."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    to: str = ""
    mail_from: str = ""
    encrypted: bool = False


class Over(Exception):
    """The conversation has ended."""


@dataclass
class ScriptedServer:
    """Offers STARTTLS when it has a certificate, and takes any log-in. `struck` counts the faults there were."""

    tls: ssl.SSLContext | None = None
    faults: dict[Stage, Fault] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    struck: Counter[Stage] = field(default_factory=Counter)
    port: int = 0

    def copies(self) -> dict[str, list[Kept]]:
        """The mails kept, by recipient."""
        return {to: [one for one in self.kept if one.to == to] for to in {one.to for one in self.kept}}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk(reader, writer)
        try:
            await self._say(talk, Stage.BANNER)
            while line := (await talk.reader.readline()).decode().strip():
                await self._hear(talk, line)
        except (Over, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            talk.writer.transport.abort()

    async def _hear(self, talk: Talk, line: str) -> None:
        verb = line.split()[0].upper()
        if verb == "RCPT":
            talk.to = line.partition("<")[2].partition(">")[0]
        elif verb == "MAIL":
            talk.mail_from = line.partition("<")[2].partition(">")[0]
        if verb not in set(Stage):
            talk.writer.write(b"250 2.0.0 fine\r\n")
        elif await self._say(talk, Stage(verb)):
            await self._go_on(talk, Stage(verb))

    async def _go_on(self, talk: Talk, stage: Stage) -> None:
        if stage is Stage.STARTTLS:
            await talk.writer.start_tls(self.tls)
            talk.encrypted = True
        if stage is Stage.DATA:
            content = await talk.reader.readuntil(b"\r\n.\r\n")
            await self._say(talk, Stage.END, content)

    async def _say(self, talk: Talk, stage: Stage, content: bytes = b"") -> bool:
        """Answer, or fail as the script says; whether it was an answer of success."""
        fault = self.faults.get(stage)
        struck = fault is not None and fault.strikes(talk.to)
        answer = fault.answer if fault and struck else self._usual(talk, stage)
        self.struck[stage] += struck
        if content and answer[0] not in "45":
            self._keep(talk, content)
        if answer == DROP:
            raise Over
        if answer == HANG:
            await talk.reader.read()
            raise Over
        talk.writer.write(f"{answer}\r\n".encode())
        await talk.writer.drain()
        return answer[0] in "23"

    def _usual(self, talk: Talk, stage: Stage) -> str:
        if stage is not Stage.EHLO:
            return USUAL.get(stage, "250 2.0.0 fine")
        offers = ["STARTTLS"] if self.tls and not talk.encrypted else []
        return "\r\n".join(["250-mail.office.example", *[f"250-{one}" for one in offers], "250 AUTH PLAIN"])

    def _keep(self, talk: Talk, content: bytes) -> None:
        message_id = str(message_from_bytes(content)["Message-ID"])
        self.kept.append(Kept(talk.to, message_id, talk.mail_from, talk.encrypted))


@dataclass
class Stripper:
    """A man in the middle who takes the offer of STARTTLS out of what the server says, while `strips`."""

    server: int
    strips: bool = True
    said: bytearray = field(default_factory=bytearray)  # by the client
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self.server)
        ways = [
            asyncio.create_task(self._carry(reader, there[1], listens=True)),
            asyncio.create_task(self._carry(there[0], writer, listens=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, there[1]):
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, listens: bool) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if listens:
                    self.said += chunk
                elif self.strips:
                    chunk = chunk.replace(b"STARTTLS", b"XXXXXXXX")
                writer.write(chunk)
                await writer.drain()


@asynccontextmanager
async def listening(server: ScriptedServer | Stripper) -> AsyncIterator[None]:
    """The server on a free port of loopback, which it then knows."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(*streams: *Streams) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with suppress(asyncio.CancelledError):  # asyncio logs the end of a cancelled connection as a fault
            await server.serve(*streams)

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        listener.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A context for a server at 127.0.0.1, and the file that makes a client trust it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *name, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate
