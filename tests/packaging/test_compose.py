"""Dockerfile, docker-compose.yml, deploy/ and constraints.txt say nothing that is not so."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from notifier.cli import build
from notifier.settings import OUTSIDE, PREFIX, read_settings, refuse_unknown

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("notifier:"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
ENV_FILES = ["deploy/sandbox.env", "deploy/notifier.env.example"]


def instructions(word: str) -> list[str]:
    return [line.removeprefix(word).strip() for line in DOCKERFILE if line.startswith(f"{word} ")]


def env_file(path: str) -> dict[str, str]:
    lines = (ROOT / path).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def secrets(service: str) -> dict[str, str]:
    """The secrets of a service: file name in the container -> secret."""
    given = [entry if isinstance(entry, dict) else {"source": entry} for entry in SERVICES[service].get("secrets", ())]
    return {str(entry.get("target", entry["source"])): str(entry["source"]) for entry in given}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What deploy/make-secrets writes."""
    folder = tmp_path_factory.mktemp("made") / "secrets"
    subprocess.run(["sh", ROOT / "deploy/make-secrets", folder], check=True, timeout=30)
    return folder


# -- settings and commands


@pytest.mark.parametrize("path", ENV_FILES)
@pytest.mark.parametrize("service", [name for name in OURS if name != "sandbox"])
def test_settings_of_a_service_can_be_read(
    service: str, path: str, made: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for target, secret in secrets(service).items():
        (folder / target).write_text((made / secret).read_text("utf-8"), "utf-8")
    for name, value in {**env_file(path), **SERVICES[service]["environment"]}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NOTIFIER_SECRETS_DIR", str(folder))
    if service == "migrate":  # has no token, and needs none
        monkeypatch.setenv("NOTIFIER_TWILIO__AUTH_TOKEN", "unused")

    settings = read_settings()

    assert "@postgres/notifier" in settings.database_url.get_secret_value()
    assert settings.twilio is not None
    assert settings.twilio.base_url == env_file(path)["NOTIFIER_TWILIO__BASE_URL"]
    assert settings.smtp is not None
    if service != "migrate":
        assert settings.twilio.auth_token.get_secret_value() == "sandbox-token"
        assert settings.source_url is not None


@pytest.mark.parametrize("service", OURS)
def test_every_name_is_a_setting(service: str) -> None:
    named = {*SERVICES[service]["environment"], *secrets(service)}
    refuse_unknown(dict.fromkeys(named, ""))
    assert SERVICES[service]["env_file"] == "${SETTINGS:-deploy/sandbox.env}"


def test_dockerfile_names_only_settings() -> None:
    refuse_unknown({name: "" for name in re.findall(rf"{PREFIX}\w+", "\n".join(DOCKERFILE)) if name not in OUTSIDE})


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one_of_ours(service: str) -> None:
    command = SERVICES[service]["command"]
    if "entrypoint" in SERVICES[service]:
        assert SERVICES[service]["entrypoint"] == ["sh", "-c"]
        shell, program, *command = shlex.split(command[0])
        assert (shell, program) == ("exec", "notifier")
    name, *args = command
    tree: Any = get_command(build())
    tree.commands[name].make_context(name, args)  # parses; raises for an option that does not exist


def test_processes_are_all_there() -> None:
    commands = [SERVICES[name]["command"][0] for name in ("migrate", "web", "worker", "scheduler")]
    assert commands == ["migrate", "web", "work", "keep"]
    assert instructions("ENTRYPOINT") == ['["notifier"]']


# -- hardening


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert any(mount.split(":")[0] == "/tmp" for mount in service["tmpfs"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert int(service["user"].split(":")[0]) > 0
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_image_is_pinned_by_tag(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"v?\d+(\.\d+)+", tag), image
    if image == "notifier":
        assert tag == PROJECT["project"]["version"]


def test_every_service_says_whether_it_is_well() -> None:
    by_image = {name for name in OURS if "healthcheck" not in SERVICES[name]}
    assert by_image == {"web"}
    (check,) = instructions("HEALTHCHECK")
    assert "/healthz" in check
    assert "8080" in check


def test_waits_for_what_it_needs() -> None:
    for name in ("web", "worker", "scheduler"):
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
        }
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def test_postgres_keeps_its_data_where_its_image_wants_it() -> None:
    assert SERVICES["postgres"]["image"].startswith("postgres:18")
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


def test_image_is_not_root_and_from_a_tag() -> None:
    bases = instructions("FROM")
    assert all(re.match(r"python:3\.\d+-slim\b", base) for base in bases), bases
    user = DOCKERFILE[max(n for n, line in enumerate(DOCKERFILE) if line.startswith("FROM ")) :]
    assert "USER 10001:10001" in user


def test_builder_is_given_what_it_copies() -> None:
    given = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {
        source.removeprefix("./")
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }
    assert copied == given
    assert all((ROOT / name).exists() for name in given)


# -- secrets


def test_every_secret_is_declared_and_made(made: Path) -> None:
    declared = COMPOSE["secrets"]
    used = {secret for name in SERVICES for secret in secrets(name).values()}
    assert used == set(declared) == {file.name for file in made.iterdir()}
    assert all(entry == {"file": f"deploy/secrets/{name}"} for name, entry in declared.items())


def test_secrets_are_kept_from_others_and_never_made_twice(made: Path) -> None:
    before = {file.name: file.read_text("utf-8") for file in made.iterdir()}
    subprocess.run(["sh", ROOT / "deploy/make-secrets", made], check=True, timeout=30)
    assert before == {file.name: file.read_text("utf-8") for file in made.iterdir()}
    assert made.stat().st_mode & 0o077 == 0
    passwords = [text for name, text in before.items() if name.endswith("_password") and name != "smtp_password"]
    assert len(set(passwords)) == len(passwords)
    assert all(len(password.strip()) == 48 for password in passwords)


# -- constraints


def pins() -> dict[str, tuple[str, list[str]]]:
    """Of constraints.txt: name -> version and hashes."""
    text = re.sub(r"#.*", "", CONSTRAINTS).replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    for line in filter(str.strip, text.splitlines()):
        match = re.fullmatch(r"\s*([\w.-]+)==([\w.]+)(?:\s*;[^-]*?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", line)
        assert match, line
        found[canonicalize_name(match[1])] = match[2], match[3].split()
    return found


def test_constraints_name_no_host() -> None:
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|\bfile:/", CONSTRAINTS)


def test_every_dependency_is_pinned_with_its_hashes() -> None:
    pinned = pins()
    project = PROJECT["project"]
    asked = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
        *PROJECT["build-system"]["requires"],
    ]
    for requirement in map(Requirement, asked):
        version, hashes = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
        assert hashes
