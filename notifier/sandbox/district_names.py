"""What stands in the cells of the make-believe district: names, telephones, e-mail addresses, and the dirt among them.

Nobody here exists and it shows: given names say "sample" or "demo", numbers count up from 0900-000-000 and
07-300-0000, mail goes to example.com, foreign numbers are those set aside for films.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from faker import Faker

GIVEN_NAMES = ("示範", "樣本", "範例", "測試", "虛構", "假名", "模擬", "試用", "樣板", "示意")
ENGLISH_NAMES = ("Sample", "Demo", "Example", "Test", "Pretend")
STREETS = ("示範路", "樣本街", "範例二路", "測試巷", "虛構大道")
SMALLEST = 200  # accounts; below that the rare forms would not be rare
SERIALS = 1_000_000  # numbers of one kind there are; beyond that they repeat


class Cells(NamedTuple):
    phone: str | None
    mobile: str | None


Form = Callable[[int], Cells]


def mobile(serial: int) -> str:
    return f"0900{serial % SERIALS:06d}"


def line(serial: int) -> str:
    return f"07{3_000_000 + serial % SERIALS}"


def dashed(digits: str) -> str:
    """'0900000001' as 0900-000-001, '073000001' as 07-300-0001."""
    cut = (4, 7) if len(digits) == 10 else (2, 5)
    return "-".join((digits[: cut[0]], digits[cut[0] : cut[1]], digits[cut[1] :]))


def full_width(text: str) -> str:
    return text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789-+()"})


def _labelled(serial: int) -> Cells:
    return Cells(f"公司{line(serial)}" if serial % 2 else f"家:{dashed(line(serial))}", None)


def _remark(serial: int) -> Cells:
    return Cells(("請打給女兒", "同上", "無", "-")[serial % 4], None)


# How telephone cells are filled: the share of the accounts, and what stands there.
TELEPHONE_SHARES: Mapping[str, float] = {
    "both": 0.20,
    "line": 0.10,
    "household": 0.08,  # shared by 2 to 4 accounts; their cells are those of the first
    "spaces": 0.03,
    "none": 0.03,
    "brackets": 0.02,
    "extension": 0.02,
    "two_in_one": 0.02,
    "full_width": 0.02,
    "plus_886": 0.02,
    "labelled": 0.02,
    "prefix_002": 0.01,
    "voip": 0.01,
    "foreign": 0.01,
    "too_short": 0.01,
    "remark": 0.01,
    "nothing": 0.01,  # no e-mail either
    "premium": 0.004,
    "toll_free": 0.004,
    "personal": 0.004,
    "short": 0.004,
    # and "mobile" for all others
}
TELEPHONE_FORMS: Mapping[str, Form] = {
    "mobile": lambda n: Cells(None, mobile(n)),
    "both": lambda n: Cells(dashed(line(n)), dashed(mobile(n))),
    "line": lambda n: Cells(dashed(line(n)), None),
    "household": lambda n: Cells(dashed(line(n)), mobile(n)),
    "spaces": lambda n: Cells(None, f" {mobile(n)[:4]} {mobile(n)[4:7]} {mobile(n)[7:]} "),
    "none": lambda _: Cells(None, None),
    "brackets": lambda n: Cells(f"(07){line(n)[2:]}", None),
    "extension": lambda n: Cells(f"{dashed(line(n))} 轉 {10 + n % 90}", None),
    "two_in_one": lambda n: Cells(f"{dashed(line(n))} / {dashed(mobile(n))}", None),
    "full_width": lambda n: Cells(None, full_width(dashed(mobile(n)))),
    "plus_886": lambda n: Cells(None, f"+886 {dashed(mobile(n))[1:]}"),
    "labelled": _labelled,
    "prefix_002": lambda n: Cells(None, f"002886{mobile(n)[1:]}"),
    "voip": lambda n: Cells(f"070-10{n % SERIALS:06d}", None),
    "foreign": lambda n: Cells(None, f"+1 202-555-01{n % 100:02d}"),
    "too_short": lambda _: Cells(None, "0912345"),
    "remark": _remark,
    "nothing": lambda _: Cells(None, None),
    "premium": lambda n: Cells(f"0204-{n % SERIALS:06d}", None),
    "toll_free": lambda n: Cells(f"0800-{n % SERIALS:06d}", None),
    "personal": lambda n: Cells(None, f"0990-{n % SERIALS:06d}"),
    "short": lambda n: Cells(("1911", "110", "119")[n % 3], None),
}

EMAIL_SHARES: Mapping[str, float] = {"none": 0.45, "without_at": 0.02, "spaces": 0.01}  # and "plain"
EMAIL_FORMS: Mapping[str, Callable[[int], str | None]] = {
    "plain": lambda n: f"customer.{n}@example.com",
    "none": lambda _: None,
    "without_at": lambda n: f"customer.{n}.example.com",
    "spaces": lambda n: f" Customer.{n}@Example.com ",
}

LOCALE_SHARES: Mapping[str, float] = {"en": 0.06, "null": 0.04, "xx": 0.005}  # and "zh-TW"
NAME_SHARES: Mapping[str, float] = {"null": 0.005}  # and "given"
PREFERENCE_SHARES: Mapping[str, float] = {"sms": 0.06, "email": 0.02, "voice": 0.02, "line": 0.005}  # the rest: null


def deal(shares: Mapping[str, float], otherwise: str, count: int, rng: Random) -> list[str]:
    """`count` cards, each kind as often as its share says but at least once, the rest `otherwise`, shuffled."""
    cards = [kind for kind, share in shares.items() for _ in range(max(1, round(share * count)))]
    if len(cards) > count:
        raise ValueError(f"{count} is too few for {len(shares)} kinds")
    cards += [otherwise] * (count - len(cards))
    rng.shuffle(cards)
    return cards


class Names:
    """Pools of names made once: Faker takes 50 us a name, a choice 0.3 us."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._chinese = _pool("zh_TW", seed, GIVEN_NAMES, "{family}{given}")
        self._english = _pool("en_US", seed, ENGLISH_NAMES, "{given} {family}")

    def pick(self, locale: str) -> str:
        return self._rng.choice(self._english if locale == "en" else self._chinese)


def _pool(locale: str, seed: int, given: tuple[str, ...], form: str) -> list[str]:
    faker = Faker(locale)
    faker.seed_instance(seed)
    families = sorted({faker.last_name() for _ in range(120)})
    return [form.format(family=family, given=name) for family in families for name in given]
