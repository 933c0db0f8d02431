"""What of an estate can be decided on its own: servers linked by somewhere that an LPAR may go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.grouping import linked
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

    LPARs that must end together, or are counted together, are linked as well, whatever they reach.
    """
    groups = {tuple(places) for places in candidates.cost.values()}
    groups |= {(server, *targets) for server, targets in restarts}
    groups |= {tuple(site.start[n] for n in sorted(names) if n in site.start) for names in site.policies.tied()}
    return [Component(tuple(servers), tuple(sorted(n for s in servers for n in site.residents(s))))
            for servers in linked(sorted(site.servers), groups)]
