"""``lsdev -dev vioslpm0 -attr``: how many moves a VIOS carries at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.estate.load import load
from planner.formats import registry

ATTRIBUTES = """attribute       value description                                                 user_settable

cfg_msp_lpm_ops 6     Configured number of concurrent LPM operations for this MSP True
concurrency_lvl 4     Concurrency level                                           True
max_vasi_ops    8     Maximum number of concurrent LPM operations per VASI        False
"""
LISTED = ("hmc1:~> lssyscfg -r sys\nname=S,type_model=9117-MMA,serial_num=10AAAAA,state=Operating\n"
          "hmc1:~> lssyscfg -r lpar -m S\nname=vio1,lpar_id=1,lpar_env=vioserver,state=Running\n")


@pytest.mark.parametrize("above", ["", "$ lsdev -dev vioslpm0 -attr\n", "padmin@vio1 $ lsattr -El vioslpm0\n"])
def test_its_attributes_are_read(above: str) -> None:
    (reading,) = registry.read_document((above + ATTRIBUTES).encode(), "x.txt")
    assert [(r.kind, r.fields) for r in reading.records] == [
        ("vios-lpm", {"cfg_msp_lpm_ops": 6, "concurrency_lvl": 4, "max_vasi_ops": 8})]
    assert not reading.findings and reading.host == ("vio1" if "vio1" in above else "")


def test_a_vios_carries_so_many_moves_and_one_that_nothing_names_is_told(tmp_path: Path) -> None:
    (tmp_path / "hmc.txt").write_text(LISTED)
    (tmp_path / "vio1.lpm").write_text(ATTRIBUTES)
    (tmp_path / "other").write_text(ATTRIBUTES)
    loaded = load([tmp_path])
    assert [(v.name, v.max_migrations) for v in loaded.estate.vioses] == [("vio1", 6)]
    assert [f.message for f in loaded.findings if f.rule == "input.unknown-vios"] == [
        "its max migrations '6': nothing tells which VIOS this is"]
