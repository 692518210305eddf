"""Calls, through Twilio or whoever speaks its API.

The attempt's id is in every URL we give the carrier, so a callback that overtakes the answer to the create is still
known. The carrier has no idempotency key: a create without an answer is looked up, never repeated here.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from notifier.channels.twilio_codes import MACHINES, call_ending, call_looked_up, is_call_status
from notifier.channels.twilio_receipts import Wanted, answered, field, find_created, looked_up, loud, told, whole
from notifier.channels.twilio_transport import TwilioApi
from notifier.channels.twilio_webhook import SIGNATURE, Signatures
from notifier.channels.voice_dialogue import Dialogue, Stand, Turn
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
from notifier.domain.dialogue_words import Sentence
from notifier.domain.errors import Misconfigured
from notifier.domain.message import MachinePolicy, Message, VoiceMessage
from notifier.domain.receipt import UNNUMBERED, Receipt
from notifier.domain.recording import AudioAddresses

# Three more tries after a connect failure, a timeout or a 5xx. The fragment is neither sent nor signed.
RETRIES = "#rc=3&rp=ct,rt,5xx"
ATTEMPT_HERE = "ATTEMPT-HERE"  # letters that URL-encoding leaves alone, in no public URL
EVENTS = ("initiated", "ringing", "answered", "completed")
DETECTING = frozenset({MachinePolicy.HANG_UP, MachinePolicy.LEAVE_MESSAGE})
# Who calls, when the words of the call are not to be had; the option `caller.<locale>` says it better.
CALLERS = {"zh-TW": "電力公司", "en": "your electricity company"}
SILENCE = timedelta(minutes=5)  # after the phone has stopped ringing
TALKING = ("in-progress", "")
XML = "text/xml"
SPEAKING = frozenset({"script", "key"})
HANG_UP = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'


def create(surroundings: Surroundings) -> Channel | None:
    """None without an account, or without a number to call from."""
    account = surroundings.twilio
    return Voice(account, surroundings) if account is not None and account.voice_from else None


class Voice:
    name = "voice"

    def __init__(self, account: TwilioAccount, surroundings: Surroundings) -> None:
        self._account = account
        self._now = surroundings.now
        self._hooks_url = f"{surroundings.public_url.rstrip('/')}/hooks/{self.name}"
        self._api = TwilioApi(account, "Calls", surroundings.now)
        self._signatures = Signatures(account)
        addresses = AudioAddresses(surroundings.public_url.rstrip("/"), surroundings.seal)
        self._dialogue = Dialogue(account.voices, lambda query: f"{self._hooks_url}/key?{query}{RETRIES}", addresses)
        callers = _callers(surroundings.options)
        self.fallback_twiml = self._dialogue.unworded(Sentence.FALLBACK, callers)
        self._called_back_twiml = self._dialogue.unworded(Sentence.CALLED_BACK, callers)
        # Encoding a whole form takes a fifth of a create's CPU; all of it is known now but the number and the attempt.
        self._orders = {policy: self._order(policy) for policy in MachinePolicy}
        self.abilities = Abilities(
            AddressKind.PHONE,
            keypad=True,
            receipts=True,
            silent_after=timedelta(seconds=account.ring_seconds) + SILENCE,
        )

    @property
    def hooks(self) -> Sequence[Hook]:
        answers = {
            "script": self._script,
            "key": self._key,
            "status": self._status,
            "machine": self._machine,
            "fallback": self._fallback,
            "probe": self._probed,
            "inbound": self._called_back,
        }
        return [self._signatures.guard(path, answer, speaks=path in SPEAKING) for path, answer in answers.items()]

    async def send(self, message: Message, address: Address, attempt: AttemptId) -> Receipt:
        if not isinstance(message, VoiceMessage):
            raise Misconfigured(f"a call cannot carry {type(message).__name__}")
        order = self._orders[message.machine].replace(ATTEMPT_HERE, str(attempt))
        call = await self._api.create(f"{urlencode({'To': address})}&{order}")
        return answered(attempt, call, self._now())

    async def look_up(
        self,
        attempt: AttemptId,
        address: Address,
        since: datetime,
        provider_ref: str | None,
        *,
        others: frozenset[str] = frozenset(),
        message: Message | None = None,  # noqa: ARG002 - a call's words are not listed
    ) -> Receipt | None:
        wanted = Wanted(since, others)
        call = await find_created(self._api, address, self._account.voice_from, wanted, provider_ref)
        if call is None:
            return None
        ended = call_looked_up(str(call.get("status")))
        return looked_up(attempt, call, self._now(), ended, machine=call.get("answered_by") in MACHINES or None)

    async def cancel(self, provider_ref: str) -> None:
        await self._api.cancel(provider_ref)

    async def probe(self) -> None:
        """Calls our own public address as the carrier would. Raises Misconfigured when it is not we who answer."""
        nonce = secrets.token_urlsafe(16)
        url = f"{self._hooks_url}/probe?{urlencode({'nonce': nonce})}"
        answer = await _get(url, {SIGNATURE: self._signatures.sign(url)}, self._account.timeout)
        if not hmac.compare_digest(answer.encode(), self._signatures.seal(nonce).encode()):
            raise Misconfigured(f"our public address {self._hooks_url} does not answer for us: calls would be silent")

    async def close(self) -> None:
        await self._api.close()

    def _order(self, policy: MachinePolicy) -> str:
        fields = [
            ("From", self._account.voice_from),
            ("Url", self._url("script")),
            ("FallbackUrl", self._url("fallback")),
            ("StatusCallback", self._url("status")),
            *(("StatusCallbackEvent", event) for event in EVENTS),
            ("Timeout", str(self._account.ring_seconds)),
        ]
        if policy in DETECTING:
            # Beside the call: who picks up would otherwise hear nothing for 4 s, and take it for a fraud's scouting.
            fields += [
                ("MachineDetection", "Enable"),
                ("AsyncAmd", "true"),
                ("AsyncAmdStatusCallback", self._url("machine")),
            ]
        return urlencode(fields)

    def _url(self, hook: str) -> str:
        return f"{self._hooks_url}/{hook}?attempt={ATTEMPT_HERE}{RETRIES}"

    def _script(self, call: HookCall) -> HookReply:
        if call.attempt is None or not isinstance(call.message, VoiceMessage):
            return _speak(self.fallback_twiml)
        if _by_machine(call) and call.message.machine in DETECTING:
            return self._to_machine(call, call.attempt, call.message)
        return _speak(self._dialogue.open(call.message, Stand.start(call.attempt, call.message)))

    def _to_machine(self, call: HookCall, attempt: AttemptId, message: VoiceMessage) -> HookReply:
        leaves = message.machine is MachinePolicy.LEAVE_MESSAGE
        words = self._dialogue.leave(message, Stand.start(attempt, message)) if leaves else HANG_UP
        return _speak(words, _answered_by_machine(call))

    def _key(self, call: HookCall) -> HookReply:
        key = field(call, "Digits")
        if call.out_of_reach and key:
            return HookReply(503, "the key cannot be understood now; please send it again\n")  # as it is asked to
        if call.attempt is None or not isinstance(call.message, VoiceMessage):
            return _speak(self.fallback_twiml)
        if not key and field(call, "CallStatus") not in TALKING:
            return _speak(HANG_UP)  # the silence of a call that is over says nothing about what was heard
        stand = Stand.read(call.attempt, call.message, dict(call.parameters))
        if not key and call.machine and call.message.machine in DETECTING:
            return self._to_machine(call, call.attempt, call.message)
        turn = self._dialogue.answer(call.message, stand, key)
        answer = _speak(turn.twiml, _heard_or_pressed(call, stand, key, turn))
        return replace(answer, day=turn.day, otherwise=turn.otherwise)

    def _status(self, call: HookCall) -> HookReply:
        status, number = field(call, "CallStatus"), whole(field(call, "SequenceNumber"))
        sequence = UNNUMBERED if number is None else number
        known = is_call_status(status)
        ended = call_ending(status, field(call, "SipResponseCode")) if known else None
        word = f"{status}:{sequence}"
        sid = field(call, "CallSid")
        receipts = told(
            call,
            sid,
            word,
            status,
            sequence=sequence,
            machine=_by_machine(call) or None,
            ended=ended,
            detail=loud(known),
        )
        return HookReply(receipts=receipts)

    def _machine(self, call: HookCall) -> HookReply:
        """What detection found, some seconds into the call."""
        return HookReply(receipts=_answered_by_machine(call) if _by_machine(call) else ())

    def _fallback(self, call: HookCall) -> HookReply:
        return _speak(self.fallback_twiml, told(call, field(call, "CallSid"), "fallback", "fallback"))

    def _called_back(self, _: HookCall) -> HookReply:
        """Somebody calls our number. Who it is, is not looked at: whoever holds a telephone may hear this."""
        return _speak(self._called_back_twiml)

    def _probed(self, call: HookCall) -> HookReply:
        return HookReply(200, self._signatures.seal(dict(call.parameters).get("nonce", "")))


def _speak(twiml: str, receipts: tuple[Receipt, ...] = ()) -> HookReply:
    return HookReply(200, twiml, XML, receipts)


def _callers(options: Mapping[str, str]) -> dict[str, str]:
    return {locale: options.get(f"caller.{locale}", caller) for locale, caller in CALLERS.items()}


def _by_machine(call: HookCall) -> bool:
    return field(call, "AnsweredBy") in MACHINES


def _answered_by_machine(call: HookCall) -> tuple[Receipt, ...]:
    return told(call, field(call, "CallSid"), "machine", "machine", machine=True)


def _heard_or_pressed(call: HookCall, stand: Stand, key: str, turn: Turn) -> tuple[Receipt, ...]:
    """The receipt of a turn, with what is said from here on: should the call end there, that is where."""
    detail = turn.passage.detail() | ({"key": key} if key else {})
    heard = turn.heard and not call.unplayed
    status = "key" if key else "heard" if heard else "silence"
    word, machine = f"turn:{stand.name}", False if key else None
    return told(
        call, field(call, "CallSid"), word, status, heard=heard, machine=machine, action=turn.action, detail=detail
    )


async def _get(url: str, headers: Mapping[str, str], seconds: float) -> str:
    """The text of a 200, or nothing."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as response,
        ):
            return await response.text() if response.status == 200 else ""
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return ""
