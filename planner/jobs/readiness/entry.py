"""Readiness of an estate: every verdict about it, each asked as the command for it asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from planner.estate.assemble import Loaded
from planner.estate.saved import digest
from planner.jobs.common import Options
from planner.jobs.readiness.blocking import blockers
from planner.jobs.readiness.figures import ReadinessDocument, ReadyWord, ServerFree
from planner.jobs.readiness.freeing import freed
from planner.jobs.readiness.standing_by import places_of, server_lost, vios_down
from planner.optimise.failover import Failover
from planner.parallel import beside
from planner.rules import Judge, Site

VERSION = 1
T = TypeVar("T")


def readiness(loaded: Loaded, options: Options, *, assume_nothing: bool = False) -> ReadinessDocument:
    """What can be done today; ``options``: the time limit for each server, and the gap."""
    site = Site(loaded.estate, assume_nothing=assume_nothing)
    judge = Judge(site)
    servers = list(site.servers)
    lpars = tuple(places_of(site, judge, n) for n in sorted(site.start))

    def free(names: Sequence[str]) -> list[ServerFree]:
        return [freed(site, judge, s, options) for s in names]

    def word(changed: Site, asked: Judge, server: str) -> ReadyWord:
        return freed(changed, asked, server, options, timed=False).verdict

    failover = Failover(site, judge)
    (second, down), (first, lost) = beside(
        lambda: (free(servers[1::2]), tuple(vios_down(site, v) for v in site.vioses)),
        lambda: (free(servers[::2]), tuple(server_lost(site, judge, failover, s) for s in servers)))
    found = tuple(sorted((*first, *second), key=lambda f: servers.index(f.server)))
    return ReadinessDocument(VERSION, digest(loaded.estate), found, lost, lpars, down,
                             tuple(blockers(site, judge, found, word)))
