"""Templates to messages. Every template is compiled once; its version is pinned to each attempt."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.domain.campaign import Campaign
from notifier.domain.channel import AddressKind, Channel
from notifier.domain.lint import lint_said
from notifier.domain.list_cell import taken_by
from notifier.domain.message import LOCALES, Action, EmailMessage, Message, Script, SmsMessage, VoiceMessage
from notifier.domain.purpose import Purpose
from notifier.domain.reading import FILTERS, NEED_TODAY
from notifier.domain.reply import OFFICE_WORK, RETURNING, offer
from notifier.domain.script import is_readable, plain
from notifier.domain.sms_length import count_segments
from notifier.engine.linting import TemplateFinding, lint_words
from notifier.engine.spoken import PUBLIC, Public, VoiceEnvironment, known
from notifier.engine.template_words import Needs, needs_of, parse

ESSENTIAL_END = "---"
ANSWER = re.compile(r"--- ?[1-7]")
MAY_UNSUBSCRIBE = frozenset({Purpose.COLLECTION, Purpose.SERVICE, Purpose.SURVEY})


# What readers of values make of one that is missing, odd or of another type. Their words may quote it.
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, ArithmeticError)


class CannotRender(Exception):
    """A template is missing or asks for what the facts do not give: hold the notification, never send."""


@dataclass(frozen=True, slots=True)
class House:
    """What every message needs to know of the house: who is calling, by locale, and where to opt out by mail."""

    caller: Mapping[str, str]
    optout: str


@dataclass(frozen=True, slots=True)
class Rendered:
    message: Message
    template: str  # name@version


class Rendering:
    def __init__(self, root: Path, house: House) -> None:
        self._root = root
        self._house = house
        self._templates: dict[str, tuple[jinja2.Template, str]] = {}
        self._environments = {locale: _environment(root, locale) for locale in LOCALES}
        self._voices = {locale: VoiceEnvironment(root, locale) for locale in LOCALES}

    def render(
        self,
        campaign: Campaign,
        channel: Channel,
        locale: str,
        words: Mapping[str, object],
        *,
        code: str,
        reference: str,
        today: date,
        days: Sequence[date] = (),
    ) -> Rendered:
        """The message of one attempt. `days` are those it offers. Raises CannotRender."""
        given = {**words, "notice_code": code, "optout_email": self._house.optout, "today": today, "days": days}
        match channel.abilities.address:
            case AddressKind.PHONE:
                rendered = self._voice(campaign, channel.name, locale, given)
            case AddressKind.MOBILE:
                rendered = self._sms(campaign, channel, locale, given)
            case AddressKind.EMAIL:
                rendered = self._email(campaign, channel.name, locale, given, reference)
        if campaign.quotes:
            _refuse_marks_of_fraud(campaign, channel.name, rendered)
        return rendered

    def templates(self, campaign: Campaign) -> list[str]:
        """The names a run may choose its words by, of a campaign of lists; of any other the one without a name."""
        if not campaign.listed:
            return [""]
        return sorted({file.name.partition(".")[0] for file in (self._root / campaign.name).glob("*.*.*.j2")})

    def needs(self, campaign: Campaign) -> Needs:
        """What its words take together, on all channels and in all languages. Raises CannotRender."""
        names = [campaign.template_name(step.channel, locale) for step in campaign.plan for locale in LOCALES]
        try:
            return needs_of(parse(self.source(name), name) for name in dict.fromkeys(names))
        except (jinja2.TemplateError, OSError) as error:
            raise CannotRender(f"{campaign.name}: {error}") from error

    def lint(self, campaign: Campaign) -> list[TemplateFinding]:
        """Every rule that a template of the campaign breaks."""
        channels = [step.channel for step in campaign.plan]
        return lint_words(self._root, campaign, self.templates(campaign), channels)

    def source(self, name: str) -> str:
        """A template as it stands."""
        return (self._root / name).read_text("utf-8")

    def _voice(self, campaign: Campaign, channel: str, locale: str, given: Mapping[str, Any]) -> Rendered:
        order = [locale, *(other for other in LOCALES if other != locale)]
        known = campaign.public | PUBLIC
        said = {
            name: Public(value) if name in known and isinstance(value, str) else value for name, value in given.items()
        }
        scripts = {name: self._script(campaign, channel, name, said) for name in order}
        replies, chosen = offer(campaign.replies, given["days"])
        for name, script in scripts.items():
            _check_answers(campaign, name, script, replies)
        caller = self._house.caller[locale]
        message = VoiceMessage(locale, scripts, replies, caller, campaign.machine, days=chosen)
        return Rendered(message, self._version(campaign, channel, locale))

    def _script(self, campaign: Campaign, channel: str, locale: str, said: Mapping[str, Any]) -> Script:
        text = self._text(campaign, channel, locale, said, environments=self._voices)
        try:
            return _script(text, campaign.name)
        except CannotRender as error:
            raise CannotRender(f"{campaign.template_name(channel, locale)}: {error}") from error

    def _sms(self, campaign: Campaign, channel: Channel, locale: str, given: Mapping[str, Any]) -> Rendered:
        body = self._text(campaign, channel.name, locale, given).strip()
        length = count_segments(body)
        most = channel.abilities.max_segments
        if most is not None and length.segments > most:
            raise CannotRender(f"the SMS has {length.segments} segments, more than {most}")
        return Rendered(SmsMessage(locale, body, length.segments), self._version(campaign, channel.name, locale))

    def _email(
        self, campaign: Campaign, channel: str, locale: str, given: Mapping[str, Any], reference: str
    ) -> Rendered:
        blocks = {
            name: self._text(campaign, channel, locale, given, block=name) for name in ("subject", "text", "html")
        }
        headers = {}
        if campaign.purpose in MAY_UNSUBSCRIBE and self._house.optout:
            headers["List-Unsubscribe"] = f"<mailto:{self._house.optout}?subject={given['notice_code']}>"
        message = EmailMessage(
            locale,
            " ".join(blocks["subject"].split()),
            blocks["text"].strip() + "\n",
            blocks["html"],
            reference,
            headers,
        )
        return Rendered(message, self._version(campaign, channel, locale))

    def _text(
        self,
        campaign: Campaign,
        channel: str,
        locale: str,
        given: Mapping[str, Any],
        block: str | None = None,
        environments: Mapping[str, jinja2.Environment] | None = None,
    ) -> str:
        template, _ = self._template(campaign, channel, locale, environments or self._environments)
        try:
            values = {**given, "caller": Public(self._house.caller[locale])}
            if block is None:
                return template.render(values)
            return "".join(template.blocks[block](template.new_context(values)))
        except jinja2.TemplateError as error:  # it names variables, never what they hold
            raise CannotRender(f"{campaign.template_name(channel, locale)}: {error}") from error
        except UNREADABLE as error:
            raise CannotRender(f"{campaign.template_name(channel, locale)}: {type(error).__name__}") from error

    def _template(
        self, campaign: Campaign, channel: str, locale: str, environments: Mapping[str, jinja2.Environment]
    ) -> tuple[jinja2.Template, str]:
        name = campaign.template_name(channel, locale)
        if name not in self._templates:
            try:
                template = environments[locale].get_template(name)
            except jinja2.TemplateError as error:
                raise CannotRender(f"template {name}: {error}") from error
            self._templates[name] = template, hashlib.sha256(self.source(name).encode()).hexdigest()[:12]
        return self._templates[name]

    def _version(self, campaign: Campaign, channel: str, locale: str) -> str:
        """Of a template that has been rendered."""
        name = campaign.template_name(channel, locale)
        return f"{name.removesuffix('.j2')}@{self._templates[name][1]}"


def _environment(root: Path, locale: str) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(root),
        undefined=jinja2.StrictUndefined,
        finalize=known,
        autoescape=False,
        trim_blocks=False,
        keep_trailing_newline=False,
        auto_reload=False,
    )
    for name, read in FILTERS.items():
        environment.filters[name] = _bind(name, read, locale, needs_today=name in NEED_TODAY)
    return environment


def _bind(name: str, read: Any, locale: str, *, needs_today: bool) -> Any:
    """A filter of the reader with the template's locale, and the message's day where it reads dates, bound to it."""

    @jinja2.pass_context
    def apply(context: jinja2.runtime.Context, value: Any) -> str:
        str(known(value))  # a missing variable names itself here; a reader would only say TypeError
        value = taken_by(name, value)
        return str(read(value, locale, context["today"]) if needs_today else read(value, locale))

    return apply


def _check_answers(campaign: Campaign, locale: str, script: Script, replies: Mapping[str, Action]) -> None:
    """Whoever asks the office for something hears what will be done, in words of the campaign."""
    for key, action in replies.items():
        if (action in OFFICE_WORK or action in RETURNING) and not script.answers.get(key):
            raise CannotRender(f"a voice template of {campaign.name} ({locale}) has no answer '--- {key}' to {action}")


def _refuse_marks_of_fraud(campaign: Campaign, channel: str, rendered: Rendered) -> None:
    """The rule is named; what was found may be personal."""
    for text in _texts(rendered.message):
        for finding in lint_said(campaign.purpose, channel, text):
            raise CannotRender(f"{rendered.template.partition('@')[0]}.j2: forbidden_{finding.rule}")


def _texts(message: Message) -> Iterator[str]:
    match message:
        case VoiceMessage():
            yield from ("\n".join([*script.lines, *_answers(script)]) for script in message.scripts.values())
        case SmsMessage():
            yield message.body
        case EmailMessage():
            yield f"{message.subject}\n{message.text}"
            yield message.html


def _answers(script: Script) -> Iterator[str]:
    return (plain(line) for lines in script.answers.values() for line in lines)


def _script(text: str, campaign: str) -> Script:
    """The lines of a call: the essential part, '---', the menu; then, after each '--- <key>', what that key is answered
    with."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if lines.count(ESSENTIAL_END) != 1:
        raise CannotRender(
            f"a voice template of {campaign} must have one line '{ESSENTIAL_END}' after its essential part"
        )
    for number, line in enumerate(lines, 1):  # the line may be personal: it is named by its number
        if line != ESSENTIAL_END and not ANSWER.fullmatch(line) and not is_readable(line):
            raise CannotRender(f"line {number} of a call of {campaign} has a digit, an abbreviation or a symbol to say")
    starts = [number for number, line in enumerate(lines) if ANSWER.fullmatch(line)]
    answers = {
        lines[start].removeprefix(ESSENTIAL_END).strip(): tuple(lines[start + 1 : end])
        for start, end in pairwise([*starts, len(lines)])
    }
    essential = lines.index(ESSENTIAL_END)
    said = lines[: starts[0]] if starts else lines
    if essential >= len(said):
        raise CannotRender(f"a voice template of {campaign} has an answer before its '{ESSENTIAL_END}'")
    return Script(tuple(line for line in said if line != ESSENTIAL_END), essential, answers)
