"""Every command explains itself, with an example, in both languages."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from notifier.cli import build
from notifier.commands.exits import Exit
from notifier.commands.help_zh import CHINESE, in_chinese
from tests.cli.conftest import Call


def walk(node: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, node
    for name, child in getattr(node, "commands", {}).items():
        yield from walk(child, *path, name)


TREE = get_command(build())
COMMANDS = [pytest.param(path, node, id=" ".join(path)) for path, node in walk(TREE) if path]


@pytest.mark.parametrize(("path", "node"), COMMANDS)
def test_a_command_has_help_and_an_example_of_itself(path: tuple[str, ...], node: Any, call: Call) -> None:
    said = call(*path, "--help")

    assert said.code == Exit.DONE
    assert node.help in said.out or node.help.split("\n")[0] in said.out
    own = " ".join(path[:-1] if path[1:] == ("list",) else path)
    assert any(line.strip().startswith(f"notifier {own}") for line in node.epilog.splitlines())
    assert "Examples:" in said.out


@pytest.mark.parametrize(("path", "node"), COMMANDS)
def test_every_option_says_what_it_is(path: tuple[str, ...], node: Any) -> None:
    assert [parameter.name for parameter in node.params if not getattr(parameter, "help", None)] == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run", "缺少引數 CAMPAIGN。"),
        ("held close 3", "缺少選項 --reason。"),
        ("rnu", "沒有指令 rnu，是否為 'run'？"),
        ("nothing-of-the-kind", "沒有指令 nothing-of-the-kind。"),
        ("runs --mots 3", "沒有選項 --mots，是否為 --most？"),
        ("runs --most x", "--most 的值無法使用。"),
        ("runs --most", "選項 --most 須有值。"),
        ("runs --json=3", "選項 --json 不接受值。"),
        ("runs 3 4", "多餘的引數：3 4。"),
        ("voice explain", "缺少引數 CAMPAIGN。"),
    ],
)
def test_what_is_typed_wrong_is_told_in_chinese_and_ends_as_in_english(line: str, words: str, call: Call) -> None:
    said, english = call(*line.split(), "--lang", "zh"), call(*line.split())

    assert (said.code, english.code) == (Exit.USAGE, Exit.USAGE)
    assert words in said.err
    assert "錯誤" in said.err
    assert "Error" not in said.err
    assert "Error" in english.err
    assert "錯誤" not in english.err


@pytest.mark.parametrize(("path", "node"), COMMANDS)
def test_a_help_page_in_chinese_has_no_english_of_typers(path: tuple[str, ...], node: Any, call: Call) -> None:
    said = call(*path, "--help", "--lang", "zh")

    assert said.code == Exit.DONE
    assert "用法：notifier" in said.out
    assert "顯示本說明。" in said.out
    for english in ("Usage:", "[OPTIONS]", "Options", "Arguments", "Commands", "[required]", "[default:"):
        assert english not in said.out


def texts() -> Iterator[str]:
    for path, node in walk(TREE):
        yield from (node.help or "").split("\n")
        yield from [] if path in ((), ("demo",)) else (node.epilog or "").split("\n")
        for parameter in node.params:
            yield from (parameter.help or "").split("\n")


def test_every_line_of_help_is_there_in_chinese() -> None:
    lines = {line for line in texts() if line and not line.startswith("  ")}

    assert sorted(lines - CHINESE.keys()) == []


def test_no_line_is_translated_that_nobody_shows() -> None:
    assert sorted(CHINESE.keys() - set(texts()) - {"Show this message and exit."}) == []


def test_help_in_chinese(call: Call) -> None:
    said = call("status", "--help", "--lang", "zh")

    assert in_chinese("Show where a run stands.") in said.out
    assert "範例：" in said.out


def test_the_exit_codes_are_documented(call: Call) -> None:
    said = call("--help")

    for code in Exit:
        assert f"{code.value}  " in said.out.partition("Exit codes")[2]


def test_a_language_nobody_speaks_is_refused(call: Call) -> None:
    said = call("runs", "--lang", "fr")

    assert (said.code, said.err.strip()) == (Exit.USAGE, "Error: --lang is zh or en.")
