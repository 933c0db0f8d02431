"""What got worse and better since an earlier estate, and by which rows of it.

Verdicts are worked out for the earlier estate where a changed row may matter: in the parts of the site, between which
nothing can move in either estate, that it touches; elsewhere they are what they are now. Why a verdict changed is the
smallest set of changed rows with which, put back, it is what it was: found by halving (QuickXplain; Junker, AAAI 2004),
made such that no row can be left out, and compared with all smaller sets where these are few.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations, compress
from math import comb
from typing import TypeVar, cast

from planner.estate.model import Estate
from planner.estate.row_changes import Story, called, in_words, renamings, stories, undone
from planner.estate.saved import digest
from planner.grouping import grouped, linked
from planner.jobs.readiness.figures import ChangedVerdict, ReadinessDocument, ReadyWord, SinceThen
from planner.jobs.readiness.verdicts import KINDS, Verdicts
from planner.parallel import shared_out
from planner.rules import Site

_SMALLER, _OWN, _MOST_ASKED = 120, 8, 400
"""Smaller sets of each size that are tried; stories that name a subject that are; estates in between, in all, after
which no further verdict is looked into."""
_KEPT = 24
"""Estates in between of which the answers are kept."""
F = TypeVar("F")
Subject = tuple[str, str]
"""Kind and name of what a verdict is about."""
Set = frozenset[int]
"""Numbers of stories."""

_SAYS = {
    ("server", ReadyWord.YES): "can be freed, and everybody comes home",
    ("server", ReadyWord.IF): "can be freed only if what nobody states holds",
    ("server", ReadyWord.ONE_WAY): "can be freed, but not everybody could come home",
    ("server", ReadyWord.UNKNOWN): "is not known to be freed: no plan was found",
    ("server", ReadyWord.NO): "cannot be freed",
    ("lost", ReadyWord.YES): "can be lost: all that runs there restarts elsewhere",
    ("lost", ReadyWord.UNKNOWN): "is not known to be safe to lose: no places for all that runs there were found",
    ("lost", ReadyWord.NO): "cannot be lost: not all that runs there would restart",
    ("lpar", ReadyWord.YES): "can leave its server",
    ("lpar", ReadyWord.IF): "can leave its server only if what nobody states holds",
    ("lpar", ReadyWord.NO): "cannot leave its server",
    ("vios", ReadyWord.YES): "may go down alone",
    ("vios", ReadyWord.IF): "may go down alone only if what nobody states holds",
    ("vios", ReadyWord.NO): "may not go down alone",
}


class Comparison:
    """Two estates side by side; ``now``: the verdicts about the one of today."""

    def __init__(self, now: Verdicts, earlier: Estate, name: str) -> None:
        self.now, self.earlier, self.name = now, earlier, name
        self.said: Mapping[Subject, ReadyWord] = {}
        """The verdicts of then, where an earlier run has written them."""
        self.renamed = renamings(earlier, now.site.estate)
        self.then = now.of(called(earlier, self.renamed))
        self.told = stories(self.then.site.estate, now.site.estate)
        self.causes = _Causes(self.then, now, self.told)

    def untouched(self, kind: str, subject: str) -> bool:
        """Whether nothing has changed in the part of the site that a subject belongs to, nor in what LPARs of any part
        are measured by when they are packed."""
        return (kind != "server" or self._measured_alike) and self.then.has(kind, subject) and not (
            self.causes.touches(kind, subject))

    @cached_property
    def _measured_alike(self) -> bool:
        """Whether the first servers, one of which stays when the other is freed, are what they were."""
        first, then = (v.site.estate.servers[:2] for v in (self.now, self.then))
        return first == then

    def of(self, document: ReadinessDocument) -> ReadinessDocument:
        """The document with what changed."""
        then, causes, today = self.then, self.causes, dict(_now(document))
        asked = [(kind, subject) for (kind, subject), after in today.items()
                 if then.has(kind, subject) and causes.may_differ(kind, subject, after)]
        changes = [causes.of(*what, before, today[what], self.name)
                   for what, before in zip(asked, self._before(asked), strict=True) if before is not today[what]]
        old, new = ({*v.site.servers, *v.site.vioses, *v.site.start} for v in (then, self.now))
        return replace(document, since=SinceThen(
            self.name, digest(self.earlier), sum(len(s.rows) for s in self.told), tuple(c for c in changes if c.worse),
            tuple(c for c in changes if not c.worse), tuple(sorted(new - old)), tuple(sorted(old - new)),
            renamed=dict(sorted(self.renamed.items()))))

    def _before(self, asked: Sequence[Subject]) -> list[ReadyWord]:
        """The verdicts of then; what is on a server, and the server itself, are asked together."""
        unsaid = [what for what in asked if what not in self.said]
        for lpar in self.then.site.lpars if unsaid else ():  # what both processes ask for, before they part
            self.then.judge.ready(lpar)
        together = grouped((self.causes.home(*what), what) for what in unsaid)
        found = shared_out(lambda of: [self.then.word(*what) for what in of], [*together.values()])
        words = {**self.said} | {what: word for of, said in zip(together.values(), found, strict=True)
                 for what, word in zip(of, said, strict=True)}
        return [words[what] for what in asked]


class Kept:
    """What an earlier run found and nothing that has changed since can make otherwise. That is only said of what was a
    yes: why something is not so may lie anywhere."""

    def __init__(self, document: ReadinessDocument | None, made: str, compared: Comparison | None) -> None:
        same = compared is not None and document is not None and document.made == made and not compared.renamed and (
            document.estate_sha256 == digest(compared.earlier))
        self.compared = compared
        if same and compared is not None and document is not None:
            compared.said = dict(_now(document))
        self._of: dict[tuple[str, str], object] = {} if not same or document is None else {
            (kind, subject): found for kind, of in (
                ("server", {f.server: f for f in document.servers}), ("lost", {x.server: x for x in document.lost}),
                ("lpar", {p.lpar: p for p in document.lpars}), ("vios", {v.vios: v for v in document.vioses}))
            for subject, found in of.items() if found.verdict.rank < ReadyWord.ONE_WAY.rank}

    def get(self, kind: str, subject: str, found: Callable[[str], F]) -> F:
        """What was found then; else what is ``found`` now."""
        known = self._of.get((kind, subject))
        if known is None or self.compared is None or not self.compared.untouched(kind, subject):
            return found(subject)
        return cast(F, known)


def _now(document: ReadinessDocument) -> Iterator[tuple[tuple[str, str], ReadyWord]]:
    """(kind, subject) → verdict: those first that explain others."""
    of = {"vios": [(v.vios, v.verdict) for v in document.vioses], "lpar": [(p.lpar, p.verdict) for p in document.lpars],
          "server": [(f.server, f.verdict) for f in document.servers],
          "lost": [(x.server, x.verdict) for x in document.lost]}
    for kind in KINDS:
        yield from (((kind, subject), verdict) for subject, verdict in of[kind])


class _Causes:
    """Which stories made verdicts other than they were."""

    def __init__(self, then: Verdicts, now: Verdicts, told: Sequence[Story]) -> None:
        self.then, self.now, self.told = then, now, told
        names = dict.fromkeys((*then.site.servers, *now.site.servers))
        self.part = {s: number for number, part in enumerate(linked(names, (*_ties(then.site), *_ties(now.site))))
                     for s in part}
        self.touched = [{self.part[s] for s in self._servers(story)} for story in told]
        self._between: dict[Set, Verdicts] = {}
        self._found: dict[tuple[str, str], list[int]] = {}
        self._asked = 0

    def _servers(self, story: Story) -> Iterator[str]:
        if story.everywhere:
            yield from self.part
        for kind, name in story.things():
            for site in (self.then.site, self.now.site):
                row = site.lpars.get(name) if kind == "lpar" else site.vioses.get(name) if kind == "vios" else None
                server = name if kind == "server" else row.server if row else ""
                if server in self.part:
                    yield server

    def home(self, kind: str, subject: str) -> str:
        """The server of today that a subject belongs to."""
        site = self.now.site
        if kind == "lpar":
            return site.lpars[subject].server
        return site.vioses[subject].server if kind == "vios" else subject

    def may_differ(self, kind: str, subject: str, verdict: ReadyWord) -> bool:
        """Whether a verdict may be another than it was. Where a server cannot be freed, what nobody states of any other
        may have been the reason."""
        closed = kind == "server" and verdict.rank >= ReadyWord.ONE_WAY.rank
        return closed or self.touches(kind, subject)

    def touches(self, kind: str, subject: str) -> bool:
        """Whether a changed row is about the part of the site that a subject belongs to."""
        part = self.part[self.home(kind, subject)]
        return any(part in touched for touched in self.touched)

    def _verdicts(self, undo: Set) -> Verdicts:
        """Those of the estate with these stories as they were."""
        if undo not in self._between:
            while len(self._between) >= _KEPT:
                self._between.pop(next(iter(self._between)))
            self._between[undo] = self.now.of(undone(self.now.site.estate, (self.told[n] for n in sorted(undo))))
        return self._between[undo]

    def of(self, kind: str, subject: str, before: ReadyWord, after: ReadyWord, name: str) -> ChangedVerdict:
        """A changed verdict with what made it so."""
        def restores(undo: Collection[int]) -> bool:
            between = self._verdicts(frozenset(undo))
            return between.has(kind, subject) and between.are(kind, subject, before)

        part = self.part[self.home(kind, subject)]
        near = [n for n, touched in enumerate(self.touched) if part in touched]
        says = _SAYS[kind, after]
        if self._asked > _MOST_ASKED:
            what = f"one or more of {len(near)} changed rows or groups of rows; so many verdicts changed that it was " \
                   "not looked into"
            return ChangedVerdict(kind, subject, before, after, (), False, says=says,
                                  line=f"since {name} {subject} {says}: {what}")
        found, smallest = self._smallest(kind, subject, near, restores)
        self._found[kind, subject] = found
        words = tuple(in_words([self.told[n] for n in found]))
        return ChangedVerdict(kind, subject, before, after, words, smallest, says=says,
                              line=f"since {name} {subject} {says}: {'; '.join(words)}")

    def _smallest(self, kind: str, subject: str, near: Sequence[int], restores: Callable[[Collection[int]], bool]
                  ) -> tuple[list[int], bool]:
        """The smallest set of stories that restores a verdict, and whether it is proved to be that. Tried first: each
        that names the subject; what was found for those on a server."""
        own = [n for n in near if (kind, subject) in self.told[n].things()]
        def asks(undo: Collection[int]) -> bool:
            self._asked += 1
            return restores(undo)

        single = next((n for n in own[:_OWN] if asks([n])), None)
        if single is not None:
            return [single], True
        likely = self._of_those_there(subject)
        if not (likely and asks(likely)):
            others = [n for n in near if n not in own] + own
            likely = others if asks(others) else list(range(len(self.told)))
        found = sorted(least(likely, asks))
        for size in range(1, len(found)):
            if comb(len(near), size) > _SMALLER:
                return found, False
            smaller = [*combinations(near, size)]
            self._asked += len(smaller)
            restored = next(compress(smaller, shared_out(restores, smaller)), None)
            if restored is not None:
                return sorted(restored), True
        return found, True

    def _of_those_there(self, server: str) -> list[int]:
        """What was found for a server and for those on it."""
        of = [found for (kind, subject), found in self._found.items() if self.home(kind, subject) == server]
        return sorted({n for found in of for n in found})


def _ties(site: Site) -> Iterator[Sequence[str]]:
    """Servers that belong to one part, since something can move between them or is counted over both."""
    nears = {}
    for name, server in site.start.items():
        near = site.reach.near(name, site.policies.ignorable_vlans)
        nears[id(near), server] = near
    for (_, server), near in nears.items():
        yield (server, *sorted(site.servers if near is None else near))
    together = (*site.policies.tied(), *(g.members for _, g in site.policies.kept_apart()))
    yield from ([site.start[n] for n in sorted(names) if n in site.start] for names in together)


def least(names: Sequence[int], enough: Callable[[Collection[int]], bool]) -> list[int]:
    """A set of these that is ``enough``, of which none can be left out, where all of them are; by halving."""
    def halved(kept: list[int], fresh: bool, rest: list[int]) -> list[int]:
        if fresh and enough(kept):
            return []
        if len(rest) == 1:
            return rest
        left, right = rest[:len(rest) // 2], rest[len(rest) // 2:]
        second = halved(kept + left, bool(left), right)
        first = halved(kept + second, bool(second), left)
        return first + second

    found = [] if enough(()) else halved([], False, list(names))
    for n in list(found):
        if len(found) > 1 and enough([m for m in found if m != n]):
            found.remove(n)
    return found
