"""How many segments a text message is billed as."""

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = frozenset("^{}\\[~]|€\f")  # two septets each


def count_segments(body: str) -> int:
    """160 septets, or 153 a part; with any other character 70 UTF-16 units, or 67 a part. No pair is split."""
    if set(body) <= _GSM | _GSM_ESCAPED:
        return _parts([2 if character in _GSM_ESCAPED else 1 for character in body], 160, 153)
    return _parts([2 if ord(character) > 0xFFFF else 1 for character in body], 70, 67)


def _parts(widths: list[int], whole: int, part: int) -> int:
    if sum(widths) <= whole:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
