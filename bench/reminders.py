"""Payment reminders of a make-believe utility, worded by the real templates and reader: what calls would say."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from bench.ground import CAMPAIGN, MORNING
from notifier.campaigns import find_campaigns
from notifier.channels import find_channels
from notifier.domain.channel import Channel, Surroundings, TwilioAccount
from notifier.domain.facts import Facts
from notifier.domain.message import VoiceMessage
from notifier.engine.rendering import House, Rendering
from notifier.resources import template_root
from notifier.sandbox.district_cases import DISTRICTS, SECTIONS, office_phone

TODAY = MORNING.date()
CYCLE = 28  # days to pay: among the calls of a month are all due dates
ENGLISH = 0.06  # of the customers
HOUSEHOLDS = 0.15  # with more than one bill, up to nine
MEDIAN, SPREAD = 1800, 0.9  # NT$ of a bill, log-normal: 1 % are above 14,600, one in 100,000 above 80,000
HOUSE = House({"zh-TW": "台電高雄區營業處", "en": "Taipower Kaohsiung District Office"}, "stop@office.example")


@dataclass(frozen=True)
class Reminders:
    """The same ones for the same seed."""

    count: int
    seed: int = 20261201

    def calls(self) -> Iterator[VoiceMessage]:
        dice, campaign = Random(self.seed), find_campaigns()[CAMPAIGN]
        rendering, telephone = Rendering(template_root(), HOUSE), _telephone()
        for number in range(self.count):
            locale = "en" if dice.random() < ENGLISH else "zh-TW"
            words = campaign.compose(list(_household(number, dice)))
            message = rendering.render(campaign, telephone, locale, words, code="", reference="", today=TODAY).message
            assert isinstance(message, VoiceMessage)
            yield message


def _telephone() -> Channel:
    account = TwilioAccount("AC1", "t", voice_from="+886800000001", sms_from="111")
    surroundings = Surroundings(public_url="https://office.example", now=lambda: MORNING, twilio=account)
    return find_channels(surroundings)["voice"]


def _household(number: int, dice: Random) -> Iterator[Facts]:
    district, section = dice.choice(DISTRICTS), dice.choice(SECTIONS)
    bills = 1 if dice.random() > HOUSEHOLDS else min(9, 2 + int(dice.expovariate(1)))
    for bill in range(bills):
        values = {
            "bill_no": f"B{number:07d}{bill}",
            "account_no": f"07{number:08d}{bill}",
            "customer_name": "示範",
            "period": "2026-10",
            "amount": Decimal(round(MEDIAN * math.exp(dice.gauss(0, SPREAD)))),
            "due_on": _due(dice),
            "section": section,
            "section_phone": office_phone(district, section),
        }
        yield Facts(f"B{number:07d}{bill}", True, None, MORNING, values)


def _due(dice: Random) -> date:
    return TODAY + timedelta(days=dice.randint(0, CYCLE))
