"""Scenario files: strict, and everything that is wrong told at once with file, line, path and what to do."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from estates import BASE

from planner.errors import InputError
from planner.estate.catalogue import CATALOGUE
from planner.estate.model import Policy
from planner.scenarios.build import problems
from planner.scenarios.file import read_scenarios
from planner.scenarios.model import Growth, Scenario
from planner.toml_file import line_of

WHOLE = """\
name = "everything"
note = "uses each key"
retire = ["A"]
frontier = false

[[add]]
name = "N1"
model = "9117-mmb"
ghz = 3.50
cores = 12
memory_gib = 256.5
wired_like = "B"
console = "hmc1"
site = "north"
firmware = "AM720_101"
firmware_memory_gib = 8
lmb_mib = 256
idle_watts = 900
max_watts = 1600
max_migrations = 8
vioses = 1
vios_cores = 1.5
vios_memory_gib = 6
vios_link_mbit = 10000
vios_level = "2.2"

[[growth]]
lpars = "a*; env:non-production"
cores_percent = 12.5
memory_percent = 5

[resize]
headroom_percent = 10

[[clock]]
server = "A"
ghz = 4.7

[[ceiling]]
servers = "B"
cpu_percent = 90
memory_percent = 95

[[policy]]
kind = "pin"
subject = "b1"
value = "B"

[migration]
restart_minutes = 20
restart_cost_minutes = 60

[energy]
price_per_kwh = 0.22
currency = "AUD"
co2_kg_per_kwh = 0.9
hours = 100
"""


def read(tmp_path: Path, *texts: str) -> tuple[Scenario, ...]:
    files = [tmp_path / f"s{n}.toml" for n in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return read_scenarios(files)


def told(tmp_path: Path, *texts: str) -> list[str]:
    with pytest.raises(InputError) as raised:
        read(tmp_path, *texts)
    return [f"{f.source}: {f.message}" for f in raised.value.findings]


def test_every_key_is_read(tmp_path: Path) -> None:
    (s,) = read(tmp_path, WHOLE)
    (new,) = s.add
    assert (new.model, new.ghz, new.cores, new.memory_mib) == ("9117-MMB", "3.5", 12, 256 * 1024 + 512)
    assert (new.firmware_memory_mib, new.vios_units, new.vios_memory_mib, new.vioses) == (8192, 150, 6144, 1)
    assert s.growth == (Growth("a*; env:non-production", Fraction(1, 8), Fraction(1, 20)),)
    assert s.policies == (Policy("pin", "b1", "B"),
                          Policy("cpu-ceiling", "B", "90", note="ceiling of the scenario"),
                          Policy("memory-ceiling", "B", "95", note="ceiling of the scenario"))
    assert (s.headroom, s.restart_minutes, s.restart_cost_s, s.hours) == (Fraction(1, 10), 20, 3600, 100)
    assert (s.tariff.price_per_kwh, s.tariff.currency, s.tariff.co2_kg_per_kwh) == (0.22, "AUD", 0.9)
    assert s.retire == ("A",) and not s.frontier and s.resize
    assert s.lines["add[0].cores"] == 10 and s.lines["growth[0].lpars"] == 28
    assert list(problems(BASE, s, CATALOGUE)) == []


def test_the_least_that_a_scenario_needs_is_a_name(tmp_path: Path) -> None:
    (s,) = read(tmp_path, 'name = "nothing changes"')
    assert s.resize and s.frontier and s.headroom == 0 and s.hours == 8760


def test_all_that_is_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    found = told(tmp_path, 'name = "x"\nretires = ["A"]\n\n[[add]]\nname = "N"\nmodel = "9117-MMB"\ncores = 0\n'
                           'memory_gib = "many"\n\n[[add]]\nname = "a/b"\nmodel = 7\ncores = 4\nmemory_gib = 8\n',
                 'note = "no name"\n[energy]\nprice_per_kwh = -1\n', "not = = toml\n")
    expected = ("s0.toml:2: retires: is no key of a scenario", "s0.toml:7: add[0].cores: found 0, expected greater than",
                "s0.toml:8: add[0].memory_gib: found 'many'", "s0.toml:11: add[1].name: found 'a/b'",
                "s0.toml:12: add[1].model: found 7", "name: is missing", "s1.toml:3: energy.price_per_kwh: found -1",
                "s2.toml:1: not a TOML file")
    for text in expected:
        assert any(text in line for line in found), (text, found)
    assert len(found) == len(expected)


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    assert told(tmp_path, 'name = "x"', 'name = "x"') == ["s1.toml: name: 'x' is the name of s0.toml as well"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"name = \"\xff\"")
    with pytest.raises(InputError) as raised:
        read_scenarios([tmp_path / "absent.toml", tmp_path, tmp_path / "bytes.toml"])
    texts = [f.message for f in raised.value.findings]
    assert "cannot be read: No such file" in texts[0] and "directory" in texts[1] and "not UTF-8" in texts[2]


def test_what_estate_and_catalogue_do_not_have_is_told_at_once(tmp_path: Path) -> None:
    (s,) = read(tmp_path, """\
name = "wrong"
retire = ["Z*"]
[[add]]
name = "B"
model = "9117-MMB"
ghz = 9.9
cores = 100
memory_gib = 99999
lmb_mib = 77
wired_like = "nowhere"
idle_watts = 2000
max_watts = 1000
[[add]]
name = "N"
model = "1234-567"
cores = 1
memory_gib = 8
[[growth]]
lpars = "a*; nobody*"
[[clock]]
server = "A"
ghz = 4.8
[[clock]]
server = "Y"
ghz = 4.7
""")
    found = [f"{f.source}: {f.message} ({f.fix})" for f in problems(BASE, s, CATALOGUE)]
    expected = (
        "s0.toml:2: retire[0]: 'Z*' matches no server (one of: A, B, C)", "s0.toml:4: add[0].name: 'B' is taken",
        "add[0].wired_like: no server 'nowhere'", "add[0].idle_watts: 2000 W idle, 1000 W at most",
        "s0.toml:6: add[0].ghz: 9117-MMB has no 9.9 GHz (one of: 3.1, 3.5)",
        "add[0].cores: 100 cores; 9117-MMB has at most 64", "add[0].memory_gib: 99,999 GiB; 9117-MMB has at most 2,048",
        "add[0].lmb_mib: 77 MiB; 9117-MMB offers 16, 32, 64, 128, 256",
        "s0.toml:15: add[1].model: '1234-567' is not in the catalogue (one of: 7778-23X, 7891-73X",
        "growth[0].lpars: 'nobody*' selects no LPAR", "clock[0].ghz: A is a 9117-MMA, of which the catalogue has no 4.8",
        "clock[1].server: 'Y' matches no server")
    for text in expected:
        assert any(text in line for line in found), (text, found)
    assert len(found) == len(expected)


def test_retiring_everything_leaves_nowhere_to_go(tmp_path: Path) -> None:
    (s,) = read(tmp_path, 'name = "x"\nretire = ["*"]')
    assert [f.message for f in problems(BASE, s, CATALOGUE)] == ["retire: no server is left"]


def test_lines_of_keys() -> None:
    text = 'name = "x"\n[[add]]\ncores = 1\n[[add]]\n  cores = 2\n[resize]\nheadroom_percent = 3\n'
    assert [line_of(text, p) for p in (("name",), ("add", 0, "cores"), ("add", 1, "cores"), ("add", 1),
                                       ("resize", "headroom_percent"), ("absent",))] == [1, 3, 5, 4, 7, None]
