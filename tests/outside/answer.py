"""Puts a drawn question to the planner, through its Python interface or its command line: plain rows in, plain JSON out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass
class Answered:
    """What came back: the plans, each with the saved estate in which it begins; or why there is none."""

    status: str
    plans: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    more: Any = None


@contextmanager
def written(document: Mapping[str, Any], name: str = "estate.json") -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / name
        path.write_text(json.dumps(document))
        yield path


def ask(document: Mapping[str, Any], asked: Mapping[str, Any], time_limit: float = 20.0) -> Answered:
    """The planner's answer in process; ``status`` is *refused* where it says that the input cannot be used."""
    from planner import load_estate
    from planner.errors import PlannerError

    try:
        with written(document) as path:
            estate = load_estate(path)
        return _ASK[asked["kind"]](estate, document, asked, time_limit)
    except PlannerError as error:
        return Answered("refused", more=str(error))


def _plan(plan: Any) -> dict[str, Any]:
    from planner.plan.plan import dump

    return json.loads(dump(plan))


def saved(estate: Any) -> dict[str, Any]:
    from planner.estate.assemble import Loaded
    from planner.estate.saved import dump

    return json.loads(dump(Loaded(estate)))


def _one(plan: Any, document: Mapping[str, Any]) -> Answered:
    return Answered(plan.status.value, [(dict(document), _plan(plan))])


def _evacuate(estate: Any, document: Mapping[str, Any], asked: Mapping[str, Any], limit: float) -> Answered:
    return _one(_evacuated(estate, asked, limit), document)


def _evacuated(estate: Any, asked: Mapping[str, Any], limit: float) -> Any:
    import planner

    return planner.evacuate(
        estate, *asked["servers"], leave=asked.get("leave", ()), come_back=asked["return"], inactive=asked["inactive"],
        not_targets=asked.get("not_targets", ()), window=asked.get("window"), zone="UTC", time_limit=limit)


def _headroom(estate: Any, document: Mapping[str, Any], asked: Mapping[str, Any], limit: float) -> Answered:
    import planner

    windows = {"window": "2026-12-05 22:00/04:00", "back_window": "2026-12-12 22:00/04:00"} if asked["return"] else {}
    return _one(planner.headroom(estate, asked["server"], cores=asked["cores"], memory_gib=asked["memory"],
                                 critical=asked["critical"], zone="UTC", time_limit=limit, **windows), document)


def _consolidate(estate: Any, document: Mapping[str, Any], asked: Mapping[str, Any], limit: float) -> Answered:
    import planner

    return _one(planner.consolidate(
        estate, measure=asked["measure"], n_plus_1=asked["n_plus_1"], keep=asked.get("keep", ()), off=asked.get("off", ()),
        come_back=asked["return"], weekend=asked["weekend"], window=asked.get("window"), zone="UTC", time_limit=limit), document)


def scenario_text(asked: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    model = document["estate"]["servers"][0]["model"]
    lines = ['name = "drawn"', f"retire = {json.dumps(asked['retire'])}", "frontier = false"]
    for n in range(asked["add"]):
        lines += ["[[add]]", f'name = "new{n}"', f'model = "{model}"', f"cores = {asked['cores']}",
                  f"memory_gib = {asked['memory']}", 'wired_like = "all"', 'console = "hmc1"', 'site = "north"']
    if asked["growth"]:
        lines += ["[[growth]]", 'lpars = "*"', f"cores_percent = {asked['growth']}", f"memory_percent = {asked['growth']}"]
    if asked["resize"]:
        lines += ["[resize]", "enabled = true", "headroom_percent = 10"]
    return "\n".join(lines) + "\n"


def _whatif(estate: Any, document: Mapping[str, Any], asked: Mapping[str, Any], limit: float) -> Answered:
    import planner

    with written({}, "none.json") as path:
        file = path.with_name("drawn.toml")
        file.write_text(scenario_text(asked, document))
        (result,) = planner.whatif(estate, file, zone="UTC", time_limit=limit)
    plans = [(saved(result.estate), _plan(result.plan))] if result.plan is not None else []
    return Answered(result.status.value, plans, result)


def campaign_text(asked: Mapping[str, Any]) -> str:
    lines = ['name = "drawn"', f"home_at_end = {str(asked['home_at_end']).lower()}"]
    for server in asked["work"]:
        lines += ["[[work]]", f'server = "{server}"', f"minutes = {asked['minutes']}", f"refill = {str(asked['refill']).lower()}"]
    lines += ["[[window]]", 'start = "2026-12-05 22:00"', 'end = "2026-12-06 06:00"', f"times = {asked['windows']}"]
    return "\n".join(lines) + "\n"


def _campaign(estate: Any, document: Mapping[str, Any], asked: Mapping[str, Any], limit: float) -> Answered:
    import planner

    with written({}, "none.json") as path:
        file = path.with_name("drawn.toml")
        file.write_text(campaign_text(asked))
        result = planner.campaign(estate, file, zone="UTC", time_limit=limit)
    plans = [(saved(step.estate), _plan(step.plan)) for step in result.steps if step.plan is not None]
    return Answered("feasible" if result.steps and not result.left else "left", plans, result)


def half_way(document: Mapping[str, Any], plan: Mapping[str, Any], done: set[int]) -> dict[str, Any]:
    """The saved estate after these moves of a plan."""
    out = json.loads(json.dumps(document))
    rows = out["estate"]
    for m in plan["moves"]:
        if m["number"] not in done:
            continue
        lpar = next(p for p in rows["lpars"] if p["name"] == m["lpar"])
        lpar.update(server=m["target"], lpar_id=m["target_lpar_id"])
        if m["target_pool_id"] is None:
            lpar.pop("pool_id", None)
        else:
            lpar["pool_id"] = m["target_pool_id"]
        _rewired(rows, m)
    return out


def _rewired(rows: dict[str, Any], m: Mapping[str, Any]) -> None:
    to = {d["slot"]: d["vios"] for d in m["virtual_scsi"]}
    for d in rows.get("disks", []):
        if d["lpar"] == m["lpar"]:
            d["vios"] = to.get(d["slot"], d["vios"])
    for p in rows.get("ports", []):
        for f in rows.get("fibres", []):
            if f["lpar"] == m["lpar"] and (f["vios"], f["port"]) == (p["vios"], p["port"]) and p.get("free_ports") is not None:
                p["free_ports"] += 1
    for f in rows.get("fibres", []):
        new = next((x for x in m["virtual_fc"] if f["lpar"] == m["lpar"] and x["slot"] == f["slot"]), None)
        if new:
            f.update(vios=new["vios"], port=new["port"])
            for p in rows["ports"]:
                if (p["vios"], p["port"]) == (f["vios"], f["port"]) and p.get("free_ports") is not None:
                    p["free_ports"] -= 1
    _used_slots(rows, m)
    for v in rows.get("vnics", []):
        new = next((x for x in m.get("virtual_nic", []) if v["lpar"] == m["lpar"] and (x["slot"], x["device"]) == (
            v["slot"], v["device"])), None)
        if new:
            for p in rows["sriov"]:
                back = {v["port"]: 1, new["port"]: -1}.get(p["port"], 0)
                p["free_ports"] += back
                p["free_percent"] += back * (v.get("percent") or 1)
            v.update(vios=new["vios"], port=new["port"])


def _used_slots(rows: dict[str, Any], m: Mapping[str, Any]) -> None:
    for v in rows["vioses"]:
        if v.get("used_virtual_slots") is not None:
            v["used_virtual_slots"] = 12 + sum(
                d["vios"] == v["name"] for kind in ("disks", "fibres") for d in rows.get(kind, []))


def _resume(estate: Any, document: Mapping[str, Any], asked: Mapping[str, Any], limit: float) -> Answered:
    import planner
    from planner import load_estate

    first = _evacuated(estate, asked, limit)
    plan = _plan(first)
    if not plan["moves"] or not plan["verified"]:
        return _one(first, document)
    from moments import closed, orders

    out = [m for m in plan["moves"] if m["leg"] == "out"]
    done: set[int] = set()
    for n, before in sorted(closed(orders(out)).items(), key=lambda one: (len(one[1]), one[0])):
        if len(done) < asked["share"] * len(out) and before <= done:
            done.add(n)
    now = half_way(document, plan, done)
    with written(now) as path:
        today = load_estate(path)
    window = "2026-12-05 23:00/06:00" if asked.get("window") else None
    return _one(planner.resume(first, today, on=asked["on"], window=window, zone="UTC", time_limit=limit), now)


_ASK = {"evacuate": _evacuate, "headroom": _headroom, "consolidate": _consolidate, "whatif": _whatif, "campaign": _campaign,
        "resume": _resume}
