"""Sessions at the prompt of padmin, which names no host: location codes in one listing name the VIOS of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from estates_random import random_estate
from site_writer import Wiring, hmc_outputs, vios_outputs

from planner.estate.load import load

SITE = random_estate(5, 7, 2)


@pytest.mark.parametrize("together", [False, True])
def test_a_session_at_a_bare_prompt_belongs_to_the_vios_of_its_location_codes(tmp_path: Path, together: bool) -> None:
    w = Wiring(SITE)
    named, bare = tmp_path / "named", tmp_path / "bare"
    texts = {v.name: "".join(f"$ {x.command}\n{x.text}" for x in vios_outputs(w, v.name)) for v in SITE.vioses}
    served = {d.vios for d in SITE.disks}
    for where in (named, bare):
        where.mkdir()
        (where / "hmc.txt").write_text("".join(f"hscroot@hmc1:~> {x.command}\n{x.text}" for x in hmc_outputs(w)))
    for number, (name, text) in enumerate(texts.items()):
        (named / f"{name}.txt").write_text(text)
        file = bare / (f"{name}.txt" if name not in served else "all.log" if together else f"putty{number}.log")
        file.write_text((file.read_text() if file.exists() else "") + text)
    one, other = load([named]).estate, load([bare]).estate
    assert served and (one.zonings, one.disks, one.bridges, one.vioses) == (
        other.zonings, other.disks, other.bridges, other.vioses)


def test_what_a_loop_over_several_systems_printed_is_not_the_only_systems_beside_it(tmp_path: Path) -> None:
    """The rows of every system were given to the one that the other files of the folder name."""
    row = "lpar_name={},lpar_id={},curr_proc_units=0.5,curr_procs=1,run_proc_units=0.5,run_procs=1,curr_proc_mode=shared\n"
    for number, name in enumerate(("Tanne", "Buche"), 1):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sys.txt").write_text(
            f"hscroot@hmc1:~> lssyscfg -r sys\nname={name},type_model=9009-42A,serial_num=78AAAA{number}\n")
    loop = "hscroot@hmc1:~> for m in Tanne Buche; do lshwres -r proc --level lpar -m $m; done\n"
    (tmp_path / "Tanne" / "proc.txt").write_text(loop + row.format("a", 1) + row.format("b", 2))
    loaded = load([tmp_path])
    assert loaded.estate.lpars == ()
    said = [f.message for f in loaded.findings if f.rule == "input.missing-value"]
    assert said == ["2 records: nothing says of which managed system"]
