"""Lanes: what is proved from lanes and waits alone is what brute force finds in all states that can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations
from random import Random

import pytest
from estates import backed, estate, exactly, judged, lpar, move, plan_of, policy, pool, server, vioses
from portion import portion
from timings import moment_by_moment

from planner.estate.model import Estate, Fibre, Port, SriovPort
from planner.findings import errors
from planner.plan.plan import Move, Plan, Wait
from planner.verify.counts import lacking, limits
from planner.verify.lanes import lane_findings
from planner.verify.order import Precedence, arcs_of, malformed, ordered_by
from planner.verify.provisos import Assembly, Crowd, Room, Stay

State = tuple[frozenset[int], frozenset[int]]
"""Moves that are over, and in flight."""


def poset(rng: Random, count: int) -> list[int]:
    """Bits of all that are before each."""
    before = [0] * count
    for i in range(count):
        for j in range(i):
            if rng.random() < 0.35:
                before[i] |= before[j] | 1 << j
    return before


def states(before: Sequence[int]) -> Iterator[State]:
    """Every state that can be, with as many in flight as can be."""
    every = range(len(before))
    for over in chain.from_iterable(combinations(every, n) for n in range(len(before) + 1)):
        done = sum(1 << i for i in over)
        if all(before[i] & ~done == 0 for i in over):
            yield frozenset(over), frozenset(i for i in every if not done >> i & 1 and before[i] & ~done == 0)


def order_of(before: Sequence[int]) -> Precedence:
    return Precedence(tuple(Move(f"p{i}", "A", "B", lane=i + 1, number=i + 1) for i in range(len(before))), tuple(before))


@pytest.mark.parametrize("seed", range(portion(20, 2)))
def test_room_and_crowds_are_exact_for_random_orders(seed: int) -> None:
    for number in range(100):
        rng = Random(f"{seed} {number}")
        before = poset(rng, rng.randint(1, 6))
        order, moves = order_of(before), range(len(before))
        comes = [i for i in moves if rng.random() < 0.5]
        takes = {i: rng.randint(1, 9) for i in comes}
        gives = {i: rng.randint(1, 9) for i in moves if i not in comes}
        held = max(sum(takes[i] for i in over | flying if i in takes) - sum(gives[i] for i in over if i in gives)
                   for over, flying in states(before))
        left = rng.randint(0, 15)
        room = Room("memory.capacity", "B", "B", left, takes, gives, str)
        assert bool(room.breach(order)) == (held > left)
        assert not room.surely(order) or held <= left
        if held > left:
            assert f": {held - left} too many" in room.breach(order)
        crowd = max(len(flying) for _, flying in states(before))
        for most in range(7):
            assert bool(Crowd("timing.server-limit", "B", moves, most, "").breach(order)) == (crowd > most)
        one = rng.choice(moves)
        beside = max(len(flying) for _, flying in states(before) if one in flying)
        assert bool(Crowd("timing.share", "B", moves, 2, "", beside=one).breach(order)) == (beside > 2)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_no_sum_is_looked_at_in_every_state(seed: int) -> None:
    for number in range(60):
        rng = Random(f"{seed} {number}")
        before = poset(rng, rng.randint(1, 6))
        leaves = {i for i in range(len(before)) if rng.random() < 0.5}
        stays = [Stay(f"p{i}", "B", leaves=i) if i in leaves else Stay(f"p{i}", "B", arrives=i) for i in range(len(before))]
        refused = [{f"p{i}" for i in rng.sample(range(len(before)), min(2, len(before)))} for _ in range(2)]

        def asked(there: object, refused: list[set[str]] = refused) -> str:
            return "too many" if any(bad <= {*there} for bad in refused) else ""  # type: ignore[misc]

        fit = Assembly("storage.npiv-mapping", "B", stays, asked, lambda there, asked=asked: not asked(there))  # type: ignore[misc]
        met = any(asked([f"p{i}" for i in range(len(before)) if (i not in over if i in leaves else i in over | flying)])
                  for over, flying in states(before))
        assert bool(fit.breach(order_of(before))) == met


def test_what_is_too_large_to_be_looked_at_is_said() -> None:
    stays = [Stay(f"p{i}", "B", arrives=i) for i in range(30)]
    fit = Assembly("storage.npiv-mapping", "B", stays, lambda there: "", lambda there: False)
    assert "nobody can say" in fit.breach(order_of([0] * 30))


def site_of(rng: Random) -> Estate:
    """Three servers with hardly any room for anything that is counted."""
    lpars = [lpar(f"{s.lower()}{n}", s, rng.choice((0.5, 1, 2)), rng.choice((4, 8)),
                  software=("PowerHA 6.1",) if rng.random() < 0.1 else (), busy_units=rng.choice((50, 250)))
             for s in "ABC" for n in range(3)]
    names = [p.name for p in lpars]
    rows = [policy("keep-apart", "far", "; ".join(rng.sample(names, 2))), policy("cluster", "crm", "; ".join(
        rng.sample(names, 2))), policy("concurrency", "B", str(rng.randint(1, 3)))]
    rows = [row for row in rows if rng.random() < 0.6]
    servers = [exactly(server(s), [p for p in lpars if p.server == s], rng.choice((1, 2, 4)), rng.choice((4, 8, 16)))
               for s in "ABC"]
    of = estate(servers, lpars, rows)
    both = [v for s in "ABC" for v in vioses(s)]
    fibres = [Fibre(p.name, 40, f"{p.server}-v1", f"c05{p.name}0", f"c05{p.name}1", "f1", True, "fcs0") for p in of.lpars]
    of = backed(of, {n: [(30,)] for n in rng.sample(names, 3)}, "T1").replace(
        fibres=tuple(fibres), ports=tuple(Port(v.name, "fcs0", "f1", rng.randint(0, 3)) for v in both),
        pools=(pool("B", 1, rng.choice((1, 3))),), sriov=tuple(SriovPort(s, "T1", 4, rng.choice((30, 60))) for s in "ABC"))
    return of.replace(lpars=tuple(replace(p, lpar_id=11 if p.server == "B" and rng.random() < 0.2 else p.lpar_id)
                                  for p in of.lpars),
                      vioses=tuple(replace(v, max_virtual_slots=rng.choice((14, 40)), used_virtual_slots=10) for v in both))


def random_plan(of: Estate, rng: Random) -> Plan:
    """Up to six moves in lanes; one LPAR may move twice."""
    where = {p.name: p.server for p in of.lpars}
    moves: list[Move] = []
    for number in range(1, rng.randint(2, 6) + 1):
        name = rng.choice([*where])
        target = rng.choice([s for s in "ABC" if s != where[name]])
        given = next((m for m in reversed(moves) if m.lpar == name), None)
        made = move(of, name, where[name], target, number=number, lane=number, start_ms=number,
                    source_msp=f"{where[name]}-v{rng.choice((1, 1, 2))}", target_msp=f"{target}-v{rng.choice((1, 1, 2))}")
        made = replace(made, vnics=tuple(replace(b, source_port="T1") for b in made.vnics))
        waits = {o.number for o in moves if rng.random() < 0.25} | ({given.number} if given else set())
        moves.append(replace(made, waits=tuple(Wait(n, "arrived", "", "") for n in sorted(waits)), parking=False))
        where[name] = target
    return plan_of(moves)


def timings_of(plan: Plan, before: Sequence[int]) -> Iterator[Plan]:
    """For each state that can be: the plan in which it is so at some moment."""
    for over, flying in states(before):
        out, now = list(plan.moves), 0
        serial = [sorted(over), [*flying], [i for i in range(len(out)) if i not in over | flying]]
        for together, own in ((False, serial[0]), (True, serial[1]), (False, serial[2])):
            for i in own:
                out[i] = replace(out[i], start_ms=now, duration_ms=1)
                now += not together
            now += together
        yield plan.replace(moves=tuple(out))


@pytest.mark.parametrize("seed", range(portion(60)))
def test_the_proof_agrees_with_brute_force_over_all_states(seed: int) -> None:
    rng = Random(seed)
    of = site_of(rng)
    site, judge = judged(of)
    plan = random_plan(of, rng)
    assert not errors(malformed(plan.moves))
    order = ordered_by(plan.moves, arcs_of(plan.moves))
    assert order is not None
    alone = {f.rule for f in chain.from_iterable(
        judge.move(m.lpar, m.source, m.target) for m in plan.moves)} | {"plan.adapters", "timing.mover-place"}
    brute = {f.rule for timing in timings_of(plan, order.before) for f in moment_by_moment(timing, site, judge)}
    assert {f.rule for f in lane_findings(plan.moves, site, judge)} == brute - alone - {"plan.crowded"}


@pytest.mark.parametrize("seed", range(portion(20, 2)))
def test_the_sums_are_those_that_each_moment_is_counted_by(seed: int) -> None:
    rng = Random(seed)
    of = site_of(rng)
    of = of.replace(
        lpars=tuple(replace(p, memory_mode="shared", io_entitled_mib=rng.choice((None, 100, 300))) if rng.random() < 0.4 else p
                    for p in of.lpars),
        vioses=tuple(replace(v, paging_devices_mib=rng.choice(((), (4096,), (8192, 4096)))) for v in of.vioses),
        servers=tuple(replace(s, shared_memory_pool_mib=1024, free_pool_mib=rng.choice((None, 200))) for s in of.servers))
    site, judge = judged(of)
    for _ in range(30):
        there = rng.sample([p.name for p in of.lpars], rng.randint(0, 6))
        over = {x.rule for x in limits(site, "B") if sum(map(x.of, there)) > x.most}
        counted = {f.rule for f in (*errors(judge.server("B", there)), *lacking(site, "B", there))}
        assert over == counted - {"storage.npiv-mapping", "network.vnic-fit"}


def test_moves_of_one_lpar_go_one_after_the_other_and_a_circle_is_told() -> None:
    of = estate([server("A"), server("B"), server("C")], [lpar("a1", "A"), lpar("b1", "B")])
    over = move(of, "a1", "A", "B", number=1, lane=1, start_ms=1)
    on = move(of, "a1", "B", "C", number=2, lane=2, start_ms=2)
    found = [(f.rule, f.message) for f in lane_findings([over, on], *judged(of))]
    assert ("plan.continuity", "may move again before it is on B") in found
    assert not list(lane_findings([over, replace(on, waits=(Wait(1, "arrived", "plan.continuity", ""),))], *judged(of)))
    rounds = [replace(over, waits=(Wait(2, "ended", "", ""),)), replace(on, waits=(Wait(1, "ended", "", ""),))]
    (told,) = malformed(rounds)
    assert "a1 (move 1) waits for a1 (move 2) waits for a1 (move 1): none of them ever starts" in told.message


def test_a_port_is_named_where_one_is_free_whatever_the_minutes() -> None:
    """Once told of the predicted minutes alone: where another may take the last port first, none can be named."""
    of = estate([server("A"), server("B"), server("C")], [lpar("a1", "A"), lpar("c1", "C")], [policy("concurrency", "B", "2")])
    fibres = tuple(Fibre(n, 40, f"{s}-v1", f"c05{n}0", f"c05{n}1", "f1", True, "fcs0") for n, s in (("a1", "A"), ("c1", "C")))
    of = backed(of, {"a1": [(30,)]}, "T1").replace(
        fibres=fibres, ports=tuple(Port(f"{s}-v1", "fcs0", "f1", 1) for s in "ABC"),
        sriov=tuple(SriovPort(s, "T1", 4, 60) for s in "ABC"))

    def told(*moves: Move) -> list[str]:
        named = [replace(m, fibres=((40, "B-v1", ""),), number=n, lane=n, start_ms=n) if n == 1 else replace(
            m, number=n, lane=n, start_ms=n) for n, m in enumerate(moves, 1)]
        return [f.message for f in lane_findings(named, *judged(of), named=True) if "names no" in f.message]

    first = replace(move(of, "a1", "A", "B"), vnics=())
    assert told(first) == [
        "slot 40 names no physical port of B-v1, though fcs0 has a free one on fabric f1, whatever the minutes",
        "the vNIC in slot 7 names no physical port of B, though T1 has room for it, whatever the minutes"]
    assert [w.partition(" ")[0] for w in told(first, move(of, "c1", "C", "B"))] == ["the"]
