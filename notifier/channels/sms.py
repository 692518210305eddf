"""Text messages, through Twilio or whoever speaks its API."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from notifier.channels.twilio_codes import is_message_status, message_ending, what_follows
from notifier.channels.twilio_receipts import Wanted, answered, field, find_created, looked_up, loud, told, whole
from notifier.channels.twilio_transport import TwilioApi
from notifier.channels.twilio_webhook import Signatures
from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import (
    Abilities,
    Address,
    AddressKind,
    Channel,
    Hook,
    HookCall,
    HookReply,
    Surroundings,
    TwilioAccount,
)
from notifier.domain.errors import Misconfigured, Refused
from notifier.domain.message import Message, SmsMessage
from notifier.domain.receipt import Receipt

GENUINE_SENDER = "111"  # the government's short code, the only one that customers are told to trust
MOST_SEGMENTS = 3
RETRIES = "#rc=3&rp=ct,rt,5xx"


def create(surroundings: Surroundings) -> Channel | None:
    """None without an account, or without a sender."""
    account = surroundings.twilio
    return Sms(account, surroundings) if account is not None and account.sms_from else None


class Sms:
    name = "sms"

    def __init__(self, account: TwilioAccount, surroundings: Surroundings) -> None:
        self._sender = account.sms_from
        self._now = surroundings.now
        self._status_url = f"{surroundings.public_url.rstrip('/')}/hooks/{self.name}/status"
        self._api = TwilioApi(account, "Messages", surroundings.now)
        self._signatures = Signatures(account)
        self.abilities = Abilities(
            AddressKind.MOBILE,
            receipts=True,
            genuine_sender=account.sms_from == GENUINE_SENDER,
            max_segments=MOST_SEGMENTS,
        )

    @property
    def hooks(self) -> Sequence[Hook]:
        return [self._signatures.guard("status", self._status)]

    async def send(self, message: Message, address: Address, attempt: AttemptId) -> Receipt:
        if not isinstance(message, SmsMessage):
            raise Misconfigured(f"a text message cannot carry {type(message).__name__}")
        if message.segments > MOST_SEGMENTS:
            raise Refused(f"{message.segments} segments are more than {MOST_SEGMENTS}", code="segments")
        fields = {
            "To": address,
            "From": self._sender,
            "Body": message.body,
            "StatusCallback": f"{self._status_url}?attempt={attempt}{RETRIES}",
        }
        created = await self._api.create(urlencode(fields))
        return answered(attempt, created, self._now())

    async def look_up(
        self,
        attempt: AttemptId,
        address: Address,
        since: datetime,
        provider_ref: str | None,
        *,
        others: frozenset[str] = frozenset(),
        message: Message | None = None,
    ) -> Receipt | None:
        wanted = Wanted(since, others, message.body if isinstance(message, SmsMessage) else None)
        found = await find_created(self._api, address, self._sender, wanted, provider_ref)
        if found is None:
            return None
        ended = message_ending(str(found.get("status")), whole(found.get("error_code")))
        return looked_up(attempt, found, self._now(), ended)

    async def close(self) -> None:
        await self._api.close()

    def _status(self, call: HookCall) -> HookReply:
        status, code = field(call, "MessageStatus"), whole(field(call, "ErrorCode"))
        known = is_message_status(status)
        detail = loud(known) | ({"follows": what_follows(code).value} if code is not None else {})
        ended = message_ending(status, code) if known else None
        return HookReply(receipts=told(call, field(call, "MessageSid"), status, status, ended=ended, detail=detail))
