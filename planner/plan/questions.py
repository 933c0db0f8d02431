"""What can be asked: the one model of it, from the command line through solver, schedule and replay to plan.json.

Server and LPAR names are taken as they are; whether an estate has them is asked by ``planner.optimise.asked``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime
from typing_extensions import TypedDict

from planner.errors import InputError
from planner.grouping import grouped
from planner.history.calendar import Bucket, Calendar, DayKind
from planner.plan.choices import By, Measure
from planner.plan.wire import Listed, Scaled, empty
from planner.units import show_cores, show_gib

Names = tuple[str, ...]
Hour = Annotated[int, Field(ge=0, le=23)]
Days = TypedDict("Days", {"month-end": list[Hour], "working": list[Hour], "weekend": list[Hour]}, total=False)


class CalendarForm(TypedDict):
    country: str
    subdivision: str
    last: Annotated[int, Field(ge=0, le=15)]
    first: Annotated[int, Field(ge=0, le=15)]
    closed: list[dt.date]
    weekend: list[Annotated[int, Field(ge=0, le=6)]]


def _calendar(form: CalendarForm) -> Calendar:
    try:
        return Calendar(form["country"], form["subdivision"], frozenset(form["closed"]), form["last"], form["first"],
                        frozenset(form["weekend"]))
    except InputError as error:
        raise ValueError("; ".join(f.message for f in error.findings)) from None


def hours_json(buckets: Collection[Bucket]) -> dict[str, list[int]]:
    """Kind of day → hours."""
    return grouped((b.kind.value, b.hour) for b in sorted(buckets))


Hours = Annotated[frozenset[Bucket], Listed(
    Days, lambda days: frozenset(Bucket(DayKind(kind), h) for kind, hours in days.items() for h in hours), hours_json)]
"""Hours of the day on days of a kind; in JSON kind → hours."""
SiteCalendar = Annotated[Calendar, Listed(CalendarForm, _calendar, lambda c: {
    "country": c.country, "subdivision": c.subdivision, "last": c.last, "first": c.first, "closed": sorted(c.closed),
    "weekend": sorted(c.weekend)})]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", validate_by_name=True, validate_by_alias=True,
                              defer_build=True)  # start-up: of all questions a run asks one

    def replace(self, **changes: Any) -> Self:
        """A copy with other values, checked as the first was."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | changes)


UNSEEN = "Measured usage was not looked at: entitlements alone were (--history FILE counts what was used)."
UNMEASURED = "Measured usage was not looked at: the history has none of these partitions, entitlements alone were."


class UsageBasis(_Model):
    """The usage that a plan was made with, so that the same can be read again: times in UTC seconds."""

    percentile: str
    from_s: Annotated[int, Field(ge=0, le=10**11)]
    to_s: Annotated[int, Field(ge=0, le=10**11)]
    step_s: Annotated[int, Field(ge=1, le=86_400)]
    growth_percent: Annotated[int, Field(ge=-90, le=1000)]
    hours: Hours
    calendar: SiteCalendar
    measured: Annotated[int, Field(ge=0)]
    """Partitions of which the history has usage."""
    sha256: str
    zone: Annotated[str, Field(exclude_if=empty)] = ""
    """The zone that the history states, of whose clocks ``hours`` are; empty: UTC, since it states none."""


def unseen(usage: UsageBasis | None) -> list[str]:
    """What an answer says before all else: that nothing measured was looked at, where that is so."""
    return [UNSEEN] if usage is None else [] if usage.measured else [UNMEASURED]


class Period(_Model):
    """A time in days that are known: local in ``zone`` (IANA; empty: not known), the end exclusive."""

    start: NaiveDatetime
    end: NaiveDatetime
    zone: Annotated[str, Field(exclude_if=empty)] = ""


class Question(_Model):
    """What every question may ask besides: the way back; ``assume_nothing``, that an assumption is a refusal; what was
    used (the planner fills this in)."""

    usage: Annotated[UsageBasis | None, Field(exclude_if=empty)] = None
    assume_nothing: Annotated[bool, Field(exclude_if=empty)] = False
    come_back: Annotated[bool, Field(alias="return", exclude_if=empty)] = False
    firmware_after: Annotated[Mapping[str, str], Field(exclude_if=empty)] = {}
    """Server → its firmware level once the work is done: the way back is judged with it."""
    homes: Annotated[Mapping[str, str], Field(exclude_if=empty)] = {}
    """LPAR → the server to which the way back brings it, of those that stand elsewhere when the plan begins."""
    away: Annotated[Mapping[str, str], Field(exclude_if=empty)] = {}
    """LPAR → its home, of those that this plan cannot bring there: for the plan after it."""
    not_targets: Annotated[Names, Field(exclude_if=empty)] = ()
    """Servers that take nobody in but those that belong there."""
    stay: Annotated[Names, Field(exclude_if=empty)] = ()
    """LPARs that do not move: of an alternative to a plan in which they do."""
    spare_percent: Annotated[int, Field(ge=0, le=99, exclude_if=empty)] = 0
    """So much of its cores and memory every server that takes LPARs in keeps free, whatever its policies allow."""
    back_counts: ClassVar[bool] = False
    """Whether the moves of the way back count in the objective."""

    @property
    def freed(self) -> Names:
        """The servers that are to be free of active LPARs."""
        return ()

    @property
    def left(self) -> Names:
        """The LPARs that stay on those servers on purpose."""
        return ()

    @property
    def takes_along(self) -> Names:
        """The servers of which LPARs that are not activated are migrated too."""
        return ()

    @property
    def unmoved(self) -> Names:
        """The LPARs that do not move at all, not even to come back."""
        return self.left


class _Freeing(Question):
    servers: Names
    leave: Annotated[Names, Field(exclude_if=empty)] = ()
    inactive: Annotated[bool, Field(exclude_if=empty)] = False
    """LPARs that are not activated go as well, by an inactive migration each."""

    @property
    def freed(self) -> Names:
        return self.servers

    @property
    def left(self) -> Names:
        return self.leave

    @property
    def takes_along(self) -> Names:
        return self.servers if self.inactive else ()


class Evacuate(_Freeing):
    """``servers`` are freed of active LPARs; those in ``leave`` stay: stopped with the server or, where it ``stays_up``
    and its VIOSes go down one after the other, running."""

    kind: Literal["evacuate"] = "evacuate"
    servers: Annotated[Names, Field(min_length=1)]
    stays_up: Annotated[bool, Field(exclude_if=empty)] = False


class Whatif(_Freeing):
    """The live moves of a scenario: off the servers that it retires; those in ``leave`` restart."""

    kind: Literal["whatif"] = "whatif"
    scenario: str


class Resume(_Freeing):
    """A plan that was begun goes on from where everybody stands: the LPARs of ``places`` go to their servers, of which
    ``servers`` are free of active LPARs then; with a way back everybody comes home, those of ``homes`` to theirs.

    ``critical`` LPARs move only to come home. This plan leaves alone those that are ``stuck`` and what has to wait for
    them (``later``), and then has no way back: ``then_home`` tells that one is to follow.
    """

    kind: Literal["resume"] = "resume"
    places: Annotated[Mapping[str, str], Field(exclude_if=empty)] = {}
    critical: Annotated[Names, Field(exclude_if=empty)] = ()
    stuck: Annotated[Mapping[str, str], Field(exclude_if=empty)] = {}
    """LPAR → the server that it stands on, or that it was leaving, of those that a person has to see to first."""
    later: Annotated[Names, Field(exclude_if=empty)] = ()
    then_home: Annotated[bool, Field(exclude_if=empty)] = False
    back_counts: ClassVar[bool] = True

    @property
    def takes_along(self) -> Names:
        """The servers on which it looks at LPARs that are not activated too."""
        return tuple(dict.fromkeys((*self.servers, *self.homes.values()))) if self.inactive else ()

    @property
    def unmoved(self) -> Names:
        """The LPARs that are not parked either."""
        return (*self.leave, *self.critical, *self.stuck, *self.later)


class Headroom(Question):
    """So much is to be free on ``server`` in ``hours``; ``critical`` LPARs (names; patterns when asked) stay there."""

    kind: Literal["headroom"] = "headroom"
    server: str
    units: Annotated[int, Scaled(100, 0, 1e6), Field(alias="cores")]
    """Hundredths of a core."""
    memory_mib: Annotated[int, Scaled(1024, 0, 1e9), Field(alias="memory_gib")]
    by: By = By.ENTITLEMENT
    when: str = ""
    critical: Names = ()
    hours: Annotated[Hours | None, Field(exclude_if=empty)] = None
    """The hours in which the headroom is needed, of the clocks of the history; None: in all that usage is known of."""
    period: Annotated[Period | None, Field(exclude_if=empty)] = None
    back_counts: ClassVar[bool] = True

    @property
    def unmoved(self) -> Names:
        return self.critical

    @property
    def text(self) -> str:
        """``8.00 cores and 64.0 GiB on p595-2``; of what is not asked for nothing."""
        amounts = [f"{show_cores(self.units)} cores"] * bool(self.units) + [f"{show_gib(self.memory_mib)} GiB"] * bool(
            self.memory_mib)
        return f"{' and '.join(amounts)} on {self.server}"


class Consolidate(Question):
    """The cheapest set of servers that carries every active LPAR; then the cheapest way to get there.

    ``keep`` stay on, ``off`` go off; ``n_plus_1``: any one server that stays may fail; ``weekend``: the servers are off
    for the plan's window alone.
    """

    kind: Literal["consolidate"] = "consolidate"
    measure: Annotated[Measure, Field(alias="minimise")] = Measure.WATTS
    n_plus_1: Annotated[bool, Field(exclude_if=empty)] = False
    keep: Annotated[Names, Field(exclude_if=empty)] = ()
    off: Annotated[Names, Field(exclude_if=empty)] = ()
    weekend: Annotated[bool, Field(exclude_if=empty)] = False


AnyQuestion = Annotated[Evacuate | Headroom | Consolidate | Whatif | Resume, Field(discriminator="kind")]
