"""What is so of many LPARs, or in several scenarios, is said once, with all of whom it is so."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any

import pytest
from estates import BASE, loaded, policy, stating
from openpyxl import load_workbook
from rich.console import Console

from planner.findings import Finding, Severity, ordered
from planner.jobs import Options, evacuate, window_from
from planner.jobs.whatif import today, whatif
from planner.plan.choices import OUT
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.report.finding_kinds import kinds
from planner.report.page import plan_page
from planner.report.plan_terminal import plan_view
from planner.report.runbook import runbook
from planner.report.text import alike
from planner.report.whatif_json import WhatifDocument, whatif_document
from planner.report.whatif_terminal import whatif_view
from planner.report.whatif_workbook import whatif_workbook
from planner.report.workbook import plan_workbook
from planner.scenarios.model import Scenario
from tests.lanes import in_lanes, in_waves

MANY = [f"p{n:02d}" for n in range(40)]
COARSE = ordered(Finding("history.coarse", Severity.WARNING, n, "its history is of averages over 60 minutes", "add some")
                 for n in MANY)
OTHER = (Finding("history.coarse", Severity.WARNING, "q", "its history is of averages over 120 minutes", "add some"),
         Finding("estate.x", Severity.ASSUMPTION, "q", "its history is of averages over 60 minutes", "add some"))
SAID = (*COARSE, *OTHER)


@cache
def plan(zone: str = "Europe/Berlin") -> Plan:
    options = Options(10, window=window_from("2026-12-05 22:00/04:00") if zone else None, zone=zone)
    return evacuate(loaded(BASE), Evacuate(servers=("A",), come_back=True), options).replace(findings=SAID)


@cache
def document() -> WhatifDocument:
    asked = [Scenario(name, retire=("A",), frontier=False) for name in ("one", "two")]
    results = [today(loaded(BASE), asked[0]), *(whatif(loaded(BASE), s, Options(10)) for s in asked)]
    return whatif_document([replace(r, findings=SAID) for r in results], "0")


def test_a_kind_is_headed_by_what_its_messages_have_in_common() -> None:
    def title(*messages: str) -> str:
        (kind,) = kinds([Finding("partition.id-free", Severity.WARNING, f"p{n}", m) for n, m in enumerate(messages)])
        return kind.title

    assert title("id 4 is taken by a on S1: it changes") == "id 4 is taken by a on S1: it changes"
    assert title("id 4 is taken by a on S1: it changes", "id 6 is taken by b on S2: it changes") == (
        "id … is taken by … on …: it changes")
    assert title("a b c", "a x y") == "a b c" and title("a b", "a b c") == "a b"  # they have too little in common


def test_many_fixes_are_told_by_what_they_have_in_common() -> None:
    def fixes(*texts: str) -> tuple[str, ...]:
        (kind,) = kinds([Finding("estate.x", Severity.WARNING, f"p{n}", "m", text) for n, text in enumerate(texts)])
        return kind.fixes

    assert fixes("look at v1", "look at v2") == ("look at v1", "look at v2")
    assert fixes(*(f"look at v{n}" for n in range(9))) == ("look at …",)
    assert fixes(*(" ".join("abcdefghi"[:n]) for n in range(1, 8))) == ("a", "a b", "a b c", "a b c d", "… (7 in all)")


def test_who_stays_on_many_servers_for_one_reason_is_told_in_a_line() -> None:
    def told(count: int) -> str:
        console = Console(width=200)
        with console.capture() as shown:
            console.print(plan_view(plan().replace(stays=tuple((f"v{n}", f"S{n}", "VIOS") for n in range(count)))))
        return shown.get()

    assert "stay where they are, on 5 servers: v0, v1, v2, v3, v4 (VIOS)" in told(5)
    assert "stays on S3: v3 (VIOS)" in told(4) and "where they are" not in told(4)


def findings_of(data: bytes, sheet: str = "Findings") -> list[dict[str, Any]]:
    head, *rows = load_workbook(BytesIO(data))[sheet].values
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


@pytest.mark.parametrize("kind", ["plan", "what-if"])
def test_no_two_rows_of_a_sheet_say_the_same_and_nobody_is_lost(kind: str) -> None:
    rows = findings_of(plan_workbook(plan(), BASE) if kind == "plan" else whatif_workbook(document()), "All findings")
    assert len(rows) == 3
    (row,) = (r for r in rows if r["Subject"] != "q")
    assert row["Subject"].split(", ") == MANY
    if kind == "what-if":
        assert row["Scenario"].split("; ") == [s.name for s in document().scenarios]


def test_a_kind_is_told_once_by_every_paper_with_its_number_and_one_fix() -> None:
    """Page, runbook, workbook and terminal each had a grouping of their own."""
    (kind,) = kinds(SAID)
    assert (kind.number, len(kind.rows), kind.fixes, kind.word) == (41, 2, ("add some",), "decide")
    assert [(r["Kind"], r["Subject"]) for r in findings_of(plan_workbook(plan(), BASE))] == [
        ("settle", "q"), ("decide", "41 ×")]
    console = Console(width=80)
    with console.capture() as printed:
        console.print(plan_view(plan()))
    assert "41 ×: p00, p01, p02, p03, … (40 in all): its history" in printed.get()
    only = kinds(COARSE)[0].as_one()
    assert only.subject.split(", ") == MANY and only.message == COARSE[0].message


def test_what_is_alike_keeps_everybody_and_its_order() -> None:
    found = alike(SAID)
    assert [f.subject for f in found] == [", ".join(MANY), "q", "q"] and found[1:] == list(OTHER)
    assert alike(COARSE, 2)[0].subject == "p00, p01, … (38 more)"


def test_no_assumption_of_scenarios_stands_twice() -> None:
    texts = [row[0] for row in load_workbook(BytesIO(whatif_workbook(document())))["Assumptions"].values if row[0]]
    assert [t for t, n in Counter(texts).items() if n > 1] == []
    for s in document().scenarios[1:]:
        assert {*s.assumptions} <= {*texts}


def test_the_terminal_names_the_sheet_in_which_what_it_counts_stands() -> None:
    console = Console(width=200)
    with console.capture() as printed:
        console.print(whatif_view(document()))
    (file, sheet), *_ = re.findall(r"1 assumption, 41 warnings: (\S+), sheet (\w+)", printed.get())
    assert file == "whatif.xlsx" and sheet in load_workbook(BytesIO(whatif_workbook(document()))).sheetnames


def test_a_runbook_warns_in_one_line_that_can_be_read() -> None:
    text = runbook(plan(), BASE)
    part = text[text.index("## Read this first"):text.index("## Preparation")]
    assert part.count("averages over 60 minutes") == 1
    assert "p00" in part and MANY[-1] not in part and "(40 in all)" in part and "plan.xlsx, sheet All findings" in part
    few = runbook(plan().replace(findings=SAID[:12]), BASE)
    assert "p11: its" in few and "plan.xlsx, sheet All findings" not in few


@pytest.mark.parametrize("zone", ["Europe/Berlin", ""])
def test_every_heading_of_a_lane_or_wave_has_the_zone_of_the_window(zone: str) -> None:
    texts = [runbook(made(plan(zone)), BASE) for made in (in_lanes, in_waves)]
    heads = re.findall(r"## Way (?:out|back), .*", "\n".join(texts))
    assert len(heads) >= 4 and all(h.endswith(f", {zone}") if zone else "Europe" not in h for h in heads)


def test_papers_name_whom_to_ask_and_no_plan_depends_on_it() -> None:
    asked = stating(BASE, policy("owner", "a1", "Ledgers | DBA"))
    made = evacuate(loaded(asked), Evacuate(servers=("A",)), Options(10, window=window_from("2026-12-05 22:00/04:00")))
    assert [(m.lpar, m.target, m.start_ms) for m in made.moves] == [
        (m.lpar, m.target, m.start_ms) for m in plan("").leg(OUT)]
    assert "| Ask |" in runbook(made, asked) and "a1 (Ledgers \\| DBA)" in runbook(made, asked)
    head, *rows = [*load_workbook(BytesIO(plan_workbook(made, asked)))["Way out"].values][3:]
    assert {dict(zip(head, row, strict=True))["LPAR"]: dict(zip(head, row, strict=True))["Ask"] for row in rows}[
        "a1"] == "Ledgers | DBA"
    page = plan_page(made, asked, "0")
    assert 'id="f-owner"' in page and '"owner":"Ledgers | DBA"' in page
    assert "| Ask |" not in runbook(made, BASE) and 'id="f-owner"' not in plan_page(made, BASE, "0")
