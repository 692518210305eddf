"""Every error is one sentence that says what to do, and an exit code a script can use."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.commands.exits import Exit
from notifier.commands.failures import JSON_EXAMPLES
from tests.cli.conftest import Call

NOWHERE = "postgresql://nobody:s3cret@127.0.0.1:1/none"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that somebody has taken and nobody answers on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("command", [["runs"], ["migrate"], ["serve"], ["who", "0912345678"]])
def test_a_missing_setting_is_named(command: list[str], call: Call) -> None:
    said = call(*command)

    assert said.code == Exit.USAGE
    assert said.err.startswith("Error: NOTIFIER_DATABASE_URL is not set")
    assert said.err.count("\n") == 1


def test_the_same_in_chinese(call: Call) -> None:
    said = call("runs", "--lang", "zh")

    assert said.err.startswith("錯誤：尚未設定 NOTIFIER_DATABASE_URL")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"DATABASE_URL": NOWHERE, "POOL_SIZE": "none"}, "NOTIFIER_POOL_SIZE"),
        ({"DATABASE_URL": NOWHERE, "TWILIO__ACCOUNT_SID": "AC1"}, "NOTIFIER_TWILIO__AUTH_TOKEN"),
        ({"DATABASE_URL": NOWHERE, "TWILIO__COLOUR": "blue"}, "NOTIFIER_TWILIO__"),
        ({"DATABASE_URL": NOWHERE, "PACE": "{"}, "NOTIFIER_PACE"),
        ({"DATABASE_URL": NOWHERE, "DATABSE_URL": "x"}, "NOTIFIER_DATABSE_URL"),
        ({"DATABASE_URL": NOWHERE, "CLOCK": "noon"}, "NOTIFIER_CLOCK"),
        ({"DATABASE_URL": NOWHERE, "CONFIG": "/nowhere.toml"}, "nowhere.toml"),
    ],
)
def test_a_bad_setting_is_named_and_no_secret_shown(settings: dict[str, str], named: str, call: Call) -> None:
    said = call("runs", **settings)

    assert said.code == Exit.USAGE, said.err
    assert named in said.err
    assert "s3cret" not in said.err


def test_a_database_that_does_not_answer(call: Call, silent_port: int) -> None:
    said = call("runs", DATABASE_URL=f"postgresql://nobody:s3cret@127.0.0.1:{silent_port}/none")

    assert said.code == Exit.UNREACHABLE
    assert "NOTIFIER_DATABASE_URL" in said.err
    assert "s3cret" not in said.err


@pytest.mark.parametrize(("language", "words"), [("en", "does not answer"), ("zh", "資料庫沒有回應")])
@pytest.mark.parametrize("command", [["runs"], ["migrate"]])
def test_a_stopped_database_on_a_unix_socket(
    command: list[str], language: str, words: str, call: Call, folder: Path
) -> None:
    said = call(*command, "--lang", language, DATABASE_URL=f"postgresql:///office?host={folder}")

    assert said.code == Exit.UNREACHABLE
    assert words in said.err


@pytest.mark.parametrize("name", JSON_EXAMPLES)
def test_a_value_that_is_no_json_says_what_to_write(name: str, call: Call) -> None:
    said = call("runs", DATABASE_URL=NOWHERE, **{name.upper(): "espeak"})
    written = re.search(r"='(.*)'\.", said.err)

    assert said.code == Exit.USAGE
    assert f"NOTIFIER_{name.upper()} must be JSON" in said.err
    assert written
    assert call("runs", DATABASE_URL=NOWHERE, **{name.upper(): written[1]}).code == Exit.UNREACHABLE


def test_no_database_url_at_all(call: Call) -> None:
    said = call("runs", DATABASE_URL="mysql://nobody@127.0.0.1/none")

    assert said.code == Exit.USAGE


@pytest.mark.parametrize("command", [["runs"], ["status", "1"], ["serve"], ["schedules"]])
def test_a_database_without_tables(command: list[str], call: Call, empty_database: str) -> None:
    said = call(*command, DATABASE_URL=empty_database, PORT="0")

    assert said.code == Exit.UNREACHABLE
    assert "notifier migrate" in said.err


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["run", "no_such"], Exit.USAGE, "payment_deadline"),
        (["run", "payment_deadline", "--set", "colour=blue"], Exit.USAGE, "days"),
        (["run", "payment_deadline", "--set", "days=many"], Exit.USAGE, "days"),
        (["run", "payment_deadline", "--set", "days"], Exit.USAGE, "name=value"),
        (["run", "payment_deadline", "--dry-run", "--wait"], Exit.USAGE, "--dry-run"),
        (["status", "77"], Exit.NOT_FOUND, "notifier runs"),
        (["pause", "no such key"], Exit.NOT_FOUND, "notifier runs"),
        (["held", "77"], Exit.NOT_FOUND, "77"),
        (["held", "release", "77"], Exit.NOT_FOUND, "notifier held"),
        (["held", "close", "77", "--reason", "x"], Exit.NOT_FOUND, "notifier held"),
        (["channels", "pause", "pigeon", "--reason", "x"], Exit.NOT_FOUND, "pigeon"),
        (["who", "07-10-0000-01-0"], Exit.NOT_FOUND, "07-10-0000-01-0"),
        (["status"], Exit.USAGE, "RUN"),
    ],
)
def test_what_is_not_there(command: list[str], code: Exit, words: str, call: Call, database: str) -> None:
    said = call(*command, DATABASE_URL=database)

    assert said.code == code, said.err
    assert words in said.err


@pytest.mark.parametrize("command", [["runs"], ["held"], ["channels"], ["schedules"]])
def test_empty_lists(command: list[str], call: Call, database: str) -> None:
    assert call(*command, DATABASE_URL=database).code == Exit.DONE
    assert call(*command, "--json", DATABASE_URL=database).json == []


def test_an_unexpected_error_has_a_sentence_too(call: Call, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.storage.runs.RunStore.latest", None)

    said = call("runs", DATABASE_URL=database)

    assert said.code == Exit.UNEXPECTED
    assert "--traceback" in said.err
