"""The account of a consolidation, worked out by hand: each figure is believed to what rounding may do and no further."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from estates import BASE, changed, estate, freeing, loaded, lpar, move, plan_of, server, usage

from planner import jobs
from planner.cost import rperf_of_core
from planner.estate.model import Estate
from planner.plan.choices import BACK, Measure
from planner.plan.details import Account, ServerEnergy, Value
from planner.plan.plan import Move, Plan, Window
from planner.plan.questions import Consolidate
from planner.rules import Site
from planner.verify import verify_plan
from planner.verify.account import account_claims, stays_on

#: 110.0 W a core on A, 10.0 on B, 40.0 on C; a VIOS has half a core, two a server.
SITE = estate(
    [server("A", 8, 64, idle_watts=100, max_watts=980), server("B", 8, 64, idle_watts=100, max_watts=180),
     server("C", 8, 64, idle_watts=400, max_watts=720)],
    [lpar("a1", "A", 3, 8), lpar("b1", "B", 2, 8), lpar("c1", "C", 1, 8), lpar("c2", "C", 1.5, 8, busy_units=50)])
HOUR = 3_600_000
STATED = "stated in the estate"


def moved(name: str, source: str, target: str, start_h: float, end_h: float, **changes: Any) -> Move:
    start, end = round(start_h * HOUR), round(end_h * HOUR)
    return move(SITE, name, source, target, start_ms=start, duration_ms=end - start, bytes_sent=7 * 10**12, **changes)


OUT_AGAIN = (moved("c1", "C", "A", 0, 0.25), moved("c2", "C", "B", 0.25, 0.75))


def kwh(of: Estate, source: str, target: str, per_core: Mapping[str, float], sent: int = 7 * 10**12) -> float:
    """Watts of a core by the cores that a MB a second keeps busy, on both sides."""
    site = Site(of)
    p = site.parameters
    return sum(per_core[s] * rperf / rperf_of_core(site.servers[s], p) * sent / 1e6 / 3.6e6
               for s, rperf in ((source, p.source_rperf_per_mb_s), (target, p.target_rperf_per_mb_s)))


def value(of: float, money: float = 0.25, co2: float = 0.5) -> Value:
    return Value(of, round(of * money, 2), round(of * co2, 2))


#: C 400 + 40·(1 + 1 + 0.5) = 500 W, A 100 + 110·(1 + 3) = 540, B 100 + 10·(1 + 2) = 130. After: 110 W more on A, 5 on B.
FOR_GOOD = 8760.0
WATTS = {"A": 110, "B": 10, "C": 40}
BOTH = kwh(SITE, "C", "A", WATTS) + kwh(SITE, "C", "B", WATTS)
ROUND = BOTH + kwh(SITE, "A", "C", WATTS) + kwh(SITE, "B", "C", WATTS)
ROWS = (
    ServerEnergy("A", False, 100, 980, False, STATED, before_w=540.0, after_w=650.0, off_h=0.0, saved_kwh=-963.6, moves_kwh=0.0),
    ServerEnergy("B", False, 100, 180, False, STATED, before_w=130.0, after_w=135.0, off_h=0.0, saved_kwh=-43.8, moves_kwh=0.0),
    ServerEnergy("C", True, 400, 720, False, STATED, before_w=500.0, after_w=0.0, off_h=FOR_GOOD, saved_kwh=4380.0,
                 moves_kwh=round(BOTH, 3)))
ACCOUNT = Account(FOR_GOOD, 0.25, "EUR", 0.5, 1170.0, 785.0, before=value(10249.2), saved=value(3372.6), moves=value(BOTH),
                  net=value(3372.6 - BOTH), move_hours=0.75, servers=ROWS)
AFTER = {"a1": "A", "b1": "B", "c1": "A", "c2": "B"}


def plan_with(moves: tuple[Move, ...] = OUT_AGAIN, **changes: Any) -> Plan:
    return plan_of(moves, "C", off=("C",), **changes)


def wrong(plan: Plan, account: Account, of: Estate = SITE, after: Mapping[str, str] = AFTER) -> list[str]:
    return [c.what if c.subject == "plan" else f"{c.what} of {c.subject}" for c in account_claims(plan, account, Site(of), after)
            if c.findings()]


def of_row(account: Account, number: int, **changes: Any) -> Account:
    rows = [*account.servers]
    rows[number] = replace(rows[number], **changes)
    return replace(account, servers=tuple(rows))


def test_the_account_by_hand_is_right() -> None:
    assert wrong(plan_with(), ACCOUNT) == []


FIGURES: dict[str, tuple[Callable[[float], Account], str, float, float]] = {
    "before_w": (lambda d: replace(ACCOUNT, before_w=1170 + d), "power before (W)", 0.05, 0.1),
    "after_w": (lambda d: replace(ACCOUNT, after_w=785 + d), "power after (W)", 0.05, 0.1),
    "before": (lambda d: replace(ACCOUNT, before=value(10249.2 + d)), "kWh before", 0.44786, 0.44787),
    "saved": (lambda d: replace(ACCOUNT, saved=value(3372.6 + d)), "kWh saved", 0.002, 0.0021),
    "moves": (lambda d: replace(ACCOUNT, moves=value(BOTH + d)), "kWh of moves", 0.0005, 0.0006),
    "net": (lambda d: replace(ACCOUNT, net=value(3372.6 - BOTH + d)), "kWh net", 0.0015, 0.0016),
    "move_hours": (lambda d: replace(ACCOUNT, move_hours=0.75 + d), "hours of moving", 0.0005, 0.0006),
    "row's before": (lambda d: of_row(ACCOUNT, 0, before_w=540 + d), "power before (W) of A", 0.05, 0.1),
    "row's after": (lambda d: of_row(ACCOUNT, 1, after_w=135 + d), "power after (W) of B", 0.05, 0.1),
    "row's hours": (lambda d: of_row(ACCOUNT, 2, off_h=FOR_GOOD + d), "hours off of C", 0.001, 0.0011),
    "row of one that stays": (lambda d: of_row(ACCOUNT, 0, off_h=d), "hours off of A", 0.001, 0.0011),
    "row's saving": (lambda d: of_row(ACCOUNT, 2, saved_kwh=4380 + d), "kWh saved of C", 0.8951, 0.8952),
    "saving of one that stays": (lambda d: of_row(ACCOUNT, 1, saved_kwh=-43.8 + d), "kWh saved of B", 0.8947, 0.8948),
    "row's moves": (lambda d: of_row(ACCOUNT, 2, moves_kwh=BOTH + d), "kWh of its moves of C", 0.0005, 0.0006),
    "moves of one that stays": (lambda d: of_row(ACCOUNT, 0, moves_kwh=d), "kWh of its moves of A", 0.0005, 0.0006),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_each_figure_is_believed_to_its_rounding_and_no_further(name: str, sign: int) -> None:
    """A year's saving may be off by 0.05 W of 8760 h, not by 8.77 kWh; what stays on was not looked at."""
    account, claim, just, too_much = FIGURES[name]
    assert claim not in wrong(plan_with(), account(sign * just)) and claim in wrong(plan_with(), account(sign * too_much))


@pytest.mark.parametrize("name", ["before", "saved", "moves", "net"])
@pytest.mark.parametrize(("of", "just", "too_much"), [("money", 0.005, 0.01), ("co2_kg", 0.005, 0.01)])
def test_money_and_co2_are_their_kwh_to_a_cent(name: str, of: str, just: float, too_much: float) -> None:
    """And nothing where nobody says what a kWh costs."""
    plan, own, claim = plan_with(), getattr(ACCOUNT, name), f"{of} of kWh {name}"
    exact = replace(own, **{of: own.kwh * (0.25 if of == "money" else 0.5)})
    for sign in (-1, 1):
        for by, told in ((just, []), (too_much, [claim])):
            assert wrong(plan, replace(ACCOUNT, **{name: replace(exact, **{of: getattr(exact, of) + sign * by})})) == told
    unpriced = replace(ACCOUNT, tariff_per_kwh=None, co2_kg_per_kwh=None)
    assert claim in wrong(plan, unpriced)
    bare = {n: Value(getattr(ACCOUNT, n).kwh) for n in ("before", "saved", "moves", "net")}
    assert wrong(plan, replace(unpriced, **bare)) == []


def test_a_large_price_may_be_off_by_what_the_kwh_are_rounded() -> None:
    dear = replace(ACCOUNT, tariff_per_kwh=100.0, **{
        n: replace(getattr(ACCOUNT, n), money=getattr(ACCOUNT, n).kwh * 100 + 0.055) for n in ("before", "saved", "moves", "net")})
    assert wrong(plan_with(), dear) == []
    assert wrong(plan_with(), replace(dear, net=replace(dear.net, money=dear.net.kwh * 100 + 0.06))) == ["money of kWh net"]


@pytest.mark.parametrize(("changes", "told"), [
    ({"off": False}, True), ({"idle_w": 401}, True), ({"max_w": 719}, True), ({"assumed": True}, True), ({"source": "me"}, True)])
def test_what_is_said_of_a_server_is_the_estates(changes: dict[str, Any], told: bool) -> None:
    assert ("off, watts idle and at most, assumed, by whom of C" in wrong(plan_with(), of_row(ACCOUNT, 2, **changes))) is told


def test_every_server_has_its_row_and_no_other() -> None:
    assert wrong(plan_with(), replace(ACCOUNT, servers=ROWS[::-1])) == []
    assert wrong(plan_with(), replace(ACCOUNT, servers=ROWS[:2]))[0] == "servers of the account"
    strange = (*ROWS, replace(ROWS[0], server="Z", before_w=0.0, after_w=0.0, saved_kwh=0.0))
    assert wrong(plan_with(), replace(ACCOUNT, servers=strange)) == ["servers of the account"]


# ---- a weekend -------------------------------------------------------------------------------------------------------

#: Of 58 h C is off from 2.0 to 56.0 less half an hour for starting; A and B carry its LPARs from 2.0 to 56.0.
WEEKEND = Window(datetime(2026, 11, 27, 20), datetime(2026, 11, 30, 6))
LATER = (OUT_AGAIN[0], moved("c2", "C", "B", 0.25, 2))
THERE_AND_BACK = (*LATER, moved("c1", "A", "C", 56, 56.25, leg=BACK), moved("c2", "B", "C", 56.5, 57, leg=BACK))


def weekend_rows() -> Iterator[ServerEnergy]:
    for row in ROWS:
        hours = 53.5 if row.off else 54.0
        saved = (row.before_w - row.after_w) * hours / 1000 - (0.5 * (720 - 500) / 1000 if row.off else 0)
        yield replace(row, off_h=53.5 if row.off else 0.0, saved_kwh=round(saved, 3),
                      moves_kwh=round(ROUND, 3) if row.off else 0.0)


SAVED = 500 * 53.5 / 1000 - 0.11 - 115 * 54.0 / 1000
OF_WEEKEND = replace(ACCOUNT, hours=58.0, before=value(1170 * 0.058), saved=value(SAVED), moves=value(ROUND),
                     net=value(SAVED - ROUND), move_hours=2.75, servers=tuple(weekend_rows()))


def test_a_weekends_account_counts_its_own_hours_and_the_start_at_maximum_power() -> None:
    plan = plan_with(THERE_AND_BACK, window=WEEKEND)
    assert wrong(plan, OF_WEEKEND) == []
    for by, told in ((0.0005, []), (-0.0005, []), (0.002, ["hours counted"]), (-0.002, ["hours counted"])):
        assert [c for c in wrong(plan, replace(OF_WEEKEND, hours=58 + by)) if c == "hours counted"] == told
    for by in (-0.02, 0.02):
        assert "kWh saved of C" in wrong(plan, of_row(OF_WEEKEND, 2, saved_kwh=OF_WEEKEND.servers[2].saved_kwh + by))
        assert "kWh saved of A" in wrong(plan, of_row(OF_WEEKEND, 0, saved_kwh=OF_WEEKEND.servers[0].saved_kwh + by))


@pytest.mark.parametrize(("windows", "hours"), [
    ({"window": WEEKEND, "back_window": Window(datetime(2026, 12, 4, 20), datetime(2026, 12, 5, 1))}, 173), ({}, 57),
    ({"window": None, "back_window": WEEKEND}, 57), ({"window": WEEKEND}, 58)])
def test_the_hours_are_those_to_the_end_of_the_last_window_or_of_the_last_move(windows: dict[str, Any], hours: float) -> None:
    counted = replace(OF_WEEKEND, hours=float(hours), before=value(1170 * hours / 1000))
    assert wrong(plan_with(THERE_AND_BACK, **windows), counted) == []
    coming = freeing("C", come_back=True)
    alone = plan_with(OUT_AGAIN, window=WEEKEND).replace(goal=coming)
    assert ("hours counted" in wrong(alone, replace(ACCOUNT, hours=58.0))) is False
    assert "hours counted" in wrong(alone, ACCOUNT) and "hours counted" not in wrong(plan_with(), replace(ACCOUNT, hours=7.0))


def test_a_server_to_which_nobody_comes_back_is_off_to_the_end_and_one_without_time_not_at_all() -> None:
    """c1 alone comes back, and not to C, which is off from 2.0 on. Where the way back begins at once, nothing is off or started."""
    elsewhere = (*LATER, moved("c1", "A", "B", 56, 56.25, leg=BACK))
    plan = plan_with(elsewhere, window=WEEKEND)
    saved = 500 * 56.0 / 1000 - 0.11
    row = replace(OF_WEEKEND.servers[2], off_h=56.0, saved_kwh=saved, moves_kwh=round(BOTH, 3))
    of = replace(OF_WEEKEND, servers=(*OF_WEEKEND.servers[:2], row))
    assert not [c for c in wrong(plan, of) if c.endswith("of C")]
    at_once = plan_with((*LATER, moved("c1", "A", "C", 2.5, 2.75, leg=BACK)), window=WEEKEND)
    for off_h, saving, told in ((0.0, 0.0, []), (0.0, -0.11, ["kWh saved of C"]), (0.5, 0.0, ["hours off of C"])):
        of = of_row(OF_WEEKEND, 2, off_h=off_h, saved_kwh=saving, moves_kwh=round(BOTH + kwh(SITE, "A", "C", WATTS), 3))
        assert [c for c in wrong(at_once, of) if c.endswith("of C") and not c.startswith("kWh of its")] == told


def test_a_server_that_nobody_leaves_is_off_from_the_beginning() -> None:
    plan = plan_with((moved("c1", "A", "C", 56, 56.25, leg=BACK),), window=WEEKEND)
    told = wrong(plan, of_row(OF_WEEKEND, 2, off_h=55.5, saved_kwh=500 * 55.5 / 1000 - 0.11))
    assert [c for c in told if c.endswith("of C") and not c.startswith("kWh of its")] == []


# ---- watts -----------------------------------------------------------------------------------------------------------

def watts(of: Estate, names: tuple[str, ...] = ("a1", "a2"), rows: Mapping[str, list[int]] | None = None, *, idle: bool = False) -> float:
    site = Site(of, usage=None if rows is None else usage(of, rows))
    return stays_on(site, dict.fromkeys(names, "A"), {"B", "C"}, Measure.WATTS, idle)


POWERED = changed(BASE, "A", idle_watts=100, max_watts=180)


def test_watts_are_of_those_that_are_there_as_measured_as_stated_or_by_entitlement() -> None:
    """16 cores: 5.0 W a core. VIOSes 1.00, a1 1.00 and a2 0.50 by entitlement."""
    assert watts(POWERED) == 112.5 and watts(POWERED, ("a1",)) == 110.0 and watts(POWERED, idle=True) == 105.0
    assert watts(changed(POWERED, "a2", busy_units=25)) == 111.25
    assert watts(POWERED, rows={"a1": [2000, 3001]}) == pytest.approx(100 + 5 * (1 + 0.5 + 2.500))
    assert watts(POWERED, rows={"a1": [1001, 1002, 1002]}) == pytest.approx(100 + 5 * (1 + 0.5 + 1.002))


@pytest.mark.parametrize(("cores", "most", "per_core"), [(16, 181, 5.1), (16, 180, 5.0), (8, 187, 10.9), (0, 180, 8000.0)])
def test_watts_of_a_core_are_rounded_to_a_tenth_half_of_one_up(cores: float, most: int, per_core: float) -> None:
    """81 W for 16 cores are 5.0625 each; 87 for 8 are 10.875; a server without cores counts as one of a hundredth."""
    of = changed(POWERED, "A", configurable_units=round(cores * 100), max_watts=most)
    assert watts(of, ()) == pytest.approx(100 + per_core)


def test_in_the_search_watts_go_beyond_the_maximum_and_in_the_account_they_do_not() -> None:
    """2.50 cores busy of one: 100 + 80 · 2.5. A and C have one core now, B 8."""
    assert watts(changed(POWERED, "A", configurable_units=100)) == 300.0
    of = changed(changed(SITE, "A", configurable_units=100), "C", configurable_units=100)
    at_most = of_row(of_row(ACCOUNT, 0, before_w=980.0, after_w=980.0), 2, before_w=720.0)

    def told(account: Account) -> list[str]:
        return [c for c in wrong(plan_with(), account, of) if c.startswith("power")]

    assert told(replace(at_most, before_w=980.0 + 130 + 720, after_w=980.0 + 135)) == []
    assert told(at_most) == ["power before (W)", "power after (W)"]


def test_watts_are_summed_of_all_that_stay_on() -> None:
    site = Site(SITE)
    assert stays_on(site, {"a1": "A", "b1": "B", "c1": "B"}, {"C"}, Measure.WATTS, False) == (100 + 440) + (100 + 40)
    assert stays_on(site, {"a1": "A", "b1": "B", "c1": "B"}, {"C"}, Measure.WATTS, True) == (100 + 110) + (100 + 10)


@pytest.mark.parametrize(("measure", "stays"), [(Measure.SERVERS, 2.0), (Measure.CORES, 20.5), (Measure.LICENCES, 0.0)])
def test_what_stays_on_counts_servers_cores_and_licences_of_which_there_are_none(measure: Measure, stays: float) -> None:
    of = changed(BASE, "B", configurable_units=450)
    assert stays_on(Site(of), {}, {"C"}, measure, False) == stays


def test_totals_are_the_sums_of_the_rows_that_are_shown() -> None:
    """Found by a suite: three rows, each rounded to a tenth, add up to half a tenth less than what they are rounded of,
    and a plan that said their sum did not hold."""
    base = estate([server("A"), server("B"), server("C")], [lpar("a1", "A", 1), lpar("b1", "B", 1), lpar("c1", "C", 1)])
    for busy in range(40, 60):
        of = base.replace(lpars=tuple(replace(p, busy_units=busy + 7 * n) for n, p in enumerate(base.lpars)))
        plan = jobs.consolidate(loaded(of), Consolidate(off=("C",), keep=("A", "B")), jobs.Options())
        account = plan.energy
        assert account is not None and account.after_w == pytest.approx(sum(r.after_w for r in account.servers))
        assert verify_plan(plan, of).holds, busy
        spoilt = replace(account, after_w=round(account.after_w + 0.1, 1))
        assert not verify_plan(plan.replace(energy=spoilt), of).holds, busy
