"""The same figures for programs."""

from __future__ import annotations

from typing import Any

from planner.findings import finding_json
from planner.jobs.capacity.figures import (
    Capacity,
    EnterpriseFigures,
    MeasuredShare,
    MonthUsage,
    Outlook,
    PartitionFigures,
    PartitionSizes,
    PlaceFigures,
    show_month,
)
from planner.report.capacity.frame import in_cores
from planner.report.capacity.front import answer


def capacity_json(capacity: Capacity) -> dict[str, Any]:
    """Cores and GiB, as the workbook shows them."""
    return {
        "month": show_month(capacity.month), "answer": list(answer(capacity)),
        "months": [show_month(m) for m in capacity.months], "absent": [show_month(m) for m in capacity.absent],
        "month_end_days": [str(day) for day in capacity.month_end_days],
        "levers": {"percentile": float(capacity.levers.percentile), "cpu_ceiling": capacity.levers.cpu_ceiling,
                   "memory_ceiling": capacity.levers.memory_ceiling, "growth": capacity.levers.growth,
                   "margin_production": capacity.levers.margin_production,
                   "margin_other": capacity.levers.margin_other,
                   "entitle_production": capacity.levers.entitle_production,
                   "entitle_other": capacity.levers.entitle_other, "propose_all": capacity.levers.propose_all},
        "measured": _measured(capacity.recorded()),
        "servers": [_place(p, capacity) | {"measured": _measured(capacity.recorded(p.name))} for p in capacity.servers],
        "pools": [_place(p, capacity) for p in capacity.pools],
        **({"enterprise_pools": [_enterprise(e) for e in capacity.enterprise]} if capacity.enterprise else {}),
        "lpars": [_lpar(p) for p in capacity.lpars],
        "plan": _plan(capacity), "assumptions": list(capacity.assumptions),
        "findings": [finding_json(f) for f in capacity.findings],
    }


def _place(place: PlaceFigures, capacity: Capacity) -> dict[str, Any]:
    full, left = place.full_in(capacity.month, capacity.levers, capacity.far), place.months_left(capacity.levers)
    far = left is not None and left > capacity.far
    figures: dict[str, Any] = {
        "name": place.name, "server": place.server, "pool": place.pool or None, "lpars": place.lpars,
        "cores": place.capacity, "ceiling": place.ceiling, "cores_usable": place.usable,
        "cores_entitled": place.entitled_units / 100, **_usage(place.usage), "headroom": place.headroom,
        "sum_of_peaks": place.sum_of_peaks / 1000, "growth": place.growth(capacity.levers),
        "months_until_full": None if far else left, "full": None if full is None else show_month(full),
        "full_after_months": capacity.far if far else None,
        "forecast": _outlook(place.outlook),
        "month_end_peaks": {show_month(m): in_cores(u.month_end) for m, u in place.past.items()},
    }
    if not place.pool:
        figures |= {"memory_gib": place.memory_mib / 1024, "memory_allocated_gib": place.memory_allocated_mib / 1024,
                 "memory_headroom_gib": place.memory_headroom}
    return figures


def _enterprise(pool: EnterpriseFigures) -> dict[str, Any]:
    return {"name": pool.name, "servers": list(pool.servers), "cores_base": pool.base_cores,
            "cores_installed": pool.installed_units / 100, "hours": pool.hours, "peak": in_cores(pool.peak),
            "month_end_peak": in_cores(pool.month_end_peak), "minutes_above": pool.minutes_above,
            "core_minutes": pool.core_minutes, "month_end_core_minutes": pool.month_end_core_minutes}


def _measured(share: MeasuredShare) -> dict[str, Any]:
    return {"lpars": share.measured, "of_lpars": share.lpars, "cores_entitled": share.units / 100,
            "of_cores_entitled": share.all_units / 100}


def _usage(usage: MonthUsage | None) -> dict[str, Any]:
    if usage is None:
        return {"used": None}
    return {"used": {"mean": in_cores(usage.mean), "percentile": in_cores(usage.high), "peak": in_cores(usage.peak),
                     "month_end_peak": in_cores(usage.month_end), "memory_gib": usage.memory_mib / 1024}}


def _outlook(outlook: Outlook | None) -> dict[str, Any] | None:
    if outlook is None:
        return None
    made = outlook.made
    return {"after": show_month(outlook.after),
            **{name: [in_cores(v) for v in getattr(made, name) or ()] for name in ("points", "low", "high")},
            "method": made.method.value, "months_used": made.months_used,
            "full": None if made.ceiling_month is None else show_month(made.ceiling_month),
            "full_early": None if made.ceiling_month_early is None else show_month(made.ceiling_month_early)}


def _lpar(p: PartitionFigures) -> dict[str, Any]:
    return {"name": p.name, "server": p.server, "environment": p.environment,
            "cores_entitled": p.entitlement_units / 100, "virtual_processors": p.virtual_processors,
            "memory_gib": p.memory_mib / 1024, **_usage(p.usage), "verdict": p.verdict,
            "proposed": {"basis": p.sizing.basis, "memory_basis": p.sizing.memory_basis,
                         "odd": p.sizing.odd, "odd_memory": p.sizing.odd_memory, **_sizes(p.sizing.proposed),
                         "right": _sizes(p.sizing.right), "note": p.sizing.note},
            "forecast": _outlook(p.outlook)}


def _sizes(sizes: PartitionSizes) -> dict[str, Any]:
    return {"cores": sizes.units / 100, "virtual_processors": sizes.virtual_processors,
            "memory_gib": sizes.memory_mib / 1024}


def _plan(capacity: Capacity) -> dict[str, Any] | None:
    if capacity.plan is None:
        return None
    return {"holds": capacity.plan.holds, "findings": [finding_json(f) for f in capacity.plan.findings],
            "servers": [{"server": e.before.server, "month_end_peak_before": in_cores(e.peak_before),
                         "month_end_peak_after": in_cores(e.peak_after)} for e in capacity.plan.effects]}
