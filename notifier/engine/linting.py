"""All that can be seen to be wrong with a campaign's words before anything is known of its facts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import jinja2
from jinja2 import nodes

from notifier.domain.campaign import Campaign
from notifier.domain.lint import Finding, lint_template
from notifier.domain.lint_call import lint_call
from notifier.domain.message import LOCALES
from notifier.engine.template_words import parse

VOICE = "voice"
TWICE = frozenset({"spoken_amount", "spoken_date"})  # what the ear must be given a second chance at
MOST_PATHS = 256  # through the branches of one template


@dataclass(frozen=True, slots=True)
class TemplateFinding:
    """A finding with its file, below the folder of templates or of SQL."""

    file: str
    finding: Finding

    @property
    def where(self) -> str:
        return f"{self.file}:{self.finding.line}" if self.finding.line else self.file


def lint_words(
    root: Path, campaign: Campaign, templates: Sequence[str], channels: Sequence[str]
) -> list[TemplateFinding]:
    """What every template of the campaign breaks; one that is missing among them."""
    if not templates:
        return [TemplateFinding(f"{campaign.name}/", _missing())]
    return [
        TemplateFinding(name, finding)
        for template in templates
        for channel in dict.fromkeys(channels)
        for locale in LOCALES
        for name in [campaign.told_with({"template": template}).template_name(channel, locale)]
        for finding in _lint_file(root / name, campaign, channel, locale)
    ]


def _lint_file(file: Path, campaign: Campaign, channel: str, locale: str) -> list[Finding]:
    try:
        text = file.read_text("utf-8")
        tree = parse(text, file.name)
    except FileNotFoundError:
        return [_missing()]
    except jinja2.TemplateSyntaxError as error:
        return [_unreadable(str(error.message), error.lineno)]
    except UnicodeDecodeError:
        return [_unreadable("not UTF-8", 0)]
    found = lint_template(campaign.purpose, channel, locale, text)
    return [*found, *lint_call(locale, text), *_said_once(tree)] if channel == VOICE else found


def _missing() -> Finding:
    return Finding("template_missing", "the template is missing", "缺少範本", "")


def _unreadable(why: str, line: int) -> Finding:
    return Finding("unreadable", f"the template cannot be read: {why}", f"無法讀取範本：{why}", "", line)


def _said_once(tree: nodes.Template) -> Iterator[Finding]:
    """Amounts and dates that are said once only, whichever way the template's branches go."""
    once: dict[str, tuple[str, int]] = {}
    for path in _paths(tree.body):
        counts = Counter(key for key, _, _ in path)
        once |= {key: (reader, line) for key, reader, line in path if counts[key] == 1}
    for _, (reader, line) in sorted(once.items(), key=lambda pair: pair[1][1]):
        yield Finding(
            "said_once",
            f"what {reader} reads is said only once: an amount or a date is said twice",
            "金額與日期必須說兩次",
            reader,
            line,
        )


Said = tuple[str, str, int]  # the expression, its reader, its line


def _paths(body: Sequence[nodes.Node]) -> list[list[Said]]:
    """What is said on each way through the branches."""
    ways: list[list[Said]] = [[]]
    for node in body:
        ways = [first + then for first, then in product(ways, _ways(node))][:MOST_PATHS]
    return ways


def _ways(node: nodes.Node) -> list[list[Said]]:
    if isinstance(node, nodes.If):
        elifs = [way for branch in node.elif_ for way in _paths(branch.body)]
        return _paths(node.body) + elifs + _paths(node.else_)
    if isinstance(node, nodes.For | nodes.Scope | nodes.With | nodes.Block):
        return _paths(node.body)
    return [[(repr(one.node), one.name, one.lineno) for one in node.find_all(nodes.Filter) if one.name in TWICE]]
