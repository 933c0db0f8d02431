"""The sheet Licences: what each product counts on each server, and over all of them."""

from __future__ import annotations

import io

from estates import estate, loaded, lpar, policy, server
from openpyxl import load_workbook

from planner.jobs import Options, evacuate
from planner.plan.questions import Evacuate
from planner.report.licences import licence_lines
from planner.report.workbook import plan_workbook

OF = estate([server("A"), server("B", 8), server("C")],
            [lpar("a1", "A", 1, virtual_processors=2, software=("DB2 9.7",)), lpar("b1", "B", 1, software=("DB2 9.7",)),
             lpar("c1", "C", 1, software=("Oracle 19.3",), sharing="capped"), lpar("c2", "C", 1, software=("SAP ECC 6.0",))],
            [policy("licence", "DB2", "sub-capacity; 120 PVU"), policy("fence", "a1", "A; B")])


def test_rows_and_totals_of_products() -> None:
    plan = evacuate(loaded(OF), Evacuate(servers=("A",)), Options(20))
    sheet = load_workbook(io.BytesIO(plan_workbook(plan, OF)), data_only=True)["Licences"]
    rows, totals = ([[c.value for c in row] for row in sheet[sheet.tables[name].ref]] for name in ("Licences", "Licence_totals"))
    assert [r[:6] for r in rows[1:]] == [["DB2", "A", "sub-capacity", 2, 0, 16], ["DB2", "B", "sub-capacity", 1, 3, 8],
                                         ["Oracle", "C", "capped-only", 1, 1, 16]]
    assert [dict(zip(rows[0], r, strict=True))["LPARs after"] for r in rows[1:]] == ["", "a1, b1", "c1"]
    assert totals[1:] == [["DB2", 2, 1, 3, 3, 0, 360, 360, "PVU"], ["Oracle", 1, 1, 1, 1, 0, 1, 1, "cores"]]
    alone = [[c.value for c in row] for row in sheet[sheet.tables["Licence_lpars"].ref]]
    assert alone[1:] == [
        ["DB2", "a1", "uncapped", 1, 2, 2, 2, 16, 8, "sub-capacity", "A, pool 0", "B, pool 0"],
        ["DB2", "b1", "uncapped", 1, 1, 1, 1, 8, 8, "sub-capacity", "B, pool 0", "B, pool 0"],
        ["Oracle", "c1", "capped", 1, 1, 1, 1, 16, 16, "capped-only", "C, pool 0", "C, pool 0"]]
    assert licence_lines(plan) == ["licence cores of DB2: 3 before, 3 after; 360 and 360 PVU (sub-capacity)"]


def test_no_sheet_without_a_product() -> None:
    of = OF.replace(lpars=tuple(p for p in OF.lpars if p.name == "c2"), policies=(), networks=(), disks=())
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options(20))
    assert "Licences" not in load_workbook(io.BytesIO(plan_workbook(plan, of))).sheetnames and licence_lines(plan) == []
