"""One message to one's own telephone or mailbox, by the real path and with made-up facts.

The lane cannot carry it, for a lane asks the source what is true, and of a made-up bill the source knows nothing. So
the same steps are taken here through the same parts: the attempt is written ahead, sent by the channel, and its answer
handed to a recorder; callbacks then find a row like any other. The test is a run of its own, so that no campaign's
sum counts it; its notification has expired from the start, so that nothing follows from its one attempt and the run
ends by itself.
"""

import asyncio
import os
import random
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from notifier.clock import Clock
from notifier.domain.attempt_id import ENTROPY_BYTES, AttemptId, make_attempt_id
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Address, AddressKind, Channel, Probing
from notifier.domain.errors import ChannelError
from notifier.domain.facts import Facts
from notifier.domain.follow_up import Place
from notifier.domain.list_cell import ListCell
from notifier.domain.message import LOCALES, store_message
from notifier.domain.notice_code import notice_code
from notifier.domain.receipt import AttemptProgress, Receipt
from notifier.domain.telephone import NoNumber, read_cell
from notifier.engine.answers import answer_of_error
from notifier.engine.catalogue import Catalogue
from notifier.engine.preflight import message_text
from notifier.engine.recorder import Answer, Recorder
from notifier.engine.rendering import CannotRender, Rendered
from notifier.engine.wording import Wording
from notifier.resources import sql_root
from notifier.storage.attempts import AttemptFile
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import Pool
from notifier.storage.inquiries import InquiryStore
from notifier.storage.queries import Query, load_into
from notifier.storage.queue import Draft, QueueStore

ACCOUNT = "00000000000"
LEASE = timedelta(seconds=30)  # real
NO_CAP = 1000  # tests a day to one's own telephone
DUE_IN = timedelta(days=3)


class TestRefused(Exception):
    """Why no test can be sent, in a sentence."""

    __test__ = False  # not a test case, whatever its name


@dataclass(frozen=True, slots=True)
class TestResult:
    """What was sent where. `disposition` is None while the last word is still to come, by callback or look-up."""

    __test__ = False

    run: int
    notification: int
    attempt: AttemptId
    code: str
    channel: str
    address: str
    locale: str
    status: str
    disposition: str | None
    words: str

    def __str__(self) -> str:
        said = self.disposition or self.status
        return f"{self.channel} to {self.address}: {said} (notice {self.code}, run {self.run})\n\n{self.words}"


@dataclass(frozen=True)
class OpeningQueries:
    open_test: Query


class SendingParts(Protocol):
    """The parts of an application that a test needs."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def budgets(self) -> BudgetStore: ...
    @property
    def inquiries(self) -> InquiryStore: ...
    @property
    def queue(self) -> QueueStore: ...
    @property
    def wording(self) -> Wording: ...
    def recorder(self) -> Recorder: ...


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the test goes: a place of the plan, its channel, and the address as the log keeps it."""

    step: int
    channel: Channel
    address: str

    @property
    def phone(self) -> str | None:
        return None if self.channel.abilities.address is AddressKind.EMAIL else self.address

    @property
    def email(self) -> str | None:
        return self.address if self.channel.abilities.address is AddressKind.EMAIL else None


async def send_test(
    app: SendingParts, campaign: Campaign, address: str, locale: str, columns: Collection[str] = ()
) -> TestResult:
    """Send the campaign's first message that this address can take, once, whatever the hour. Raises TestRefused.

    `columns`: of the list that a run would tell; what stands in them is made up, too.

    Returns when the provider has answered; what follows comes by callback to the process that serves the hooks.
    """
    if locale not in LOCALES:
        raise TestRefused(f"no message is written in {locale!r}; there are: {', '.join(LOCALES)}")
    target = find_target(app.catalogue, campaign, address)
    await _check_the_way(app, campaign, target)
    now = app.clock.now()
    async with app.pool.acquire() as connection, connection.transaction():
        file, rendered = await _write_ahead(app, connection, campaign, target, locale, now, columns)
    receipt = await _send_and_record(app, target, file, rendered)
    return TestResult(
        run=file.run,
        notification=file.notification,
        attempt=file.id,
        code=notice_code(file.notification),
        channel=target.channel.name,
        address=target.address,
        locale=locale,
        status=receipt.status,
        disposition=receipt.ended.value if receipt.ended else None,
        words=message_text(rendered.message),
    )


def find_target(catalogue: Catalogue, campaign: Campaign, address: str) -> _Target:
    """The first step of the plan that this address, as it was typed, can be used with. Raises TestRefused."""
    phone, email = _read(address)
    route = catalogue.route(campaign, phone, email, prefers=None)
    if (step := route.first()) is not None:
        return _Target(step, catalogue.channels[campaign.plan[step].channel], phone or email or "")
    refusals = {step.channel: catalogue.refusal(campaign, step.channel) for step in campaign.plan}
    why = "; ".join(f"{channel}: {reason or 'not for such an address'}" for channel, reason in refusals.items())
    raise TestRefused(f"no step of {campaign.name} can be tested with it: {why}")


def _read(address: str) -> tuple[str | None, str | None]:
    if "@" in address:
        return None, address.strip().lower()
    reading = read_cell(address)
    if isinstance(reading, NoNumber):
        raise TestRefused(f"this is no telephone that would be dialled: {reading.reason.value}")
    return reading.e164, None


async def _check_the_way(app: SendingParts, campaign: Campaign, target: _Target) -> None:
    """What would keep a real message from arriving keeps this one from being sent."""
    name = target.channel.name
    for ban in await app.inquiries.suppressions(target.address):
        if ban["undone_at"] is None and ban["purpose"] in (None, campaign.purpose.value):
            raise TestRefused(f"this address must not be contacted: {ban['reason']}")
    paused = {budget.channel: budget.paused for budget in await app.budgets.all()}
    if why := paused.get(name):
        raise TestRefused(f"{name} is paused: {why}")
    if isinstance(target.channel, Probing):
        try:
            await target.channel.probe()
        except ChannelError as error:
            raise TestRefused(f"{name} would not work: {error}") from error


async def _write_ahead(
    app: SendingParts,
    connection: Any,
    campaign: Campaign,
    target: _Target,
    locale: str,
    now: datetime,
    columns: Collection[str],
) -> tuple[AttemptFile, Rendered]:
    """The run, its notification and the attempt, in the one transaction of `connection`."""
    queries = load_into(OpeningQueries, sql_root() / "test_send.sql")
    key, owner, lease = f"test {uuid.uuid4()}", random.getrandbits(62), LEASE * app.clock.scale
    row = await queries.open_test.fetch_row(
        connection, key=key, campaign=campaign.name, owner=campaign.owner, params={}, priority=campaign.priority,
        zone=app.catalogue.calendar.zone.key, now=now, account_no=ACCOUNT, locale=locale, phone=target.phone,
        email=target.email, subject=key, channel=target.channel.name, step=target.step, lease_owner=owner,
        lease_until=now + lease,
    )  # fmt: skip
    if row is None:
        raise LookupError("the test's run was not opened")
    rendered = _render(app, campaign, target, locale, row["notification"], columns)
    attempt = make_attempt_id(now, os.urandom(ENTROPY_BYTES))
    draft = Draft(attempt, row["notification"], target.address, rendered.template, store_message(rendered.message))
    verdicts = await app.queue.write_ahead(
        connection, owner=owner, channel=target.channel.name, purpose="test", now=now,
        look_at=now + max(target.channel.abilities.silent_after, lease), day_start=now, cap=NO_CAP, household=None,
        lines=1, drafts=[draft],
    )  # fmt: skip
    if verdicts[attempt].verdict != "written":
        raise TestRefused(f"not now: {verdicts[attempt].verdict}")
    file = AttemptFile(
        attempt, row["notification"], row["run"], campaign.name, target.channel.name, Place(target.step),
        target.address, AttemptProgress(), 0, target.phone, target.email, None,
    )  # fmt: skip
    return file, rendered


def _render(
    app: SendingParts, campaign: Campaign, target: _Target, locale: str, notification: int, columns: Collection[str]
) -> Rendered:
    today = app.catalogue.calendar.local(app.clock.now()).date()
    values = made_up(today + DUE_IN) | dict.fromkeys(columns, made_up_cell(today + DUE_IN))
    facts = Facts("test", still_due=True, reason=None, as_of=app.clock.real_now(), values=values)
    try:
        return app.wording.word(
            campaign, target.channel, locale, [facts],
            notification=notification, reference=f"{notification}.{target.step}.0",
        )  # fmt: skip
    except CannotRender as error:
        raise TestRefused(f"{campaign.name} cannot be worded with made-up facts: {error}") from error


def made_up_cell(day: date) -> ListCell:
    """A cell that is whatever the words take it for."""
    return ListCell({"text": "範例", "date": day.isoformat(), "number": "3"})


def made_up(due_on: date) -> dict[str, object]:
    """A bill of nobody."""
    return {
        "bill_no": "TEST",
        "account_no": ACCOUNT,
        "customer_name": "測試",
        "period": f"{due_on:%Y-%m}",
        "amount": Decimal(1234),
        "due_on": due_on,
        "district": None,
        "section": "電費組",
        "section_phone": "07-000-0000",
    }


async def _send_and_record(app: SendingParts, target: _Target, file: AttemptFile, rendered: Rendered) -> Receipt:
    """No connection is held while the provider talks; whatever it says is on disk when this returns."""
    after = None
    try:
        receipt = await target.channel.send(rendered.message, Address(target.address), file.id)
    except ChannelError as error:
        receipt, after = answer_of_error(file.id, error, app.clock.now()), getattr(error, "after", None)
    recorder = app.recorder()
    recording = asyncio.create_task(recorder.run())
    try:
        await recorder.put(Answer(file, receipt, after))
        await recorder.flush()
    finally:
        recording.cancel()
    return receipt
