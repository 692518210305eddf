"""The life of a call: queued, initiated, ringing, in-progress, and one final status.

Seconds below are the clock's; nothing here reads real time but `created_real`.
"""

import math
import secrets
import time
from email.utils import format_datetime

from notifier.sandbox.conversation import Conversation, Line
from notifier.sandbox.exchange import API_VERSION, Exchange
from notifier.sandbox.orders import RejectedError
from notifier.sandbox.people import Behaviour, CallOutcome
from notifier.sandbox.records import Call, CallOrder, Trouble
from notifier.sandbox.webhooks import NoReplyError

SETUP = 1.0  # seconds from initiated to ringing
BUSY_TONE = 2.0  # seconds until a busy or bad number is known
DETECTION = 4.0  # seconds of listening until a voice is told from a machine
GREETING = 12.0  # seconds of an answering machine's greeting
OK, NOT_FOUND, BUSY_HERE, TERMINATED, DECLINE = 200, 404, 486, 487, 603
EVENT_OF = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


class Calls:
    """Places calls and ends them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._clock = exchange.clock

    def place(self, order: CallOrder) -> Call:
        """Enters the call into the ledger and starts it."""
        call = self._enter(order)
        call.task = self._exchange.activity.start(self._run(call))
        return call

    def _enter(self, order: CallOrder) -> Call:
        ledger = self._exchange.ledger
        call = Call(
            n=len(ledger),
            sid=f"CA{secrets.token_hex(16)}",
            order=order,
            nth=len(ledger.calls_to(order.to)),
            created_at=self._clock.now(),
            created_real=time.time(),
        )
        ledger.add_call(call)
        return call

    def end(self, call: Call, status: str) -> None:
        """Carries out POST Status=canceled (before the answer) or completed.

        Raises RejectedError: 21220 when the call is past it.
        """
        if status not in ("canceled", "completed"):
            raise RejectedError(20001, detail=f"Status {status}")
        if call.is_over or (status == "canceled" and call.answered_at):
            raise RejectedError(21220)
        assert call.task is not None
        call.task.cancel()
        if call.answered_at:
            self._finish(call, "completed", OK)
        else:
            self._finish(call, "canceled", TERMINATED)

    def take(self, order: CallOrder, behaviour: Behaviour) -> Call:
        """Enters a call that somebody makes to us, answered by the order's URL at once."""
        call = self._enter(order)
        call.task = self._exchange.activity.start(self._answer(call, behaviour))
        return call

    async def _answer(self, call: Call, behaviour: Behaviour) -> None:
        await self._talk(call, behaviour)
        self._finish(call, "completed", OK)

    async def _run(self, call: Call) -> None:
        await self._exchange.pace.turn()
        call.dialled_at = self._clock.now()
        self._report(call, "initiated")
        behaviour = self._exchange.crowd.behaviour(call.order.to, call.nth)
        status, sip_code = await self._reach(call, behaviour)
        if status == "in-progress":
            await self._talk(call, behaviour)
            status = "completed"
        self._finish(call, status, sip_code)

    async def _reach(self, call: Call, behaviour: Behaviour) -> tuple[str, int]:
        """Dials; the status that follows, and its SIP code."""
        await self._clock.sleep(SETUP)
        if behaviour.outcome in (CallOutcome.BUSY, CallOutcome.BAD_NUMBER):
            await self._clock.sleep(BUSY_TONE)
            return ("busy", BUSY_HERE) if behaviour.outcome is CallOutcome.BUSY else ("failed", NOT_FOUND)
        call.rang_at = self._clock.now()
        self._change(call, "ringing")
        rings = call.order.ring_timeout
        if behaviour.outcome is CallOutcome.NO_ANSWER or behaviour.answer_after >= rings:
            await self._clock.sleep(rings)
            return "no-answer", TERMINATED
        await self._clock.sleep(behaviour.answer_after)
        if behaviour.outcome is CallOutcome.DECLINED:
            return "no-answer", DECLINE
        return "in-progress", OK

    async def _talk(self, call: Call, behaviour: Behaviour) -> None:
        call.answered_at = self._clock.now()
        self._change(call, "in-progress")
        line = Line(self._clock, behaviour, call.order.time_limit)
        params = self._params(call, "in-progress")
        if call.order.detection and call.order.detects_aside:
            self._exchange.activity.start(self._detect_aside(call, behaviour))
        elif call.order.detection:
            if not await line.survives(detection_seconds(call, behaviour)):
                return
            call.answered_by = params["AnsweredBy"] = answered_by(call, behaviour)
        exchange = self._exchange
        await Conversation(call, line, exchange.webhooks, exchange.clips, exchange.faults, params).hold()

    async def _detect_aside(self, call: Call, behaviour: Behaviour) -> None:
        """Detection beside the call (AsyncAmd): the first words do not wait for it."""
        seconds = detection_seconds(call, behaviour)
        leaves = behaviour.hang_up_after
        await self._clock.sleep(seconds if leaves is None else min(seconds, leaves))
        known = leaves is None or leaves >= seconds
        answer = answered_by(call, behaviour) if known and not call.is_over else "unknown"
        call.answered_by = answer
        if (to := call.order.detection_callback) is None:
            return
        params = self._identity(call) | {
            "AnsweredBy": answer,
            "MachineDetectionDuration": str(round(seconds * 1000)),
        }
        try:
            await self._exchange.webhooks.send(to.url, params, to.method)
        except NoReplyError as failure:
            call.errors.append(Trouble(failure.code, str(failure), to.url))

    def _finish(self, call: Call, status: str, sip_code: int) -> None:
        call.ended_at = self._clock.now()
        call.sip_code = sip_code
        call.finals.append(status)
        contradict = self._exchange.faults.now.contradict
        contradicted = status == "completed" and contradict.strikes(self._exchange.faults.dice, call.order.to, "calls")
        self._change(call, status, last=not contradicted)
        if contradicted:
            self._exchange.activity.start(self._contradict(call, contradict.seconds))

    async def _contradict(self, call: Call, seconds: float) -> None:
        await self._clock.sleep(seconds)
        call.sip_code = 480
        call.finals.append("no-answer")
        self._change(call, "no-answer")

    def _change(self, call: Call, status: str, *, last: bool = True) -> None:
        call.status = status
        self._report(call, status, last=last)

    def _report(self, call: Call, status: str, *, last: bool = True) -> None:
        """The status callback for the status, if it was asked for. `initiated` is a callback's word only."""
        call.updated_at = self._clock.now()
        to = call.order.status
        event = EVENT_OF.get(status, "completed")
        if to is None or event not in call.order.events:
            return
        is_final = event == "completed"
        params = self._params(call, status) | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.track.sequence),
            "Timestamp": format_datetime(self._clock.now() + self._exchange.faults.skew),
        }
        call.track.sequence += 1
        if is_final:
            params |= self._ending(call)
        if call.answered_by:
            params["AnsweredBy"] = call.answered_by
        self._exchange.callbacks.notify(call.track, to, params, call.errors, last=is_final and last)

    def _ending(self, call: Call) -> dict[str, str]:
        minutes = math.ceil(call.seconds / 60)
        return {"CallDuration": str(call.seconds), "Duration": str(minutes), "SipResponseCode": str(call.sip_code)}

    def _identity(self, call: Call) -> dict[str, str]:
        return {"CallSid": call.sid, "AccountSid": self._exchange.account_sid}

    def _params(self, call: Call, status: str) -> dict[str, str]:
        """The parameters of every voice request and status callback."""
        to, from_ = call.order.to, call.order.from_
        return self._identity(call) | {
            "From": from_,
            "To": to,
            "Caller": from_,
            "Called": to,
            "CallStatus": status,
            "Direction": call.order.direction,
            "ApiVersion": API_VERSION,
        }


def detection_seconds(call: Call, behaviour: Behaviour) -> float:
    """Seconds until the answer to "man or machine?" is known: a greeting's end takes as long as the greeting."""
    waits_for_beep = call.order.detection == "DetectMessageEnd" and behaviour.outcome is CallOutcome.MACHINE
    return GREETING if waits_for_beep else DETECTION


def answered_by(call: Call, behaviour: Behaviour) -> str:
    if behaviour.outcome is not CallOutcome.MACHINE:
        return "human"
    return "machine_end_beep" if call.order.detection == "DetectMessageEnd" else "machine_start"
