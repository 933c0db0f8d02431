"""Every verdict about one estate, each worked out when it is asked for; what is asked for again and again is the word
alone."""

from __future__ import annotations

from functools import cached_property

from planner.estate.model import Estate
from planner.jobs.common import Options
from planner.jobs.readiness.figures import LparPlaces, ReadyWord, ServerFree, ServerLost, ViosDown
from planner.jobs.readiness.freeing import freed, stays
from planner.jobs.readiness.standing_by import places_of, server_lost, vios_down
from planner.optimise.failover import Failover
from planner.remember import remembered
from planner.rules import Judge, Site
from planner.rules.judge import StrictJudge

KINDS = ("vios", "lpar", "server", "lost")
"""What a verdict is about: a VIOS that goes down, an LPAR that moves, a server that is freed, a server that dies."""


class Verdicts:
    """The verdicts about a site; ``inactive``: LPARs that are not activated leave a server that is freed as well."""

    def __init__(self, site: Site, options: Options, judge: Judge | None = None, *, inactive: bool = False) -> None:
        self.site, self.options, self.judge, self.inactive = site, options, judge or Judge(site), inactive

    def of(self, estate: Estate) -> Verdicts:
        """Those about another estate, asked in the same way: with the same usage."""
        used = self.site.usage and self.site.usage.with_entitled((*estate.lpars, *estate.vioses))
        return Verdicts(Site(estate, usage=used, assume_nothing=self.site.assume_nothing), self.options,
                        inactive=self.inactive)

    @cached_property
    def _failover(self) -> Failover:
        return Failover(self.site, self.judge)

    @cached_property
    def _sure(self) -> Judge:
        """That of the same site with nothing taken for granted."""
        return StrictJudge(Site(self.site.estate, usage=self.site.usage, assume_nothing=True), self.judge)

    def free(self, server: str, *, timed: bool = True) -> ServerFree:
        """Whether a server can be freed, and how long that takes; a plan that assumes nothing comes first."""
        found = freed(self.judge, server, self.options, timed=timed, inactive=self.inactive)
        if found.verdict is not ReadyWord.IF:
            return found
        sure = freed(self._sure, server, self.options, timed=timed, inactive=self.inactive, one_way=False)
        return sure if sure.verdict is ReadyWord.YES else found

    def shut(self, server: str) -> bool:
        """Whether one of its LPARs may go nowhere, so that it cannot be freed: sooner said than why."""
        return any(stays(self.judge, n) for n in self.site.residents(server))

    def opens(self, server: str) -> bool:
        """Whether its LPARs can leave it, whatever that takes for granted."""
        if self.shut(server):
            return False
        found = freed(self.judge, server, self.options, timed=False, inactive=self.inactive)
        return found.verdict.rank <= ReadyWord.ONE_WAY.rank

    def lost(self, server: str) -> ServerLost:
        """Whether a server may die."""
        return server_lost(self.site, self.judge, self._failover, server)

    def lpar(self, name: str) -> LparPlaces:
        """Where an LPAR may go."""
        return places_of(self.site, self.judge, name)

    def down(self, vios: str) -> ViosDown:
        """Whether a VIOS may go down."""
        return vios_down(self.site, vios)

    def has(self, kind: str, subject: str) -> bool:
        """Whether the site has such a thing."""
        return subject in (self.site.vioses if kind == "vios" else self.site.start if kind == "lpar" else
                           self.site.servers)

    @remembered
    def word(self, kind: str, subject: str) -> ReadyWord:
        """The verdict alone."""
        if kind == "server":
            return self.free(subject, timed=False).verdict
        if kind == "lost":
            return self.lost(subject).verdict
        return self.down(subject).verdict if kind == "vios" else self.lpar(subject).verdict

    def are(self, kind: str, subject: str, word: ReadyWord) -> bool:
        """Whether the verdict about a thing that the site has is this one."""
        freeable = kind == "server" and word.rank <= ReadyWord.ONE_WAY.rank
        return not (freeable and self.shut(subject)) and self.word(kind, subject) is word
