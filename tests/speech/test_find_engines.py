import tomllib
from pathlib import Path

import pytest

from notifier.domain.speech import SpeechSurroundings
from notifier.speech import GROUP, find_engines


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


async def test_the_engine_of_the_house_is_there_without_configuration() -> None:
    engines = find_engines(SpeechSurroundings())
    assert engines["espeak"].abilities.personal
    assert all(engine.name == name for name, engine in engines.items())
    for engine in engines.values():
        await engine.close()


def test_two_of_one_name_are_refused(installed: Path) -> None:
    twice = "first = notifier.speech.espeak:create\nsecond = notifier.speech.espeak:create"
    (installed / "entry_points.txt").write_text(f"[{GROUP}]\n{twice}\n")
    with pytest.raises(ValueError, match="two speech engines are named 'espeak'"):
        find_engines(SpeechSurroundings())
