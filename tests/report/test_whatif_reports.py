"""Page and workbook of scenarios: the figures of whatif.json and no others; the page opens without a word of complaint."""

from __future__ import annotations

import html
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import shown as shown_in_chromium
from cockpit import axe_violations, in_chromium, needs_axe, needs_chromium
from estates import BASE, changed, loaded, lpar, numbered, policy, stating
from openpyxl import load_workbook

from planner.estate.energy import Tariff
from planner.jobs import Options
from planner.jobs.scenario_result import ScenarioResult, lanes_of, waves_of
from planner.jobs.whatif import today, whatif
from planner.plan.plan import Wait
from planner.plan.wire import adapter, as_json
from planner.report.charts import Series, bars, lines, nice_steps, shown
from planner.report.output import json_text
from planner.report.whatif_json import WhatifDocument, directories, slug, whatif_document
from planner.report.whatif_page import ROWS, cells, whatif_page
from planner.report.whatif_workbook import sheet_names, whatif_workbook
from planner.scenarios.model import NewServer, Scenario, ServerClock

HOSTILE = '<script>alert("1")</script> & \'more\''
NEW = NewServer("N", "9117-MMB", 16, 256 * 1024, ghz="3.1", firmware="AM720_101")


@pytest.fixture(scope="module")
def document() -> WhatifDocument:
    """Today, a live answer, one with a restart, and one that is impossible; names that try to be markup."""
    tariff = Tariff(0.25, "EUR", 0.4)
    moved = Scenario("to POWER7", add=(NEW,), retire=("*",), clocks=(ServerClock("*", "4.7"),), tariff=tariff)
    odd = replace(moved, name=HOSTILE, note=HOSTILE, retire=("A",))
    pinned = replace(moved, name="impossible")
    base = loaded(changed(BASE, "a2", rmc_active=False))
    none = loaded(stating(BASE, policy("pin", "a1", "A")))
    results = [today(base, moved), whatif(base, moved, Options(20)), whatif(base, odd, Options(20)),
               whatif(none, pinned, Options(20))]
    return whatif_document(results, "0" * 64)


@pytest.fixture(scope="module")
def told(document: WhatifDocument) -> Any:
    """The same as whatif.json has it."""
    return as_json(document)


class _Values(HTMLParser):
    """Every data-key of a page, and what else is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[tuple[int, str], str] = {}
        self.drawn: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        self.links += [str(known[a]) for a in ("src", "href", "action") if a in known]
        if "data-key" in known:
            self.values[int(str(known["data-scenario"])), str(known["data-key"])] = str(known["data-value"])
        elif "data-value" in known:
            self.drawn.append(known)


def parsed(page: str) -> _Values:
    found = _Values()
    found.feed(page)
    return found


def expected(told: Any) -> dict[tuple[int, str], Any]:
    out: dict[tuple[int, str], Any] = {}
    absent = "waves" if any(s["migration"]["lanes"] for s in told["scenarios"]) else "lanes"
    for number, s in enumerate(told["scenarios"]):
        if number:
            out[number, "status"] = s["status"]
        for _, key, *_ in ROWS:
            group, name = key.split(".")
            if name != absent and s["totals"] is not None and s[group][name] is not None:
                out[number, key] = s[group][name]
    return out


def same(found: dict[tuple[int, str], str], wanted: dict[tuple[int, str], Any]) -> bool:
    return {k: v if isinstance(wanted.get(k), str) else float(v) for k, v in found.items()} == {
        k: v if isinstance(v, str) else pytest.approx(float(v), abs=0.006) for k, v in wanted.items()}


def test_the_document_is_plain_json(told: Any) -> None:
    assert json.loads(json_text(told)) == told
    statuses = [s["status"] for s in told["scenarios"]]
    assert statuses == ["optimal", "optimal", "optimal", "infeasible"]
    assert [s["migration"]["restarts"] for s in told["scenarios"]] == [0, 1, 1, 0]
    assert told["scenarios"][1]["totals"]["currency"] == "EUR"


def test_the_pages_figures_are_those_of_the_json(document: WhatifDocument, told: Any) -> None:
    found, wanted = parsed(whatif_page(document)), expected(told)
    assert len(wanted) > 50 and same(found.values, wanted)
    watts = {d["data-category"]: float(str(d["data-value"])) for d in found.drawn if d.get("data-series") == "watts"}
    assert watts == {s["name"]: s["totals"]["watts"] for s in told["scenarios"] if s["totals"]}
    points = {(d["data-series"], int(str(d["data-x"]))): float(str(d["data-value"])) for d in found.drawn if "data-x" in d}
    assert points == {(s["name"], p["servers"]): p["headroom_percent"] for s in told["scenarios"]
                      for p in s["frontier"] if p["headroom_percent"] is not None}


def test_a_changed_figure_is_noticed(document: WhatifDocument, told: Any) -> None:
    """The comparison itself can fail."""
    other = json.loads(json_text(told))
    other["scenarios"][1]["totals"]["watts"] += 1
    assert not same(parsed(whatif_page(document)).values, expected(other))


def test_the_page_needs_nothing_else_and_no_name_becomes_markup(document: WhatifDocument) -> None:
    page = whatif_page(document)
    found = parsed(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags) - {"link"}
    assert all(x.startswith(("#", "data:")) for x in found.links)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page) and "@import" not in page and "url(" not in page
    assert "<script" not in page and HOSTILE in html.unescape(page)


def test_the_conflict_and_the_paths_are_told(document: WhatifDocument) -> None:
    page = whatif_page(document)
    assert "a1 can get to no other server, not even by a restart" in page and "policy.pin" in page
    assert "has no active RMC connection" in page and "cannot go back live" in page


def test_the_same_document_gives_the_same_bytes(document: WhatifDocument, told: Any) -> None:
    """Page and workbook know nothing that whatif.json does not hold."""
    again = adapter(WhatifDocument).validate_json(json_text(told))
    assert whatif_page(document) == whatif_page(again)
    assert whatif_workbook(document) == whatif_workbook(again) and as_json(again) == told


def test_the_workbooks_figures_are_those_of_the_json(document: WhatifDocument) -> None:
    book = load_workbook(io.BytesIO(whatif_workbook(document)))
    sheet = book["Comparison"]
    found = {sheet.cell(r, 1).value: [sheet.cell(r, c).value for c in range(3, 7)] for r in range(4, sheet.max_row + 1)}
    for row in cells(document):
        assert found[row.label] == [*row.figures], row.label
    assert found["Status"] == ["as it is", "optimal", "optimal", "infeasible"]
    names = book.sheetnames
    assert names[:3] == ["Comparison", "Frontier", "to POWER7"] and [n for n in names[-3:] if n != "All findings"][-2:] == [
        "Findings", "Assumptions"]
    lpars = {row[0]: row for row in book["to POWER7"].iter_rows(values_only=True) if row[0]}
    live = next(x for x in document.scenarios[1].lpars if x.name == "a1")
    assert lpars["a1"][3:9] == ("live", live.number or live.wave, 1, 0.82, 1, 1) and lpars["a2"][3] == "restart"
    assert len(book["Comparison"]._charts) == 3 and len(book["Frontier"]._charts) == 1


@needs_chromium
def test_chromium_opens_the_page_without_complaint(document: WhatifDocument, told: Any, tmp_path: Path) -> None:
    """The DOM that the browser makes holds the figures; no console message, no request, a picture that is not blank."""
    file = tmp_path / "whatif.html"
    file.write_text(whatif_page(document), encoding="utf-8")
    page = shown_in_chromium(file.as_uri(), 1000)
    assert same(parsed(page.run("return document.documentElement.outerHTML")).values, expected(told)) and page.wrong == []
    assert page.picture(tmp_path / "page.png").stat().st_size > 30_000


def test_names_become_directories_and_sheets() -> None:
    assert slug("two 770 of 16 cores, +20 %") == "two-770-of-16-cores-20" and slug("…") == "scenario"
    found = sheet_names(["Comparison", "a/b:c", "x" * 40, "X" * 40, "'", "Findings"])
    assert len({n.casefold() for n in found}) == 6 and all(len(n) <= 31 for n in found)
    assert not set("".join(found)) & set("[]:*?/\\'")
    assert found[1] == "abc" and found[0] == "Comparison 2"


def test_two_scenarios_never_share_a_directory() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

    assert directories([Named("a b"), Named("a-b"), Named("A B")]) == ["a-b", "a-b-2", "a-b-2-2"]  # type: ignore[list-item]


def test_axes_end_at_round_figures() -> None:
    assert nice_steps(57)[-1] == 60 and nice_steps(18300)[-1] == 20000 and nice_steps(0) == [0, 1]
    assert [shown(v) for v in (1234.5, 3.0, 0.25)] == ["1,234.5", "3", "0.25"]


def test_charts_carry_their_values_and_leave_out_what_is_unknown() -> None:
    drawn = bars("t", ["a<b", "c"], [Series("s", (1.5, None))], "W")
    assert drawn.count("<rect") == 1 and 'data-value="1.5"' in drawn and "a&lt;b" in drawn and ">none<" in drawn
    assert lines("t", [("s", [(2, 10.0), (3, 20.0)])]).count("<circle") == 2 and lines("t", []) == ""


def test_lpars_that_nothing_happens_to_are_left_out_of_the_page() -> None:
    base = loaded(BASE.replace(lpars=numbered((*BASE.lpars, lpar("still", "C", 0.1, 1)))))
    made = whatif_document([today(base), whatif(base, Scenario("x", frontier=False), Options(20))], "0")
    assert "<th>still</th>" not in whatif_page(made)


def test_a_plan_in_lanes_is_shown_by_lane(document: WhatifDocument) -> None:
    live = document.scenarios[1]
    assert isinstance(live, ScenarioResult) and live.plan
    plan = live.plan.replace(moves=tuple(replace(m, number=n, lane=1 + n % 2, waits=(
        Wait(n - 1, "arrived", "memory.capacity", "needs its room"),) * (n > 1)) for n, m in enumerate(live.plan.moves, 1)))
    lanes = lanes_of(plan)
    turns = {m.lpar: m.number for m in plan.moves}
    shown_so = replace(live, waves=waves_of(plan), lanes=lanes, migration=replace(
        live.migration, waves=0, lanes=len(lanes)), lpars=tuple(
            replace(x, wave=None, number=turns.get(x.name)) for x in live.lpars))
    made = replace(document, scenarios=(document.scenarios[0], shown_so))
    assert not waves_of(plan) and [m for x in lanes for m in x.moves if m.waits_for]
    assert {r.label: r.figures for r in cells(made)}["Lanes"] == (0, len(lanes))
    page, rows = whatif_page(made), list(load_workbook(io.BytesIO(whatif_workbook(made)))["to POWER7"].values)
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert "wave" not in re.sub(r"wave_gap\S*", "", text.casefold()).split("assumptions")[0]
    for x in lanes:
        (said,) = (row[1] for row in rows if row[0] == f"Lane {x.lane}")
        for m in x.moves:
            waits = ", ".join(map(str, m.waits_for))
            assert f"{m.number} {m.lpar} → {m.target}" in said and f"{m.number} {m.lpar} → {m.target}" in text
            assert not waits or (f"waits for {waits}" in said and f"waits for {waits}" in text)
    head = next(row for row in rows if row[0] == "LPAR")
    assert "Move" in head and "Wave" not in head
    assert as_json(made)["scenarios"][1]["lanes"][0]["moves"][0]["number"] == lanes[0].moves[0].number


@needs_chromium
def test_the_page_is_no_wider_than_a_phone(document: WhatifDocument, tmp_path: Path) -> None:
    told = in_chromium(tmp_path, whatif_page(document), "return [innerWidth, document.documentElement.scrollWidth <= innerWidth]", width=390)
    assert told["wrong"] == [] and told["answer"] == [390, True]


@needs_axe
@needs_chromium
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing(width: int, document: WhatifDocument, tmp_path: Path) -> None:
    assert axe_violations(tmp_path, whatif_page(document), "html", width=width) == []
