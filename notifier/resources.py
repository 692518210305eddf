"""Where templates and SQL are found: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SHARED = PACKAGE / "_share"


def sql_root() -> Path:
    return _root("sql")


def template_root() -> Path:
    return _root("templates")


def _root(name: str) -> Path:
    for candidate in (SHARED / name, PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the {name!r} folder is missing: install the wheel again, or run from a full checkout")
