"""Readiness says what the commands say: evacuate of each server, the rules of each LPAR, brute force of failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product, takewhile
from pathlib import Path
from random import Random

import pytest
from scale_estates import blocks, open_estate, ring

from planner.estate.assemble import Loaded
from planner.estate.changes import applied
from planner.estate.load import load
from planner.estate.model import Bridge, Estate, Network, Policy
from planner.estate.prices import PRICES
from planner.findings import errors
from planner.history.calendar import BUCKETS
from planner.jobs import Options, evacuate
from planner.jobs.peak_hours import UsageSpec
from planner.jobs.readiness import blocking, freeing, remedies
from planner.jobs.readiness.entry import Morning, readiness
from planner.jobs.readiness.figures import ReadinessDocument, ReadyWord
from planner.jobs.readiness.remedies import quick_remedy
from planner.jobs.remedy import Remedy, remedy
from planner.optimise import remedy as optimised
from planner.optimise.remedy import Shop, bought_alone
from planner.plan.choices import Status
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.schedule.lanes import Pacing
from planner.verify.base import Replay, broken
from tests.cli.usage_columns import history_of
from tests.estates import BASE, changed, estate, exactly, lpar, server, stating, without

DATA = Path(__file__).parents[2] / "data"
YES, IF, NO, ONE_WAY, UNKNOWN = ReadyWord.YES, ReadyWord.IF, ReadyWord.NO, ReadyWord.ONE_WAY, ReadyWord.UNKNOWN


def ready(of: Estate) -> ReadinessDocument:
    return readiness(Loaded(of), Options())


def verdicts(of: Estate) -> dict[str, ReadyWord]:
    return {f.server: f.verdict for f in ready(of).servers}


@cache
def sample(name: str) -> Loaded:
    return load([DATA / name / f"{name}.xlsx"])


@pytest.mark.parametrize("name", ["landscape", "modern"])
def test_the_verdict_for_a_server_is_that_of_evacuate(name: str) -> None:
    for f in readiness(sample(name), Options()).servers:
        there, away = (evacuate(sample(name), Evacuate(servers=(f.server,), come_back=back), Options()) for back in (True, False))
        if f.verdict in (YES, IF):
            assert there.verified, f
        elif f.verdict is ONE_WAY:
            assert away.verified and not there.verified, f
        else:
            assert away.status is {NO: Status.INFEASIBLE, UNKNOWN: Status.UNKNOWN}[f.verdict], f


def test_what_is_assumed_makes_a_yes_a_yes_if() -> None:
    assert verdicts(BASE)["A"] is YES
    unknown = changed(BASE, "a1", rmc_active=None)
    found = next(f for f in ready(unknown).servers if f.server == "A")
    assert found.verdict is IF and "a1" in found.settles[0]
    assert {f.server: f.verdict for f in readiness(Loaded(unknown), Options(), Morning(assume_nothing=True)).servers}["A"] is UNKNOWN


def test_a_plan_that_assumes_nothing_is_found_where_there_is_one() -> None:
    """B's console is unknown: a level there would be taken for granted, but C has room for all of A."""
    of = changed(BASE, "B", console_level="")
    assert verdicts(of)["A"] is YES
    assert verdicts(changed(of, "C", configurable_units=250))["A"] is IF


def test_who_cannot_come_home_makes_it_one_way() -> None:
    """Nothing says what a VIOS of A holds: nobody may go there, not even home."""
    found = next(f for f in ready(changed(BASE, "A-v1", entitlement_units=0)).servers if f.server == "A")
    assert found.verdict is ONE_WAY and {o.rule for o in found.obstacles} == {"server.sizes-known"} and found.moves == 2


def test_a_server_that_stays_full_is_no_and_says_so() -> None:
    small = changed(changed(BASE, "B", configurable_units=400), "C", configurable_units=250)
    found = next(f for f in ready(small).servers if f.server == "A")
    assert found.verdict is NO and found.by == "placement" and found.why


def test_the_remedy_is_that_of_the_command_for_who_cannot_be_freed() -> None:
    found = readiness(Loaded(changed(BASE, "a1", rmc_active=False)), Options(), Morning(remedies=True)).servers
    asked = remedy(Remedy(Loaded(changed(BASE, "a1", rmc_active=False)), Evacuate(servers=("A",), come_back=True), Options()), 1)
    assert (found[0].remedy, found[0].remedy_cost) == (tuple(c.words for c in asked.sets[0].changes), asked.sets[0].cost)
    assert "RMC" in found[0].remedy[0] and not any(f.remedy for f in found[1:])


def test_a_quick_remedy_costs_what_the_thorough_one_does() -> None:
    """Of a site in blocks: without RMC, with a VLAN that is bridged on one server alone, and with both."""
    of = blocks(8, 30, 3, block=4)
    homes = {p.server: p.name for p in of.lpars}
    first = min(homes)
    goal, options = Evacuate(servers=(first,), come_back=True), Options(pacing=Pacing(waves=True))
    mute = changed(of, homes[first], rmc_active=False)
    far = of.replace(networks=(*of.networks, Network(homes[first], 9, 77)), bridges=(
        *of.bridges, *(Bridge(v.name, "ent6", 77) for v in of.vioses if v.server == first)))
    for estate_of in (mute, far, changed(far, homes[first], rmc_active=False)):
        site = Site(estate_of)
        quick = quick_remedy(site, Judge(site), first, options)
        full = remedy(Remedy(Loaded(estate_of), goal, options), 1)
        assert quick and quick[1] == full.sets[0].cost and full.cheapest
        assert evacuate(Loaded(applied(estate_of, quick[0])), goal, options).verified


@pytest.mark.parametrize("seed", range(6))
def test_what_is_plainly_bought_costs_what_the_program_buys(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """LPARs without RMC, and on VLANs of their own or of all of their server: some of one shape at least are plain."""
    random, plain = Random(seed), 0
    of = (blocks, open_estate, ring)[seed % 3](8, 30, 3)
    for number in range(8):
        first = of.servers[number].name
        there = [p.name for p in of.lpars if p.server == first]
        mute, far = ({n for n in there if random.random() < share} for share in (0.3, 0.5))
        closed = of.replace(
            lpars=tuple(replace(p, rmc_active=False) if p.name in mute else p for p in of.lpars),
            networks=(*of.networks, *(Network(n, 9, 77 + random.randrange(2)) for n in sorted(far))),
            bridges=(*of.bridges, *(Bridge(v.name, "ent6", vlan) for vlan in (77, 78) for v in of.vioses
                                    if v.server == first or (vlan == 78 and random.random() < 0.3))))
        site = Site(closed)
        bought, shops = [], list[Shop]()
        for plainly in (optimised._bought_plainly, shops.append):
            monkeypatch.setattr(optimised, "_bought_plainly", plainly)
            bought.append(next(bought_alone(site, Judge(site), first, PRICES, 20)))
        monkeypatch.undo()
        alike = optimised._bought_plainly(shops[0])
        plain += len(alike) > 1
        assert all(PRICES.total(one) == PRICES.total(bought[0].changes) for one in alike)
        assert bought[0].least and PRICES.total(bought[0].changes) == PRICES.total(bought[1].changes)
        after = Judge(Site(applied(closed, bought[0].changes)))
        assert all(after.targets(n) for n in there if n in after.site.start)
    assert plain > 2


@pytest.mark.parametrize("state", ["running", "not activated"])
def test_a_quick_remedy_shuts_no_cluster_down(state: str) -> None:
    """A shutdown costs 45, pin and fence 180; of a cluster one node goes on, also where it is the only one that runs."""
    of = estate([server(s) for s in "ABC"], [lpar("a1", "A"), lpar("a2", "A", state=state), lpar("c1", "C")],
                [Policy("cluster", "db", "a1; a2"), *(Policy(kind, n, "A") for n in ("a1", "a2") for kind in ("pin", "fence"))])
    site, options = Site(of), Options(pacing=Pacing(waves=True))
    changes, cost = quick_remedy(site, Judge(site), "A", options) or ((), 0)
    full = remedy(Remedy(Loaded(of), Evacuate(servers=("A",), come_back=True), options), 1)
    assert sum(c.passing for c in changes) == len(site.residents("A")) - 1
    assert cost == full.sets[0].cost and full.cheapest


@pytest.mark.parametrize("pinned", [False, True])
def test_a_quick_remedy_looks_beyond_servers_that_rules_close(pinned: bool) -> None:
    """The first twelve take nobody in: a shutdown for 45 was told, or a target for 40 more, where RMC is 5 and a pin 90."""
    others = [f"B{n:02}" for n in range(12)]
    a1 = lpar("a1", "A", rmc_active=pinned, environment="production" if pinned else "non-production")
    of = estate([server(s) for s in ("A", *others, "C")], [a1, lpar("c1", "C")], [
        *(Policy("not-a-target", s) for s in others), *([Policy("pin", "a1", "A")] if pinned else [])])
    site = Site(of)
    changes, cost = quick_remedy(site, Judge(site), "A", Options(pacing=Pacing(waves=True))) or ((), 0)
    assert ([c.kind for c in changes], cost) == ((["pin"], 90) if pinned else (["rmc"], 5))


@pytest.mark.parametrize("home", ["", "B"])
def test_a_part_with_homes_elsewhere_is_asked_what_is_today(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of today says who comes home where; without homes nobody asks why it is impossible."""
    asked: list[Remedy] = []
    of = changed(BASE, "a1", rmc_active=False)
    of = changed(of, "a2", home=home) if home else of
    monkeypatch.setattr(remedies, "bought_alone", lambda *_: [optimised.QuickBuy((), ("B", "C"), True)])
    monkeypatch.setattr(remedies, "part_with", lambda site, servers: site.estate.around(servers))
    monkeypatch.setattr(remedies, "remedy", lambda of, count: asked.append(of) or remedy(of, count))
    site = Site(of)
    found = quick_remedy(site, Judge(site), "A", Options(pacing=Pacing(waves=True)))
    assert found and [c.kind for c in found[0]] == ["rmc"]
    assert [one.closed for one in asked] == [not home] and asked[0].asked.homes == ({"a2": home} if home else {})


def test_a_quick_remedy_makes_room_where_it_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VLAN for all of a server, who fit on no other as it stands: for a bridge too little, others move instead."""
    monkeypatch.setattr(remedies, "Remedy", None)
    lpars = [lpar("a1", "A", 3), lpar("a2", "A", 3), lpar("b1", "B", 2), lpar("b2", "B", 2), lpar("c1", "C", 4)]
    of = estate([server("A"), server("B", 8), server("C", 8), server("D", 3), server("E", 3)], lpars)
    of = of.replace(networks=(*of.networks, *(Network(n, 9, 77) for n in ("a1", "a2"))), bridges=(
        *of.bridges, *(Bridge(v.name, "ent6", 77) for v in of.vioses if v.server == "A")))
    site, options = Site(of), Options(pacing=Pacing(waves=True))
    changes, cost = quick_remedy(site, Judge(site), "A", options) or ((), 0)
    monkeypatch.undo()
    full = remedy(Remedy(Loaded(of), Evacuate(servers=("A",), come_back=True), options), 1)
    assert cost == full.sets[0].cost and full.cheapest and "of B" in changes[0].words
    plan = evacuate(Loaded(applied(of, changes)), Evacuate(servers=("A",), come_back=True), options)
    assert plan.verified and {"b1", "b2"} <= {m.lpar for m in plan.moves}


@pytest.mark.parametrize("of", [pytest.param(blocks(8, 30, 3, block=4), id="blocks"), pytest.param(
    open_estate(6, 30, 3), id="open"), *(pytest.param(name, id=name) for name in ("landscape", "modern"))])
def test_a_part_of_a_site_is_judged_as_the_whole(of: Estate | str) -> None:
    whole = of if isinstance(of, Estate) else sample(of).estate
    here = [s.name for s in whole.servers][:-2]
    part = Site(whole.around(here))
    told, of_part = Judge(Site(whole)), Judge(part)
    assert part.start and {*part.start.values()} <= {*here} and {*part.servers} == {s.name for s in whole.servers}
    for n, source in part.start.items():
        assert of_part.readiness(n) == told.readiness(n)
        for s in here:
            assert s == source or of_part.move(n, source, s) == told.move(n, source, s)


@pytest.mark.parametrize("tight", [False, True])
def test_a_placement_by_construction_answers_as_the_program_does(tight: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    of = blocks(8, 40, 5, block=4)
    if tight:
        of = of.replace(servers=tuple(replace(s, configurable_units=s.configurable_units * 2 // 3) for s in of.servers))
    built = verdicts(of)
    monkeypatch.setattr(freeing, "packed", lambda *of, **how: None)
    assert verdicts(of) == built and (NO in built.values()) is tight


def test_one_that_could_stay_makes_room_without_any_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 servers where every LPAR may go everywhere two took half of all processor time: a program of 97,000 places
    was asked, and did not answer in its minute, where one LPAR had to make room for another."""
    a1, b1 = lpar("a1", "A", 3), lpar("b1", "B", 1)
    of = estate([exactly(server("A"), [a1], 1, 64), exactly(server("B"), [b1], 2.5, 64), exactly(server("C"), [], 1.5, 64)],
                [a1, b1])
    monkeypatch.setattr(freeing.QuickEvacuation, "staged", None)
    site = Site(of)
    found = freeing.freed(Judge(site), "A", Options())
    assert (found.verdict, found.moves, found.others) == (YES, 2, 1)


def test_usage_binds_as_for_a_plan(tmp_path: Path) -> None:
    """a1 and b1 hold 1.00 each and use 4.00: with the VIOSes more than the 8.00 of either server."""
    of = estate([server("A", 8, 64), server("B", 8, 64)], [lpar("a1", "A", 1, 8), lpar("b1", "B", 1, 8)])
    history_of(tmp_path / "usage.db", {"a1": (4000, 10), "b1": (4000, 10)})
    used = UsageSpec(tmp_path / "usage.db")
    assert set(verdicts(of).values()) == {YES}
    found = readiness(Loaded(of), Options(), Morning(usage=used), since=of, name="Friday")
    for f in found.servers:
        told = evacuate(Loaded(of), Evacuate(servers=(f.server,), come_back=True), Options(), used)
        assert told.status is Status.INFEASIBLE and f.verdict is NO, f
    assert found.since and not found.since.worse


def test_usage_binds_a_quick_remedy_of_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """a1 wants RMC; only C has the cores that it uses."""
    monkeypatch.setattr(optimised, "_PLACES", 2)
    servers = [server(s, 8, 64) for s in "ABCD"]
    of = changed(estate(servers, [lpar("a1", "A", 1, 8), *(lpar(f"{s.lower()}1", s, 1, 8) for s in "BCD")]), "a1", rmc_active=False)
    history_of(tmp_path / "usage.db", {"a1": (4000, 10), "b1": (4000, 10), "c1": (500, 10), "d1": (4000, 10)})
    used = UsageSpec(tmp_path / "usage.db")
    site = Site(of, usage=used.read(of, BUCKETS).usage)
    changes, _ = quick_remedy(site, Judge(site), "A", Options(pacing=Pacing(waves=True)), usage=used) or ((), 0)
    plan = evacuate(Loaded(applied(of, changes)), Evacuate(servers=("A",), come_back=True), Options(), used)
    assert [c.kind for c in changes] == ["rmc"] and plan.verified and {m.target for m in plan.leg("out")} == {"C"}


def test_what_is_not_activated_is_told_or_goes_along() -> None:
    """a2 is stopped, and pinned: taken along it closes A; left there it is told."""
    of = stating(changed(BASE, "a2", state="not activated"), Policy("pin", "a2", "A"))
    a = ready(of).servers[0]
    assert (a.verdict, a.lpars, a.stays) == (YES, 1, ("a2",))
    a = readiness(Loaded(of), Options(), Morning(inactive=True)).servers[0]
    told = evacuate(Loaded(of), Evacuate(servers=("A",), come_back=True, inactive=True), Options())
    assert told.status is Status.INFEASIBLE
    assert (a.verdict, a.lpars, [o.subject for o in a.obstacles], a.stays) == (NO, 2, ["a2"], ())


def test_minutes_are_those_of_nights() -> None:
    a = ready(BASE).servers[0]
    assert a.moves == 2 and a.out and a.back and 60_000 < a.out.half_ms <= a.out.most_ms <= a.out.nearly_all_ms


def fits_somewhere(site: Site, judge: Judge, failed: str) -> bool:
    """By brute force over all places."""
    names = [n for n in site.residents(failed) if site.lpars[n].active]
    places = [[s for s in site.servers if s != failed and judge.restartable(n, failed, s)] for n in names]
    for choice in product(*places):
        there = dict(zip(names, choice, strict=True))
        after = {n: s for n, s in site.start.items() if s != failed} | there
        holders = {s: [n for n, at in after.items() if at == s] for s in site.servers if s != failed}
        if not any(errors(judge.server(s, names)) for s, names in holders.items()):
            return True
    return False


@pytest.mark.parametrize("cores", [2.0, 3.0, 4.0, 5.5, 16.0])
def test_what_restarts_when_a_server_dies_is_what_brute_force_finds(cores: float) -> None:
    tight = changed(changed(BASE, "B", configurable_units=round(cores * 100)), "C", configurable_units=400)
    site = Site(tight)
    judge = Judge(site)
    for x in ready(tight).lost:
        assert (x.verdict is YES) is fits_somewhere(site, judge, x.server), x
        if x.verdict is YES:
            assert sorted(n for names in x.restarts.values() for n in names) == list(site.residents(x.server))


def test_who_has_no_place_when_a_server_dies_is_named_with_the_rule() -> None:
    lost = next(x for x in ready(stating(BASE, Policy("pin", "a1", "A"))).lost if x.server == "A")
    assert lost.verdict is NO and [(o.subject, o.rule) for o in lost.nowhere] == [("a1", "policy.pin")]
    assert [n for names in lost.restarts.values() for n in names] == ["a2"]


def test_places_count_paths_that_would_be_lost() -> None:
    """c's second VIOS does not see a1's LUN: the rule closes it; with the policy it is open, on a single path."""
    one = without(BASE, "zonings", lun="lun-a1", vios="C-v2")
    a1 = next(p for p in ready(one).lpars if p.lpar == "a1")
    assert (a1.places, a1.closed, a1.single) == (("B",), ("C",), ())
    a1 = next(p for p in ready(stating(one, Policy("redundancy", "a1", "if-possible"))).lpars if p.lpar == "a1")
    assert (a1.places, a1.closed, a1.single) == (("B", "C"), (), ("C",))


def test_one_vlan_that_would_open_evacuations_is_named_with_how_many() -> None:
    """VLAN 20 is bridged on A and B each for its own alone: two servers hang on it."""
    far = BASE.replace(networks=(*BASE.networks, Network("a1", 3, 20), Network("b1", 3, 30)),
                       bridges=(*BASE.bridges, *(Bridge(f"A-v{n}", "ent6", 20) for n in (1, 2)),
                                *(Bridge(f"B-v{n}", "ent6", 30) for n in (1, 2))))
    document = ready(far)
    assert {f.server: f.verdict for f in document.servers} == {"A": NO, "B": NO, "C": YES}
    assert [(b.kind, b.name, b.opens) for b in document.blockers if b.opens] == [("VLAN", "20", ("A",)), ("VLAN", "30", ("B",))]


def test_luns_and_a_vios_that_would_open_an_evacuation_are_named() -> None:
    hidden = BASE.replace(zonings=tuple(z for z in BASE.zonings if z.lun != "lun-a1" or z.vios.startswith("A")))
    assert [(b.kind, b.opens) for b in ready(hidden).blockers if b.opens] == [("LUN", ("A",))]
    dark = changed(BASE, "A-v1", rmc_active=False)
    assert ("VIOS", "A-v1", ("A",)) in [(b.kind, b.name, b.opens) for b in ready(dark).blockers]


def test_the_vios_of_the_only_place_closes_the_evacuation() -> None:
    two = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("b1", "B")])
    document = ready(two)
    closing = {b.name: b.closes for b in document.blockers if b.kind == "VIOS"}
    assert closing == {"A-v1": ("B",), "A-v2": ("B",), "B-v1": ("A",), "B-v2": ("A",)}
    for name, closes in closing.items():
        down = replace(next(v for v in two.vioses if v.name == name), rmc_active=False)
        after = verdicts(two.replace(vioses=tuple(down if v.name == name else v for v in two.vioses)))
        assert after[closes[0]] is NO


@pytest.mark.parametrize(("shape", "seed"), [*product((blocks, ring, open_estate), range(3))])
def test_a_vios_that_is_asked_about_where_it_is_opens_what_the_whole_site_says(
        shape: Callable[[int, int, int], Estate], seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random, of = Random(seed), shape(8, 40, seed)
    dark = {v.name for v in random.sample(of.vioses, 4)}
    of = of.replace(vioses=tuple(replace(v, rmc_active=v.name not in dark) for v in of.vioses),
                    bridges=tuple(b for b in of.bridges if random.random() < 0.9))
    found, asked, real = ready(of).blockers, [], blocking._dark

    def everywhere(site: Site, closed: list[str]) -> Iterator[object]:
        for thing in real(site, closed):
            asked.append(thing)
            yield replace(thing, at="")

    monkeypatch.setattr(blocking, "_dark", everywhere)
    assert ready(of).blockers == found and asked


def test_a_vios_may_go_down_where_nobody_loses_his_only_path() -> None:
    down = {v.vios: v for v in ready(without(BASE, "disks", lpar="a1", vios="A-v2")).vioses}
    assert down["A-v1"].verdict is NO and down["A-v1"].only == ("a1",) and down["A-v2"].verdict is YES


def test_an_estate_of_one_server_has_an_answer() -> None:
    alone = ready(estate([server("A")], [lpar("a1", "A")]))
    assert alone.servers[0].verdict is NO and alone.lost[0].verdict is NO


def test_a_plan_that_does_not_hold_is_no_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeing, "replay", lambda *of: Replay((broken("plan.known", "a1", "is broken"),), (), (), ()))
    assert set(verdicts(BASE).values()) == {UNKNOWN}


def told(heading: str) -> list[list[str]]:
    """The rows of the table of docs/readiness.md whose second column has this heading."""
    lines = (DATA.parent / "docs" / "readiness.md").read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"| estate | {heading} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[at + 2:])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def named(cell: str) -> set[str]:
    return set() if cell == "–" else set(cell.split(", "))


def test_the_samples_are_as_worked_out_by_hand() -> None:
    found = {name: readiness(sample(name), Options()) for name in ("landscape", "modern")}
    free = {(n, f.server): f for n, d in found.items() for f in d.servers}
    assert {(row[0], row[1]) for row in told("server")} == set(free)
    for name, server_name, verdict, lpars, _ in told("server"):
        f = free[name, server_name]
        assert (f.verdict.value, {o.subject for o in f.obstacles}) == (verdict, named(lpars)), f
    lost = {(n, x.server): x for n, d in found.items() for x in d.lost}
    for name, server_name, verdict, lpars, _ in told("server that dies"):
        x = lost[name, server_name]
        assert (x.verdict.value, {o.subject for o in x.nowhere}) == (verdict, named(lpars)), x
    assert lost["landscape", "SN1001C70_p570-1"].lacks == "SN8379A80_p595-2 lacks 59 GiB for them together"
    down = {(n, v.vios): v for n, d in found.items() for v in d.vioses}
    for name, vios, verdict, count, _ in told("VIOS"):
        assert (down[name, vios].verdict.value, len(down[name, vios].only)) == (verdict, int(count))
