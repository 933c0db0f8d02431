"""How figures and names are shown."""

from __future__ import annotations

from planner.units import many, show_gib, some


def test_a_list_of_names_that_is_cut_says_how_many_there_are() -> None:
    assert some(n for n in range(3)) == "0, 1, 2" and some([]) == ""
    assert some("abc", 3) == "a, b, c" and some("abcd", 3) == "a, b, c, … (4 in all)"


def test_things_are_counted_in_words() -> None:
    assert [many(n, "move") for n in (0, 1, 2400)] == ["0 moves", "1 move", "2,400 moves"]


def test_thousands_of_gib_stand_apart() -> None:
    assert [show_gib(mib) for mib in (9792, 1024 * 999, 1024 * 1536, 1992192, -2048, -1126400)] == [
        "9.56", "999", "1,536", "1,945.50", "-2", "-1,100"]
