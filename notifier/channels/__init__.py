"""One file per channel. A channel is found by its entry point, so that a new one is a file and a line."""

from importlib.metadata import entry_points

from notifier.domain.channel import Channel, Surroundings

GROUP = "notifier.channels"


def find_channels(surroundings: Surroundings) -> dict[str, Channel]:
    """The channels that are configured, by name. Two of one name are refused: one would hide the other."""
    channels: dict[str, Channel] = {}
    for entry in entry_points(group=GROUP):
        channel: Channel | None = entry.load()(surroundings)
        if channel is None:
            continue
        if channel.name in channels:
            raise ValueError(f"two channels are named {channel.name!r}")
        channels[channel.name] = channel
    return channels
