"""What carries moves: threads by the level of VIOSes, MTU, compression by the level of firmware and console."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, judged, loaded, server, vios

from planner.cost import side_rate
from planner.estate.model import Estate, Parameter
from planner.estate.parameters import Parameters
from planner.jobs import Options, evacuate
from planner.plan.questions import Evacuate
from planner.rules.links import one_stream, packs

TEN = 0.632 * 1250e6


def fast(*parameters: Parameter, generation: str = "POWER6", **changes: object) -> Estate:
    """Links of 10 Gbit/s at movers whose processors limit nothing."""
    return BASE.replace(
        servers=tuple(replace(s, model="", generation=generation) for s in BASE.servers), parameters=parameters,
        vioses=tuple(replace(v, **{"link_mbit": 10_000, "virtual_processors": None} | changes) for v in BASE.vioses))


@pytest.mark.parametrize(("level", "generation", "single"), [
    ("2.1.0.10-FP-20.1", "POWER6", True), ("2.2.3.90", "POWER8", True), ("2.2.4.0", "POWER7", False), ("3.1.4.10", "POWER9", False),
    ("", "POWER8", True), ("", "", True), ("", "POWER9", False), ("", "POWER11", False)])
def test_a_vios_sends_by_several_threads_from_2_2_4_on(level: str, generation: str, single: bool) -> None:
    """LPM-FACTS, C: about 2010 one partition's stream hardly passed 1 Gbit/s on 10 Gbit/s."""
    assert one_stream(vios("A-v1", "A", level=level), server("A", model="", generation=generation)) is single
    site, _ = judged(fast(level=level, generation=generation))
    assert site.pair_rate("A-v1", "B-v1") == pytest.approx(110e6 if single else TEN)
    assert site.pair_rate("A-v1", "B-v1", 10, 10) == pytest.approx(TEN / 10), "the link is shared as before"


def test_one_old_end_is_enough_and_what_was_measured_counts_instead() -> None:
    site, _ = judged(changed(fast(), "B-v1", level="2.2.2.0"))
    assert site.pair_rate("A-v1", "B-v1") == 110e6 and site.pair_rate("A-v1", "B-v2") == pytest.approx(TEN)
    for parameters in ((Parameter("rate_mb_s", 400.0, "", "link 10000"),), (Parameter("rate_mb_s", 400.0, "", "A-v1 > B-v1"),),
                       (Parameter("stream_mb_s", 400.0),), (Parameter("old_stream_mb_s", 400.0),)):
        measured, _ = judged(fast(*parameters, level="2.2.2.0"))
        assert measured.pair_rate("A-v1", "B-v1") == 400e6


@pytest.mark.parametrize(("mtu", "cores"), [(None, 1), (1500, 1), (9000, 0.5), (9014, 0.5)])
def test_jumbo_frames_cost_a_vios_half(mtu: int | None, cores: float) -> None:
    one = vios("JS22-v1", "JS22", virtual_processors=1, link_mbit=100_000, link_mtu=mtu)
    rate = side_rate(one, server("JS22", model="7998-61X"), Parameters(), source=True)
    assert rate == pytest.approx(7.57 / 0.130 / cores * 1e6)


@pytest.mark.parametrize(("firmware", "console", "does"), [
    ("VL920_075", "V9R1M920", True), ("NH1060_012", "V10R3M1060", True), ("VL910_100", "V9R2M950", False),
    ("VL920_075", "V9R1M910", False), ("VL920_075", "", False), ("", "V9R2M950", False), ("EM350_071", "V7R7.9.0", False)])
def test_servers_compress_from_fw920_and_hmc_v9r1_920_on(firmware: str, console: str, does: bool) -> None:
    """LPM-FACTS-2, 5: FW920 and HMC V9R1.920, both ends POWER9."""
    assert packs(server("A", firmware=firmware, console_level=console)) is does


def test_compression_counts_where_both_ends_do_it_and_a_figure_is_stated() -> None:
    packing = {"firmware": "VL950_050", "console_level": "V10R3M1060"}
    of = changed(changed(fast(Parameter("compression", 2.0), generation="POWER9"), "A", **packing), "B", **packing)
    site, _ = judged(of)
    assert site.pair_rate("A-v1", "B-v1") == pytest.approx(2 * TEN) and site.pair_rate("A-v1", "C-v1") == pytest.approx(TEN)


def test_a_plan_says_what_it_takes_of_its_links() -> None:
    def said(of: Estate) -> str:
        return " ".join(evacuate(loaded(of), Evacuate(servers=("A",)), Options()).assumptions)
    assert "by one thread, at most 110 MB/s whatever the link: A-v1, A-v2, B-v1" in said(fast(level="2.1.3.0"))
    assert "by one thread" not in said(BASE) and "compressed on the way" not in said(BASE)
    assert "by one thread" not in said(fast(Parameter("rate_mb_s", 400.0, "", "link 10000"), level="2.1.3.0"))
    new = fast(generation="POWER9", level="3.1.4.10")
    new = new.replace(servers=tuple(replace(s, firmware="VL950_050", console_level="V10R3M1060") for s in new.servers))
    assert "compressed on the way; by how much no text says" in said(new)
