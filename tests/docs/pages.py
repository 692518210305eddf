"""The pages of the documentation, as tests read them: code blocks, statements, tables, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"

_BLOCK = re.compile(r"^```([\w-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$")
_EXIT = re.compile(r"#\s*exit (\d+)")
_HEREDOC = re.compile(r"<<\s*(\w+)\s*$")
_HEADING = re.compile(r"^(#+) (.+?)\s*$", re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    return [README, *sorted(DOCS.rglob("*.md"))]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in _BLOCK.findall(page.read_text("utf-8")) if kind == language]


@dataclass(frozen=True)
class Statement:
    """One command of a block, a here-document included. `exit` is the code that its comment states, or 0."""

    text: str
    exit: int = 0

    @property
    def words(self) -> str:
        """The first line without its comment."""
        return _COMMENT.sub("", self.text.split("\n")[0]).strip()


def statements(page: Path) -> Iterator[Statement]:
    """The commands of all ```sh blocks, in order; comments that stand alone are statements, too."""
    for block in blocks(page, "sh"):
        lines = iter(block.splitlines())
        for line in lines:
            if not line.strip():
                continue
            whole = [line]
            if (here := _HEREDOC.search(_COMMENT.sub("", line))) is not None:
                for following in lines:
                    whole.append(following)
                    if following.strip() == here[1]:
                        break
            stated = _EXIT.search(line)
            yield Statement("\n".join(whole), int(stated[1]) if stated else 0)


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def links(page: Path) -> list[str]:
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The headings as a link names them."""
    return {
        re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for _, title in _HEADING.findall(prose(page))
    }


def section(page: Path, title: str) -> str:
    """What stands below a heading, down to the next one of its level or above."""
    text = page.read_text("utf-8")
    bare = _BLOCK.sub(lambda match: re.sub(r"^#", " ", match[0], flags=re.MULTILINE), text)  # a comment is no heading
    found = re.search(rf"^(#+) {re.escape(title)}$", bare, re.MULTILINE)
    assert found is not None, f"{named(page)} has no heading {title!r}"
    end = re.compile(rf"^#{{1,{len(found[1])}}} ", re.MULTILINE).search(bare, found.end())
    return text[found.end() : end.start() if end else None]


def headings(page: Path, level: int) -> list[str]:
    return [title for marks, title in _HEADING.findall(prose(page)) if len(marks) == level]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row of the text, heads and rulers left out."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|") and before.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def code(cell: str) -> str:
    """`a` as a."""
    return cell.strip().strip("`")
