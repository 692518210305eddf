"""The examples that close every help page."""


def examples(*lines: str) -> str:
    """An epilog with one command line each."""
    return "\n".join(["Examples:", *(f"  {line}" for line in lines)])
