"""A rule that is added as CONTRIBUTING says is kept by the plans and seen by the replay, with no line elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from estates import BASE, estate, lpar, server

from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.jobs.common import Options
from planner.jobs.consolidation import consolidate
from planner.jobs.evacuation import evacuate
from planner.optimise import consolidation
from planner.plan.choices import Status
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Evacuate
from planner.rules import Breach, Hold, Judge, Scope, Site, ledger
from planner.rules.asking import refused
from planner.rules.base import ASKED, REGISTRY, Rule, Use, rule
from planner.verify import replay

LANDSCAPE = Path(__file__).parents[2] / "data" / "landscape"
FREED = "SN8379A80_p595-2"


@pytest.fixture(autouse=True)
def _strangers() -> Iterator[None]:
    """Rules named ``test.…`` are taken out again."""
    yield
    for name in [n for n in REGISTRY if n.startswith("test.")]:
        del REGISTRY[name]


@pytest.fixture(scope="module")
def landscape() -> Loaded:
    return load([LANDSCAPE])


def most_lpars(limits: Mapping[str, int]) -> Rule:
    """As CONTRIBUTING shows it, with a limit for each server."""
    use = Use("LPARs", by=lambda site, lpar, server: 1, most=lambda site, server: limits.get(server))

    @rule("test.max-lpars", "A server carries at most so many LPARs; one that is over at the start does not rise.",
          Scope.SERVER, use=use, source="test")
    def max_lpars(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
        if over := use.over(site, server, holders):
            yield Breach(f"{server} would carry {over[0]} LPARs of {over[1]}", "place fewer there")

    return max_lpars


def no_two(word: str) -> Rule:
    """Two LPARs of this software never share a server: a rule that nothing counts."""

    @rule("test.no-two", "No two of one kind share a server.", Scope.SERVER, encoding=ASKED, source="test")
    def check(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
        same = [n for n in sorted(holders) if word in site.lpars[n].software]
        if len(same) > 1:
            yield Breach(f"{server} would carry {', '.join(same)}", "place one elsewhere")

    return check


def freed(loaded: Loaded, *servers: str, come_back: bool = False) -> Plan:
    return evacuate(loaded, Evacuate(servers=servers, come_back=come_back), Options(time_limit=30.0))


def counts(plan: Plan, site: Site) -> dict[str, int]:
    where = dict(site.start) | {m.lpar: m.target for m in plan.moves if m.leg == "out"}
    return {s: sum(t == s for t in where.values()) for s in site.servers}


@pytest.mark.parametrize("come_back", [False, True])
def test_a_count_of_a_server_is_kept_by_an_evacuation(landscape: Loaded, monkeypatch: pytest.MonkeyPatch,
                                                      come_back: bool) -> None:
    """It binds: the free plan puts more onto one server than the limit that is set then."""
    site = Site(landscape.estate)
    free = counts(freed(landscape, FREED), site)
    fullest, most = max(((s, n) for s, n in free.items() if n > len(site.residents(s))), key=lambda x: x[1])
    most_lpars({fullest: most - 1})
    monkeypatch.setattr(ledger, "RESOURCES", ledger.resources())
    plan = freed(landscape, FREED, come_back=come_back)
    assert plan.status is Status.OPTIMAL and plan.verified
    assert counts(plan, site)[fullest] <= most - 1


def test_a_count_that_nothing_can_keep_is_named_in_the_conflict(landscape: Loaded,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(landscape.estate)
    most_lpars({s: len(site.residents(s)) for s in site.servers})
    monkeypatch.setattr(ledger, "RESOURCES", ledger.resources())
    plan = freed(landscape, FREED)
    assert plan.status is Status.INFEASIBLE and "test.max-lpars" in str(plan.conflict)


def test_the_replay_refuses_what_breaks_a_count(landscape: Loaded) -> None:
    plan, site = freed(landscape, FREED), Site(landscape.estate)
    target = next(m.target for m in plan.moves)
    most_lpars({target: len(site.residents(target))})
    played = replay(plan, site, Judge(site))
    assert not played.holds and "test.max-lpars" in {f.rule for f in played.findings}


def with_oracle(*names: str, leave: Sequence[str] = ("a1", "a2", "a3")) -> Loaded:
    """Three servers; when A is freed, a1 goes to B (to b1) and the others to C unless a rule forbids it."""
    of = estate([server("A"), server("B"), server("C")],
                [lpar(n, "A", software=("Oracle",) if n in names else ()) for n in leave]
                + [lpar("b1", "B", software=("Oracle",) if "b1" in names else ())])
    return Loaded(of)


@pytest.mark.parametrize(("names", "status"), [
    (("a2", "a3"), Status.OPTIMAL), (("a1", "b1"), Status.OPTIMAL), (("a1", "a2", "b1"), Status.INFEASIBLE)])
def test_what_a_rule_is_asked_for_is_cut_off(names: Sequence[str], status: Status) -> None:
    """The conflict was once looked for until the time was over: without the row that puts b1 somewhere it counted as where
    it stood, and the same cut was made again and again."""
    no_two("Oracle")
    loaded = with_oracle(*names, leave=("a1", "a2", "a3")[:2 if status is Status.INFEASIBLE else 3])
    plan = freed(loaded, "A")
    assert plan.status is status
    if status is Status.INFEASIBLE:
        assert plan.conflict and plan.conflict.rules == ("test.no-two",) and plan.conflict.irreducible
        return
    where = dict(Site(loaded.estate).start) | {m.lpar: m.target for m in plan.moves}
    assert plan.verified and len({where[n] for n in names}) == len(names)


def test_what_stood_together_at_the_start_may_stand_and_come_home() -> None:
    """On A two of them stand together, against the rule: they part, and may meet there again."""
    no_two("Oracle")
    plan = freed(with_oracle("a1", "a2"), "A", come_back=True)
    assert plan.verified and plan.status is Status.OPTIMAL


def test_a_rule_on_groups_is_asked_as_well() -> None:
    """b1 stays where it is; a1 may not end on the same server."""

    @rule("test.strangers", "a1 and b1 are strangers.", Scope.GROUP, encoding=ASKED, source="test")
    def strangers(site: Site, where: Mapping[str, Sequence[str]]) -> Iterator[Breach]:
        if set(where.get("a1", ())) & set(where.get("b1", ())):
            yield Breach("a1 and b1 share a server", subject="a1")

    plan = freed(with_oracle(), "A")
    assert plan.verified and next(m.target for m in plan.moves if m.lpar == "a1") == "C"


def test_the_smallest_part_that_is_refused_is_found() -> None:
    no_two("Oracle")
    site = Site(with_oracle("a1", "a2", "b1").estate)
    where = {"a1": "B", "a2": "C", "a3": "B", "b1": "B"}
    assert [(r.id, s, part) for r, s, part in refused(site, where)] == [("test.no-two", "B", {"a1": "B", "b1": "B"})]
    assert not list(refused(site, site.start))


def test_a_rule_for_the_end_alone_holds_nobody_up() -> None:
    """b1 leaves B in the same plan: at the end each has a server, between they share one."""

    @rule("test.end", "No two of one kind end on a server.", Scope.SERVER, hold=Hold.END, encoding=ASKED, source="test")
    def end(site: Site, server: str, holders: Collection[str]) -> Iterator[Breach]:
        if len([n for n in holders if site.lpars[n].software]) > 1:
            yield Breach("two of one kind")

    site = Site(BASE)
    assert ledger.Ledger(site, site.start).fits("a1", "B")


@pytest.mark.parametrize("way", ["whole", "in turn"])
def test_it_is_asked_of_what_restarts_as_well(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """N+1: where a server takes in what another one carried, it holds what the rule lets it hold."""
    no_two("Oracle")
    if way == "in turn":
        for limit in ("_EXACT_RESTARTS", "MIDDLE", "SMALL"):
            monkeypatch.setattr(consolidation, limit, 0)
    of = estate([server(s) for s in "ABCD"], [lpar(n, n[0].upper(), software=("Oracle",)) for n in ("a1", "b1", "c1")])
    plan = consolidate(Loaded(of), Consolidate(n_plus_1=True), Options(time_limit=30.0))
    assert plan.verified and plan.off == () and plan.restart
    assert all({*places.values()} == {"D"} for s, places in plan.restart.items() if s in "ABC")
