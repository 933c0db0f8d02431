"""Client adapters that the console lists and no VIOS shows anything of: kept, told, settled by a command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from estates import BASE, loaded
from estates_random import random_estate
from site_writer import Wiring, hmc_outputs, vios_outputs

from planner.estate.load import load
from planner.estate.model import Disk
from planner.findings import Severity, assumed
from planner.jobs import Options
from planner.jobs.evacuation import evacuate
from planner.plan.questions import Evacuate
from planner.report.missing import missing
from planner.rules import Judge, Site
from planner.verify import verify_plan

SITE = random_estate(5, 7, 2)


@pytest.mark.parametrize("left", ["none", "all", "one"])
def test_slots_of_vioses_without_a_capture_are_unknown(tmp_path: Path, left: str) -> None:
    w, gone = Wiring(SITE), SITE.disks[0].vios
    (tmp_path / "hmc.txt").write_text("".join(f"hscroot@hmc1:~> {one.command}\n{one.text}" for one in hmc_outputs(w)))
    for v in SITE.vioses:
        if left == "all" or (left == "one" and v.name != gone):
            (tmp_path / f"{v.name}.txt").write_text("".join(f"$ {x.command}\n{x.text}" for x in vios_outputs(w, v.name)))
    estate = load([tmp_path]).estate
    expected = {(d.lpar, d.slot, d.vios) for d in SITE.disks if left == "none" or (left == "one" and d.vios == gone)}
    assert {(d.lpar, d.slot, d.vios) for d in estate.disks if d.backing == "unknown"} == expected
    judge, lacks = Judge(Site(estate)), {one.fact: one.names for one in missing(estate)}
    for lpar, slot, vios in expected:
        assert any(f.rule == "storage.path-known" and f"slot {slot}, which {vios}" in f.message and "lsmap -all" in f.fix
                   for f in assumed(judge.readiness(lpar)))
        assert vios in lacks["what hangs on the slots that the VIOS serves"]


def test_a_plan_that_hides_an_unknown_slot_does_not_hold() -> None:
    dark = BASE.replace(disks=(*BASE.disks, Disk("a1", 9, "?", "A-v1", "unknown")))
    plan = evacuate(loaded(dark), Evacuate(servers=("A",)), Options())
    assert plan.moves and verify_plan(plan, dark).holds
    said = tuple(replace(f, message=f.message.replace("slot 9", "slot 8")) for f in plan.findings)
    found = verify_plan(plan.replace(findings=said), dark)
    assert any("what hangs on slot 9 (A-v1)" in f.message for f in found.findings if f.severity is Severity.ERROR)


def test_adapters_of_an_older_listing_are_not_missed(tmp_path: Path) -> None:
    vios = next(v for v in SITE.vioses if v.name == SITE.disks[0].vios)
    lpar = next(p for p in SITE.lpars if p.name == SITE.disks[0].lpar)
    listing = "".join(f"hscroot@hmc1:~> {x.command}\n{x.text}" for x in hmc_outputs(Wiring(SITE)))
    row = (f"lpar_name={lpar.name},lpar_id={lpar.lpar_id},slot_num=77,state=1,is_required=0,adapter_type=client,"
           f"remote_lpar_id={vios.lpar_id},remote_lpar_name={vios.name},remote_slot_num=777\n")
    before = listing + f"hscroot@hmc1:~> lshwres -r virtualio --rsubtype scsi -m '{vios.server}' --level lpar\n{row}"
    for date, text in (("Mon Jun  1", listing), ("Thu Jan  1", before)):
        (tmp_path / f"{date}.txt").write_text(f"hscroot@hmc1:~> date\n{date} 09:00:00 UTC 2026\n{text}")
    assert not [d for d in load([tmp_path]).estate.disks if d.slot == 77]
    (tmp_path / "Mon Jun  1.txt").unlink()
    assert [d.backing for d in load([tmp_path]).estate.disks if d.slot == 77] == ["unknown"]
