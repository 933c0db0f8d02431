"""A listing of a VIOS of which nothing tells the name: what it says is shown, and what would tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from planner.cli import app
from planner.estate.load import load
from planner.findings import gathered

FIXTURES = Path(__file__).parents[1] / "fixtures"
PORTS = """name             physloc                        fabric tports aports swwpns awwpns  label
fcs4             U78CB.001.TESTAAA-P1-C3-T1          1     64     60   2048   2000 Blue
fcs5             U78CB.001.TESTAAA-P1-C3-T2          1     64     64   2048   2048 Green
"""


@pytest.mark.parametrize(("fixture", "what"), [
    ("vios/lspv.txt", "disks 'hdisk0, hdisk1, hdisk2'"),
    ("vios/ioslevel.txt", "its level '2.2.1.4'"),
    ("vios/lsmap_all.txt", "virtual SCSI mappings 'birch_root, birch_data, vtopt0, vtopt1, elm_lu, elm_file, elm_named'"),
    ("vios/entstat_sea.txt", "SEA 'ent8 with VLAN 1, 100, 110, 120, 130, 140, 150, 160, … (10 in all)'"),
    ("vios/lsmap_npiv.txt", "Fibre Channel ports 'fcs0"),
    ("vios/vios_lpm.txt", "its max migrations '"),
])
def test_what_was_read_is_told_with_what_is_missing(fixture: str, what: str) -> None:
    (said,) = (f for f in load([FIXTURES / fixture]).findings if f.rule == "input.unknown-vios")
    assert said.message.startswith(what) and "nothing tells which VIOS this is" in said.message
    assert "lssyscfg -r lpar" in said.fix and "name the file" in said.fix


def test_a_listing_of_ports_alone_shows_them_free_ones_and_fabrics(tmp_path: Path) -> None:
    path = tmp_path / "ports.txt"
    path.write_text(PORTS)
    result = CliRunner().invoke(app, ["load", str(path), "--json"])
    assert result.exit_code == 2
    assert "Fibre Channel ports 'fcs4 with 60 free on Blue, fcs5 with 64 free on Green'" in result.stdout


def test_a_vios_that_a_prompt_names_and_no_listing_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    path.write_text(f"padmin@vio77:~$ lsnports\n{PORTS}padmin@vio77:~$ ioslevel\n3.1.4.10\n")
    said = [f for f in load([path]).findings if f.rule == "input.unknown-vios"]
    assert {f.subject for f in said} == {"vio77"} and len(said) == 2


def test_what_many_files_lack_is_one_line(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text(PORTS.replace("fcs4", f"fcs{number + 10}"))
    said = [f for f in load([tmp_path]).findings if f.rule == "input.unknown-vios"]
    assert len(said) == 7 and len(gathered(said)) == 1
