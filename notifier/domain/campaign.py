"""The campaign definition language: what one file in `notifier/campaigns/` declares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from notifier.domain.calendar import Window
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts
from notifier.domain.message import Action, MachinePolicy
from notifier.domain.purpose import Purpose

Words = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """Up to `tries` on one channel. `wait`: how long after each disposition the next try is made; a disposition
    without an entry ends the step."""

    channel: str
    tries: int = 1
    wait: Mapping[Disposition, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expiry:
    """The last moment at which it still makes sense to tell: `at` local time, `days` after the audience's deadline."""

    at: time
    days: int = 0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of `--set name=value`. `kind` is int, str or bool, and converts what was typed. `required`: it has no
    default that would make sense."""

    kind: type
    default: object
    help: str
    help_zh: str
    least: int | None = None
    most: int | None = None
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One kind of outreach. `compose` turns the facts still true into the variables of its templates. `public` names
    those of them that hold text and yet identify nobody: every other text in a call counts as the customer's own, and
    is spoken by an engine of this house only. `triggers`: types of events on which one subject is told at once, if the
    audience selects it; `withdrawn_by`: those after which nothing more is told of a subject, if the facts agree.
    `proposes` finds in the facts the days that can be offered: its templates get those that a calendar leaves as
    `days`, in the order of the keys that choose one. `again`: why a person decides first, when a subject has been told
    before and another occasion comes; `until_acknowledged`: nothing more of a subject once somebody has said yes.
    `quotes`: its words hold what somebody has typed, so that the finished text is looked at for marks of fraud, too.
    `listed`: its audience is an uploaded list, which the parameter `list` names, told in the words that the parameter
    `template` names: one of several sets of templates, each file beginning with its name."""

    name: str
    title: str
    title_zh: str
    purpose: Purpose
    owner: str
    plan: tuple[Step, ...]
    window: Window
    expires: Expiry
    replies: Mapping[str, Action]
    compose: Callable[[Sequence[Facts]], Words]
    public: frozenset[str] = frozenset()
    proposes: Callable[[Sequence[Facts]], Sequence[date]] | None = None
    again: str | None = None
    until_acknowledged: bool = False
    quotes: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    schedule: str | None = None
    triggers: frozenset[str] = frozenset()
    withdrawn_by: frozenset[str] = frozenset()
    merge_household: bool = False
    machine: MachinePolicy = MachinePolicy.IGNORE
    priority: int = 5
    rings_per_day: int = 3
    listed: bool = False
    template: str = ""  # which of its templates a run of a listed campaign is told in

    def __post_init__(self) -> None:
        if self.listed and (self.schedule or self.triggers or not {"list", "template"} <= self.parameters.keys()):
            raise ValueError(f"campaign {self.name}: somebody must name a list and a template each time")
        if both := self.triggers & self.withdrawn_by:
            raise ValueError(f"campaign {self.name}: {min(both)} cannot ask for a telling and end it")

    def told_with(self, params: Mapping[str, object]) -> "Campaign":
        """The campaign as a run with these parameters tells it."""
        return replace(self, template=str(params.get("template") or "")) if self.listed else self

    def template_name(self, channel: str, locale: str) -> str:
        """Where its words for a channel stand, below the folder of templates."""
        return f"{self.name}/{self.template}{'.' if self.template else ''}{channel}.{locale}.j2"

    @property
    def audience_parameters(self) -> frozenset[str]:
        """What its audience.sql is given."""
        return frozenset({"now", "accounts"}) if self.listed else frozenset({"now", *self.parameters})

    @property
    def facts_parameters(self) -> frozenset[str]:
        """What its facts.sql is given."""
        return frozenset({"subjects", "accounts", "districts"}) if self.listed else frozenset({"subjects", "now"})


class BadParameter(ValueError):
    """A parameter that the campaign does not know, or a value it cannot take. The message says what it would take."""


def read_parameters(campaign: Campaign, given: Mapping[str, str]) -> dict[str, object]:
    """The run's parameters: what was typed, converted and checked, over the defaults."""
    unknown = sorted(set(given) - set(campaign.parameters))
    if unknown:
        known = ", ".join(campaign.parameters) or "none"
        raise BadParameter(f"{campaign.name} has no parameter {unknown[0]!r}; it has: {known}")
    for name, parameter in campaign.parameters.items():
        if parameter.required and not given.get(name):
            raise BadParameter(f"{name} is not set; {parameter.help}")
    return {
        name: _convert(name, parameter, given[name]) if name in given else parameter.default
        for name, parameter in campaign.parameters.items()
    }


def _convert(name: str, parameter: Parameter, text: str) -> object:
    try:
        value = _read(parameter.kind, text)
    except (ValueError, KeyError) as error:
        raise BadParameter(f"{name}={text!r} is not a {parameter.kind.__name__}; {parameter.help}") from error
    if isinstance(value, int) and not isinstance(value, bool):
        if parameter.least is not None and value < parameter.least:
            raise BadParameter(f"{name}={value} is below {parameter.least}; {parameter.help}")
        if parameter.most is not None and value > parameter.most:
            raise BadParameter(f"{name}={value} is above {parameter.most}; {parameter.help}")
    return value


def _read(kind: type, text: str) -> object:
    if kind is bool:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
    return int(text) if kind is int else text
