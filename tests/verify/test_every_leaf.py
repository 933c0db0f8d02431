"""Every leaf of a plan.json, changed in its type's ways: ``verify`` refuses it, or a list says why it cannot tell."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from estates import backed, estate, loaded, lpar, policy, server
from resume import carried_out

from planner.errors import InputError
from planner.estate.model import Estate, Fibre, Port, SriovPort
from planner.jobs import Options, consolidate, evacuate, headroom, resume, weekend_from, window_from
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import whatif
from planner.plan.choices import Measure
from planner.plan.plan import Plan, dump, parse, seal_of
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.scenarios.model import Growth, Scenario
from planner.schedule.lanes import Pacing
from planner.verify import verify_plan

SITE = estate([server("A", 16, 64), server("B", 16, 64), server("C", 16, 64)],
              [lpar("a1", "A"), lpar("a2", "A", state="not activated"), lpar("b1", "B", environment="production"),
               lpar("b2", "B", 2, 8, software=("DB2 9.7",)), lpar("c1", "C", 0.5, 2, software=("DB2 9.7", "WebSphere 6.1"))],
              [policy("fence", "*", "A; B; C"), policy("licence", "DB2", "sub-capacity; 120 PVU")])
NIGHT = window_from("2026-12-05 22:00/04:00")

#: What only the solver, a history or a person can tell. A seal guards them against slips; nothing guards against who
#: seals anew what he has changed. Leaf → reason.
LISTED = {
    "estate_sha256": "another one is another estate: said, and claims are left out",
    "goal": "what was asked is known to who asked; a plan may do more than that",
    "evening": "nights that were drawn: how it may go is told, not proved",
    "bound": "a lower one claims less; whether it is the best is for the solver",
    "gap": "by rounding", "status": "feasible claims less than optimal",
    "assumptions": "free text", "notes": "free text", "findings": "free text", "stays.*.why": "free text",
    "work_s": "a shorter one claims less: nobody comes back before it", "back_from_s": "as work_s",
    "window": "a longer one is another promise of the person who gave it", "back_window": "as window",
    "levels.*.bound": "as bound", "levels.*.gap": "as gap", "levels.*.status": "as status", "levels.*.scope": "free text",
    "energy.hours": "given by a person", "energy.tariff_per_kwh": "given by a person",
    "energy.co2_kg_per_kwh": "given by a person", "energy.currency": "given by a person",
    "energy.moves": "rounded", "energy.before": "rounded", "energy.saved": "rounded", "energy.net": "rounded",
    "details.changes.*.virtual_processors": "the scenario's: refused where they do not go with server and cores",
    "details.changes.*.memory_gib": "the scenario's: refused where the server has not so much",
}
#: How Python would show a value: None, True, a class with its fields, a member of an enumeration, a list of strings.
INSIDES = re.compile(r"\b(None|True|False)\b|<\w+\.|\w\(\w+=|[\[{(]'")
#: (leaf, value): a partition id that is free on every server is as good as another, and the commands have it.
AS_GOOD = [("moves.*.target_lpar_id", n) for n in range(11, 17)]


def wired() -> Estate:
    """Two adapters of virtual Fibre Channel and a vNIC an LPAR; physical ports, slots and SR-IOV ports that are stated."""
    fibres = tuple(Fibre(p.name, 10 + n, f"{p.server}-v{n}", f"c05076{p.name}{n}0", f"c05076{p.name}{n}1", f"f{n}", True,
                         f"fcs{n}") for p in SITE.lpars for n in (1, 2))
    return backed(SITE, {p.name: [(5, 2)] for p in SITE.lpars}, "P1-C4-T1").replace(
        fibres=fibres,
        ports=tuple(Port(v.name, f"fcs{n}{x}", f"f{n}", 3) for v in SITE.vioses for n in (1, 2) for x in ("", "b")),
        sriov=tuple(SriovPort(s.name, f"P1-C4-T{n}", 10, 60, f"1/{n}") for s in SITE.servers for n in (1, 2)),
        vioses=tuple(replace(v, max_virtual_slots=40, used_virtual_slots=12) for v in SITE.vioses))


WIRED = wired()
GOING = Scenario("no A", retire=("A",), frontier=False)
GROWN = Scenario("larger", retire=("A",), growth=(Growth("*", Fraction(3, 2), Fraction(1)),), frontier=False)
DEAF = WIRED.replace(lpars=tuple(replace(p, rmc_active=p.name != "a1") for p in WIRED.lpars))
"""a1 can only restart elsewhere."""


@cache
def scenarios() -> dict[str, ScenarioResult]:
    asked = {"whatif": (WIRED, GOING), "what-if that grows": (DEAF, GROWN)}
    return {kind: whatif(loaded(of), scenario, Options(20)) for kind, (of, scenario) in asked.items()}


@cache
def begun() -> tuple[Plan, Estate]:
    """A plan, and the estate in which the first of its moves is done."""
    plan = evacuate(loaded(WIRED), Evacuate(servers=("A",), come_back=True, inactive=True), Options(window=NIGHT))
    return plan, carried_out(WIRED, plan.moves[:1])


@cache
def estates() -> dict[str, Estate]:
    """Where the plans are made, those of another estate than ``SITE``."""
    found = {kind: result.estate for kind, result in scenarios().items() if result.estate}
    return {"wired": WIRED, "wired, off": WIRED, "resume": begun()[1], **found}


@cache
def plans() -> dict[str, Plan]:
    """A plan of each kind."""
    of = loaded(SITE)
    weekend = weekend_from("2026-11-27 20:00", "2026-11-30 06:00")
    return {
        **{kind: result.plan for kind, result in scenarios().items() if result.plan},
        "wired": evacuate(loaded(WIRED), Evacuate(servers=("A",), come_back=True), Options(window=NIGHT)),
        "wired, off": evacuate(loaded(WIRED), Evacuate(servers=("A",), inactive=True), Options()),
        "resume": resume(loaded(begun()[1]), begun()[0], Options(window=NIGHT, work_s=600), on=True),
        "evacuate": evacuate(of, Evacuate(servers=("A",)), Options(window=NIGHT)),
        "inactive": evacuate(of, Evacuate(servers=("A",), inactive=True), Options(window=NIGHT)),
        "headroom": headroom(of, Headroom(server="B", units=1300, memory_mib=1024), Options(), curve=False),
        "licences": consolidate(of, Consolidate(measure=Measure.LICENCES), Options()),
        "consolidate": consolidate(of, Consolidate(weekend=True, n_plus_1=True, off=("C",)), Options(window=weekend))}


NEARLY = ("moves.*.bytes", "at_least_s.out", "at_least_s.back")
"""What is compared with the slack of a simulation, or only with what it must lie between."""


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each leaf and of each empty collection; of like rows the first and the last."""
    rows = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    rows = list(rows)
    if isinstance(document, list):
        rows = [*rows[:1], *rows[1:][-1:]]
    if not rows:
        yield path
    for key, value in rows:
        yield from leaves(value, (*path, key))


def changed(value: Any) -> list[Any]:
    """Other values of a leaf, by its type."""
    if isinstance(value, bool):
        return [not value, None]
    if isinstance(value, (int, float)):
        return [None, -1 - value, 10**9 + 7, value + 1]
    if isinstance(value, str):
        return [None, "x" * 64]
    return [{"added": 1}, ["added"], 7]


def edits(document: Any) -> Iterator[tuple[str, Any]]:
    """(leaf, document) with one leaf changed, removed, or one added beside it."""
    for path in leaves(document):
        name = ".".join("*" if isinstance(key, int) else key for key in path)
        def made(edit: Callable[[Any, Any], Any], path: tuple[Any, ...] = path) -> Any:
            out = copy.deepcopy(document)
            inner = out
            for key in path[:-1]:
                inner = inner[key]
            edit(inner, path[-1])
            return out
        at = at_parent = document
        for key in path:
            at_parent, at = at, at[key]
        for value in changed(at):
            slight = name in NEARLY and value == at + 1 if isinstance(value, (int, float)) else False
            if value != at and (name, value) not in AS_GOOD and not slight:
                yield f"{name} = {str(value)[:9]}", made(lambda inner, key, value=value: inner.__setitem__(key, value))
        yield f"{name} removed", made(lambda inner, key: inner.pop(key))
        if path[-1] in (0, *([*at_parent][:1] if isinstance(at_parent, dict) else ())):
            yield f"{name} added", made(lambda inner, key: inner.__setitem__("added", 1) if isinstance(inner, dict)
                                        else inner.append(inner[0]))


def refused(document: Any, site: Estate = SITE) -> bool:
    try:
        plan = parse(json.dumps(document), "plan.json")
        played = verify_plan(plan, site)
    except InputError:
        return True
    assert [f for f in played.findings if INSIDES.search(f"{f.message} {f.fix}")] == []
    return bool(plan.altered) or not played.holds


def listed(leaf: str) -> bool:
    name = leaf.split(" ")[0]
    return any(name == one or name.startswith(f"{one}.") for one in LISTED)


@pytest.mark.parametrize("kind", ["evacuate", "inactive", "headroom", "consolidate", "wired", "wired, off", "whatif",
                                  "what-if that grows", "resume"])
def test_no_leaf_of_a_plan_is_believed(kind: str) -> None:
    document, site = json.loads(dump(plans()[kind])), estates().get(kind, SITE)
    assert not refused(document, site)
    believed = []
    for leaf, edited in edits(document):
        if leaf.startswith("plan_sha256"):
            assert refused(edited, site), leaf
            continue
        sealed = edited | {"plan_sha256": seal_of(edited)}
        if not listed(leaf) and not refused(sealed, site):
            believed.append(leaf)
    consoles_choice = {"moves.*.virtual_fc.*.port removed"} if plans()[kind].in_lanes else set()
    assert {*believed} <= consoles_choice


def test_moves_in_another_order_are_the_same_plan() -> None:
    for kind, plan in plans().items():
        document = json.loads(dump(plan))
        document["moves"].reverse()
        found = verify_plan(parse(json.dumps(document), "plan.json"), estates().get(kind, SITE))
        assert found.holds, (kind, found.findings)


def test_another_estate_is_said_first_and_alone() -> None:
    """Unknown names: with most of them another estate, with few of them one finding each, nothing else."""
    plan = parse(dump(plans()["evacuate"]), "plan.json")
    other = estate([server("X"), server("Y")], [lpar("x1", "X")])
    assert [f.rule for f in verify_plan(plan, other).findings] == ["plan.estate"]
    gone = SITE.replace(lpars=tuple(p for p in SITE.lpars if p.name != "a1"))
    assert [(f.rule, f.subject) for f in verify_plan(plan, gone).findings] == [("plan.known", "a1")]
    strange = json.loads(dump(plans()["consolidate"]))
    strange["moves"][0]["lpar"] = "ghost"
    found = verify_plan(parse(json.dumps(strange), "plan.json"), SITE).findings
    assert [(f.rule, f.subject) for f in found] == [("plan.known", "ghost")]


def test_the_physical_port_that_commands_name_is_demanded() -> None:
    """``3/w1/1//fcs0`` without its port passed when the plan was sealed anew; also another port of the fabric that has
    none left, and one of another fabric."""
    document = json.loads(dump(evacuate(loaded(WIRED), Evacuate(servers=("A",), come_back=True), Options(
        window=NIGHT, pacing=Pacing(waves=True)))))
    for number, m in enumerate(document["moves"]):
        for row in range(len(m["virtual_fc"])):
            for port in (None, "", "fcs9", "fcs1" if m["virtual_fc"][row]["port"].startswith("fcs2") else "fcs2"):
                edited = copy.deepcopy(document)
                adapter = edited["moves"][number]["virtual_fc"][row]
                assert adapter.pop("port")
                adapter |= {} if port is None else {"port": port}
                assert refused(edited | {"plan_sha256": seal_of(edited)}, WIRED), (number, row, port)


def test_a_slip_is_seen_by_the_seal() -> None:
    """What nobody can work out again, such as the question or a bound, cannot change by a slip of hand."""
    for part, name, value in (("goal", "leave", ["b1"]), (None, "notes", ["ok"]),
                              (None, "bound", 1.0), (None, "estate_sha256", "")):
        document = json.loads(dump(plans()["evacuate"]))
        (document if part is None else document[part])[name] = value
        assert refused(document), name


@pytest.mark.parametrize("digest", ["", "x" * 64, "0" * 63, "A" * 64])
def test_what_is_no_digest_does_not_switch_the_claims_off(digest: str) -> None:
    """Sealed anew, a blank one made the estate another, of which a plan may claim whatever it likes."""
    document = json.loads(dump(plans()["evacuate"])) | {"estate_sha256": digest}
    assert refused(document | {"plan_sha256": seal_of(document)})
