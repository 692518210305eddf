"""Whatever the calendar, the caps, the suspensions and the luck: nobody is contacted when it is forbidden.

A notification's life as the gate, the cap and the follow-up lead it, by a clock that jumps from turn to turn. Only the
statements of the queue are played here; tests/storage proves that they say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.channels.null import Null
from notifier.domain.calendar import QUIET_HOURS, Calendar, Window, make_calendar
from notifier.domain.campaign import Campaign, Expiry, Step
from notifier.domain.cap import DAY, WEEK, Cap
from notifier.domain.disposition import EFFECTS, Disposition, Effect
from notifier.domain.follow_up import NextStep, Place, Retry, follow_up
from notifier.domain.purpose import Purpose
from notifier.domain.suspension import Suspension, longest_over
from notifier.engine.catalogue import Catalogue
from notifier.engine.gate import Gate
from notifier.storage.queue import Claimed, WrittenAhead

TAIPEI = ZoneInfo("Asia/Taipei")
DISTRICT = "楠梓"
TURNS = 60  # of one notification; more than any plan has
D = Disposition
ENDINGS = [one for one in D if EFFECTS[one] in (Effect.SPENDS, Effect.FREE, Effect.CLOSES)]


@dataclass
class Life:
    """One notification; every contact that was made of it and of its household."""

    campaign: Campaign
    catalogue: Catalogue
    suspensions: Sequence[Suspension]
    expires_at: datetime
    contacts: list[datetime]  # of the household before
    made: list[datetime] = field(default_factory=list)
    end: str | None = None

    def live(self, now: datetime, endings: Sequence[Disposition], late: Sequence[timedelta]) -> None:
        """From its first turn on; it comes to each turn as late as the queue was long."""
        place = Place(0)
        gate, because = Gate("voice", self.catalogue), None
        for turn in range(TURNS):
            now += late[turn % len(late)]
            ready, disposals = gate.screen(self.campaign, [self._claimed(now, place, because)], now)
            if ready and (why := self._full(now)) is None:
                self._contact(now)
                led_to = self._follow(place, endings[turn % len(endings)], now)
                if led_to is None:
                    return
                now, place, because = max(now, led_to.at), led_to.place, None
                continue
            if ready:
                assert why
                disposals = [gate.postpone(self.campaign, ready[0], WrittenAhead("household", self._counted()), now)]
            (disposal,) = disposals
            if disposal.kind != "put_back":
                self.end = f"{disposal.outcome}: {disposal.reason}"
                return
            assert disposal.due_at is not None
            assert disposal.due_at > now
            now, because = disposal.due_at, disposal.reason

    def _claimed(self, now: datetime, place: Place, because: str | None) -> Claimed:
        standing = longest_over(self.suspensions, self.campaign.purpose, DISTRICT, now)
        return Claimed(
            1, now, place, "07000000001", "zh-TW", DISTRICT, "+886912345678", None, self.expires_at, ("B1",),
            frozenset(), because=because,
            suspended_by=standing and standing.id,
            suspended_until=standing and standing.until,
            suspended_because=standing and standing.reason,
        )  # fmt: skip

    def _counted(self) -> tuple[datetime, ...]:
        return tuple(self.contacts + self.made)

    def _full(self, now: datetime) -> str | None:
        cap = self.catalogue.cap(self.campaign)
        return cap.full(self._counted(), now) if cap else None

    def _contact(self, now: datetime) -> None:
        assert self.catalogue.calendar.closed(self.campaign.window, self.campaign.purpose, now) is None
        assert longest_over(self.suspensions, self.campaign.purpose, DISTRICT, now) is None
        assert now < self.expires_at
        quiet = QUIET_HOURS[self.campaign.purpose]
        assert quiet is None or quiet[1] <= now.astimezone(TAIPEI).time() < quiet[0]
        self.made.append(now)

    def _follow(self, place: Place, ending: Disposition, now: datetime) -> Retry | NextStep | None:
        route = self.catalogue.route(self.campaign, "+886912345678", None, prefers=None)
        led_to = follow_up(route, place, ending, None, now, self.catalogue.opening(self.campaign))
        return led_to if isinstance(led_to, Retry | NextStep) else None


DAYS = st.dates(date(2025, 1, 20), date(2026, 12, 20))  # with lunar new years, make-up days and long weekends


@st.composite
def calendars(draw: st.DrawFn, day: date) -> Calendar:
    near = st.integers(0, 12).map(lambda n: day + timedelta(days=n))
    return make_calendar(
        days_off=draw(st.dictionaries(near, st.just("typhoon:凱米"), max_size=4)),
        work_days=draw(st.lists(near, max_size=3)),
    )


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    opens = draw(st.integers(0, 22))
    window = Window(time(opens), time(draw(st.integers(opens + 1, 23))), holidays=draw(st.booleans()))
    purpose = draw(st.sampled_from(Purpose))
    quiet = QUIET_HOURS[purpose]
    if quiet is not None and (window.closes <= quiet[1] or window.opens >= quiet[0]):
        window = Window(time(9), time(20), holidays=window.holidays)  # else it would never open
    waits = {ending: timedelta(minutes=draw(st.integers(1, 600))) for ending in ENDINGS}
    return Campaign(
        name="any", title="", title_zh="", purpose=purpose, owner="",
        plan=(Step("voice", 6, waits), Step("voice", 6, waits)),
        window=window, expires=Expiry(time(20)), replies={}, compose=lambda _: {},
    )  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> tuple[Life, datetime]:
    day = draw(DAYS)
    begins = datetime.combine(day, draw(st.times()), TAIPEI).astimezone(UTC)
    campaign, calendar = draw(campaigns()), draw(calendars(day))
    cap = draw(st.builds(lambda most, more: Cap(most, most + more), st.integers(1, 3), st.integers(0, 3)))
    catalogue = Catalogue({}, {"voice": Null("voice", lambda: begins)}, calendar, {campaign.purpose: cap})
    hours = st.integers(-30, 200).map(lambda n: begins + timedelta(hours=n))
    switches = [
        Suspension(
            number, draw(st.sampled_from([None, DISTRICT, "左營"])),
            draw(st.frozensets(st.sampled_from(Purpose), min_size=1)), "凱米颱風", since,
            since + timedelta(hours=draw(st.integers(1, 90))), "王組長",
        )
        for number, since in enumerate(draw(st.lists(hours, max_size=4)))
    ]  # fmt: skip
    before = [begins - timedelta(hours=n) for n in draw(st.lists(st.integers(0, 200), max_size=5))]
    before = [one for number, one in enumerate(sorted(before)) if number < cap.per_day]  # the cap held before, too
    expires = begins + timedelta(hours=draw(st.integers(1, 400)))
    return Life(campaign, catalogue, switches, expires, before), begins


@settings(max_examples=300, deadline=None)
@given(lives(), st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=12),
       st.lists(st.timedeltas(timedelta(0), timedelta(hours=5)), min_size=1, max_size=7))  # fmt: skip
def test_nobody_is_contacted_when_it_is_forbidden(
    story: tuple[Life, datetime], endings: Sequence[Disposition], late: Sequence[timedelta]
) -> None:
    life, begins = story
    life.live(begins, endings, late)

    cap = life.catalogue.cap(life.campaign)
    assert cap is not None
    everything = sorted(life.contacts + life.made)
    for contact in life.made:
        assert sum(contact - DAY < one <= contact for one in everything) <= cap.per_day
        assert sum(contact - WEEK < one <= contact for one in everything) <= cap.per_week
    if life.end is not None:
        assert life.end.startswith("expired: ")
