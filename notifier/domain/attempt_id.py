"""Attempt ids: UUIDv7, so that an id is never reused and its time finds its partition."""

from datetime import UTC, datetime
from typing import NewType
from uuid import UUID

AttemptId = NewType("AttemptId", UUID)

ENTROPY_BYTES = 10


def make_attempt_id(now: datetime, entropy: bytes) -> AttemptId:
    """A UUIDv7 (RFC 9562) of the moment `now` (aware, millisecond precision) and ten random bytes."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"an attempt id needs {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}")
    milliseconds = int(now.timestamp() * 1000)
    low = int.from_bytes(entropy, "big")
    value = (milliseconds << 80) | low
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return AttemptId(UUID(int=value))


def attempt_time(attempt: UUID) -> datetime:
    """When the attempt was made (UTC, millisecond precision), as its id says."""
    return datetime.fromtimestamp((attempt.int >> 80) / 1000, UTC)


def read_attempt_id(text: str) -> AttemptId | None:
    """The id in a callback's query string, or None when it is not one of ours."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return AttemptId(value) if value.version == 7 else None
