"""Calls, messages and errors as the REST API writes them: every field of the real resources, in its form."""

import math
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from notifier.sandbox.exchange import API_VERSION
from notifier.sandbox.orders import RejectedError
from notifier.sandbox.records import Call, Message

NO_SKEW = timedelta(0)
RATED_AFTER = timedelta(seconds=30)  # a price is known only some time after the end
CALL_PRICE = Decimal("0.1135")  # US dollars a minute begun; made up
SEGMENT_PRICE = Decimal("0.0498")


def call_json(account_sid: str, call: Call, now: datetime, skew: timedelta = NO_SKEW) -> dict[str, Any]:
    """`skew`: how far the clock goes ahead by which the resource tells its times."""
    minutes = math.ceil(call.seconds / 60)
    waited = (call.dialled_at or now) - call.created_at
    uri = f"{account_uri(account_sid)}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "date_created": _rfc2822(call.created_at, skew),
        "date_updated": _rfc2822(call.updated_at or call.created_at, skew),
        "parent_call_sid": None,
        "account_sid": account_sid,
        "to": call.order.to,
        "to_formatted": call.order.to,
        "from": call.order.from_,
        "from_formatted": call.order.from_,
        "phone_number_sid": None,
        "status": call.status,
        "start_time": _rfc2822(call.dialled_at, skew),
        "end_time": _rfc2822(call.ended_at, skew),
        "duration": str(call.seconds) if call.is_over else None,
        "price": _price(CALL_PRICE * minutes, call.ended_at, now),
        "price_unit": "USD",
        "direction": call.order.direction,
        "answered_by": call.answered_by,
        "annotation": None,
        "api_version": API_VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(max(0, round(waited.total_seconds() * 1000))),
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {name.lower(): f"{uri}/{name}.json" for name in ("Notifications", "Recordings", "Events")},
    }


def message_json(account_sid: str, message: Message, now: datetime, skew: timedelta = NO_SKEW) -> dict[str, Any]:
    uri = f"{account_uri(account_sid)}/Messages/{message.sid}"
    unsegmented = message.status == "accepted"  # a messaging service has not picked a sender yet
    return {
        "sid": message.sid,
        "account_sid": account_sid,
        "messaging_service_sid": message.order.service_sid,
        "to": message.order.to,
        "from": message.order.from_,
        "body": message.order.body,
        "status": message.status,
        "direction": "outbound-api",
        "num_segments": "0" if unsegmented else str(message.segments),
        "num_media": "0",
        "date_created": _rfc2822(message.created_at, skew),
        "date_updated": _rfc2822(message.updated_at or message.created_at, skew),
        "date_sent": _rfc2822(message.sent_at, skew),
        "price": _price(SEGMENT_PRICE * message.segments, message.ended_at, now),
        "price_unit": "USD",
        "error_code": message.error_code,
        "error_message": "Message could not be delivered" if message.error_code else None,
        "api_version": API_VERSION,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def account_json(account_sid: str, started_at: datetime) -> dict[str, Any]:
    uri = account_uri(account_sid)
    return {
        "sid": account_sid,
        "owner_account_sid": account_sid,
        "friendly_name": "Sandbox",
        "status": "active",
        "type": "Full",
        "auth_token": None,
        "date_created": _rfc2822(started_at),
        "date_updated": _rfc2822(started_at),
        "uri": f"{uri}.json",
        "subresource_uris": {"calls": f"{uri}/Calls.json", "messages": f"{uri}/Messages.json"},
    }


def error_json(rejected: RejectedError) -> dict[str, Any]:
    return {
        "code": rejected.code,
        "message": str(rejected),
        "more_info": f"https://www.twilio.com/docs/errors/{rejected.code}",
        "status": rejected.status,
    }


def account_uri(account_sid: str) -> str:
    return f"/{API_VERSION}/Accounts/{account_sid}"


def _price(amount: Decimal, ended_at: datetime | None, now: datetime) -> str | None:
    """A negative string, or None until it is rated."""
    return f"{-amount:.5f}" if ended_at and now - ended_at >= RATED_AFTER else None


def _rfc2822(moment: datetime | None, skew: timedelta = NO_SKEW) -> str | None:
    return format_datetime(moment + skew) if moment else None
