"""The engine of the cockpit: what may be ticked, what may start, how it goes on, what a console says."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cockpit import block, in_node, needs_node
from estates import BASE, changed, estate, loaded, lpar, policy, server, stating
from evening import BEGIN, record
from landscape import landscape

from planner.api import consolidate, headroom
from planner.estate.model import Estate
from planner.formats import evening_record
from planner.jobs import Options, evacuate, window_from
from planner.jobs.recorded import recorded
from planner.plan.choices import OUT
from planner.plan.plan import Plan, dump, parse
from planner.plan.questions import Evacuate
from planner.report import lane_scripts

pytestmark = needs_node
NIGHT = Options(20, window=window_from("2026-12-05 22:00/04:00"), work_s=1800, zone="UTC")
FREED = "SN8379A80_p595-2"
TIGHT = estate([server("A", 4, 40), server("B", 4, 18), server("C", 4, 26)],
               [lpar("a1", "A", 0.5, 8), lpar("a2", "A", 0.5, 8), lpar("b1", "B", 0.5, 8), lpar("c1", "C", 0.5, 4)])

OFF = changed(BASE, "a2", state="not activated", rmc_active=False)


@cache
def big() -> Estate:
    return landscape()


@cache
def planned(kind: str = "tight") -> tuple[Plan, Estate]:
    if kind in ("headroom", "consolidation"):
        found = consolidate(BASE) if kind == "consolidation" else headroom(BASE, "B", cores=13, when="always", curve=False)
        return parse(dump(found), "plan.json"), BASE
    of, goal, options = {
        "tight": (TIGHT, Evacuate(servers=("A",), come_back=True), NIGHT),
        "waves": (TIGHT, Evacuate(servers=("A",), come_back=True), replace(NIGHT, pacing=replace(NIGHT.pacing, waves=True))),
        "no window": (BASE, Evacuate(servers=("A",), come_back=True), Options(20, work_s=1800)),
        "one way": (BASE, Evacuate(servers=("A",)), NIGHT),
        "inactive": (OFF, Evacuate(servers=("A",), come_back=True, inactive=True), NIGHT),
        "landscape": (big(), Evacuate(servers=(FREED,), come_back=True), NIGHT)}[kind]
    plan = parse(dump(evacuate(loaded(of), goal, options)), "plan.json")
    assert plan.verified
    return plan, of


@cache
def data(kind: str = "tight") -> dict[str, Any]:
    return block(*planned(kind))


KINDS = ("tight", "waves", "no window", "one way", "landscape", "inactive", "headroom", "consolidation")
GREEDY = """
  let R = fresh(), s = 0, starts = [], steps = 0;
  const all = [...M.moves.keys()];
  while (steps++ < 500) {
    const S = states(R), free = all.filter(n => !S.get(n).events.length && !Engine.gates(M, S, R, n, s).length);
    const flying = all.filter(n => S.get(n).state === "started");
    if (free.length) { starts.push([free[0], all.filter(n => S.get(n).state === "arrived")]); R = ticked(R, [free[0], "started", s]); }
    else if (flying.length) R = ticked(R, [flying[flying.length - 1], "arrived", s += 60]);
    else if (Engine.phase(M, S, R) === "work") R = ticked(R, [0, "started", s += 60], [0, "over", s += 60]);
    else break;
  }
"""


# ---- the record ----------------------------------------------------------------------------------------------------

def test_page_and_planner_agree_on_what_may_come_after_what(tmp_path: Path) -> None:
    """Every order of up to four events: what the page lets a person tick is what a record may hold."""
    plan, _ = planned()
    words = [w for w in evening_record.NEXT if w]
    orders = [o for n in (1, 2, 3, 4) for o in itertools.product(words, repeat=n)]
    let = in_node(tmp_path, data(), "return arg.map(o => ticked(fresh(), ...o.map((e, i) => [1, e, 60 * i])) !== null)", orders)
    for events, may in zip(orders, let, strict=True):
        reading = evening_record.read(json.dumps(record(plan, {1: events})), "night.json")
        assert bool(reading.records) is may, events
    assert 10 < sum(let) < len(let) / 4


def test_page_and_planner_agree_on_when_it_may_be(tmp_path: Path) -> None:
    """Of a move and of the work: later, at once, and before what went before, as after a clock that was set back."""
    plan, _ = planned()
    for n, second in itertools.product((1, 0), (60, 0, -60)):
        last = "arrived" if n else "over"
        may = in_node(tmp_path, data(), f"return ticked(fresh(), [{n}, 'started', 0], [{n}, '{last}', {second}]) !== null")
        begun, over = (str(BEGIN + timedelta(seconds=s)) for s in (0, second))
        events = [{"event": e, "at": at, "who": "", "note": ""} for e, at in (("started", begun), (last, over))]
        told = record(plan, {1: ["started"]} if n else {})
        if n:
            told["moves"][0]["events"] = events
        else:
            told["work"] = events
        assert bool(evening_record.read(json.dumps(told), "night.json").records) is may is (second >= 0), (n, second)


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_what_may_be_done_gets_through_and_never_before_what_it_waits_for(kind: str, tmp_path: Path) -> None:
    plan, of = planned(kind)
    moves = plan.numbered()
    found = in_node(tmp_path, data(kind), GREEDY + 'return { R, starts, stage: Engine.phase(M, states(R), R) }')
    assert found["stage"] == "over" and len(found["starts"]) == len(plan.moves)
    before = {b.number: a.number for leg in ("out", "back") for _, chain in plan.lanes(leg) for a, b in itertools.pairwise(chain)}
    for n, arrived in found["starts"]:
        m = moves[n]
        needed = {w.move for w in m.waits} | ({before[n]} if n in before else set()) | (
            set() if plan.in_lanes else {k for k, x in moves.items() if x.leg == m.leg and x.wave < m.wave})
        assert needed <= set(arrived)
    path = tmp_path / "night.json"
    path.write_text(json.dumps(found["R"]))
    told = recorded(path, plan, loaded(of))
    ends = {m.lpar: m.target for m in plan.moves}
    assert {p.name: p.server for p in told.loaded.estate.lpars if p.name in ends} == ends and not told.under_way


def test_an_inactive_move_has_arrived_when_it_is_not_activated_there(tmp_path: Path) -> None:
    plan, _ = planned("inactive")
    m = next(m for m in plan.leg(OUT) if m.inactive)
    text = f"# A\na1,Running\n# {m.target}\n{m.lpar},Not Activated\n"
    assert in_node(tmp_path, data("inactive"), "return Engine.observed(M, fresh(), Engine.read(M, arg).facts, 60).ticks", text) == [
        {"n": m.number, "event": "arrived"}]


def test_every_tick_can_be_taken_back_in_turn(tmp_path: Path) -> None:
    left = in_node(tmp_path, data(), GREEDY + """
      const n = Engine.log(M, R).length;
      let undone = 0;
      for (let k = 0; k < n; k++) { const top = Engine.log(M, R).find(r => r.last), next = top && Engine.untick(M, R, top.n); if (!next) break; R = next; undone++; }
      return { n, undone, same: JSON.stringify(R) === JSON.stringify(fresh()) }""")
    assert left["n"] == left["undone"] > 8 and left["same"]


def test_the_way_back_of_an_lpar_cannot_be_ticked_before_its_way_out_nor_that_be_undone_after(tmp_path: Path) -> None:
    plan, _ = planned()
    back = plan.leg("back")[0]
    out = next(m for m in plan.leg(OUT) if m.lpar == back.lpar)
    assert in_node(tmp_path, data(), """
      const [out, back] = arg, R = ticked(fresh(), [out, "started", 0], [out, "arrived", 60]), both = ticked(R, [back, "started", 99]);
      return [ticked(fresh(), [back, "started", 0]), both !== null, Engine.untick(M, both, out), Engine.untick(M, R, out) !== null]""",
                   [out.number, back.number]) == [None, True, None, True]


def test_two_records_of_one_evening_become_one(tmp_path: Path) -> None:
    assert in_node(tmp_path, data(), """
      const here = ticked(fresh(), [1, "started", 0], [1, "arrived", 300]), there = ticked(fresh(), [1, "started", 5], [2, "started", 10], [2, "failed", 90]);
      const one = Engine.merged(M, here, there), again = Engine.merged(M, one.record, there), other = ticked(fresh(), [1, "started", 0], [1, "failed", 9], [1, "stopped", 10]);
      const clash = Engine.merged(M, here, other);
      return [one.added, one.lost, one.record.moves.map(m => m.events.map(e => e.event)), again.added, clash.lost > 0]""") == [
        2, 0, [["started", "arrived"], ["started", "failed"]], 0, True]


@pytest.mark.parametrize(("text", "said"), [
    ("[", "no JSON"), ("{}", "no record"), ('{"format":"planner-record","version":1,"plan_sha256":"x"}', "another plan"),
    ({"moves": 3}, "no list"), ({"moves": [{"number": 99}]}, "moves[0]: the plan has no such move"),
    ({"work": [{"event": "over", "at": "2026-12-05T22:00:00Z", "who": "", "note": ""}]}, "work[0]: over cannot be there"),
    ({"moves": "twice"}, "moves[0].events[1]: arrived cannot be there")])
def test_what_is_imported_is_looked_at(text: Any, said: str, tmp_path: Path) -> None:
    plan, _ = planned()
    if isinstance(text, dict):
        twice = record(plan, {1: ("arrived", "arrived")})
        text = json.dumps(twice if text.get("moves") == "twice" else record(plan, {}) | text)
    assert said in in_node(tmp_path, data(), "try { Engine.parsed(M, arg); return '' } catch (e) { return e.message }", text)
    fine = json.dumps(record(plan, {1: ("started", "failed", "stopped")}, ("started",)))
    assert in_node(tmp_path, data(), "return Engine.parsed(M, arg)", fine) == json.loads(fine)


# ---- orders ----------------------------------------------------------------------------------------------------------

def test_a_failure_comes_first_is_stopped_before_it_is_recovered_and_holds_up_what_waits_for_it(tmp_path: Path) -> None:
    told = in_node(tmp_path, data("landscape"), """
      const R = ticked(fresh(), [1, "started", 0], [2, "started", 0], [1, "failed", 100]), S = states(R), hands = Engine.hands(M, S, R, Z + 120000, null);
      const stopped = ticked(R, [1, "stopped", 130]), again = ticked(stopped, [1, "recovered", 140]);
      const first = r => Engine.hands(M, states(r), r, Z + 150000, null)[0];
      return { first: hands[0].kind, n: hands[0].n, skip: ticked(R, [1, "recovered", 130]), second: first(stopped).kind, third: first(again).kind,
        held: [...M.moves.keys()].map(n => Engine.heldUp(M, n)), others: hands.filter(h => h.kind === "start").length }""")
    assert (told["first"], told["n"], told["skip"], told["second"], told["third"]) == ("stop", 1, None, "recover", "start")
    assert told["others"] >= 2, "all else goes on"
    direct = {m["n"]: set(m["holds_up"]) for m in data("landscape")["moves"]}
    for n, held in zip(direct, told["held"], strict=True):
        every: set[int] = set()
        left = [n]
        while left:
            left += (new := direct[left.pop()] - every)
            every |= new
        assert every <= set(held)


def test_blackouts_hold_a_move_back_and_then_forbid_it(tmp_path: Path) -> None:
    of = stating(BASE, policy("blackout", "a1", "2026-12-05 22:00/22:30"))
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), NIGHT)
    rows = block(plan, of)
    n, row = next((m["n"], m) for m in rows["moves"] if m["lpar"] == "a1")
    assert row["not_before_s"] == 1800
    kinds = f"return arg.map(s => Engine.gates(M, states(fresh()), fresh(), {n}, s).map(g => g.kind).filter(k => k !== 'move'))"
    assert in_node(tmp_path, rows, kinds, [-60, 60, 1799, 1800]) == [["window", "before"], ["before"], ["before"], []]
    row["not_after_s"] = 2000
    assert in_node(tmp_path, rows, kinds, [2001]) == [["late"]]


def test_what_takes_too_long_is_said_to_hang(tmp_path: Path) -> None:
    kinds = in_node(tmp_path, data("landscape"), """
      const R = ticked(fresh(), [1, "started", 0]), l = Engine.limits(M, M.moves.get(1));
      return [l.low, l.high, l.stop, ...[l.high - 1, l.high + 1, l.stop + 1].map(s => (Engine.hands(M, states(R), R, Z + 1000 * s, null).find(h => h.n === 1) || {}).kind || "")]""")
    assert kinds[0] < kinds[1] < kinds[2] and kinds[3:] == ["", "look", "hangs"]


# ---- forecast ----------------------------------------------------------------------------------------------------------

def test_before_anything_has_happened_it_expects_what_the_plan_does(tmp_path: Path) -> None:
    """The plan's own nights share links as they go; the page has each move's minutes: within 6 %."""
    plan, _ = planned("landscape")
    legs = in_node(tmp_path, data("landscape"), "return Engine.forecast(M, fresh(), Z).legs")
    assert plan.evening and plan.evening.back
    for leg, spread in (("out", plan.evening.out), ("back", plan.evening.back)):
        p10, p50, p90 = legs[leg]
        assert p10 < p50 < p90
        assert p50 == pytest.approx(spread.half_ms / 1000, rel=0.06) and p90 == pytest.approx(spread.most_ms / 1000, rel=0.06)


def test_a_slow_night_moves_the_end_and_the_last_moment_of_the_way_back(tmp_path: Path) -> None:
    ends = in_node(tmp_path, data("landscape"), """
      const night = f => { let R = fresh(), s = 0; for (const n of [1, 2, 3, 4]) { const d = f * M.moves.get(n).duration_s; R = ticked(R, [n, "started", 0]); R = ticked(R, [n, "arrived", Math.round(d)]); s = Math.max(s, d); } return [R, s]; };
      return [0.7, 1, 1.6].map(f => { const [R, s] = night(f), F = Engine.forecast(M, R, Z + 1000 * s); return [F.tonight.mean, F.legs.back[1] - s, F.home, F.tonight.seen] })""")
    means, lasts, homes, seen = zip(*ends, strict=True)
    assert means[0] < -0.2 and abs(means[1]) < 0.05 and means[2] > 0.3 and seen == (4, 4, 4)
    assert lasts[0] < lasts[1] < lasts[2] and homes[2] < homes[1] <= homes[0]


def test_ticks_that_come_late_say_nothing_of_the_pace_and_few_moves_say_little(tmp_path: Path) -> None:
    late, one, four = in_node(tmp_path, data("landscape"), """
      const night = (f, ns) => { let R = fresh(); for (const n of ns) R = ticked(R, [n, "started", 0], [n, "arrived", Math.max(3, Math.round(f * M.moves.get(n).duration_s))]);
        const F = Engine.forecast(M, R, Z + 900000), G = Engine.forecast(M, fresh(), Z); return { ...F.tonight, out: F.legs.out, plain: G.legs.out }; };
      return [night(0, [1, 2]), night(0.7, [1]), night(0.7, [1, 2, 3, 4])]""")
    assert (late["mean"], late["seen"], late["unlikely"]) == (0, 0, 2)
    assert late["out"][2] - late["out"][0] > 0.2 * (late["plain"][2] - late["plain"][0]) and late["out"][1] > 0.8 * late["plain"][1]
    assert 0 > one["mean"] > 0.8 * four["mean"] > four["mean"] > -0.357 and one["sigma"] > four["sigma"]


def test_the_same_record_at_the_same_moment_gives_the_same_forecast(tmp_path: Path) -> None:
    assert in_node(tmp_path, data(), """
      const R = ticked(fresh(), [1, "started", 0]), one = () => JSON.stringify([...Engine.forecast(M, R, Z + 60000).moves]);
      return one() === one()""")


def test_what_has_arrived_is_fixed_and_what_flies_longer_than_planned_ends_later_than_now(tmp_path: Path) -> None:
    told = in_node(tmp_path, data(), """
      const first = Engine.at(M, states(fresh()), M.cards[0]), d = M.moves.get(first).duration_s, R = ticked(fresh(), [first, "started", 0]);
      const F = Engine.forecast(M, R, Z + 3000 * d), late = F.moves.get(first).end;
      const done = Engine.forecast(M, ticked(R, [first, "arrived", 3 * d]), Z + 3000 * d);
      return { late, now: 3 * d, gone: done.moves.has(first) }""")
    assert all(told["now"] + 20 < x < 2 * told["now"] for x in told["late"]) and not told["gone"]


def test_the_normal_and_its_inverse(tmp_path: Path) -> None:
    found = in_node(tmp_path, None, "return [0.001, 0.1, 0.5, 0.9, 0.999].map(p => [p, Engine.below(Engine.normal(p)), Engine.normal(p)])")
    assert all(p == pytest.approx(back, abs=2e-6) for p, back, _ in found)
    assert found[3][2] == pytest.approx(1.281552, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_plan_has_a_forecast_at_every_step(kind: str, tmp_path: Path) -> None:
    told = in_node(tmp_path, data(kind), GREEDY.replace("while (steps++ < 500) {", """while (steps++ < 500) {
      if (steps % 7 === 1) { const F = Engine.forecast(M, R, Z + 1000 * s, 40), S0 = states(R); seen.push(F.legs.out.every(Number.isFinite) && (!F.legs.back || F.legs.back.every(Number.isFinite)));
        const stop = Engine.safeStop(M, S0, F); seen.push(stop === null || Number.isFinite(stop.s)); Engine.hands(M, S0, R, Z + 1000 * s, F); }""").replace(
            "let R", "let seen = [], R") + "return seen")
    assert len(told) > 1 and all(told)


def test_a_safe_stop_names_what_must_land_and_what_must_begin_yet(tmp_path: Path) -> None:
    rows = data("landscape")
    safe = rows["decisions"]["safe_after"]
    assert safe[:3] == (1, 2, 3)
    rows = rows | {"decisions": rows["decisions"] | {"safe_after": [2, 5]}}
    told = in_node(tmp_path, rows, """
      const stop = (...ns) => { const R = ns.reduce((r, n) => ticked(r, [n, "started", 0]), fresh()), s = Engine.safeStop(M, states(R), Engine.forecast(M, R, Z)); return s && [s.landing, s.begin]; };
      return [stop(1, 2), stop(1), stop(1, 3), stop(1, 6)]""")
    assert told == [[[1, 2], []], [[1], [2]], [[1, 3], [2, 4, 5]], None]


# ---- the console ---------------------------------------------------------------------------------------------------------

def pasted(tmp_path: Path, text: str, *, server: str = "", done: str = "fresh()") -> dict[str, Any]:
    found: dict[str, Any] = in_node(tmp_path, data(), f"""
      const R = {done}, read = Engine.read(M, arg.text, arg.server), seen = Engine.observed(M, R, read.facts, 600);
      return {{ ticks: seen.ticks.map(t => [M.moves.get(t.n).lpar, M.moves.get(t.n).leg, t.event]), said: seen.said, odd: read.odd, others: seen.others }}""",
                                    {"text": text, "server": server})
    return found


def first(lpar: str) -> tuple[int, str]:
    """Number and target of an LPAR's way out."""
    m = next(m for m in planned()[0].leg(OUT) if m.lpar == lpar)
    return m.number, m.target


def test_running_there_and_gone_here_has_arrived(tmp_path: Path) -> None:
    n, there = first("a1")
    loop = f"for s in A B C; do echo \"# $s\"; lssyscfg; done\n# A\na2,Running\na2,Not Migrating\n# {there}\na1,Running\nx9,Running\na1,Not Migrating\n"
    for text in (loop, f"hscroot@hmc1:~> lssyscfg -r lpar -m A -F name,state\na2,Running\nhscroot@hmc1:~> lssyscfg -r lpar -m {there} -F name,lpar_env,state\n"
                       "a1,aixlinux,Running\nx9,vioserver,Running\n",
                 f"# A\nname,state\na2,Running\n# {there}\nstate,name\nRunning,a1\nRunning,x9\n",
                 f"$ lssyscfg -r lpar -m A\r\nname=a2,lpar_id=12,lpar_env=aixlinux,state=Running\r\n$ lssyscfg -r lpar -m '{there}'\r\n"
                 "name=a1,lpar_id=3,state=Running,\"x=1,2\"\r\nname=x9,state=Running\r\n"):
        told = pasted(tmp_path, text)
        assert told["ticks"] == [["a1", "out", "arrived"]] and not told["odd"] and not told["said"] and told["others"] == 1, text
    assert n


def test_a_filtered_listing_says_nothing_of_others(tmp_path: Path) -> None:
    _, there = first("a1")
    text = (f"> lssyscfg -r lpar -m A -F name,state --filter lpar_names=a1\nNo results were found.\n> lssyscfg -r lpar -m {there} -F name,state "
            "--filter \"lpar_names=a1\"\na1,Running\n")
    told = pasted(tmp_path, text)
    assert told["ticks"] == [["a1", "out", "arrived"]] and not told["odd"]


def test_what_was_cut_proves_no_arrival(tmp_path: Path) -> None:
    """Of a command whose answer was not copied nothing is known; a filtered answer before it is no whole one. Nothing more is ticked of a
    text that ends anywhere than of the whole."""
    _, there = first("a1")
    runs = f"> lssyscfg -r lpar -m {there} -F name,state\na1,Running\n"
    asked = "> lssyscfg -r lpar -m A -F name,state"
    for cut in (asked, f"{asked} --filter lpar_names=a2\na2,Running\n{asked}\n", f"{asked} --filter lpar_names=a1"):
        told = pasted(tmp_path, runs + cut)
        assert told["ticks"] == [] and "paste the listing of A too" in told["said"][0], cut
    assert pasted(tmp_path, f"{runs}{asked}\na2,Running\n{asked} --filter lpar_names=a2\na2,Running\n")["ticks"] == [["a1", "out", "arrived"]]
    whole = (f"# A\nlslparmigr: no such thing\na2,Migrating - Running\na1,Migration Failed\nx1,Not Activated\n# {there}\nlpar_name=a1,"
             "migration_state=Not Migrating,remote_manager=\na1,3,Migrating - Running,inactive\n")
    ticks = in_node(tmp_path, data(), """
      return [...arg].map((_, k) => Engine.observed(M, fresh(), Engine.read(M, arg.slice(0, k + 1)).facts, 600).ticks.map(t => `${t.n} ${t.event}`))""", whole)
    assert ticks[-1] and all({*found} <= {*ticks[-1], f"{first('a1')[0]} started"} for found in ticks)
    assert not any("arrived" in t for found in ticks for t in found)


def test_one_listing_alone_proves_no_arrival(tmp_path: Path) -> None:
    _, there = first("a1")
    told = pasted(tmp_path, "a1,Running\n", server=there)
    assert told["ticks"] == [] and "paste the listing of A too" in told["said"][0]


def test_lines_without_a_server_are_not_understood(tmp_path: Path) -> None:
    assert pasted(tmp_path, "a1,Running\nwhat?\n")["odd"] == ["a1,Running", "what?"]
    assert pasted(tmp_path, "# Z\na1,Running\n", server="A")["odd"] == ["# Z"]


def test_migrations_are_started_failed_or_already_known(tmp_path: Path) -> None:
    n, there = first("a1")
    listing = f"# A\na1,Migrating - Running\n# {there}\na1,Migrating - Not Activated\n"
    assert pasted(tmp_path, listing)["ticks"] == [["a1", "out", "started"]]
    begun = f'ticked(fresh(), [{n}, "started", 0])'
    assert pasted(tmp_path, listing, done=begun)["ticks"] == []
    assert pasted(tmp_path, "# A\na1,Migration In Progress\n")["ticks"] == [["a1", "out", "started"]]
    assert pasted(tmp_path, "# A\nname=a1,lpar_id=4,migration_state=Migration Failed\n", done=begun)["ticks"] == [["a1", "out", "failed"]]
    assert pasted(tmp_path, "# A\na1,Not Migrating\na1,Running\n")["ticks"] == []


def test_one_that_runs_at_home_after_it_failed_is_recovered_and_one_ticked_as_started_is_asked_about(tmp_path: Path) -> None:
    n, there = first("a1")
    listing = f"# A\na1,Running\n# {there}\nb9,Running\n"
    failed = f'ticked(fresh(), [{n}, "started", 0], [{n}, "failed", 60])'
    assert pasted(tmp_path, listing, done=failed)["ticks"] == [["a1", "out", "stopped"], ["a1", "out", "recovered"]]
    told = pasted(tmp_path, listing, done=f'ticked(fresh(), [{n}, "started", 0])')
    assert told["ticks"] == [] and "has it failed?" in told["said"][0]


def test_listed_on_both_on_neither_and_old_listings_are_said_and_not_ticked(tmp_path: Path) -> None:
    n, there = first("a1")
    assert "look at it now" in pasted(tmp_path, f"# A\na1,Running\n# {there}\na1,Running\n")["said"][0]
    assert "neither" in " ".join(pasted(tmp_path, f"# A\na2,Running\n# {there}\nq,Running\n")["said"])
    old = pasted(tmp_path, f"# A\na1,Running\n# {there}\nq,Running\n", done=f'ticked(fresh(), [{n}, "started", 0], [{n}, "arrived", 60])')
    assert old["ticks"] == [] and "older listing" in old["said"][0]
    odd = pasted(tmp_path, f"# A\nq,Running\n# {there}\na1,Not Activated\n")
    assert odd["ticks"] == [] and "should be Running" in odd["said"][0]


@pytest.mark.parametrize("hostile", ["\x1b[31mred", ",,,,", '"' * 9999, "name=,state=", "# ", "a1," + "x" * 10000, "lssyscfg -m\n-m"])
def test_nothing_that_is_pasted_breaks_it(hostile: str, tmp_path: Path) -> None:
    assert pasted(tmp_path, hostile, server="A")["ticks"] == []


# ---- afterwards ------------------------------------------------------------------------------------------------------------

def test_results_against_their_ranges(tmp_path: Path) -> None:
    rows = in_node(tmp_path, data("landscape"), """
      const d = M.moves.get(1).duration_s, e = M.moves.get(2).duration_s;
      const R = ticked(fresh(), [1, "started", 0], [1, "arrived", d], [2, "started", 0], [2, "failed", 60], [2, "stopped", 61], [2, "recovered", 62], [2, "started", 90], [2, "arrived", 4 * e], [3, "started", 9]);
      return Engine.results(M, R).map(r => [r.n, r.ratio, r.inside, r.failures, r.who])""")
    assert [r[0] for r in rows] == [1, 2, 3] and rows[0][1] == pytest.approx(1, abs=0.02) and rows[0][2] is True
    assert rows[1][1] > 3.9 and rows[1][2] is False and rows[1][3] == 1 and rows[2][1] is None and rows[0][4] == ["JK"]


def test_the_log_of_a_lanes_script_ticks_with_its_own_times(tmp_path: Path) -> None:
    n, there = first("a1")
    log = (f"{lane_scripts._HEADER}\na1,A,{there},2026-12-05 22:01:00,2026-12-05 22:03:00,failed,8\n"
           f"a1,A,{there},2026-12-05 22:08:00,2026-12-05 22:12:00,ok,8\nb7,A,B,2026-12-05 22:08:00,2026-12-05 22:12:00,ok,8\n")
    told = in_node(tmp_path, data(), """
      const read = Engine.read(M, arg), done = Engine.logged(M, fresh(), read.runs), again = Engine.logged(M, ticked(fresh(), [%d, "started", 0]), read.runs);
      return [done.ticks.map(t => t.event + t.local.slice(10, 16)), done.said.length, read.odd, again.ticks[0].event]""".replace("%d", str(n)), log)
    assert told == [["started 22:01", "failed 22:03", "arrived 22:12"], 1, [], "failed"]
