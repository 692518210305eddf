"""How values get into the lines of a call: cut into clips, and marked when they belong to one customer.

Fails closed: a text is the customer's own unless it is one the house or the campaign has named public, or stands in the
template itself. Such marks decide which engine may speak a clip, so no expression of a template can wash them off.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.domain.list_cell import taken_by
from notifier.domain.reading import FILTERS, NEED_TODAY
from notifier.domain.script import CUTTERS, make_personal

CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"
)  # marks and line ends among them: a value cannot bring its own
PUBLIC = frozenset({"caller", "notice_code", "optout_email"})


class Public(str):
    """A text that identifies nobody."""

    __slots__ = ()


class Marked(str):
    """A text that has been through a reader: its marks are ours."""

    __slots__ = ()


class VoiceEnvironment(ImmutableSandboxedEnvironment):
    """The environment of voice templates: its readers cut what they read."""

    def __init__(self, root: Path, locale: str) -> None:
        loader = jinja2.FileSystemLoader(root)
        super().__init__(loader=loader, undefined=jinja2.StrictUndefined, finalize=_finalize, auto_reload=False)
        self._root = root
        self._texts: dict[str, frozenset[str]] = {}
        for name, read in FILTERS.items():
            self.filters[name] = _reader(name, read, locale)

    def stands_in(self, template: str, text: str) -> bool:
        """Whether the text stands in the template itself: then it is everybody's."""
        if template not in self._texts:
            found = self.parse((self._root / template).read_text("utf-8")).find_all(nodes.Const)
            self._texts[template] = frozenset(one.value for one in found if isinstance(one.value, str))
        return text in self._texts[template]


def known(value: Any) -> Any:
    """What the source does not know is missing, too: nobody is told to ask "None"."""
    if value is None:
        raise jinja2.UndefinedError("a value is null")
    return value


def _reader(name: str, read: Callable[..., str], locale: str) -> Callable[[Context, Any], str]:
    cut = CUTTERS.get(name, str)

    @jinja2.pass_context
    def apply(context: Context, value: Any) -> str:
        str(known(value))  # a missing variable names itself here; a reader would only say TypeError
        value = taken_by(name, value)
        said = str(read(value, locale, context["today"]) if name in NEED_TODAY else read(value, locale))
        return Marked(make_personal(cut(said)) if _is_personal(context, value) else cut(said))

    return apply


@jinja2.pass_context
def _finalize(context: Context, value: Any) -> Any:
    """What an expression comes to, as it goes into the line."""
    if isinstance(known(value), Marked) or not isinstance(value, str):
        return value
    clean = CONTROLS.sub("", value)
    return make_personal(clean) if _is_personal(context, value) else clean


def _is_personal(context: Context, value: Any) -> bool:
    if not isinstance(value, str) or isinstance(value, Public):
        return False
    environment, template = context.environment, context.name
    return not (isinstance(environment, VoiceEnvironment) and template and environment.stands_in(template, str(value)))
