"""The life of a text message: queued (or accepted), sending, sent, and mostly one final status."""

import secrets
import time

from notifier.sandbox.exchange import API_VERSION, Exchange
from notifier.sandbox.people import Fate, MessageOutcome
from notifier.sandbox.records import Message, MessageOrder
from notifier.sandbox.segments import count_segments

SENDER_OF_SERVICE = "+15005550006"  # the number a messaging service picks


class Messages:
    """Places text messages."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._clock = exchange.clock

    def place(self, order: MessageOrder) -> Message:
        """Enters the message into the ledger and starts it."""
        ledger = self._exchange.ledger
        message = Message(
            n=len(ledger),
            sid=f"SM{secrets.token_hex(16)}",
            order=order,
            nth=len(ledger.messages_to(order.to)),
            created_at=self._clock.now(),
            created_real=time.time(),
            segments=count_segments(order.body),
            status="accepted" if order.service_sid else "queued",
        )
        ledger.add_message(message)
        self._exchange.activity.start(self._run(message))
        return message

    async def _run(self, message: Message) -> None:
        """No callback for the first status; `sent` may be the last word."""
        fate = self._exchange.crowd.fate(message.order.to, message.nth)
        await self._clock.sleep(fate.sent_after)
        if fate.outcome is MessageOutcome.FAILED:
            self._finish(message, fate)
            return
        self._change(message, "sending")
        message.sent_at = self._clock.now()
        self._change(message, "sent", last=fate.outcome is MessageOutcome.SENT)
        if fate.outcome is not MessageOutcome.SENT:
            await self._clock.sleep(fate.settled_after)
            self._finish(message, fate)

    def _finish(self, message: Message, fate: Fate) -> None:
        message.ended_at = self._clock.now()
        message.error_code = fate.error_code
        message.finals.append(fate.outcome)
        contradict = self._exchange.faults.now.contradict
        contradicted = fate.outcome is MessageOutcome.DELIVERED and contradict.strikes(
            self._exchange.faults.dice, message.order.to, "messages"
        )
        self._change(message, fate.outcome, last=not contradicted)
        if contradicted:
            self._exchange.activity.start(self._contradict(message, contradict.seconds))

    async def _contradict(self, message: Message, seconds: float) -> None:
        await self._clock.sleep(seconds)
        message.error_code = 30008
        message.finals.append("undelivered")
        self._change(message, "undelivered", last=True)

    def _change(self, message: Message, status: str, *, last: bool = False) -> None:
        message.status = str(status)
        message.updated_at = self._clock.now()
        if message.order.status is not None:
            params = self._params(message)
            self._exchange.callbacks.notify(message.track, message.order.status, params, message.errors, last=last)

    def _params(self, message: Message) -> dict[str, str]:
        params = {
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": message.status,
            "SmsStatus": message.status,
            "To": message.order.to,
            "From": message.order.from_ or SENDER_OF_SERVICE,
            "AccountSid": self._exchange.account_sid,
            "ApiVersion": API_VERSION,
        }
        if message.order.service_sid:
            params["MessagingServiceSid"] = message.order.service_sid
        if message.error_code:
            params["ErrorCode"] = str(message.error_code)
        return params
