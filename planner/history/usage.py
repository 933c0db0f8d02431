"""Usage of partitions slot by slot over the hours that a plan must carry: what capacity rules ask of the history."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from planner.estate.model import Lpar, Vios
from planner.findings import Finding
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.history.contents import STEP_S
from planner.history.profiles import HISTORY, bucket_numbers, exact_percentile, profiles
from planner.history.store import History


@dataclass(frozen=True, slots=True, eq=False)
class Usage:
    """Usage of partitions in the slots that count.

    ``physc``: partitions (rows as ``names``) × slots, thousandths of a core, without holes. ``starts``: the slots'
    beginnings in UTC seconds; ``numbers``: each slot's bucket in ``BUCKETS``. At a ``percentile`` below 100 a sample
    above its partition's own percentile of the bucket counts as that percentile, so the peak of the sum over the slots
    stays at or below the sum of the percentiles. ``measured``: partitions with a history of their own.
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64]
    numbers: NDArray[np.int16]
    physc: NDArray[np.int32]
    measured: frozenset[str]
    percentile: Fraction
    clock: Clock
    step_s: int = STEP_S
    findings: tuple[Finding, ...] = ()
    _rows: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {name: number for number, name in enumerate(self.names)})

    def __contains__(self, name: str) -> bool:
        return name in self.measured

    def of(self, name: str) -> NDArray[np.int32]:
        """A partition slot by slot in thousandths of a core; raises KeyError for one that is not in it."""
        row: NDArray[np.int32] = self.physc[self._rows[name]]
        return row

    def with_entitled(self, partitions: Iterable[Lpar | Vios]) -> Usage:
        """With partitions that nobody measured: the entitlement of each in every slot."""
        more = {p.name: p.entitlement_units * 10 for p in partitions if p.name not in self._rows}
        names = tuple(sorted((*self.names, *more)))
        physc = np.empty((len(names), len(self.starts)), dtype=np.int32)
        for row, name in enumerate(names):
            physc[row] = more[name] if name in more else self.of(name)
        return replace(self, names=names, physc=physc, _rows={})

    def inside(self, buckets: Collection[Bucket]) -> NDArray[np.bool_]:
        """For each slot whether its bucket is one of these."""
        return np.isin(self.numbers, [n for n, b in enumerate(BUCKETS) if b in set(buckets)])

    def digest(self) -> str:
        """SHA-256 of everything that planning looks at."""
        hashed = hashlib.sha256(repr((self.names, sorted(self.measured), self.percentile, self.step_s)).encode())
        for column in (self.starts, self.numbers, self.physc):
            hashed.update(column.tobytes())
        return hashed.hexdigest()

    def when(self, slot: int) -> datetime:
        """The local time at which a slot begins."""
        return self.clock.local(int(self.starts[slot]))

    def bucket(self, slot: int) -> Bucket:
        return BUCKETS[int(self.numbers[slot])]

    def month_end_peak(self, total: NDArray[np.int64]) -> int:
        """The most of a series over the slots on month-end days; on all days where none of them counts."""
        ends = self.inside([b for b in BUCKETS if b.kind is DayKind.MONTH_END])
        return int((total[ends] if ends.any() else total).max(initial=0))

    def worst_by_bucket(self, total: NDArray[np.int64]) -> dict[Bucket, int]:
        """Bucket → the slot in which a series over the slots is highest (the first of equals)."""
        worst = {}
        for number in np.unique(self.numbers).tolist():
            listed = np.flatnonzero(self.numbers == number)
            worst[BUCKETS[number]] = int(listed[int(np.argmax(total[listed]))])
        return worst


def usage_of(history: History, partitions: Iterable[Lpar | Vios], site: Calendar, *, buckets: Collection[Bucket],
             percentile: float | int | str | Fraction = 100, start_s: int | None = None, end_s: int | None = None,
             step_s: int = STEP_S) -> Usage:
    """What these partitions used in these buckets of a period (all the history where no end is given).

    A hole takes the partition's own percentile of its bucket; a partition without history its entitlement, which the
    findings tell. Raises InputError.
    """
    share = exact_percentile(percentile)
    known = profiles(history, partitions, site, percentile=share, start_s=start_s, end_s=end_s, step_s=step_s)
    numbers = bucket_numbers(known.grid, history.clock(), site)
    chosen = np.flatnonzero(np.isin(numbers, [n for n, b in enumerate(BUCKETS) if b in set(buckets)]))
    names: Sequence[str] = known.grid.names
    rows = np.empty((len(names), len(chosen)), dtype=np.int32)
    for number, name in enumerate(names):
        rows[number] = known.series(name)[chosen]
        if share < 100:
            stated = np.array([known.profile(name).physc[bucket] for bucket in BUCKETS], dtype=np.int32)
            rows[number] = np.minimum(rows[number], stated[numbers[chosen]])
    measured = frozenset(n for n in names if known.profile(n).source == HISTORY)
    return Usage(tuple(names), starts=known.grid.starts[chosen], numbers=numbers[chosen], physc=rows, measured=measured,
                 percentile=share, clock=history.clock(), step_s=step_s, findings=known.findings)
