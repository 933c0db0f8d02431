"""Loading: what is merged, which conflicts are told with both places, and what is refused with one clear message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from estates import BASE, cell_of, workbook_with

from planner.errors import InputError
from planner.estate import saved
from planner.estate.assemble import Loaded
from planner.estate.load import load
from planner.estate.workbook import workbook_bytes
from planner.findings import Finding, Severity, errors
from planner.rules import Judge, Site

FIXTURES = Path(__file__).parents[1] / "fixtures" / "lparstat_i"

LPARSTAT = """\
Node Name                                  : {name}
Partition Name                             : {name}
Partition Number                           : {id}
Type                                       : Shared-SMT
Mode                                       : Uncapped
Entitled Capacity                          : {cores}
Partition Group-ID                         : 32779
Shared Pool ID                             : 0
Online Virtual CPUs                        : 1
Maximum Virtual CPUs                       : 4
Minimum Virtual CPUs                       : 1
Online Memory                              : {mib} MB
Maximum Memory                             : {most} MB
Minimum Memory                             : 512 MB
Variable Capacity Weight                   : 128
Minimum Capacity                           : 0.10
Maximum Capacity                           : 4.00
Capacity Increment                         : 0.01
Maximum Physical CPUs in system            : 16
Active Physical CPUs in system             : 16
Active CPUs in Pool                        : 16
Unallocated Capacity                       : 0.00
Physical CPU Percentage                    : 100.00%
Unallocated Weight                         : 0
"""


def lparstat(name: str = "a1", number: int = 11, cores: str = "1.00", mib: int = 8192, most: int = 8192) -> str:
    return LPARSTAT.format(name=name, id=number, cores=cores, mib=mib, most=most)


def put(where: Path, **files: str | bytes) -> Path:
    """A directory with these files; ``__`` in a name stands for a dot."""
    where.mkdir(exist_ok=True)
    for name, content in files.items():
        path = where / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return where


def findings(loaded: Loaded, rule: str) -> list[Finding]:
    return [f for f in loaded.findings if f.rule == rule]


def bare() -> bytes:
    """The base's workbook without what ``lparstat -i`` tells of a1."""
    headers = ("Entitlement (cores)", "Virtual processors", "Memory (GiB)", "Max memory (GiB)", "Id", "Sharing", "Weight")
    return workbook_with(BASE, {cell_of(BASE, "LPARs", "a1", h): None for h in headers})


def test_lparstat_fills_what_the_workbook_leaves_empty(tmp_path: Path) -> None:
    loaded = load([put(tmp_path / "in", site__xlsx=bare(), a1__txt=lparstat())])
    (a1,) = [p for p in loaded.estate.lpars if p.name == "a1"]
    assert (a1.lpar_id, a1.entitlement_units, a1.memory_mib, a1.max_memory_mib, a1.server) == (11, 100, 8192, 8192, "A")
    assert not [f for f in loaded.findings if f.severity is Severity.ERROR]
    assert str(loaded.source("lpars", ("a1",), "memory_mib")) == "a1.txt:12"
    assert str(loaded.source("lpars", ("a1",), "server")) == f"site.xlsx[{cell_of(BASE, 'LPARs', 'a1', 'Server')}]"
    assert loaded.kinds["lparstat-i"] == 1 and loaded.kinds["estate-workbook"] == 1


def test_two_values_of_two_sources_are_told_with_both_places(tmp_path: Path) -> None:
    directory = put(tmp_path / "in", site__xlsx=workbook_bytes(Loaded(BASE)), a1__txt=lparstat(mib=4096, cores="0,50"))
    told = findings(load([directory]), "input.conflict")
    assert {f.severity for f in told} == {Severity.WARNING}
    memory = next(f for f in told if "Memory (GiB) of a1" in f.message)
    assert "8 here, 4 in a1.txt:12" in memory.message and "the first is used" in memory.message
    assert str(memory.source) == f"site.xlsx[{cell_of(BASE, 'LPARs', 'a1', 'Memory (GiB)')}]"
    cores = next(f for f in told if "Entitlement" in f.message)
    assert "1.00 here, 0.50 in a1.txt:6" in cores.message
    (a1,) = [p for p in load([directory]).estate.lpars if p.name == "a1"]
    assert (a1.memory_mib, a1.entitlement_units) == (8192, 100)


def test_lparstat_of_a_vios_is_taken_as_such(tmp_path: Path) -> None:
    directory = put(tmp_path / "in", site__xlsx=workbook_bytes(Loaded(BASE)),
                    v__txt=lparstat("A-v1", 1, "0.50", 2048, 2048))
    loaded = load([directory])
    assert "A-v1" not in {p.name for p in loaded.estate.lpars}
    assert not [f for f in loaded.findings if f.severity is Severity.ERROR]


def test_lparstat_alone_says_what_is_still_missing(tmp_path: Path) -> None:
    loaded = load([put(tmp_path / "in", a1__txt=lparstat())])
    told = findings(loaded, "input.missing-fact")
    assert any("a1 has no Server" in f.message and "LPARs" in f.fix for f in told)
    with pytest.raises(InputError) as refused:
        loaded.usable()
    assert all(f.severity is Severity.ERROR for f in refused.value.findings)


def test_the_order_of_sources_changes_nothing(tmp_path: Path) -> None:
    book, text = tmp_path / "site.xlsx", tmp_path / "a1.txt"
    book.write_bytes(bare())
    text.write_text(lparstat(mib=4096))
    one, other = load([book, text]), load([text, book])
    assert (one.estate, one.findings, one.provenance) == (other.estate, other.findings, other.provenance)


def duplicate_lpar() -> bytes:
    return workbook_with(BASE, {cell_of(BASE, "LPARs", "a2", "LPAR"): "a1"})


def text_in_a_number() -> bytes:
    return workbook_with(BASE, {cell_of(BASE, "LPARs", "a1", "Memory (GiB)"): "eight"})


#: What a person gives, the rule that tells it, and the place it names.
UNUSABLE: dict[str, tuple[Callable[[Path], Any], str, str, str]] = {
    "a duplicate LPAR": (lambda d: put(d, s__xlsx=duplicate_lpar()), "input.duplicate", "s.xlsx[LPARs!A3]",
                         "LPARs: a1 stands twice (first at s.xlsx[LPARs!A2])"),
    "text in a number cell": (lambda d: put(d, s__xlsx=text_in_a_number()), "input.bad-value",
                              f"s.xlsx[{cell_of(BASE, 'LPARs', 'a1', 'Memory (GiB)')}]", "'eight' is not a number"),
    "a missing sheet": (lambda d: put(d, s__xlsx=workbook_with(BASE, {}, ("LPARs",))), "input.missing-sheet", "s.xlsx",
                        "no sheet 'LPARs'"),
    "a corrupt workbook": (lambda d: put(d, s__xlsx=workbook_bytes(Loaded(BASE))[:-200]), "input.unreadable", "s.xlsx",
                           "damaged"),
    "an empty workbook file": (lambda d: put(d, s__xlsx=b""), "input.unreadable", "s.xlsx", "empty"),
    "a protected workbook": (lambda d: put(d, s__xlsx=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000)
                                           + "EncryptedPackage".encode("utf-16-le")), "input.password", "s.xlsx",
                             "this workbook is protected by a password"),
    "an unknown server": (lambda d: put(d, s__xlsx=workbook_with(
        BASE, {cell_of(BASE, "LPARs", "a1", "Server"): "Z"})), "input.unknown-name",
        f"s.xlsx[{cell_of(BASE, 'LPARs', 'a1', 'Server')}]", "'Z' is not in sheet Servers"),
    "a policy for nobody": (lambda d: put(d, s__xlsx=workbook_with(
        BASE, {"Policies!A2": "pin", "Policies!B2": "nobody"})), "input.bad-policy", "s.xlsx[Policies!A2]",
        "'nobody' matches no LPAR"),
    "an unknown policy": (lambda d: put(d, s__xlsx=workbook_with(
        BASE, {"Policies!A2": "wish", "Policies!B2": "a1"})), "input.bad-value", "s.xlsx[Policies!A2]", "'wish' is none of"),
    "an empty directory": (lambda d: put(d), "input.unreadable", "in", "the directory is empty"),
    "no such path": (lambda d: d / "nowhere", "input.unreadable", "nowhere", "no such file or directory"),
    "a saved estate beside a workbook": (lambda d: put(d, s__xlsx=workbook_bytes(Loaded(BASE)),
                                                       e__json=saved.dump(Loaded(BASE))), "input.unreadable", "in",
                                         "a saved estate stands for itself"),
    "JSON cut short": (lambda d: put(d, e__json=saved.dump(Loaded(BASE))[:-300]), "input.unreadable", "e.json",
                       "not valid JSON"),
    "JSON of another version": (lambda d: put(d, e__json=saved.dump(Loaded(BASE)).replace('"version": 1', '"version": 9')),
                                "input.unreadable", "e.json", "version 9"),
    "JSON with a wrong type": (lambda d: put(d, e__json=saved.dump(Loaded(BASE)).replace(
        '"memory_mib": 8192', '"memory_mib": "much"')), "input.bad-value", "e.json", "memory_mib"),
    "JSON with a duplicate": (lambda d: put(d, e__json=saved.dump(Loaded(
        Loaded(BASE).estate)).replace('"name": "a2"', '"name": "a1"')), "input.duplicate", "e.json", "stands twice"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_bad_input_is_refused_with_rule_and_place(name: str, tmp_path: Path) -> None:
    make, rule, place, words = UNUSABLE[name]
    source = make(tmp_path / "in")
    with pytest.raises(InputError) as refused:
        load([source]).usable()
    told = [f for f in refused.value.findings if f.rule == rule and words in f.message]
    assert told, [str(f) for f in refused.value.findings]
    assert any(place in str(f.source) for f in told), [str(f.source) for f in told]
    assert all(f.severity is Severity.ERROR and f.fix for f in refused.value.findings)


def test_a_truncated_lparstat_costs_nothing_that_others_state(tmp_path: Path) -> None:
    found = load([put(tmp_path / "in", s__xlsx=workbook_bytes(Loaded(BASE)),
                      a1__txt="\n".join(lparstat().splitlines()[:9]))]).usable()
    assert [(f.severity, str(f.source)) for f in found.findings if f.rule == "input.truncated"] == [
        (Severity.WARNING, "a1.txt:9")]


@pytest.mark.parametrize("name", ["a duplicate LPAR", "text in a number cell", "a missing sheet",
                                  "a corrupt workbook", "an empty directory"])
def test_one_mistake_gives_one_message(name: str, tmp_path: Path) -> None:
    """Consequences of a mistake (a2 has no row now) may be told as well; the mistake itself once."""
    make, rule, *_ = UNUSABLE[name]
    with pytest.raises(InputError) as refused:
        load([make(tmp_path / "in")]).usable()
    assert [f.rule for f in refused.value.findings].count(rule) == 1


def test_all_mistakes_are_told_together(tmp_path: Path) -> None:
    cells = {cell_of(BASE, "LPARs", "a1", "Memory (GiB)"): "eight", cell_of(BASE, "LPARs", "b1", "Server"): "Z",
             cell_of(BASE, "LPAR networks", "c1", "VLAN"): 99, "Policies!A2": "pin", "Policies!B2": "nobody"}
    with pytest.raises(InputError) as refused:
        load([put(tmp_path / "in", s__xlsx=workbook_with(BASE, cells))]).usable()
    assert {f.rule for f in refused.value.findings} >= {
        "input.bad-value", "input.unknown-name", "input.bad-policy"}


@pytest.mark.parametrize(("cell", "value", "rule", "words"), [
    (cell_of(BASE, "LPAR networks", "a1", "VLAN"), 99, "input.unknown-vlan", "a1 uses VLAN 99"),
    (cell_of(BASE, "LPARs", "a1", "Memory (GiB)"), None, "input.missing-fact",
     "LPARs: a1 has no Memory (GiB); not planned"),
    (cell_of(BASE, "LPARs", "a1", "Server"), None, "input.missing-fact", "LPARs: a1 has no Server; not planned")])
def test_what_is_wrong_with_one_lpar_is_said_of_it_and_blocks_nothing(
        tmp_path: Path, cell: str, value: object, rule: str, words: str) -> None:
    loaded = load([put(tmp_path / "in", s__xlsx=workbook_with(BASE, {cell: value}))]).usable()
    told = [f for f in loaded.findings if f.rule == rule]
    assert [(f.severity, f.subject, f.message.startswith(words)) for f in told] == [(Severity.WARNING, "a1", True)]
    judge = Judge(Site(loaded.estate))
    assert not ("a1" in judge.site.start and judge.targets("a1"))
    if "Memory" in words:
        assert "cannot be planned: its memory is unknown" in judge.readiness("a1")[0].message
        assert any("what a1 holds of A is unknown" in f.message for f in judge.move("b1", "B", "A"))


def test_a_file_that_is_no_export_is_warned_of_and_passed_over(tmp_path: Path) -> None:
    directory = put(tmp_path / "in", site__xlsx=workbook_bytes(Loaded(BASE)), notes__txt="Remember the milk.\n")
    loaded = load([directory]).usable()
    assert loaded.estate == BASE
    assert [f.severity for f in loaded.findings if f.source and f.source.file == "notes.txt"] == [Severity.WARNING]


@pytest.mark.parametrize("name", [".hidden.xlsx", "~$site.xlsx"])
def test_hidden_files_and_locks_are_passed_over(tmp_path: Path, name: str) -> None:
    directory = put(tmp_path / "in", site__xlsx=workbook_bytes(Loaded(BASE)))
    (directory / name).write_bytes(b"junk")
    assert load([directory]).usable().estate == BASE


def test_an_estate_without_lpars_or_servers_cannot_be_planned_with(tmp_path: Path) -> None:
    of = BASE.replace(lpars=(), networks=(), disks=())
    shown = load([put(tmp_path / "in", site__xlsx=workbook_bytes(Loaded(of)))])
    assert len(shown.estate.servers) == len(BASE.servers) and not errors(shown.findings)
    with pytest.raises(InputError, match="no LPAR is stated"):
        shown.usable()


def test_the_base_estate_of_the_tests_has_no_finding(tmp_path: Path) -> None:
    assert load([put(tmp_path / "in", site__xlsx=workbook_bytes(Loaded(BASE)))]).findings == ()


def test_every_generation_of_lparstat_joins_a_workbook(tmp_path: Path) -> None:
    """Decimal commas, 23 to 44 lines, shared and dedicated: with a server for each, all become LPARs."""
    texts = {p.name: p.read_text() for p in sorted(FIXTURES.glob("*.txt")) if "cut" not in p.name}
    names = [next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("Partition Name"))
             for text in texts.values()]
    cells = {f"LPARs!{column}{row}": value for row, name in enumerate(names, len(BASE.lpars) + 2)
             for column, value in (("A", name), ("B", "A"))}
    directory = put(tmp_path / "in", site__xlsx=workbook_with(BASE, cells))
    for file, text in texts.items():
        (directory / file).write_text(text)
    loaded = load([directory])
    assert len(set(names)) == len(names) >= 6 and not findings(loaded, "input.missing-fact")
    assert set(names) <= {p.name for p in loaded.estate.lpars}
