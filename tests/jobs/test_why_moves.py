"""Why a plan's moves are made and go where they go, against a site small enough to be seen through."""

from __future__ import annotations

from estates import estate, lpar, policy, server

from planner import jobs
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.jobs.why_moves import Instead, WhyMove, why_moves
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site


def whys(of: Estate, *servers: str, come_back: bool = False) -> dict[tuple[str, str], WhyMove]:
    """(leg, LPAR) → why."""
    plan = jobs.evacuate(Loaded(of), Evacuate(servers=servers, come_back=come_back), jobs.Options())
    assert plan.verified
    site = Site(of, goal=plan.goal)
    return {(m.leg, m.lpar): why for m, why in why_moves(plan, site, Judge(site))}


def test_a_displaced_lpar_goes_because_its_server_is_freed_and_its_other_targets_are_told() -> None:
    told = whys(estate([server("A"), server("B"), server("C"), server("D", 2)], [
        lpar("a1", "A", 1), lpar("d1", "D", 1), lpar("b1", "B", 1), lpar("c1", "C", 1)],
        [policy("pin", "c1"), policy("fence", "a1", "A;B;D")]), "A", come_back=True)
    out = told["out", "a1"]
    assert out.made == "A is to be free" and told["back", "a1"].made == "it comes home"
    assert out.there == "the only one of its 2 targets that has a place for it"
    assert [i.server for i in out.instead] == ["D", "C"]
    assert [f.rule for f in out.instead[0].breaks] == ["processor.capacity"]
    assert out.instead[1].text == "C: is fenced to A, B, D (policy.fence)"


def test_a_survivor_moves_to_make_room_for_who_comes() -> None:
    told = whys(estate([server("A"), server("B", 4), server("C", 16)], [
        lpar("a1", "A", 2), lpar("b1", "B", 2)], [policy("fence", "a1", "A;B")]), "A")
    assert told["out", "b1"].made == "it makes room on B for a1"
    assert told["out", "a1"].there == "the only server that the rules leave it"


def test_what_another_target_would_break_is_told_of_groups_too() -> None:
    told = whys(estate([server("A"), server("B"), server("C")], [
        lpar("a1", "A", 1), lpar("a2", "A", 1)], [policy("keep-apart", "both", "a1;a2")]), "A")
    assert [f.rule for n in ("a1", "a2") for f in told["out", n].instead[0].breaks] == ["policy.keep-apart"] * 2


def test_what_another_target_would_cost_is_points_and_no_time() -> None:
    told = whys(estate([server("A"), server("B"), server("C")], [lpar("a1", "A", 1)]), "A")["out", "a1"]
    assert told.there == "none of its 2 targets is cheaper" and [i.text for i in told.instead] == ["C would cost the same"]
    assert [Instead("C", ms, ()).text for ms in (12_400, -1_000)] == ["C would cost 12 points more", "C would cost 1 point less"]
