"""The command line beside a house, as the tests of the commands have it."""

from tests.cli.conftest import call, desk, tidy

__all__ = ["call", "desk", "tidy"]
