"""A question on a site: its names checked and resolved, and what it means there."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.errors import UsageError
from planner.estate.licence_counts import DEFAULT_POOL
from planner.estate.model import Estate
from planner.names import composed, spelt, unknown
from planner.plan.choices import By
from planner.plan.questions import Consolidate, Evacuate, Headroom, Question
from planner.rules.site import Site
from planner.rules.versions import firmware_release
from planner.units import round_up

_SERVERS, _LPARS = ("server", "servers", "keep", "off", "not_targets"), ("leave", "later", "stay")
"""Fields of questions that name servers and LPARs, one each or several."""
Q = TypeVar("Q", bound=Question)


def spelt_as(goal: Q, estate: Estate) -> Q:
    """The question with its names as the estate spells them: an accent or an encoding makes no other name."""
    servers, lpars = [s.name for s in estate.servers], [p.name for p in estate.lpars]
    changed: dict[str, object] = {
        field: spelt(given, known) if isinstance(given, str) else tuple(spelt(name, known) for name in given)
        for fields, known in ((_SERVERS, servers), (_LPARS, lpars)) for field in fields
        if (given := getattr(goal, field, None)) is not None}
    changed["firmware_after"] = {spelt(name, servers): level for name, level in goal.firmware_after.items()}
    return goal.replace(**changed)


def _known(site: Site, servers: Sequence[str]) -> None:
    strange = sorted({s for s in servers if s not in site.servers})
    if strange:
        raise UsageError(unknown("server", strange, site.servers))


def _beside(goal: Question, site: Site) -> None:
    """Raises UsageError for servers that are unknown and for levels after the work that nothing can be judged with."""
    _known(site, (*goal.firmware_after, *goal.not_targets))
    for server, level in goal.firmware_after.items():
        if firmware_release(level) is None:
            raise UsageError(f"--firmware-after {server}={level}: not a level such as EM350_085, AM770_032 or FW860.10")


def checked_evacuate(goal: Evacuate, site: Site) -> Evacuate:
    """The question with its names in order; raises UsageError for a server or LPAR that the estate does not have."""
    _known(site, goal.servers)
    _beside(goal, site)
    defined = {n: p.server for n, p in site.lpars.items() if p.active or goal.inactive}
    strangers = [n for n in goal.leave if defined.get(n) not in goal.servers]
    if strangers:
        raise UsageError(f"--leave: {', '.join(map(repr, strangers))} is not {'an' if goal.inactive else 'an active'} "
                         f"LPAR of {', '.join(goal.servers)}")
    return goal.replace(servers=tuple(sorted(set(goal.servers))), leave=tuple(sorted(set(goal.leave))))


def checked_consolidate(goal: Consolidate, site: Site) -> Consolidate:
    """The question with its names in order; raises UsageError for servers that are unknown or both on and off."""
    _known(site, (*goal.keep, *goal.off))
    _beside(goal, site)
    both = sorted(set(goal.keep) & set(goal.off))
    if both:
        raise UsageError(f"{', '.join(map(repr, both))}: named by --keep and by --off")
    return goal.replace(keep=tuple(sorted(set(goal.keep))), off=tuple(sorted(set(goal.off))))


def checked_headroom(goal: Headroom, site: Site) -> Headroom:
    """The question with the critical LPARs by name: the active ones of production and those that the patterns name,
    estate-wide. Raises UsageError for a server that is unknown or of unknown size, a pattern that matches nothing, or
    headroom of nothing."""
    _known(site, (goal.server,))
    _beside(goal, site)
    row, unsized = site.servers[goal.server], site.unsized.get(goal.server)
    if not (row.configurable_units and row.configurable_memory_mib) or unsized:
        what = f"what {unsized} holds of it" if unsized else "how many cores and how much memory it has"
        raise UsageError(f"{goal.server}: nothing says {what}, so its headroom is unknown: add it in the workbook, or "
                         "give lshwres -r proc and -r mem at --level sys and --level lpar")
    strangers = [c for c in goal.critical if not any(_fits(n, c) for n in site.lpars)]
    if strangers:
        raise UsageError(f"--critical: {', '.join(map(repr, strangers))} matches no LPAR of the estate")
    if min(goal.units, goal.memory_mib) < 0 or not (goal.units or goal.memory_mib):
        raise UsageError("ask for some headroom: --cores above 0, --memory above 0, or both")
    if goal.by is not By.ENTITLEMENT and site.usage is None:
        raise UsageError(f"--by {goal.by.value} needs usage: give --history, or count by entitlement")
    critical = tuple(sorted(n for n in site.start if site.lpars[n].environment == "production"
                            or any(_fits(n, c) for c in goal.critical)))
    return goal.replace(critical=critical, hours=None if site.usage is None else goal.hours)


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(composed(name), composed(pattern))


def displaced(goal: Evacuate, site: Site) -> list[str]:
    """The LPARs that must go, by name."""
    return sorted(n for n, s in site.start.items() if s in goal.servers and n not in goal.leave)


def survivors(goal: Evacuate, site: Site) -> list[str]:
    """The servers that stay in use."""
    return [s for s in site.servers if s not in goal.servers]


def needed_slots(goal: Headroom, site: Site) -> NDArray[np.bool_]:
    """For each slot of the usage whether the headroom is needed in it."""
    assert site.usage is not None
    count = len(site.usage.starts)
    return np.ones(count, dtype=bool) if goal.hours is None else site.usage.inside(goal.hours)


def may_leave(goal: Headroom, site: Site) -> list[str]:
    """The active LPARs of the server that are not critical."""
    critical = set(goal.critical)
    return sorted(n for n, s in site.start.items() if s == goal.server and n not in critical)


def critical_here(goal: Headroom, site: Site) -> list[str]:
    """The critical active LPARs of the server."""
    return [n for n in goal.critical if site.start[n] == goal.server]


def critical_pools(goal: Headroom, site: Site) -> tuple[int, ...]:
    """The shared pools in which the critical LPARs run; none when one of them has dedicated processors."""
    pools = {site.pool_on(n, goal.server) for n in critical_here(goal, site)} or {DEFAULT_POOL}
    return () if None in pools else tuple(sorted(p for p in pools if p is not None))


def needed_mib(goal: Headroom, site: Site) -> int:
    """The memory in whole logical memory blocks of the server."""
    return round_up(goal.memory_mib, site.servers[goal.server].lmb_mib or 0)
