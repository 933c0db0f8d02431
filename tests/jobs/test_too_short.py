"""What would make a plan fit a window that is too short."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from estates import estate, loaded, lpar, server
from landscape import landscape

from planner.estate.model import Estate
from planner.jobs import Options, evacuate, span_from, window_from
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing

FREED = "SN8379A80_p595-2"


def planned(of: Estate, until: str, *leave: str) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=(FREED,), come_back=True, leave=leave), Options(
        time_limit=20, work_s=3600, window=window_from(f"2026-12-05 22:00/{until}"), pacing=Pacing(effort=0.05)))


@cache
def late() -> Plan:
    """Its window ends before most nights are over."""
    return planned(landscape(), "01:45")


def told(plan: Plan) -> list[str]:
    return [f.message for f in plan.findings if f.rule == "timing.would-fit"]


def test_a_plan_that_fits_needs_nothing() -> None:
    assert told(planned(landscape(), "04:00")) == []


def test_who_is_left_behind_makes_it_fit_indeed() -> None:
    """As it is predicted, and in as many nights as are asked for."""
    said, = told(late())
    behind = re.findall(r"hxaix\w+", said.partition("without ")[2].partition(" (left")[0])
    assert 1 <= len(behind) <= 5
    window = planned(landscape(), "01:45", *behind).window
    assert window is not None and window.fits


def test_two_evenings_of_which_each_fits() -> None:
    said, = told(late())
    found = re.search(r"on two evenings it fits: (all but )?([\w, ]+) on one before \((.+?)\), .+ on this one \((.+?)\)", said)
    assert found is not None
    of = landscape()
    names = found[2].split(", ")
    assert {p.name for p in of.lpars} >= {*names} and len(names) == len({*names})
    assert all(0 < span_from(text.replace(" min", "m").replace(" h", "h").replace(" s", "s")) <= 3.75 * 3600
               for text in (found[3], found[4]))


def test_a_plan_that_fits_in_too_few_nights_is_told_the_same() -> None:
    plan = late()
    assert plan.window is not None and not plan.window.too_short and not plan.window.fits


def test_a_faster_link_is_offered_where_there_is_a_slow_one() -> None:
    of = landscape()
    slow = of.replace(vioses=tuple(replace(v, link_mbit=1000) for v in of.vioses))
    said, = told(planned(slow, "02:45"))
    assert "links of 10 Gbit/s for" in said
    assert told(planned(slow, "22:30"))[0].startswith("neither links of 10 Gbit/s nor one more mover")


def test_one_more_mover_is_offered_where_one_server_has_but_one() -> None:
    """All leave over one mover of A; with the second of its VIOSes as a mover the plan is as short as it then is."""
    lpars = [lpar(f"p{n}", "A", 0.1, 12, busy_units=10) for n in range(6)]
    of = estate([server(s) for s in "ABC"], lpars)
    one = of.replace(vioses=tuple(replace(v, msp=v.name != "A-v2") for v in of.vioses))

    def needs(of: Estate, until: str) -> Plan:
        return evacuate(loaded(of), Evacuate(servers=("A",)), Options(
            window=window_from(f"2026-12-05 22:00/{until}"), pacing=Pacing(effort=0.2)))

    until = next(clock for m in range(20, 110, 4) if (w := needs(of, clock := f"{22 + m // 60}:{m % 60:02}").window) and w.fits)
    window = needs(one, until).window
    assert window is not None and not window.fits
    assert "A-v2 as one more mover of A would make it" in told(needs(one, until))[0]


def test_one_more_mover_of_a_server_whose_movers_are_capped_carries_what_those_do() -> None:
    """It was thought of without an entitlement, so that it carried nothing: a division by zero."""
    of = estate([server(s) for s in "AB"], [lpar(f"p{n}", "A", 0.1, 12, busy_units=10) for n in range(3)])
    capped = of.replace(vioses=tuple(replace(v, sharing="capped") for v in of.vioses))
    plan = evacuate(loaded(capped), Evacuate(servers=("A",)), Options(
        window=window_from("2026-12-05 22:00/22:02"), pacing=Pacing(effort=0.2)))
    assert plan.verified and told(plan)[0].startswith("neither")


def test_two_evenings_of_a_plan_that_migrates_what_is_not_activated() -> None:
    """Once it was carried out on the first evening it stood on no server that is freed, and was not known on the second."""
    of = estate([server(s) for s in "AB"], [
        lpar("a1", "A", 0.1, 12), lpar("a2", "A", 0.1, 12, state="not activated", rmc_active=None, current_mode="")])
    plan = evacuate(loaded(of), Evacuate(servers=("A",), inactive=True, come_back=True), Options(
        window=window_from("2026-12-05 22:00/22:20"), work_s=600, pacing=Pacing(effort=0.2)))
    assert plan.verified and len(plan.moves) == 4 and told(plan)
