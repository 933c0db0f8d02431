"""A plan after which a product counts more licence cores says so, all products in one warning."""

from __future__ import annotations

from fractions import Fraction

import pytest
from estates import estate, loaded, lpar, server, stating

from planner import jobs
from planner.estate.model import Estate, Policy
from planner.findings import Finding, Severity
from planner.jobs.whatif import whatif
from planner.plan.choices import Measure
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.scenarios.model import Growth, Scenario

#: An uncapped LPAR with Oracle counts the whole server, of 4 cores on A, of 10 on B; DB2 and MQ their virtual processors.
OF = estate([server("A", 4, 64), server("B", 10, 64)],
            [lpar("a1", "A", 1, 4, software=("Oracle 10.2", "DB2 9.7")), lpar("b1", "B", 1, 4, software=("MQ 9",))])


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    found = [f for f in findings if f.rule == "licences.more"]
    assert all(f.severity is Severity.WARNING and f.fix for f in found)
    return [(f.subject, f.message) for f in found]


def test_every_question_warns_of_more_licence_cores() -> None:
    for plan in (jobs.evacuate(loaded(OF), Evacuate(servers=("A",)), jobs.Options()),
                 jobs.consolidate(loaded(OF), Consolidate(off=("A",)), jobs.Options()),
                 jobs.headroom(loaded(OF), Headroom(server="A", units=300, memory_mib=0), jobs.Options())):
        assert plan.verified and told(plan.findings) == [("Oracle", "after this plan: more licence cores: Oracle 4 → 10")]
    back = jobs.evacuate(loaded(OF), Evacuate(servers=("A",), come_back=True), jobs.Options())
    assert told(back.findings) == [("Oracle", "after the way out: more licence cores: Oracle 4 → 10")]


@pytest.mark.parametrize(("rows", "growth", "words"), [
    ((), 0, "Oracle 4 → 10"),
    ((), 1, "DB2 1 → 2, MQ 1 → 2, Oracle 4 → 10"),
    ((Policy("licence", "Oracle", "sub-capacity"), Policy("licence", "DB2", "full-capacity")), 0, "DB2 4 → 10"),
    ((Policy("licence", "Oracle", "not-by-core"),), 0, "")])
def test_a_scenario_warns_of_all_products_at_once(rows: tuple[Policy, ...], growth: int, words: str) -> None:
    grown = (Growth("*", Fraction(growth)),) if growth else ()
    found = whatif(loaded(stating(OF, *rows)), Scenario("s", retire=("A",), growth=grown, frontier=False), jobs.Options())
    assert [message for _, message in told(found.findings)] == ([f"in the end: more licence cores: {words}"] if words else [])


def test_a_plan_that_spreads_no_licence_does_not_warn() -> None:
    fewer = jobs.evacuate(loaded(OF), Evacuate(servers=("B",)), jobs.Options())
    least = jobs.consolidate(loaded(OF), Consolidate(measure=Measure.LICENCES), jobs.Options())
    level: Estate = OF.replace(servers=tuple(server(s.name, 4, 64) for s in OF.servers))
    same = jobs.evacuate(loaded(level), Evacuate(servers=("A",)), jobs.Options())
    for plan in (fewer, least, same):
        assert plan.verified and plan.licences and told(plan.findings) == []
