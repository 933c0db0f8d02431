"""Every leaf of a plan.json, changed in its type's ways: ``verify`` refuses it, or a list says why it cannot tell."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import islice
from typing import Any

import pytest
from estates import backed, estate, loaded, lpar, policy, server
from portion import WHOLE
from resume import carried_out

from planner.errors import InputError
from planner.estate.model import Estate, Fibre, Port, SriovPort
from planner.jobs import Options, consolidate, evacuate, headroom, resume, weekend_from, window_from
from planner.jobs.campaign import campaign
from planner.jobs.scenario_result import ScenarioResult
from planner.jobs.whatif import whatif
from planner.plan.choices import BACK, OUT, Measure, Status
from planner.plan.plan import Plan, dump, parse, schema, seal_of
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.scenarios.campaign_file import Campaign
from planner.scenarios.model import Growth, Scenario
from planner.schedule.lanes import Pacing
from planner.verify import verify_plan

SITE = estate([server("A", 16, 64), server("B", 16, 64), server("C", 16, 64)],
              [lpar("a1", "A"), lpar("a2", "A", state="not activated"), lpar("b1", "B", environment="production"),
               lpar("b2", "B", 2, 8, software=("DB2 9.7",)), lpar("c1", "C", 0.5, 2, software=("DB2 9.7", "WebSphere 6.1"))],
              [policy("fence", "*", "A; B; C"), policy("licence", "DB2", "sub-capacity; 120 PVU")])
NIGHT = window_from("2026-12-05 22:00/04:00")

#: What is worked out again, and cannot be told all the same. Leaf → why.
LISTED = {"details.changes": "who grows is the scenario's; who restarts must be among them"}
#: How Python would show a value: None, True, a class with its fields, a member of an enumeration, a list of strings.
INSIDES = re.compile(r"\b(None|True|False)\b|<\w+\.|\w\(\w+=|[\[{(]'")
#: (leaf, value): a partition id that is free on every server is as good as another, and the commands have it; so is
#: another mover that sends as fast.
AS_GOOD = [*(("moves.*.target_lpar_id", n) for n in range(11, 17)),
           ("moves.*.source_msp", "A-v2"), ("moves.*.target_msp", "A-v2")]
#: Rows of which each names what it is about: in another order they say the same.
IN_ANY_ORDER = {"moves", "moves.*.virtual_scsi", "moves.*.virtual_fc", "moves.*.virtual_nic", "waves", "waves.*.lpars",
                "stays", "details.slots", "details.changes", "energy.servers"}


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
def last_step() -> tuple[Plan, Estate]:
    """The last step of a campaign that leaves its servers empty and brings everybody home at the end."""
    night = {"start": NIGHT.start, "end": NIGHT.end, "times": 4}
    asked = Campaign.model_validate({"name": "levels", "window": [night], "home_at_end": True, "work": [
        {"server": s, "firmware": "EM350_149", "refill": False} for s in "AC"]})
    step = campaign(loaded(SITE), asked, Options(20)).steps[-1]
    assert step.plan is not None and step.plan.goal.homes
    return step.plan, step.estate


@cache
def estates() -> dict[str, Estate]:
    """Where the plans are made, those of another estate than ``SITE``."""
    found = {kind: result.estate for kind, result in scenarios().items() if result.estate}
    return {"wired": WIRED, "wired, off": WIRED, "resume": begun()[1], "campaign": last_step()[1], **found}


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
        "campaign": last_step()[0],
        "evacuate": evacuate(of, Evacuate(servers=("A",)), Options(window=NIGHT)),
        "inactive": evacuate(of, Evacuate(servers=("A",), inactive=True), Options(window=NIGHT)),
        "headroom": headroom(of, Headroom(server="B", units=1300, memory_mib=1024), Options(), curve=False),
        "licences": consolidate(of, Consolidate(measure=Measure.LICENCES), Options()),
        "consolidate": consolidate(of, Consolidate(weekend=True, n_plus_1=True, off=("C",)), Options(window=weekend))}


NEARLY = ("moves.*.bytes", "at_least_s.out", "at_least_s.back")
"""What is compared with the slack of a simulation, or only with what it must lie between."""


SCHEMA = schema()


def below(part: Any, key: Any) -> Any:
    """What the schema says of a field or of the rows of a list, given what it says of what they are part of."""
    if "$ref" in part:
        return below(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]], key)
    own = part.get("items") if isinstance(key, int) else part.get("properties", {}).get(key)
    ways = (below(one, key) for name in ("anyOf", "oneOf") for one in part.get(name, ()))
    return own or next((one for one in ways if one), None) or (part.get("additionalProperties") or {})


def leaves(inner: Any, part: Any, name: str = "", again: bool = False) -> Iterator[tuple[str, Any, Any, bool]]:
    """(name, what it is part of, its key there, whether it stands in a row that is not the first) of each field but
    the narrative ones; of like rows the first and the last."""
    keys = [*inner] if isinstance(inner, dict) else [*range(len(inner))] if isinstance(inner, list) else []
    for key in keys if isinstance(inner, dict) else dict.fromkeys([*keys[:1], *keys[-1:]]):
        said, path = below(part, key), f"{name}.{'*' if isinstance(key, int) else key}".lstrip(".")
        if said.get("x-checked") != "narrative" and path != "plan_sha256":
            other = again or (isinstance(key, int) and key > 0)
            yield path, inner, key, other
            yield from leaves(inner[key], said, path, other)


def changed(value: Any) -> Iterator[Any]:
    """Other values of a field, by its type, those that are most like it first."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, value - 1, -1 - value, 10**9 + 7)
    elif isinstance(value, str):
        yield from (next((sorted(alike - {value})[0] for alike in ALIKE if value in alike), f"{value}x"), "x" * 64, "")
        for pattern, by in (("%Y-%m-%d %H:%M", dt.timedelta(minutes=1)), ("%Y-%m-%d %H:%M:%S", dt.timedelta(hours=1))):
            with suppress(ValueError):
                yield (dt.datetime.strptime(value, pattern) + by).strftime(pattern)
    elif not value:
        yield from ({"added": 1}, ["added"], 7)
    elif isinstance(value, list):
        yield from (value[:-1], [*value, value[-1]], [*value[1:], value[0]])
    else:
        yield {**value, "added": 1}
    yield None


#: Words of which one may stand for another.
ALIKE = ({x.value for x in Status}, {OUT, BACK}, {"arrived", "ended"}, {p.name for p in SITE.lpars},
         {s.name for s in SITE.servers}, {v.name for v in SITE.vioses})


KINDS = ("evacuate", "inactive", "headroom", "consolidate", "wired", "wired, off", "whatif", "what-if that grows", "resume",
         "campaign")


@cache
def kinds_with() -> dict[str, list[str]]:
    """Field → the kinds of plans that have it."""
    found: dict[str, list[str]] = {}
    for kind in KINDS:
        for name in dict.fromkeys(name for name, *_ in leaves(json.loads(dump(plans()[kind])), SCHEMA)):
            found.setdefault(name, []).append(kind)
    return found


def edits(document: Any, kind: str) -> Iterator[tuple[str, str]]:
    """What is done to a field, its name first, while the document has it so: another value, or none. Where not the whole
    is wanted, the two nearest values and none are shared out among the kinds that have the field."""
    for name, inner, key, again in leaves(document, SCHEMA):
        before = inner[key]
        if again and not WHOLE:
            continue
        several, turn = len(kinds_with()[name]) > 1 and not WHOLE, kinds_with()[name].index(kind) % 2
        first, end = (turn, turn + 1) if several else (0, 2 if again or not WHOLE else None)
        for value in islice(changed(before), first, end):
            slight = name in NEARLY and isinstance(value, (int, float)) and abs(value - before) == 1
            slight |= name in IN_ANY_ORDER and bool(before) and value == [*before[1:], before[0]]
            if value != before and (name, value) not in AS_GOOD and not slight:
                inner[key] = value
                dropped = isinstance(before, list) and value == before[:-1]
                yield name, f"{name} dropped" if dropped else f"{name} = {str(value)[:30]}"
        inner[key] = before
        if isinstance(inner, dict) and not (several and turn):
            order = list(inner.items())
            del inner[key]
            yield name, f"{name} removed"
            inner.clear()
            inner.update(order)


def refused(document: Any, site: Estate = SITE, *, sealed: bool = False) -> bool:
    """``sealed``: as if it were sealed anew."""
    try:
        plan = parse(json.dumps(document), "plan.json")
    except InputError:
        return True
    altered = tuple(x for x in plan.altered if not sealed or "its plan_sha256 is" not in x)
    if altered:
        return True
    played = verify_plan(plan.replace(altered=()), site)
    assert [f for f in played.findings if INSIDES.search(f"{f.message} {f.fix}")] == []
    return not played.holds


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_plan_is_believed_but_the_narrative(kind: str) -> None:
    document, site = json.loads(dump(plans()[kind])), estates().get(kind, SITE)
    assert not refused(document, site)
    believed = [what for name, what in edits(document, kind) if name not in LISTED and not refused(document, site, sealed=True)]
    assert {*believed} <= as_good_by_the_console(kind)


def as_good_by_the_console(kind: str) -> set[str]:
    """In lanes: the console chooses what is not named. Of a plan that goes on: by which VIOS home, which it cannot know.
    A consolidation with a window may be called feasible though its levels are proved: it leaves on what had no time."""
    if kind == "consolidate":
        return {"status = feasible"}
    home = {"moves.*.virtual_nic.*.vios = A-v2", "moves.*.virtual_nic.*.vios = A-v1"} if kind == "resume" else set()
    unnamed = {"moves.*.virtual_fc.*.port removed", "moves.*.virtual_nic dropped"}
    return home | unnamed if plans()[kind].in_lanes else set()


def test_numbers_that_are_none_are_refused() -> None:
    """NaN and infinity, wherever a plan has a number: hours of energy without end passed."""
    document = json.loads(dump(plans()["consolidate"]))
    for name, inner, key, _ in leaves(document, SCHEMA):
        before = inner[key]
        if isinstance(before, (int, float)) and not isinstance(before, bool):
            for inner[key] in (float("nan"), float("inf")):
                with pytest.raises(InputError):
                    parse(json.dumps(document).replace("Infinity", "1e999"), name)
        inner[key] = before


@pytest.mark.parametrize("kind", ["consolidate", "headroom", "evacuate"])
def test_numbers_that_are_too_large_are_taken_or_refused(kind: str) -> None:
    """Cores of 1e308, which are hundredths without end, ended in a traceback."""
    document = json.loads(dump(plans()[kind]))
    for name, inner, key, _ in leaves(document, SCHEMA):
        before = inner[key]
        if isinstance(before, (int, float)) and not isinstance(before, bool):
            for inner[key] in (1e308, -1e308, 10**40):
                with suppress(InputError):
                    parse(json.dumps(document), name)
        inner[key] = before


def test_every_field_says_how_it_is_checked() -> None:
    """Recomputed, bound to the estate, or narrative; of what is narrative the schema, or what it is part of, says why."""
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    fields = [(name, of) for part in parts for name, of in part.get("properties", {}).items()]
    assert {of["x-checked"] for _, of in fields} == {"recomputed", "bound", "narrative"} and len(fields) > 250
    assert [name for name, of in fields if of["x-checked"] == "bound"] == ["estate_sha256"]
    assert {"goal", "notes", "findings", "evening", "assumptions", "scope", "currency", "zone"} <= {
        name for name, of in fields if of["x-checked"] == "narrative" and of.get("x-why")}


@pytest.mark.parametrize("kind", ["what-if that grows", "inactive"])
def test_what_the_replay_finds_is_among_the_findings(kind: str) -> None:
    document, site = json.loads(dump(plans()[kind])), estates().get(kind, SITE)
    found = {(f.rule, f.message) for f in verify_plan(plans()[kind], site).findings}
    row = next(f for f in document["findings"] if (f["rule"], f["message"]) in found)
    for field in ("rule", "severity", "subject", "message", "fix"):
        before, row[field] = row[field], "info" if field == "severity" else "another"
        assert refused(document, site, sealed=True), field
        row[field] = before
    document["findings"].remove(row)
    assert refused(document, site, sealed=True)


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
