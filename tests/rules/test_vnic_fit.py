"""vNICs over the SR-IOV ports of a server: every distribution is tried, and the rule agrees."""

from __future__ import annotations

from itertools import product
from random import Random

from estates import BASE, backed, judged

from planner.estate.model import SriovPort
from planner.rules.network import vnic_capacity, vnic_fit, vnic_ports


def test_the_rules_refuse_what_no_distribution_holds_and_nothing_else() -> None:
    seen = {True: 0, False: 0}
    for seed in range(120):
        rng = Random(seed)
        ports = [(rng.randint(0, 3), rng.choice((0, 2, 5, 10, 12, 20))) for _ in range(rng.randint(1, 3))]
        backing = {n: tuple(rng.choice((1, 2, 5, 10)) for _ in range(rng.randint(0, 2))) for n in ("a1", "a2", "c1")}
        of = backed(BASE.replace(sriov=tuple(SriovPort("B", f"T{n}", *left) for n, left in enumerate(ports))),
                    {n: [(percent,) for percent in mine] for n, mine in backing.items()})
        wanted = [one for mine in backing.values() for one in mine]
        holds = any(all(sum(t == n for t in to) <= count and sum(w for w, t in zip(wanted, to, strict=True) if t == n) <= left
                        for n, (count, left) in enumerate(ports)) for to in product(range(len(ports)), repeat=len(wanted)))
        site, _ = judged(of)
        refused = [f for rule in (vnic_ports, vnic_capacity, vnic_fit) for f in rule.findings("B", site, "B", ["b1", "b2", *backing])]
        assert bool(refused) is not holds, (seed, ports, wanted)
        seen[holds] += 1
    assert min(seen.values()) > 25, seen
