"""The exit codes of every command: the one place where they are given a meaning."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    UNEXPECTED = 1
    USAGE = 2  # unknown campaign, parameter or option; a setting that is missing or cannot be read
    UNREACHABLE = 3  # the database or the source cannot be used
    NOT_FOUND = 4
    UNFINISHED = 5  # the run ended otherwise than finished, or waits for a person
    MUST_BE_MENDED = 6
    INTERRUPTED = 130  # as shells do it


class Failure(Exception):
    """What a command tells the operator in one sentence before it ends with `code`."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
