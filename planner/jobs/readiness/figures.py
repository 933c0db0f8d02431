"""What readiness says, as readiness.json has it: terminal, page, workbook and metrics read these classes alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from planner.plan.evening import NightSpread
from planner.plan.wire import absent, empty

Names = tuple[str, ...]


class ReadyWord(StrEnum):
    """An answer, the best first."""

    YES = "yes"
    IF = "yes if"
    """Nothing forbids it, but something that nobody states is taken for granted."""
    ONE_WAY = "one way"
    """The LPARs can leave, but not all of them could come home again by the rules of today."""
    UNKNOWN = "unknown"
    NO = "no"

    @property
    def rank(self) -> int:
        """0 is the best."""
        return list(ReadyWord).index(self)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something cannot be, of one LPAR or server, by which rule, and what would mend it."""

    subject: str
    rule: str
    reason: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class ServerFree:
    """Whether a server can be freed for an evening, and everybody brought home.

    ``by``: what says so: ``plan`` (a placement with an order in waves, replayed against all rules), ``rules`` (an LPAR
    that may go nowhere), ``placement`` (the program has no answer), ``order`` (none was found). ``moves``: of the way
    out, ``others`` of them of LPARs of servers that stay. ``out`` and ``back``: how long after its first move each leg
    is over in so many nights, in lanes. ``settles``: what has to be looked up for a plain yes. ``remedy``: the cheapest
    changes that would make it possible, where they were asked for, at so many points of effort and risk
    (``remedy_cost``): the plan on the changed estate is verified. ``stays``: LPARs that are not activated, whose
    profiles stay there.
    """

    server: str
    verdict: ReadyWord
    by: str
    lpars: int
    moves: int = 0
    others: int = 0
    out: Annotated[NightSpread | None, Field(exclude_if=absent)] = None
    back: Annotated[NightSpread | None, Field(exclude_if=absent)] = None
    why: Annotated[str, Field(exclude_if=empty)] = ""
    obstacles: Annotated[tuple[Obstacle, ...], Field(exclude_if=empty)] = ()
    settles: Annotated[Names, Field(exclude_if=empty)] = ()
    remedy: Annotated[Names, Field(exclude_if=empty)] = ()
    remedy_cost: Annotated[int | None, Field(exclude_if=absent)] = None
    stays: Annotated[Names, Field(exclude_if=empty)] = ()


@dataclass(frozen=True, slots=True)
class ServerLost:
    """Whether what runs on a server starts anew elsewhere when it dies: which LPARs on which servers, who has no place
    by the rules (``nowhere``), who of the others found no room (``left``), and what ``lacks`` for them where it is
    proved that they do not fit together."""

    server: str
    verdict: ReadyWord
    lpars: int
    restarts: Annotated[dict[str, Names], Field(exclude_if=empty)]
    nowhere: Annotated[tuple[Obstacle, ...], Field(exclude_if=empty)] = ()
    left: Annotated[Names, Field(exclude_if=empty)] = ()
    lacks: Annotated[str, Field(exclude_if=empty)] = ""


@dataclass(frozen=True, slots=True)
class LparPlaces:
    """Where an LPAR may go today; on ``single`` of these it would keep fewer paths than now; ``closed`` are the servers
    that only the loss of a path closes to it."""

    lpar: str
    server: str
    verdict: ReadyWord
    places: Names
    single: Annotated[Names, Field(exclude_if=empty)] = ()
    closed: Annotated[Names, Field(exclude_if=empty)] = ()
    why: Annotated[tuple[Obstacle, ...], Field(exclude_if=empty)] = ()


@dataclass(frozen=True, slots=True)
class ViosDown:
    """Whether a VIOS may go down while its server runs: the LPARs that lose their ``only`` path, and those of which
    nobody states what else serves them (``unknown``)."""

    vios: str
    server: str
    verdict: ReadyWord
    only: Annotated[Names, Field(exclude_if=empty)] = ()
    unknown: Annotated[Names, Field(exclude_if=empty)] = ()


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing on which evacuations hang: the servers that could be freed were it there for every VIOS (``opens``),
    and those that could not if it were lost (``closes``); ``how``: what that means."""

    kind: str
    name: str
    how: str
    opens: Annotated[Names, Field(exclude_if=empty)] = ()
    closes: Annotated[Names, Field(exclude_if=empty)] = ()


@dataclass(frozen=True, slots=True)
class ChangedVerdict:
    """A verdict that is another than it was, and the rows of the estate that made it so: with these as they were, it is
    what it was; ``smallest``: no smaller set of rows does that, else none of them can be left out. ``says``: the
    verdict in words; ``line``: all of it."""

    kind: str
    subject: str
    before: ReadyWord
    after: ReadyWord
    causes: Names
    smallest: bool
    says: str
    line: str

    @property
    def worse(self) -> bool:
        """Whether it got worse."""
        return self.after.rank > self.before.rank


@dataclass(frozen=True, slots=True)
class SinceThen:
    """What is other than it was in an earlier estate; ``renamed``: LPARs then → now that are only called otherwise."""

    name: str
    estate_sha256: str
    rows: int
    worse: tuple[ChangedVerdict, ...]
    better: tuple[ChangedVerdict, ...]
    came: Annotated[Names, Field(exclude_if=empty)] = ()
    went: Annotated[Names, Field(exclude_if=empty)] = ()
    renamed: Annotated[dict[str, str], Field(exclude_if=empty)] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadinessDocument:
    """Everything; ``as_json`` makes readiness.json of it."""

    version: int
    estate_sha256: str
    servers: tuple[ServerFree, ...]
    lost: tuple[ServerLost, ...]
    lpars: tuple[LparPlaces, ...]
    vioses: tuple[ViosDown, ...]
    blockers: tuple[Blocker, ...]
    assumptions: Names = ()
    since: Annotated[SinceThen | None, Field(exclude_if=absent)] = None
    made: Annotated[str, Field(exclude_if=empty)] = ""
    """By which program and asked how: what was found in the same way is taken over where nothing has changed."""

    @property
    def worse(self) -> bool:
        """Whether something got worse."""
        return bool(self.since and self.since.worse)
