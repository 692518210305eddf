"""One file per campaign. A campaign is found by its entry point, so that a new one is a file and a line."""

from importlib.metadata import entry_points

from notifier.domain.campaign import Campaign

GROUP = "notifier.campaigns"


def find_campaigns() -> dict[str, Campaign]:
    """All campaigns by name. Raises ValueError when one's entry point does not name it."""
    campaigns: dict[str, Campaign] = {}
    for entry in entry_points(group=GROUP):
        campaign: Campaign = entry.load()
        if campaign.name != entry.name:
            raise ValueError(f"the entry point {entry.name!r} leads to a campaign named {campaign.name!r}")
        campaigns[campaign.name] = campaign
    return campaigns
