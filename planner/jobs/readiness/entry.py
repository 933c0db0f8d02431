"""Readiness of an estate: every verdict about it, each asked as the command for it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import digest
from planner.history.calendar import BUCKETS
from planner.jobs.common import Options
from planner.jobs.readiness.blocking import blockers
from planner.jobs.readiness.figures import ReadinessDocument, ServerFree, ServerLost, ViosDown
from planner.jobs.readiness.since import since_then
from planner.jobs.readiness.verdicts import Verdicts
from planner.parallel import beside
from planner.rules import Judge, Site
from planner.schedule.exact import small

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small site to look at
    from planner.jobs.peak_hours import UsageSpec

VERSION = 1


@dataclass(frozen=True, slots=True)
class Morning:
    """How readiness is asked. ``usage``: of a history, which binds as for a plan at all times; ``inactive``: LPARs that
    are not activated leave as well; ``remedies``: also what would make possible what is not, None: where the site is
    small."""

    assume_nothing: bool = False
    remedies: bool | None = False
    usage: UsageSpec | None = None
    inactive: bool = False


def readiness(loaded: Loaded, options: Options, asked: Morning | None = None, *, since: Estate | None = None,
              name: str = "") -> ReadinessDocument:
    """What can be done today; ``options``: the time limit for each server, and the gap; ``since``: an earlier estate,
    called ``name``, with which it is compared. Raises InputError for a history that cannot be used."""
    asked = asked or Morning()
    used = asked.usage.read(loaded.estate, BUCKETS).usage if asked.usage else None
    said = Verdicts(Site(loaded.estate, usage=used, assume_nothing=asked.assume_nothing), options,
                    inactive=asked.inactive)
    servers, vioses = list(said.site.servers), list(said.site.vioses)
    lpars = tuple(said.lpar(n) for n in sorted(said.site.start))

    def free(names: Sequence[str]) -> list[ServerFree]:
        found = [said.free(s) for s in names]
        if asked.assume_nothing or not (small(said.site) if asked.remedies is None else asked.remedies):
            return found
        from planner.jobs.readiness.remedies import with_remedy  # start-up: where somebody asks for remedies alone

        return [with_remedy(f, said, loaded, asked.usage) for f in found]

    def there() -> tuple[list[ServerFree], list[ViosDown]]:
        return free(servers[1::2]), [said.down(v) for v in vioses]

    def here() -> tuple[list[ServerFree], list[ServerLost]]:
        return free(servers[::2]), [said.lost(s) for s in servers]

    def opens(site: Site, judge: Judge, server: str) -> bool:
        return Verdicts(site, options, judge, inactive=asked.inactive).opens(server)

    (second, down), (first, lost) = beside(there, here)
    found = sorted((*first, *second), key=lambda f: servers.index(f.server))
    document = ReadinessDocument(
        VERSION, digest(loaded.estate), tuple(found), tuple(lost), lpars, tuple(down),
        tuple(blockers(said.site, said.judge, found, opens)))
    return document if since is None else since_then(document, said, since, name)
