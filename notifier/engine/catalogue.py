"""What is known by name: campaigns, channels, the calendar; and which way is open to whom."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifier.domain.calendar import Calendar
from notifier.domain.campaign import Campaign
from notifier.domain.cap import Cap, Caps
from notifier.domain.channel import Address, AddressKind, Channel
from notifier.domain.follow_up import PREFERENCES, Route
from notifier.domain.purpose import Purpose

MOBILE_PREFIX = "+8869"


class UnknownCampaign(Exception):
    """A run's campaign is not installed here."""


@dataclass(frozen=True)
class Catalogue:
    campaigns: Mapping[str, Campaign]
    channels: Mapping[str, Channel]
    calendar: Calendar
    caps: Caps = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    """Campaigns that tell nobody until their words are mended, each with what is wrong. What is under way of them, what
    is withdrawn, what events ask for goes on: only telling waits."""

    def waits_for(self, name: str) -> str | None:
        """What a run of this campaign waits for before anybody is told; None when nothing keeps it."""
        if name not in self.campaigns:
            return f"a worker that knows the campaign {name}"
        return f"the words of {name} to be mended: {self.stopped[name]}" if name in self.stopped else None

    def campaign(self, name: str) -> Campaign:
        try:
            return self.campaigns[name]
        except KeyError:
            known = ", ".join(sorted(self.campaigns)) or "none"
            raise UnknownCampaign(f"campaign {name!r} is not installed; known: {known}") from None

    def refusal(self, campaign: Campaign, channel: str) -> str | None:
        """Why a step of the plan cannot be taken at all, or None."""
        if channel not in self.channels:
            return "not configured"
        abilities = self.channels[channel].abilities
        if campaign.purpose is Purpose.COLLECTION and not abilities.genuine_sender:
            return "the sender is not a 111 short code: customers could not tell it from a fraud"
        return None

    def route(
        self,
        campaign: Campaign,
        phone: str | None,
        email: str | None,
        prefers: str | None,
        suppressed: Collection[str] = (),
    ) -> Route:
        """The plan as it lies open to a recipient with these addresses, who may prefer a channel."""
        usable = [
            step.channel
            for step in campaign.plan
            if self.refusal(campaign, step.channel) is None
            and (address := self.address(step.channel, phone, email)) is not None
            and address not in suppressed
        ]
        return Route(campaign.plan, usable, prefers)

    def address(self, channel: str, phone: str | None, email: str | None) -> Address | None:
        """Which of a recipient's addresses the channel uses."""
        match self.channels[channel].abilities.address:
            case AddressKind.EMAIL:
                found = email
            case AddressKind.PHONE:
                found = phone
            case AddressKind.MOBILE:
                found = phone if phone is not None and phone.startswith(MOBILE_PREFIX) else None
        return Address(found) if found else None

    def first_steps(self, campaign: Campaign) -> list[int]:
        """The first step that can be taken, by what a recipient prefers and has, as planner.sql looks it up."""
        phones = {0: None, 1: "+88672", 2: None, 3: MOBILE_PREFIX}
        routes = (
            self.route(campaign, phones[bits & 3], "mail" if bits & 4 else None, prefers)
            for prefers in (None, *PREFERENCES)
            for bits in range(8)
        )
        return [-1 if (step := route.first()) is None else step for route in routes]

    def cap(self, campaign: Campaign) -> Cap | None:
        """How often a household may be contacted by this campaign and all others of its purpose; None: no limit."""
        return self.caps.get(campaign.purpose)

    def opening(self, campaign: Campaign) -> Callable[[datetime], datetime]:
        """The first moment at or after the one given at which the campaign may contact."""
        return lambda moment: self.calendar.next_open(campaign.window, campaign.purpose, moment)
