"""Make room on a server: LPARs that are not critical leave it, so that the critical ones have so much more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from planner.errors import UsageError
from planner.rules.site import DEFAULT_POOL, Site
from planner.units import round_up, show_cores, show_gib


class By(StrEnum):
    """How cores are counted as free."""

    BOTH = "both"
    """neither entitled to anyone nor, in any slot of the history, used by anyone"""
    ENTITLEMENT = "entitlement"
    """entitled to nobody: what an LPAR can be given by DLPAR, guaranteed"""
    USAGE = "usage"
    """used by nobody in any slot of the history: what an uncapped LPAR can draw"""


@dataclass(frozen=True, slots=True)
class Headroom:
    """``units`` (hundredths of a core) and ``memory_mib`` are to be free on ``server``; ``critical`` LPARs stay."""

    server: str
    units: int
    memory_mib: int
    critical: frozenset[str]
    by: By = By.ENTITLEMENT

    def may_leave(self, site: Site) -> list[str]:
        """The active LPARs of the server that are not critical."""
        return sorted(n for n, s in site.start.items() if s == self.server and n not in self.critical)

    def here(self, site: Site) -> list[str]:
        """The critical active LPARs of the server."""
        return sorted(n for n, s in site.start.items() if s == self.server and n in self.critical)

    def pools(self, site: Site) -> tuple[int, ...]:
        """The shared pools in which the critical LPARs run; none when one of them has dedicated processors."""
        found = {site.pool_on(n, self.server) for n in self.here(site)} or {DEFAULT_POOL}
        return () if None in found else tuple(sorted(p for p in found if p is not None))

    def needed_mib(self, site: Site) -> int:
        """The memory in whole logical memory blocks of the server."""
        return round_up(self.memory_mib, site.servers[self.server].lmb_mib or 0)

    @property
    def text(self) -> str:
        """``8.00 cores and 64.0 GiB on p595-2``."""
        return f"{show_cores(self.units)} cores and {show_gib(self.memory_mib)} GiB on {self.server}"


def headroom_goal(site: Site, server: str, units: int, memory_mib: int, critical: Sequence[str] = (),
                  by: By = By.ENTITLEMENT) -> Headroom:
    """A checked goal: production LPARs and those that the patterns in ``critical`` name are critical, estate-wide.

    Raises UsageError for a server that the estate does not have, a pattern that matches nothing, or room of nothing.
    """
    if server not in site.servers:
        raise UsageError(f"no server {server!r}; the estate has: {', '.join(site.servers)}")
    strangers = [c for c in critical if not any(fnmatchcase(n, c) for n in site.lpars)]
    if strangers:
        raise UsageError(f"--critical: {', '.join(map(repr, strangers))} matches no LPAR of the estate")
    if units < 0 or memory_mib < 0 or not (units or memory_mib):
        raise UsageError("ask for some room: --cores above 0, --memory above 0, or both")
    if by is not By.ENTITLEMENT and site.usage is None:
        raise UsageError(f"--by {by.value} needs usage: give --history, or count by entitlement")
    chosen = {n for n, p in site.lpars.items()
              if p.environment == "production" or any(fnmatchcase(n, c) for c in critical)}
    return Headroom(server, units, memory_mib, frozenset(chosen), by)
