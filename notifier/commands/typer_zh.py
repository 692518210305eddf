"""What typer itself says, in Chinese as written in Taiwan: it can be told neither a language nor its own sentences."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

import typer

from notifier.commands.exits import Exit

HEADINGS: Mapping[str, str] = {
    "ARGUMENTS_PANEL_TITLE": "引數",
    "OPTIONS_PANEL_TITLE": "選項",
    "COMMANDS_PANEL_TITLE": "指令",
    "ERRORS_PANEL_TITLE": "錯誤",
    "DEFAULT_STRING": "[預設：{}]",
    "REQUIRED_LONG_STRING": "[必填]",
    "ABORTED_TEXT": "已取消。",
    "RICH_HELP": "說明請執行 [blue]'{command_path} {help_option}'[/]。",
}
USAGE: Mapping[str, str] = {"Usage: ": "用法：", "[OPTIONS]": "[選項]", "COMMAND [ARGS]...": "指令 [引數]..."}
SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(english), chinese)
    for english, chinese in (
        (r"Missing argument '(.+)'\.", r"缺少引數 \1。"),
        (r"Missing option '(.+)'\.", r"缺少選項 \1。"),
        (r"Missing command\.", r"缺少指令。"),
        (r"No such command '(.+?)'\.", r"沒有指令 \1。"),
        (r"No such command '(.+?)'\. Did you mean (.+)\?", r"沒有指令 \1，是否為 \2？"),
        (r"No such option: (\S+)", r"沒有選項 \1。"),
        (r"No such option: (\S+) \(Possible options: (.+)\)", r"沒有選項 \1，是否為 \2？"),
        (r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", r"多餘的引數：\1。"),
        (r"Option '(.+)' requires an argument\.", r"選項 \1 須有值。"),
        (r"Option '(.+)' does not take a value\.", r"選項 \1 不接受值。"),
        (r"Invalid value for '(.+?)': .*", r"\1 的值無法使用。"),
    )
)


@contextmanager
def _headings(rich_utils: ModuleType) -> Iterator[None]:
    """In Chinese; they are typer's own, and are put back."""
    before = {name: getattr(rich_utils, name) for name in HEADINGS}
    try:
        for name, words in HEADINGS.items():
            setattr(rich_utils, name, words)
        yield
    finally:
        for name, words in before.items():
            setattr(rich_utils, name, words)


def _reword_usage(node: Any) -> None:
    told = node.get_usage

    def get_usage(context: Any) -> str:
        usage: str = told(context)
        for english, chinese in USAGE.items():
            usage = usage.replace(english, chinese)
        return usage

    node.get_usage = get_usage
    for child in getattr(node, "commands", {}).values():
        _reword_usage(child)


def in_chinese_words(sentence: str) -> str:
    """An error of typer's; one that nobody has worded stands as it is."""
    for pattern, chinese in SENTENCES:
        if match := pattern.fullmatch(sentence):
            return match.expand(chinese)
    return sentence


def run_in_chinese(tree: Any, args: Sequence[str], name: str) -> int:
    """The exit code of the command line."""
    from typer import rich_utils  # English needs it only for help and for errors

    _reword_usage(tree)
    wrong_usage = cast("type[Exception]", typer.BadParameter.__base__)
    with _headings(rich_utils):
        try:
            return int(tree(args=list(args), prog_name=name, standalone_mode=False) or Exit.DONE)
        except typer.Abort:
            rich_utils.rich_abort_error()
            return Exit.UNEXPECTED
        except wrong_usage as error:
            return _show(rich_utils, error)


def _show(rich_utils: ModuleType, error: Any) -> int:
    words = in_chinese_words(error.format_message())
    error.format_message = lambda: words
    rich_utils.rich_format_error(error)
    return Exit.USAGE
