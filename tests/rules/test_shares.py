"""Who gets what when everybody pulls, and what an LPAR uses on another server."""

from __future__ import annotations

from typing import Any

from estates import changed, estate, judged, lpar, pool, server

from planner.estate.model import Estate
from planner.jobs.headroom_figures import largest_lpar_mib
from planner.rules.shares import contended_shares


def of(**more: Any) -> Estate:
    """A: 8 cores, two capped VIOSes of 0.5; LPARs of 1 core entitlement and 8 virtual processors each."""
    found = estate([server("A", 8), server("B", 8)], [lpar("a1", "A", 1, virtual_processors=8, weight=128),
                                                      lpar("a2", "A", 1, virtual_processors=8, weight=64)], **more)
    return changed(changed(found, "A-v1", sharing="capped"), "A-v2", sharing="capped")


def shares(found: Estate) -> dict[str, int]:
    site, _ = judged(found)
    return contended_shares(site, "A", [p.name for p in found.lpars if p.server == "A"])


def test_spare_cycles_go_by_weight() -> None:
    """8 - 1 - 2 = 5 cores to spare, two thirds and one third."""
    assert shares(of()) == {"a1": 433, "a2": 266}


def test_virtual_processors_and_caps_end_it_and_the_rest_goes_to_the_others() -> None:
    assert shares(changed(of(), "a1", virtual_processors=2)) == {"a1": 200, "a2": 500}
    assert shares(changed(of(), "a1", sharing="capped")) == {"a1": 100, "a2": 600}
    assert shares(changed(of(), "a1", weight=0)) == {"a1": 100, "a2": 600}


def test_a_pools_maximum_ends_it() -> None:
    """a1 alone in pool 1 of 3 cores: it stops there."""
    pooled = changed(of(pools=(pool("A", 1, 3),)), "a1", pool_id=1)
    assert shares(pooled) == {"a1": 300, "a2": 400}


def test_uncapped_vioses_pull_with_the_highest_weight() -> None:
    """Of 5 spare cores: 128 + 64 + 255; A-v1 has 2 virtual processors and stops at 2, so 3.5 are left for the two."""
    assert shares(changed(of(), "A-v1", sharing="uncapped")) == {"a1": 333, "a2": 216}


def test_who_states_no_weight_has_128_and_a_vios_255() -> None:
    """5 spare cores for 128 and 64: 333 and 166 hundredths; a VIOS of 8 virtual processors: 128, 64 and 255 of 447."""
    assert shares(changed(of(), "a1", weight=None)) == {"a1": 433, "a2": 266}
    pulling = changed(changed(of(), "A-v1", sharing="uncapped", virtual_processors=8), "a1", weight=None)
    assert shares(pulling) == {"a1": 100 + 500 * 128 // 447, "a2": 100 + 500 * 64 // 447} == {"a1": 243, "a2": 171}


def test_what_nobody_can_take_is_left_and_the_last_hundredth_is_given() -> None:
    capped = changed(changed(of(), "a1", sharing="capped"), "a2", processors="dedicated", sharing="")
    assert shares(capped) == {"a1": 100, "a2": 100}
    pooled = of(pools=(pool("A", 1, 2.5), pool("A", 2)))
    assert shares(changed(changed(pooled, "a1", pool_id=1), "a2", pool_id=1)) == {"a1": 133, "a2": 116}
    last = changed(changed(of(), "a2", sharing="capped"), "A", configurable_units=301)
    assert shares(last) == {"a1": 101, "a2": 100}


def test_an_lpar_uses_more_on_a_slower_server_and_no_less_on_a_faster_one() -> None:
    """9119-FHA: 8.64 rPerf a core; 9117-MMA: 8.40. 1000 thousandths there are ceil(1000 x 8.64 / 8.40) here."""
    found = changed(of(), "A", model="9119-FHA")
    site, _ = judged(found, {"a1": [1000]})
    assert site.used.of("a1", "A").tolist() == [1000] and site.used.of("a1", "B").tolist() == [1029]
    site, _ = judged(changed(of(), "B", model="9119-FHA"), {"a1": [1000]})
    assert site.used.of("a1", "B").tolist() == [1000]


def test_dedicated_processors_are_held_whole_and_vioses_by_their_history() -> None:
    found = changed(of(), "a1", processors="dedicated", sharing="")
    site, _ = judged(found, {"a1": [10], "a2": [10], "A-v1": [700]})
    assert site.used.of("a1", "A").tolist() == [1000]
    assert [site.used.of_vios(v).tolist() for v in site.vioses_on("A")] == [[700], [500]]
    assert site.used.on("A", ["a1", "a2"]).tolist() == [1000 + 10 + 700 + 500]


def test_the_largest_lpar_has_its_own_page_table() -> None:
    """16 GiB free: 16128 MiB and a table of 256 MiB (16128 / 64 = 252) just fit; 16384 with 256 do not."""
    assert largest_lpar_mib(16384, 256) == 16128
    assert largest_lpar_mib(16383, 256) == 15872
    assert largest_lpar_mib(-5, 256) == 0
