"""What products count in a scenario: in the sizes in which its LPARs end."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction

import pytest
from estates import estate, loaded, lpar, policy, server

from planner.jobs import Options
from planner.jobs.whatif import today, whatif
from planner.plan.wire import as_json
from planner.report.whatif_json import whatif_document
from planner.report.whatif_page import cells
from planner.scenarios.model import Growth, Scenario

OF = estate([server("A"), server("B"), server("C")],
            [lpar("a1", "A", 2, virtual_processors=3, software=("DB2 9.7",)), lpar("a2", "A", 0.5, sharing="capped", software=("DB2 9.7",)),
             lpar("b1", "B", 1, virtual_processors=2, software=("DB2 9.7", "SAP ECC 6.0")), lpar("c1", "C", 1, software=("MQ 9",))],
            [policy("fence", "a2", "A; B")])


@pytest.mark.parametrize("growth", [Fraction(0), Fraction(3, 2)])
def test_licence_cores_in_the_end_are_of_the_final_sizes(growth: Fraction) -> None:
    scenario = Scenario("no A", retire=("A",), frontier=False, growth=(Growth("*", growth, Fraction(0)),) if growth else ())
    result = whatif(loaded(OF), scenario, Options(20))
    before = today(loaded(OF))
    assert before.licences == {"DB2": 4 + 2, "MQ": 1}  # on A 3 + 0.5
    line = {x.name: x for x in result.lpars}
    used: dict[str, float] = defaultdict(float)
    for name in ("a1", "a2", "b1"):
        x = line[name]
        used[x.target] += x.units / 100 if name == "a2" else max(x.virtual_processors, x.units / 100)
    assert result.licences["DB2"] == sum(-(-round(100 * v) // 100) for v in used.values())
    assert growth == 0 or result.licences["DB2"] > 6
    document = whatif_document([before, result], "0" * 64)
    row = next(r for r in cells(document) if r.label == "Licence cores of DB2")
    assert row.figures == (6, result.licences["DB2"])
    assert json.loads(json.dumps(as_json(document)))["scenarios"][1]["licence_cores"] == dict(result.licences)
