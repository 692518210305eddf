"""Settings: from the environment (NOTIFIER_*), one TOML file (NOTIFIER_CONFIG) and a folder of secrets.

Read once, at the start. A NOTIFIER_* name that nobody knows is refused: a misspelt setting must not be ignored.
"""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from notifier.clock import parse_clock
from notifier.domain.calendar import Window
from notifier.domain.cap import Cap
from notifier.domain.purpose import Purpose
from notifier.engine.cron import next_firing

PREFIX = "NOTIFIER_"
OUTSIDE = frozenset({"NOTIFIER_CONFIG", "NOTIFIER_SECRETS_DIR"})


def read_hours(word: str) -> tuple[time, time]:
    """07:30-21:00. Raises ValueError."""
    opens, closes = (time.fromisoformat(part.strip()) for part in word.split("-"))
    Window(opens, closes)
    return opens, closes


def _opening_hours(word: str) -> str:
    read_hours(word)
    return word


OpeningHours = Annotated[str, AfterValidator(_opening_hours)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TwilioSettings(Part):
    """An account at Twilio, or at any carrier that speaks its API."""

    account_sid: str
    auth_token: SecretStr
    previous_auth_token: SecretStr = SecretStr("")  # still accepted on callbacks while a token is rotated
    base_url: str = "https://api.twilio.com"
    voice_from: str = ""
    sms_from: str = ""
    ring_seconds: PositiveInt = 30
    timeout: PositiveFloat = 10.0  # seconds one request may take; after that it may have been done or not


class SmtpSettings(Part):
    host: str
    port: PositiveInt = 587
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str
    sender_name: str = ""
    starttls: bool = True
    timeout: PositiveFloat = 20.0  # seconds until the recipient is accepted; after that the mail waits for later
    data_timeout: PositiveFloat = 300.0  # seconds a server may look at a mail; after that it may have it or not
    bounce_address: str = ""  # where bounces and complaints come back to; each mail gets an address made of it
    bounce_secret: SecretStr = SecretStr("")  # those addresses are signed with it

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if bool(self.bounce_address) != bool(self.bounce_secret.get_secret_value()):
            raise ValueError("bounce_address and bounce_secret belong together")
        return self


class LmtpSettings(Part):
    """Where the office's mail server hands over what comes back to `bounce_address`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)]


class DigestSettings(Part):
    """Open answers by mail to the sections that have no case system."""

    to: dict[str, str] = {}  # section -> address
    cron: str = "30 8,13 * * 1-5"

    @field_validator("cron")
    @classmethod
    def _cron_can_be_read(cls, line: str) -> str:
        next_firing(line, "UTC", datetime(2000, 1, 1, tzinfo=UTC))
        return line


class Pace(Part):
    """What a channel may do over all workers together. `rate`: attempts a second; `most_in_flight` None: no limit."""

    rate: PositiveFloat = 1.0
    burst: Annotated[float, Field(ge=1)] = 1.0
    most_in_flight: PositiveInt | None = None
    reserved: Annotated[int, Field(ge=0)] = 0


class WatchSettings(Part):
    """Shares (0 to 1) above which a run pauses itself, once `sample` cases were seen."""

    failed: float = 0.5
    hung_up: float = 0.5
    withdrawn: float = 0.3
    sample: PositiveInt = 40


class CapSettings(Part):
    """How often one household may be contacted over all campaigns of a purpose, in any 24 hours and in any 7 days."""

    collection_per_day: PositiveInt = 5
    collection_per_week: PositiveInt = 7
    service_per_day: PositiveInt = 10
    service_per_week: PositiveInt = 20
    survey_per_day: PositiveInt = 2
    survey_per_week: PositiveInt = 3

    def by_purpose(self) -> dict[Purpose, Cap]:
        return {
            Purpose.COLLECTION: Cap(self.collection_per_day, self.collection_per_week),
            Purpose.SERVICE: Cap(self.service_per_day, self.service_per_week),
            Purpose.SURVEY: Cap(self.survey_per_day, self.survey_per_week),
        }


class Caller(Part):
    """Who is calling, as every message says it."""

    zh_tw: str = "台灣電力公司"
    en: str = "Taiwan Power Company"

    def by_locale(self) -> dict[str, str]:
        return {"zh-TW": self.zh_tw, "en": self.en}


DEFAULT_PACES: Mapping[str, Pace] = {
    "voice": Pace(rate=1.0, burst=1.0, most_in_flight=10, reserved=2),
    "sms": Pace(rate=5.0, burst=10.0),
    "email": Pace(rate=10.0, burst=20.0, most_in_flight=None),
}


class SecretFiles(EnvSettingsSource):
    """A folder with one file per setting, named as in the environment: NOTIFIER_DATABASE_URL, ..."""

    def __init__(self, settings_cls: type[BaseSettings], folder: str) -> None:
        self._folder = Path(folder)
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        files = [file for file in self._folder.iterdir() if file.name.upper().startswith(PREFIX) and file.is_file()]
        refuse_unknown({file.name.upper(): "" for file in files})
        return {file.name.lower(): file.read_text("utf-8").strip() for file in files}


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    database_url: SecretStr
    direct_database_url: SecretStr | None = None  # for LISTEN; says that database_url leads to a pooler
    source_url: SecretStr | None = None  # the utility's database; by default the same as database_url
    pool_size: PositiveInt = 10
    source_pool_size: PositiveInt = 4
    audience_seconds: PositiveFloat = 300.0  # the source may take to select the audience of one run

    public_url: str = "http://127.0.0.1:8080"  # where the carrier's callbacks reach us
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080

    zone: str = "Asia/Taipei"
    clock: str = "system"
    days_off: dict[date, str] = {}  # typhoon days and the like, with the reason
    work_days: list[date] = []

    caller: Caller = Caller()
    optout_email: str = ""
    twilio: TwilioSettings | None = None
    smtp: SmtpSettings | None = None
    lmtp: LmtpSettings | None = None
    pace: dict[str, Pace] = {}
    concurrency: PositiveInt = 200  # requests to a provider at the same time, per process and channel
    watch: WatchSettings = WatchSettings()
    office_closes: time = time(17, 30)  # what was promised for today is late after that
    same_day_warning: PositiveInt = 90  # minutes before that, in which what is not done yet is called at risk
    stage_days: dict[str, PositiveInt] = {}  # how long a case may stay in a stage, by its name
    caps: CapSettings = CapSettings()
    posting_lag_days: PositiveInt = 7  # a payment may take this long to reach the books
    promise_days: PositiveInt = 3  # no reminder for so long after a promise to pay
    extension_days: PositiveInt = 7  # ... after somebody asked for more time
    windows: dict[str, OpeningHours] = {}  # by campaign, as 07:30-21:00, instead of its own; quiet hours stand
    digest: DigestSettings = DigestSettings()
    webhook_private: bool = False  # subscribers may be in our own network, and without TLS

    speech_engines: Annotated[list[str], Field(min_length=1)] = ["espeak", "carrier"]  # who speaks calls, by preference
    options: dict[str, str] = {}  # for plug-in channels and speech engines

    @field_validator("clock")
    @classmethod
    def _clock_can_be_read(cls, word: str) -> str:
        parse_clock(word)
        return word

    @field_validator("public_url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def paces(self) -> dict[str, Pace]:
        """By channel: what was set, over the channel's own defaults."""
        given = {name: pace.model_dump(exclude_unset=True) for name, pace in self.pace.items()}
        return {
            name: DEFAULT_PACES.get(name, Pace()).model_copy(update=given.get(name, {}))
            for name in {*DEFAULT_PACES, *given}
        }

    @property
    def optout(self) -> str:
        """Where a customer writes to get no more mails; without a place of its own, to the sender."""
        return self.optout_email or (self.smtp.sender if self.smtp else "")

    @property
    def source_listen_url(self) -> str:
        """Where the source can be listened to: directly, where it is our own database behind a pooler."""
        url = self.source_url or self.direct_database_url or self.database_url
        return url.get_secret_value()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file: one place for each setting
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the folder is named by NOTIFIER_SECRETS_DIR
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if folder := os.environ.get("NOTIFIER_SECRETS_DIR"):
            sources.append(SecretFiles(settings_cls, folder))
        if path := os.environ.get("NOTIFIER_CONFIG"):
            sources.append(TomlConfigSettingsSource(settings_cls, Path(path)))
        return tuple(sources)


class UnknownSetting(ValueError):
    """A NOTIFIER_* name that no setting has."""


def read_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings of this process. Raises UnknownSetting, or pydantic's ValidationError naming the field."""
    refuse_unknown(environ if environ is not None else os.environ)
    if (path := os.environ.get("NOTIFIER_CONFIG")) and not Path(path).is_file():
        raise UnknownSetting(f"NOTIFIER_CONFIG names {path}, which is not there")
    return Settings(**given)


def refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in OUTSIDE and name.split("__")[0] not in known:
            close = ", ".join(sorted(known))
            raise UnknownSetting(f"{name} is not a setting of the notifier; there are: {close}")
