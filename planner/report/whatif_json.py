"""whatif.json: the figures of every scenario, in cores, GiB, watts; page and workbook show these and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.findings import finding_json
from planner.jobs.scenario_result import LparLine, ScenarioResult, ServerLine, rounded_gib
from planner.optimise.frontier import FrontierPoint
from planner.plan.choices import OUT
from planner.plan.wire import as_json
from planner.units import cores

VERSION = 1


def slug(text: str) -> str:
    """A name as a directory: ``two 770 of 16 cores`` → ``two-770-of-16-cores``."""
    words = "".join(c if c.isalnum() and c.isascii() else " " for c in text).split()
    return "-".join(words).lower() or "scenario"


def directories(results: Sequence[ScenarioResult]) -> list[str]:
    """A directory for each scenario's plan, no two the same."""
    out: list[str] = []
    for r in results:
        name = slug(r.name)
        while name in out:
            name += "-2"
        out.append(name)
    return out


def whatif_json(results: Sequence[ScenarioResult], estate_digest: str) -> dict[str, Any]:
    """Today and the scenarios as plain data, in the order given."""
    return {"version": VERSION, "estate_sha256": estate_digest,
            "scenarios": [_scenario(r, name) for r, name in zip(results, directories(results), strict=True)]}


def _scenario(r: ScenarioResult, directory: str) -> dict[str, Any]:
    return {
        "name": r.name, "file": r.file, "note": r.note, "status": r.status.value, "objective_s": r.objective,
        "bound_s": r.bound, "gap": r.gap, "retired": list(r.retired), "added": list(r.added),
        "totals": None if r.totals is None else {
            **r.figures(), "watts_assumed": any(s.watts_assumed for s in r.servers),
            "hours": r.scenario.hours if r.scenario else None},
        "migration": {"live": r.live, "restarts": r.restarts, "reactivations": r.activations, "resized": r.resized,
                      "inactive": list(r.inactive), "inactive_moved": list(r.inactive_moved),
                      "inactive_moves": len(r.inactive_moved), "waves": r.waves, "hours": round(r.hours, 2),
                      "outage_minutes": r.outage_minutes},
        "waves": _waves(r), "changes": [as_json(c) for c in r.changes],
        "one_way_doors": [{"after": d.after, "reason": d.reason, "lpars": list(d.lpars)} for d in r.doors],
        "risks": [finding_json(f) for f in r.findings], "conflict": as_json(r.conflict),
        "frontier": [_point(p) for p in r.frontier], "frontier_note": r.frontier_note,
        "servers": [_server(s) for s in r.servers], "lpars": [_lpar(x) for x in r.lpars],
        "rperf": list(r.ratings), "assumptions": list(r.assumptions),
        "plan": directory if r.plan is not None else None}


def _waves(r: ScenarioResult) -> list[dict[str, Any]]:
    """The timetable of the live moves."""
    if r.plan is None:
        return []
    return [{"wave": n, "start_s": min(m.start_ms for m in moves) / 1000, "end_s": max(m.end_ms for m in moves) / 1000,
             "moves": [{"lpar": m.lpar, "source": m.source, "target": m.target} for m in moves]}
            for n, moves in r.plan.waves(OUT)]


def _point(p: FrontierPoint) -> dict[str, Any]:
    return {"servers": p.servers, "status": p.status.value, "headroom_percent": p.share, "bound_percent": p.bound,
            "names": list(p.names), "free_cores": cores(p.free_units),
            "free_gib": rounded_gib(p.free_mib)}


def _server(s: ServerLine) -> dict[str, Any]:
    return {
        "name": s.name, "model": s.model, "generation": s.generation, "added": s.added, "lpars": s.lpars,
        "cores_limit": cores(s.units_limit), "cores_arrival": cores(s.units_arrival), "cores": cores(s.units_final),
        "gib_limit": rounded_gib(s.memory_limit_mib), "gib_arrival": rounded_gib(s.memory_arrival_mib),
        "gib": rounded_gib(s.memory_final_mib), "idle_w": s.idle_w, "max_w": s.max_w, "watts": s.watts,
        "watts_assumed": s.watts_assumed, "watts_source": s.watts_source}


def _lpar(x: LparLine) -> dict[str, Any]:
    return {
        "name": x.name, "source": x.source, "target": x.target, "way": x.way, "wave": x.wave,
        "cores_today": cores(x.old.entitlement_units), "cores": cores(x.final.entitlement_units),
        "virtual_processors_today": x.old.virtual_processors, "virtual_processors": x.final.virtual_processors,
        "gib_today": rounded_gib(x.old.memory_mib), "gib": rounded_gib(x.final.memory_mib), "ratio": round(x.ratio, 4),
        "virtual_processors_by": x.basis, "not_resized": x.why_not_resized,
        "path": [{"when": s.when, "server": s.server, "mode": s.mode, "cores": cores(s.units),
                  "virtual_processors": s.virtual_processors} for s in x.stages],
        "reasons": [{"rule": f.rule, "reason": f.message, "fix": f.fix} for f in x.reasons]}
