"""What `who` takes a text for."""

import pytest

from notifier.commands.asked import read_asked
from notifier.domain.notice_code import notice_code


@pytest.mark.parametrize("text", ["07-10-0000-01-0", "07100000010", " 07 10 0000 01 0 "])
def test_accounts(text: str) -> None:
    asked = read_asked(text)

    assert (asked.account, asked.address, asked.notification) == ("07100000010", None, None)


@pytest.mark.parametrize("text", ["0912345678", "0912-345-678", "+886 912 345 678", "０９１２３４５６７８"])
def test_telephones_as_typed(text: str) -> None:
    assert read_asked(text).address == "+886912345678"


def test_mailboxes() -> None:
    assert read_asked(" A.Wang@Example.com ").address == "a.wang@example.com"


@pytest.mark.parametrize("spoken", [notice_code(12), notice_code(12).lower(), f" {notice_code(12)} "])
def test_codes_as_read_out(spoken: str) -> None:
    assert read_asked(spoken).notification == 12


def test_what_is_nothing() -> None:
    asked = read_asked("Mr Wang")

    assert (asked.account, asked.address, asked.notification, asked.reading) == (None, None, None, None)
