"""JSON Schema of plan.json, published as docs/plan.schema.json and checked in a test."""

from __future__ import annotations

from typing import Any

from planner.plan import Measure, Status

_TEXT, _NUMBER, _WHOLE, _YES = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "boolean"}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties,
            "required": [p for p in properties if p not in optional]}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _goals() -> list[dict[str, Any]]:
    """What was asked, one schema for each kind of goal."""
    hour = {"type": "integer", "minimum": 0, "maximum": 23}
    hours = {"type": "object", "additionalProperties": False, "properties": {
        kind: _list(hour) for kind in ("month-end", "working", "weekend")}}
    usage = _object({
        "percentile": _TEXT, "from_s": _WHOLE, "to_s": _WHOLE, "step_s": _WHOLE, "growth_percent": _WHOLE,
        "hours": hours, "measured": _WHOLE, "sha256": _TEXT, "calendar": _object({
            "country": _TEXT, "subdivision": _TEXT, "last": _WHOLE, "first": _WHOLE, "closed": _list(_TEXT),
            "weekend": _list(_WHOLE)})})
    period = _object({"start": _TEXT, "end": _TEXT})
    return [
        _object({"kind": {"const": "evacuate"}, "servers": _list(_TEXT), "leave": _list(_TEXT), "usage": usage,
                 "return": _YES}, ("leave", "usage", "return")),
        _object({"kind": {"const": "headroom"}, "server": _TEXT, "cores": _NUMBER, "memory_gib": _NUMBER,
                 "by": {"enum": ["both", "entitlement", "usage"]}, "when": _TEXT, "critical": _list(_TEXT),
                 "usage": usage, "hours": hours, "period": period, "return": _YES},
                ("usage", "hours", "period", "return")),
        _object({"kind": {"const": "whatif"}, "scenario": _TEXT, "servers": _list(_TEXT), "leave": _list(_TEXT),
                 "usage": usage, "return": _YES}, ("leave", "usage", "return")),
        _object({"kind": {"const": "consolidate"}, "minimise": {"enum": [m.value for m in Measure]},
                 "n_plus_1": _YES, "keep": _list(_TEXT), "off": _list(_TEXT), "weekend": _YES, "usage": usage,
                 "return": _YES}, ("n_plus_1", "keep", "off", "weekend", "usage", "return"))]


def schema() -> dict[str, Any]:
    """The schema. Seconds count from the start of the window; ``objective`` and ``bound`` are seconds of cost, for a
    consolidation those of the first of its ``levels``, in its unit."""
    adapter = _object({"slot": _WHOLE, "vios": _TEXT})
    leg = {"enum": ["out", "back"]}
    seconds = {"type": "number", "minimum": 0}
    move = _object({
        "lpar": _TEXT, "source": _TEXT, "target": _TEXT, "leg": leg, "wave": {"type": "integer", "minimum": 1},
        "start_s": seconds, "duration_s": seconds, "suspend_s": seconds, "bytes": {"type": "integer", "minimum": 0},
        "source_msp": _TEXT, "target_msp": _TEXT, "parking": _YES, "target_pool_id": _maybe(_WHOLE),
        "target_lpar_id": _maybe(_WHOLE), "virtual_scsi": _list(adapter), "virtual_fc": _list(adapter),
        "start_clock": _TEXT, "end_clock": _TEXT}, ("start_clock", "end_clock"))
    finding = _object({"rule": _TEXT, "severity": {"enum": ["error", "warning", "info"]}, "subject": _TEXT,
                       "message": _TEXT, "fix": _TEXT, "source": _maybe(_TEXT)})
    state = _object({"server": _TEXT, "lpars": _WHOLE, "cores": _NUMBER, "cores_limit": _NUMBER,
                     "memory_mib": _WHOLE, "memory_limit_mib": _WHOLE})
    short = _object({"cores": _NUMBER, "gib": _NUMBER})
    conflict = _object({
        "summary": _TEXT, "lpars": _list(_TEXT), "servers": _list(_TEXT), "rules": _list(_TEXT),
        "lifts": _list(_TEXT), "irreducible": _YES,
        "shortfall": _object({"cores": _NUMBER, "gib": _NUMBER,
                              "by_server": {"type": "object", "additionalProperties": short}}),
        "refusals": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _list(
            _object({"rule": _TEXT, "reason": _TEXT}))}}})
    level = _object({"name": _TEXT, "unit": _TEXT, "objective": _NUMBER, "bound": _NUMBER, "gap": _NUMBER,
                     "status": {"enum": ["optimal", "feasible"]}, "scope": _TEXT})
    window = _object({"start": _TEXT, "end": _TEXT, "length_s": _WHOLE, "fits": _maybe(_YES),
                      "spare_s": _maybe(_WHOLE)})
    wave = _object({"wave": _WHOLE, "leg": leg, "start_s": seconds, "end_s": seconds, "lpars": _list(_TEXT)})
    stay = _object({"lpar": _TEXT, "server": _TEXT, "why": _TEXT})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "planner plan",
        **_object({
            "version": {"const": 1}, "goal": {"oneOf": _goals()}, "status": {"enum": [s.value for s in Status]},
            "objective": _maybe(_NUMBER), "bound": _maybe(_NUMBER), "gap": _maybe(_NUMBER), "verified": _YES,
            "total_s": seconds, "work_s": _maybe(_WHOLE), "window": _maybe(window),
            "back_window": _maybe(window), "back_from_s": _maybe(_WHOLE), "moves": _list(move),
            "waves": _list(wave), "findings": _list(finding), "conflict": _maybe(conflict), "stays": _list(stay),
            "vios_ids": {"type": "object", "additionalProperties": _maybe(_WHOLE)},
            "before": _list(state), "peak": _list(state), "after": _list(state), "assumptions": _list(_TEXT),
            "notes": _list(_TEXT), "details": {"type": "object"}, "estate_sha256": _TEXT,
            "levels": _list(level), "switched_off": _list(_TEXT),
            "restart": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _TEXT}},
            "energy": _maybe({"type": "object"})}, ("details", "levels", "switched_off", "restart", "energy"))}
