"""What `make faults` measured is printed at the end: tests note their figures with `record_property`."""

import pytest


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
