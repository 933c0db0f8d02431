"""What enterprise pools meter, by figures worked by hand; replayed, and seen when they are changed by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from capacity_site import MONTH, SITE, ZONE, stamp
from estates import estate, loaded, lpar, measured, policy, server
from openpyxl import load_workbook

from planner.estate.model import Estate
from planner.estate.policies import compile_policies
from planner.formats.samples import Kind
from planner.history.store import Columns, History
from planner.jobs import Options, consolidate, evacuate
from planner.jobs.capacity import CapacityOptions, capacity
from planner.plan.choices import Measure, Status
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Consolidate, Evacuate
from planner.report.capacity import capacity_json, capacity_workbook
from planner.report.text import headline
from planner.verify import verify_plan
from planner.verify.prove import Proven, proofs

#: A and B in one pool of 4 base cores, C outside. Each server has two VIOSes of half a core that nobody measured.
OF = estate([server("A"), server("B"), server("C")],
            [lpar("a1", "A", 1, virtual_processors=4), lpar("b1", "B", 1, virtual_processors=4),
             lpar("d1", "B", 2, processors="dedicated", sharing="donating"), lpar("c1", "C", 1, virtual_processors=4)],
            [policy("enterprise-pool", "north", "A; B; 4 cores"), policy("fence", "a1", "A; C")])
USED: dict[str, Sequence[int]] = {"a1": [500, 2500, 3000], "b1": [0, 1000, 100], "d1": [100, 200, 2000], "c1": [900, 900, 900]}


class Given:
    """These rows, whatever hours are asked for."""

    def __init__(self, rows: Mapping[str, Sequence[int]]) -> None:
        self.rows = rows

    def zone(self) -> str:
        return ""

    def read(self, estate: Estate, buckets: object) -> Any:
        return measured(estate, self.rows)


def freed(of: Estate, rows: Mapping[str, Sequence[int]] = USED) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=("A",)), Options(20), Given(rows))  # type: ignore[arg-type]


def test_core_minutes_by_hand() -> None:
    """Before: VIOSes 2, a1, b1 and what d1 does not give away: 2.6, 5.7, 7.1 cores an hour each. After a1 has gone to C:
    2.1, 3.2 and 4.1 in the pool, the VIOSes of A included."""
    meter, = freed(OF).enterprise_pools
    assert (meter.pool, meter.servers, meter.base_cores, meter.hours) == ("north", ("A", "B"), 4, 3.0)
    assert (meter.peak_before, meter.peak_after) == (7100, 4100)
    assert meter.core_minutes_before == pytest.approx(60 * (1.7 + 3.1))
    assert meter.core_minutes_after == pytest.approx(60 * 0.1)


def test_dedicated_processors_that_are_not_donated_count_whole() -> None:
    of = OF.replace(lpars=tuple(p if p.name != "d1" else lpar("d1", "B", 2, processors="dedicated", sharing="capped",
                                                               lpar_id=p.lpar_id) for p in OF.lpars))
    meter, = freed(of).enterprise_pools
    assert meter.core_minutes_before == pytest.approx(60 * (0.5 + 3.5 + 3.1)) and meter.peak_before == 7500


def test_without_a_history_or_a_pool_nothing_is_metered() -> None:
    assert evacuate(loaded(OF), Evacuate(servers=("A",)), Options(20)).enterprise_pools == ()
    assert freed(OF.replace(policies=OF.policies[1:])).enterprise_pools == ()


def test_the_replay_meters_by_itself() -> None:
    plan = freed(OF)
    usage = measured(OF, USED).usage
    assert verify_plan(parse(dump(plan), "plan.json"), OF, usage).holds
    for key in ("core_minutes_before", "core_minutes_after", "peak_cores_before", "peak_cores_after", "hours", "base_cores"):
        document = json.loads(dump(plan))
        document["enterprise_pools"][0][key] += 1
        found = verify_plan(parse(json.dumps(document), "plan.json"), OF, usage).findings
        assert "plan.figures" in {f.rule for f in found}, key


@pytest.mark.parametrize(("rows", "said"), [
    ((("north", "A; B"),), "states no base in Value"), ((("north", "40 cores"),), "names no server"),
    ((("north", "A; 3 servers"),), "states no base in Value"),
    ((("north", "A; B; 4 cores"), ("south", "B; C; 4 cores")), "B is of the enterprise pool 'north' already")])
def test_a_row_that_cannot_be_is_refused(rows: Sequence[tuple[str, str]], said: str) -> None:
    _, refused = compile_policies(OF.replace(policies=tuple(policy("enterprise-pool", *row) for row in rows)))
    assert len(refused) == 1 and said in refused[0].reason


def test_the_capacity_workbook_has_the_month(tmp_path: Path) -> None:
    """One LPAR uses 3 cores in the hours of one day of the month, half a core else; VIOSes one: base 3."""
    of = estate([server("A")], [lpar("a", "A", 1, virtual_processors=4)], [policy("enterprise-pool", "north", "A; 3 cores")])
    ends = list(range(stamp(datetime(2026, 11, 1)) + 3600, stamp(datetime(2026, 12, 3)) + 1, 3600))
    busy = {e for e in ends if stamp(datetime(2026, 11, 10)) < e <= stamp(datetime(2026, 11, 11))}
    with History.open(tmp_path / "h") as history:
        history.add_columns(Columns("sample", [(Kind.LPAR.value, "a", "A")] * len(ends), {
            "t": ends, "span": [3600] * len(ends), "physc": [3000 if e in busy else 500 for e in ends],
            "ent": [-1] * len(ends), "mem_used": [1024] * len(ends), "mem_total": [-1] * len(ends)}), "a", "a", ZONE)
        found = capacity(loaded(of), history, CapacityOptions(MONTH, SITE))
    pool, = found.enterprise
    assert pool.core_minutes == pytest.approx(24 * 60 * 1.0) and pool.minutes_above == 24 * 60
    assert (pool.month_end_core_minutes, pool.peak, pool.month_end_peak) == (0, 4000, 1500)
    assert pool.hours == 30 * 24
    told, = capacity_json(found)["enterprise_pools"]
    assert told["core_minutes"] == pytest.approx(1440) and told["cores_base"] == 3
    out = tmp_path / "c.xlsx"
    out.write_bytes(capacity_workbook(found))
    sheet = load_workbook(out)["Pools"]
    table = sheet.tables["Enterprise_pools"]
    cells = {h.value: c.value for h, c in zip(*sheet[table.ref], strict=True)}
    assert cells["Metered in the month"] == pytest.approx(1440) and cells["Base"] == 3 and cells["Servers"] == "A"


def test_the_fewest_core_minutes_by_hand() -> None:
    """d1 and the VIOSes stay: 2.1, 2.2, 4 cores. a1 goes to C, and b1 with it: nothing is left above the base of 4."""
    plan = consolidate(loaded(OF), Consolidate(measure=Measure.METERED), Options(20), Given(USED))  # type: ignore[arg-type]
    first = plan.levels[0]
    assert (first.name, first.unit, first.objective, first.bound) == ("metered", "core-minutes", 0.0, 0.0)
    assert {m.lpar for m in plan.moves} == {"a1", "b1"} and plan.status is Status.OPTIMAL
    assert plan.enterprise_pools[0].core_minutes_after == 0.0
    usage = measured(OF, USED).usage
    assert verify_plan(parse(dump(plan), "plan.json"), OF, usage).holds
    document = json.loads(dump(plan))
    document["levels"][0]["objective"] = document["objective"] = 1.5
    assert not verify_plan(parse(json.dumps(document), "plan.json"), OF, usage).holds
    assert [p.verdict for p in proofs(plan, OF, usage)][:1] == [Proven.OPEN]
    assert headline(plan).startswith("fewest core-minutes metered: switch off ")
