"""plan.html: what was used of a server at its peak, before and after, beside its cores."""

from __future__ import annotations

from typing import Any

from estates import estate, loaded, lpar, measured, server

from planner.estate.model import Estate
from planner.jobs import Options, evacuate
from planner.plan.questions import Evacuate
from planner.report.page.held import held

OF = estate([server("A"), server("B", 4)], [lpar("a1", "A", virtual_processors=4), lpar("b1", "B", virtual_processors=4)])
USED = {"a1": [500, 1500, 100], "b1": [0, 1450, 1600]}


class Given:
    """These rows, whatever hours are asked for."""

    def zone(self) -> str:
        return ""

    def read(self, estate: Estate, buckets: object) -> Any:
        return measured(estate, USED)


def quantities(usage: Any) -> dict[str, list[tuple[str, str, str, list[tuple[str, str, str]]]]]:
    plan = evacuate(loaded(OF), Evacuate(servers=("A",)), Options(20), usage)
    return {h.server: [(q.name, q.limit, q.bars[0].label, [(b.label, b.value, b.left) for b in q.bars])
                       for q in h.quantities] for h in held(plan, lambda name: name)}


def test_the_peak_of_the_sum_stands_beside_the_cores() -> None:
    """VIOSes use 1 core of each server; b1 comes to 1.6, both to 2.95 at one time."""
    found = quantities(Given())
    assert [q[0] for q in found["B"]] == ["Memory, GiB", "Cores entitled", "Month-end peak, cores"]
    assert found["B"][2][1:] == ("limit 4.00", "before", [("before", "2.60", ""), ("after", "3.95", "0.05 left")])
    assert found["A"][2][3] == [("before", "2.50", ""), ("after", "1.00", "")]


def test_without_a_history_there_is_none() -> None:
    assert all(len(rows) == 2 for rows in quantities(None).values())
