"""One file per engine. An engine is found by its entry point, so that a new one is a file and a line."""

from importlib.metadata import entry_points

from notifier.domain.speech import SpeechEngine, SpeechSurroundings

GROUP = "notifier.speech"


def find_engines(surroundings: SpeechSurroundings) -> dict[str, SpeechEngine]:
    """The engines that are configured, by name. Two of one name are refused: one would hide the other."""
    engines: dict[str, SpeechEngine] = {}
    for entry in entry_points(group=GROUP):
        engine: SpeechEngine | None = entry.load()(surroundings)
        if engine is None:
            continue
        if engine.name in engines:
            raise ValueError(f"two speech engines are named {engine.name!r}")
        engines[engine.name] = engine
    return engines
