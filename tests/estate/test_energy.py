"""What a server draws, what that costs, and what of it is an assumption."""

from __future__ import annotations

from fractions import Fraction

import pytest
from estates import server

from planner.estate.catalogue import CATALOGUE, Catalogue
from planner.estate.energy import Energy, Power, Tariff, core_tenths, energy, power_of, watts


def test_what_the_estate_states_is_no_assumption() -> None:
    assert power_of(server("A", idle_watts=900, max_watts=1400)) == Power(900, 1400, False, "stated in the estate")


def test_one_figure_is_completed_and_said_so() -> None:
    only_max = power_of(server("A", max_watts=2000))
    assert (only_max.idle_w, only_max.max_w, only_max.assumed) == (1300, 2000, True)  # 0.65 × 2000
    only_idle = power_of(server("A", idle_watts=1300))
    assert (only_idle.idle_w, only_idle.max_w, only_idle.assumed) == (1300, 2000, True)
    assert "idle stated in the estate; maximum assumed" in only_idle.source


@pytest.mark.parametrize(("cores", "drawers"), [(0.1, 1), (4, 1), (4.01, 2), (12, 3), (16, 4)])
def test_a_570_draws_by_its_drawers_of_four_cores(cores: float, drawers: int) -> None:
    power = power_of(server("A", cores, model="9117-mma "))
    assert (power.idle_w, power.max_w) == (910 * drawers, 1400 * drawers) and power.assumed
    assert f"{drawers} × 1400 W" in power.source and "confidence L" in power.source


def test_without_a_model_a_default_per_core_of_the_generation() -> None:
    power = power_of(server("A", 10, model="9999-XXX", generation="POWER7"))
    assert (power.idle_w, power.max_w, power.assumed) == (650, 1000, True)
    assert power.source == "default: 100 W per core of POWER7, idle 0.65 of the maximum"
    assert power_of(server("A", 10, model="", generation="")).max_w == 3500


def test_another_catalogue_counts() -> None:
    bare = Catalogue({}, Fraction(1, 2), {"": 10})
    assert power_of(server("A", 10), bare).idle_w == 50
    assert power_of(server("A", 10), CATALOGUE).max_w == 3 * 1400


def test_watts_are_linear_and_clamped() -> None:
    power = Power(900, 1400, False, "")
    assert [watts(power, 400, cores) for cores in (-1, 0, 2, 4, 8)] == [900, 900, 1150, 1400, 1400]


@pytest.mark.parametrize(("idle", "most", "units", "tenths"), [
    (1976, 3040, 4000, 266), (1186, 1824, 2400, 266), (3162, 4864, 6400, 266),  # 26.6, 26.58 and 26.59 W
    (210, 325, 400, 288), (500, 1200, 350, 2000), (1000, 1200, 820, 244), (900, 900, 400, 0), (900, 1000, 0, 100_000)])
def test_the_watts_of_a_busy_core_are_whole_tenths(idle: int, most: int, units: int, tenths: int) -> None:
    """Idle watts in whole numbers made models of 76 W a core at most differ by 0.02 W: two LPARs more were moved for 3 mW."""
    assert core_tenths(Power(idle, most, False, ""), units) == tenths


def test_energy_of_a_weekend() -> None:
    """2 kW for 60 hours are 120 kWh: at 0.25 a kWh 30 of money, at 0.5 kg 60 kg of CO₂."""
    assert energy(2000, 60, Tariff(0.25, "EUR", 0.5)) == Energy(120, 30, 60)
    assert energy(2000, 60, Tariff()) == Energy(120, None, None)
    assert energy(2000, 60, Tariff(0.25)) + energy(1000, 60, Tariff(0.25)) == Energy(180, 45, None)
