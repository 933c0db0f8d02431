"""The migration-cost model: how long a move takes, how long the LPAR is suspended, how many bytes cross the wire.

Pre-copy (Clark et al., NSDI 2005; Liu et al., HPDC 2011) calibrated on the seed talk: a 4 GiB LPAR with one busy
core on 1 Gbit/s takes about 119 s and is suspended about 1.4 s ("roughly two minutes", "no more than two
seconds"). All parameters are in :class:`Parameters`, may be set in the estate's sheet Parameters, and appear
among the assumptions of every report.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.estate.catalogue import generation_of, least_rperf_per_core, rperf_per_core
from planner.estate.model import Lpar, Server, Vios
from planner.estate.parameters import Parameters, link_class

MIB = 1024 * 1024
#: What a partition's state holds beyond memory and max memory/64: vasistat of the seed, 4,364,697,600 bytes.
FIXED_STATE_BYTES = 5 * MIB // 2
#: From this MTU on a byte costs a VIOS less (jumbo frames).
JUMBO = 9000
#: rPerf of a core of the seed's JS22 (7998-61X).
JS22_RPERF = 7.57


def state_bytes(memory_mib: int, max_memory_mib: int) -> int:
    """Bytes of state V = memory + max memory/64 + 2.5 MiB. 4 GiB with 4 GiB maximum: 4,364,697,600 (the seed)."""
    return memory_mib * MIB + max_memory_mib * MIB // 64 + FIXED_STATE_BYTES


@dataclass(frozen=True, slots=True)
class Copy:
    """What a move costs at a given rate. Times in milliseconds, rounded up."""

    duration_ms: int
    suspend_ms: int
    bytes_sent: int
    rounds: tuple[int, ...]


def dirty_rate(lpar: Lpar, p: Parameters) -> float:
    """Bytes per second that it dirties: measured busy cores, or its entitlement where nobody measured."""
    return p.dirty_mb_s_per_core * 1e6 * lpar.kept_busy_units / 100


def rperf_of_core(server: Server, p: Parameters) -> float:
    """rPerf of a core: of the type-model by the catalogue, else as the parameter or the generation has it."""
    return (rperf_per_core(server.model) or p.unknown_rperf_per_core
            or least_rperf_per_core(server.generation or generation_of(server.model)) or JS22_RPERF)


def vios_limit(vios: Vios, server: Server, rperf_per_mb_s: float, p: Parameters) -> float:
    """Bytes per second that a VIOS can carry: the cores it may use, by the rPerf that each byte costs.

    An uncapped VIOS may use all its virtual processors; a capped or dedicated one its entitlement. Unknown
    virtual processors: no limit.
    """
    if vios.sharing in ("capped", "dedicated"):
        cores = vios.entitlement_units / 100
    elif vios.virtual_processors is None:
        return math.inf
    else:
        cores = float(max(vios.virtual_processors, 1))
    return cores * rperf_of_core(server, p) / rperf_per_mb_s * 1e6


def side_rate(vios: Vios, server: Server, p: Parameters, *, source: bool, packed: bool = False) -> float:
    """Bytes per second that one mover can send or receive, for all its moves together: as measured on such links, else
    what link and processors carry; ``packed``: what goes over the link is compressed at both ends."""
    if measured := p.rates.get(link_class(vios.link_mbit)):
        return measured
    link = p.link_efficiency * (vios.link_mbit or 1000) * 1e6 / 8 * (p.compression if packed else 1.0)
    per_byte = p.source_rperf_per_mb_s if source else p.target_rperf_per_mb_s
    if (vios.link_mtu or 1500) >= JUMBO:
        per_byte *= p.jumbo_share
    return min(link, vios_limit(vios, server, per_byte, p))


def stream_rate(share: float, p: Parameters) -> float:
    """One move's bytes per second, given its share of both movers."""
    return min(share, p.stream_mb_s * 1e6) if p.stream_mb_s > 0 else share


def converges(lpar: Lpar, rate: float, p: Parameters) -> bool:
    """Whether pre-copy gets anywhere at this rate: at least twice the dirty rate (λ ≤ 0.5)."""
    return rate >= 2 * dirty_rate(lpar, p)


def precopy(size: float, working_set: float, dirtied: float, rate: float, p: Parameters) -> tuple[list[float], float]:
    """The rounds of bytes that are sent while the LPAR runs, and the bytes of the last one, for which it stands still.

    S₀ = ``size``, Sᵢ₊₁ = min(working set, D·Sᵢ/b), until the next is ≤ ``stop_mb`` or ≥ ``stop_ratio`` of this one.
    """
    rounds = [size]
    while True:
        following = min(working_set, dirtied * rounds[-1] / rate)
        if following <= p.stop_mb * 1e6 or following >= p.stop_ratio * rounds[-1]:
            return rounds, following
        rounds.append(following)


def copy_at(lpar: Lpar, rate: float, p: Parameters) -> Copy:
    """The cost of moving an LPAR at ``rate`` bytes per second; one that is not activated has nothing to copy.

    Duration = overhead + Σ Sᵢ/b + suspension over the rounds of :func:`precopy`; suspension = last/b + ``resume_s``.
    """
    if not lpar.active:
        return Copy(math.ceil(p.inactive_s * 1000), 0, 0, ())
    size = float(state_bytes(lpar.memory_mib, lpar.max_memory_mib))
    working_set = size if lpar.working_set_mib is None else min(size, float(lpar.working_set_mib * MIB))
    rounds, following = precopy(size, working_set, dirty_rate(lpar, p), rate, p)
    suspend = following / rate + p.resume_s
    duration = p.overhead_s + sum(rounds) / rate + suspend
    return Copy(math.ceil(duration * 1000), math.ceil(suspend * 1000), int(sum(rounds) + following),
                tuple(int(r) for r in rounds))
