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
