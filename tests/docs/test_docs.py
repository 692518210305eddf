"""What is not documented, or documented and not there, fails."""

import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from pydantic import BaseModel, SecretStr
from typer.main import get_command

from notifier.campaigns import find_campaigns
from notifier.cli import build
from notifier.commands.exits import Exit
from notifier.commands.reasons import ACTIONS, CAME, DISPOSITIONS, EXCLUSIONS, HELD, OUTCOMES, in_words
from notifier.commands.words import PHRASES, Language, choose
from notifier.domain.channel import Abilities
from notifier.domain.disposition import EFFECTS, Disposition, Effect
from notifier.domain.event import NOBODY_ASKED, Came, EventState
from notifier.domain.message import Action
from notifier.domain.purpose import Purpose
from notifier.domain.states import AttemptState, NotificationState, Outcome, RunState
from notifier.domain.suspension import because_of
from notifier.engine.gate import POSTING_HOLD
from notifier.settings import DEFAULT_PACES, OUTSIDE, PREFIX, CapSettings, Pace, Settings, refuse_unknown
from notifier.web import metrics
from tests.docs.pages import (
    DOCS,
    README,
    ROOT,
    anchors,
    blocks,
    code,
    headings,
    links,
    named,
    pages,
    prose,
    rows,
    section,
    statements,
)

SETTINGS, COMMANDS, WORDS = (DOCS / "reference" / f"{name}.md" for name in ("settings", "commands", "words"))
KINDS = DOCS / "reference" / "campaigns-and-channels.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
TREE: Any = get_command(build())
PAGES = [pytest.param(page, id=named(page)) for page in pages()]


# -- settings


def all_settings(model: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[tuple[str, object]]:
    """Name and default of every setting; the paces of a channel under <CHANNEL>."""
    for name, info in model.model_fields.items():
        full = prefix + name.upper()
        parts = [kind for kind in (info.annotation, *get_args(info.annotation)) if isinstance(kind, type)]
        part = next((kind for kind in parts if issubclass(kind, BaseModel)), None)
        if part is None:
            yield full, "required" if info.is_required() else info.default
        else:
            yield from all_settings(part, f"{full}__<CHANNEL>__" if part is Pace else f"{full}__")


def shown(default: object) -> str:
    """A default as the page shows it."""
    if (
        default is None
        or default in ("", {}, [])
        or (isinstance(default, SecretStr) and not default.get_secret_value())
    ):
        return "none"
    if isinstance(default, list):
        return json.dumps(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


NO_DEFAULT_OF_THEIR_OWN = {  # None, where None has a meaning
    "NOTIFIER_DIRECT_DATABASE_URL": "NOTIFIER_DATABASE_URL",
    "NOTIFIER_SOURCE_URL": "NOTIFIER_DATABASE_URL",
    "NOTIFIER_PACE__<CHANNEL>__MOST_IN_FLIGHT": "no limit",
}


def test_every_setting_and_its_default_are_documented() -> None:
    documented = {code(row[0]): code(row[2]) for row in rows(SETTINGS.read_text("utf-8")) if "`NOTIFIER_" in row[0]}
    wanted = {name: NO_DEFAULT_OF_THEIR_OWN.get(name, shown(default)) for name, default in all_settings()}

    assert documented == wanted | dict.fromkeys(OUTSIDE, "none")


def test_the_pace_of_every_channel_is_documented() -> None:
    documented = {code(row[0]): row[1:] for row in rows(section(SETTINGS, "Pace")) if len(row) == 5}

    assert documented == {
        name: [str(pace.rate), str(pace.burst), str(pace.most_in_flight or "no limit"), str(pace.reserved)]
        for name, pace in DEFAULT_PACES.items()
    }


def test_the_example_file_of_settings_can_be_read(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    (example,) = blocks(SETTINGS, "toml")
    (folder / "notifier.toml").write_text(example, "utf-8")
    monkeypatch.setenv("NOTIFIER_CONFIG", str(folder / "notifier.toml"))

    settings = Settings(database_url=SecretStr("postgresql:///none"))

    assert settings.paces["voice"].most_in_flight == 20
    assert list(settings.days_off.values()) == ["typhoon"]


@pytest.mark.parametrize("page", PAGES)
def test_only_settings_that_exist_are_named(page: Path) -> None:
    found = set(re.findall(rf"{PREFIX}[A-Z][A-Z_]*[A-Z]", page.read_text("utf-8")))
    known = {name for name, _ in all_settings()} | OUTSIDE
    beginnings = {name.rsplit("__", 1)[0] for name in known}  # NOTIFIER_PACE__VOICE__… names a part

    refuse_unknown(dict.fromkeys(found, ""))
    unknown = {name for name in found if "_PACE" not in name and name not in known | beginnings}
    assert unknown == set()


# -- commands


def all_commands(node: Any = TREE, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    if path:
        yield path, node
    for name, child in getattr(node, "commands", {}).items():
        yield from all_commands(child, *path, name)


BY_NAME = {f"notifier {' '.join(path)}": node for path, node in all_commands()}


def test_every_command_is_documented() -> None:
    assert sorted(code(title) for title in headings(COMMANDS, 3)) == sorted(BY_NAME)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_command_is_documented_with_its_options_and_an_example(name: str) -> None:
    text = section(COMMANDS, f"`{name}`")
    options = {option for parameter in BY_NAME[name].params for option in parameter.opts if option.startswith("--")}

    mentioned = set(re.findall(r"--[a-z-]+[a-z]", text))

    assert options - {"--help"} <= mentioned
    assert mentioned <= options | {"--help"}
    (example,) = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    assert example.startswith(name)
    parses(example)


def parses(line: str) -> None:
    """Fails for a command or an option that there is not."""
    program, *args = shlex.split(line, comments=True)
    assert program == "notifier", line
    args = [arg for number, arg in enumerate(args) if arg != "--lang" and args[number - 1] != "--lang"]
    node, path = TREE, []
    while args and hasattr(node, "commands") and args[0] in node.commands:
        path.append(args[0])
        node, args = node.commands[args[0]], args[1:]
    assert path, f"{line}: no such command"
    if args and "list" in getattr(node, "commands", {}):
        node = node.commands["list"]  # may be left out
    node.make_context(" ".join(path), args)


def test_the_exit_codes_are_documented() -> None:
    documented = {int(row[0]): row[1] for row in rows(section(COMMANDS, "Exit codes"))}

    assert documented == {int(exit_code): PHRASES[f"exit.{exit_code.value}"][0] for exit_code in Exit}


# -- words


def table(title: str) -> dict[str, list[str]]:
    """The rows of a section of words.md that begin with a code."""
    return {code(row[0]): row[1:] for row in rows(section(WORDS, title)) if row[0].startswith("`")}


@pytest.mark.parametrize(
    ("title", "words", "chinese"),
    [
        ("Runs", RunState, {state.value: PHRASES[f"state.{state.value}"][1] for state in RunState}),
        ("Notifications", NotificationState, {s.value: PHRASES[f"standing.{s.value}"][1] for s in NotificationState}),
        ("Outcomes", Outcome, {code: wording[1] for code, wording in OUTCOMES.items()}),
        ("Attempts", AttemptState, {s.value: PHRASES[f"attempt.{s.value}"][1] for s in AttemptState if s != "ended"}),
        ("Replies", Action, {code: wording[1] for code, wording in ACTIONS.items()}),
    ],
)
def test_every_word_is_explained(title: str, words: type[StrEnum], chinese: Mapping[str, str]) -> None:
    documented = table(title)

    assert sorted(documented) == sorted(words)
    assert {word: documented[word][0] for word in chinese} == dict(chinese)
    assert all(cells[1] for cells in documented.values())


def test_every_state_and_effect_of_an_event_is_explained() -> None:
    documented = table("Events")

    assert documented.keys() == {*EventState, *Came, NOBODY_ASKED}
    assert {state: documented[state][0] for state in EventState} == {
        state: PHRASES[f"event.{state.value}"][1] for state in EventState
    }
    assert {code: tuple(documented[code]) for code in CAME} == {
        code: (chinese, english) for code, (english, chinese) in CAME.items()
    }


def test_every_disposition_is_explained_with_what_it_does() -> None:
    documented = table("Dispositions")

    assert documented.keys() == {*Disposition, *Effect}
    for disposition in Disposition:
        english, chinese = DISPOSITIONS[disposition]
        assert documented[disposition] == [chinese, f"`{EFFECTS[disposition]}`", english]


def test_every_reason_is_explained() -> None:
    documented = table("Why somebody is left out or held")

    assert documented.keys() == {*EXCLUSIONS, *HELD, "no_address"}
    for reason, (english, chinese) in {**EXCLUSIONS, **HELD}.items():
        assert documented[reason] == [chinese, english]


def test_every_reason_to_wait_is_explained_as_the_commands_word_it() -> None:
    documented = table("Why somebody has to wait")

    choose(Language.ZH)
    said = {reason: in_words(reason) for reason in documented}
    choose(Language.EN)
    assert said == {reason: cells[0] for reason, cells in documented.items()}
    at = datetime(2026, 12, 1, tzinfo=UTC)
    cap = CapSettings().by_purpose()[Purpose.COLLECTION]
    by_week, by_day = (cap.full([at] * most, at) for most in (cap.per_week, cap.per_day))
    assert {because_of("凱米颱風"), POSTING_HOLD, by_week, by_day} <= documented.keys()


# -- campaigns, channels, metrics


def test_every_campaign_and_channel_is_documented() -> None:
    points = PROJECT["entry-points"]
    documented = {code(title) for title in headings(KINDS, 3)}

    assert documented == {*points["notifier.campaigns"], *points["notifier.channels"]}


@pytest.mark.parametrize("name", sorted(find_campaigns()))
def test_a_campaign_is_documented_with_parameters_keys_and_plan(name: str) -> None:
    campaign, text = find_campaigns()[name], section(KINDS, f"`{name}`")
    first = {code(row[0]) for row in rows(text)}

    assert {*campaign.parameters, *campaign.replies, "*", "0"} <= first
    assert campaign.title in text
    assert campaign.title_zh in text
    assert campaign.purpose.value in text
    assert campaign.owner in text
    assert all(f"`{kind}`" in text for kind in campaign.triggers | campaign.withdrawn_by)
    assert campaign.schedule is None or f"`{campaign.schedule}`" in text
    assert f"{campaign.window.opens:%H:%M} to {campaign.window.closes:%H:%M}" in text
    assert f"at {campaign.expires.at:%H:%M}" in text
    steps = re.findall(r"`(\w+)`", next(row[1] for row in rows(text) if row[0] == "plan"))
    assert steps == [step.channel for step in campaign.plan]
    for parameter, declared in campaign.parameters.items():
        (row,) = [row for row in rows(text) if code(row[0]) == parameter]
        assert code(row[2]) == ("required" if declared.required else str(declared.default) or "all")


def test_every_ability_of_a_channel_is_documented() -> None:
    documented = {code(row[0]) for row in rows(section(DOCS / "how-to" / "add-a-channel.md", "3. Abilities"))}

    assert documented == set(Abilities.__dataclass_fields__)


def test_the_metrics_to_watch_are_all_there_are() -> None:
    text = section(DOCS / "how-to" / "go-live.md", "What to watch")
    ours = {
        sample.name.removesuffix("_created")
        for metric in (metrics.CALLBACKS, metrics.IN_FLIGHT, metrics.PAUSED, metrics.RUNS)
        for family in metric.collect()
        for sample in [family]
    }

    assert {name.removesuffix("_total") for name in re.findall(r"`(notifier_\w+)`", text)} == ours


def test_the_events_to_watch_are_logged() -> None:
    text = section(DOCS / "how-to" / "go-live.md", "What to watch")
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "notifier" / "engine").glob("*.py"))

    for event in re.findall(r"`(\w+\.\w+)`", text):
        assert f'log.error("{event}"' in sources


# -- commands of the how-to pages, parsed; those of the README and the tutorial are run

PARSED = [
    pytest.param(statement.words, id=f"{page.stem}: {statement.words[:60]}")
    for page in sorted((DOCS / "how-to").glob("*.md"))
    for statement in statements(page)
]


@pytest.mark.parametrize("line", PARSED)
def test_a_command_of_a_how_to_is_possible(line: str) -> None:
    words = shlex.split(line)
    while re.fullmatch(r"[A-Z_]+=\S+", words[0]):
        assert words[0].partition("=")[0] == "SETTINGS"
        words = words[1:]
    match words:
        case ["notifier", *_]:
            parses(line)
        case ["docker", "compose", *rest]:
            composes(rest)
        case ["export", assignment]:
            refuse_unknown({assignment.partition("=")[0]: ""})
        case ["psql", _, "-f", file] | ["sh", file] | ["cp", file, _]:
            assert (ROOT / file).is_file()
        case ["psql", _, "-c", statement]:
            assert "notifier_source_reader" in statement or statement.startswith("alter role")
        case ["make", target, *arguments]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
            assert all((ROOT / argument.removeprefix("ARGS=")).exists() for argument in arguments)
        case _:
            pytest.fail(f"nobody knows this command: {line}")


def composes(words: list[str]) -> None:
    """A line of Docker Compose: its profile, its services, and what is run in them, are there."""
    if words[0] == "--profile":
        assert any(words[1] in service.get("profiles", ()) for service in COMPOSE["services"].values())
        words = words[2:]
    verb, *rest = words
    assert verb in {"up", "down", "exec", "stop", "start"}, verb
    if verb == "exec":
        service, *command = rest
        assert service in COMPOSE["services"]
        parses(shlex.join(command))
        return
    if "--scale" in rest:
        service, _, count = rest.pop(rest.index("--scale") + 1).partition("=")
        assert service in COMPOSE["services"]
        assert count.isdigit()
    assert {word for word in rest if word.startswith("--")} <= {"--build", "--detach", "--scale"}
    assert {word for word in rest if not word.startswith("--")} <= COMPOSE["services"].keys()


def test_docker_compose_is_left_to_the_how_to_pages() -> None:
    for page in (README, *DOCS.glob("tutorial*.md")):
        assert not [s.words for s in statements(page) if "docker" in s.words]


def test_shell_commands_stand_where_they_are_looked_for() -> None:
    """A block in another dialect would be run, or parsed, by nobody."""
    for page in pages():
        kinds = set(re.findall(r"^```([\w-]+)", page.read_text("utf-8"), re.MULTILINE))
        assert kinds <= {"sh", "sql", "python", "toml", "jinja"}, page
        if blocks(page, "sh"):
            assert page.is_relative_to(DOCS / "how-to") or page.stem in ("README", "tutorial", "tutorial.zh-TW"), page


# -- links and hosts

OURS_TO_NAME = {"127.0.0.1", "api.twilio.com"}  # besides made-up ones, which end in .example


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if urlsplit(link).scheme:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{named(page)}: {link}"
        assert target.is_relative_to(ROOT), f"{named(page)}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{named(page)}: {link}"


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_says_what_it_shows(page: Path) -> None:
    assert [alt for alt in re.findall(r"!\[([^\]]*)\]\(", prose(page)) if len(alt) < 20] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_host_is_named_that_is_not_ours_to_name(page: Path) -> None:
    text = page.read_text("utf-8")
    hosts = {urlsplit(url).hostname or "" for url in re.findall(r"https?://[^\s`\"')…]+", text)}

    assert {host for host in hosts if not host.endswith(".example")} <= OURS_TO_NAME
    mails = set(re.findall(r"@([\w.-]+\.\w+)", text))
    assert {host for host in mails if not host.endswith(".example")} == set()


@pytest.mark.parametrize("page", PAGES)
def test_no_path_of_one_machine_is_named(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|Users|work|opt|tmp|mnt)\b[/\w]*", page.read_text("utf-8")) == []


def test_every_page_is_reached_from_the_index() -> None:
    linked = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}
    alone = [named(page) for page in pages() if page.parent.name != "adr" and page not in {README, DOCS / "README.md"}]

    assert [name for name in alone if ROOT / name not in linked] == []


def test_every_promise_names_where_it_is_kept() -> None:
    places = re.findall(r"`((?:tests|bench)/[a-z_/]+(?:\.py)?)`", (DOCS / "what-we-promise.md").read_text("utf-8"))
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []
    assert [place for place in places if (ROOT / place).is_dir() and not any((ROOT / place).glob("test_*.py"))] == []
