"""The catalogue of models: rPerf at each number of active cores, and what it says when nobody states the clock."""

from __future__ import annotations

from fractions import Fraction

import pytest

from planner.estate.catalogue import CATALOGUE, GENERATIONS, MODELS, ServerModel


def model(name: str) -> ServerModel:
    found = CATALOGUE.find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "ghz", "cores", "listed", "total"), [
    ("9119-FHA", "5.0", 64, 64, "553.01"), ("9119-FHA", "5.0", 25, 32, "307.12"), ("9119-FHA", "5.0", 1, 8, "87.10"),
    ("9117-MMA", "4.7", 12, 12, "105.89"), ("9117-MMA", "4.2", 20, 32, "193.25"), ("9117-MMB", "3.5", 48, 48, "493.37"),
])
def test_rperf_per_core_is_that_of_the_next_bigger_listed_size(
        name: str, ghz: str, cores: int, listed: int, total: str) -> None:
    rating = model(name).rating(cores, ghz)
    assert (rating.listed_cores, rating.per_core, rating.assumed) == (listed, Fraction(total) / listed, "")


def test_without_a_clock_the_first_processor_with_enough_cores_is_taken_and_said_so() -> None:
    small, large = model("9117-MMA").rating(16), model("9117-MMA").rating(20)
    assert (small.ghz, small.assumed) == ("4.7", "clock not stated: 4.7 GHz taken")
    assert (large.ghz, large.listed_cores) == ("4.2", 32)
    assert model("7998-61X").rating(4).assumed == ""  # there is one clock only


def test_more_cores_than_any_listed_size_is_an_assumption() -> None:
    rating = model("8233-E8B").rating(40, "3.55")
    assert rating.per_core == Fraction("331.06") / 32 and "40 cores are more than the largest size listed (32)" in rating.assumed


def test_a_model_is_found_however_it_is_written() -> None:
    assert CATALOGUE.find(" 9117-mma ") is model("9117-MMA") and CATALOGUE.find("9999-XXX") is None


def test_the_sizing_example_of_the_sources() -> None:
    """595 5.0 GHz to 770 3.5 GHz: 8.64/10.28 = 0.84 cores per core (both machines full)."""
    ratio = model("9119-FHA").rating(64, "5.0").per_core / model("9117-MMB").rating(48, "3.5").per_core
    assert round(float(ratio), 2) == 0.84


def test_every_row_is_sane() -> None:
    for row in CATALOGUE.models.values():
        assert row.generation in GENERATIONS and row.processors and row.source and row.confidence in "HML"
        for p in row.processors:
            per_core = [total / cores for cores, total in p.rperf]
            assert per_core == sorted(per_core, reverse=True), f"{row.type_model} {p.ghz}: rPerf per core rises"
            assert 6 <= per_core[-1] <= 40
        if row.watts:
            assert 0 < row.watts.idle <= row.watts.maximum and row.watts.source
    assert MODELS["9119-FHA"] == ("POWER6", 8.64) and MODELS["9117-MMA"] == ("POWER6", 8.4)
