"""A mail server that fails at any stage of the conversation: nobody is lost, and a repeat is the same mail.

Judged by what the server was given: the mails it has, and for whom.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from notifier.storage.runs import Run
from tests.acceptance.crowd import finished
from tests.faults.carrier.town import when
from tests.faults.mail.smtp import DROP, HANG, Fault, Kept, ScriptedServer, Stage, Stripper, listening, make_certificate
from tests.house import House, open_house

FEW = 3  # customers
SOON = {"timeout": 1.0, "data_timeout": 1.0}  # real seconds, instead of 20 and 300
LOGIN = {"username": "notice", "password": "a-made-up-password"}


def person(n: int) -> str:
    return f"customer{n}@mail.example"


def smtp(port: int, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "sender": "notice@office.example", "starttls": False} | SOON | more


@asynccontextmanager
async def mailing(
    database: str, source: str, server: ScriptedServer, count: int = FEW, **more: Any
) -> AsyncIterator[tuple[House, dict[str, str]]]:
    """A house whose customers have nothing but a mail address: address -> account."""
    async with listening(server), open_house(database, source, smtp=smtp(server.port, **more)) as house:
        yield house, await customers(house, count)


async def customers(house: House, count: int) -> dict[str, str]:
    made = {person(n): await house.customer(mobile=None, email=person(n)) for n in range(count)}
    for account in made.values():
        await house.bill(account)
    return made


async def paused(house: House) -> str:
    """Why the channel stands still, once it does and what was under way has met the same: else that stops it again
    after a person has resumed it."""
    found: list[str] = []

    async def stands() -> bool:
        found[:] = [one.paused for one in await house.app.budgets.all() if one.channel == "email" and one.paused]
        return bool(found) and not await house.app.pool.fetchval(
            "select exists (select from notifier.in_flight)"
            " or exists (select from notifier.queue where lease_owner is not null)"
        )

    await when(stands)
    return found[0]


async def resume(house: House) -> None:
    """As a person does who has mended it."""
    assert await house.app.budgets.resume("email")
    await house.app.wake_ups.send("lanes")


async def endings(house: House, account: str) -> list[str]:
    return [one["disposition"] for one in await house.attempts(account)]


def same_mail(copies: list[Kept]) -> bool:
    return len({one.message_id for one in copies}) == 1


async def all_told(house: House, accounts: dict[str, str], server: ScriptedServer) -> dict[str, list[Kept]]:
    """Everybody has the mail and is on record as reached; what came more than once is the same mail."""
    copies = server.copies()
    assert copies.keys() == accounts.keys()
    assert all(same_mail(of_one) for of_one in copies.values())
    for account in accounts.values():
        assert (await house.notification(account))["outcome"] == "reached"
    return copies


async def test_greylisting_ends_in_one_mail(database: str, source_database: str) -> None:
    """Whoever is new is put off, and taken at the second time: that is no trouble of the channel, whose breaker would
    open at the fifth."""
    server = ScriptedServer()
    server.faults[Stage.RCPT] = Greylist("451 4.7.1 greylisted, try again in five minutes")
    async with mailing(database, source_database, server, count=12) as (house, accounts):
        await finished(house, await house.launch())

        copies = await all_told(house, accounts, server)
        assert [len(of_one) for of_one in copies.values()] == [1] * 12
        for account in accounts.values():
            assert await endings(house, account) == ["not_sent", "accepted"]
        assert server.struck[Stage.RCPT] == 12
        assert not await house.app.pool.fetchval(
            "select exists (select from notifier.receipt where body ? 'blameless')"
        )


class Greylist(Fault):
    """Strikes each recipient once."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self._known: set[str] = set()

    def strikes(self, to: str) -> bool:
        new = to not in self._known
        self._known.add(to)
        return new


@pytest.mark.long
@pytest.mark.long
async def test_dropped_after_the_data_arrives_every_time_as_the_same_mail(database: str, source_database: str) -> None:
    server = ScriptedServer(faults={Stage.END: Fault(DROP, times=2)})
    async with mailing(database, source_database, server) as (house, accounts):
        await finished(house, await house.launch())

        copies = await all_told(house, accounts, server)
        assert sum(len(of_one) for of_one in copies.values()) == FEW + 2


async def test_a_stripped_starttls_is_refused(
    database: str, source_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the greeting is said in clear; when the wire is honest again and a person resumes, all goes on."""
    context, certificate = await asyncio.to_thread(make_certificate, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = ScriptedServer(tls=context)
    async with listening(server):
        thief = Stripper(server.port)
        settings = {"starttls": True} | LOGIN
        async with (
            listening(thief),
            open_house(database, source_database, smtp=smtp(thief.port, **settings)) as house,
        ):
            accounts = await customers(house, FEW)
            run = await house.launch()

            assert "STARTTLS" in await paused(house)
            assert {line.split()[0] for line in bytes(thief.said).splitlines()} <= {b"EHLO", b"QUIT"}
            assert server.kept == []
            thief.strips = False
            await resume(house)
            await finished(house, run)

            copies = await all_told(house, accounts, server)
            assert [[one.encrypted for one in of_one] for of_one in copies.values()] == [[True]] * FEW
            assert b"Subject" not in thief.said
            assert b"AUTH" not in thief.said


@pytest.mark.long
async def test_an_address_that_is_refused_closes_only_that(database: str, source_database: str) -> None:
    server = ScriptedServer(faults={Stage.RCPT: Fault("550 5.1.1 no such user", only=person(0))})
    async with mailing(database, source_database, server) as (house, accounts):
        await finished(house, await house.launch())

        await one_refused(house, accounts, server)
        assert server.struck[Stage.RCPT] == 1


async def one_refused(house: House, accounts: dict[str, str], server: ScriptedServer) -> None:
    """The first customer is not reached, after one refusal; all others are."""
    refused = accounts.pop(person(0))
    await all_told(house, accounts, server)
    assert await endings(house, refused) == ["refused"]
    assert (await house.notification(refused))["outcome"] == "unreached"


US = {
    Stage.BANNER: "554 5.7.1 we do not talk to you",
    Stage.EHLO: "550 5.7.1 we do not talk to you",
    Stage.STARTTLS: "502 5.5.1 not implemented",
    Stage.AUTH: "535 5.7.8 wrong password",
    Stage.MAIL: "550 5.7.1 we do not take mail from you",
    Stage.RCPT: "530 5.7.0 log in first",
    Stage.DATA: "530 5.7.0 log in first",
}


@pytest.mark.long
@pytest.mark.parametrize("stage", list(US))
async def test_a_refusal_of_us_waits_for_a_person(
    database: str, source_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    server = await ready_for(stage, tmp_path, monkeypatch)
    server.faults[stage] = Fault(US[stage])
    async with mailing(database, source_database, server, **needs(stage)) as (house, accounts):
        run = await house.launch()

        assert US[stage][:3] in await paused(house)
        server.faults.clear()
        await resume(house)
        await finished(house, run)

        copies = await all_told(house, accounts, server)
        assert [len(of_one) for of_one in copies.values()] == [1] * FEW


@pytest.mark.long
@pytest.mark.parametrize("answer", ["421 4.3.2 closing", "451 4.3.0 not now", DROP, HANG])
@pytest.mark.parametrize("stage", list(Stage))
async def test_a_failure_that_passes_loses_nobody(
    database: str, source_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage, answer: str
) -> None:
    """Twice, at whatever stage; nobody has to do anything. Only what failed after the data may come twice."""
    server = await ready_for(stage, tmp_path, monkeypatch)
    server.faults[stage] = Fault(answer, times=2)
    async with mailing(database, source_database, server, **needs(stage)) as (house, accounts):
        run: Run = await house.launch()
        await finished(house, run)

        copies = await all_told(house, accounts, server)
        assert server.struck[stage] == 2
        again = 2 if stage is Stage.END and answer in (DROP, HANG) else 0
        assert sum(len(of_one) for of_one in copies.values()) == FEW + again


@pytest.mark.long
@pytest.mark.parametrize(
    ("stage", "answer"),
    [(Stage.RCPT, "553 5.1.3 bad address"), (Stage.DATA, "554 5.6.0 no"), (Stage.END, "554 5.6.0 not these words")],
)
async def test_a_refusal_of_one_mail_closes_only_that(
    database: str, source_database: str, stage: Stage, answer: str
) -> None:
    server = ScriptedServer(faults={stage: Fault(answer, only=person(0))})
    async with mailing(database, source_database, server) as (house, accounts):
        await finished(house, await house.launch())

        await one_refused(house, accounts, server)


async def ready_for(stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """A server that has this stage."""
    if stage is not Stage.STARTTLS:
        return ScriptedServer()
    context, certificate = await asyncio.to_thread(make_certificate, folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return ScriptedServer(tls=context)


def needs(stage: Stage) -> dict[str, Any]:
    """Settings without which a conversation does not come by this stage."""
    return LOGIN if stage is Stage.AUTH else {"starttls": stage is Stage.STARTTLS}
