"""Policies that contradict each other, and policies that do not hold where LPARs stand: told, by load and by plans."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from estates import BASE, changed, estate, loaded, lpar, policy, server, stating
from typer.testing import CliRunner

from planner import jobs
from planner.cli import app
from planner.estate.assemble import Loaded
from planner.estate.load import checked
from planner.estate.model import Policy
from planner.estate.policies import PolicySet, compile_policies
from planner.estate.policy_file import loaded as from_sources
from planner.estate.saved import dump
from planner.findings import Finding, Severity, finding_json
from planner.plan.questions import Evacuate


def told(*rows: Policy) -> tuple[PolicySet, list[Finding]]:
    estate = stating(BASE, *rows)
    found = checked(Loaded(estate)).findings
    assert not [f for f in found if f.severity is Severity.ERROR]
    return compile_policies(estate)[0], [f for f in found if f.rule == "policy.contradiction"]


@pytest.mark.parametrize(("rows", "names", "meant"), [
    ([policy("cpu-ceiling", "A", "80"), policy("cpu-ceiling", "A; B", "90")], "A", lambda p: p.cpu_ceiling["A"] == 80),
    ([policy("memory-ceiling", "*", "90"), policy("memory-ceiling", "", "70")], "A, B, C",
     lambda p: p.memory_ceiling["B"] == 70),
    ([policy("reserve-cores", "A", "1"), policy("reserve-cores", "A ", "2")], "A",
     lambda p: p.reserve_units["A"] == 200),
    ([policy("reserve-memory", "A", "1"), policy("reserve-memory", "A;", "2")], "A",
     lambda p: p.reserve_mib["A"] == 2048),
    ([policy("concurrency", "A", "3"), policy("concurrency", "A;", "2")], "A", lambda p: p.concurrency["A"] == 2),
    ([policy("priority", "a1", "1"), policy("priority", "a?", "2")], "a1", lambda p: p.priority == {"a1": 1, "a2": 2}),
    ([policy("redundancy", "a1", "must"), policy("redundancy", "a1;", "if-possible")], "a1",
     lambda p: not p.redundancy_optional),
    ([policy("minimum-software", "AIX", "6.1"), policy("minimum-software", "aix", "10.1")], "AIX",
     lambda p: p.minimum_software["AIX"] == "10.1"),
    ([policy("pin", "a1", "A"), policy("pin", "a1", "B")], "a1", lambda p: p.pins["a1"] == ()),
    ([policy("fence", "a1", "A"), policy("fence", "a1", "B")], "a1", lambda p: p.fences["a1"] == frozenset()),
    ([policy("pin", "a1", "A"), policy("fence", "a1", "B; C")], "a1", lambda p: p.pins["a1"] == ("A",)),
    ([policy("soft-pin", "a1", "A"), policy("pin", "a1", "B")], "a1", lambda p: p.pins["a1"] == ("B",)),
    ([policy("keep-apart", "x", "a1; b1"), policy("keep-together", "y", "a1; b1; c1")], "a1, b1", lambda p: p.apart),
    ([policy("cluster", "x", "a1; b1"), policy("keep-together", "y", "a1; b1")], "a1, b1", lambda p: p.clusters),
    ([policy("keep-together", "y", "a1; b1"), policy("pin", "a1; b1")], "a1, b1", lambda p: p.together),
    ([policy("keep-apart", "y", "a1; a2"), policy("pin", "a1; a2", "A")], "a1, a2", lambda p: p.apart),
])
def test_two_rows_that_contradict_each_other_are_told_with_both_whatever_their_order(
        rows: list[Policy], names: str, meant: object) -> None:
    for order in permutations(rows):
        compiled, found = told(*order)
        assert [f.subject for f in found] == [names]
        assert all(f"{r.kind} ({r.subject.strip() or '-'} / {r.value})" in found[0].message.replace(" /", " /")
                   or f"{r.kind} ({r.subject}" in found[0].message for r in rows)
        assert meant(compiled)  # type: ignore[operator]


@pytest.mark.parametrize("rows", [
    [policy("cpu-ceiling", "*", "90"), policy("cpu-ceiling", "A", "80")],
    [policy("cpu-ceiling", "A", "80"), policy("cpu-ceiling", "A;", "80")],
    [policy("pin", "a1", "A; B"), policy("pin", "a1", "B; C"), policy("fence", "a1", "B")],
    [policy("keep-apart", "x", "a1; b1"), policy("keep-together", "y", "a1; a2")],
])
def test_rows_that_go_together_are_not_told(rows: list[Policy]) -> None:
    assert told(*rows)[1] == []


PRODUCTION = changed(changed(BASE, "a1", environment="production"), "b1", environment="production")


@pytest.mark.parametrize(("row", "names"), [
    (policy("pin", "a1", "B"), "a1"), (policy("soft-pin", "a1", "B; C"), "a1"), (policy("fence", "a1", "C"), "a1"),
    (policy("keep-together", "x", "a1; b1"), "a1, b1"),
    (policy("keep-together", "x", "a2; b1"), ""), (policy("pin", "a1", "A; B"), ""), (policy("pin", "b2", "A"), "")])
def test_production_that_stays_is_told_against_rows_that_want_it_elsewhere(
        row: Policy, names: str, tmp_path: Path) -> None:
    """A pin of production to another server was told as broken, as if a move could mend it; by a plan not at all."""
    stays = policy("production-stays", "*")
    for rows in permutations((stays, row)):
        of = stating(PRODUCTION, *rows)
        site = loaded(of)
        plans = [jobs.evacuate(site, Evacuate(servers=(s,)), jobs.Options()) for s in "AC"]
        assert [p.verified for p in plans] == [False, True]
        (tmp_path / "estate.json").write_text(dump(site))
        seen = [json.loads(CliRunner().invoke(app, [command, str(tmp_path / "estate.json"), "--json"]).stdout)["findings"]
                for command in ("load", "check")]
        for found in (site.findings, *(p.findings for p in plans), *seen):
            said = [f if isinstance(f, dict) else finding_json(f) for f in found]
            told = [f for f in said if f["rule"] == "policy.contradiction"]
            assert [f["subject"] for f in told] == [names][:bool(names)]
            assert all(r.kind in f["message"] for f in told for r in rows)


def test_production_that_is_not_activated_may_go_where_it_is_pinned() -> None:
    asleep = changed(PRODUCTION, "a1", state="not activated")
    found = loaded(stating(asleep, policy("production-stays", "*"), policy("pin", "a1", "B"))).findings
    assert not [f for f in found if f.rule == "policy.contradiction"]


BROKEN = [
    (policy("pin", "a1", "B"), "policy.pin", "a1"), (policy("fence", "a1", "B"), "policy.fence", "a1"),
    (policy("soft-pin", "a1", "B"), "policy.soft-pin", "a1"),
    (policy("keep-apart", "x", "a1; a2"), "policy.keep-apart", "a1"),
    (policy("cluster", "x", "a1; a2"), "policy.cluster", "a1"),
    (policy("keep-together", "x", "a1; b1"), "policy.keep-together", "a1"),
    (policy("cpu-ceiling", "A", "10"), "processor.capacity", "A"),
    (policy("memory-ceiling", "A", "10"), "memory.capacity", "A"),
    (policy("reserve-memory", "A", "120"), "memory.capacity", "A"),
    (policy("cpu-warning", "A", "10"), "policy.cpu-warning", "A"),
    (policy("memory-warning", "*", "5"), "policy.memory-warning", "A"),
    (policy("licensed-servers", "DB2", "A"), "policy.licensed-servers", "DB2"),
    (policy("licensed-servers", "DB2", "1 servers"), "policy.licence-count", "DB2"),
    (policy("licensed-servers", "DB2", "2 cores"), "policy.licence-count", "DB2"),
    (policy("licensed-servers", "DB2", "B; 9 cores"), "policy.licensed-servers", "DB2"),
]
#: DB2 takes 1 core in a1 on A, 2 in b1 on B.
WITH_DB2 = changed(changed(BASE, "a1", software=("DB2 9.7",)), "b1", software=("DB2 9.7",))


@pytest.mark.parametrize(("row", "rule", "subject"), BROKEN, ids=lambda x: getattr(x, "kind", x))
def test_a_policy_that_is_broken_today_is_told_by_load_and_by_a_plan_that_leaves_it(
        row: Policy, rule: str, subject: str) -> None:
    site = loaded(stating(WITH_DB2, row))
    assert (rule, subject) in {(f.rule, f.subject) for f in site.findings if f.message.startswith("today: ")}
    plan = jobs.evacuate(site, Evacuate(servers=("C",)), jobs.Options())
    assert plan.verified
    assert (rule, subject) in {(f.rule, f.subject) for f in plan.findings if f.message.startswith("after this plan: ")}
    assert not [f for f in site.findings if "memory are" in f.message or "cores is" in f.message]


@pytest.mark.parametrize(("row", "rule", "subject"), BROKEN, ids=lambda x: getattr(x, "kind", x))
def test_a_policy_that_is_lifted_for_a_plan_is_told_when_the_plan_leaves_it_broken(
        row: Policy, rule: str, subject: str, tmp_path: Path) -> None:
    """A pin was lifted for the night, and without a way back nothing said that its LPAR does not come home."""
    (tmp_path / "estate.json").write_text(dump(Loaded(stating(WITH_DB2, row))))
    (tmp_path / "night.toml").write_text("".join(
        f"[[policy]]\nkind = {json.dumps(p.kind)}\nsubject = {json.dumps(p.subject)}\nactive = false\n"
        for p in (row, policy("soft-pin", "a2"))))
    site = from_sources([tmp_path / "estate.json"], [tmp_path / "night.toml"])
    plan = jobs.evacuate(site, Evacuate(servers=("C",)), jobs.Options())
    assert plan.verified
    said = [f for f in plan.findings if f.message.startswith("after this plan: ")]
    assert (rule, subject) in {(f.rule, f.subject) for f in said if f.message.endswith("lifted for this plan")}


@pytest.mark.parametrize("come_back", [False, True])
def test_who_comes_back_to_where_a_lifted_pin_wants_it_is_not_told(come_back: bool) -> None:
    site = loaded(BASE)
    site.lifted = (policy("pin", "a1", "A"), policy("keep-apart", "x", "a1; b1"))
    plan = jobs.evacuate(site, Evacuate(servers=("A",), come_back=come_back), jobs.Options())
    assert ("policy.pin" in {f.rule for f in plan.findings}) is not come_back


@pytest.mark.parametrize("value", ["2 servers", "3 cores", "A; B"])
def test_a_licence_ceiling_that_holds_is_not_told(value: str) -> None:
    site = loaded(stating(changed(WITH_DB2, "b1", state="not activated"), policy("licensed-servers", "DB2", "A; 1 cores")))
    assert not [f for f in site.findings if f.rule.startswith("policy.")]
    site = loaded(stating(WITH_DB2, policy("licensed-servers", "DB2", value)))
    plan = jobs.evacuate(site, Evacuate(servers=("C",)), jobs.Options())
    assert plan.verified and not [f for f in (*site.findings, *plan.findings) if f.rule.startswith("policy.lic")]


def test_check_tells_a_broken_licence_ceiling_of_a_policy_file(tmp_path: Path) -> None:
    (tmp_path / "estate.json").write_text(dump(Loaded(WITH_DB2)))
    (tmp_path / "one.toml").write_text('[[policy]]\nkind = "licensed-servers"\nsubject = "DB2"\nvalue = "1 servers"\n')
    told = CliRunner().invoke(app, ["check", str(tmp_path / "estate.json"), "--policy", str(tmp_path / "one.toml"), "--json"])
    assert "today: takes 2 servers of 1 allowed" in {f["message"] for f in json.loads(told.output)["findings"]}


def test_a_plan_that_mends_it_does_not_tell_it() -> None:
    site = loaded(stating(BASE, policy("cpu-ceiling", "A", "10"), policy("keep-apart", "x", "a1; a2")))
    plan = jobs.evacuate(site, Evacuate(servers=("A",)), jobs.Options())
    assert plan.verified and not [f for f in plan.findings if f.message.startswith(("today", "after this plan"))]


def test_an_lpar_that_holds_nothing_breaks_nothing() -> None:
    asleep = changed(BASE, "a1", state="not activated")
    found = loaded(stating(asleep, policy("keep-apart", "x", "a1; a2"), policy("fence", "a1", "B"))).findings
    assert not [f for f in found if f.message.startswith("today")]


def test_what_a_row_selects_servers_by() -> None:
    site = changed(changed(BASE, "B", generation="POWER7", site="south"), "C", console="hmc2", model="9119-FHA")
    compiled, refused = compile_policies(stating(
        site, policy("fence", "a1", "generation:power7; model:9119-*"), policy("pin", "a2", "site:north"),
        policy("cpu-ceiling", "console:hmc2", "80"), policy("not-a-target", "generation:POWER7", "env:non-production"),
        policy("not-a-target", "C")))
    assert refused == ()
    assert compiled.fences["a1"] == {"B", "C"} and compiled.pins["a2"] == ("A", "C")
    assert compiled.cpu_ceiling == {"C": 80}
    assert compiled.not_targets["B"] == compiled.not_targets["C"] == {"a1", "a2", "b1", "b2", "c1"}


#: B has 10 cores; its VIOSes and b1, b2 and b3 hold 1 + 3 × 1.
ROOMY = estate([server("A", 20, 128), server("B", 10, 128)], [lpar(n, n[0].upper(), 1, 8) for n in ("b1", "b2", "b3")])


@pytest.mark.parametrize(("cores", "rows", "words"), [
    (4.0, (), None), (5.0, (), None),  # 8.0 and 9.0 of 10: one more of 1.0 fits
    (5.01, (), "cores 90.1 %: no room for one LPAR more of the median size there"), (5.51, (), "cores 95.1 %"),
    (5.51, (policy("cpu-warning", "B", "96"),), None),
    (4.01, (policy("cpu-ceiling", "B", "90"),), "cores 80.1 %: no room for one LPAR more")])
def test_a_plan_that_leaves_a_server_nearly_full_says_so_once(cores: float, rows: tuple[Policy, ...], words: str | None) -> None:
    of = estate(ROOMY.servers, [*ROOMY.lpars, lpar("a1", "A", cores, 8)], list(rows))
    for come_back, when in ((False, "after this plan"), (True, "after the way out")):
        plan = jobs.evacuate(loaded(of), Evacuate(servers=("A",), come_back=come_back), jobs.Options())
        told = [(f.subject, f.message) for f in plan.findings if f.rule == "estate.near-full"]
        assert plan.verified and [subject for subject, _ in told] == (["B"] if words else [])
        assert all(message.startswith(f"{when}: nearly full: B: {words}") for _, message in told)
    assert not [f for f in loaded(of).findings if f.rule == "estate.near-full"]


def test_nearly_full_is_one_finding_however_many_servers() -> None:
    """B and C take one each, of memory 98 %."""
    of = estate([server("A", 20, 200), server("B", 10, 64), server("C", 10, 64)],
                [lpar("a1", "A", 1, 56), lpar("a2", "A", 1, 56)])
    plan = jobs.evacuate(loaded(of), Evacuate(servers=("A",)), jobs.Options())
    (told,) = [f for f in plan.findings if f.rule == "estate.near-full"]
    assert told.subject == "B, C" and told.message.count("memory 9") == 2


def test_a_group_is_told_to_be_apart_from_what_is_not_activated() -> None:
    """a2 is stopped, and its profile stays on A when a1, with whom it is kept together, has left."""
    of = stating(changed(BASE, "a2", state="not activated"), policy("keep-together", "pair", "a1; a2"))
    plan = jobs.evacuate(Loaded(of), Evacuate(servers=("A",)), jobs.Options())
    assert plan.verified and [f.message for f in plan.findings if f.rule == "policy.keep-together"] == [
        f"after this plan: a1, a2 are kept together (pair) but stand on A, {plan.moves[0].target}; not activated: a2"]
    both = jobs.evacuate(Loaded(of), Evacuate(servers=("A",), inactive=True), jobs.Options())
    assert both.verified and not [f for f in both.findings if f.rule == "policy.keep-together"]
