"""The local search that makes a rounded linear program whole."""

from __future__ import annotations

from collections import Counter
from random import Random

from estates import estate, judged, lpar, policy, server
from hypothesis import given, settings
from portion import portion
from test_oracle import estates
from test_search import wide_program

from planner.estate.model import Estate
from planner.optimise.heuristics.polish import polished
from planner.optimise.placement import PlacementProgram, candidates_of
from planner.optimise.solver import relaxed, solve


def likely(model: PlacementProgram) -> tuple[dict[tuple[str, str], float], float] | None:
    """What the linear program puts where, and its bound."""
    found = relaxed(model.program, range(len(model.program.upper)), 10)
    if not found.values or found.bound is None:
        return None
    return {key: found.values[i] for key, i in model.x.items()}, found.bound


def test_what_it_finds_holds_and_it_finds_nearly_all_that_there_is() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=portion(300))
    @given(estates())
    def tried(of: Estate) -> None:
        model = wide_program(of)
        linear = likely(model) if all(model.candidates.cost.values()) else None
        best = solve(model.program, 10)
        if linear is None:
            assert not best.found
            return
        values = polished(model, *linear)
        if values:
            assert model.program.holds(values) and best.objective is not None
            assert model.program.value(values) >= best.objective
            seen["found"] += 1
            seen["best"] += model.program.value(values) == best.objective
        elif best.found:
            seen["missed"] += 1

    tried()
    assert seen["found"] > portion(30) and seen["missed"] <= seen["found"] // 4 and seen["best"] > seen["found"] // 2, seen


def crowded(seed: int) -> PlacementProgram:
    """120 LPARs on 8 servers, of which two leave; the others are about nine tenths full of cores then."""
    rng = Random(seed)
    names = [f"S{k}" for k in range(8)]
    lpars = [lpar(f"p{i:03d}", names[i % 8], rng.choice((0.2, 0.5, 1, 2)), rng.choice((4, 8, 16)),
                  environment=rng.choice(("production", "non-production"))) for i in range(120)]
    cores = 1.1 * sum(p.entitlement_units for p in lpars) / 100 / 6
    of = estate([server(s, round(cores + 2), 512) for s in names], lpars, [
        policy("keep-apart", f"g{k}", f"p{k:03d}; p{k + 8:03d}; p{k + 1:03d}") for k in range(0, 40, 2)])
    site, judge = judged(of)
    on = names[:6]
    leaving = [n for n, s in site.start.items() if s not in on]
    rest = [n for n, s in site.start.items() if s in on]
    return PlacementProgram(site, candidates_of(site, judge, leaving, on, rest), on, leaving)


def test_it_comes_near_the_linear_program_and_gives_the_same_each_time() -> None:
    for seed in range(5):
        model = crowded(seed)
        linear = likely(model)
        assert linear is not None
        values = polished(model, *linear)
        assert values and model.program.holds(values)
        assert model.program.value(values) <= 1.03 * linear[1]
        assert values == polished(model, *linear)


def test_without_a_place_for_an_lpar_there_is_nothing() -> None:
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("b1", "B", physical_adapters=("U78-P1-C1",))])
    site, judge = judged(of)
    model = PlacementProgram(site, candidates_of(site, judge, ["b1"], ["A"]), ["A"], ["b1"])
    assert polished(model, {}, 0.0) == []
