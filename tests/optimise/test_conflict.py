"""Why there is no plan: what is named is in the way, and what would lift it does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from estates import (
    BASE,
    answer,
    changed,
    estate,
    evacuate_goal,
    exactly,
    judged,
    loaded,
    lpar,
    policy,
    pool,
    server,
    short_mib,
    short_units,
    stating,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion
from rich.console import Console
from scarce import with_ports
from test_oracle import estates

from planner.estate.model import Estate, Fibre, Port
from planner.jobs import Options, evacuate, exit_code
from planner.optimise.conflict import in_sum
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.stages import Answer
from planner.plan.choices import Status
from planner.plan.details import Conflict, WhyNot, told_once
from planner.plan.plan import dump, parse
from planner.plan.questions import Evacuate
from planner.report.plan_terminal import plan_view
from planner.rules import Site, ledger


def conflict(of: Estate, *servers: str) -> Conflict:
    found = answer(of, *servers)
    assert found.status is Status.INFEASIBLE and found.conflict is not None
    return found.conflict


def _larger(of: Estate, short: Conflict) -> Estate:
    return of.replace(servers=tuple(replace(
        s, configurable_units=s.configurable_units + short_units(short).get(s.name, 0),
        configurable_memory_mib=s.configurable_memory_mib + short_mib(short).get(s.name, 0)) for s in of.servers))


def _solved(of: Estate, leave: tuple[str, ...] = ()) -> Answer:
    site, judge = judged(of)
    return EvacuationProblem(site, judge, evacuate_goal(site, ["A"], leave)).solve(20, 0.0)


def test_the_shortfall_added_makes_it_possible_and_so_does_leaving_behind() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(250))
    @given(estates(scarce=False))
    def lifted(of: Estate) -> None:
        plain = of.replace(policies=tuple(p for p in of.policies if not p.kind.endswith("-ceiling")), pools=())
        found = _solved(plain)
        if found.conflict is None or found.conflict.refusals:
            return
        told = found.conflict
        assert told.irreducible and told.summary and told.lifts
        if short_units(told) or short_mib(told):
            seen["short"] += 1
            assert _solved(_larger(plain, told)).status is Status.OPTIMAL
        assert not told.lifts[0].startswith("or ") and all(lift.startswith("or ") for lift in told.lifts[1:])
        for short, (units, mib) in told.shortfall.items():  # what is lacking is one way, all of it together
            seen["together"] += len(told.shortfall) > 1
            assert (not units and not mib) or f"on {short}" in told.lifts[0]
        for lift in told.lifts:
            if lift.removeprefix("or ").startswith("leave behind and stop: "):
                seen["left"] += 1
                names = tuple(lift.partition(": ")[2].split(", "))
                assert _solved(plain, names).status is Status.OPTIMAL

    lifted()
    assert seen["short"] > portion(15) and seen["left"] > portion(5) and seen["together"], seen


def test_survivors_too_full_say_the_shortfall_in_cores_and_gib() -> None:
    """Trap 1: 3 cores and 12 GiB must go; 1 core and 4 GiB are free elsewhere."""
    moving = [lpar("a1", "A", 2, 8), lpar("a2", "A", 1, 4)]
    staying = [lpar("b1", "B", 4, 16), lpar("c1", "C", 4, 16)]
    of = estate([exactly(server("A"), moving), exactly(server("B"), staying[:1], 0.5, 2),
                 exactly(server("C"), staying[1:], 0.5, 2)], moving + staying)
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options())
    assert plan.status is Status.INFEASIBLE and exit_code(plan) == 3
    assert not plan.moves and not plan.verified and plan.objective is None
    assert plan.conflict is not None
    reasons = {r.rule for by_server in plan.conflict.refusals.values() for row in by_server.values() for r in row}
    assert reasons == {"processor.fits", "memory.fits"} or not reasons
    # Two cores and 8 GiB with its table of 128 MiB on 0.5 cores and 2 GiB; a1 alone lacks 1.5 cores.
    told = plan.conflict
    assert short_units(told) and short_mib(told)
    short = json.loads(dump(plan))["conflict"]["shortfall"]
    assert (short["cores"], short["gib"]) == (sum(short_units(told).values()) / 100, sum(short_mib(told).values()) / 1024)
    assert parse(dump(plan), "plan.json").conflict == told


def test_survivors_too_full_together_say_the_exact_shortfall() -> None:
    """Each LPAR fits somewhere, not all of them: 4 cores must go where 3 are free, 16 GiB where 14 are."""
    moving = [lpar(f"a{n}", "A", 1, 4, max_memory_mib=4096, hpt_ratio=4096) for n in range(1, 5)]
    staying = [lpar("b1", "B", 4, 16), lpar("c1", "C", 4, 16)]
    of = estate([exactly(server("A"), moving), exactly(server("B"), staying[:1], 2, 8 + 8 / 1024),
                 exactly(server("C"), staying[1:], 1, 6)], moving + staying,
                [policy("pin", "b1"), policy("pin", "c1")])
    told = conflict(of, "A")
    assert short_units(told) == {"C": 100} or sum(short_units(told).values()) == 100
    # HPT of 1 MiB each: two need 8,194 MiB.
    assert sum(short_mib(told).values()) == 2 * 4097 - 6144
    assert "1.00 cores and 2.00 GiB" in told.summary


def test_what_is_not_lacking_is_not_named_and_one_mend_of_many_is_told_once() -> None:
    """``0 GiB of memory`` was lacking; the same advice stood in a line for each of ten LPARs."""
    busy = [lpar(f"a{n}", "A", 2, 1) for n in range(3)]
    small = estate([server("A"), server("B", cores=4)], busy)
    assert conflict(small, "A").summary == "the other servers lack 3.00 cores for what must go: a1, a2 to B"
    huge = conflict(estate([server("A"), server("B", gib=8)], [lpar("a1", "A", 1, 16)]), "A").summary
    assert huge.startswith("a1 may go to no other server; the other servers lack ") and "cores" not in huge
    staying = stating(small.replace(lpars=tuple(replace(p, environment="production") for p in small.lpars)),
                      policy("production-stays"))
    plan = evacuate(loaded(staying), Evacuate(servers=("A",)), Options())
    console = Console(width=200)
    with console.capture() as caught:
        console.print(plan_view(plan))
    assert caught.get().count("a0, a1, a2: set the policy production-stays to Active = no") == 1
    assert plan.conflict and sum("production-stays to Active" in x for x in plan.conflict.lifts) == 3


def test_keep_apart_against_evacuation_is_named() -> None:
    """Trap 2: two LPARs that are kept apart, and one server to go to."""
    moving = [lpar("a1", "A"), lpar("a2", "A")]
    of = estate([server("A"), server("B")], moving)
    rule = policy("keep-apart", "central instances", "a1; a2")
    plan = evacuate(loaded(stating(of, rule)), Evacuate(servers=("A",)), Options())
    assert plan.status is Status.INFEASIBLE and exit_code(plan) == 3 and plan.conflict is not None
    assert plan.conflict.rules == ("policy.keep-apart",)
    assert sorted(plan.conflict.lpars) == ["a1", "a2"]
    assert "policy.keep-apart" in plan.conflict.summary and "central instances" in plan.conflict.summary
    assert any(f.rule == "policy.keep-apart" for f in plan.findings)
    assert any("lift policy.keep-apart" in x for x in plan.conflict.lifts)
    assert answer(of, "A").status is Status.OPTIMAL


def test_a_stranded_lpar_is_told_every_reason_for_every_server() -> None:
    of = estate([server("A"), server("B", lmb_mib=128), server("C", console="hmc2")], [lpar("a1", "A")])
    told = conflict(of, "A")
    assert told.lpars == ("a1",) and told.servers == ("B", "C")
    assert {s: [r.rule for r in reasons] for s, reasons in told.refusals["a1"].items()} == {
        "B": ["memory.lmb"], "C": ["server.console"]}
    assert any("console-link" in x for x in told.lifts) and any("--leave a1" in x for x in told.lifts)
    assert told.refusals["a1"]["C"][0].fix and f"a1: {told.refusals['a1']['C'][0].fix}" in told.lifts


def test_what_mends_a_refusal_stands_with_that_refusal_alone() -> None:
    """Each finding had what would mend any of its LPAR's refusals, read out of the conflict's sentences."""
    of = estate([server("A"), server("B", lmb_mib=128), server("C", console="hmc2")], [lpar("a1", "A")])
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options())
    assert {f.rule: "console-link" in f.fix for f in plan.findings} == {"memory.lmb": False, "server.console": True}
    assert parse(dump(plan), "plan.json").conflict == plan.conflict
    assert plan.conflict and "could come home" not in plan.conflict.summary


def test_what_refuses_an_lpar_everywhere_is_told_once_with_every_server() -> None:
    """One missing feature was told anew for each server of a site, and the one that differed was lost among them."""
    others = [server(f"box{n}", memory_expansion_capable=False) for n in range(12)]
    of = estate([server("A"), *others, server("box99", console="hmc2", memory_expansion_capable=False)], [lpar("a1", "A", memory_expansion_percent=125)])
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options())
    alike = [f for f in plan.findings if f.rule == "partition.capability"]
    assert len(alike) == 1 and all(f"box{n}" in alike[0].message for n in (*range(12), 99)) and "(13 in all)" in alike[0].message
    assert [f.message for f in plan.findings if f.rule == "server.console"] == [
        "to box99: A is managed by hmc1, box99 by hmc2"]
    assert plan.conflict and len(plan.conflict.refusals["a1"]) == 13 and all(plan.conflict.refusals["a1"].values())
    assert len([x for x in plan.conflict.lifts if "switch it off" in x]) == 1


SAID = ("{} lacks it", "no", "between box and {}", "box-v1 of {} is old")


@given(st.dictionaries(st.sampled_from(("box", "box2", "box-v1", "box.2", "east rack")), st.lists(st.sampled_from(SAID))))
def test_what_is_told_once_was_said_of_each_of_its_servers(said: dict[str, list[str]]) -> None:
    whys = {s: [WhyNot("r", text.format(s), f"mend {s}") for text in texts] for s, texts in said.items()}
    once = list(told_once(whys))
    for why, servers in once:
        assert any(text.format(servers[0]) == why.message and all(text in said[s] for s in servers) for text in SAID)
    assert sum(len(servers) for _, servers in once) == sum(len(set(rows)) for rows in whys.values())


def test_freeing_every_server_leaves_none_to_go_to() -> None:
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("b1", "B")])
    assert "every server" in conflict(of, "A", "B").summary


def test_a_pool_that_is_full_is_called_by_its_name_and_id() -> None:
    """Its id alone was told: people know it as POOL_DB, commands by its id."""
    of = estate([server("A"), server("B")], [lpar("a1", "A", 1, 8, pool_id=17), lpar("a2", "A", 0.5, 4, pool_id=17)])
    full = of.replace(pools=(pool("A", 17, 4, name="POOL_DB"), pool("B", 4, 1, name="POOL_DB")))
    assert any("0.50 more cores in pool POOL_DB (id 4) of B" in lift for lift in conflict(full, "A").lifts)


def test_a_server_that_policies_alone_close_is_named_in_a_conflict_over_others() -> None:
    """The conflict is over B; C has room, but takes nobody in, or not this one."""
    apart = estate([server(x) for x in "ABC"], [lpar("x", "A"), lpar("y", "B")], [policy("keep-apart", "g", "x; y")])
    small = estate([server("A"), server("B", cores=5), server("C")], [lpar("x", "A", 3), lpar("z", "A", 3)])
    for of, who in ((apart, "x"), (small, "x, z")):
        plan = evacuate(loaded(of), Evacuate(servers=("A",), not_targets=("C",)), Options())
        assert plan.conflict is not None
        assert f"or open C, which policies alone close to {who}: lift the policy not-a-target, or leave --not-a-target out" in (
            plan.conflict.lifts)
        assert evacuate(loaded(of), Evacuate(servers=("A",)), Options()).status is Status.OPTIMAL
    deaf = changed(apart, "C", dpo_running=True)
    told = evacuate(loaded(deaf), Evacuate(servers=("A",), not_targets=("C",)), Options()).conflict
    assert told is not None and not any("policies alone" in x for x in told.lifts)


def test_usage_names_the_hour_the_pool_and_the_cores() -> None:
    of = estate([server("A", 8), server("B", 8)], [lpar("a1", "A", 1), lpar("b1", "B", 1)],
                pools=(pool("A", 0), pool("B", 0, 2)))
    site, judge = judged(of, {"a1": [100, 1500], "b1": [100, 1000]})
    told = EvacuationProblem(site, judge, evacuate_goal(site, ["A"])).solve(20, 0.0).conflict
    assert "a1 to B" in told.summary and "pool pool0 (id 0) of B would use 2.50 of 2.00 cores" in told.summary
    assert told.irreducible and told.rules == ("processor.pool-usage",)


def test_what_is_used_up_beside_cores_and_memory_is_named_and_no_core_is_said_to_lack() -> None:
    of = estate([server("A"), server("B", shared_memory_pool_mib=8192)], [lpar(n, "A", memory_mode="shared") for n in ("a1", "a2")])
    told = conflict(changed(of, "B-v1", paging_devices_mib=(4096,)), "A")
    assert "0.00 cores" not in told.summary and "1 paging device on B" in told.summary and "a1, a2 to B" in told.summary


def test_lpars_that_may_go_nowhere_are_named_with_their_reasons() -> None:
    of = stating(changed(BASE, "a1", rmc_active=False), policy("pin", "a2"))
    assert conflict(of, "A").summary == (
        "2 LPARs may go to no other server; each of them alone makes it impossible: a1 (has no active RMC connection), "
        "a2 (is pinned to A)")


def test_what_sums_lack_is_seen_before_any_program_of_a_large_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """25 of 60 servers with 2,400 LPARs: the programs did not prove in a minute what two sums show."""
    seen = Counter[bool]()
    for seed in range(24):
        of = tight_site(seed)
        site, judge = judged(of)
        found = in_sum(site, site.residents("A"), ["B", "C"])
        if found:
            answer = EvacuationProblem(site, judge, Evacuate(servers=("A",))).solve(20, 0.0)
            assert answer.status is Status.INFEASIBLE and answer.conflict and answer.conflict.summary != found.summary
        seen[bool(found)] += 1
    assert seen[True] > 3 and seen[False] > 3, seen
    monkeypatch.setattr("planner.optimise.evacuate._LARGE", 0)
    monkeypatch.setattr(EvacuationProblem, "staged", None)
    plan = evacuate(loaded(next(of for of in map(tight_site, range(40)) if in_sum(judged(of)[0], judged(of)[0].residents(
        "A"), ["B", "C"]))), Evacuate(servers=("A",)), Options(time_limit=5))
    assert plan.status is Status.INFEASIBLE and plan.conflict and "in sum" in plan.conflict.summary


def test_sums_of_virtual_ports_lack_only_where_no_placement_is() -> None:
    """A site without a free port took minutes to be looked through, server by server."""
    seen = Counter[tuple[bool, bool]]()
    for seed in range(80):
        random = Random(seed)
        lpars = [lpar(f"p{n}", random.choice("AABC"), 0.5, 1) for n in range(5)]
        of = with_ports(estate([server(s, 8, 64) for s in "ABC"], lpars), random)
        site, judge = judged(of)
        found = in_sum(site, site.residents("A"), ["B", "C"]) if site.residents("A") else None
        able = EvacuationProblem(site, judge, Evacuate(servers=("A",))).solve(20, 1.0).status is not Status.INFEASIBLE
        assert not (found and able), seed
        assert found is None or (found.rules == ("storage.npiv-ports",) and " of fabric " in found.summary)
        seen[found is not None, able] += 1
    assert seen[True, False] > 3 and seen[False, True] > 3, seen


@pytest.mark.parametrize("listed", [(), ("B-v1",), ("B-v1", "C-v1")])
def test_sums_count_no_port_of_who_stays_where_no_listing_shows_it(listed: Sequence[str]) -> None:
    of = with_fibres(estate([server(s) for s in "ABC"], [lpar("a1", "A"), lpar("b1", "B")]), ("b1",),
                     [Port(vios, "fcs1", "f2", 0) for vios in listed])
    site, judge = judged(of)
    assert in_sum(site, ["a1"], ["B", "C"]) is None
    assert EvacuationProblem(site, judge, Evacuate(servers=("A",))).solve(20, 0.0).status is Status.OPTIMAL


def test_sums_prove_nothing_where_a_server_lists_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """B's only port is b1's; whether C has one nobody says."""
    of = with_fibres(estate([server(s) for s in "ABC"], [lpar("a1", "A"), lpar("b1", "B")]), ("a1", "b1"),
                     [Port("A-v1", "fcs0", "f1", 4), Port("B-v1", "fcs0", "f1", 0)])
    monkeypatch.setattr("planner.optimise.evacuate._LARGE", 0)
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options(time_limit=5))
    assert plan.status is Status.UNKNOWN and plan.conflict and "VIOS of C" in plan.conflict.unstated[0]
    none = of.replace(ports=(*of.ports, Port("C-v1", "fcs0", "f2", 4)))
    assert evacuate(loaded(none), Evacuate(servers=("A",)), Options(time_limit=5)).status is Status.INFEASIBLE


def with_fibres(of: Estate, names: Sequence[str], ports: Sequence[Port]) -> Estate:
    """The estate with one adapter on fabric f1 for each of these LPARs, over the first VIOS of its server."""
    home = {p.name: p.server for p in of.lpars}
    return of.replace(ports=tuple(ports), fibres=tuple(
        Fibre(n, 10, f"{home[n]}-v1", f"c0{n}0", f"c0{n}1", "f1", True) for n in names))


def test_sums_ask_each_lpar_once_a_size_of_memory_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evacuation of 500 servers with 10,000 LPARs asked each LPAR on each server: ten million times."""
    asked: Counter[str] = Counter()
    known = ledger.takes

    def counted(site: Site, resource: ledger.Resource, lpar: str, server: str) -> ledger.Amounts:
        asked[lpar] += 1
        return known(site, resource, lpar, server)

    monkeypatch.setattr(ledger, "takes", counted)
    of = [server(f"S{n}", lmb_mib=(256, 128)[n % 2]) for n in range(40)]
    site, _ = judged(estate(of, [lpar(f"p{n}", f"S{n}") for n in range(40)]))
    assert in_sum(site, site.residents("S0"), [s.name for s in of[1:]]) is None
    assert {*asked.values()} == {2 * 2}


def tight_site(seed: int) -> Estate:
    """A full server and two with little left, cores or memory."""
    rng = Random(seed)
    lpars = [lpar(f"p{n}", rng.choice("AABC"), rng.choice((1, 2, 3)), rng.choice((2, 4, 8))) for n in range(6)]
    return estate([exactly(server(s), [p for p in lpars if p.server == s], rng.choice((1, 3, 6)), rng.choice((8, 16, 24)))
                   for s in "ABC"], lpars)
