"""No fact is dropped in silence: what a format reads is taken, or a list beside the format says why no plan needs it.

Taken is what makes a difference: a record with the attribute gives the estate or the history something that the same
record without it does not. Each attribute is tried with every value that an export has for it and with one of its
type, in records as exports have them and alone beside what says whose it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from estates_random import random_estate
from portion import portion
from site_writer import write
from test_hmc_scanner import READING as WORKBOOK

from planner.findings import Source
from planner.formats import (
    hmc_attributes,
    hmc_scanner,
    lparstat_i,
    lparstat_interval,
    nmon,
    registry,
    table,
)
from planner.formats.base import Format, NonValue, Reading, Record
from planner.formats.facts import Intake
from planner.formats.open import documents
from planner.formats.samples import Context, Extract
from planner.history.clock import Clock

FIXTURES = Path(__file__).parents[1] / "fixtures"
WHERE = Source("x", 1)
#: What says whose a record is: kept beside an attribute that is tried alone.
IDENTITY = frozenset((
    "name", "lpar_name", "lpar_id", "managed_system", "system_name", "partition_name", "partition_id", "uuid",
    "associated_managed_system", "managed_system_name", "managed_system_serial", "slot_num", "slot", "port_vlan_id",
    "shared_proc_pool_id", "shared_proc_pool_name", "pool_id", "adapter_type", "type", "time", "time_cycles", "vtd",
    "vios", "uuid", "resolution", "times", "values", "device", "has_dedicated_processors", "lpar", "location"))
#: Formats whose records mean something together only, or (lsdev) that have none.
TOGETHER = {"nmon", "lparstat-interval", "table", "vios-lsdev", "estate-workbook", "saved-estate"}
TOGETHER |= {"ansible", "checkmk", "vios-site-log"}  # the captures inside are read as what they are
#: Where the list of what is not taken stands, if not in the module of the format.
ELSEWHERE = {"hmc_cli": "hmc_attributes", "hmc_rest": "hmc_rest_facts"}
MODULES = {kind: import_module(f"planner.formats.{ELSEWHERE.get(module, module)}")
           for kind, module in registry._MODULES.items() if kind not in TOGETHER}
#: What the reader types, whether an export has it or not.
KNOWN: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
    "hmc-cli": hmc_attributes.known_fields, "hmc-scanner": hmc_scanner.known_fields}
BY_TYPE: tuple[Any, ...] = (True, 3, 1.25, "x", ("x", "y"), ("x",), (3,), "FW950.30", "VL950_099", NonValue.EMPTY)
Seen = dict[tuple[str, str], list[Any]]


def outcome(form: Format, kind: str, fields: dict[str, Any]) -> tuple[Any, ...]:
    """What one record gives an estate and a history."""
    reading = Reading(form.kind, (Record(kind, fields, WHERE, dict.fromkeys(fields, 1)),), host="h")
    intake, extract = Intake(), Extract("x", Context(clock=Clock("UTC")))
    take = form.facts.get(kind) or form.facts.get("")
    if take:
        take(intake, reading.records[0], reading)
    if form.samples:
        form.samples(extract, reading)
    return intake, extract.samples, extract.counts


def differs(form: Format, kind: str, fields: dict[str, Any], name: str, values: Iterable[Any]) -> bool:
    """Whether a record with one of these values gives something that the record without any does not."""
    without = {k: v for k, v in fields.items() if k != name}
    try:
        lacking = outcome(form, kind, without)
    except KeyError as needed:
        if needed.args != (name,):
            return False
        lacking = ()
    except (TypeError, ValueError, AttributeError):
        return False
    return any(given not in (None, lacking) for given in (_given(form, kind, without | {name: v}) for v in values))


def _given(form: Format, kind: str, fields: dict[str, Any]) -> tuple[Any, ...] | None:
    """The outcome; None with a value of another type than the reader gives."""
    try:
        return outcome(form, kind, fields)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def corpus(form_kind: str, tmp_path: Path) -> Iterator[Record]:
    """Records as exports have them: the fixtures' and those of random sites."""
    if form_kind == "hmc-scanner":
        yield from WORKBOOK.records
    yield from (record for reading in readings(form_kind) for record in reading.records)
    for family in {"hmc-cli": ["hmc-collected"], "hmc-rest": ["rest"], "hmc-scanner": ["scanner"]}.get(form_kind, ()):
        write(random_estate(5, 6, 2), family, tmp_path / family)
        for document in documents([tmp_path]):
            yield from (r for reading in document.readings if reading.kind == form_kind for r in reading.records)


@cache
def fixtures() -> tuple[Reading, ...]:
    found = documents([p for p in FIXTURES.rglob("*") if p.is_file()])
    return tuple(reading for document in found for reading in document.readings)


def readings(form_kind: str) -> list[Reading]:
    return [reading for reading in fixtures() if reading.kind == form_kind and reading.records]


def attributes(form_kind: str, records: Iterable[Record]) -> Seen:
    """(kind, field) → values; with those that the reader knows and no export has."""
    seen: Seen = defaultdict(list)
    for record in records:
        for name, value in record.fields.items():
            if not isinstance(value, NonValue) and value not in seen[record.kind, name][:6]:
                seen[record.kind, name].append(value)
    for kind, name in KNOWN.get(form_kind, tuple)():
        seen.setdefault((kind, name), [])
    return seen


def taken(form: Format, records: list[Record], seen: Seen) -> set[tuple[str, str]]:
    found = set()
    some: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if len(some[record.kind]) < portion(12, 2):
            some[record.kind].append(record)
    for (kind, name), values in seen.items():
        bases = [r.fields for r in some[kind]] + [{k: v for k, v in r.fields.items() if k in IDENTITY}
                                                   for r in some[kind][:4]]
        bases.append({"managed_system": "s", "lpar_name": "l", "name": "l", "lpar_id": 3, "lpar": "l", "vtd": "v",
                      "vios": "v", "backing_device": "x"})
        if any(differs(form, kind, base, name, (*values[:6], *BY_TYPE)) for base in bases):
            found.add((kind, name))
    return found


@pytest.mark.parametrize("form_kind", MODULES)
def test_every_attribute_is_taken_or_is_listed_with_a_reason(form_kind: str, tmp_path: Path) -> None:
    form = registry.by_kind(form_kind)
    assert form is not None
    records = list(corpus(form_kind, tmp_path))
    seen = attributes(form_kind, records)
    assert seen, "put a capture into tests/fixtures: nothing shows what this format reads"
    found = taken(form, records, seen)
    reasons = [(kind, name, reason) for reason, patterns in getattr(MODULES[form_kind], "NOT_TAKEN", {}).items()
               for kind, names in patterns for name in names.split()]

    def listed(kind: str, name: str) -> bool:
        return any(fnmatchcase(kind, k) and fnmatchcase(name, n) for k, n, _ in reasons)

    silent = sorted(key for key in seen if key not in found and not listed(*key))
    assert silent == [], "take it, or say in NOT_TAKEN why no plan needs it"
    idle = [(k, n) for k, n, _ in reasons if any(fnmatchcase(kind, k) for kind, _ in seen) and not any(fnmatchcase(kind, k) and fnmatchcase(name, n) for kind, name in seen
                                                     if (kind, name) not in found)]
    assert idle == [], "listed, but taken or unknown"


def test_every_format_is_looked_through() -> None:
    assert set(registry._MODULES) == MODULES.keys() | TOGETHER


def of_all(form: Format, reading: Reading) -> tuple[Any, ...]:
    """What a whole reading gives an estate and a history."""
    context = Context(clock=Clock("UTC"), start=datetime(2026, 1, 1), interval_s=60, lpar="l")
    intake, extract = Intake(), Extract("x", context)
    for record in reading.records:
        take = form.facts.get(record.kind) or form.facts.get("")
        if take:
            take(intake, record, reading)
    if form.samples:
        form.samples(extract, reading)
    return intake, extract.samples, extract.counts, extract.findings


def with_fields(reading: Reading, at: int, fields: dict[str, Any]) -> Reading:
    records = list(reading.records)
    records[at] = replace(records[at], fields=fields)
    return replace(reading, records=tuple(records))


def unlisted(module: ModuleType, missing: set[tuple[str, str]], seen: set[tuple[str, str]]) -> None:
    listed = {key for key in seen for pairs in module.NOT_TAKEN.values() for kind, names in pairs
              for name in names.split() if fnmatchcase(key[0], kind) and fnmatchcase(key[1], name)}
    assert sorted(missing - listed) == []
    assert sorted(listed - missing) == []


def changes(form: Format, reading: Reading, at: int, name: str, but: set[str]) -> bool:
    """Whether another value of this field changes anything, where those that are asked before it are not there."""
    fields = {k: v for k, v in reading.records[at].fields.items() if k not in but}
    given = of_all(form, with_fields(reading, at, fields))
    for other in ([datetime(2020, 1, 1)] if isinstance(fields[name], datetime) else [None, 3, 5000, "x", ("dedicated",)]):
        changed = {k: v for k, v in (fields | {name: other}).items() if v is not None}
        try:
            if of_all(form, with_fields(reading, at, changed)) != given:
                return True
        except (TypeError, ValueError, AttributeError, KeyError):
            continue
    return False


def test_every_figure_of_nmon_is_taken_or_listed() -> None:
    form, seen, found = nmon.FORMAT, set(), set()
    stand_in_for = {"pcpu_user": {"physc"}, "pcpu_sys": {"physc"}, "lpar_number": {"lparno"},
                    "host": {"lparname", "lpar_name", "runname"}}
    for whole in readings("nmon"):
        alone = replace(whole, records=tuple(r for r in whole.records if r.kind != lparstat_i.KIND))
        for at, record in enumerate(alone.records):
            for name in [name for name, value in record.fields.items() if not isinstance(value, NonValue)]:
                seen.add((record.kind, name))
                if (record.kind, name) not in found and changes(form, alone, at, name, stand_in_for.get(name, set())):
                    found.add((record.kind, name))
    unlisted(nmon, seen - found, seen)


def test_every_figure_of_lparstat_with_an_interval_is_taken_or_listed() -> None:
    form, seen, found = lparstat_interval.FORMAT, set(), set()
    for reading in readings("lparstat-interval"):
        given = of_all(form, reading)[1]
        for at, record in enumerate(reading.records):
            fields = record.fields
            for key in fields["config"]:
                seen.add(("config", key))
                config = {k: v for k, v in fields["config"].items() if k != key}
                if of_all(form, with_fields(reading, at, fields | {"config": config}))[1] != given:
                    found.add(("config", key))
            for column, name in enumerate(fields["columns"]):
                seen.add(("columns", name))
                rows = tuple((*row[:column], 7.5, *row[column + 1:]) for row in fields["rows"])
                if of_all(form, with_fields(reading, at, fields | {"rows": rows}))[1] != given:
                    found.add(("columns", name))
    unlisted(lparstat_interval, seen - found, seen)


def test_every_column_of_a_person_is_taken() -> None:
    """Usage by its fields; rows of the estate go to the sheet whole, and a field that is none of it is told."""
    row = {"time": "2026-01-01 10:00", "name": "l", "entity": "lpar", "server": "s", "physc": "1.5",
           "entitlement": "2.5", "memory_used": 4, "memory_total": 8, "span": "300"}
    assert {*row, "lpar"} == set(table._USAGE_FIELDS)
    others = {"time": "2026-01-01 11:00", "entity": "server", "memory_used": 5, "memory_total": 9}
    reading = Reading("table", (Record(table.USAGE, row, WHERE),))
    given = of_all(table.FORMAT, reading)
    for name in row:
        other = row | {name: others.get(name, "7")}
        assert of_all(table.FORMAT, with_fields(reading, 0, other)) != given, name
    intake = of_all(table.FORMAT, Reading("table", (Record("table-lpar", {"name": "l", "no_such": "x"}, WHERE),)))[0]
    assert [f.rule for f in intake.findings if "no_such" in f.message] == ["input.unknown-column"]


@pytest.mark.parametrize(("form_kind", "kind", "names"), [
    ("hmc-cli", "hmc-lssyscfg-lpar", "migration_disabled vtpm_enabled os400_restricted_io_mode"),
    ("hmc-cli", "hmc-lssyscfg-prof", "lhea_logical_ports sriov_eth_logical_ports sriov_roce_logical_ports bsr_arrays "
                                     "vnic_adapters ppt_ratio"),
    ("hmc-cli", "hmc-lshwres-mem-sys", "curr_avail_num_sys_huge_pages"),
    ("hmc-cli", "hmc-lshwres-mem-lpar", "curr_mem_expansion curr_bsr_arrays"),
    ("hmc-cli", "hmc-lssyscfg-sys", "active_mem_expansion_capable lpar_proc_compat_modes"),
    ("hmc-rest", "rest-lpar", "has_physical_io migration_disable is_virtual_trusted_platform_module_enabled "
                              "current_expansion_factor physical_page_table_ratio"),
    ("hmc-rest", "rest-managed-system", "activated_service_pack_name_and_level system_firmware "
                                        "active_memory_expansion_capable custom_physical_page_table_ratio_capable "
                                        "maximum_firmware_active_migrations maximum_firmware_inactive_migrations"),
    ("hmc-scanner", "scanner-slot", "lpar"), ("hmc-scanner", "scanner-profile", "bsr_arrays"),
    ("hmc-scanner", "scanner-system", "ec_number"), ("hmc-scanner", "scanner-lpar-mem", "exp_fact"),
])
def test_facts_that_rules_want_arrive(form_kind: str, kind: str, names: str, tmp_path: Path) -> None:
    form = registry.by_kind(form_kind)
    assert form is not None
    base = {"managed_system": "s", "managed_system_name": "s", "managed_system_serial": "7", "system_name": "s",
            "name": "n", "lpar_name": "l", "lpar_id": 3, "lpar": "l", "partition_id": 3, "partition_name": "l"}
    values = (True, 1, 1.5, ("x",), "POWER9", "01VL950_099", "x")
    assert [n for n in names.split() if not differs(form, kind, base, n, values)] == []
