"""Servers with several consoles, and names with their domain or without."""

from pathlib import Path

import pytest

from planner.estate.consoles import as_one_name, same_console
from planner.estate.load import load
from planner.plan.plan import Move
from planner.report.commands import migrlpar, mkauthkeys
from planner.report.runbook_steps import sole_console
from planner.rules import Site
from planner.rules.server import console, operating, source_operating
from planner.verify.standing import standing
from tests.estates import BASE, changed, policy, stating

MOVE = Move("a1", "A", "B")


def listing(host: str, *names: str) -> str:
    rows = "\n".join(f"name={n},type_model=9117-MMB,serial_num=06A{n.upper():0>4},state=Operating" for n in names)
    return f"hscroot@{host}:~> lssyscfg -r sys\n{rows}\n"


def managed(tmp_path: Path, *listings: str) -> dict[str, str]:
    for n, text in enumerate(listings):
        (tmp_path / f"{n}.txt").write_text(text)
    return {s.name: s.console for s in load([tmp_path]).estate.servers}


def test_every_console_that_lists_a_server_manages_it(tmp_path):
    assert managed(tmp_path, listing("hmc1", "k", "e"), listing("hmc2", "e", "b")) == {
        "k": "hmc1", "e": "hmc1; hmc2", "b": "hmc2"}


def test_a_console_with_its_domain_is_the_same(tmp_path):
    assert set(managed(tmp_path, listing("hmc1", "k"), listing("hmc1.example.com", "e"), listing("HMC1", "b")).values()
               ) == {"HMC1"}


@pytest.mark.parametrize(("one", "other", "same"), [
    ("hmc1", "HMC1.example.com", True), ("hmc1.a", "hmc1.b", False), ("hmc1", "hmc10", False),
    ("10.0.0.1", "10.0.0.2", False), ("10", "10.0.0.1", False), ("hmc1", "hmc1", True)])
def test_names_of_one_console(one, other, same):
    assert same_console(one, other) is same is same_console(other, one)


def test_a_short_name_that_two_domains_have_is_left_alone():
    names = ("hmc1", "hmc1.a", "hmc1.b")
    assert as_one_name(names) == {name: name for name in names}


@pytest.mark.parametrize(("a", "b", "link", "apart", "ip"), [
    ("hmc1; hmc2", "hmc2; hmc3", (), False, ""), ("hmc1", "hmc1.firm", (), False, ""),
    ("hmc1; hmc2", "hmc3; hmc4", ("hmc2", "hmc4"), False, "hmc4"), ("hmc1", "hmc3; hmc4", (), True, "hmc3"),
    ("hmc2.x", "hmc4", ("hmc2", "hmc4"), False, "hmc4"), ("hmc1.x", "hmc1.y", (), True, "hmc1.y"), ("", "hmc1", (), False, "")])
def test_commands_go_to_a_common_console(a, b, link, apart, ip):
    """Rule and replay agree on who works together; keys and addresses are printed for two consoles alone."""
    of = changed(changed(BASE, "A", console=a), "B", console=b)
    site = Site(stating(of, policy("console-link", *link)) if link else of)
    assert [f.rule for f in standing(site, MOVE)] == ["plan.consoles"] * apart
    assert [found.severity for found in console.check(site, "a1", "A", "B") if not found.severity] == [None] * apart
    assert ("--ip" in migrlpar(MOVE, site, "m")) is bool(ip) is bool(mkauthkeys(site, "A", "B"))
    assert not ip or f"--ip {ip} " in migrlpar(MOVE, site, "m")


def test_one_console_of_all():
    of = changed(changed(changed(BASE, "A", console="hmc1; hmc2"), "B", console="hmc2; hmc1"), "C", console="hmc2")
    assert sole_console(Site(of)) == "hmc2"


@pytest.mark.parametrize(("a", "b", "wrong"), [("", "", 0), ("Operating", "operating", 0), ("Standby", "", 1),
                                               ("error", "No Connection", 2)])
def test_the_replay_wants_both_servers_operating(a, b, wrong):
    site = Site(changed(changed(BASE, "A", state=a), "B", state=b))
    assert [f.rule for f in standing(site, MOVE)] == ["plan.operating"] * wrong
    assert sum(len(list(r.check(site, "a1", "A", "B"))) for r in (operating, source_operating)) == wrong
