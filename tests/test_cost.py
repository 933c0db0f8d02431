"""The cost model against the seed, and what it must never do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from estates import BASE, changed, judged, loaded, lpar, server, vios
from hypothesis import given
from hypothesis import strategies as st

from planner.cost import (
    Copy,
    converges,
    copy_at,
    dirty_rate,
    rperf_of_core,
    side_rate,
    state_bytes,
    stream_rate,
    vios_limit,
)
from planner.estate.model import Lpar, Parameter, Server
from planner.estate.parameters import Parameters, parameters_of
from planner.jobs import Options, evacuate
from planner.plan.questions import Evacuate

P = Parameters()
JS22 = server("JS22", 4, 16, model="7998-61X")
MOVER = vios("JS22-v1", "JS22", entitlement_units=40, virtual_processors=4)
GIGABIT = 0.632 * 125e6

#: The seed's LPAR: 4 GiB, maximum 4 GiB, one busy core.
BXAIX85 = lpar("bxaix85", "JS22", 0.4, 4, busy_units=100)


def test_the_state_is_the_seeds_vasistat_figure() -> None:
    assert repr(state_bytes(4096, 4096)) == "4364697600"


def test_hxaix26s_state_is_that_of_two_gib() -> None:
    """LPM-FACTS, C: 2,183,659,520 bytes, 27.7 s at 79 MB/s."""
    assert state_bytes(2048, 2048) == 2_183_659_520
    assert state_bytes(2048, 2048) / GIGABIT == pytest.approx(27.7, abs=0.1)


def test_the_seeds_move_takes_two_minutes_and_stands_still_for_less_than_two_seconds() -> None:
    cost = copy_at(BXAIX85, side_rate(MOVER, JS22, P, source=True), P)
    assert cost.duration_ms / 1000 == pytest.approx(119, abs=0.5)
    assert cost.suspend_ms / 1000 == pytest.approx(1.4, abs=0.05)
    assert [r / 1e6 for r in cost.rounds] == pytest.approx([4365, 1106, 280], rel=0.001)
    assert cost.bytes_sent / state_bytes(4096, 4096) == pytest.approx(1.33, abs=0.01)


def test_the_rate_is_the_seeds_topas_figure() -> None:
    """77.1K KB/s out of en6: 78.95 MB/s of 1 Gbit/s."""
    assert side_rate(MOVER, JS22, P, source=True) == pytest.approx(78.95e6, rel=0.001)


@pytest.mark.parametrize(("gib", "seconds"), [(8, 193), (13, 286), (48, 15.6 * 60), (80, 25.4 * 60), (100, 31.6 * 60)])
def test_larger_lpars_as_the_facts_predict(gib: float, seconds: float) -> None:
    """LPM-FACTS, C: model predictions with these constants, one busy core, 1 Gbit/s."""
    assert copy_at(lpar("x", "A", 1, gib), GIGABIT, P).duration_ms / 1000 == pytest.approx(seconds, rel=0.01)


def test_a_stream_that_does_not_scale_is_capped() -> None:
    """80 GB on 10 Gbit/s: under 3 minutes when the stream scales, 16.9 when it is held to 110 MB/s as before 2.2.4."""
    large, ten = lpar("x", "A", 1, 80), 10 * GIGABIT
    assert copy_at(large, stream_rate(ten, P), P).duration_ms / 60_000 == pytest.approx(2.65, abs=0.05)
    assert stream_rate(ten, replace(P, stream_mb_s=1)) == 1e6
    old = replace(P, stream_mb_s=110)
    assert copy_at(large, stream_rate(ten, old), old).duration_ms / 60_000 == pytest.approx(16.9, abs=0.2)


@pytest.mark.parametrize("sharing", ["capped", "dedicated"])
def test_a_vios_held_to_half_a_core_caps_the_copy_at_29_mb_s(sharing: str) -> None:
    held = replace(MOVER, entitlement_units=50, sharing=sharing)
    assert vios_limit(held, JS22, P.source_rperf_per_mb_s, P) / 1e6 == pytest.approx(29.1, abs=0.1)
    assert side_rate(held, JS22, P, source=True) / 1e6 == pytest.approx(29.1, abs=0.1)


def test_an_uncapped_vios_uses_its_virtual_processors_and_an_unknown_one_has_no_limit() -> None:
    """1.36 cores were busy at 78.95 MB/s while 0.4 were entitled."""
    two = replace(MOVER, virtual_processors=2)
    assert vios_limit(two, JS22, P.source_rperf_per_mb_s, P) > GIGABIT
    assert vios_limit(replace(MOVER, virtual_processors=None), JS22, P.source_rperf_per_mb_s, P) == math.inf
    one = replace(MOVER, virtual_processors=1)
    assert side_rate(one, JS22, P, source=True) == pytest.approx(7.57 / 0.130 * 1e6)
    assert side_rate(one, JS22, P, source=False) == pytest.approx(7.57 / 0.115 * 1e6)


def test_four_moves_that_share_a_gigabit_do_not_converge() -> None:
    """19.7 MB/s each against 20 MB/s dirtied; at two the share is just short of twice the dirty rate."""
    busy = lpar("x", "A", 1, 4)
    assert not converges(busy, GIGABIT / 4, P) and not converges(busy, GIGABIT / 2, P) and converges(busy, GIGABIT, P)
    cost = copy_at(busy, GIGABIT / 4, P)
    assert cost.suspend_ms / 1000 == pytest.approx(221, abs=1)
    assert len(cost.rounds) == 1


def test_an_idle_lpar_is_sent_once_and_a_small_working_set_bounds_the_rounds() -> None:
    idle = copy_at(replace(BXAIX85, busy_units=0), GIGABIT, P)
    assert idle.rounds == (4_364_697_600,) and idle.bytes_sent == 4_364_697_600
    assert idle.suspend_ms == 500
    small = copy_at(replace(BXAIX85, working_set_mib=64), GIGABIT, P)
    assert len(small.rounds) == 1 and small.suspend_ms == 1350  # 67.1 MB at 79 MB/s, and half a second
    assert small.bytes_sent == 4_364_697_600 + 64 * 2**20


def test_what_is_compressed_and_a_link_that_nobody_states() -> None:
    free = replace(MOVER, virtual_processors=None)
    plain = side_rate(free, JS22, P, source=True)
    assert side_rate(free, JS22, replace(P, compression=3.0), source=True, packed=True) == 3 * plain
    assert side_rate(replace(free, link_mbit=None), JS22, P, source=True) == plain


def test_a_copy_converges_from_twice_the_rate_on_at_which_it_is_dirtied() -> None:
    assert converges(BXAIX85, 40e6, P) and not converges(BXAIX85, 40e6 - 1, P)


def test_one_that_is_not_activated_has_nothing_to_copy() -> None:
    assert copy_at(replace(BXAIX85, state="not activated"), GIGABIT, replace(P, inactive_s=1.2345)) == Copy(1235, 0, 0, ())


def test_nobody_measured_means_as_busy_as_entitled() -> None:
    assert dirty_rate(lpar("x", "A", 0.4), P) == 8e6
    assert dirty_rate(lpar("x", "A", 0.4, busy_units=0), P) == 0


def test_parameters_of_an_estate_replace_the_defaults_and_strangers_are_named() -> None:
    given_, strange = parameters_of([Parameter("overhead_s", 120.0), Parameter("speed", 9.0)])
    assert given_ == replace(P, overhead_s=120.0, hmc_overhead_s=120.0) and strange == ("speed",)
    site, _ = judged(BASE.replace(parameters=(Parameter("overhead_s", 120.0),)))
    plain, _ = judged(BASE)
    assert site.solo("a1", "A", "B").duration_ms - plain.solo("a1", "A", "B").duration_ms == 75_000


@pytest.mark.parametrize(("console", "overhead"), [("hmc1", 200), ("", 200), ("A-v1", 50), ("ivm", 50), ("hmc1; hmc2", 200)])
def test_a_move_takes_the_overhead_of_the_console_that_orders_it(console: str, overhead: int) -> None:
    of = changed(BASE, "A", console=console).replace(parameters=(
        Parameter("overhead_s", 50.0), Parameter("hmc_overhead_s", 200.0), Parameter("validation_s", 7.0)))
    site, _ = judged(of)
    alone = copy_at(site.lpars["a1"], GIGABIT, replace(P, overhead_s=0))
    assert site.copy("a1", GIGABIT).duration_ms - alone.duration_ms == pytest.approx((overhead + 7) * 1000, abs=1)


def test_the_slower_side_and_the_number_of_moves_set_the_rate() -> None:
    of = changed(BASE, "A-v1", link_mbit=10000, virtual_processors=None)
    site, _ = judged(of)
    assert site.pair_rate("A-v1", "B-v1") == pytest.approx(GIGABIT)
    assert site.pair_rate("A-v1", "B-v1", 4, 1) == pytest.approx(GIGABIT)
    assert site.pair_rate("A-v1", "B-v1", 1, 2) == pytest.approx(GIGABIT / 2)
    assert site.pair_rate("A-v1", "B-v1", 20, 1) == pytest.approx(GIGABIT / 2)
    assert site.pairs("A", "C")[0] == ("A-v1", "C-v1")


SIZES = st.integers(256, 1 << 20)
RATES = st.floats(1e6, 1e10)


@st.composite
def lpars(draw: st.DrawFn) -> Lpar:
    mib = draw(SIZES)
    return lpar("x", "A", 1, mib / 1024, memory_mib=mib, max_memory_mib=mib * draw(st.integers(1, 4)),
                busy_units=draw(st.integers(0, 6400)),
                working_set_mib=draw(st.one_of(st.none(), st.integers(0, mib))))


@given(lpars(), RATES)
def test_every_copy_ends_and_adds_up(of: Lpar, rate: float) -> None:
    cost = copy_at(of, rate, P)
    assert cost.rounds[0] == state_bytes(of.memory_mib, of.max_memory_mib)
    assert all(b < 0.9 * a + 1 for a, b in zip(cost.rounds, cost.rounds[1:], strict=False))
    assert cost.bytes_sent >= sum(cost.rounds) and 500 <= cost.suspend_ms < cost.duration_ms
    assert cost.duration_ms / 1000 == pytest.approx(P.overhead_s + cost.bytes_sent / rate + P.resume_s, rel=1e-3)


@given(lpars(), RATES, st.floats(1, 100))
def test_a_faster_link_never_sends_more_bytes_and_never_takes_longer_when_it_converges(
        of: Lpar, rate: float, faster: float) -> None:
    slow, fast = copy_at(of, rate, P), copy_at(of, rate * faster, P)
    if converges(of, rate, P):
        assert fast.duration_ms <= slow.duration_ms + 1


@given(st.integers(1, 64), st.sampled_from(("capped", "uncapped", "dedicated")), st.sampled_from((100, 1000, 10000)))
def test_a_movers_rate_is_positive_and_never_above_its_link(cores: int, sharing: str, link: int) -> None:
    row: Server = JS22
    rate = side_rate(replace(MOVER, virtual_processors=cores, entitlement_units=100 * cores, sharing=sharing,
                             link_mbit=link), row, P, source=True)
    assert 0 < rate <= 0.632 * link * 1e6 / 8


@pytest.mark.parametrize(("generation", "rperf"), [
    ("", 7.57), ("POWER6", 7.57), ("POWER6+", 7.57), ("POWER7", 7.86), ("POWER9", 20.73), ("POWER10", 25.6), ("POWER11", 25.6)])
def test_a_model_that_the_catalogue_lacks_counts_by_its_generation(generation: str, rperf: float) -> None:
    """Movers of a Power11 counted as those of a blade of 2009: 1.5 TiB over 100 Gbit/s took the night."""
    unlisted = server("X", model="9999-XXX", generation=generation)
    assert rperf_of_core(unlisted, P) == rperf
    assert rperf_of_core(unlisted, replace(P, unknown_rperf_per_core=3)) == 3
    assert rperf_of_core(JS22, replace(P, unknown_rperf_per_core=3)) == 7.57


@pytest.mark.parametrize(("link", "stated", "said"), [
    (1000, (), False), (10_000, (), False), (25_000, (), True), (100_000, (), True), (100_000, ("link_efficiency",), False),
    (100_000, ("overhead_s",), True)])
def test_a_plan_over_links_that_nobody_has_measured_says_so(link: int, stated: tuple[str, ...], said: bool) -> None:
    of = BASE.replace(parameters=tuple(Parameter(name, 0.5) for name in stated),
                      vioses=tuple(replace(v, link_mbit=link) for v in BASE.vioses))
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options())
    assert plan.verified and bool([f for f in plan.findings if f.rule == "timing.calibration"]) is said
