"""What of an estate can be decided on its own: servers linked by somewhere that an LPAR may go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.optimise.placement import Candidates
from planner.rules import Site


@dataclass(frozen=True, slots=True)
class Component:
    """Servers that share no candidate with any other, and the active LPARs on them; both sorted."""

    servers: tuple[str, ...]
    lpars: tuple[str, ...]


class _Sets:
    """Disjoint sets with path halving."""

    def __init__(self, names: Iterable[str]) -> None:
        self.parent = {n: n for n in names}

    def find(self, name: str) -> str:
        while self.parent[name] != name:
            self.parent[name] = self.parent[self.parent[name]]
            name = self.parent[name]
        return name

    def join(self, names: Iterable[str]) -> None:
        roots = sorted({self.find(n) for n in names})
        for other in roots[1:]:
            self.parent[other] = roots[0]


def components(site: Site, candidates: Candidates, restarts: Iterable[tuple[str, Iterable[str]]] = ()
               ) -> list[Component]:
    """The components of a site; ``restarts``: server → servers on which what it holds may restart (N+1).

    LPARs that must end together are linked as well, whatever they reach.
    """
    sets = _Sets(site.servers)
    for places in candidates.cost.values():
        sets.join(places)
    for server, targets in restarts:
        sets.join((server, *targets))
    for group in site.policies.together:
        sets.join(site.start[n] for n in group.members if n in site.start)
    servers: dict[str, list[str]] = {}
    lpars: dict[str, list[str]] = {}
    for s in site.servers:
        servers.setdefault(sets.find(s), []).append(s)
    for n in sorted(site.start):
        lpars.setdefault(sets.find(site.start[n]), []).append(n)
    return [Component(tuple(sorted(names)), tuple(lpars.get(root, ()))) for root, names in sorted(servers.items())]
