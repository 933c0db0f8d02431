"""Production moves first or last, as far as room lets it, in lanes and in waves; the replay sees whether it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import estate, exactly, loaded, lpar, policy, server

from planner.estate.model import Estate
from planner.findings import errors
from planner.jobs import Options, evacuate
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing
from planner.verify import verify_plan

RULE = "timing.production-order"


def of(order: str) -> Estate:
    lpars = [lpar(f"p{n}", "A", 0.5, 2 + n, environment="production" if n % 2 else "non-production") for n in range(6)]
    return estate([server(s) for s in "ABC"], lpars, [policy("production-order", "", order)] if order else ())


def planned(site: Estate, *, waves: bool = False) -> Plan:
    return evacuate(loaded(site), Evacuate(servers=("A",), come_back=True), Options(pacing=Pacing(waves=waves, effort=0.1)))


def spans(plan: Plan, site: Estate, leg: str, environment: str) -> tuple[int, int]:
    """When the first of these begins, and the last is over."""
    names = {p.name for p in site.lpars if p.environment == environment}
    own = [m for m in plan.leg(leg) if m.lpar in names]
    return min(m.start_ms for m in own), max(m.end_ms for m in own)


@pytest.mark.parametrize("waves", [False, True])
@pytest.mark.parametrize("order", ["first", "last"])
def test_production_goes_when_the_policy_says(order: str, waves: bool) -> None:
    site = of(order)
    plan = planned(site, waves=waves)
    assert plan.verified and plan.in_lanes is not waves and verify_plan(plan, site).holds
    for leg in (OUT, BACK):
        production, others = (spans(plan, site, leg, e) for e in ("production", "non-production"))
        before, after = (production, others) if order == "first" else (others, production)
        assert before[1] <= after[0]
    assert not [f for f in plan.findings if f.rule == RULE]


def test_without_the_policy_they_fly_together() -> None:
    site = of("")
    plan = planned(site)
    assert spans(plan, site, OUT, "production")[0] < spans(plan, site, OUT, "non-production")[1]
    said = verify_plan(plan, of("last"), another_estate=True).findings
    assert any(f.rule == RULE for f in errors(said))


def test_the_replay_sees_a_wait_that_is_missing() -> None:
    """Without its waits one that goes last may begin at once; the predicted times alone do not tell."""
    site = of("last")
    plan = planned(site)
    late = next(m for m in plan.leg(OUT) if any(w.rule == RULE for w in m.waits))
    assert {w.until for w in late.waits if w.rule == RULE} == {"ended"}
    loose = replace(late, waits=(), lane=4)
    said = verify_plan(plan.replace(moves=tuple(loose if m is late else m for m in plan.moves)), site).findings
    assert any(f.rule == RULE and "may be in flight" in f.message for f in errors(said))


def test_who_needs_the_room_of_production_goes_after_it_and_that_is_told() -> None:
    """B is full: big comes to it only once db has left it for C."""
    held = [lpar("big", "A", 0.5, 40), lpar("db", "B", 0.5, 30, environment="production")]
    rows = [server("A"), exactly(server("B"), [held[1]], 4, 12), exactly(server("C"), [], 4, 31)]
    site = estate(rows, held, [policy("production-order", "", "last")])
    plan = evacuate(loaded(site), Evacuate(servers=("A",)), Options())
    assert [m.lpar for m in plan.moves] == ["db", "big"]
    told, = [f for f in plan.findings if f.rule == RULE]
    assert told.subject == "big" and told.severity == "info" and "needs their room" in told.message


def test_another_value_is_refused() -> None:
    said = loaded(estate([server("A")], [lpar("p", "A")], [policy("production-order", "", "sometimes")])).findings
    assert any("neither 'first' nor 'last'" in f.message for f in said)
