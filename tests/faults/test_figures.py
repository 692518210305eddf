"""The figures of a run come onto the page in the place of the last ones."""

from pathlib import Path

import pytest

from tests.faults.figures import PAGE, write_figures

MARKED = "# Page\n<!-- figures: written by make faults -->\nold\n<!-- end of figures -->\nafter\n"


def test_the_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKED, "utf-8")
    noted = [
        ("test_kill.py::test_deaths[1]", "killed", {"work": 2, "web": 1}),
        ("test_kill.py::test_deaths[2]", "killed", {"work": 3}),
        ("test_wires.py::test_a_cut", "calls again after, s", 1.5),
    ]
    for _ in range(2):
        write_figures(noted, passed=3, minutes=12.4, page=page)
    written = page.read_text("utf-8")
    assert "3 tests passed in 12 minutes" in written
    assert "| kill: deaths | killed, in 2 runs | work 5, web 1 |" in written
    assert "| wires: a cut | calls again after, s | 1.5 |" in written
    assert "old" not in written
    assert written.endswith("<!-- end of figures -->\nafter\n")


def test_a_page_without_a_place_is_refused_and_left(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n", "utf-8")
    with pytest.raises(ValueError, match="one place"):
        write_figures([], passed=0, minutes=0, page=page)
    assert page.read_text("utf-8") == "# Page\n"


def test_the_page_that_promises_has_its_place() -> None:
    assert PAGE.read_text("utf-8").count("<!-- figures: written by make faults -->\n") == 1
