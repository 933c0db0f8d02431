"""The parameters of the migration-cost model, with the values that mean something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from planner.estate.model import Parameter

RATE = "rate_mb_s"
"""The one parameter that is of something: a class of links or a pair of movers, named in its column For."""
_LINK, _PAIR = re.compile(r"link ([1-9][0-9]{0,8})"), re.compile(r"(\S.*?) > (\S.*)")


def link_class(mbit: int | None) -> str:
    """How a class of links is named in the column For; of unknown speed: as 1 Gbit/s."""
    return f"link {mbit or 1000}"


def pair_name(source: str, target: str) -> str:
    """How a pair of movers is named there, in the direction of the move."""
    return f"{source} > {target}"


def movers_in(subject: str) -> tuple[str, ...] | None:
    """The movers that a rate is of; none for a class of links, None where it names neither."""
    if _LINK.fullmatch(subject):
        return ()
    pair = _PAIR.fullmatch(subject)
    return (pair[1], pair[2]) if pair else None


def within(most: float, *, above_zero: bool = False) -> dict[str, float | bool]:
    """Metadata of a parameter: at least 0 (or above it) and at most this."""
    return {"most": most, "above_zero": above_zero}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of the model, with where each comes from (confidence as in docs/cost-model.md)."""

    link_efficiency: float = field(default=0.632, metadata=within(1, above_zero=True))
    """Share of the link's line rate that a move gets: seed, 78.95 MB/s of 1 Gbit/s (measured there)."""
    overhead_s: float = field(default=45.0, metadata=within(86_400))
    """Fixed seconds of a move that an IVM orders, outside the copy: assumption that fits the seed's two minutes."""
    hmc_overhead_s: float = field(default=270.0, metadata=within(86_400))
    """The same of a move that an HMC orders: seed, "5 minutes or more" of 2 GiB; as overhead_s if that is stated."""
    validation_s: float = field(default=0.0, metadata=within(86_400))
    """Seconds of validation before that, where they were timed apart; 0: they are part of the overhead."""
    inactive_s: float = field(default=60.0, metadata=within(86_400, above_zero=True))
    """Seconds of an inactive migration, which copies no memory: not known, assumed; measure yours."""
    dirty_mb_s_per_core: float = field(default=20.0, metadata=within(100_000))
    """10⁶ bytes per second dirtied by each busy core: assumption that fits the seed."""
    stop_mb: float = field(default=100.0, metadata=within(1_000_000_000))
    """Pre-copy stops when the next round would be no larger than this (10⁶ bytes): assumption."""
    stop_ratio: float = field(default=0.9, metadata=within(1, above_zero=True))
    """Pre-copy stops when the next round would be at least this share of the last: "no longer decreasing"."""
    resume_s: float = field(default=0.5, metadata=within(86_400))
    """Seconds of suspension besides the last copy: assumption."""
    stream_mb_s: float = field(default=0.0, metadata=within(1_000_000))
    """Limit of one move's stream (10⁶ bytes/s) at any level; 0: by the levels of its VIOSes."""
    old_stream_mb_s: float = field(default=110.0, metadata=within(1_000_000, above_zero=True))
    """The same over a VIOS below 2.2.4, which sends a move by one thread: about 110 (isg3T7000117, on 10 Gbit/s)."""
    jumbo_share: float = field(default=0.5, metadata=within(1, above_zero=True))
    """Share of a VIOS's rPerf per byte on an MTU of 9000: half (IBM's VIOS sizing, one core a Gbit/s at 1500)."""
    compression: float = field(default=1.0, metadata=within(100, above_zero=True))
    """Bytes of memory per byte on a link between servers that compress (FW920, HMC V9R1.920): no figure known, so 1."""
    source_rperf_per_mb_s: float = field(default=0.130, metadata=within(1_000, above_zero=True))
    """rPerf that the source VIOS spends per 10⁶ bytes/s: seed, 1.36 cores at 78.95 MB/s."""
    target_rperf_per_mb_s: float = field(default=0.115, metadata=within(1_000, above_zero=True))
    """rPerf that the target VIOS spends per 10⁶ bytes/s: seed, 1.20 cores."""
    unknown_rperf_per_core: float = field(default=0.0, metadata=within(1_000))
    """rPerf per core of a type-model that the catalogue lacks; 0: by generation, for POWER6 7.57 (the seed's JS22)."""
    share_in_overhead: float = field(default=1.0, metadata=within(1))
    """1: a move holds its share of both movers from start to end; 0: only while it copies (docs/cost-model.md)."""
    wave_gap_s: float = field(default=0.0, metadata=within(86_400))
    """Seconds between the end of a move (or wave) and the start of what waits for it, for checks."""
    check_before_s: float = field(default=180.0, metadata=within(86_400))
    """Seconds that a person spends on an LPAR before its move (cron off, error log, paths): assumed."""
    check_after_s: float = field(default=300.0, metadata=within(86_400))
    """Seconds that a person spends on it afterwards (paths, error log, application, cron on): assumed."""
    people: float = field(default=2.0, metadata=within(1_000, above_zero=True))
    """People who work the checklists at a time: assumed; nobody should have a window to himself."""
    duration_sigma: float = field(default=0.2, metadata=within(3))
    """Spread of a move's duration around the model, log-normal σ, each move for itself: assumed, not measured."""
    common_sigma: float = field(default=0.25, metadata=within(3))
    """What all moves of a night may be off together, log-normal σ of the model's own figures: assumed, not measured."""
    failed_share: float = field(default=0.02, metadata=within(1))
    """Share of moves that end in an abort and stay where they were: assumed, no figure is published."""
    risk_production_s: float = field(default=30.0, metadata=within(1_000_000))
    """Seconds by which moving a production LPAR counts as dearer than its duration."""
    risk_heartbeat_s: float = field(default=60.0, metadata=within(1_000_000))
    """The same for an LPAR that runs cluster software."""
    risk_warning_s: float = field(default=10.0, metadata=within(1_000_000))
    """The same for each warning that a move carries."""
    rates: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Class of links or pair of movers → bytes/s that it was measured to carry (rate_mb_s with its For)."""

    def of_console(self, *, ivm: bool) -> Parameters:
        """These parameters with ``overhead_s`` of all that a move takes beside the copy under an IVM or an HMC."""
        fixed = self.validation_s + (self.overhead_s if ivm else self.hmc_overhead_s)
        return replace(self, overhead_s=fixed, hmc_overhead_s=fixed, validation_s=0.0)


FIGURES = tuple(f for f in fields(Parameters) if f.metadata)
"""The parameters that are one number each."""
LIMITS: Mapping[str, Mapping[str, Any]] = {f.name: f.metadata for f in FIGURES} | {
    RATE: within(1_000_000, above_zero=True)}


def parameters_of(rows: Iterable[Parameter]) -> tuple[Parameters, tuple[str, ...]]:
    """The model's parameters with an estate's own values, and the names in it that are none. An overhead that is
    stated without one for HMCs is of every console."""
    known = {f.name for f in FIGURES}
    stated = tuple(rows)
    given = {r.name: r.value for r in stated if not r.subject}
    if "overhead_s" in given:
        given.setdefault("hmc_overhead_s", given["overhead_s"])
    rates = {r.subject: r.value * 1e6 for r in stated if r.name == RATE and r.subject}
    return (replace(Parameters(), **{k: v for k, v in given.items() if k in known}, rates=rates),
            tuple(sorted({r.name for r in stated} - known - {RATE})))
