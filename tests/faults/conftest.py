"""What `make faults` measured is printed at the end, and written on the page that promises it: tests note their figures
with `record_property`."""

import time

import pytest

from tests.faults.figures import write_figures

HERE = "tests/faults"
BEGAN = time.monotonic()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the short form the longest first, so that nobody waits for it at the end. Of the long form not: two fleets at
    a time would be more than two cores can bear."""
    if not config.getoption("--long"):
        items.sort(key=lambda item: not item.nodeid.startswith(f"{HERE}/kill/"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    noted = [
        (report.nodeid.rpartition("/")[2], name, value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call"
        for name, value in report.user_properties
    ]
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2]}", yellow=True)
    if noted and config.getoption("--long"):
        terminalreporter.section("figures")
        for test, name, value in noted:
            terminalreporter.write_line(f"{test}: {name}: {value}")
    if _is_whole(config) and not any(terminalreporter.stats.get(bad) for bad in ("failed", "error", "skipped")):
        write_figures(noted, len(terminalreporter.stats["passed"]), (time.monotonic() - BEGAN) / 60)


def _is_whole(config: pytest.Config) -> bool:
    """Whether everything here was asked for, and not a part of it."""
    is_part = config.getoption("keyword") or config.getoption("markexpr") or config.getoption("lf")
    return bool(config.getoption("--long")) and [*config.args] == [HERE] and not is_part
