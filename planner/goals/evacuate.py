"""Free these servers: every active LPAR on them is moved to another, by live migration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.errors import UsageError
from planner.rules.site import Site


@dataclass(frozen=True, slots=True)
class Evacuate:
    """``servers`` are freed of active LPARs; those in ``leave`` stay (they will be stopped with the server)."""

    servers: tuple[str, ...]
    leave: tuple[str, ...] = ()

    def displaced(self, site: Site) -> list[str]:
        """The LPARs that must go, by name."""
        return sorted(n for n, s in site.start.items() if s in self.servers and n not in self.leave)

    def survivors(self, site: Site) -> list[str]:
        """The servers that stay in use."""
        return [s for s in site.servers if s not in self.servers]


def evacuate_goal(site: Site, servers: Sequence[str], leave: Sequence[str] = ()) -> Evacuate:
    """A checked goal; raises UsageError for a server or LPAR that the estate does not have."""
    unknown = [s for s in servers if s not in site.servers]
    if unknown:
        raise UsageError(f"no server {', '.join(map(repr, unknown))}; the estate has: {', '.join(site.servers)}")
    strangers = [n for n in leave if site.start.get(n) not in servers]
    if strangers:
        raise UsageError(f"--leave: {', '.join(map(repr, strangers))} is not an active LPAR of {', '.join(servers)}")
    if not servers:
        raise UsageError("name at least one server to free")
    return Evacuate(tuple(sorted(set(servers))), tuple(sorted(set(leave))))
