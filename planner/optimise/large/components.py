"""What of an estate can be decided on its own: servers linked by somewhere that an LPAR may go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from networkx.utils import UnionFind

from planner.optimise.placement import Candidates
from planner.rules import Site


@dataclass(frozen=True, slots=True)
class Component:
    """Servers that share no candidate with any other, and the active LPARs on them; both sorted."""

    servers: tuple[str, ...]
    lpars: tuple[str, ...]


def components(site: Site, candidates: Candidates, restarts: Iterable[tuple[str, Iterable[str]]] = ()
               ) -> list[Component]:
    """The components of a site; ``restarts``: server → servers on which what it holds may restart (N+1).

    LPARs that must end together are linked as well, whatever they reach.
    """
    sets = UnionFind(site.servers)
    for places in candidates.cost.values():
        sets.union(*places)
    for server, targets in restarts:
        sets.union(server, *targets)
    for group in site.policies.together:
        sets.union(*(site.start[n] for n in group.members if n in site.start))
    servers: dict[str, list[str]] = {}
    lpars: dict[str, list[str]] = {}
    for s in site.servers:
        servers.setdefault(sets[s], []).append(s)
    for n in sorted(site.start):
        lpars.setdefault(sets[site.start[n]], []).append(n)
    found = [Component(tuple(sorted(names)), tuple(lpars.get(root, ()))) for root, names in servers.items()]
    return sorted(found, key=lambda c: c.servers)
