"""The cost model: the talk's figures, and the properties that the scheduler relies on."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.cost import Parameters, converges, copy_at, dirty_rate, parameters_of, side_rate, state_bytes, vios_limit
from planner.estate.capacity import hash_page_table_mib
from planner.estate.model import Lpar, Parameter, Server, Vios

GBE = 0.632 * 125e6
TALK = Lpar("bxaix85", "s", 20, 2, 4096, 4096, busy_units=100)


def test_the_state_is_what_vasistat_showed():
    assert state_bytes(4096, 4096) == 4_364_697_600
    assert state_bytes(2048, 2048) == 2_183_659_520


def test_the_talks_move_takes_about_two_minutes():
    copy = copy_at(TALK, GBE, Parameters())
    assert copy.duration_ms == pytest.approx(119_000, abs=500)
    assert copy.suspend_ms == pytest.approx(1_400, abs=50)
    assert [round(r / 1e6) for r in copy.rounds] == [4365, 1105, 280]
    assert copy.bytes_sent / state_bytes(4096, 4096) == pytest.approx(1.33, abs=0.01)


@pytest.mark.parametrize(("gib", "seconds"), [(8, 193), (13, 286), (48, 15.6 * 60), (80, 25.4 * 60), (100, 31.6 * 60)])
def test_larger_lpars_as_the_calibration_predicts(gib, seconds):
    lpar = Lpar("x", "s", 100, 1, gib * 1024, gib * 1024, busy_units=100)
    assert copy_at(lpar, GBE, Parameters()).duration_ms / 1000 == pytest.approx(seconds, rel=0.015)


def test_a_vios_held_to_half_a_core_caps_the_copy():
    server = Server("s", 400, 16384, model="7998-61X")
    capped = Vios("v", "s", 50, 2048, sharing="capped", link_mbit=1000)
    assert vios_limit(capped, server, 0.130, Parameters()) / 1e6 == pytest.approx(29, abs=0.3)
    assert side_rate(capped, server, Parameters(), source=True) == vios_limit(capped, server, 0.130, Parameters())
    free = Vios("v", "s", 40, 2048, sharing="uncapped", virtual_processors=4, link_mbit=1000)
    assert side_rate(free, server, Parameters(), source=True) == pytest.approx(79e6)
    unknown = Vios("v", "s", 40, 2048)
    assert vios_limit(unknown, server, 0.130, Parameters()) == math.inf


def test_four_moves_that_share_a_gigabit_do_not_converge():
    assert converges(TALK, GBE, Parameters())
    assert not converges(TALK, GBE / 4, Parameters())
    stuck = copy_at(TALK, GBE / 4, Parameters())
    assert len(stuck.rounds) == 1
    assert stuck.suspend_ms / 1000 == pytest.approx(221, rel=0.02)


def test_ten_gigabit_and_the_limit_of_one_stream():
    lpar = Lpar("x", "s", 100, 1, 80 * 1024, 80 * 1024, busy_units=100)
    server, vios = Server("s", 1600, 1 << 20), Vios("v", "s", 100, 4096, link_mbit=10_000)
    rate = side_rate(vios, server, Parameters(), source=True)
    assert copy_at(lpar, rate, Parameters()).duration_ms / 60_000 == pytest.approx(3.1, abs=0.6)
    assert copy_at(lpar, 110e6, Parameters()).duration_ms / 60_000 == pytest.approx(16.9, abs=1.0)


def test_unknown_usage_falls_back_to_the_entitlement():
    assert dirty_rate(Lpar("x", "s", 50, 1, 1024, 1024), Parameters()) == 10e6


def test_parameters_of_an_estate():
    ours, unknown = parameters_of([Parameter("overhead_s", 120.0), Parameter("overhed_s", 1.0)])
    assert ours.overhead_s == 120 and unknown == ("overhed_s",)


@pytest.mark.parametrize(("maximum", "table"), [(10_752, 256), (4096, 64), (2048, 32), (65_536, 1024), (1, 1), (0, 0)])
def test_hash_page_table(maximum, table):
    assert hash_page_table_mib(maximum) == table


@given(memory=st.integers(256, 1 << 20), busy=st.integers(0, 3000), rate=st.floats(1e6, 5e9),
       faster=st.floats(1.0, 10.0))
def test_a_faster_link_is_never_slower(memory, busy, rate, faster):
    lpar = Lpar("x", "s", 100, 1, memory, memory, busy_units=busy)
    slow, quick = (copy_at(lpar, r, Parameters()) for r in (rate, rate * faster))
    assert quick.rounds[0] == slow.rounds[0]
    assert quick.suspend_ms > 0 and slow.duration_ms >= state_bytes(memory, memory) / rate * 1000
    assert len(slow.rounds) < 200
