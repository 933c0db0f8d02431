"""A refusal that stands on what nobody stated is no proof: the answer says what has to be exported."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from estates import changed, estate, loaded, lpar, server
from openpyxl import load_workbook
from rich.console import Console

from planner.estate.model import Estate
from planner.jobs import Options, evacuate, exit_code
from planner.jobs.whatif import today, whatif
from planner.plan.choices import Status
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Evacuate
from planner.report.plan_terminal import plan_view
from planner.report.whatif_json import whatif_document
from planner.report.whatif_page import whatif_page
from planner.report.whatif_terminal import whatif_view
from planner.report.whatif_workbook import whatif_workbook
from planner.scenarios.file import Scenario

TWO = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("a2", "A")])
THREE = estate([server("A"), server("B", gib=20), server("C")], [lpar("a1", "A", gib=12), lpar("a2", "A", gib=12)])


def unexported(of: Estate, name: str) -> Estate:
    """A server whose VIOSes no export shows."""
    gone = {v.name for v in of.vioses if v.server == name}
    return of.replace(vioses=tuple(v for v in of.vioses if v.name not in gone),
                      bridges=tuple(b for b in of.bridges if b.vios not in gone),
                      zonings=tuple(z for z in of.zonings if z.vios not in gone))


def bridging(of: Estate, name: str, vlan: int) -> Estate:
    return of.replace(bridges=tuple(replace(b, vlan=vlan) if b.vios.startswith(name) else b for b in of.bridges))


def freed(of: Estate, *leave: str, nothing: bool = False) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=("A",), leave=leave, assume_nothing=nothing), Options(20))


def screen(plan: Plan) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(plan_view(plan))
    return console.export_text()


PROVED, OPEN = Status.INFEASIBLE, Status.UNKNOWN
CASES: dict[str, tuple[Estate, Status]] = {
    "no VIOS of the only target": (unexported(TWO, "B"), OPEN),
    "VIOSes of which no listing shows a bridge": (TWO.replace(bridges=tuple(
        b for b in TWO.bridges if b.vios[0] == "A")), OPEN),
    "VIOSes of which no listing shows a disk": (TWO.replace(zonings=tuple(
        z for z in TWO.zonings if z.vios[0] == "A")), OPEN),
    "a target of unknown size": (TWO.replace(servers=tuple(
        replace(s, configurable_units=0) if s.name == "B" else s for s in TWO.servers)), OPEN),
    "a target that bridges another VLAN": (bridging(TWO, "B", 99), PROVED),
    "one that bridges another and one that nobody exported": (unexported(bridging(THREE, "B", 99), "C"), OPEN),
    "one that has no room for both and one that nobody exported": (unexported(THREE, "C"), OPEN),
    "one that has no room for both and one that bridges another": (bridging(THREE, "C", 99), PROVED),
    "unknown, but stated to be without Enterprise": (unexported(TWO, "B").replace(servers=tuple(
        replace(s, enterprise=False) if s.name == "B" else s for s in TWO.servers)), PROVED),
    "one LPAR whose own fact is a proof": (unexported(TWO, "B").replace(lpars=tuple(
        replace(p, migration_disabled=True) if p.name == "a1" else p for p in TWO.lpars)), PROVED),
}


@pytest.mark.parametrize("case", CASES)
def test_impossible_is_said_of_what_is_stated_alone(case: str) -> None:
    """A site whose target VIOSes were never captured was told IMPOSSIBLE (proved)."""
    of, status = CASES[case]
    plan = freed(of)
    assert plan.status is status and plan.conflict is not None and not plan.moves
    assert exit_code(plan) == {PROVED: 3, OPEN: 4}[status]
    shown = screen(plan)
    assert ("IMPOSSIBLE (proved)" in shown) == (status is PROVED) == (not plan.conflict.unstated)
    assert ("CANNOT BE PLANNED from what was exported" in shown) == (status is OPEN)
    assert all(": " in x for x in plan.conflict.unstated)
    assert parse(dump(plan), "plan.json").conflict == plan.conflict


def test_what_is_refused_since_nothing_may_be_assumed_is_not_proved() -> None:
    of = changed(TWO, "a1", rmc_active=None)
    assert freed(of).verified
    plan = freed(of, nothing=True)
    assert plan.status is OPEN and exit_code(plan) == 4 and "CANNOT BE PLANNED from what was exported" in screen(plan)
    assert plan.conflict is not None and "RMC" in plan.conflict.unstated[0]
    stated = freed(changed(of, "a1", migration_disabled=True), nothing=True)
    assert stated.status is PROVED and exit_code(stated) == 3


def test_it_says_what_to_export_and_then_it_goes() -> None:
    plan = freed(unexported(TWO, "B"))
    assert plan.conflict is not None
    told = " ".join(plan.conflict.unstated)
    assert "• a1: lssyscfg" not in screen(plan) and "• or stop and leave them there" in screen(plan)
    assert "no VIOS of B was exported" in told and "lssyscfg -r lpar -m B" in told and "lspv" in told
    assert freed(TWO).status is Status.OPTIMAL


def test_a_scenario_says_so_too() -> None:
    for of, status in ((unexported(TWO, "B"), OPEN), (bridging(TWO, "B", 99), PROVED)):
        result = whatif(loaded(of), Scenario(name="x", retire=("A",)), Options(20))
        assert result.status is status


def test_no_report_of_a_scenario_calls_it_proved() -> None:
    """Page and workbook once did, whatever the status; now they say what to export, as the terminal does."""
    for of, proved in ((unexported(TWO, "B"), False), (bridging(TWO, "B", 99), True)):
        document = whatif_document([today(loaded(of)), whatif(loaded(of), Scenario(name="x", retire=("A",)), Options(20))], "0")
        cells = load_workbook(BytesIO(whatif_workbook(document)))["x"].values
        console = Console(width=200)
        with console.capture() as printed:
            console.print(whatif_view(document))
        for told in (whatif_page(document), " ".join(str(c) for row in cells for c in row), printed.get()):
            assert ("IMPOSSIBLE (proved)" in told, "lssyscfg -r lpar -m B" in told) == (proved, not proved)
            assert "roved impossible" not in told
