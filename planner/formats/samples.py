"""What every source of usage is brought to: samples and counters on one clock (UTC), before a history keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, Protocol

from planner.findings import Finding, Severity, Source

#: Averages over more than a day (25 hours where summer time ends) say nothing about an hour: they are not kept.
MOST_SPAN_S = 25 * 3600
DEFAULT_SPAN_S = 300
_MOST_THOUSANDTHS = 4_096_000
SERIAL = "serial "
PHYSICAL_POOL = "physical pool"


class Kind(StrEnum):
    """Whose usage it is."""

    LPAR = "lpar"
    POOL = "pool"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one entity used over the ``span_s`` seconds that end at ``end_s`` (UTC, seconds since 1970).

    ``physc`` in thousandths of a core, ``entitlement`` in hundredths (of a pool or a server: what is assigned of it).
    ``server`` is empty where the source does not say it. ``source`` is the SHA-256 of the file.
    """

    kind: Kind
    name: str
    server: str
    end_s: int
    span_s: int
    physc: int | None = None
    entitlement: int | None = None
    memory_used_mib: int | None = None
    memory_total_mib: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Counters that only grow until they are reset; usage is the difference of two of them (``lslparutil``)."""

    kind: Kind
    name: str
    server: str
    at_s: int
    time_cycles: int
    used_cycles: int
    entitlement: int | None = None
    memory_used_mib: int | None = None
    memory_total_mib: int | None = None


@dataclass(slots=True)
class ClockNotes:
    """What local times left to be decided. ``guessed``: in the hour that occurs twice, nothing before it to tell."""

    nonexistent: list[datetime] = field(default_factory=list)
    guessed: list[datetime] = field(default_factory=list)
    back: list[tuple[datetime, datetime]] = field(default_factory=list)


class ZoneClock(Protocol):
    """The site's clock, which knows when summer time begins and ends."""

    name: str

    def instants(self, times: Sequence[datetime], notes: ClockNotes) -> list[int]:
        """UTC seconds of the local times of one series."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the exports do not say and a person has to.

    ``start``, ``interval_s`` and ``lpar`` are of ``lparstat``, whose rows have no clock; ``servers`` gives the name of
    the server for a serial number (nmon knows no other).
    """

    clock: ZoneClock | None = None
    start: datetime | None = None
    interval_s: int | None = None
    lpar: str = ""
    servers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Extract:
    """Samples, counters and findings of one file. ``local``: it holds times without a zone."""

    file: str
    context: Context
    samples: list[Sample] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    local: bool = False
    _told: set[str] = field(default_factory=set)

    def say(self, rule: str, severity: Severity, message: str, fix: str, *, subject: str = "",
            source: Source | None = None) -> None:
        self.findings.append(Finding(rule, severity, subject or self.file, message, fix, source or Source(self.file)))

    def once(self, key: str, rule: str, severity: Severity, message: str, fix: str, source: Source) -> None:
        """A finding that stands for all of its kind in the file."""
        if key not in self._told:
            self._told.add(key)
            self.say(rule, severity, message, fix, source=source)

    def instants(self, times: Sequence[datetime], subject: str) -> list[int] | None:
        """UTC of one series' local times; None, with a finding, while the zone is not known."""
        if wrong := [time for time in times if not 1971 <= time.year <= 2200]:
            self.say("input.bad-value", Severity.WARNING, f"a clock that says {wrong[0]}", "the series is left out",
                     subject=subject)
            return None
        if all(time.tzinfo for time in times):
            return [round(time.timestamp()) for time in times]
        self.local = True
        if self.context.clock is None:
            self.once("zone", "history.zone-needed", Severity.ERROR,
                      "its times are local, without a zone, and the history's zone is not known yet",
                      "give the site's zone once, for example --zone Europe/Berlin", Source(self.file))
            return None
        notes = ClockNotes()
        instants = self.context.clock.instants(times, notes)
        self._clock_findings(notes, subject)
        return instants

    def _clock_findings(self, notes: ClockNotes, subject: str) -> None:
        zone = self.context.clock.name if self.context.clock else ""
        if notes.nonexistent:
            self.say("history.nonexistent-time", Severity.WARNING,
                     f"{len(notes.nonexistent)} times that {zone} leaves out when summer time begins, the first is "
                     f"{notes.nonexistent[0]}", "read as if the clock had not been changed; check the zone",
                     subject=subject)
        if notes.guessed:
            self.say("history.ambiguous-time", Severity.WARNING,
                     f"begins at {notes.guessed[0]}, which occurs twice in {zone} when summer time ends",
                     "taken as the first of the two", subject=subject)
        if notes.back:
            self.say("history.clock-jump", Severity.WARNING,
                     f"the clock goes back {len(notes.back)} times, the first from {notes.back[0][0]} to "
                     f"{notes.back[0][1]}", "samples of the same instant are merged, the larger figure counts",
                     subject=subject)

    def sample(self, sample: Sample, source: Source) -> None:
        """Keep a sample if it can be."""
        if not 0 < sample.span_s <= MOST_SPAN_S:
            self.once("span", "history.too-coarse", Severity.WARNING,
                      f"an average over {sample.span_s} s", "only averages over up to 25 hours are kept", source)
        elif sample.physc is not None and not 0 <= sample.physc <= _MOST_THOUSANDTHS:
            self.once("physc", "input.bad-value", Severity.WARNING,
                      f"{sample.physc / 1000} cores is more than any server has", "the sample is left out", source)
        else:
            self.samples.append(sample)


def server_of_serial(serial: Any, servers: Mapping[str, str]) -> str:
    """The server's name where it is known; AIX prints the serial number with two digits of the plant before it."""
    if not isinstance(serial, str) or not serial.strip():
        return ""
    plain = serial.strip().rpartition(",")[2]
    known = sorted(name for stated, name in servers.items() if len(stated) >= 5 and plain.endswith(stated))
    return known[0] if known else SERIAL + plain


def thousandths(cores: float | Decimal) -> int:
    """Cores as thousandths of a core, half up."""
    return int((Decimal(str(cores)) * 1000 + Decimal("0.5")) // 1)


def whole(value: Any) -> int | None:
    """The value where it is a whole number that is not negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def less(total: Any, free: Any) -> Any:
    """What is used of a total; None where it is not known."""
    return total - free if total is not None and free is not None and free <= total else None


def spans(instants: Sequence[int], interval_s: int | None = None) -> list[int]:
    """Seconds that each of these samples covers: since the one before; the usual interval after a gap or a jump."""
    steps = [after - before for before, after in pairwise(instants)]
    usual = interval_s or _commonest([step for step in steps if step > 0])
    return [usual, *(step if 0 < step < 2 * usual else usual for step in steps)][:len(instants)]


def _commonest(steps: list[int]) -> int:
    """The commonest of these, the shortest of equals; DEFAULT_SPAN_S of none."""
    counted = Counter(steps)
    return min(counted, key=lambda step: (-counted[step], step), default=DEFAULT_SPAN_S)
