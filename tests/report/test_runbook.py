"""What a runbook tells people to type: by console, its level, the LPAR's system and levels; said once what is alike."""

import re
import shlex
from dataclasses import replace

import pytest

from planner.api import consolidate, evacuate
from planner.estate.model import Bridge, Estate
from planner.plan.plan import Move
from planner.report import commands
from planner.report.checklists import CHECKLISTS, lists_of
from planner.report.commands import migrlpar, mkauthkeys, remark, state_query
from planner.report.runbook import runbook
from planner.report.site_checks import console_items, vios_items, vlan_table
from planner.rules import Site
from tests import papers
from tests.estates import BASE, changed, estate, lpar, policy, server, stating, vioses, without
from tests.landscape import landscape
from tests.lanes import in_lanes, in_waves

MOVE = Move("a1", "A", "B", source_msp="A-v1", target_msp="B-v1", pool_id=0, disks=((3, "B-v1"), (4, "B-v2")),
            target_id=40)


def consoles(of: Estate, **named: str) -> Estate:
    for name, console in named.items():
        of = changed(of, name, console=console)
    return of


@pytest.fixture
def level(monkeypatch):
    """Says the level of every console."""
    return lambda text: monkeypatch.setattr(commands, "console_level", lambda site, server: text)


def test_nobody_has_to_know_where_the_project_has_a_command_from():
    """A default was said to be "60 in the talk": of a talk that its reader never heard."""
    for items in (*(c.before + c.after for c in CHECKLISTS), vios_items([MOVE], Site(BASE))):
        assert not [i for i in items if re.search(r"\b(talk|seed)", i.text)]


def test_one_console_needs_neither_address_nor_key():
    site = Site(BASE)
    for operation in "vmsr":
        assert "--ip" not in migrlpar(MOVE, site, operation, 11)
    assert mkauthkeys(site, "A", "B") == ""
    assert "source_msp_name=A-v1,dest_msp_name=B-v1,shared_proc_pool_id=0,dest_lpar_id=40" in migrlpar(MOVE, site, "m", 11)


def test_the_account_that_a_line_leaves_open_is_said_where_the_keys_are():
    said = [i.text for i in console_items([MOVE], Site(consoles(BASE, B="hmc2"))) if "mkauthkeys" in i.command]
    assert len(said) == 2 and "USER after --ip hmc2 is an account there" in said[0]


def test_two_consoles_name_the_other_in_all_but_the_stop():
    site = Site(consoles(BASE, B="hmc2"))
    for operation in "vmr":
        words = shlex.split(migrlpar(MOVE, site, operation, 11))
        assert words[words.index("--ip"):][:4] == ["--ip", "hmc2", "-u", "USER"]
    assert "--ip" not in migrlpar(MOVE, site, "s", 11)
    assert mkauthkeys(site, "A", "B") == "mkauthkeys --ip hmc2 -u USER --test"


@pytest.mark.parametrize(("here", "there"), [("A-v1", "B-v1"), ("A-v1", "hmc1"), ("hmc1", "B-v1"), ("IVM a", "IVM b")])
def test_an_ivm_is_told_no_movers_and_no_pool(here, there):
    """On either end: IVM's page of migrlpar has none of them, nor the overrides."""
    of = stating(consoles(BASE, A=here, B=there), policy("ignorable-vlan", "10"))
    site = Site(without(of, "bridges", vios="B-v1").replace(bridges=tuple(
        b for b in of.bridges if not b.vios.startswith("B"))))
    line = migrlpar(MOVE, site, "m", 11)
    assert "msp" not in line and "pool" not in line and f"--ip {shlex.quote(there)} -u " in line
    assert "virtual_scsi_mappings=3/B-v1/1,4/B-v2/2" in line and "dest_lpar_id=40" in line
    assert ("--vlanbridge 2" in line) is (here == "hmc1")
    assert ("padmin" in line) is (there != "hmc1")
    assert "--ip" in migrlpar(MOVE, site, "r", 11)


def blind() -> Estate:
    """VLAN 10 is not bridged on B, and may be ignored; of a1's disk one VIOS of B sees nothing, which is waived."""
    of = stating(BASE, policy("ignorable-vlan", "10"), policy("redundancy", "a1", "if-possible"))
    of = of.replace(bridges=tuple(b for b in of.bridges if not b.vios.startswith("B")))
    return without(of, "zonings", lun="lun-a1", vios="B-v2")


OVERRIDES = "--vlanbridge 2 --redundantvios 2 --mpio 2"


def test_overrides_by_the_level_of_the_console(level):
    site = Site(blind())
    level("")  # nobody knows the level
    assert OVERRIDES in migrlpar(MOVE, site, "v") and "from HMC V7R7 on" in remark(MOVE, site)
    level("V7R3.5.0")
    assert "--vlanbridge" not in migrlpar(MOVE, site, "m") and "VLAN 10" in remark(MOVE, site)
    for text in ("V7R7.9.0", "V8R8.6.0", "V10R3 M1060"):
        level(text)
        assert OVERRIDES in migrlpar(MOVE, site, "m") and not remark(MOVE, site)
    for operation in "sr":
        assert "--vlanbridge" not in migrlpar(MOVE, site, operation)


def test_remote_restart_is_waived_where_the_target_has_none(level):
    """The rule said 'migrlpar --requirerr 2 moves it', and the runbook's line lacked it: refused at night."""
    of = changed(changed(BASE, "a1", simplified_remote_restart=True), "B", generation="POWER8", remote_restart_capable=False)
    level("")
    assert "--requirerr 2" in migrlpar(MOVE, Site(of), "m") and "from HMC V8 on" in remark(MOVE, Site(of))
    for text, known in (("V7R7.9.0", False), ("V8R8.6.0", True)):
        level(text)
        assert ("--requirerr 2" in migrlpar(MOVE, Site(of), "m")) is known is not bool(remark(MOVE, Site(of)))
    able = changed(of, "B", remote_restart_capable=True)
    assert "--requirerr" not in migrlpar(MOVE, Site(able), "m") and "--requirerr" not in migrlpar(MOVE, Site(of), "r")


def test_migratable_ports_are_asked_for(level):
    """The rule said 'migrlpar --migsriov', and the runbook's line lacked it."""
    of = changed(BASE, "a1", sriov_ports=1, migratable_sriov_ports=1)
    for text, known in (("V9R1M940", False), ("V9R2M950", True), ("V10R3M1060", True)):
        level(text)
        assert [("--migsriov 1" in migrlpar(MOVE, Site(of), o)) for o in "vmsr"] == [known, known, False, False]
        assert known is not bool(remark(MOVE, Site(of)))
    level("")
    assert "--migsriov 1" in migrlpar(MOVE, Site(of), "m") and "from HMC V9R2M950 on" in remark(MOVE, Site(of))
    assert "--migsriov" not in migrlpar(replace(MOVE, inactive=True), Site(of), "m")
    assert "--migsriov" not in migrlpar(MOVE, Site(BASE), "m")


def test_no_override_where_nothing_is_overridden():
    for of in (BASE, stating(BASE, policy("ignorable-vlan", "10"), policy("redundancy", "", "if-possible"))):
        assert "--" not in migrlpar(MOVE, Site(of), "m") and not remark(MOVE, Site(of))


def test_addresses_of_the_movers_and_two_pairs_of_them():
    addressed = changed(changed(BASE, "A-v1", mover_address="10.0.0.1"), "B-v1", mover_address="10.0.0.3")
    assert ("source_msp_name=A-v1,source_msp_ipaddr=10.0.0.1,dest_msp_name=B-v1,dest_msp_ipaddr=10.0.0.3"
            in migrlpar(MOVE, Site(addressed), "m"))
    for s in "AB":
        addressed = changed(addressed, s, console_level="V9R2.950", firmware="FW860.10")
    assert "redundant" not in migrlpar(MOVE, Site(addressed), "m")
    both = changed(changed(addressed, "A-v2", mover_address="10.0.0.2"), "B-v2", mover_address="10.0.0.4")
    line = migrlpar(replace(MOVE, source_msp="A-v2"), Site(both), "m")
    assert "redundant_msps=1/A-v2/2/10.0.0.2/B-v1/1/10.0.0.3,1/A-v1/1/10.0.0.1/B-v2/2/10.0.0.4" in line
    assert "--redundantmsps 2" in line and "source_msp_name" not in line
    for lacks in ({"console_level": "V8R8.4.0"}, {"console_level": ""}, {"firmware": "FW840.60"}, {"firmware": ""}):
        assert "redundant" not in migrlpar(MOVE, Site(changed(both, "A", **lacks)), "m")


def test_what_has_arrived_is_asked_by_server():
    line = state_query("B", ["a1", "a2"])
    assert shlex.split(line)[-1] == '"lpar_names=a1,a2"' and "rmc_state" in line
    assert "rmc" not in state_query("B", ["a1"], rmc=False)


@pytest.mark.parametrize(("facts", "keys"), [
    ({"os": "AIX", "os_level": "5.3 TL9 SP2"}, "ALL AIX AIX-6"), ({"os": "AIX", "os_level": "7200-05-03-2136"}, "ALL AIX AIX-7"),
    ({"os": "AIX", "os_level": ""}, "ALL AIX AIX-6 AIX-7"), ({"os": "", "os_level": ""}, "ALL AIX AIX-6 AIX-7"),
    ({"os": "Linux", "os_level": "RHEL 9.2"}, "ALL LINUX"), ({"os": "IBM i", "os_level": "7.4"}, "ALL IBMI"),
    ({"software": ("PowerHA 7.2.5",)}, "ALL AIX AIX-6 HA-7.2"), ({"software": ("HACMP 5.4.1",)}, "ALL AIX AIX-6 HA-OLD"),
    ({"software": ("PowerHA", "SAP ECC 6.0", "Oracle 11.2")}, "ALL AIX AIX-6 SAP ORACLE HA-7.2 HA-OLD")])
def test_the_lists_of_an_lpar(facts, keys):
    assert " ".join(one.key for one in lists_of(lpar("x", "A", **facts))) == keys


def test_an_lpar_with_a_migratable_port_has_a_list_for_its_bond():
    assert "HNV" in [one.key for one in lists_of(lpar("x", "A", os="Linux", migratable_sriov_ports=1))]
    assert "HNV" not in [one.key for one in lists_of(lpar("x", "A", os="Linux", sriov_ports=1))]


def text_of(key: str) -> str:
    one = next(c for c in CHECKLISTS if c.key == key)
    return "\n".join(f"{i.text} {i.command}" for i in (*one.before, *one.after))


def test_lists_say_what_their_level_can_do():
    assert "hcheck_interval=0 -P" in text_of("AIX-6") and "does nothing now" in text_of("AIX-6")
    assert "IBM.ManagementServer" in text_of("AIX-6") and "IBM.CSMAgentRM_dr.sh" in text_of("AIX-6")
    assert "hcheck_interval=0 -U" in text_of("AIX-7") and "IBM.MCP" in text_of("AIX-7")
    assert "LPM_POLICY=manage HEARTBEAT_FREQUENCY_DURING_LPM=600" in text_of("HA-7.2")
    assert "RMC" not in text_of("IBMI") and "rmcdomainstatus -s ctrmc" in text_of("AIX") + text_of("LINUX")


def test_ibm_i_moves_without_rmc():
    facts = {"os": "IBM i", "os_level": "7.4", "current_mode": "POWER8", "rmc_active": None}
    power8 = {"model": "8286-42A", "generation": "POWER8", "firmware": "FW860.10"}
    of = estate([server("A", **power8), server("B", **power8)], [lpar("i1", "A", **facts)],
                vioses=tuple(v for s in "AB" for v in vioses(s, level="2.2.6.0")))
    text = runbook(evacuate(of, "A"), of)
    assert "rmc_state" not in text and "rmcdomainstatus" not in text and "QSRLNBR" in text
    assert "lsmemopt -m B" in text and "optmem -m B -o stop" in text


@pytest.mark.parametrize(("firmware", "has"), [("AL740_121", False), ("AL770_109", True), ("", True)])
def test_the_platform_optimizer_is_of_firmware_760_and_later(firmware, has):
    power7 = {"model": "8233-E8B", "generation": "POWER7", "firmware": firmware}
    of = estate([server("A", **power7), server("B", **power7)], [lpar("a1", "A")])
    assert ("optmem" in runbook(evacuate(of, "A"), of)) is has
    assert "optmem" not in runbook(evacuate(BASE, "A"), BASE)  # POWER6 has none


def test_an_ivm_cannot_switch_its_own_server():
    of = consoles(estate([server("A"), server("B")], [lpar("a1", "A")]), A="A-v1", B="B-v1")
    plan = consolidate(of)
    assert plan.off == ("B",)
    text = runbook(plan, of)
    assert "chsysstate" not in text and text.count("management module or ASMI") == 2


def test_vlans_by_switch():
    of = BASE.replace(networks=(*BASE.networks, replace(BASE.networks[0], slot=9, vlan=10, vswitch="DMZ")),
                      bridges=(*BASE.bridges, Bridge("A-v2", "ent7", 10, "DMZ")))
    rows = list(vlan_table([replace(MOVE, lpar=BASE.networks[0].lpar)], Site(of)))
    assert "| A | 10 (DMZ) → A-v2; 10 (ETHERNET0) → A-v1 and A-v2 | B | 10 (DMZ) → not bridged; " in rows[3]


@pytest.fixture(scope="module", params=[in_lanes, in_waves])
def night(request: pytest.FixtureRequest) -> tuple[str, int]:
    of = landscape()
    plan = evacuate(of, "SN8379A80_p595-2", come_back=True)
    return runbook(request.param(plan), of), len(plan.moves)


def test_the_table_of_the_talk(night):
    text, _ = night
    row = next(r for r in papers.moves(text) if "**hxaix26** SN8379A80_p595-2 → SN1001C70_p570-1" in r["LPAR"])
    assert ("| SN8379A80_p595-2 | 10 → hvio6; 40, 41 → hvio7; 42 → hvio8 | SN1001C70_p570-1 | 10 → not bridged; "
            "40, 41 → hvio1; 42 → hvio2 |") in text
    line = row["Command"]
    assert "virtual_scsi_mappings=38/hvio1/1,48/hvio2/2" in line
    assert re.search("source_msp_name=hvio[78],dest_msp_name=hvio[12]", line) and "--vlanbridge 2" in line
    for wanted in ("pcmpath query device", "Slots of server adapters may change", "grep vasi", "vasistat", "errlog",
                   "-perm", "gratuitous ARP", "End: DR PMIG"):
        assert wanted in text, wanted


def test_what_is_alike_is_said_once(night):
    """The whole in less than 500 lines; no sentence of a list twice."""
    text, moves = night
    assert moves == 40 and len(text.splitlines()) < 500
    assert text.count("it will get another") == 1 and text.count("is listed as ignorable") == 2
    for once in ("crontab -e", "IBM.CSMAgentRM_dr.sh", "SLICENSE", "nim_cpuid_validate", "**has arrived**"):
        assert text.count(once) <= 2, once


def test_what_may_change_on_the_vioses_is_noted_where_they_serve_anything():
    served = [i.command for i in vios_items([MOVE], Site(BASE))]
    alone = [i.command for i in vios_items([MOVE], Site(BASE.replace(disks=(), zonings=())))]
    assert set(served) - set(alone) == {"lsmap -all; lsmap -all -npiv"}
