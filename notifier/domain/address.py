"""An address as a person gives it: a telephone in any notation, or a mailbox."""

import re

from notifier.domain.telephone import NoNumber, read_cell
from notifier.domain.written import mask_phone

_MAILBOX = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")  # as the planner reads the source's cells


class NoAddress(ValueError):
    """What was given is neither a number that can be dialled nor a mailbox. The message is the reason's code."""


def read_address(text: str) -> str:
    """As notifications hold it: E.164, or a mailbox in small letters. Raises NoAddress."""
    text = text.strip()
    if "@" in text:
        if not _MAILBOX.fullmatch(text):
            raise NoAddress("not_a_mailbox")
        return text.lower()
    reading = read_cell(text)
    if isinstance(reading, NoNumber):
        raise NoAddress(reading.reason.value)
    return reading.e164


def mask_address(address: str) -> str:
    """Only enough of it to recognise it by."""
    name, sign, host = address.partition("@")
    return f"{name[:1]}***@{host}" if sign else mask_phone(address)
