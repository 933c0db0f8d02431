"""What `make mutants` changes, and that a change is found in the function that it is in."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="make mutants installs it")
pytest.importorskip("coverage", reason="make mutants installs it")

import mutants as runner
import mutants_page as page
from mutating import mutants

from planner.rules import ledger
from planner.verify.ids import IdCount

ROOT = Path(__file__).parents[2]


def test_a_mutant_is_one_change_of_one_function_or_of_what_runs_at_import() -> None:
    every = mutants(ROOT / "planner" / "verify" / "ids.py")
    kinds = {}
    for m in every:
        both = runner.compiled(m)
        pairs = runner.changed(*both) if both else []
        kinds[m.name] = None if pairs is None else [one.co_qualname for one, _ in pairs]
    assert len(kinds) == len(every)
    assert kinds["verify/ids IdCount.take: `<= given` → `< given`"] == ["IdCount.take"]
    assert kinds["verify/ids IdCount.take: `!= move.lpar` → `== move.lpar`"] == ["IdCount.take"]
    assert all(len(of or ()) <= 1 for of in kinds.values())


def test_types_and_what_holds_anyway_are_left_alone() -> None:
    names = [m.name for m in mutants(ROOT / "planner" / "rules" / "ledger.py")]
    assert not [n for n in names if "strict" in n.partition(" → ")[0][-12:] or "`Amounts =" in n]


def test_functions_are_found_that_the_collector_of_garbage_tells_no_more() -> None:
    """The tests freeze what is there when they are collected: every mutant had its module imported anew, in seconds."""
    gc.freeze()
    found = runner.functions()
    gc.freeze()
    assert IdCount.take in found[str(ROOT / "planner" / "verify" / "ids.py"), "IdCount.take"]
    assert runner.made_inside(ledger._declared.__code__, found) and not runner.made_inside(ledger.takes.__code__, found)


def test_the_page_keeps_what_people_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "mutants.md")
    of = {"planner/cost.py": [("cost f: `a` → `b`", "survived"), ("cost f: `c` → `d`", "killed"), ("cost g: `e` → `f`", "")],
          "planner/rules/base.py": [("rules/base h: `x` → `y`", "")]}
    assert "| planner/cost.py | 3 | 2 | 1 | 0 | 1 | 0 | 0 | 50% |" in page.write(of)
    text = page.PAGE.read_text("utf-8")
    page.PAGE.write_text(text.replace(f"### {page.OPEN}", "### The same\n\nBoth are 3."), "utf-8")
    assert "| planner/cost.py | 3 | 2 | 1 | 0 | 1 | 0 | 1 | 50% |" in page.write(of)
    assert page.PAGE.read_text("utf-8").endswith("### The same\n\nBoth are 3.\n\n- cost f: `a` → `b`\n")
    other = {"planner/cost.py": [(name, "") for name, _ in of["planner/cost.py"]],
             "planner/rules/base.py": [("rules/base h: `x` → `y`", "killed")]}
    told = page.write(other, "tests/rules")
    assert "| planner/cost.py | 3 | 2 | 1 | 0 | 1 | 0 | 1 | 50% |" in told and "| all | 4 | 3 | 2 | 0 | 1 | 0 | 1 | 67% |" in told
    assert "asked (tests/rules) runs" in page.PAGE.read_text("utf-8")
    page.write(of, "tests/test_cost.py")
    assert "asked (tests/rules, tests/test_cost.py) runs" in page.PAGE.read_text("utf-8")
    of["planner/cost.py"][0] = ("cost f: `a` → `b`", "killed")
    assert "| 2 | 2 | 0 | 0 | 0 | 0 | 100% |" in page.write(of) and "###" not in page.PAGE.read_text("utf-8")
