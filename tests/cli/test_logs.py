"""Logs on stderr as JSON, with nothing in them that identifies a person."""

import json
import logging

import pytest
import structlog

from notifier.commands import logs


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Key (address)=(+886912345678) already exists", "Key (address)=(***) already exists"),
        ("account 07100000010 twice", "account *** twice"),
        ("account 07-10-0000-01-0 twice", "account *** twice"),
        ("to wang.a@example.com: refused", "to *** refused"),
        ("run 12 of 2026-12-01 09:30:05", "run 12 of 2026-12-01 09:30:05"),
        ("attempt 01a22f5e-8bfa-7733-8211-881816246735", "attempt 01a22f5e-8bfa-7733-8211-881816246735"),
    ],
)
def test_personal_data_is_blotted_out(said: str, kept: str) -> None:
    assert logs.mask_personal(None, "info", {"event": said}) == {"event": kept}


@pytest.fixture
def _configured(monkeypatch: pytest.MonkeyPatch) -> object:
    handlers = logging.getLogger().handlers[:]
    logs.configure()
    yield
    logging.getLogger().handlers[:] = handlers
    structlog.reset_defaults()


@pytest.mark.usefixtures("_configured")
def test_events_are_json_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger().info("run.planned", run=1)
    logging.getLogger("library").warning("odd: %s", "+886912345678")

    out, err = capsys.readouterr()
    ours, library = map(json.loads, err.splitlines())
    assert out == ""
    assert (ours["event"], ours["run"], ours["level"]) == ("run.planned", 1, "info")
    assert (library["event"], library["logger"]) == ("odd: ***", "library")


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.usefixtures("_configured")
def test_an_exception_is_masked_on_a_terminal_too(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    logs.configure()
    try:
        raise ValueError("Key (address)=(+886912345678) already exists")
    except ValueError:
        structlog.get_logger().exception("turn_failed", part="inbox")

    err = capsys.readouterr().err
    assert "Key (address)=(***) already exists" in err
    assert "886912345678" not in err
