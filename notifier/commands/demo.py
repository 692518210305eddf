"""`notifier demo`: stands in until the demo is written."""

import typer


def register(app: typer.Typer) -> None:
    """Nothing yet."""
