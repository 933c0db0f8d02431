"""What would lift a conflict: parts that are needed together in one line, other ways with *or*, in every report."""

from __future__ import annotations

from typing import Any

from estates import estate, loaded, lpar, policy, server
from rich.console import Console

from planner import jobs
from planner.jobs.whatif import today, whatif
from planner.plan.questions import Consolidate, Evacuate
from planner.report.text import lift_lines
from planner.report.whatif_json import whatif_document
from planner.report.whatif_terminal import whatif_view
from planner.scenarios.model import Scenario

#: Of four LPARs of 3.00 on A, B and C take one each.
OF = estate([server("A", 16, 128), server("B", 5, 64), server("C", 5, 64)], [lpar(f"a{n}", "A", 3, 4) for n in range(4)])
TOGETHER = ("2.00 more cores on B and 2.00 more cores on C", "or leave behind and stop: ")


def ways(conflict: Any) -> tuple[str, ...]:
    assert conflict is not None
    return tuple(conflict.lifts)


def test_what_is_lacking_on_several_servers_is_one_way() -> None:
    for found in (jobs.evacuate(loaded(OF), Evacuate(servers=("A",)), jobs.Options()),
                  jobs.consolidate(loaded(OF), Consolidate(off=("A",)), jobs.Options()),
                  whatif(loaded(OF), Scenario("s", retire=("A",), frontier=False), jobs.Options())):
        first, second = ways(found.conflict)[:2]
        assert first == TOGETHER[0] and second.startswith(TOGETHER[1])


def test_policies_that_hold_room_back_are_another_way() -> None:
    held = estate(OF.servers, OF.lpars, [policy("cpu-ceiling", "B; C", "90")])
    found = ways(jobs.evacuate(loaded(held), Evacuate(servers=("A",)), jobs.Options()).conflict)
    assert "more cores on B and " in found[0]
    assert found[1] == ("or as far as that gives it, lift the policy cpu-ceiling (90 %) of B and lift the policy cpu-ceiling "
                        "(90 %) of C")


def test_the_terminal_has_a_line_for_each_way() -> None:
    assert lift_lines(TOGETHER) == [f"would lift it: {TOGETHER[0]}", TOGETHER[1]]
    assert lift_lines(["x: do this", "y: do that"]) == ["would lift it: x: do this", "would lift it: y: do that"]


def test_a_scenario_shows_them_so() -> None:
    found = whatif(loaded(OF), Scenario("s", retire=("A",), frontier=False), jobs.Options())
    console = Console(width=200)
    with console.capture() as caught:
        console.print(whatif_view(whatif_document([today(loaded(OF)), found], "")))
    told = [line.strip() for line in caught.get().splitlines() if "cores on B" in line or "leave behind" in line]
    assert told[-2] == f"would lift it: {TOGETHER[0]}" and told[-1].startswith(TOGETHER[1])
