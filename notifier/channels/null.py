"""A channel that takes everything at once: what is left is the cost of everything else. Only for measuring."""

from collections.abc import Callable, Sequence
from datetime import datetime

from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import Abilities, Address, AddressKind, Channel, Hook, Surroundings
from notifier.domain.disposition import Disposition
from notifier.domain.message import Message
from notifier.domain.receipt import Receipt, ReceiptKind

OPTION = "null"


def create(surroundings: Surroundings) -> Channel | None:
    """Exists only when the option `null` gives it a name."""
    name = surroundings.options.get(OPTION)
    return Null(name, surroundings.now) if name else None


class Null:
    hooks: Sequence[Hook] = ()

    def __init__(self, name: str, now: Callable[[], datetime]) -> None:
        self.name = name
        self.abilities = Abilities(AddressKind.MOBILE, repeatable=True)
        self._now = now

    async def send(self, message: Message, address: Address, attempt: AttemptId) -> Receipt:  # noqa: ARG002
        return Receipt(
            attempt, ReceiptKind.ANSWER, f"{attempt}:taken", "taken", self._now(), ended=Disposition.DELIVERED
        )

    async def close(self) -> None:
        pass
