"""--strict and --findings, which every command that loads has."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from estates_random import random_estate
from site_writer import write
from typer.main import get_command
from typer.testing import CliRunner

from planner import load_estate
from planner.cli import app

ROOT = Path(__file__).parents[2]
JS22 = ROOT / "data" / "js22"


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def _with_a_picture(directory: Path) -> Path:
    (directory / "site.xlsx").write_bytes((JS22 / "js22.xlsx").read_bytes())
    (directory / "=x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return directory


@pytest.mark.parametrize("command", ["load", "check"])
@pytest.mark.parametrize(("options", "refused"), [
    (["--strict"], True), (["--strict", "warning"], True), (["--strict=info"], True), (["--strict", "error"], False),
    ([], False)])
def test_strict_alone_means_warning(tmp_path: Path, command: str, options: list[str], refused: bool) -> None:
    """Before the source, after it, with a severity and without."""
    site = _with_a_picture(tmp_path)
    for line in ([command, *options, site], [command, site, *options]):
        done = run(*line)
        assert (done.exit_code == 2) == refused, done.output
        assert ("a picture (PNG)" in done.stderr) == refused


@pytest.mark.parametrize("command", ["load", "check"])
def test_strict_lets_a_clean_site_through_and_has_its_words(command: str) -> None:
    assert run(command, JS22, "--strict").exit_code == 0
    assert run(command, "--strict", "grave", JS22).exit_code == 2


def test_findings_are_all_written_over_those_of_an_earlier_run_and_over_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    site, told = _with_a_picture(tmp_path / "in"), tmp_path / "told.csv"
    for number in range(9):
        (site / f"{number}.pdf").write_bytes(b"%PDF-1.7")
    for command in ("load", "check"):
        assert run(command, site, "--findings", told).exit_code != 2
        rows = [r for r in csv.DictReader(told.read_text().splitlines()) if r["rule"] == "input.unrecognised"]
        assert len(rows) == 10 and {r["severity"] for r in rows} == {"warning"}
        assert {r["subject"] for r in rows} >= {"0.pdf", "'=x.png"}
    (site / "site.xlsx").unlink()
    assert run("load", site, "--findings", told).exit_code == 2
    assert {r["severity"] for r in csv.DictReader(told.read_text().splitlines())} == {"error"}
    told.write_text("mine")
    refused = run("load", site, "--findings", told)
    assert refused.exit_code == 2 and "exists" in refused.stderr and told.read_text() == "mine"


LPAR = "Partition Name : web1\nPartition Number : 7\nType : Shared-SMT\nMode : Uncapped\nEntitled Capacity : 0.5\n"
SERVER = ("hmc1:~> lssyscfg -r sys\nname=S,type_model=9117-MMA,serial_num=10AAAAA,state=Operating\n"
          "hmc1:~> lssyscfg -r lpar -m S\nname=web1,lpar_id=7,lpar_env=aixlinux,state=Running\n")
CAUSES: dict[str, tuple[dict[str, bytes], int]] = {
    "an LPAR of an unknown server beside a server": ({"a.txt": LPAR.encode(), "b.txt": SERVER.replace("web1", "x").encode()}, 0),
    "an LPAR without sizes": ({"b.txt": SERVER.encode()}, 0),
    "a foreign file beside a server": ({"b.txt": SERVER.encode(), "c.pdf": b"%PDF-1.7"}, 0),
    "a file cut off beside a server": ({"b.txt": SERVER.encode(), "c.xlsx": b"PK\x03\x04broken"}, 0),
    "an LPAR of an unknown server alone": ({"a.txt": LPAR.encode()}, 2),
    "a foreign file alone": ({"c.pdf": b"%PDF-1.7"}, 2),
    "an empty file alone": ({"c.txt": b""}, 2),
    "a bad cell of a person": ({"e.xlsx": b""}, 2),
    "no such path": ({}, 2),
}


@pytest.mark.parametrize(("name", "text", "told", "fix"), [
    ("a.txt", LPAR, "1 LPAR (web1): no source says on which server", "lssyscfg -r lpar"),
    ("b.txt", "hmc1:~> lssyscfg -r sys\nname=S,type_model=9117-MMA,serial_num=10AAAAA\n", "no LPAR is stated",
     "planner collect hmc"),
    ("c.txt", "System configuration: type=Shared mode=Uncapped smt=4 lcpu=8 mem=8192MB psize=16 ent=1.00\n\n"
     "%user  %sys  %wait  %idle physc %entc  lbusy  vcsw phint\n----- ----- ------ ------ ----- ----- ------ ----- -----\n"
     "  1.0   1.0    0.0   98.0  0.05   5.0    1.0   500     0\n  1.0   1.0    0.0   98.0  0.05   5.0    1.0   500     0\n",
     "only usage was read (lparstat-interval)", "planner history add")])
def test_where_there_is_no_estate_it_says_what_was_read_and_what_lacks(
        tmp_path: Path, name: str, text: str, told: str, fix: str) -> None:
    """Of 209 LPARs of unknown servers it was said that no source stated any."""
    (tmp_path / name).write_text(text)
    shown = " ".join(run("load", tmp_path).output.split())
    assert told in shown and fix in shown


@pytest.mark.parametrize("cause", CAUSES)
def test_the_exit_code_of_load_says_whether_there_is_an_estate_and_nothing_else(tmp_path: Path, cause: str) -> None:
    """A row without its server gave 1, an LPAR without memory 0, a workbook with a bad cell 2."""
    files, code = CAUSES[cause]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    if "cell" in cause:
        book = openpyxl.load_workbook(JS22 / "js22.xlsx")
        book["LPARs"]["C2"] = "eight"
        book.save(tmp_path / "e.xlsx")
    done = run("load", tmp_path if files else tmp_path / "nowhere")
    assert done.exit_code == code, done.output
    assert ("This input cannot be used" in done.output) == (code == 2)
    if not code:
        assert run("load", tmp_path, "--strict").exit_code == 2


def _commands() -> dict[str, set[str]]:
    """Command → its parameters, of all that take an estate."""
    root: Any = get_command(app)
    found: dict[str, set[str]] = {}
    for name in root.list_commands(None):
        command: Any = root.get_command(None, name)
        for one in (command, *getattr(command, "commands", {}).values()):
            found[f"{name} {one.name}"] = {p.name for p in one.params}
    return {name: has for name, has in found.items() if "estate" in has or name == "load load"}


def test_every_command_that_loads_an_estate_has_the_options_of_its_input() -> None:
    commands = _commands()
    assert len(commands) > 10 and all({"mapping", "strict", "findings"} <= has for has in commands.values())


def test_tables_of_a_person_make_an_estate_for_every_command(tmp_path: Path) -> None:
    """Only load took --mapping: a site of CSV files had to be loaded into a workbook first."""
    of = random_estate(3, 4, 2)
    write(of, "table", tmp_path)
    mapping = tmp_path / "mapping.toml"
    server = of.servers[0].name
    for line in (["check", tmp_path], ["reach", tmp_path, "--server", server],
                 ["evacuate", tmp_path, server, "--out", tmp_path / "plan"]):
        assert run(*line).exit_code == 2
        done = run(*line, "--mapping", mapping)
        assert done.exit_code in (0, 1, 3, 4), done.output
    assert {p.name for p in load_estate(tmp_path, mapping=mapping).lpars} == {p.name for p in of.lpars}
    assert run("check", tmp_path, "--mapping", tmp_path / "nowhere.toml").exit_code == 2
