"""An estate in the words of Ganeti's htools (Debian: ganeti-htools), for benchmarks beside ``hbal`` and ``hsqueeze``.

A node is a server with the memory and processors that its limit (ceiling and reserve) leaves for LPARs, an instance is
an LPAR on external storage. Processors are counted in parts of a core, at a ratio of 1: Ganeti has whole virtual
processors only. LPARs that are kept apart, cluster nodes too, share an exclusion tag. All are in one node group, so
every LPAR may go to every server: reach, pools with a maximum, times and windows are unknown to Ganeti, and an estate
that is compared must not have any that bind (``open_estate``).
"""

from __future__ import annotations

from collections.abc import Collection

from planner.estate.model import Estate
from planner.rules import Site

TENTHS, HUNDREDTHS = 10, 1
"""Units in one of Ganeti's processors: what is rounded away is a disadvantage to the peer, so hundredths are exact."""


def rooms(site: Site, part: int = TENTHS) -> dict[str, tuple[int, int]]:
    """Processors, in parts of a core, and MiB that each server has for LPARs."""
    return {s: ((site.limit(s).units - site.base(s).units) // part, site.limit(s).memory_mib - site.base(s).memory_mib)
            for s in site.servers}


def text(estate: Estate, offline: Collection[str] = (), part: int = TENTHS) -> str:
    """The estate in the text format of Ganeti's htools; no node is the master, so that none has to stay."""
    site = Site(estate)
    tags = {n: f"apart:{number}" for number, g in enumerate((*site.policies.apart, *site.policies.clusters))
            for n in g.members}
    nodes = []
    for name, (parts, mib) in rooms(site, part).items():
        free = mib - (site.at_start[name].memory_mib - site.base(name).memory_mib)
        nodes.append(f"{name}|{mib}|0|{free}|10000000|10000000|{parts}|{'NY'[name in offline]}|g0|1||N|0|0|1.0")
    instances = []
    for p in estate.lpars:
        demand = site.demand(p.name, p.server)
        instances.append(f"{p.name}|{demand.memory_mib}|0|{demand.units // part}|running|Y|{p.server}||ext|"
                         f"{tags.get(p.name, '')}|1")
    policy = "default|128,1,1024,1,1,1|1,1,0,0,0,1;10000000,100000,10000000,64,64,64|ext|1.0|1000.0"
    return "\n".join(["default|g0|preferred||", "", *nodes, "", *instances, "", "htools:iextags:apart", "", policy, ""])
