"""The wheel by itself: in a new environment that sees the pinned dependencies, but not this checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WHAT_IS_SEEN = """
import json, notifier
from importlib.metadata import entry_points
from notifier.resources import sql_root, template_root
from notifier.storage.migrations import find_migrations

def files(root):
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())

print(json.dumps({
    "package": notifier.__file__,
    "sql": files(sql_root()), "sql_root": str(sql_root()),
    "templates": files(template_root()), "template_root": str(template_root()),
    "migrations": [migration.name for migration in find_migrations()],
    "channels": sorted(point.name for point in entry_points(group="notifier.channels")),
}))
"""


@dataclass(frozen=True)
class Installed:
    """The environment that the wheel was installed into."""

    folder: Path

    def run(self, program: str, *args: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFIER_", "PYTHON"))}
        return subprocess.run(
            [self.folder / "bin" / program, *args],
            cwd=self.folder, env=kept | settings, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


def _pip(*args: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *args], check=True, capture_output=True, timeout=90
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder, wheels = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("wheels")
    _pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT))
    (wheel,) = wheels.glob("notifier-*.whl")
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin" / "python")
    _pip("--python", python, "install", "--no-index", "--no-deps", str(wheel))
    # The dependencies by their path alone: a folder named in a .pth file has its own .pth files, such as that of an
    # editable install, ignored.
    (site,) = folder.glob("lib/python*/site-packages")
    seen = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("".join(f"{path}\n" for path in sorted(seen)))
    return Installed(folder)


def _files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_templates_and_sql_are_inside_the_wheel(installed: Installed) -> None:
    answered = installed.run("python", "-c", WHAT_IS_SEEN)
    assert answered.returncode == 0, answered.stderr
    seen = json.loads(answered.stdout)
    for place in ("package", "sql_root", "template_root"):
        assert Path(seen[place]).is_relative_to(installed.folder), seen[place]
    assert seen["sql"] == _files(ROOT / "sql")
    assert seen["templates"] == _files(ROOT / "templates")
    assert seen["migrations"][0] == "0001_foundation.sql"
    assert seen["channels"] == ["email", "null", "sms", "voice"]


def test_the_command_is_installed(installed: Installed) -> None:
    helped = installed.run("notifier", "check", "--help")
    assert helped.returncode == 0, helped.stderr
    assert "notifier check" in helped.stdout


def test_check_runs_from_the_wheel(installed: Installed, database: str, source_database: str) -> None:
    checked = installed.run(
        "notifier", "check",
        NOTIFIER_DATABASE_URL=database,
        NOTIFIER_SOURCE_URL=source_database,
        NOTIFIER_SMTP__HOST="mail.office.example",
        NOTIFIER_SMTP__SENDER="notice@office.example",
        NOTIFIER_OPTOUT_EMAIL="stop@office.example",
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
