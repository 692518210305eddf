"""What the source does not know is told to nobody: no message says "None"."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from notifier.campaigns import find_campaigns
from notifier.domain.facts import Facts
from notifier.domain.message import EmailMessage, Message, SmsMessage, VoiceMessage
from notifier.engine.rendering import UNREADABLE, CannotRender, House, Rendering
from notifier.resources import template_root
from tests.campaigns.test_every_campaign import SAMPLE_VALUES, channels
from tests.engine.test_nothing_unread import columns_of

CAMPAIGNS = find_campaigns()
HOUSE = House({"zh-TW": "台電高雄區營業處", "en": "Taipower Kaohsiung"}, "stop@office.example")
RIGHT = {"account_no": "07000000001", "period": "2026-10", "section_phone": "07-338-3131"}
NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def told(message: Message) -> str:
    match message:
        case VoiceMessage():
            return "".join(line for script in message.scripts.values() for line in script.lines)
        case SmsMessage():
            return message.body
        case EmailMessage():
            return message.subject + message.text + message.html


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
@pytest.mark.parametrize("name", sorted(CAMPAIGNS))
async def test_a_null_is_held_or_left_out(name: str, locale: str, source_database: str) -> None:
    campaign, rendering, held = CAMPAIGNS[name], Rendering(template_root(), HOUSE), 0
    columns = await columns_of(campaign, source_database)
    facts = Facts("S1", True, None, NOW, {column: SAMPLE_VALUES[kind] for column, kind in columns.items()} | RIGHT)
    for step in campaign.plan:
        for column in columns:
            unknown = replace(facts, values={**facts.values, column: None})
            try:
                message = rendering.render(
                    campaign, channels()[step.channel], locale, campaign.compose([unknown]),
                    code="7K3M2QA", reference="1.0.0", today=date(2026, 12, 1),
                ).message  # fmt: skip
            except (CannotRender, *UNREADABLE):
                held += 1
            else:
                assert "None" not in told(message), column
    assert held
