"""Plans in lanes: hold whatever the minutes are, wait for no more than that needs, and are never longer than in waves."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from random import Random

import networkx as nx
import pytest
from estates import estate, loaded, lpar, server
from landscape import landscape
from portion import portion
from scarce import drawn
from tight import FREED, tight
from timings import broken_at_some_time

from planner.cost import copy_at
from planner.estate.model import Estate, Policy
from planner.jobs import Options, evacuate, window_from
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.schedule import chain, lanes
from planner.schedule.bound import at_least
from planner.schedule.chain import Check, Order, chained, closed, served
from planner.schedule.clock import Air
from planner.schedule.dispatch import Dispatch, Schedule, listed
from planner.schedule.lanes import Pacing
from planner.schedule.leg import Leg, leg_of
from planner.schedule.play import Night, played

QUICK = Pacing(effort=0.05)


def planned(of: Estate, freed: str, pacing: Pacing = QUICK, *, back: bool = True, window: str = "") -> Plan:
    options = Options(time_limit=10, gap=0.1, work_s=60, pacing=pacing, window=window_from(window) if window else None)
    return evacuate(loaded(of), Evacuate(servers=(freed,), come_back=back), options)


def site_of(of: Estate, plan: Plan) -> Site:
    return Site(of, goal=plan.goal)


@cache
def tight_leg(seed: int) -> Leg:
    """The way out of a tight site, which a plan in waves takes in the order of its starts."""
    of = tight(seed, shifting=True).estate
    plan = planned(of, FREED, replace(QUICK, waves=True), back=False)
    return leg_of(site_of(of, plan), sorted(plan.moves, key=lambda m: (m.start_ms, m.wave)))


@cache
def of_landscape() -> tuple[Estate, Plan]:
    of = landscape()
    return of, planned(of, "SN8379A80_p595-2")


def test_the_landscape_holds_whatever_the_minutes_are() -> None:
    of, plan = of_landscape()
    site = site_of(of, plan)
    assert plan.in_lanes
    assert not broken_at_some_time(plan, site, Judge(site), portion(200))


@pytest.mark.parametrize("seed", range(portion(12, 3)))
def test_small_sites_with_scarce_ports_hold_whatever_the_minutes_are(seed: int) -> None:
    of = drawn(seed)
    plan = planned(of, "A", replace(QUICK, people=seed % 3))
    site = site_of(of, plan)
    assert not plan.moves or plan.in_lanes
    assert not plan.moves or not broken_at_some_time(plan, site, Judge(site), 40, seed)


@pytest.mark.parametrize("seed", range(portion(4, 2)))
def test_tight_sites_hold_whatever_the_minutes_are(seed: int) -> None:
    of = tight(seed, shifting=True).estate
    plan = planned(of, FREED, back=False)
    site = site_of(of, plan)
    assert not broken_at_some_time(plan, site, Judge(site), 40, seed)


def test_each_wait_that_names_a_rule_is_needed() -> None:
    """Without it the check finds that rule broken, and some timing breaks a rule moment by moment."""
    of, plan = of_landscape()
    site = site_of(of, plan)
    named = [m for m in plan.leg(OUT) if any(w.rule for w in m.waits)]
    assert named
    for m in named[:3]:
        fewer = replace(m, waits=(), lane=max(x.lane for x in plan.moves) + 1)
        loose = plan.replace(moves=tuple(fewer if x is m else x for x in plan.moves))
        assert broken_at_some_time(loose, site, Judge(site), 400), m.lpar


@pytest.mark.parametrize("seed", range(portion(6, 3)))
def test_lanes_are_never_longer_than_waves_nor_shorter_than_at_least(seed: int) -> None:
    of = tight(seed, shifting=bool(seed % 2)).estate
    waves, plan = (planned(of, FREED, replace(QUICK, waves=w)) for w in (True, False))
    for leg in (OUT, BACK):
        assert plan.leg_span_s(leg) <= waves.leg_span_s(leg) + 0.01
        assert plan.leg_span_s(leg) >= plan.at_least_s[leg] - 0.01


def test_the_schedule_is_what_happens_when_each_starts_as_soon_as_it_may() -> None:
    leg = tight_leg(1)
    rng, n = Random(1), len(leg.jobs)
    for _ in range(portion(20)):
        order = rng.sample(range(n), n)
        made = Dispatch(leg, listed(leg, order, [rng.randrange(-1, len(j.pairs)) for j in leg.jobs],
                                    [rng.randint(1, most) for most in leg.limit])).run()
        if made is None:
            continue
        course = played(leg, made.pair, chained(leg, made).after)
        assert course.start == pytest.approx(made.start)
        assert course.end == pytest.approx(made.end)
        assert made.makespan >= at_least(leg) - 0.01


@pytest.mark.parametrize("seed", range(portion(40)))
def test_no_order_is_shorter_than_the_bound_whatever_each_server_takes_part_in(seed: int) -> None:
    """Two moves from a server of one at a time went to a server of two, which was then taken for one of one as well."""
    rng = Random(seed)
    servers = [replace(server(s, 64, 512), max_migrations=rng.choice((1, 1, 2, 3))) for s in "ABC"]
    routes = [rng.choice((("A", "B"), ("A", "C"), ("B", "C"), ("B", "A"))) for _ in range(rng.randint(3, 5))]
    of = estate(servers, [lpar(f"p{n}", source, 1, rng.randint(4, 40)) for n, (source, _) in enumerate(routes)])
    leg = leg_of(Site(of), [Move(f"p{n}", *route, OUT) for n, route in enumerate(routes)])
    least, n = at_least(leg), len(routes)
    for _ in range(20):
        made = Dispatch(leg, listed(leg, rng.sample(range(n), n), [rng.randrange(-1, len(j.pairs)) for j in leg.jobs])).run()
        assert made is None or made.makespan >= least - 0.01


@pytest.mark.parametrize("seed", range(portion(8)))
def test_a_chained_schedule_breaks_nothing_by_its_order_alone(seed: int) -> None:
    leg = tight_leg(seed)
    made = Dispatch(leg, listed(leg, range(len(leg.jobs)))).run()
    assert made is not None
    order = chained(leg, made)
    check, by_start = Check(leg, made.pair), sorted(range(len(leg.jobs)), key=lambda i: made.start[i])
    assert not [*check.broken(closed(order.after, by_start))]
    for i, those in enumerate(order.after):
        for j, why in those.items():
            fewer = [set(a) - ({j} if k == i else set()) for k, a in enumerate(order.after)]
            assert bool([*check.broken(closed(fewer, by_start))]) == (why is not None)


def test_alone_a_move_takes_what_the_cost_model_says() -> None:
    of, plan = of_landscape()
    site = site_of(of, plan)
    for m in plan.leg(OUT)[:8]:
        leg = leg_of(site, [m])
        for pair in leg.jobs[0].pairs:
            air = Air(leg)
            air.begin(0, pair, 0.0)
            ended = air.next(0.0, math.inf)
            said = copy_at(site.lpars[m.lpar], leg.rate(*pair, 1, 1), site.parameters_for(m.lpar))
            assert ended is not None
            assert ended[0] == pytest.approx(said.duration_ms / 1000, abs=0.002)
            (sent,), (still_s,) = air.carried()
            assert sent == pytest.approx(said.bytes_sent, abs=2)
            assert still_s == pytest.approx(said.suspend_ms / 1000, abs=0.002)


def two_alike(share: float) -> Leg:
    """Two LPARs that leave one server for another over the same pairs of movers, and dirty nothing."""
    of, plan = of_landscape()
    idle = of.replace(lpars=tuple(replace(p, busy_units=0) for p in of.lpars))
    site = site_of(idle, plan)
    site.parameters = replace(site.parameters, share_in_overhead=share)
    large = sorted((m for m in plan.leg(OUT) if m.target == "SN1001C92_p570-2" and m.source == "SN8379A80_p595-2"
                    and site.lpars[m.lpar].memory_mib >= 8192), key=lambda m: (site.lpars[m.lpar].memory_mib, m.lpar))
    return leg_of(site, large[:2])


def test_overhead_takes_a_share_unless_the_parameter_says_otherwise() -> None:
    """Two moves, the second 30 s behind the first: by hand, 45 s of overhead, volume V, link b, nothing dirtied."""
    for share in (1.0, 0.0):
        leg = two_alike(share)
        volume, rate = leg.jobs[0].load.volume, leg.rate(*leg.jobs[0].pairs[0], 1, 1)
        air = Air(leg)
        air.begin(0, leg.jobs[0].pairs[0], 0.0)
        assert air.next(0.0, 30.0) is None
        air.begin(1, leg.jobs[0].pairs[0], 30.0)
        first = air.next(30.0, math.inf)
        assert first is not None
        alone = 0.0 if share else 30.0  # seconds of copying before the other takes its share
        assert volume <= leg.jobs[1].load.volume
        expected = leg.jobs[0].load.overhead_s + alone + 2 * (volume - alone * rate) / rate + leg.parameters.resume_s
        assert first[0] == pytest.approx(expected, abs=0.01)


def test_a_blackout_gives_a_move_its_time_and_its_latest_start() -> None:
    of, _ = of_landscape()
    dark = Policy("blackout", "hxaix51", "daily 22:30/23:30")
    plan = planned(of.replace(policies=(*of.policies, dark)), "SN8379A80_p595-2", window="2026-12-05 22:00/06:00")
    moved = {(m.leg, m.lpar): m for m in plan.moves}[OUT, "hxaix51"]
    begin, end = 30 * 60_000, 90 * 60_000
    assert moved.start_ms >= end or moved.start_ms + moved.duration_ms <= begin
    if moved.start_ms >= end:
        assert moved.not_before_ms == end
    else:
        assert moved.latest_ms is not None and moved.start_ms <= moved.latest_ms <= begin - moved.duration_ms


def test_who_needs_the_room_of_a_failed_move_does_not_begin() -> None:
    leg = tight_leg(1)
    made = Dispatch(leg, listed(leg, range(len(leg.jobs)))).run()
    assert made is not None
    order = chained(leg, made)
    i, j = next((i, j) for i, those in enumerate(order.after) for j, why in those.items() if why and why.room)
    course = played(leg, made.pair, order.after, Night(failed={j: 10.0}))
    assert math.isnan(course.start[i])
    assert course.end[j] == pytest.approx(course.start[j] + 10)


def test_no_more_moves_at_a_time_than_people() -> None:
    of, _ = of_landscape()
    plan = planned(of, "SN8379A80_p595-2", replace(QUICK, people=2), back=False)
    assert max(m.lane for m in plan.moves) == 2
    assert not any(w.rule for m in plan.moves for w in m.waits if "people" in w.why)


def test_the_same_work_gives_the_same_plan() -> None:
    of = tight(3, shifting=False).estate
    assert planned(of, FREED).moves == planned(of, FREED).moves


def test_lanes_that_fail_their_proof_give_a_plan_in_waves_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the scheduler forget a wait, the person still gets a plan that holds."""
    real = chain.chained

    def forgetful(leg: Leg, schedule: Schedule) -> Order:
        order = real(leg, schedule)
        return replace(order, after=[{} for _ in order.after], lanes=[[i] for i in range(len(order.after))])

    monkeypatch.setattr(lanes, "chained", forgetful)
    of, _ = of_landscape()
    plan = planned(of, "SN8379A80_p595-2", back=False)
    assert plan.verified and not plan.in_lanes
    assert [f.severity for f in plan.findings if f.rule == "plan.lanes"] == ["warning"]


def test_why_a_move_waits_is_told_of_these_two_or_of_whose_sake_it_is() -> None:
    """No wait says that something is left by who never was there, nor speaks of a third LPAR as of its own."""
    of, plan = of_landscape()
    named, count = {m.number: m for m in plan.moves}, 0
    for m, w in ((move, w) for move in plan.moves for w in move.waits if w.rule):
        other = named[w.move]
        if w.why.startswith("needs "):
            assert w.why.endswith(f"on {m.target} that {other.lpar} leaves") and other.source == m.target
        third = [p.name for p in of.lpars if p.name in re.findall(r"[\w-]+", w.why) and p.name not in (m.lpar, other.lpar)]
        assert not third or w.why.startswith(f"for the sake of {third[0]}")
        count += bool(third)
    assert count


def test_what_arrivals_take_can_be_had_exactly_where_a_maximum_flow_of_networkx_serves_them() -> None:
    seen = set()
    for seed in range(100):
        rng = Random(seed)
        takes = [(i, rng.randint(1, 9)) for i in range(rng.randint(1, 6))]
        gives = [(10 + j, rng.randint(1, 9)) for j in range(rng.randint(0, 6))]
        before = [sum(1 << j for j, _ in gives if rng.random() < 0.5) for _ in takes]
        slack = rng.randint(0, 12)
        graph = nx.DiGraph([("from", "free", {"capacity": slack})])
        graph.add_edges_from(("from", j, {"capacity": q}) for j, q in gives)
        for i, q in takes:
            graph.add_edge(i, "to", capacity=q)
            graph.add_edges_from((j, i) for j in ("free", *(j for j, _ in gives if before[i] >> j & 1)))
        flow = nx.maximum_flow_value(graph, "from", "to")
        assert served(slack, takes, gives, before) == (flow == sum(q for _, q in takes)), seed
        seen.add(flow == sum(q for _, q in takes))
    assert len(seen) == 2
