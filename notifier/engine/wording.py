"""What is told to somebody about these facts at this moment: the words of a campaign, by the templates of a channel."""

import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import structlog

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel
from notifier.domain.facts import Facts
from notifier.domain.notice_code import notice_code
from notifier.domain.reply import days_to_offer
from notifier.engine.catalogue import Catalogue
from notifier.engine.rendering import CannotRender, Rendered, Rendering

log = structlog.get_logger()

NOBODY = 0  # the notification of a message that is only looked at


class CannotTell(CannotRender):
    """The facts of one recipient are not what the campaign reads: hold the notification, never send."""


@dataclass(frozen=True, slots=True)
class Wording:
    catalogue: Catalogue
    rendering: Rendering
    clock: Clock

    def word(
        self,
        campaign: Campaign,
        channel: Channel,
        locale: str,
        facts: Sequence[Facts],
        *,
        notification: int = NOBODY,
        reference: str = "",
    ) -> Rendered:
        """The message about these facts. Raises CannotRender, in words that quote no facts."""
        try:
            return self.rendering.render(
                campaign, channel, locale, campaign.compose(facts),
                code=notice_code(notification), reference=reference,
                today=self.catalogue.calendar.local(self.clock.now()).date(), days=self.days(campaign, facts),
            )  # fmt: skip
        except CannotRender:
            raise
        except Exception as error:  # one customer's odd facts must not stop the others
            log.error("wording.facts_cannot_be_told", campaign=campaign.name, error=_where(error))
            raise CannotTell(type(error).__name__) from error

    def days(self, campaign: Campaign, facts: Sequence[Facts]) -> tuple[date, ...]:
        """What can be offered at this moment."""
        if campaign.proposes is None:
            return ()
        calendar = self.catalogue.calendar
        today = calendar.local(self.clock.now()).date()
        return days_to_offer(campaign.proposes(facts), today, lambda day: calendar.day_off(day) is not None)


def why_held(error: CannotRender) -> str:
    """The reason on a notification that could not be worded."""
    return f"facts cannot be told: {error}" if isinstance(error, CannotTell) else f"cannot be worded: {error}"


def _where(error: Exception) -> str:
    """The kind of an error and where it was raised: its words may quote what a cell held."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {os.path.basename(frame.filename)}:{frame.lineno}"
