"""Brute force over orders: every state of small estates with scarce cores, virtual Fibre Channel ports and slots, and of
those where some may not go everywhere.

``ORDERS=10000 pytest tests/jobs/test_order_oracle.py`` asks so many estates. The brute force counts by itself: an LPAR
that moves holds both servers, what it had is free afterwards, and any LPAR may park anywhere.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import permutations, product
from random import Random
from typing import Any

import pytest
from estates import backed, judged, loaded, renamed
from pairs import KINDS, refused, warnings, with_pairs
from portion import portion
from scarce import drawn

from planner.estate.model import Estate, SriovPort
from planner.jobs import Options, evacuate
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Move
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.schedule.exact import exact_order
from planner.schedule.order import QUICK
from planner.schedule.timetable import timetable

ORDERS = int(os.environ.get("ORDERS", portion(25, 2)))
ONCE_WRONG = (1464, 2527)
"""Who starts beside the departure of another takes the ports that are free by then: one after the other there is a way."""
DISKS = "disks"
"""Stands for the fabric of a virtual SCSI adapter."""
Way = tuple[str, ...]
"""The VIOS of each adapter of an LPAR, in the order of its slots; those of Fibre Channel first."""
State = tuple[tuple[str, Way], ...]
"""(server, way) of each LPAR."""


def with_slots(of: Estate, seed: int) -> Estate:
    """The same with few virtual slots on some VIOSes, and some LPARs on one VIOS alone."""
    rng = Random(f"slots {seed}")
    alone = {p.name: rng.choice(("", "", "-v1", "-v2")) for p in of.lpars}
    disks = tuple(d for d in of.disks if d.vios.endswith(alone[d.lpar]))
    used = Counter(a.vios for a in (*disks, *of.fibres))
    return of.replace(disks=disks, vioses=tuple(
        replace(v, max_virtual_slots=used[v.name] + 2 + rng.choice((0, 1, 1, 2, 3)),
                used_virtual_slots=rng.choice((None, used[v.name] + 2))) if rng.random() < 0.8 else v for v in of.vioses))


def with_pools(of: Estate, seed: int) -> Estate:
    """The same with most LPARs in shared memory mode and little left of the pools; paging devices for all."""
    rng = Random(f"pools {seed}")
    lpars = tuple(replace(p, memory_mode="shared", io_entitled_mib=rng.choice((128, 256, 384))) if rng.random() < 0.8 else p
                  for p in of.lpars)
    servers = tuple(replace(s, shared_memory_pool_mib=4096, free_pool_mib=rng.choice((0, 128, 256, 512))) for s in of.servers)
    vioses = tuple(replace(v, paging_devices_mib=(8192,) * 5) for v in of.vioses)
    return of.replace(lpars=lpars, servers=servers, vioses=vioses)


def with_vnics(of: Estate, seed: int) -> Estate:
    """The same with vNICs on most LPARs and one SR-IOV port a server with little left."""
    rng = Random(f"vnics {seed}")
    backing = {p.name: tuple(sorted(rng.choice((2, 5, 10)) for _ in range(rng.choice((1, 1, 2))))) for p in of.lpars}
    with_some = {p.name: [(one,) for one in backing[p.name]] for p in of.lpars if rng.random() < 0.8}
    return backed(of, with_some, "P1-C4-T1").replace(sriov=tuple(
        SriovPort(s.name, "P1-C4-T1", rng.choice((0, 2, 3, 4)), rng.choice((0, 5, 10, 20, 30))) for s in of.servers))


ONLY_PORTS = (drawn(5001), with_slots(drawn(7248), 7248))
"""The ways out of A that fit but for ports or slots all lead nowhere without a parking move."""


class Brute:
    """All states that can be reached one move at a time."""

    def __init__(self, of: Estate) -> None:
        self.names = [p.name for p in of.lpars]
        self.units = [p.entitlement_units for p in of.lpars]
        self.slots = {v.name: v.max_virtual_slots - 2 for v in of.vioses if v.max_virtual_slots is not None}
        disks = of.disks if self.slots else ()
        self.adapters = [[*((f.vios, f.fabric) for f in of.fibres if f.lpar == n),
                          *((d.vios, DISKS) for d in disks if d.lpar == n)] for n in self.names]
        self.start: State = tuple((p.server, tuple(v for v, _ in a))
                                  for p, a in zip(of.lpars, self.adapters, strict=True))
        self.barred = {(n, a.name, b.name) for n, p in enumerate(of.lpars) for a in of.servers for b in of.servers
                       if refused(of, p, a, b)}
        self.servers = {s.name: [v.name for v in of.vioses if v.server == s.name] for s in of.servers}
        self.room = {s.name: s.configurable_units - sum(v.entitlement_units for v in of.vioses if v.server == s.name)
                     for s in of.servers}
        self.entitled = [p.io_entitled_mib or 0 for p in of.lpars]
        self.pool = {s.name: s.free_pool_mib + sum(p.io_entitled_mib or 0 for p in of.lpars if p.server == s.name)
                     for s in of.servers if s.free_pool_mib is not None}
        self.backing = [tuple(v.percent or 1 for v in of.vnics if v.lpar == n) for n in self.names]
        on = {s.name: [b for p, own in zip(of.lpars, self.backing, strict=True) if p.server == s.name for b in own]
              for s in of.servers}
        self.vnics = {p.server: (len(on[p.server]) + (p.free_ports or 0) * (p.free_percent != 0),
                                 sum(on[p.server]) + (p.free_percent or 0) * (p.free_ports != 0)) for p in of.sriov}
        self.free = Counter({(p.vios, p.fabric): p.free_ports or 0 for p in of.ports})
        for a in self.adapters:
            self.free.update(one for one in a if one[1] != DISKS)

    def ways(self, n: int, target: str) -> Iterator[Way]:
        """Each VIOS of today finds another of the target; at home it is its own."""
        if target == self.start[n][0]:
            yield self.start[n][1]
            return
        old = [sorted({v for v, f in self.adapters[n] if (f == DISKS) is disks}) for disks in (False, True)]
        for new in product(*(permutations(self.servers[target], len(one)) for one in old)):
            there = [dict(zip(a, b, strict=True)) for a, b in zip(old, new, strict=True)]
            yield tuple(there[f == DISKS][v] for v, f in self.adapters[n])

    def holds(self, held: list[tuple[int, str, Way]]) -> bool:
        units, entitled, ports, percent = (Counter[str]() for _ in range(4))
        taken: Counter[tuple[str, str]] = Counter()
        for n, s, way in held:
            units[s] += self.units[n]
            entitled[s] += self.entitled[n]
            ports[s] += len(self.backing[n])
            percent[s] += sum(self.backing[n])
            taken.update((v, fabric) for v, (_, fabric) in zip(way, self.adapters[n], strict=True))
        slots = Counter(v for (v, _), count in taken.items() for _ in range(count))
        return (all(u <= self.room[s] for s, u in units.items())
                and all(t <= self.free[k] for k, t in taken.items() if k[1] != DISKS)
                and all(slots[v] <= most for v, most in self.slots.items())
                and all(entitled[s] <= most for s, most in self.pool.items())
                and all(ports[s] <= most[0] and percent[s] <= most[1] for s, most in self.vnics.items()))

    def can_empty(self, freed: str) -> bool:
        return self.reaches(lambda places: freed not in places)

    def reaches(self, wanted: Callable[[tuple[str, ...]], bool]) -> bool:
        """Whether some state has such places of the LPARs."""
        seen, queue = {self.start}, deque([self.start])
        while queue:
            state = queue.popleft()
            if wanted(tuple(s for s, _ in state)):
                return True
            held = [(n, s, way) for n, (s, way) in enumerate(state)]
            for n, (s, _) in enumerate(state):
                for t in self.servers:
                    for way in self.ways(n, t) if t != s and (n, s, t) not in self.barred else ():
                        after = (*state[:n], (t, way), *state[n + 1:])
                        if after not in seen and self.holds([*held, (n, t, way)]):
                            seen.add(after)
                            queue.append(after)
        return False


def answered(of: Estate, freed: str = "A") -> tuple[Status, int, float | None]:
    plan = evacuate(loaded(of), Evacuate(servers=(freed,)), Options(time_limit=20))
    assert plan.verified or plan.status in (Status.INFEASIBLE, Status.UNKNOWN)
    return plan.status, len(plan.moves), plan.objective


def test_the_planner_finds_an_order_where_there_is_one() -> None:
    seen: Counter[Status] = Counter()
    for seed in (*range(ORDERS), *ONCE_WRONG):
        of = drawn(seed)
        status, _, _ = answered(of)
        seen[status] += 1
        assert (status in (Status.OPTIMAL, Status.FEASIBLE)) == Brute(of).can_empty("A"), (seed, status)
    assert seen[Status.OPTIMAL] > ORDERS // 5 and seen[Status.INFEASIBLE] > ORDERS // 10, seen


@pytest.mark.parametrize("scarce", [with_slots, with_pools, with_vnics, with_pairs])
def test_the_planner_finds_an_order_that_keeps_to_what_is_used_up(scarce: Callable[[Estate, int], Estate]) -> None:
    """Each adapter that arrives takes a slot of its VIOS, one path alone of either; each LPAR with shared memory its I/O
    entitlement of the pool; each vNIC a logical port with its share of the physical one. Nobody goes where it may not."""
    seen: Counter[Status] = Counter()
    for seed in (*range(ORDERS), *ONCE_WRONG):
        of = scarce(drawn(seed), seed)
        status, _, _ = answered(of)
        seen[status] += 1
        assert (status in (Status.OPTIMAL, Status.FEASIBLE)) == Brute(of).can_empty("A"), (seed, status)
    assert seen[Status.OPTIMAL] > ORDERS // 10 and seen[Status.INFEASIBLE] > ORDERS // 5, seen


@pytest.mark.parametrize("kind", KINDS)
def test_rules_on_pairs_refuse_and_warn_where_the_rows_say_it(kind: str) -> None:
    """Wherever an LPAR may have come to, in an estate of which the kind alone keeps anybody from going anywhere."""
    seen: Counter[str] = Counter()
    for seed in range(8):
        large = drawn(seed)
        large = large.replace(fibres=(), servers=tuple(replace(s, configurable_units=9900) for s in large.servers))
        of = with_pairs(large, seed, kind)
        judge, rows = judged(of)[1], {s.name: s for s in of.servers}
        for p, a, b in product(of.lpars, of.servers, of.servers):
            if a != b and (a.name == p.server or not refused(of, p, rows[p.server], a)):
                assert judge.allowed(p.name, a.name, b.name) != refused(of, p, a, b), (seed, p.name, a.name, b.name)
                assert len(judge.warnings(p.name, a.name, b.name)) == warnings(of, p, a, b), (seed, p.name, a.name, b.name)
                seen.update({"refused": refused(of, p, a, b), "warned": warnings(of, p, a, b), "moves": 1})
    assert seen["refused"] + seen["warned"] > 0 and seen["moves"] > seen["refused"], seen


@pytest.mark.parametrize("come_back", [False, True])
@pytest.mark.parametrize("of", ONLY_PORTS)
def test_parks_where_nothing_but_the_exact_port_or_slot_is_in_the_way(of: Estate, come_back: bool) -> None:
    plan = evacuate(loaded(of), Evacuate(servers=("A",), come_back=come_back), Options(time_limit=20))
    assert plan.status is Status.FEASIBLE and plan.verified and Brute(of).can_empty("A")
    assert {m.leg for m in plan.moves if m.parking} == ({OUT, BACK} if come_back else {OUT})


def test_only_a_thorough_search_counts_ports_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Mapping[str, str]] = []

    def noted(site: Site, judge: Judge, final: Mapping[str, str], unmoved: Collection[str]) -> None:
        asked.append(final)

    monkeypatch.setattr("planner.schedule.timetable.exact_order", noted)
    site, judge = judged(ONLY_PORTS[0])
    final = {"p0": "C", "p1": "C", "p2": "B", "p3": "B"}
    assert not timetable(site, judge, final, None, states=QUICK).found and not asked
    assert not timetable(site, judge, final, None).found and asked == [final]
    assert timetable(site, judge, {"p0": "C"}, None).found and asked == [final]


@pytest.mark.parametrize("scarce", [lambda of, seed: of, with_slots])
def test_an_exact_order_is_found_to_any_places_that_can_be_reached(scarce: Callable[[Estate, int], Estate]) -> None:
    seen: Counter[bool] = Counter()
    for seed in (n for n in range(2 * ORDERS) if len(drawn(n).lpars) < 5):  # the brute force takes seconds for five
        of, rng = scarce(drawn(seed), seed), Random(f"places {seed}")
        places = tuple(rng.choice([s.name for s in of.servers]) for _ in of.lpars)
        site, judge = judged(of)
        steps = exact_order(site, judge, dict(zip((p.name for p in of.lpars), places, strict=True)))
        seen[steps is not None] += 1
        assert (steps is not None) == Brute(of).reaches(lambda now, wanted=places: now == wanted), seed
    assert min(seen[False], seen[True]) > ORDERS // 10, seen


def with_everything(seed: int) -> Estate:
    """Ports, slots and vNICs, somebody away from home, somebody not activated."""
    rng, of = Random(f"all {seed}"), with_vnics(with_slots(drawn(seed), seed), seed)
    homes = {p.name: rng.choice([s.name for s in of.servers]) for p in of.lpars if rng.random() < 0.3}
    off = rng.choice([p.name for p in of.lpars])
    return of.replace(lpars=tuple(replace(
        p, home=homes.get(p.name, ""), **({"state": "not activated", "never_activated": False} if p.name == off else {}))
        for p in of.lpars))


def test_other_names_and_another_order_of_rows_give_the_same_answer_with_everything_that_is_used_up() -> None:
    def asked(of: Estate) -> tuple[object, ...]:
        plan = evacuate(loaded(of), Evacuate(servers=("A",), come_back=True, inactive=True), Options(time_limit=20))
        told = sorted(f.rule for f in plan.findings if f.rule.startswith("plan."))
        return plan.status, plan.objective, len(plan.goal.homes), len(plan.goal.away), sum(m.inactive for m in plan.moves), told

    seen: Counter[str] = Counter()
    for seed in range(12):
        of = with_everything(seed)
        other = renamed(of, {p.name: f"z{9 - n}" for n, p in enumerate(of.lpars)})
        other = other.replace(**{rows: getattr(other, rows)[::-1] for rows in ("lpars", "fibres", "disks", "ports", "vioses")})
        first = asked(of)
        assert asked(other) == first, seed
        seen.update({str(first[0]): 1, "homes": int(bool(first[2])), "inactive": int(bool(first[4]))})
    assert min(seen["optimal"], seen["homes"], seen["inactive"]) > 0 and seen["optimal"] < 12, seen


def test_other_names_give_the_same_answer() -> None:
    for seed in range(8):
        of = drawn(seed)
        names = {p.name: f"z{9 - n}" for n, p in enumerate(of.lpars)}
        assert answered(renamed(of, names)) == answered(of), seed


def test_what_a_vios_is_called_turns_no_pair_and_no_mapping() -> None:
    """B-v1 renamed to x-v2: slot 3 went to the other VIOS, and the move over the other mover."""
    def moves(of: Estate, old: Mapping[str, str]) -> tuple[Move, ...]:
        def called(at: tuple[Any, ...]) -> tuple[Any, ...]:
            return at[0], old.get(at[1], at[1]), *at[2:]

        plan = evacuate(loaded(of), Evacuate(servers=("A",), come_back=True), Options(time_limit=20))
        return tuple(replace(
            m, source_msp=old.get(m.source_msp, ""), target_msp=old.get(m.target_msp, ""),
            disks=tuple(map(called, m.disks)), fibres=tuple(map(called, m.fibres)),
            vnics=tuple(replace(b, vios=old[b.vios]) for b in m.vnics)) for m in plan.moves)

    seen: Counter[str] = Counter()
    for seed in range(16):
        of = with_everything(seed) if seed % 2 else drawn(seed)
        new = {v.name: f"{'zyxwvu'[n % 6]}{n}" for n, v in enumerate(of.vioses)}
        first = moves(of, {n: n for n in new})
        assert moves(renamed(of, new), {called: n for n, called in new.items()}) == first, seed
        seen.update(kind for m in first for kind in ("disks", "fibres", "vnics", "source_msp") if getattr(m, kind))
    assert min(seen.values()) > 3 and len(seen) == 4, seen
