"""Readiness of an estate: every verdict about it, each asked as the command for it asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from planner import __version__
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import digest
from planner.history.calendar import BUCKETS
from planner.jobs.common import Options
from planner.jobs.readiness.blocking import blockers
from planner.jobs.readiness.figures import LparPlaces, ReadinessDocument, ServerFree, ServerLost
from planner.jobs.readiness.since import Comparison, Kept
from planner.jobs.readiness.verdicts import Verdicts
from planner.parallel import shared_out
from planner.plan.wire import adapter
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


def earlier_document(file: Path) -> ReadinessDocument | None:
    """What an earlier run wrote; None where it was another program's, or somebody has edited it."""
    try:
        document = adapter(ReadinessDocument).validate_json(file.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, ReadinessDocument) else None


def _made(asked: Morning, options: Options, *, remedies: bool) -> str:
    """By which program, asked how; "" with a history, whose figures are other every day."""
    return "" if asked.usage else (f"{__version__}; gap {options.gap:g}; remedies {remedies}; inactive "
                                   f"{asked.inactive}; assume nothing {asked.assume_nothing}")


def readiness(loaded: Loaded, options: Options, asked: Morning | None = None, *, since: Estate | None = None,
              name: str = "", document: ReadinessDocument | None = None) -> ReadinessDocument:
    """What can be done today; ``options``: the time limit for each server, and the gap; ``since``: an earlier estate,
    called ``name``, with which it is compared; ``document``: what was found for that one, which is taken over where
    nothing has changed. Raises InputError for a history that cannot be used."""
    asked = asked or Morning()
    used = asked.usage.read(loaded.estate, BUCKETS).usage if asked.usage else None
    said = Verdicts(Site(loaded.estate, usage=used, assume_nothing=asked.assume_nothing), options,
                    inactive=asked.inactive)
    remedies = not asked.assume_nothing and (small(said.site) if asked.remedies is None else asked.remedies)
    made = _made(asked, options, remedies=remedies)
    compared = None if since is None else Comparison(said, since, name)
    kept = Kept(document if made else None, made, compared)

    if remedies:
        from planner.jobs.readiness.remedies import with_remedy  # start-up: where somebody asks for remedies alone

    def of_server(server: str) -> tuple[list[LparPlaces], ServerFree, ServerLost]:
        places = [kept.get("lpar", n, said.lpar) for n in said.site.residents(server)]
        free = kept.get("server", server, said.free)
        free = with_remedy(free, said, loaded, asked.usage) if remedies else free
        return places, free, kept.get("lost", server, said.lost)

    def opens(site: Site, judge: Judge, server: str) -> bool:
        return Verdicts(site, options, judge, inactive=asked.inactive).opens(server)

    # What both processes ask for is worked out before they part: the graph of reach, and who may move.
    for lpar in said.site.lpars:
        said.judge.ready(lpar)
    found = shared_out(of_server, list(said.site.servers))
    free, lpars = tuple(f for _, f, _ in found), [p for places, _, _ in found for p in places]
    today = ReadinessDocument(
        VERSION, digest(loaded.estate), free, tuple(lost for _, _, lost in found),
        tuple(sorted(lpars, key=lambda p: p.lpar)),
        tuple(kept.get("vios", v, said.down) for v in said.site.vioses),
        tuple(blockers(said.site, free, {p.lpar: p.places for p in lpars}, opens)), made=made)
    return today if compared is None else compared.of(today)
