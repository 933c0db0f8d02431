"""Right-sizing: entitlement, virtual processors and memory from what was used at month-end."""

from __future__ import annotations

from dataclasses import dataclass

from planner.estate.capacity import min_units_per_vp
from planner.estate.model import Lpar, Server
from planner.jobs.capacity.figures import Levers, Sizing
from planner.units import round_up

HISTORY, USED = "history", "used"
_NEAR = 95
"""Per cent of its own limit from which an LPAR counts as held back."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of one LPAR. ``need``: the highest hour's percentile on month-end days; ``peak``: the most at
    any time, both in thousandths of a core; ``memory_mib`` the most memory used, None when no source states it."""

    need: int
    peak: int
    memory_mib: int | None
    enough: bool


def proposal(lpar: Lpar, server: Server | None, measured: Measured | None, levers: Levers) -> Sizing:
    """What it should have. Rules: docs/capacity.md, Right-sizing."""
    basis = _basis(lpar, measured)
    memory_basis = _memory_basis(lpar, measured)
    margin = levers.margin_production if lpar.environment == "production" else levers.margin_other
    least = min_units_per_vp(server) if server else 10
    lmb = (server.lmb_mib if server else None) or 256
    need, peak = (measured.need, measured.peak) if measured else (0, 0)
    limited = basis == HISTORY and _held_back(lpar, peak)
    units, vps = _processors(lpar, need, peak, margin, least, limited, levers) if basis == HISTORY else (
        lpar.entitlement_units, lpar.virtual_processors)
    memory = lpar.memory_mib
    most = measured.memory_mib if measured and memory_basis == USED else None
    if most is not None:
        memory = max(round_up(levers.least_memory_mib, lmb), with_margin(most, margin, lmb))
    return Sizing(basis, memory_basis=memory_basis, held_back=limited, need=need, peak=peak, most_memory_mib=most,
                  margin=margin, least_units_per_vp=least, lmb_mib=lmb, units=units, virtual_processors=vps,
                  memory_mib=memory, note=_note(lpar, vps, memory, limited))


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
