"""Small estates with scarce cores, virtual Fibre Channel ports and slots."""

from __future__ import annotations

from random import Random

from estates import estate as estate_of
from estates import exactly, lpar, server, vioses

from planner.estate.model import Estate, Fibre, Port


def drawn(seed: int) -> Estate:
    """Two or three servers, up to five LPARs on them, some with two adapters; few ports and cores free."""
    rng = Random(seed)
    homes = "ABC"[:rng.choice((2, 3, 3))]
    lpars = [lpar(f"p{n}", "A" if n == 0 else rng.choice(homes), rng.choice((50, 50, 100)) / 100, 1, busy_units=5)
             for n in range(rng.choice((2, 3, 4, 5)))]
    servers = [exactly(server(s), [p for p in lpars if p.server == s], rng.choice((0, 0.5, 1, 1.5)), 64) for s in homes]
    return with_ports(estate_of(servers, lpars), rng)


def with_ports(of: Estate, rng: Random) -> Estate:
    """The same with virtual Fibre Channel adapters for most LPARs, and few free ports."""
    fibres = [Fibre(p.name, 10 + n, f"{p.server}-v{v}", f"c0{p.name}{n}0", f"c0{p.name}{n}1", f"f{f}", True)
              for p in of.lpars if rng.random() < 0.7
              for n, (v, f) in enumerate(rng.choice((((1, 1), (2, 2)), ((1, 1), (2, 1)), ((1, 1), (1, 1)), ((2, 2),))))]
    ports = [Port(v.name, f"fcs{f}", f"f{f}", rng.choice((0, 1, 1, 2, 3)))
             for s in of.servers for v in vioses(s.name) for f in (1, 2)]
    return of.replace(fibres=tuple(fibres), ports=tuple(ports))
