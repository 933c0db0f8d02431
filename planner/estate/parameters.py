"""The parameters of the migration-cost model, with the values that mean something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace

from planner.estate.model import Parameter


def within(most: float, *, above_zero: bool = False) -> dict[str, float | bool]:
    """Metadata of a parameter: at least 0 (or above it) and at most this."""
    return {"most": most, "above_zero": above_zero}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of the model, with where each comes from (confidence as in docs/cost-model.md)."""

    link_efficiency: float = field(default=0.632, metadata=within(1, above_zero=True))
    """Share of the link's line rate that a move gets: seed, 78.95 MB/s of 1 Gbit/s (measured there)."""
    overhead_s: float = field(default=45.0, metadata=within(86_400))
    """Fixed seconds of a move outside the copy: assumption that fits the seed. HMC sites: 120 to 300 s."""
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
    """Limit of one move's stream (10⁶ bytes/s); 0: none. VIOS before 2.2.4: about 110 (isg3T7000117)."""
    source_rperf_per_mb_s: float = field(default=0.130, metadata=within(1_000, above_zero=True))
    """rPerf that the source VIOS spends per 10⁶ bytes/s: seed, 1.36 cores at 78.95 MB/s."""
    target_rperf_per_mb_s: float = field(default=0.115, metadata=within(1_000, above_zero=True))
    """rPerf that the target VIOS spends per 10⁶ bytes/s: seed, 1.20 cores."""
    unknown_rperf_per_core: float = field(default=0.0, metadata=within(1_000))
    """rPerf per core of a type-model that the catalogue lacks; 0: by generation, for POWER6 7.57 (the seed's JS22)."""
    wave_gap_s: float = field(default=0.0, metadata=within(86_400))
    """Seconds between the end of a wave and the start of the next, for checks."""
    risk_production_s: float = field(default=30.0, metadata=within(1_000_000))
    """Seconds by which moving a production LPAR counts as dearer than its duration."""
    risk_heartbeat_s: float = field(default=60.0, metadata=within(1_000_000))
    """The same for an LPAR that runs cluster software."""
    risk_warning_s: float = field(default=10.0, metadata=within(1_000_000))
    """The same for each warning that a move carries."""


def parameters_of(rows: Iterable[Parameter]) -> tuple[Parameters, tuple[str, ...]]:
    """The model's parameters with an estate's own values, and the names in it that are none."""
    known = {f.name for f in fields(Parameters)}
    given = {r.name: r.value for r in rows}
    return replace(Parameters(), **{k: v for k, v in given.items() if k in known}), tuple(sorted(set(given) - known))
