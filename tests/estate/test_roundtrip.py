"""load(save(estate)) == estate, as a workbook and as JSON, whatever the names."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from estates import BASE
from hypothesis import example, given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate import saved
from planner.estate.assemble import Loaded
from planner.estate.catalogue import GENERATIONS
from planner.estate.load import load
from planner.estate.model import (
    POLICY_KINDS,
    TABLE,
    TABLES,
    Bridge,
    Disk,
    Estate,
    Fibre,
    Lpar,
    Network,
    Parameter,
    Policy,
    Port,
    ProcessorPool,
    Server,
    SriovPort,
    Vios,
    Vnic,
    Zoning,
    sorted_estate,
)
from planner.estate.workbook import workbook_bytes
from planner.findings import Source

WEIRD = (
    "=cmd|' /C calc'!A0", "=1+1", "+1", "-2", "@sum", "'quoted", "a;b", "c\\", "d\\;e", ";", "\\", "a,b", "ünïcødé",
    "漢字", "🖥", "1e5", "007", "42", "4.2", "yes", "TRUE", "#N/A", "None", "http://x.example/y", "mailto:a@b",
    "_x0041_", "x y", "a  b", "a/b", "a!b", "<b>&amp;", '"', "{=1}", "e\u0301", "x\u00a0y", "x" * 200)
TEXT = st.one_of(st.sampled_from(WEIRD), st.text(st.characters(
    exclude_categories=("Cs", "Cc", "Cn", "Zl", "Zp", "Zs", "Co"), exclude_characters="\ufeff\ufffe\uffff"), min_size=1,
    max_size=12))
FIGURE = st.one_of(st.just(0.0), st.floats(1e-6, 1e9))
NOTE = st.one_of(st.just(""), TEXT)
UNITS, MIB, SMALL = st.integers(0, 64_00), st.integers(0, 1 << 26), st.integers(0, 4094)
WATTS = st.integers(0, 200_000)
YES = st.sampled_from((None, True, False))


VALIDATOR = jsonschema.Draft202012Validator(saved.schema())


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), of)


def one_of(field: str) -> st.SearchStrategy[str]:
    """One of the choices of an LPAR's column, or nothing."""
    return st.sampled_from(("", *next(c.choices for c in TABLE["lpars"].columns if c.field == field)))


def lists(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=3).map(tuple)


WORDS = lists(TEXT)
ROWS: dict[str, st.SearchStrategy[Any]] = {
    "servers": st.builds(
        Server, TEXT, UNITS, MIB, NOTE, NOTE, st.sampled_from(GENERATIONS), NOTE, NOTE, maybe(MIB), maybe(st.integers(1, 512)),
        NOTE, YES, WORDS, maybe(UNITS), maybe(SMALL), YES, maybe(MIB), maybe(WATTS), maybe(WATTS), YES,
        free_pool_mib=maybe(MIB), console_level=NOTE, trusted_key=NOTE, ibmi_mobility_capable=YES, ppt_ratio_capable=YES,
        free_huge_pages=maybe(SMALL), note=NOTE),
    "pools": st.builds(ProcessorPool, TEXT, st.integers(0, 63), NOTE, maybe(UNITS), UNITS, NOTE),
    "vioses": st.builds(
        Vios, TEXT, TEXT, UNITS, MIB, maybe(st.integers(1, 999)), NOTE, YES, YES, maybe(SMALL),
        st.sampled_from(("", "capped", "uncapped", "dedicated")), maybe(MIB), maybe(st.integers(1, 100_000)), maybe(SMALL),
        cluster=NOTE, paging_devices_mib=lists(MIB), max_virtual_slots=maybe(SMALL), used_virtual_slots=maybe(SMALL), note=NOTE,
        link_mtu=maybe(st.integers(576, 65_535))),
    "lpars": st.builds(
        Lpar, TEXT, TEXT, UNITS, SMALL, MIB, MIB, lpar_id=maybe(st.integers(1, 999)), os=one_of("os"), os_level=NOTE,
        environment=one_of("environment"), state=one_of("state"), rmc_active=YES,
        processors=st.sampled_from(("shared", "dedicated")), sharing=one_of("sharing"),
        max_virtual_processors=maybe(SMALL), weight=maybe(st.integers(0, 255)), pool_id=maybe(st.integers(0, 63)),
        hpt_ratio=st.integers(1, 512), ppt_ratio=maybe(st.integers(1, 4096)), memory_mode=st.sampled_from(("dedicated", "shared")), io_entitled_mib=maybe(MIB),
        physical_adapters=WORDS, lhea=YES, sriov_ports=maybe(SMALL), huge_pages=maybe(SMALL), bsr_arrays=maybe(SMALL),
        error_path_reporting=YES, workload_group=NOTE, software=WORDS, busy_units=maybe(UNITS),
        working_set_mib=maybe(MIB), physical_io=YES, vnic_adapters=maybe(SMALL), migration_disabled=YES, vtpm=YES,
        migratable_sriov_ports=maybe(SMALL), restricted_io=YES, persistent_memory=maybe(SMALL),
        memory_expansion_percent=maybe(st.integers(0, 1000)), note=NOTE),
    "bridges": st.builds(Bridge, TEXT, TEXT, st.integers(1, 4094), TEXT, st.sampled_from(("", "VEB", "VEPA")), NOTE),
    "networks": st.builds(Network, TEXT, SMALL, st.integers(1, 4094), lists(st.integers(1, 4094)), TEXT, NOTE),
    "disks": st.builds(Disk, TEXT, SMALL, TEXT, TEXT, st.sampled_from(("lun", "lv", "file", "optical", "ssp")), NOTE,
                       note=NOTE),
    "zonings": st.builds(Zoning, TEXT, TEXT, NOTE,
                         st.sampled_from(("", "no_reserve", "single_path", "PR_shared", "PR_exclusive")), NOTE),
    "fibres": st.builds(Fibre, TEXT, SMALL, TEXT, TEXT, TEXT, TEXT, YES, NOTE),
    "ports": st.builds(Port, TEXT, TEXT, TEXT, maybe(SMALL), NOTE),
    "vnics": st.builds(Vnic, TEXT, SMALL, st.integers(1, 6), NOTE, NOTE, maybe(st.integers(0, 100)), NOTE),
    "sriov": st.builds(SriovPort, TEXT, TEXT, maybe(SMALL), maybe(st.integers(0, 100)), NOTE, NOTE),
    "policies": st.builds(Policy, st.sampled_from(POLICY_KINDS), NOTE, NOTE, st.booleans(), NOTE),
    "parameters": st.builds(Parameter, TEXT, FIGURE, NOTE, NOTE, maybe(FIGURE), maybe(FIGURE), maybe(st.integers(1, 99))),
}


ESTATES = st.fixed_dictionaries({
    kind: st.lists(rows, max_size=3, unique_by=TABLE[kind].key_of).map(tuple) for kind, rows in ROWS.items()
}).map(lambda kinds: sorted_estate(Estate(**kinds)))


def through(name: str, data: bytes) -> Loaded:
    """What loading a file of this content gives, findings and all."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        path.write_bytes(data)
        return load([path])


@settings(max_examples=portion(120, 10))
@given(ESTATES)
@example(Estate(lpars=(Lpar("a", "s", 1, 1, 1024, 0),)))  # a maximum that is stated, and nothing
def test_the_workbook_gives_the_estate_back(estate: Estate) -> None:
    if any(getattr(estate, kind) for kind in TABLE):
        assert through("e.xlsx", workbook_bytes(Loaded(estate))).estate == estate


@settings(max_examples=portion(120, 10))
@given(ESTATES)
def test_json_gives_the_estate_back(estate: Estate) -> None:
    assert through("e.json", saved.dump(Loaded(estate)).encode()).estate == estate


@settings(max_examples=portion(40))
@given(ESTATES)
def test_the_schema_accepts_every_dump(estate: Estate) -> None:
    document = json.loads(saved.dump(Loaded(estate, {"lpars/x/name": Source("a.txt", 3)})))
    VALIDATOR.validate(document)


@pytest.mark.parametrize("spoil", [
    lambda d: d.update(version=2), lambda d: d.pop("estate"), lambda d: d.update(more=1),
    lambda d: d["estate"]["lpars"][0].update(entitlement_units="1"), lambda d: d["estate"]["lpars"][0].pop("server"),
    lambda d: d["estate"]["lpars"][0].update(cores=1), lambda d: d["estate"].update(blades=[]),
    lambda d: d["provenance"].update(x=1)])
def test_the_schema_refuses_what_is_no_estate(spoil: Any) -> None:
    document = json.loads(saved.dump(Loaded(BASE)))
    spoil(document)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(saved.schema())


def test_workbook_and_json_of_each_other_are_the_same_bytes() -> None:
    """From the workbook to JSON and back: the second workbook is the first."""
    first = workbook_bytes(Loaded(BASE))
    assert first == workbook_bytes(Loaded(BASE))
    by_book = Loaded(through("e.xlsx", first).estate)
    by_json = Loaded(through("e.json", saved.dump(by_book).encode()).estate)
    assert workbook_bytes(by_json) == first and saved.dump(by_json) == saved.dump(Loaded(BASE))


def test_no_cell_of_a_written_workbook_is_a_formula() -> None:
    """A name that begins with = is text: it must not run when a person opens the file."""
    estate = BASE.replace(lpars=tuple(Lpar(n, n, 10, 1, 1024, 1024, note=n) for n in WEIRD if n.strip()))
    with zipfile.ZipFile(io.BytesIO(workbook_bytes(Loaded(estate)))) as archive:
        sheets = [archive.read(n).decode() for n in archive.namelist() if n.startswith("xl/worksheets/sheet")]
    assert len(sheets) >= len(TABLES) and not any("<f>" in s or "<f " in s or "<hyperlink" in s for s in sheets)


def test_provenance_is_kept_through_json() -> None:
    loaded = through("e.xlsx", workbook_bytes(Loaded(BASE)))
    assert str(loaded.provenance["lpars/a1/memory_mib"]) == "e.xlsx[LPARs!P2]"
    back = through("e.json", saved.dump(loaded).encode())
    assert {k: str(v) for k, v in back.provenance.items()} == {k: str(v) for k, v in loaded.provenance.items()}


def test_the_digest_is_of_the_facts_alone() -> None:
    assert saved.digest(BASE) == saved.digest(through("e.xlsx", workbook_bytes(Loaded(BASE))).estate)
    assert saved.digest(BASE) != saved.digest(BASE.moved({"a1": "B"}))
    assert len(saved.digest(BASE)) == 64
