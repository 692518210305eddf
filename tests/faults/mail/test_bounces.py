"""Mails that come back, through the whole house: taken in over LMTP, believed only of their attempt, acted on."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.acceptance.crowd import finished
from tests.faults.carrier.town import when
from tests.faults.mail.office import MAILBOX_FULL, NO_SUCH_USER, TRIED_LATER, open_office, person
from tests.faults.proxy import Mode, open_proxy, unix


async def test_each_kind_of_mail_that_comes_back(database: str, source_database: str) -> None:
    """Before our answer is on record or after it: the same follows."""
    async with open_office(database, source_database) as office:
        await office.house.faults(
            {
                "mail_bounce": {"share": 1, "code": NO_SUCH_USER, "only": [person("gone")]},
                "mail_delay": {"share": 1, "code": TRIED_LATER, "only": [person("slow")]},
                "mail_complain": {"share": 1, "seconds": 60, "only": [person("angry")]},
            }
        )
        run = await office.mailed("gone", "full", "slow", "angry", "fine")
        assert await office.bring_back(*await office.return_paths("full"), code=MAILBOX_FULL) == 250
        await office.house.quiet()
        await office.heard()

        assert await office.outcome("gone") == ("unreached", "bounced")
        assert await office.outcome("full") == ("unreached", "undelivered")
        for name in ("slow", "angry", "fine"):
            assert await office.outcome(name) == ("reached", "accepted")
        assert await office.bans() == {
            (person("gone"), None, "bounced"),
            (person("angry"), "collection", "complained"),
        }
        assert len(await office.house.mailbox()) == 5
        await office.adds_up(await office.house.run(run), reached=3, unreached=2)


async def test_what_is_forged_changes_nothing(database: str, source_database: str) -> None:
    """A tag that was made up, another's, none at all, and the ordinary sender: refused before the mail is said."""
    async with open_office(database, source_database) as office:
        run = await office.mailed("fine", "other")
        (path,), (another,) = await office.return_paths("fine"), await office.return_paths("other")
        name, tag = path.partition("@")[0].rsplit(".", 1)
        domain = path.partition("@")[2]
        others_tag = another.partition("@")[0].rsplit(".", 1)[1]
        forged = [f"{name}.{tag[::-1]}@{domain}", f"{name}.{others_tag}@{domain}", f"{name}@{domain}"]

        for address in [*forged, f"{name}.{tag}@elsewhere.example", "notice@office.example"]:
            assert await office.bring_back(address) == 550, address

        await office.heard()
        await office.adds_up(await office.house.run(run), reached=2)
        assert await office.bans() == set()
        assert await office.bring_back(path.upper()) == 250  # some servers change the case


@pytest.mark.long
async def test_a_bounce_told_twice_is_one_bounce(database: str, source_database: str) -> None:
    async with open_office(database, source_database) as office:
        run = await office.mailed("gone")
        (path,) = await office.return_paths("gone")

        assert [await office.bring_back(path) for _ in range(3)] == [250] * 3
        await office.heard()

        told = await office.house.app.pool.fetch("select copies from notifier.receipt where kind = 'callback'")
        assert [row["copies"] for row in told] == [3]
        assert await office.endings("gone") == ["bounced"]
        assert len(await office.bans()) == 1
        await office.adds_up(await office.house.run(run), unreached=1)


@pytest.mark.long
async def test_a_bounce_two_days_after_the_run_had_finished(database: str, source_database: str) -> None:
    """At 20,000 times the speed of real time; whoever is banned is left out of the next run, with the reason."""
    async with open_office(database, source_database, scale=20_000) as office:
        later = timedelta(days=2).total_seconds()
        await office.house.faults({"mail_bounce": {"share": 1, "seconds": later, "only": [person("gone")]}})
        run = await office.mailed("gone", "fine")
        await office.adds_up(run, reached=2)
        assert run.finished_at is not None

        await office.house.quiet()
        await office.heard()

        assert office.house.clock.now() - run.finished_at > timedelta(days=1)
        assert await office.outcome("gone") == ("unreached", "bounced")
        await office.adds_up(await office.house.run(run), reached=1, unreached=1)
        await office.house.bill(office.accounts["gone"], due_in=5)
        await finished(office.house, await office.house.launch("next"))
        assert await office.house.excluded(office.accounts["gone"]) == ["suppressed"]
        assert len(await office.return_paths("gone")) == 1


@pytest.mark.long
async def test_the_bounce_of_one_copy_leaves_what_another_told(database: str, source_database: str) -> None:
    """The first was given up, as its answer was lost; then it came back. The second may have arrived."""
    async with open_office(database, source_database) as office:
        await office.house.faults({"mail_drop": {"next": 1}})
        run = await office.mailed("fine")
        first, second = await office.return_paths("fine")
        assert first != second

        assert await office.bring_back(first, code=MAILBOX_FULL) == 250
        await office.heard()
        assert await office.outcome("fine") == ("reached", "accepted")
        assert await office.endings("fine") == ["undelivered", "accepted"]

        assert await office.bring_back(second, code=MAILBOX_FULL) == 250
        await office.heard()
        assert await office.outcome("fine") == ("unreached", "undelivered")
        await office.adds_up(await office.house.run(run), unreached=1)


@pytest.mark.long
async def test_what_one_copy_is_known_to_have_told_stays_told(database: str, source_database: str) -> None:
    """The copy whose answer was lost was confirmed as delivered; the bounce of the other takes nothing back."""
    async with open_office(database, source_database) as office:
        await office.house.faults({"mail_drop": {"next": 1}})
        run = await office.mailed("fine")
        first, second = await office.return_paths("fine")

        assert await office.bring_back(first, "delivered", 200) == 250
        await office.heard()
        assert await office.bring_back(second, code=MAILBOX_FULL) == 250
        await office.heard()

        assert await office.endings("fine") == ["delivered", "undelivered"]
        assert (await office.outcome("fine"))[0] == "reached"
        await office.adds_up(await office.house.run(run), reached=1)


@pytest.mark.long
@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\x00 nothing that anybody could read",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nActi",
        "Subject: 退信\r\nContent-Type: text/plain; charset=big5\r\n\r\n".encode() + "無法投遞".encode("big5"),
    ],
)
async def test_what_nobody_understands_is_kept_as_a_word_and_changes_nothing(
    database: str, source_database: str, mail: bytes
) -> None:
    async with open_office(database, source_database) as office:
        run = await office.mailed("fine")
        (path,) = await office.return_paths("fine")

        assert await office.bring(path, mail) == 250
        await office.heard()

        assert await office.outcome("fine") == ("reached", "accepted")
        await office.adds_up(await office.house.run(run), reached=1)
        assert await office.bring(path, b"x" * 70 + b"\r\n" + (b"x" * 70 + b"\r\n") * 16_000) == 552


@pytest.mark.long
async def test_a_database_that_is_away_is_told_again(database: str, source_database: str) -> None:
    """The mail server keeps the mail, and hands it over again."""
    folder = parse_qs(urlsplit(database).query)["host"][0]
    async with open_proxy(unix(f"{folder}/.s.PGSQL.5432")) as wire:
        url = f"postgresql://postgres:@127.0.0.1:{wire.port}{urlsplit(database).path}?sslmode=disable"
        async with open_office(url, source_database) as office:
            run = await office.mailed("gone")
            (path,) = await office.return_paths("gone")

            wire.fail(Mode.REFUSE)
            wire.drop()
            assert await office.bring_back(path) == 451
            wire.fail(Mode.PASS)

            async def taken() -> bool:  # a connection that was cut in the pool may cost it another turn
                return await office.bring_back(path) == 250

            await when(taken)
            await office.heard()

            assert await office.outcome("gone") == ("unreached", "bounced")
            await office.adds_up(await office.house.run(run), unreached=1)
