"""Questions whose answers are known from another answer: renamed, permuted, scaled, with more room, fewer rules, planned already;
and the same question to the same programs solved in another way."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

import answer

Pair = tuple[dict[str, Any], dict[str, Any]]
BINDING = ("pin", "soft-pin", "fence", "not-a-target", "keep-apart", "cluster", "production-stays", "cpu-ceiling", "memory-ceiling",
           "reserve-cores", "reserve-memory")
"""Policies without which no less is possible."""


def renamed(document: Mapping[str, Any], asked: Mapping[str, Any], rng: Random) -> Pair:
    """LPARs with names that sort the other way round."""
    names = [p["name"] for p in document["estate"]["lpars"]]
    new = {n: f"{chr(122 - k)} {n[::-1]}Ü" for k, n in enumerate(sorted(names))}

    def told(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: told(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [told(v, key) for v in value]
        if key in ("subject", "value") and isinstance(value, str):
            return "; ".join(new.get(w.strip(), w.strip()) for w in value.split(";"))
        return new.get(value, value) if isinstance(value, str) and key in ("name", "lpar", "leave", "critical") else value

    return told(document), told(asked)


def permuted(document: Mapping[str, Any], asked: Mapping[str, Any], rng: Random) -> Pair:
    out = copy.deepcopy(dict(document))
    for rows in out["estate"].values():
        rng.shuffle(rows)
    return out, dict(asked)


def scaled(document: Mapping[str, Any], asked: Mapping[str, Any], rng: Random) -> Pair | None:
    """Twice the cores of everything, and as much to send."""
    out = copy.deepcopy(dict(document))
    rows = out["estate"]
    if any(v["sharing"] != "uncapped" for v in rows["vioses"]) or asked.get("measure", "servers") != "servers":
        return None
    for kind, fields in (("servers", ("configurable_units",)), ("vioses", ("entitlement_units",)),
                         ("lpars", ("entitlement_units", "virtual_processors")), ("pools", ("max_units", "reserved_units"))):
        for row in rows.get(kind, []):
            row.update({f: row[f] * 2 for f in fields if row.get(f) is not None})
    for policy in rows.get("policies", []):
        if policy["kind"] == "reserve-cores":
            policy["value"] = str(float(policy["value"]) * 2)
    return out, dict(asked) | ({"cores": asked["cores"] * 2} if "cores" in asked else {})


def roomier(document: Mapping[str, Any], asked: Mapping[str, Any], rng: Random) -> Pair:
    """With one more server that holds nobody, wired as the first one is."""
    out = copy.deepcopy(dict(document))
    rows = out["estate"]
    first = rows["servers"][-1]
    rows["servers"].append(first | {"name": "Z", "serial": "65Z", "configurable_units": 3200, "configurable_memory_mib": 262144})
    pairs = {v["name"]: f"Z-v{v['name'][-1]}" for v in rows["vioses"] if v["server"] == first["name"]}
    for v in [v for v in rows["vioses"] if v["name"] in pairs]:
        rows["vioses"].append(v | {"name": pairs[v["name"]], "server": "Z"})
    for kind in ("bridges", "zonings", "ports"):
        rows[kind] = rows.get(kind, []) + [r | {"vios": pairs[r["vios"]]} for r in rows.get(kind, []) if r["vios"] in pairs]
    return out, dict(asked)


def freer(document: Mapping[str, Any], asked: Mapping[str, Any], rng: Random) -> Pair | None:
    """Without one policy that binds."""
    out = copy.deepcopy(dict(document))
    able = [p for p in out["estate"].get("policies", []) if p["kind"] in BINDING]
    if not able:
        return None
    out["estate"]["policies"].remove(rng.choice(able))
    return out, dict(asked)


EQUAL: dict[str, Callable[..., Pair | None]] = {"renamed": renamed, "permuted": permuted, "scaled": scaled}
NO_WORSE: dict[str, Callable[..., Pair | None]] = {"roomier": roomier, "freer": freer}


def compared(document: Mapping[str, Any], asked: Mapping[str, Any], got: answer.Answered, seed: int) -> list[str]:
    """What the answer to one kin question contradicts."""
    if asked["kind"] not in ("evacuate", "headroom", "consolidate") or got.status not in ("optimal", "infeasible") or asked.get("weekend"):
        return []
    rng = Random(f"kin {seed}")
    word = rng.choice((*EQUAL, *NO_WORSE, *OTHERWISE, "planned"))
    if word == "planned":
        return _planned(document, asked, got)
    if word in OTHERWISE:
        return _otherwise(document, asked, got, word)
    pair = (EQUAL | NO_WORSE)[word](document, asked, rng)
    if pair is None:
        return []
    other = answer.ask(*pair)
    mine, kin = figures(got), figures(other)
    if other.status == "refused":
        return [f"kin {word}: refused: {other.more}"]
    if word in EQUAL and (other.status != got.status or any(abs(a - b) > 0.0021 for a, b in zip(mine, kin, strict=False))):
        return [f"kin {word}: {got.status} {mine}, then {other.status} {kin}"]
    if word in NO_WORSE and got.status == "optimal" and other.status == "infeasible":
        return [f"kin {word}: {mine}, then {other.status}"]
    if word in NO_WORSE and got.status == other.status == "optimal" and kin[:1] > [m + 0.0021 for m in mine[:1]]:
        return [f"kin {word}: {mine}, then {kin}"]
    return []


OTHERWISE = ("as arrays", "without presolve", "by CBC")


@contextmanager
def solving(word: str) -> Iterator[None]:
    """Every program as arrays, without presolve, or by CBC instead of HiGHS."""
    from planner.optimise import program, solver

    def fails(*_: Any) -> Any:
        raise RuntimeError("no HiGHS here")

    own = program.ARRAYS_FROM, solver.highs_options, solver._run_highs
    try:
        if word == "as arrays":
            program.ARRAYS_FROM = -1
        elif word == "without presolve":
            solver.highs_options = lambda *limits: own[1](*limits) | {"presolve": "off"}
        else:
            solver._run_highs = fails
        yield
    finally:
        program.ARRAYS_FROM, solver.highs_options, solver._run_highs = own


def _otherwise(document: Mapping[str, Any], asked: Mapping[str, Any], got: answer.Answered, word: str) -> list[str]:
    with solving(word):
        other = answer.ask(document, asked)
    mine, kin = figures(got), figures(other)
    if {other.status, got.status} == {"optimal", "infeasible"} or (
            other.status == got.status and any(abs(a - b) > 0.0021 for a, b in zip(mine, kin, strict=True))):
        return [f"kin {word}: {got.status} {mine}, then {other.status} {kin}"]
    return []


def figures(got: answer.Answered) -> list[float]:
    """The levels of the answer, the first one first."""
    if not got.plans or got.status not in ("optimal", "feasible"):
        return []
    plan = got.plans[0][1]
    return [level["objective"] for level in plan.get("levels", [])] or [plan["objective"]]


def _planned(document: Mapping[str, Any], asked: Mapping[str, Any], got: answer.Answered) -> list[str]:
    """From where a plan ends nothing is left to do."""
    if got.status != "optimal" or any(asked.get(word) for word in ("return", "n_plus_1")):
        return []
    plan = got.plans[0][1]
    again = answer.ask(answer.half_way(document, plan, {m["number"] for m in plan["moves"] if m["leg"] == "out"}), asked)
    if again.status != "optimal":
        return [f"kin planned: then {again.status} {again.more}"]
    moves = again.plans[0][1]["moves"]
    return [f"kin planned: then {json.dumps([(m['lpar'], m['target']) for m in moves])}"] if moves else []
