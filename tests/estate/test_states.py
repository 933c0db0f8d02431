"""The state of a partition is one of the HMC's words: who holds something, who is told how to get on."""

from __future__ import annotations

from pathlib import Path

import pytest
from estates import BASE, cell_of, changed, judged, loaded, workbook_with

from planner import jobs
from planner.errors import InputError
from planner.estate.load import load
from planner.estate.model import INACTIVE, MIGRATING, STATES
from planner.formats.facts import state_of
from planner.plan.questions import Evacuate

REST = Path(__file__).parents[1] / "fixtures" / "rest"
SYS = """hscroot@hmc1:~> lssyscfg -r sys -F name,type_model,serial_num
A,9117-MMA,650001A
B,9117-MMA,650001B
"""


def site(tmp_path: Path, **states: str) -> Path:
    """An HMC's listing: LPARs ``name_system`` in these states."""
    text = SYS
    for system in "AB":
        text += f"hscroot@hmc1:~> lssyscfg -r lpar -m {system}\n" + "".join(
            f"name={key.split('_')[0]},lpar_id={n},lpar_env=aixlinux,state={state}\n"
            for n, (key, state) in enumerate(states.items(), 3) if key.endswith(f"_{system}"))
    (tmp_path / "hmc.txt").write_text(text)
    return tmp_path / "hmc.txt"


@pytest.mark.parametrize(("said", "state"), [
    ("Running", "running"), ("Not Activated", "not activated"), ("Not Available", "not available"),
    ("Open Firmware", "open firmware"), ("Shutting Down", "shutting down"), ("migrating running", MIGRATING[0]),
    ("Migrating - Running", MIGRATING[0]), ("migrating not active", MIGRATING[1]),
    ("Migrating - Not Activated", MIGRATING[1]), ("Unknown", "unknown"), ("hardware discovery", "hardware discovery")])
def test_every_word_of_console_and_rest_is_one_state(said: str, state: str) -> None:
    assert state_of(said) == state and state in STATES


@pytest.mark.parametrize("state", STATES)
def test_only_what_is_not_activated_holds_nothing(state: str, tmp_path: Path) -> None:
    estate = load([site(tmp_path, x_A=state.title(), y_B="Running")]).estate
    (x,) = [p for p in estate.lpars if p.name == "x"]
    assert x.state == state and x.active == (state not in INACTIVE)


def test_a_word_that_is_none_is_a_finding_in_an_export_and_counts_as_active(tmp_path: Path) -> None:
    found = load([site(tmp_path, x_A="Hovering", y_B="Running")])
    (x,) = [p for p in found.estate.lpars if p.name == "x"]
    assert x.state == "unknown" and x.active
    (told,) = [f for f in found.findings if f.rule == "input.unknown-state"]
    assert told.subject == "x" and "hovering" in told.message and told.source is not None


def test_a_word_that_is_none_is_an_error_in_a_cell_that_a_person_wrote(tmp_path: Path) -> None:
    file = tmp_path / "estate.xlsx"
    file.write_bytes(workbook_with(BASE, {cell_of(BASE, "LPARs", "a1", "State"): "hovering"}))
    with pytest.raises(InputError, match="hovering"):
        load([file]).usable()


def test_a_hung_migration_is_counted_on_both_servers_and_told_how_to_recover(tmp_path: Path) -> None:
    found = load([site(tmp_path, x_A="Migrating - Running", x_B="Migrating - Running", y_B="Running")])
    both = [p for p in found.estate.lpars if p.name.split("@")[0] == "x"]
    assert {p.server for p in both} == {"A", "B"} and all(p.active for p in both)
    (told,) = [f for f in found.findings if f.rule == "input.migrating"]
    assert "counted on both" in told.message and "migrlpar -o r" in told.fix


@pytest.mark.parametrize(("said", "kind", "state"), [
    ("Not Migrating", "", "running"), ("Migration In Progress", "active", MIGRATING[0]),
    ("Migration Failed", "active", MIGRATING[0]), ("Migration Starting", "inactive", MIGRATING[1])])
def test_a_migration_that_failed_is_to_be_recovered_although_its_lpar_runs(said: str, kind: str, state: str,
                                                                           tmp_path: Path) -> None:
    """``lssyscfg`` says that it is Running; ``lslparmigr -r lpar`` was read, and nothing of it taken."""
    file = site(tmp_path, x_A="Running", y_B="Running")
    file.write_text(f"{file.read_text()}hscroot@hmc1:~> lslparmigr -r lpar -m A\n"
                    f"name=x,lpar_id=3,migration_state={said}{kind and f',migration_type={kind},dest_sys_name=B'}\n")
    assert [p.state for p in load([file]).estate.lpars if p.name == "x"] == [state]


@pytest.mark.parametrize(("said", "state"), [("Not_Migrating", "running"), ("Migration_Failed", MIGRATING[0])])
def test_rest_says_so_as_well(said: str, state: str, tmp_path: Path) -> None:
    text = (REST / "lpars.xml").read_text(encoding="utf-8")
    assert "Not_Migrating" in text
    (tmp_path / "lpars.xml").write_text(text.replace("Not_Migrating", said), encoding="utf-8")
    found = load([REST / "managed_system.xml", tmp_path / "lpars.xml"])
    assert [p.state for p in found.estate.lpars if p.name == "erp01"] == [state]


@pytest.mark.parametrize(("state", "fix"), [
    (MIGRATING[0], "migrlpar -o r -m SOURCE -p a1"), ("not available", "Operating"), ("error", "lsrefcode"),
    ("unknown", "lssyscfg")])
def test_what_is_not_running_does_not_move_and_says_what_to_do(state: str, fix: str) -> None:
    estate = changed(BASE, "a1", state=state)
    (why,) = [f for f in judged(estate)[1].readiness("a1") if f.rule == "partition.running"]
    assert fix in why.fix
    plan = jobs.evacuate(loaded(estate), Evacuate(servers=("A",)), jobs.Options())
    assert plan.status == "infeasible"
