"""The state of a server as each console states it, and what a console says that does not reach it."""

from pathlib import Path

import pytest

from planner.estate.load import load
from planner.findings import Source
from planner.formats.base import Reading, Record
from planner.formats.facts import Intake
from planner.formats.registry import by_kind

WHERE = Source("a.txt", line=1)


@pytest.mark.parametrize(("form", "kind", "name", "field"), [
    ("hmc-cli", "hmc-lssyscfg-sys", "name", "state"), ("hmc-rest", "rest-managed-system", "system_name", "state"),
    ("hmc-scanner", "scanner-system", "managed_system_name", "status")])
@pytest.mark.parametrize(("said", "ours"), [("Operating", "operating"), ("Power Off", "power off"), ("Standby", "standby"),
                                            ("No Connection", "no connection")])
def test_every_console_states_it(form, kind, name, field, said, ours):
    intake, known = Intake(), by_kind(form)
    record = Record(kind, {name: "s", field: said}, WHERE)
    known.facts[kind](intake, record, Reading(form, (record,)))
    unreached = {name: lost[0] for name, lost in intake.unreached.items()}
    assert (intake.systems["s"].get("state") or unreached["s"])[0] == ours


def listing(host: str, state: str) -> str:
    return f"hscroot@{host}:~> lssyscfg -r sys\nname=s,type_model=9117-MMB,serial_num=06A0001,state={state}\n"


@pytest.mark.parametrize(("one", "other", "state", "console"), [
    ("No Connection", "Operating", "operating", "hmc2"), ("Incomplete", "No Connection", "incomplete", "hmc1"),
    ("Operating", "Operating", "operating", "hmc1; hmc2")])
def test_a_console_that_does_not_reach_a_server_has_no_last_word(one, other, state, console, tmp_path: Path):
    for host, said in (("hmc1", one), ("hmc2", other)):
        (tmp_path / f"{host}.txt").write_text(listing(host, said))
    found = load([tmp_path])
    assert [(s.state, s.console) for s in found.estate.servers] == [(state, console)]
    assert not [f for f in found.findings if f.rule == "input.conflict"]
