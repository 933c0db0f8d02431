"""The cockpit in a browser: ticked, pasted into, exported, gone on with."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from cockpit import axe_violations, in_chromium, needs_axe, needs_chromium, opened
from estates import estate, loaded, lpar, policy, server, stating
from evening import record
from test_cockpit_engine import planned

from planner.estate.model import Estate
from planner.jobs import Options, evacuate, window_from
from planner.jobs.going_on import resume
from planner.jobs.recorded import recorded
from planner.plan.plan import Plan, dump, parse, plan_json
from planner.plan.questions import Evacuate
from planner.report.page import plan_page
from planner.verify import verify_plan

pytestmark = needs_chromium
ESTATE: Estate = stating(estate([server("A"), server("B"), server("C")], [lpar(f"a{n}", "A", 0.5, 8) for n in range(1, 7)]),
                         policy("owner", "*", "Ledgers"))
NIGHT = Options(20, window=window_from("2026-12-05 22:00/04:00"), work_s=1800, zone="UTC")


@cache
def plan() -> Plan:
    found = parse(dump(evacuate(loaded(ESTATE), Evacuate(servers=("A",), come_back=True), NIGHT)), "plan.json")
    assert found.verified and len(found.leg("out")) == 6
    return found


@cache
def page() -> str:
    return plan_page(plan(), ESTATE, plan_json(plan())["plan_sha256"])


def kept(document: object) -> dict[str, str]:
    return {f"planner-record-{plan_json(plan())['plan_sha256']}": json.dumps(document)}


def test_ticked_pasted_failed_and_exported_it_goes_on_with_what_is_left(tmp_path: Path) -> None:
    heads = [moves[0].number for _, moves in plan().lanes("out")]
    moves = plan().numbered()
    first, second = heads[0], heads[1]
    third = next(m.number for m in plan().leg("out") if m.number not in (first, second))
    listing = f"# A\nother,Running\n# {moves[third].target}\n{moves[third].lpar},Running\n"
    told = in_chromium(tmp_path, page(), f"""
      one("#k-who").value = "JK";
      const whom = one("#k-cards").textContent.includes("ask Ledgers");
      await tick("started", {first}); await tick("arrived", {first});
      await tick("started", {second}); await tick("failed", {second});
      const locked = one('[data-tick="recovered"]').disabled, orders = one("#k-hands").textContent, said = one("#k-said").textContent;
      await tick("stopped", {second});
      const open = !one('[data-tick="recovered"]').disabled;
      one("#k-text").value = {json.dumps(listing)};
      one("#k-read").click(); await wait(100);
      const read = one("#k-read-said").textContent;
      one("[data-export]").click(); await wait(300);
      return {{ whom, locked, open, orders, read, said, log: document.querySelectorAll("#k-log li").length }}""")
    assert told["wrong"] == [] and told["answer"]["whom"] and told["answer"]["locked"] and told["answer"]["open"]
    failed = moves[second].lpar
    assert f"stop {failed}, then recover it" in told["answer"]["orders"] and f"{failed} failed" in told["answer"]["said"]
    assert f"{moves[third].lpar}: arrived" in told["answer"]["read"] and told["answer"]["log"] == 6
    night = tmp_path / "night.json"
    night.write_text(told["saved"][0], encoding="utf-8")
    events = {m["number"]: [e["event"] for e in m["events"]] for m in json.loads(told["saved"][0])["moves"]}
    assert events == {first: ["started", "arrived"], second: ["started", "failed", "stopped"], third: ["arrived"]}
    found = recorded(night, plan(), loaded(ESTATE))
    rest = resume(found.loaded, plan(), NIGHT, on=True, record=found)
    assert rest.verified and verify_plan(rest, found.loaded.estate).holds
    gone = {moves[n].lpar for n in (first, second, third)}
    assert {m.lpar for m in rest.leg("out")} | set(rest.goal.later) == {m.lpar for m in plan().leg("out")} - gone
    assert set(rest.goal.stuck) == {failed}
    home = resume(found.loaded, plan(), NIGHT, on=False, record=found)
    assert home.verified and {m.lpar for m in home.moves} == {moves[first].lpar, moves[third].lpar}


def test_a_clock_that_is_set_back_keeps_nobody_from_ticking_what_is_over(tmp_path: Path) -> None:
    """The page said that it cannot be ticked, until the clock had caught up; and exported a work that was over before it began, which
    resume refused. A lane's log and a listing are taken too."""
    first, second, third, *_ = (m for m in plan().leg("out"))
    rows = f"LPAR,Source,Target,Start,End,Result\n{second.lpar},{second.source},{second.target},2026-12-05 22:02:00,2026-12-05 21:59:00,ok\n"
    rest = [m for m in plan().leg("out") if m not in (first, second, third)]
    told = in_chromium(tmp_path, page(), f"""
      const read = async text => {{ one("#k-text").value = text; one("#k-read").click(); await wait(100); return one("#k-read-said").textContent; }};
      await tick("started", {first.number}); await tick("started", {third.number}); await wait(-3600000);
      await tick("arrived", {first.number});
      const said = one("#k-said").textContent, log = await read({json.dumps(rows)});
      const seen = await read({json.dumps(f"# {third.source}{chr(10)}x,Running{chr(10)}# {third.target}{chr(10)}{third.lpar},Running{chr(10)}")});
      for (const n of {json.dumps([m.number for m in rest])}) {{ await tick("started", n); await tick("arrived", n); }}
      await wait(3700000); await tick("started", 0); await wait(-3600000); await tick("over", 0);
      one("[data-export]").click(); await wait(300);
      return {{ said, log, seen, shown: one("#during").textContent }}""")
    answer = told["answer"]
    assert told["wrong"] == [] and answer["said"].startswith(f"{first.lpar}") and "arrived" in answer["said"]
    assert f"{second.lpar}: arrived" in answer["log"] and f"{third.lpar}: arrived" in answer["seen"]
    assert "NaN" not in answer["shown"] and "Infinity" not in answer["shown"]
    night = tmp_path / "night.json"
    night.write_text(told["saved"][0], encoding="utf-8")
    found = recorded(night, plan(), loaded(ESTATE))
    assert [e.event for e in found.work] == ["started", "over"] and not found.under_way
    assert resume(found.loaded, plan(), NIGHT, on=False, record=found).verified


def test_the_whole_evening_by_keys_alone(tmp_path: Path) -> None:
    """Sorted, filtered, ticked, failed, stopped, recovered, pasted, exported, checked, told to the change ticket: nothing but keys."""
    first, second, third = (moves[0].number for _, moves in plan().lanes("out")[:3])
    moves, at = plan().numbered(), opened(tmp_path, page(), at="")
    at.tab_to("#f-text")
    at.type("a3")
    at.tab_to("#moves-table th:nth-child(4) button")
    at.key("Enter")
    shown = at.run('return [one("#moves-table th[aria-sort=ascending] button").textContent, document.querySelectorAll("#moves-table tbody tr").length]')
    assert shown[0] and shown[1] == 2
    at = opened(tmp_path, page(), at="")
    at.tab_to('nav a[href="#during"]')
    at.key("Enter")
    at.tab_to("#k-who")
    at.type("JK")
    for n, event in ((first, "started"), (first, "arrived"), (second, "started"), (second, "failed"), (second, "stopped"), (second, "recovered")):
        at.run("await wait(700)")
        at.tab_to(f'[data-tick="{event}"][data-n="{n}"]')
        at.key("Enter" if n == first else " ")
        at.run("await wait(100)")
    at.tab_to("#k-text")
    at.type(f"# A\nother,Running\n# {moves[third].target}\n{moves[third].lpar},Running\n")
    at.tab_to("#k-read")
    at.key("Enter")
    at.run("await wait(100)")
    at.tab_to("[data-export]")
    at.key("Enter")
    events = {m["number"]: [e["event"] for e in m["events"]] for m in json.loads(at.run("return saved[0]"))["moves"]}
    assert events == {first: ["started", "arrived"], second: ["started", "failed", "stopped", "recovered"], third: ["arrived"]}
    assert at.wrong == []
    every = record(plan(), dict.fromkeys(moves, ("started", "arrived")), ("started", "over"))
    at = opened(tmp_path, page(), now="2026-12-06T01:00:00Z", kept=kept(every))
    for selector in ('nav a[href="#after"]', "#a-checks summary", "#a-checks [data-check]", "#a-ticket"):
        at.tab_to(selector)
        at.key("Enter")
        at.run("await wait(0)")
    checks, saved = at.run("return [Cockpit.record().checks.length, saved]")
    assert checks == len(plan().leg("out")) and "12 of 12 moves arrived" in saved[0] and at.wrong == []


def test_the_focus_stays_on_the_card_that_was_ticked_and_a_second_tap_ticks_nothing(tmp_path: Path) -> None:
    n = plan().leg("out")[0].number
    told = in_chromium(tmp_path, page(), f"""
      const b = one('[data-tick="started"][data-n="{n}"]'), card = b.closest("article").id;
      b.focus(); b.click(); b.click();
      const tapped = document.activeElement; tapped.click();
      await wait(100);
      return {{ card, at: document.activeElement.closest("article") && document.activeElement.closest("article").id, tag: document.activeElement.tagName,
        events: Cockpit.record().moves.map(m => m.events.length), odd: [...document.querySelectorAll("[tabindex]")].filter(x => x.tabIndex > 0).length,
        unnamed: [...document.querySelectorAll("button, input, select, textarea")].filter(x => !(x.textContent.trim() || x.ariaLabel || x.getAttribute("aria-label") || (x.labels && x.labels.length))).length }}""")
    a = told["answer"]
    assert told["wrong"] == [] and a["at"] == a["card"] and a["tag"] == "BUTTON" and a["events"] == [1] and not a["odd"] and not a["unnamed"]


def test_what_the_browser_has_kept_is_there_again_and_every_tick_can_be_taken_back(tmp_path: Path) -> None:
    numbers = [m.number for m in plan().leg("out")]
    told = in_chromium(tmp_path, page(), """
      const before = one("#k-strip").textContent;
      for (let i = 0; i < 40 && !one("#k-undo").disabled; i++) { one("#k-undo").click(); await wait(60); }
      return { before, left: Cockpit.record().moves.length, hands: one("#h-hands").textContent }""",
                       kept=kept(record(plan(), dict.fromkeys(numbers[:2], ("started", "arrived")))))
    assert told["wrong"] == [] and "2 of 6" in told["answer"]["before"] and told["answer"]["left"] == 0 and "need" in told["answer"]["hands"]


def test_the_record_of_another_laptop_is_put_to_this_one_and_nothing_of_a_strange_one(tmp_path: Path) -> None:
    a, b = (m.number for m in plan().leg("out")[:2])
    there, strange = record(plan(), {b: ("started",)}), record(plan(), {a: ("started",)}) | {"plan_sha256": "0" * 64}
    told = in_chromium(tmp_path, page(), """
      const give = async text => { const box = new DataTransfer(); box.items.add(new File([text], "there.json")); one("#k-import").files = box.files; one("#k-said").textContent = "";
        one("#k-import").dispatchEvent(new Event("change", { bubbles: true })); for (let i = 0; i < 400 && !one("#k-said").textContent; i++) await wait(50); return one("#k-said").textContent; };
      return [await give(THERE), Cockpit.record().moves.map(m => m.number), await give(STRANGE), Cockpit.record().moves.length]""".replace(
        "THERE", json.dumps(json.dumps(there))).replace("STRANGE", json.dumps(json.dumps(strange))), kept=kept(record(plan(), {a: ("started", "arrived")})))
    said, numbers, refused, count = told["answer"]
    assert told["wrong"] == [] and "1 entry more" in said and numbers == sorted((a, b)) and "of another plan" in refused and count == 2


def test_names_are_text_wherever_they_stand(tmp_path: Path) -> None:
    odd = '<img src=x onerror="wrong.push(1)">&\'"'
    of = estate([server("A"), server("B")], [lpar(odd, "A", 0.5, 8)])
    found = parse(dump(evacuate(loaded(of), Evacuate(servers=("A",)), NIGHT)), "p")
    n = found.moves[0].number
    told = in_chromium(tmp_path, plan_page(found, of, plan_json(found)["plan_sha256"]), f"""
      await tick("started", {n}); await tick("failed", {n}); await tick("stopped", {n}); await tick("recovered", {n}); await tick("started", {n}); await tick("arrived", {n});
      const said = one("#k-said").textContent;
      location.hash = "#after"; await wait(200); one('#a-checks [data-check="0"]').click(); one("#a-ticket").click(); await wait(100);
      return [said, document.images.length, Cockpit.record().checks.map(c => c.lpar), one("#a-moves b").textContent]""")
    said, images, signed, shown = told["answer"]
    assert told["wrong"] == [] and images == 0 and signed == [odd] and shown == odd and odd in said and "\\<img" in told["saved"][0]


def test_a_record_that_is_none_does_not_keep_the_page_from_working(tmp_path: Path) -> None:
    told = in_chromium(tmp_path, page(), 'return [one("#k-kept").hidden, one("#k-kept").textContent, document.querySelectorAll(".tick.go").length]',
                       kept=kept({"format": "nonsense"}))
    hidden, said, ticks = told["answer"]
    assert told["wrong"] == [] and not hidden and "cannot be read" in said and ticks


def test_after_the_evening_it_tells_real_against_planned_takes_checks_and_gives_a_ticket(tmp_path: Path) -> None:
    every = record(plan(), dict.fromkeys(plan().numbered(), ("started", "arrived")), ("started", "over"))
    told = in_chromium(tmp_path, page(), """
      one("#k-who").value = "MO";
      location.hash = "#after"; await wait(200);
      const rows = document.querySelectorAll("#a-moves tbody tr").length, dots = document.querySelectorAll("#a-moves circle").length;
      one('#a-checks [data-check="0"]').click(); await wait(50);
      one("#a-ticket").click(); await wait(200);
      return { rows, dots, strip: one("#a-strip").textContent, checks: Cockpit.record().checks.length }""", now="2026-12-06T01:00:00Z", kept=kept(every))
    a = told["answer"]
    assert told["wrong"] == [] and a["rows"] == a["dots"] == 12 and a["checks"] == 6 and "12 of 12" in a["strip"]
    ticket = told["saved"][0]
    assert "12 of 12 moves arrived" in ticket and ticket.count("\n| ") == 13 and "6 of 6 (MO)" in ticket


def test_it_follows_a_window_in_another_zone_than_the_browsers(tmp_path: Path) -> None:
    other = parse(dump(evacuate(loaded(ESTATE), Evacuate(servers=("A",)), Options(20, window=window_from("2026-12-05 22:00/04:00"), zone="Asia/Kolkata"))), "p")
    text = plan_page(other, ESTATE, plan_json(other)["plan_sha256"])
    n = other.leg("out")[0].number
    told = in_chromium(tmp_path, text, f'const now = one("#k-now").textContent; await tick("started", {n}); return [now, Cockpit.record().moves[0].events[0].at]',
                       now="2026-12-05T16:31:00Z")
    clock, at = told["answer"]
    assert told["wrong"] == [] and clock.startswith("22:01") and at.startswith("2026-12-05T22:01") and at.endswith("+05:30")


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_page(width: int, tmp_path: Path) -> None:
    numbers = [m.number for m in plan().leg("out")]
    half = record(plan(), {numbers[0]: ("started", "arrived"), numbers[1]: ("started", "failed")})
    told = in_chromium(tmp_path, page(), """
      const wide = () => document.documentElement.scrollWidth - document.documentElement.clientWidth, during = wide();
      location.hash = "#after"; await wait(200);
      return [during, wide()]""", kept=kept(half), width=width)
    assert told["wrong"] == [] and told["answer"] == [0, 0]


@pytest.mark.parametrize(("kind", "now"), [("waves", "2026-12-02T09:00:00Z"), ("waves", "2026-12-05T22:00:30Z"), ("no window", "2026-12-05T22:00:30Z"),
                                           ("headroom", "2026-12-05T22:00:30Z")])
def test_every_kind_of_plan_is_drawn_before_its_evening_and_in_it(kind: str, now: str, tmp_path: Path) -> None:
    found, of = planned(kind)
    n = next(iter(found.numbered()))
    told = in_chromium(tmp_path, plan_page(found, of, plan_json(found)["plan_sha256"]), f"""
      const hands = one("#h-hands").textContent, ready = one('[data-n="{n}"].go');
      if (ready) await tick("started", {n});
      await wait(300);
      const drawn = document.querySelectorAll("#k-course rect").length, cells = document.querySelectorAll("#k-strip .cell").length;
      location.hash = "#after"; await wait(200);
      return [hands, Boolean(ready), drawn, cells, document.querySelectorAll("#a-moves tbody tr").length]""", now=now)
    hands, ready, drawn, cells, rows = told["answer"]
    assert told["wrong"] == [] and drawn == len(found.leg("out")) and cells >= 4
    early = now < "2026-12-05"
    assert ready is not early and rows == (not early)
    assert (hands.replace(",", "") == "Nothing needs hands before Sat 5 Dec 22:00") is early and "need" in hands


@needs_axe
@pytest.mark.parametrize(("view", "width", "dark"), [("during", 1400, False), ("during", 390, True), ("during", 1400, True), ("after", 1400, False), ("after", 1400, True)])
def test_axe_finds_nothing(view: str, width: int, dark: bool, tmp_path: Path) -> None:
    numbers = [m.number for m in plan().leg("out")]
    half = record(plan(), {numbers[0]: ("started", "arrived"), numbers[1]: ("started", "failed"), numbers[2]: ("started",)})
    assert axe_violations(tmp_path, page(), f"#{view}", f'location.hash = "#{view}"; await wait(300);', kept=kept(half), width=width, dark=dark) == []
