import tomllib
from pathlib import Path

import pytest

from notifier.channels import GROUP, find_channels, null
from notifier.domain.channel import Address, AddressKind, MailServer
from notifier.domain.disposition import Disposition
from tests.channels.channel_kit import ATTEMPT, MOBILE, NOW, SMS, account, surroundings

MAIL = MailServer("127.0.0.1", sender="notice@utility.example.tw")


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project as installed, whether or not it is: metadata made of pyproject.toml comes first on the path."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    lines = [f"{name} = {target}" for name, target in project["entry-points"][GROUP].items()]
    folder = tmp_path / "notifier-9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: notifier\nVersion: 9\n")
    (folder / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_nothing_configured_is_no_channel() -> None:
    assert find_channels(surroundings()) == {}


def test_what_is_configured_is_found_by_its_name() -> None:
    channels = find_channels(surroundings(account(), mail=MAIL, options={"null": "void"}))
    assert sorted(channels) == ["email", "sms", "voice", "void"]
    assert all(channel.name == name for name, channel in channels.items())


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two channels are named 'sms'"):
        find_channels(surroundings(account(), options={"null": "sms"}))


async def test_the_null_channel_takes_everything_at_once() -> None:
    channel = null.create(surroundings(options={"null": "void"}))
    assert channel is not None
    assert channel.abilities.address is AddressKind.MOBILE
    receipt = await channel.send(SMS, Address(MOBILE), ATTEMPT)
    assert (receipt.ended, receipt.at, receipt.attempt) == (Disposition.DELIVERED, NOW, ATTEMPT)
    await channel.close()
