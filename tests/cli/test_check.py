"""`notifier check`: good, and wrong in every way it looks for."""

import re
import shutil
from pathlib import Path

import asyncpg
import pytest

from notifier.commands.checks import is_local, on_unix_socket
from notifier.commands.contract_words import complaint_words
from notifier.commands.exits import Exit
from notifier.commands.words import Language, choose
from notifier.resources import template_root
from notifier.storage.contract import check_source
from tests.cli.conftest import Call, Said

SMTP = {"SMTP__HOST": "mail.example", "SMTP__SENDER": "notice@office.example"}
TWILIO = {"TWILIO__ACCOUNT_SID": "AC1", "TWILIO__AUTH_TOKEN": "x", "TWILIO__VOICE_FROM": "+886800000001"}


def problems(said: Said) -> str:
    return "\n".join(finding["text"] for finding in said.json["findings"] if finding["level"] == "problem")


def test_all_is_well(call: Call, database: str, source_database: str) -> None:
    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=source_database, **SMTP)

    assert (said.code, problems(said)) == (Exit.DONE, "")
    assert said.json["ok"]
    texts = [finding["text"] for finding in said.json["findings"]]
    assert "payment_deadline: both SQL files fit the source" in texts
    assert any("voice is not configured" in text for text in texts)


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_it_fits_any_window(
    columns: str, call: Call, database: str, source_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.cli.conftest.outside", lambda **given: {"COLUMNS": columns, **given})

    said = call("check", DATABASE_URL=database, SOURCE_URL=source_database, **SMTP)

    assert said.code == Exit.DONE
    assert max(len(line) for line in said.out.splitlines()) <= int(columns)


def test_settings_missing(call: Call) -> None:
    said = call("check", "--json")

    assert said.code == Exit.MUST_BE_MENDED
    assert "NOTIFIER_DATABASE_URL is not set" in problems(said)


def test_nothing_answers_and_still_everything_else_is_looked_at(call: Call) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"

    said = call("check", "--json", DATABASE_URL=nowhere, SOURCE_URL=nowhere, **SMTP)

    assert said.code == Exit.MUST_BE_MENDED
    assert "NOTIFIER_DATABASE_URL" in problems(said)
    assert "NOTIFIER_SOURCE_URL" in problems(said)
    assert "email is configured" in said.out


def test_a_database_that_was_never_migrated(call: Call, empty_database: str, source_database: str) -> None:
    said = call("check", "--json", DATABASE_URL=empty_database, SOURCE_URL=source_database, **SMTP)

    assert said.code == Exit.MUST_BE_MENDED
    assert re.search(r"not applied: 0001_\w+\.sql", problems(said))


def test_a_source_without_views(call: Call, database: str, empty_database: str) -> None:
    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=empty_database, **SMTP)

    assert said.code == Exit.MUST_BE_MENDED
    assert "schema source is missing" in problems(said)
    assert "payment_deadline/audience.sql" in problems(said)


async def _spoil(source: str) -> None:
    connection = await asyncpg.connect(source)
    await connection.execute("alter view source.bill rename column paid_at to settled_at")
    await connection.execute("drop view source.office cascade")
    await connection.close()


@pytest.fixture
async def spoilt_source(source_database: str) -> str:
    await _spoil(source_database)
    return source_database


def test_a_source_that_breaks_the_contract(call: Call, database: str, spoilt_source: str) -> None:
    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=spoilt_source, **SMTP)

    assert said.code == Exit.MUST_BE_MENDED
    assert "column source.bill.paid_at is missing" in problems(said)
    assert "view source.office is missing" in problems(said)


def test_who_speaks_the_calls(call: Call, database: str, source_database: str) -> None:
    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=source_database, **SMTP)

    speech = [finding["text"] for finding in said.json["findings"] if finding["area"] == "speech"]
    assert speech == [
        "eSpeak NG speaks Mandarin (cmn), English (en-us)",
        "the carrier's own voice speaks what nobody else does",
    ]


@pytest.mark.parametrize(
    ("language", "unknown", "silent"),
    [
        ("en", "there is no speech engine 'bogus'; there are: carrier, espeak, gtts", "gtts does not run here"),
        ("zh", "沒有語音引擎「bogus」；現有：carrier、espeak、gtts", "gtts 在此無法使用"),
    ],
)
def test_an_engine_that_is_not_to_be_had(
    language: str, unknown: str, silent: str, call: Call, database: str, source_database: str
) -> None:
    engines = '["bogus", "gtts"]'

    said = call(
        "check", "--json", "--lang", language, DATABASE_URL=database, SOURCE_URL=source_database,
        SPEECH_ENGINES=engines, **SMTP,
    )  # fmt: skip

    assert said.code == Exit.MUST_BE_MENDED
    assert problems(said) == unknown
    assert silent in said.out


def test_a_bad_option_of_an_engine(call: Call, database: str, source_database: str) -> None:
    options = '{"gtts": "on", "gtts.url": "ftp://nowhere"}'

    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=source_database, OPTIONS=options, **SMTP)

    assert said.code == Exit.MUST_BE_MENDED
    assert "gtts.url" in problems(said)


def test_no_channel_at_all(call: Call, database: str, source_database: str) -> None:
    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=source_database)

    assert said.code == Exit.MUST_BE_MENDED
    assert "payment_deadline has no channel it could use" in problems(said)


def test_the_real_carrier_cannot_reach_this_machine(call: Call, database: str, source_database: str) -> None:
    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=source_database, **TWILIO)

    assert said.code == Exit.MUST_BE_MENDED
    assert "the carrier cannot reach http://127.0.0.1:8080" in problems(said)


def test_a_sender_that_cannot_be_told_from_a_fraud(call: Call, database: str, source_database: str) -> None:
    sms = {"TWILIO__SMS_FROM": "+886900000000", "PUBLIC_URL": "https://notice.example.tw"}

    said = call("check", "--json", DATABASE_URL=database, SOURCE_URL=source_database, **TWILIO, **sms)

    assert said.code == Exit.DONE
    assert "payment_deadline cannot use sms" in said.out


def test_words_that_break_a_rule(
    call: Call, database: str, source_database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(template_root(), folder / "templates")
    sms = folder / "templates" / "payment_deadline" / "sms.en.j2"
    sms.write_text(sms.read_text("utf-8") + "See example.com {{ amuont }}", "utf-8")
    monkeypatch.setattr("notifier.app.template_root", lambda: folder / "templates")
    given = {"DATABASE_URL": database, "SOURCE_URL": source_database, **SMTP}

    said, chinese = call("check", "--json", **given), call("check", "--json", "--lang", "zh", **given)

    assert (said.code, chinese.code) == (Exit.MUST_BE_MENDED, Exit.MUST_BE_MENDED)
    assert "payment_deadline/sms.en.j2:8: a message carries no link" in problems(said)
    assert "payment_deadline/sms.en.j2:8: nothing gives the variable amuont" in problems(said)
    assert "payment_deadline/sms.en.j2:8：訊息不得含有網址或連結［link］" in problems(chinese)
    assert "customer_care: every template is there" in said.out
    refused = call("run", "payment_deadline", **given)
    assert (refused.code, "sms.en.j2:8: link" in refused.err) == (Exit.MUST_BE_MENDED, True)


def test_a_channel_that_cannot_be_made(call: Call, database: str, source_database: str) -> None:
    said = call(
        "check", "--json", DATABASE_URL=database, SOURCE_URL=source_database, SMTP__HOST="mail.example", SMTP__SENDER=""
    )

    assert said.code == Exit.MUST_BE_MENDED


async def test_complaints_are_told_in_chinese(spoilt_source: str) -> None:
    connection = await asyncpg.connect(spoilt_source)
    choose(Language.ZH)
    try:
        told = [words for complaint in await check_source(connection) for words in complaint_words(complaint)]
    finally:
        choose(Language.EN)
        await connection.close()

    assert told
    assert [words for words in told if words.isascii()] == []


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True), ("localhost", True), ("10.0.0.7", True), ("192.168.1.2", True), ("::1", True),
        ("db.internal", True), ("notice.example.tw", False), ("8.8.8.8", False),
    ],
)  # fmt: skip
def test_who_can_reach_a_host(host: str, local: bool) -> None:
    assert is_local(host) is local


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("postgresql:///office?host=/run/postgresql", True),
        ("postgresql://postgres@/office?host=/tmp/pg", True),
        ("postgresql://reader@db.office.example/billing", False),
        ("postgresql://127.0.0.1/billing", False),
    ],
)
def test_unix_sockets(url: str, socket: bool) -> None:
    assert on_unix_socket(url) is socket
