"""The code by which a customer and the office name the same notice: short, spoken without confusion, not countable."""

# Crockford's alphabet: no I, L, O or U to be misheard or misread.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 7
SPACE = len(ALPHABET) ** LENGTH
# Odd and far from a power of two: neighbouring notices get codes that do not look alike. Its inverse leads back.
FACTOR = 19_088_743_517
INVERSE: int = pow(FACTOR, -1, SPACE)


def notice_code(notification: int) -> str:
    """The code of a notification, 7 characters; unique up to 34 thousand million notifications."""
    value = notification * FACTOR % SPACE
    digits = []
    for _ in range(LENGTH):
        value, digit = divmod(value, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def notification_of(code: str) -> int | None:
    """The notification of a code as a person reads it out, or None when it cannot be one."""
    text = code.strip().upper().replace("-", "").translate(str.maketrans("OIL", "011"))
    if len(text) != LENGTH or any(character not in ALPHABET for character in text):
        return None
    value = 0
    for character in text:
        value = value * len(ALPHABET) + ALPHABET.index(character)
    notification: int = value * INVERSE % SPACE
    return notification
