"""Sizes by rPerf, each worked out by hand in its comment; figures from the catalogue (IBM Facts & Features)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from estates import estate, lpar, server

from planner.estate.catalogue import CATALOGUE
from planner.rules.modes import native_mode
from planner.scenarios.build import build
from planner.scenarios.model import Growth, NewServer, Scenario, ServerClock
from planner.scenarios.sizing import Size, Sizer, ratings

#: A Power 770 of 16 cores at 3.1 GHz: 165.30 rPerf / 16 = 10.33125 a core.
P770 = NewServer("N", "9117-MMB", 16, 256 * 1024, ghz="3.1")
#: A Power 770 (POWER7+) of 16 cores at 3.8 GHz: 219.3 / 16 = 13.70625 a core.
PLUS = replace(P770, model="9117-MMD", ghz="3.8")


def size(new: NewServer = P770, *, model: str = "9117-MMA", cores: int = 12, ghz: str = "4.7",
         peaks: dict[str, int] | None = None, of: dict[str, Any] | None = None, **scenario: Any) -> Size:
    """The final size of LPAR x of server A on the new server N."""
    base = estate([server("A", cores, model=model)], [lpar("x", "A", **(of or {}))])
    asked = Scenario("s", add=(new,), **({"clocks": (ServerClock("A", ghz),)} | scenario))
    built = build(base, asked, CATALOGUE).estate
    return Sizer(built, asked, ratings(built, asked, CATALOGUE), peaks).final(base.lpars[0], "N")


def figures(found: Size) -> tuple[int, int]:
    return found.row.entitlement_units, found.row.virtual_processors


def test_a_570_to_a_770() -> None:
    """570, 12 cores at 4.7 GHz: 105.89 / 12 = 8.824167. Ratio 8.824167 / 10.33125 = 0.854124. 2.00 → 1.708 → 1.71;
    VP 3 × 0.854 = 2.56 → 3; minimum 3 × 0.10 is less."""
    found = size(of={"cores": 2, "virtual_processors": 3})
    assert found.ratio == Fraction("105.89") / 12 / (Fraction("165.30") / 16) and found.why == ""
    assert figures(found) == (171, 3)
    assert found.basis == "no history: the cores that its virtual processors let it use today"


def test_headroom_is_added_before_rounding_up() -> None:
    """2.00 × 0.854124 × 1.10 = 1.87907 → 1.88 (rounded before: 1.71 × 1.1 = 1.881 → 1.89)."""
    assert figures(size(of={"cores": 2, "virtual_processors": 3}, headroom=Fraction(10, 100))) == (188, 3)


def test_a_product_that_is_exact_is_not_rounded_up() -> None:
    """Equal models: ratio 1, so 0.70 × 1 × 1.10 = 0.77, which floating point makes 0.7700000000000001."""
    found = size(replace(P770, model="9117-MMA", ghz="4.7", cores=12), of={"cores": 0.7}, headroom=Fraction(10, 100))
    assert found.ratio == 1 and figures(found) == (77, 1)


def test_each_virtual_processor_keeps_its_minimum() -> None:
    """0.20 × 0.854124 = 0.171 → 0.18, but VP 2 × 0.854 = 1.7 → 2, and POWER7 wants 0.10 for each: 0.20."""
    assert figures(size(of={"cores": 0.2, "virtual_processors": 2})) == (20, 2)


def test_power7_plus_wants_half_of_that() -> None:
    """Ratio 8.824167 / 13.70625 = 0.643806. 0.20 × 0.643806 = 0.128 → 0.13; VP 1.29 → 2, 2 × 0.05 = 0.10."""
    assert figures(size(PLUS, of={"cores": 0.2, "virtual_processors": 2})) == (13, 2)


def test_rperf_counts_at_the_active_cores_of_each_server() -> None:
    """A 595 with 25 active cores at 5.0 GHz: the next listed size is 32, 307.12 / 32 = 9.5975 (with 64 it would be
    553.01 / 64 = 8.6408). 9.5975 / 10.33125 = 0.928978: 2.00 → 1.857957 → 1.86; VP 6 × 0.929 = 5.57 → 6."""
    found = size(model="9119-FHA", cores=25, ghz="5.0", of={"cores": 2, "virtual_processors": 6})
    assert found.ratio == Fraction("307.12") / 32 / (Fraction("165.30") / 16) and figures(found) == (186, 6)


def test_virtual_processors_follow_a_measured_peak() -> None:
    """Peak 1.25 cores: 1.25 × 0.854124 = 1.07 → 2, although it has 4."""
    found = size(of={"cores": 0.5, "virtual_processors": 4}, peaks={"x": 1250})
    assert figures(found) == (43, 2) and found.basis == "peak of the history"


def test_a_capped_lpar_peaks_at_its_entitlement() -> None:
    """0.50 cores, capped: 0.5 × 0.854 = 0.43 → 1 virtual processor."""
    assert figures(size(of={"cores": 0.5, "virtual_processors": 4, "sharing": "capped"})) == (43, 1)


def test_an_entitlement_never_exceeds_its_virtual_processors() -> None:
    """1.00 × 0.854124 × 2.5 (headroom 150 %) = 2.135 → 2.14 cores need 3 virtual processors."""
    assert figures(size(of={"cores": 1, "virtual_processors": 1}, headroom=Fraction(150, 100))) == (214, 3)


def test_dedicated_processors_stay_whole() -> None:
    """4 × 0.854124 = 3.417 → 4 cores; 8 × 0.854124 = 6.833 → 7."""
    whole = {"processors": "dedicated", "sharing": ""}
    assert figures(size(of={"cores": 4, "virtual_processors": 4, **whole})) == (400, 4)
    assert figures(size(of={"cores": 8, "virtual_processors": 8, **whole})) == (700, 7)


def test_growth_comes_on_top() -> None:
    """2.00 × 1.20 × 0.854124 = 2.0499 → 2.05; memory 8 GiB × 1.1 = 8.8 → 9 GiB in blocks of 256 MiB."""
    found = size(of={"cores": 2, "gib": 8, "virtual_processors": 3},
                 growth=(Growth("env:non-production", Fraction(1, 5), Fraction(1, 10)),))
    assert figures(found) == (205, 3)
    assert (found.row.memory_mib, found.row.max_memory_mib) == (9216, 9216)


def test_a_preferred_older_mode_earns_nothing() -> None:
    found = size(of={"cores": 2, "virtual_processors": 3, "preferred_mode": "POWER6"})
    assert figures(found) == (200, 3) and found.why.startswith("prefers POWER6 mode")


@pytest.mark.parametrize(("scenario", "why"), [
    ({"resize": False}, "the scenario does not resize"),
    ({"clocks": (), "add": (replace(P770, name="N"),)}, "rPerf of 9999-XXX is not in the catalogue")])
def test_what_is_not_converted_says_why(scenario: dict[str, Any], why: str) -> None:
    base = estate([server("A", 12, model="9999-XXX")], [lpar("x", "A", 2)])
    asked = Scenario("s", **({"add": (P770,)} | scenario))
    built = build(base, asked, CATALOGUE).estate
    found = Sizer(built, asked, ratings(built, asked, CATALOGUE)).final(base.lpars[0], "N")
    assert found.why == why and figures(found) == (200, 2)


def test_growth_where_it_stays() -> None:
    """0.20 × 1.15 = 0.23 on the same server; two virtual processors stay two."""
    base = estate([server("A")], [lpar("x", "A", 0.2, virtual_processors=2)])
    asked = Scenario("s", growth=(Growth("*", Fraction(15, 100)),))
    found = Sizer(base, asked, ratings(base, asked, CATALOGUE)).final(base.lpars[0], "A")
    assert figures(found) == (23, 2) and found.why == "stays on hardware of today"


def test_the_mode_of_a_fresh_activation() -> None:
    assert [native_mode(server("A", generation=g, firmware="")) for g in ("POWER6", "POWER6+", "POWER7", "POWER7+", "POWER9", "")] == [
        "POWER6", "POWER6+", "POWER7", "POWER7", "POWER9", ""]


def test_an_older_server_may_demand_more_for_each_virtual_processor() -> None:
    """POWER7+ lets 2 virtual processors have 0.10; a POWER6 server of today wants 0.20: it is restarted there with
    that, and the replay holds (it once failed there: a defect of the program's own)."""
    from estates import loaded

    from planner.jobs import Options
    from planner.jobs.whatif import whatif

    base = estate([server("A", generation="POWER7+", model="9117-MMD", firmware="AM770_010"), server("B")],
                  [lpar("x", "A", 0.1, virtual_processors=2)])
    found = whatif(loaded(base), Scenario("s", retire=("A",)), Options(time_limit=10))
    (line,) = found.lpars
    assert (line.way, line.units, line.virtual_processors) == ("restart", 20, 2)
