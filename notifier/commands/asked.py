"""What an operator typed into `who`: an account, a telephone, a mailbox or the code of a notice."""

import re
from dataclasses import dataclass

from notifier.domain.notice_code import notification_of
from notifier.domain.telephone import NoNumber, Number, read_cell

ACCOUNT_DIGITS = 11


@dataclass(frozen=True, slots=True)
class Asked:
    """Every way in which the text can be read; None where it cannot. `reading` is there unless it is surely no
    telephone."""

    text: str
    account: str | None = None
    email: str | None = None
    notification: int | None = None
    reading: Number | NoNumber | None = None

    @property
    def address(self) -> str | None:
        if self.email:
            return self.email
        return self.reading.e164 if isinstance(self.reading, Number) else None


def read_asked(text: str) -> Asked:
    """11 digits, with or without dashes, are an account; seven of the code's letters a notice; an @ makes a mailbox."""
    text = text.strip()
    if "@" in text:
        return Asked(text, email=text.lower())
    bare = re.sub(r"[\s-]", "", text)
    if bare.isascii() and bare.isdigit() and len(bare) == ACCOUNT_DIGITS:
        return Asked(text, account=bare)
    return Asked(
        text,
        account=bare if bare.isascii() and bare.isdigit() else None,  # the source has shorter ones, too
        notification=notification_of(text),
        reading=read_cell(text) if re.search(r"\d", text) else None,
    )
