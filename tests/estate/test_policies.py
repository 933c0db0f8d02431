"""Policies: what a row means, and that none is ever dropped in silence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from estates import BASE, changed, loaded, policy, stating
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError
from planner.estate.assemble import Loaded
from planner.estate.model import POLICY_KINDS, Policy
from planner.estate.policies import Group, PolicySet, blackout_from, compile_policies, owners, percent_from, words
from planner.estate.policy_file import loaded as from_sources
from planner.estate.policy_file import read_policy_file, with_policies
from planner.estate.workbook import workbook_bytes
from planner.findings import Severity

SITE = changed(changed(changed(BASE, "a1", environment="production", software=("SAP ECC 6.0", "Oracle 10.2.0.4")),
                       "B", console="hmc2"), "C", site="south")


def compiled(*rows: Policy) -> PolicySet:
    out, refused = compile_policies(stating(SITE, *rows))
    assert refused == ()
    return out


def why_not(*rows: Policy) -> str:
    _, refused = compile_policies(stating(SITE, *rows))
    return refused[0][1]


def test_every_kind_has_a_handler() -> None:
    for kind in POLICY_KINDS:
        _, refused = compile_policies(stating(SITE, policy(kind, "a1", "1")))
        assert all("unknown policy" not in reason for _, reason, _ in refused)


def test_what_each_row_means() -> None:
    out = compiled(
        policy("production-stays"), policy("pin", "b1"), policy("pin", "b2", "A; B"), policy("fence", "a*", "A; B"),
        policy("keep-apart", "ci", "a1; b1"), policy("keep-together", "app", "a1; a2"), policy("cluster", "crm", "b*"),
        policy("priority", "c1", "3"), policy("cpu-ceiling", "*", "90 %"), policy("memory-ceiling", "A", "0.8"),
        policy("reserve-cores", "A", "0,5"), policy("reserve-memory", "A; B", "2.5"), policy("concurrency", "A-v1", "2"),
        policy("console-link", "hmc1", "hmc2"), policy("site-link", "north", "south"), policy("ignorable-vlan", "10; 40"),
        policy("minimum-software", "Oracle", "10.2.0.4"), policy("refused-software", "sap*"),
        policy("redundancy", "a2", "if-possible"), policy("target-pool", "a1", "SAP"),
        policy("blackout", "a1", "daily 22:00/23:30"))
    assert list(out.production_stays) == ["a1"]
    assert out.pins == {"b1": ("B",), "b2": ("A", "B")}
    assert out.fences == {"a1": frozenset("AB"), "a2": frozenset("AB")}
    assert (out.apart, out.together, out.clusters) == (
        [Group("ci", ("a1", "b1"))], [Group("app", ("a1", "a2"))], [Group("crm", ("b1", "b2"))])
    assert out.priority == {"c1": 3} and out.cpu_ceiling == dict.fromkeys("ABC", 90) and out.memory_ceiling == {"A": 80}
    assert out.reserve_units == {"A": 50} and out.reserve_mib == {"A": 2560, "B": 2560}
    assert out.concurrency == {"A-v1": 2}
    assert out.console_links == {frozenset(("hmc1", "hmc2"))} and out.site_links == {frozenset(("north", "south"))}
    assert out.ignorable_vlans == {10, 40} and out.minimum_software == {"Oracle": "10.2.0.4"}
    assert out.refused_software == {"SAP ECC", "SAP ECC 6.0"}
    assert out.redundancy_optional == {"a2"} and out.target_pool == {"a1": "SAP"}
    assert [b.text for b in out.blackouts["a1"]] == ["daily 22:00/23:30"]


def test_subjects_select_by_name_pattern_software_and_environment() -> None:
    assert set(compiled(policy("priority", "a?; c1", "1")).priority) == {"a1", "a2", "c1"}
    assert set(compiled(policy("priority", "software:sap", "1")).priority) == {"a1"}
    assert set(compiled(policy("priority", "env:non-production", "1")).priority) == {"a2", "b1", "b2", "c1"}


def test_two_fences_leave_what_both_allow() -> None:
    assert compiled(policy("fence", "a1", "A; B"), policy("fence", "a1", "B; C")).fences["a1"] == frozenset("B")


def test_a_row_for_one_server_goes_before_the_row_for_all() -> None:
    rows = (policy("cpu-ceiling", "A", "50"), policy("cpu-ceiling", "*", "90"))
    assert compiled(*rows).cpu_ceiling == compiled(*rows[::-1]).cpu_ceiling == {"A": 50, "B": 90, "C": 90}


def test_an_inactive_row_means_nothing_even_when_it_is_wrong() -> None:
    assert compiled(policy("pin", "a1", active=False), policy("wish", active=False)).pins == {}


@pytest.mark.parametrize(("row", "reason"), [
    (policy("pin", "nobody"), "'nobody' matches no LPAR"), (policy("pin"), "names no LPAR"),
    (policy("pin", "a1", "Z"), "'Z' matches no server"), (policy("fence", "a1"), "names no server"),
    (policy("keep-apart", "x", "a1"), "at least two LPARs"), (policy("keep-apart", "x"), "names no LPAR"),
    (policy("cluster", "x", "a1; a1"), "at least two LPARs"), (policy("cpu-ceiling", "A", "0"), "from 1 to 100"),
    (policy("cpu-ceiling", "A", "101"), "from 1 to 100"), (policy("cpu-ceiling", "A", "89.5"), "whole percentage"),
    (policy("memory-ceiling", "A"), "is not a number"), (policy("reserve-cores", "A", "-1"), "below 0"),
    (policy("reserve-cores", "A", "0.005"), "finer than a hundredth"), (policy("reserve-memory", "A", "much"), "not a number"),
    (policy("concurrency", "A", "0"), "below 1"), (policy("concurrency", "zz", "2"), "matches no server or VIOS"),
    (policy("blackout", "a1", "tonight"), "is not like"), (policy("blackout", "a1", "daily 25:00/26:00"), "25:00"),
    (policy("blackout", "a1", "2026-13-01 10:00/11:00"), "month"), (policy("priority", "a1", "first"), "not a number"),
    (policy("console-link", "hmc1"), "needs a console"), (policy("console-link", "hmc1", "hmc9"), "'hmc9' is no console"),
    (policy("site-link", "north", "moon"), "'moon' is no site"), (policy("ignorable-vlan"), "names no VLAN"),
    (policy("ignorable-vlan", "ten"), "not a number"), (policy("minimum-software", "Oracle"), "needs a product"),
    (policy("minimum-software", "AIX", "POWER8: 7.1 TL4"), "7.1 TL4 on POWER8"),
    (policy("redundancy", "a1", "perhaps"), "neither 'must' nor 'if-possible'"), (policy("target-pool", "a1"), "names no pool"),
    (policy("wish", "a1"), "unknown policy 'wish'")])
def test_a_row_that_cannot_be_applied_is_refused_with_its_reason(row: Policy, reason: str) -> None:
    assert reason in why_not(row)
    (told,) = [f for f in loaded(stating(SITE, row)).findings if f.rule == "input.bad-policy"]
    assert told.severity is Severity.ERROR and row.kind in told.message and "Active" in told.fix


@given(st.sampled_from((*POLICY_KINDS, "?")), st.text(max_size=12), st.text(max_size=20))
def test_no_row_whatever_raises_anything_else(kind: str, subject: str, value: str) -> None:
    compile_policies(stating(SITE, policy(kind, subject, value)))


@pytest.mark.parametrize(("text", "percent"), [("90", 90), ("90 %", 90), ("0.9", 90), ("1", 100), ("100%", 100), ("1 %", 1)])
def test_percentages(text: str, percent: int) -> None:
    assert percent_from(text) == percent


def at(clock: str, day: int = 5) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-12-{day:02} {clock}")


@pytest.mark.parametrize(("text", "start", "end", "hit"), [
    ("2026-12-05 22:00/23:30", at("21:00"), at("22:00"), False), ("2026-12-05 22:00/23:30", at("21:00"), at("22:01"), True),
    ("2026-12-05 22:00/23:30", at("23:30"), at("23:40"), False), ("2026-12-05 22:00/23:30", at("22:10", 6), at("22:20", 6), False),
    ("daily 22:00/23:30", at("22:10", 9), at("22:20", 9), True), ("daily 23:00/01:00", at("00:30"), at("00:40"), True),
    ("daily 23:00/01:00", at("01:00"), at("22:59"), False), ("2026-12-05 22:00/2026-12-07 01:00", at("12:00", 6), at("12:01", 6), True),
    ("2026-12-05 22:00/01:00", at("00:30", 6), at("00:40", 6), True), ("daily 00:00/00:00", at("05:00"), at("05:01"), True)])
def test_blackouts(text: str, start: dt.datetime, end: dt.datetime, hit: bool) -> None:
    assert bool(blackout_from(text).spans(start, end)) is hit


def test_words() -> None:
    assert words(" a; b,c ;;") == ("a", "b", "c")


FILE = """
[[policy]]
kind = "keep-apart"
subject = "ci"
value = "a1; b1"

[[policy]]
kind = "priority"
subject = "a1"
value = 3
note = "first"
"""


def test_a_policy_file_adds_rows_and_replaces_those_of_the_same_subject(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(FILE)
    extra = read_policy_file(path)
    assert extra == (Policy("keep-apart", "ci", "a1; b1"), Policy("priority", "a1", "3", True, "first"))
    of = stating(SITE, policy("keep-apart", "ci", "a2; b2"), policy("keep-apart", "db", "a2; b2"))
    assert {p.value for p in with_policies(of, extra).policies if p.kind == "keep-apart"} == {"a1; b1", "a2; b2"}
    assert [p.value for p in with_policies(of, extra).policies if p.subject == "ci"] == ["a1; b1"]


def test_what_is_found_of_a_row_of_a_policy_file_names_that_file(tmp_path: Path) -> None:
    """A row that the workbook has as well, but not active, was to be corrected in the workbook."""
    estate, extra = tmp_path / "e.xlsx", tmp_path / "p.toml"
    estate.write_bytes(workbook_bytes(Loaded(stating(BASE, policy("cpu-ceiling", "B", "80", active=False)))))
    extra.write_text("".join(f'[[policy]]\nkind = "cpu-ceiling"\nsubject = "B"\nvalue = {n}\n' for n in (80, 70)))
    found = [f for f in from_sources([estate], [extra]).findings if "contradict" in f.message]
    assert len(found) == 1 and all(place in found[0].message for place in ("at p.toml:2", "at p.toml:6"))


@pytest.mark.parametrize(("text", "words_told"), [
    ("[[policy]\n", "not a TOML file"), ("[[policy]]\nsubject = 'x'\n", "policy.0.kind"),
    ("[[policy]]\nkind = 'pin'\nwho = 'x'\n", "policy.0.who"), ("[[rule]]\nkind = 'pin'\n", "rule"),
    ("[[policy]]\nkind = 3\n", "policy.0.kind"), ("\x00", "not a TOML file")])
def test_a_policy_file_that_is_none_is_refused(tmp_path: Path, text: str, words_told: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words_told.replace(".", r"\.")) as refused:
        read_policy_file(path)
    assert all(f.source and f.source.file == "p.toml" for f in refused.value.findings)


def test_a_policy_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_policy_file(tmp_path / "none.toml")


def test_every_problem_of_a_policy_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("[[policy]]\nwho = 1\n[[policy]]\nkind = 2\n")
    with pytest.raises(InputError) as refused:
        read_policy_file(path)
    assert len(refused.value.findings) == 3


def test_whom_to_ask_is_stated_by_its_row_else_by_the_policy_of_its_name_else_of_many() -> None:
    site = stating(changed(SITE, "a2", owner="Ledgers"), policy("owner", "*", "Unix team"),
                   policy("owner", "b1; a2", "SAP Basis"))
    assert {n: w for n, w in owners(site).items() if w != "Unix team"} == {"a2": "Ledgers", "b1": "SAP Basis"}
    assert owners(SITE) == {} and why_not(policy("owner", "a1", " ")) == "names nobody"
