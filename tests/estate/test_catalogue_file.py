"""A catalogue of one's own: added to the packaged one or in its place, refused with everything that is wrong."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.estate.catalogue import CATALOGUE, FILE
from planner.estate.catalogue_file import problems, read_catalogue

OWN = """\
[[model]]
type_model = "9999-own"
generation = "POWER7"
processor = [{ ghz = 3.0, rperf = { 8 = 80.5 } }]
[[model]]
type_model = "9117-MMB"
name = "ours"
generation = "POWER7"
max_memory_gib = 4096
processor = [{ ghz = 3.3, rperf = { 16 = 170, 32 = 330.5 } }]
watts = { cores = 16, idle = 800, maximum = 1500, source = "measured", confidence = "H" }
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "own.toml"
    file.write_text(text)
    return file


def test_models_are_added_and_replaced(tmp_path: Path) -> None:
    found = read_catalogue(written(tmp_path, OWN))
    own, ours = found.find("9999-OWN"), found.find("9117-MMB")
    assert own is not None and own.rating(4).per_core == Fraction("80.5") / 8
    assert ours is not None and ours.name == "ours" and [p.ghz for p in ours.processors] == ["3.3"]
    assert ours.watts is not None and ours.watts.idle == 800
    assert found.find("9117-MMC") == CATALOGUE.find("9117-MMC") and CATALOGUE.find("9999-OWN") is None


def test_the_packaged_catalogue_is_sound_by_the_same_measure() -> None:
    assert problems(tomllib.loads(FILE.read_text(), parse_float=Decimal)) == []


def test_everything_that_is_wrong_is_told(tmp_path: Path) -> None:
    wrong = OWN.replace("POWER7", "POWER77", 1).replace("8 = 80.5", "eight = 80.5, 16 = 0").replace(
        "idle = 800", "idle = 8000")
    with pytest.raises(InputError) as raised:
        read_catalogue(written(tmp_path, wrong))
    told = [f.message for f in raised.value.findings]
    for text in ("model.0 (9999-own): unknown generation 'POWER77'", "rperf 'eight' = 80.5", "rperf '16' = 0",
                 "model.1 (9117-MMB): watts: 8000 idle, 1500 at most"):
        assert any(text in line for line in told), (text, told)


@pytest.mark.parametrize(("text", "told"), [
    ("[[model]]\nname = 'x'", "model.0.type_model"), ("model = 3", "model"), ("x = = 1", "not a TOML file"),
    ("[[model]]\nspeed = 1\ntype_model='x'\ngeneration='POWER7'\nprocessor=[]", "model.0.speed")])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        read_catalogue(written(tmp_path, text))
    assert any(told in f.message for f in raised.value.findings)
    with pytest.raises(InputError):
        read_catalogue(tmp_path / "absent.toml")
