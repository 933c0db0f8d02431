"""What the Python interface takes, and what it refuses by the argument's name."""

from __future__ import annotations

from inspect import signature

import pytest

from planner import api
from planner.api import consolidate, evacuate, headroom, load_estate, remedy, verify_plan, whatif
from planner.errors import PlannerError, UsageError
from planner.jobs.arguments import _TAKEN
from tests.estates import BASE


@pytest.mark.parametrize("servers", [("A",), (["A"],), (("A",),), ({"A"},), (iter(["A"]),)])
def test_names_come_one_by_one_or_in_collections(servers):
    assert evacuate(BASE, *servers, leave="a1").goal.servers == ("A",)


@pytest.mark.parametrize(("question", "given", "wrong"), [
    *[(evacuate, {name: value}, name) for name, value in (
        ("leave", 5), ("leave", [3]), ("work", 60), ("window", 7), ("window", ("a", "b")), ("usage", "x.db"), ("zone", 1),
        ("time_limit", "60"), ("time_limit", -1), ("gap", float("nan")), ("assume_nothing", "no"), ("come_back", 1),
        ("firmware_after", ["A"]))],
    (evacuate, {"nonsense": 1}, "nonsense"),
    *[(headroom, {"server": "A", name: value}, name) for name, value in (
        ("server", ["A"]), ("server", None), ("cores", "4"), ("cores", -1), ("memory_gib", None), ("by", "x"), ("curve", None),
        ("critical", 1), ("when", 5), ("back_window", 5))],
    *[(consolidate, {name: value}, name) for name, value in (
        ("measure", "x"), ("measure", None), ("keep", 1), ("off", [None]), ("tariff", 0.3), ("hours", "x"), ("n_plus_1", "x"), ("scheduler", 1))],
    *[(whatif, {name: value}, name) for name, value in (("catalogue", 3),)],
    *[(remedy, {name: value}, name) for name, value in (("prices", 3), ("sets", 0), ("sets", "3"))],
    *[(api.readiness, {name: value}, name) for name, value in (("since", "old/"), ("remedies", 1), ("name", None))]])
def test_a_wrong_argument_is_named(question, given, wrong):
    with pytest.raises(UsageError, match=wrong):
        question(BASE, **given)


def test_every_argument_of_every_function_is_one_that_is_looked_at():
    """A new one that nobody entered there ended in a KeyError, as did ``prices`` and ``sets`` of a remedy and ``since``
    of readiness, of which nobody asked here."""
    questions = [q for name in api.__all__ if hasattr(q := getattr(api, name), "__wrapped__")]
    assert {load_estate, evacuate, remedy, verify_plan, api.readiness} <= {*questions}
    for question in questions:
        assert signature(question).parameters.keys() <= _TAKEN.keys(), question.__name__


def test_what_the_command_line_can_ask_python_can():
    goal = evacuate(BASE, "A", inactive=True, not_targets=["C"], come_back=True, firmware_after={"A": "EL350_100"}).goal
    assert goal.inactive and goal.not_targets == ("C",) and goal.firmware_after == {"A": "EL350_100"}
    moved = evacuate(BASE, "A")
    there = BASE.moved({m.lpar: m.target for m in moved.moves})
    assert evacuate(there, "C", come_back=True, home=moved).goal.homes.keys() == {m.lpar for m in moved.moves}
    plan = consolidate(BASE, weekend=True, window="2026-11-27 20:00/2026-11-30 06:00", measure="servers")
    assert plan.goal.weekend and {m.leg for m in plan.moves} == {"out", "back"}
    for wrong in ({"weekend": True}, {"weekend": True, "come_back": True, "window": "2026-11-27 20:00/2026-11-30 06:00"}):
        with pytest.raises(UsageError, match="weekend"):
            consolidate(BASE, **wrong)


def test_no_estate_no_name_no_path():
    for question in (evacuate, consolidate, whatif, lambda of: headroom(of, "A"), lambda of: verify_plan(None, of)):
        with pytest.raises(UsageError, match=r"estate|plan"):
            question("estate.xlsx")
    with pytest.raises(UsageError, match="servers: 3 is not"):
        evacuate(BASE, 3)
    with pytest.raises(UsageError, match="sources: 3 is not"):
        load_estate(3)
    for servers in ((), ([],)):
        with pytest.raises(PlannerError):
            evacuate(BASE, *servers)
