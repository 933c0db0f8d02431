"""Right-sizing: golden cases by hand, and what holds whatever was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from estates import lpar, server
from hypothesis import given
from hypothesis import strategies as st

from planner.jobs.capacity.figures import Levers, Odd
from planner.jobs.capacity.sizing import Measured, proposal

A = server("A")


def sized(measured: Measured | None, levers: Levers | None = None, **changes: Any) -> tuple[int, int, int]:
    stated = {"environment": "production", "virtual_processors": 4} | changes
    of = measured and replace(measured, usual=(measured.need,) * 3)
    found = proposal(lpar("x", "A", 2, 16, **stated), A, of, levers or Levers()).right
    return found.units, found.virtual_processors, found.memory_mib


@pytest.mark.parametrize(("measured", "changes", "wanted"), [
    # 0.8 × 1.2 = 0.96 → 1.00 core; peak 1.5 × 1.2 = 1.8 → 2; 8 GiB × 1.2 = 9.6 → 9.75 GiB
    (Measured(800, 1500, 8192, True), {}, (100, 2, 9984)),
    # not production: 10 %. 0.88 → 0.90; 1.65 → 2; 8.8 → 9 GiB
    (Measured(800, 1500, 8192, True), {"environment": "test"}, (90, 2, 9216)),
    # exactly on a step: 0.75 × 1.2 = 0.90, not 0.95
    (Measured(750, 750, 5120, True), {}, (90, 1, 6144)),
    # four virtual processors need 0.40; idle memory never below 1 GiB
    (Measured(10, 3000, 10, True), {}, (40, 4, 1024)),
    # within 5 % of its virtual processors: not fewer of them than now
    (Measured(1000, 3800, 8192, True), {}, (120, 5, 9984)),
    # capped and at its entitlement: the entitlement stays at least
    (Measured(1000, 2000, 8192, True), {"sharing": "capped"}, (200, 4, 9984)),
    # dedicated: whole processors
    (Measured(1000, 2100, 8192, True), {"processors": "dedicated"}, (300, 3, 9984)),
    # nothing is proposed without a record, without enough of it, or of what is not activated
    (None, {}, (200, 4, 16384)),
    (Measured(10, 10, 10, False), {}, (200, 4, 16384)),
    (Measured(10, 10, 10, True), {"state": "not activated"}, (200, 4, 16384)),
    # memory that nobody states, or that is shared, stays
    (Measured(800, 1500, None, True), {}, (100, 2, 16384)),
    (Measured(800, 1500, 8192, True), {"memory_mode": "shared"}, (100, 2, 16384)),
])
def test_by_hand(measured: Measured | None, changes: dict[str, Any], wanted: tuple[int, int, int]) -> None:
    assert sized(measured, **changes) == wanted


def test_a_profile_that_is_too_small_is_told() -> None:
    found = proposal(lpar("x", "A", 2, 16, max_virtual_processors=2), A, Measured(1900, 2000, 16384, True), Levers())
    assert found.right.virtual_processors == 3 and found.right.memory_mib == 18176
    assert found.note == ("at its own limit: may want more; above its maximum of 2 virtual processors; above its maximum "
                          "memory")


@given(st.integers(0, 9000), st.integers(0, 9000), st.integers(0, 60000), st.integers(0, 100),
       st.sampled_from([1, 5, 10, 50]), st.sampled_from(["capped", "uncapped"]))
def test_what_holds_of_every_proposal(need: int, more: int, memory: int, margin: int, step: int, sharing: str) -> None:
    """It covers need and peak with the margin, and the hypervisor accepts it: entitlement between the minimum for its
    virtual processors and one core for each."""
    levers = Levers(margin_production=margin, step_units=step)
    units, vps, mib = sized(Measured(need, need + more, memory, True), levers, sharing=sharing)
    assert units * 1000 >= need * (100 + margin) and vps * 100_000 >= (need + more) * (100 + margin)
    assert vps * 10 <= units <= vps * 100 or (sharing == "capped" and units == 200)
    assert mib * 100 >= memory * (100 + margin) and mib % 256 == 0 and mib >= 1024


def test_a_newer_server_needs_less_for_a_virtual_processor() -> None:
    found = proposal(lpar("x", "A"), server("A", generation="POWER8"), Measured(10, 1000, 100, True), Levers())
    assert (found.right.units, found.right.virtual_processors, found.least_units_per_vp) == (10, 2, 5)


@pytest.mark.parametrize(("changes", "levers", "need"), [
    ({}, {}, 300),  # production: the 80th percentile of the month
    ({"environment": "test"}, {}, 100), ({"environment": "test"}, {"entitle_other": 95}, 700),
    ({}, {"entitle_production": 50}, 100),
    ({"sharing": "capped"}, {}, 1900), ({"processors": "dedicated"}, {}, 1900),  # these borrow nothing: month-end counts
])
def test_an_uncapped_lpar_is_entitled_to_a_percentile_and_borrows_the_rest(
        changes: dict[str, Any], levers: dict[str, Any], need: int) -> None:
    stated = {"environment": "production", "virtual_processors": 4} | changes
    found = proposal(lpar("x", "A", 2, 16, **stated), A, Measured(1900, 2500, None, True, (100, 300, 700)),
                     Levers(**levers))
    assert found.need == need and found.borrows == (need != 1900)


@pytest.mark.parametrize(("usual", "peak", "units", "odd"), [
    (400, 1900, 200, Odd.MUCH),     # 0.48 → 0.50 of 2.00 cores
    (1800, 1900, 200, ""),          # 2.16 → 2.20: not twice as much
    (1800, 1900, 100, Odd.LITTLE),  # 2.20 of 1.00
    (1800, 3850, 200, Odd.LIMIT),   # within 5 % of its four virtual processors
    (1700, 1600, 200, Odd.VPS),     # 4 virtual processors, 2 would do
    (150, 1900, 40, ""),            # 0.20 of 0.40: twice, but next to nothing
])
def test_what_is_odd(usual: int, peak: int, units: int, odd: str) -> None:
    """The default proposed other sizes for 62 of 72 LPARs, and 10 cores more than a server had."""
    stated = lpar("x", "A", 1, 16, environment="production", virtual_processors=4, entitlement_units=units)
    measured = Measured(9999, peak, 12_000, True, (0, usual, 0))
    found, every = (proposal(stated, A, measured, Levers(propose_all=every)) for every in (False, True))
    assert found.odd == every.odd == odd and not found.odd_memory
    assert found.proposed.units == (found.right.units if odd else units) and every.proposed == every.right
    assert found.proposed.virtual_processors == (found.right.virtual_processors if odd else 4)
    assert found.proposed.memory_mib == stated.memory_mib


@pytest.mark.parametrize(("most", "odd"), [(6 * 1024, True), (8 * 1024, False), (15 * 1024, True)])
def test_memory_of_which_half_is_idle_or_too_little_is_odd(most: int, odd: bool) -> None:
    found = proposal(lpar("x", "A", 2, 16, environment="production"), A, Measured(0, 0, most, True), Levers())
    assert found.odd_memory is odd and found.proposed.memory_mib == (found.right.memory_mib if odd else 16 * 1024)
