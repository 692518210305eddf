"""Opening a run: by its key, exactly once, whoever asks and however often."""

from collections.abc import Mapping
from datetime import datetime

from notifier.domain.campaign import Campaign
from notifier.engine.catalogue import Catalogue
from notifier.storage.database import WakeUps
from notifier.storage.queries import Connection
from notifier.storage.runs import Run, RunStore


async def open_run(
    runs: RunStore,
    catalogue: Catalogue,
    wake_ups: WakeUps,
    *,
    campaign: Campaign,
    key: str,
    params: Mapping[str, object],
    now: datetime,
    connection: "Connection | None" = None,
) -> tuple[Run, bool]:
    """The run of this key, and whether this call opened it, in the transaction of `connection` if one is given."""
    run, opened = await runs.open(
        key=key,
        campaign=campaign.name,
        owner=campaign.owner,
        params=params,
        priority=campaign.priority,
        zone=catalogue.calendar.zone.key,
        now=now,
        connection=connection,
    )
    if opened:
        await wake_ups.send("planner", connection)
    return run, opened
