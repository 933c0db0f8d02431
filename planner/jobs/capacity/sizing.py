"""Right-sizing: entitlement, virtual processors and memory from what was used, and what is odd about those of today."""

from __future__ import annotations

from dataclasses import dataclass

from planner.estate.capacity import min_units_per_vp
from planner.estate.model import Lpar, Server
from planner.jobs.capacity.figures import LEAST_ODD_UNITS, LEAST_ODD_VPS, Levers, Odd, PartitionSizes, Sizing
from planner.units import round_up

HISTORY, USED = "history", "used"
_NEAR = 95
"""Per cent of its own limit from which an LPAR counts as held back."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of one LPAR, in thousandths of a core. ``usual``: of the month's slots the percentiles of
    :data:`planner.jobs.capacity.figures.PERCENTILES`; ``need``: the highest hour's percentile on month-end days;
    ``peak``: the most at any time. ``memory_mib``: the most memory used, None when no source states it."""

    need: int
    peak: int
    memory_mib: int | None
    enough: bool
    usual: tuple[int, ...] = (0, 0, 0)


def proposal(lpar: Lpar, server: Server | None, measured: Measured | None, levers: Levers) -> Sizing:
    """What it should have. Rules: docs/capacity.md, Right-sizing."""
    basis, memory_basis = _basis(lpar, measured), _memory_basis(lpar, measured)
    production = lpar.environment == "production"
    margin = levers.margin_production if production else levers.margin_other
    least = min_units_per_vp(server) if server else 10
    lmb = (server.lmb_mib if server else None) or 256
    of = measured or Measured(0, 0, None, False)
    borrows = lpar.processors == "shared" and lpar.sharing != "capped"
    need = of.usual[levers.entitle_at(production)] if borrows else of.need
    limited = basis == HISTORY and _held_back(lpar, of.peak)
    now = PartitionSizes(lpar.entitlement_units, lpar.virtual_processors, lpar.memory_mib)
    units, vps = _processors(lpar, need, of.peak, margin, least, limited, levers) if basis == HISTORY else (
        now.units, now.virtual_processors)
    most = of.memory_mib if memory_basis == USED else None
    memory = now.memory_mib if most is None else max(round_up(levers.least_memory_mib, lmb),
                                                     with_margin(most, margin, lmb))
    right = PartitionSizes(units, vps, memory)
    odd, odd_memory = _odd(now, right, limited), _odd_memory(now, right)
    cpu, mem = right if odd or levers.propose_all else now, right if odd_memory or levers.propose_all else now
    return Sizing(basis, memory_basis=memory_basis, held_back=limited, borrows=borrows, need=need, of=of.usual,
                  end_need=of.need, peak=of.peak, most_memory_mib=most, margin=margin, least_units_per_vp=least,
                  lmb_mib=lmb, right=right, odd=odd, odd_memory=odd_memory,
                  proposed=PartitionSizes(cpu.units, cpu.virtual_processors, mem.memory_mib),
                  note=_note(lpar, vps, memory, limited))


def _odd(now: PartitionSizes, right: PartitionSizes, limited: bool) -> str:
    """What is odd about the processors, "" when nothing is: less than twice as much, or next to nothing, is not."""
    if limited:
        return Odd.LIMIT
    if right.units >= 2 * now.units and right.units - now.units >= LEAST_ODD_UNITS:
        return Odd.LITTLE
    if now.units >= 2 * right.units and now.units - right.units >= LEAST_ODD_UNITS:
        return Odd.MUCH
    vps = now.virtual_processors - right.virtual_processors
    return Odd.VPS if now.virtual_processors >= 2 * right.virtual_processors and vps >= LEAST_ODD_VPS else ""


def _odd_memory(now: PartitionSizes, right: PartitionSizes) -> bool:
    return now.memory_mib >= 2 * right.memory_mib or right.memory_mib > now.memory_mib


def with_margin(value: int, margin: int, step: int) -> int:
    """A value and so many per cent more, rounded up to a multiple of ``step``, exactly."""
    return -(-value * (100 + margin) // (100 * step)) * step


def _basis(lpar: Lpar, measured: Measured | None) -> str:
    if not lpar.active:
        return "not activated"
    if measured is None:
        return "no history"
    return HISTORY if measured.enough else "too little history"


def _memory_basis(lpar: Lpar, measured: Measured | None) -> str:
    if _basis(lpar, measured) != HISTORY:
        return _basis(lpar, measured)
    if lpar.memory_mode != "dedicated":
        return f"{lpar.memory_mode} memory"
    return USED if measured and measured.memory_mib is not None else "use not stated"


def _held_back(lpar: Lpar, peak: int) -> bool:
    """Whether it comes near what it may use at all: its virtual processors, or, when capped, its entitlement."""
    limit = lpar.entitlement_units if lpar.sharing == "capped" and lpar.processors == "shared" else (
        lpar.virtual_processors * 100)
    return peak * 100 >= limit * 10 * _NEAR


def _processors(lpar: Lpar, need: int, peak: int, margin: int, least: int, limited: bool,
                levers: Levers) -> tuple[int, int]:
    """Entitlement in hundredths and virtual processors."""
    vps = max(1, with_margin(peak, margin, 1000) // 1000)
    if limited:
        vps = max(vps, lpar.virtual_processors)
    if lpar.processors == "dedicated":
        return vps * 100, vps
    units = max(min(with_margin(need, margin, levers.step_units * 10) // 10, vps * 100), vps * least)
    if limited and lpar.sharing == "capped":
        units = max(units, lpar.entitlement_units)
    return units, vps


def _note(lpar: Lpar, vps: int, memory_mib: int, limited: bool) -> str:
    notes = []
    if limited:
        notes.append("at its own limit: may want more")
    if lpar.max_virtual_processors is not None and vps > lpar.max_virtual_processors:
        notes.append(f"above its maximum of {lpar.max_virtual_processors} virtual processors")
    if memory_mib > lpar.max_memory_mib:
        notes.append("above its maximum memory")
    return "; ".join(notes)
