"""How many segments an SMS body costs (3GPP TS 23.038 alphabet, TS 23.040 concatenation)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")  # two units each, escape first
_GSM = _BASIC | _EXTENSION
_LAST_SINGLE = "\uffff"  # beyond it a character takes two UTF-16 code units
_LIMITS = {"GSM-7": (160, 153), "UCS-2": (70, 67)}  # units in a lone segment, in one of several


@dataclass(frozen=True, slots=True)
class SmsLength:
    """`units` are septets (GSM-7) or UTF-16 code units (UCS-2) of the body alone, without headers."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def count_segments(body: str) -> SmsLength:
    """An empty body is no segment. A character of two units is never cut, so a segment may end one unit early."""
    if _GSM.issuperset(body):
        if _EXTENSION.isdisjoint(body):
            return _count_singles("GSM-7", len(body))
        return _count("GSM-7", [2 if character in _EXTENSION else 1 for character in body])
    if not body or max(body) <= _LAST_SINGLE:
        return _count_singles("UCS-2", len(body))
    return _count("UCS-2", [2 if character > _LAST_SINGLE else 1 for character in body])


def _count_singles(encoding: Literal["GSM-7", "UCS-2"], units: int) -> SmsLength:
    """Nearly every body: no character takes two units, so no segment ends early."""
    alone, among_several = _LIMITS[encoding]
    return SmsLength(encoding, units, min(units, 1) if units <= alone else -(-units // among_several))


def _count(encoding: Literal["GSM-7", "UCS-2"], widths: list[int]) -> SmsLength:
    alone, among_several = _LIMITS[encoding]
    units = sum(widths)
    if units <= alone:
        return SmsLength(encoding, units, min(units, 1))
    return SmsLength(encoding, units, _fill(widths, among_several))


def _fill(widths: Iterable[int], limit: int) -> int:
    segments, used = 1, 0
    for width in widths:
        if used + width > limit:
            segments, used = segments + 1, 0
        used += width
    return segments
