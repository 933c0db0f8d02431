"""What the replay sums of measured usage, by hand in thousandths of a core: VIOSes, LPARs, slower servers, pools, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from estates import BASE, changed, estate, lpar, policy, pool, server, stating, usage

from planner.estate.model import Estate
from planner.plan.questions import Evacuate
from planner.rules import Site
from planner.verify.base import server_states
from planner.verify.used import too_much_used, used_there, used_when_failed, with_peaks

#: rPerf of a core: 9117-MMA 8.40, 7998-61X 7.57, 9117-MMD 11.4; nobody knows that of a 9999-XXX.
SLOW, FAST, UNKNOWN = "7998-61X", " 9117-mmd ", "9999-XXX"
USED = {"a1": [1000, 3], "a2": [100, 0], "A-v1": [70, 90]}


def site_of(of: Estate, rows: Mapping[str, Sequence[int]] = USED, home: Mapping[str, str] | None = None) -> Site:
    return Site(of, home, usage(of, rows))


def used(of: Estate, where: str = "A", names: Sequence[str] = ("a1", "a2"), home: Mapping[str, str] | None = None,
         rows: Mapping[str, Sequence[int]] = USED) -> list[int]:
    site = site_of(of, rows, home)
    assert site.usage is not None
    return used_there(site, site.usage, where, [site.lpars[n] for n in names]).tolist()


def told(site: Site, where: str, *names: str, strict: bool = False, use: Mapping[str, int] | None = None) -> list[str]:
    return [f.message for f in too_much_used(site, {where: [site.lpars[n] for n in names]}, use, strict=strict)]


def test_measured_vioses_count_as_measured_and_the_others_by_entitlement() -> None:
    """A-v2 has half a core; a dedicated VIOS has its processors whatever it uses of them."""
    assert used(BASE) == [70 + 500 + 1100, 90 + 500 + 3]
    assert used(changed(BASE, "A-v1", sharing="dedicated")) == [500 + 500 + 1100, 1000 + 3]
    assert used(BASE, "B", []) == [1000, 1000]


def test_lpars_count_by_measure_entitlement_or_not_at_all() -> None:
    """b1, which nobody measured, has 2 cores; those that come after one that counts otherwise count as well."""
    assert used(BASE, names=("b1", "a1")) == [570 + 2000 + 1000, 590 + 2000 + 3]
    stopped = changed(BASE, "a1", state="not activated")
    assert used(stopped) == [570 + 100, 590]
    assert used(changed(BASE, "a1", processors="dedicated", sharing="keep_idle_procs")) == [570 + 1000 + 100, 590 + 1000]


@pytest.mark.parametrize(("there", "a1"), [(SLOW, [1110, 4]), (FAST, [1000, 3]), (UNKNOWN, [1000, 3]), ("9117-MMA", [1000, 3])])
def test_slower_cores_take_more_of_them_rounded_up_and_faster_ones_no_less(there: str, a1: list[int]) -> None:
    """1000 · 8.40 / 7.57 = 1109.6…, 3 · 8.40 / 7.57 = 3.3…"""
    assert used(changed(BASE, "B", model=there), "B", ["a1"]) == [1000 + n for n in a1]


def test_models_are_known_however_they_are_written_and_unknown_ones_change_nothing() -> None:
    fast = changed(BASE, "A", model=FAST)
    assert used(fast, "B", ["a1"]) == [1000 + 1358, 1000 + 5], "1000 · 11.4 / 8.40 = 1357.1…"
    assert used(changed(BASE, "A", model=UNKNOWN), "B", ["a1"]) == [2000, 1003]


def test_usage_was_measured_at_home_where_the_home_is_known() -> None:
    """a1 stands on A and was measured on C, a faster one; a home that the estate does not have is none."""
    of = changed(BASE, "C", model=FAST)
    assert used(of, "A", ["a1"], {"a1": "C"}) == [570 + 1358, 590 + 5]
    assert used(of, "A", ["a1"], {"a1": "Z"}) == used(of, "A", ["a1"]) == [1570, 593]


def test_a_pool_counts_its_own_lpars_and_no_vios() -> None:
    """Pool 1 may use 1.00 core, of which a1 alone uses as much; with a2 1.10, or a thousandth more than it may."""
    of = changed(BASE.replace(pools=(pool("A", 1, 1), pool("A", 2, None))), "a1", pool_id=1)
    assert told(site_of(of), "A", "a1", "a2") == []
    both = changed(of, "a2", pool_id=1)
    assert told(site_of(both, {"a1": [1000], "a2": [1]}), "A", "a1", "a2") == [], "at the start it was as much"
    assert told(site_of(both, {"a1": [1000], "a2": [1]}), "A", "a1", "a2", strict=True) == [
        "with the usage of 1970-01-01 00:00, pool 1 of A would use 1.01 cores of 1.00"]


LIMITED = estate([server("A", 4, 64), server("B", 2, 64)],
                 [lpar("a1", "A", 0.5, 4), lpar("a2", "A", 0.5, 4), lpar("b1", "B", 0.5, 4)])


@pytest.mark.parametrize(("used_by_a1", "found"), [(500, []), (501, ["2.01"])])
def test_a_server_may_use_its_limit_and_not_a_thousandth_more(used_by_a1: int, found: list[str]) -> None:
    """B has 2 cores, of which 1.00 of VIOSes and 0.50 of b1; the slot that is worst is told."""
    site = site_of(LIMITED, {"a1": [0, used_by_a1], "b1": [500, 500]})
    assert told(site, "B", "b1", "a1") == [
        f"with the usage of 1970-01-01 01:00, B would use {n} cores of 2.00" for n in found]


def test_what_was_too_much_at_the_start_may_stay_and_not_grow_unless_it_must_be_kept() -> None:
    """B used 2.20 of 2.00 in the first slot, and 1.80 in the second, in which it may use 2.00."""
    rows = {"a1": [0, 200], "a2": [1, 0], "b1": [1200, 800]}
    site = site_of(LIMITED, rows)
    assert told(site, "B", "b1") == told(site, "B", "b1", "a1") == []
    assert [*too_much_used(site, {"B": [site.lpars["b1"]]})] == []
    assert told(site, "B", "b1", "a2") == ["with the usage of 1970-01-01 00:00, B would use 2.21 cores of 2.00"]
    assert told(site, "B", "b1", strict=True) == ["with the usage of 1970-01-01 00:00, B would use 2.20 cores of 2.00"]


def test_strict_is_what_policies_allow_and_not_what_a_question_keeps_spare() -> None:
    """Under a ceiling of 75 % B may use 1.50: what was used at the start does not excuse more."""
    site = site_of(stating(LIMITED, policy("cpu-ceiling", "B", "75")), {"b1": [600]})
    assert told(site, "B", "b1") == []
    assert told(site, "B", "b1", strict=True) == ["with the usage of 1970-01-01 00:00, B would use 1.60 cores of 1.50"]
    def spare_of(b1: int) -> Site:
        return Site(LIMITED, None, usage(LIMITED, {"b1": [b1], "a1": [1]}), Evacuate(servers=("A",), spare_percent=25))

    spare = spare_of(600)
    assert told(spare, "B", "b1", strict=True) == told(spare_of(900), "B", "b1", strict=True) == []
    assert told(spare, "B", "b1", "a1", strict=True) == ["with the usage of 1970-01-01 00:00, B would use 1.61 cores of 1.50"]


def test_growth_is_counted_in_millionths_and_takes_the_place_of_the_servers_cores() -> None:
    site = site_of(changed(LIMITED, "B", model=SLOW), {"b1": [500], "a1": [400]})
    assert told(site, "B", "b1", "a1", use={"a1": 1_250_000}) == []
    assert told(site, "B", "b1", "a1", use={"a1": 1_250_001}) == [
        "with the usage of 1970-01-01 00:00, B would use 2.01 cores of 2.00"]


def test_without_a_history_or_without_slots_nothing_is_told() -> None:
    rows = {"B": list(LIMITED.lpars)}
    assert [*too_much_used(Site(LIMITED), rows)] == [] and with_peaks(Site(LIMITED), (), {}) == ()
    none = site_of(LIMITED, {"b1": [], "a1": []})
    assert none.usage is not None and not len(none.usage.starts)
    assert [*too_much_used(none, rows)] == []


def test_the_peak_of_each_server_is_of_those_who_are_there() -> None:
    site = site_of(LIMITED, {"a1": [300, 0], "a2": [250, 0], "b1": [500, 100]})
    for where, peaks in (({"a1": "A", "a2": "A", "b1": "B"}, [1550, 1500]), ({"a1": "A", "a2": "A", "b1": "A"}, [2050, 1000])):
        states = server_states(site, {n: [s] for n, s in where.items()})
        assert [s.used for s in with_peaks(site, states, where)] == peaks


def test_what_restarts_after_a_failure_is_summed_where_it_restarts_alone() -> None:
    """When A fails, a1 and a2 restart on B: 1.00 + 0.50 + 0.30 + 0.25 = 2.05. That C uses too much is not that failure's."""
    of = estate([*LIMITED.servers, server("C", 2, 64)], [*LIMITED.lpars, lpar("b2", "A", 0.5, 4)])
    site = site_of(of, {"a1": [300, 0], "a2": [250, 0], "b1": [500, 100], "b2": [1001, 0]})
    where = {"a1": "A", "a2": "A", "b1": "B", "b2": "C"}
    assert [(f.rule, f.subject, f.message) for f in used_when_failed(
        site_of(LIMITED, {"a1": [300, 0], "a2": [250, 0], "b1": [500, 100]}), {"a1": "A", "a2": "A", "b1": "B"},
        {"A": {"a1": "B", "a2": "B"}, "B": {"b1": "A"}})] == [
            ("plan.used", "B", "when A fails: with the usage of 1970-01-01 00:00, B would use 2.05 cores of 2.00")]
    assert [f.subject for f in used_when_failed(site, where, {"A": {"a1": "C"}})] == ["C"]
    assert [*used_when_failed(site, where, {"A": {"a1": "B"}, "C": {"b1": "A", "b2": "A"}})] == []
    both = [f.message.partition("would ")[2] for f in used_when_failed(site, where, {"C": {"b1": "A", "b2": "B"}})]
    assert both == ["use 2.51 cores of 2.00"], "b1 did not run on C: it is on B still"
