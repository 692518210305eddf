"""Whether an uploaded list can be told in the words chosen for it: said before anybody is, not at their turn."""

from collections.abc import Mapping
from dataclasses import dataclass

from notifier.domain.campaign import Campaign
from notifier.engine.rendering import Rendering
from notifier.engine.template_words import Needs
from notifier.storage.lists import ListStore, UploadedList
from notifier.storage.queries import Connection

# What the source says of every row, and what each row's account is; a list need not have such columns.
GIVEN = frozenset({"account_no", "customer_name", "district", "section", "section_phone"})


class DoesNotFit(Exception):
    """Why a list cannot be told, in words that the log keeps.

    DoesNotFit
      ListUnknown      no list has this name
      WordsUnknown     no template has this name
      ColumnsMissing   the words use what is no column of the list
    """


class ListUnknown(DoesNotFit): ...


class WordsUnknown(DoesNotFit): ...


class ColumnsMissing(DoesNotFit): ...


@dataclass(frozen=True, slots=True)
class Fit:
    """A list, the words it is told in, and what these take of it."""

    uploaded: UploadedList
    template: str
    needs: Needs


async def fit_list(
    lists: ListStore,
    rendering: Rendering,
    campaign: Campaign,
    params: Mapping[str, object],
    connection: "Connection | None" = None,
) -> Fit:
    """The list and the template that a run names. Raises DoesNotFit."""
    told = campaign.told_with(params)
    known = rendering.templates(campaign)
    if told.template not in known:
        raise WordsUnknown(f"no template is named {told.template}; there are: {', '.join(known)}")
    name = str(params["list"])
    uploaded = await lists.find(name, connection)
    if uploaded is None:
        raise ListUnknown(f"no list is named {name}")
    needs = rendering.needs(told)
    if missing := sorted(needs.columns - GIVEN - uploaded.columns.keys()):
        raise ColumnsMissing(f"the list {name} lacks columns that {told.template} uses: {', '.join(missing)}")
    return Fit(uploaded, told.template, needs)
