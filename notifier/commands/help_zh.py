"""The help pages in Chinese as written in Taiwan, by their English text."""

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {}


def in_chinese(text: str) -> str:
    """The text in Chinese. Command lines, and what is in Chinese already, stand as they are."""
    return "\n".join(CHINESE.get(line, line) for line in text.split("\n"))
