"""No fact is dropped in silence: what a format reads is taken, or a list beside the format says why no plan needs it.

Taken is what makes a difference: a record with the attribute gives the estate or the history something that the same
record without it does not. Each attribute is tried with every value that an export has for it and with one of its
type, in records as exports have them and alone beside what says whose it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from estates_random import random_estate
from site_writer import write
from test_hmc_scanner import READING as WORKBOOK

from planner.findings import Source
from planner.formats import hmc_attributes, hmc_rest, hmc_scanner, registry
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
MODULES = {"hmc-cli": hmc_attributes, "hmc-rest": hmc_rest, "hmc-scanner": hmc_scanner}
#: What the reader types, whether an export has it or not.
KNOWN: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
    "hmc-cli": hmc_attributes.known_fields, "hmc-scanner": hmc_scanner.known_fields, "hmc-rest": lambda: ()}
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


def differs(form: Format, kind: str, fields: dict[str, Any], name: str, value: Any) -> bool:
    without = {k: v for k, v in fields.items() if k != name}
    try:
        given = outcome(form, kind, without | {name: value})
        return given != outcome(form, kind, without)
    except KeyError as needed:  # raised without it
        return needed.args == (name,)
    except (TypeError, ValueError, AttributeError):  # a value of another type than the reader gives
        return False


def corpus(form_kind: str, tmp_path: Path) -> Iterator[Record]:
    """Records as exports have them: the fixtures' and those of random sites."""
    if form_kind == "hmc-scanner":
        yield from WORKBOOK.records
    paths = [p for p in FIXTURES.rglob("*") if p.is_file()]
    for family in ("hmc-collected", "rest", "scanner"):
        write(random_estate(5, 6, 2), family, tmp_path / family)
    for document in documents([*paths, tmp_path]):
        for reading in document.readings:
            if reading.kind == form_kind:
                yield from reading.records


def attributes(form_kind: str, records: Iterable[Record]) -> Seen:
    """(kind, field) → values; with those that the reader knows and no export has."""
    seen: Seen = defaultdict(list)
    for record in records:
        for name, value in record.fields.items():
            if not isinstance(value, NonValue) and value not in seen[record.kind, name][:6]:
                seen[record.kind, name].append(value)
    for kind, name in KNOWN[form_kind]():
        seen.setdefault((kind, name), [])
    return seen


def taken(form: Format, records: list[Record], seen: Seen) -> set[tuple[str, str]]:
    found = set()
    some: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if len(some[record.kind]) < 12:
            some[record.kind].append(record)
    for (kind, name), values in seen.items():
        bases = [r.fields for r in some[kind]] + [{k: v for k, v in r.fields.items() if k in IDENTITY}
                                                   for r in some[kind][:4]]
        bases.append({"managed_system": "s", "lpar_name": "l", "name": "l", "lpar_id": 3, "lpar": "l", "vtd": "v",
                      "vios": "v", "backing_device": "x"})
        if any(differs(form, kind, base, name, value) for base in bases for value in (*values[:6], *BY_TYPE)):
            found.add((kind, name))
    return found


@pytest.mark.parametrize("form_kind", MODULES)
def test_every_attribute_is_taken_or_is_listed_with_a_reason(form_kind: str, tmp_path: Path) -> None:
    form = registry.by_kind(form_kind)
    assert form is not None
    records = list(corpus(form_kind, tmp_path))
    seen = attributes(form_kind, records)
    found = taken(form, records, seen)
    reasons = [(kind, name, reason) for reason, patterns in MODULES[form_kind].NOT_TAKEN.items()
               for kind, names in patterns for name in names.split()]

    def listed(kind: str, name: str) -> bool:
        return any(fnmatchcase(kind, k) and fnmatchcase(name, n) for k, n, _ in reasons)

    silent = sorted(key for key in seen if key not in found and not listed(*key))
    assert silent == [], "take it, or say in NOT_TAKEN why no plan needs it"
    idle = [(k, n) for k, n, _ in reasons if not any(fnmatchcase(kind, k) and fnmatchcase(name, n) for kind, name in seen
                                                     if (kind, name) not in found)]
    assert idle == [], "listed, but taken or unknown"


@pytest.mark.parametrize(("form_kind", "kind", "names"), [
    ("hmc-cli", "hmc-lssyscfg-lpar", "migration_disabled vtpm_enabled"),
    ("hmc-cli", "hmc-lssyscfg-prof", "lhea_logical_ports sriov_eth_logical_ports sriov_roce_logical_ports bsr_arrays "
                                     "vnic_adapters"),
    ("hmc-cli", "hmc-lshwres-mem-lpar", "curr_mem_expansion curr_bsr_arrays"),
    ("hmc-cli", "hmc-lssyscfg-sys", "active_mem_expansion_capable lpar_proc_compat_modes"),
    ("hmc-rest", "rest-lpar", "has_physical_io migration_disable is_virtual_trusted_platform_module_enabled "
                              "current_expansion_factor"),
    ("hmc-rest", "rest-managed-system", "activated_service_pack_name_and_level system_firmware "
                                        "active_memory_expansion_capable"),
    ("hmc-scanner", "scanner-slot", "lpar"), ("hmc-scanner", "scanner-profile", "bsr_arrays"),
    ("hmc-scanner", "scanner-system", "ec_number"), ("hmc-scanner", "scanner-lpar-mem", "exp_fact"),
])
def test_facts_that_rules_want_arrive(form_kind: str, kind: str, names: str, tmp_path: Path) -> None:
    form = registry.by_kind(form_kind)
    assert form is not None
    base = {"managed_system": "s", "managed_system_name": "s", "managed_system_serial": "7", "system_name": "s",
            "name": "n", "lpar_name": "l", "lpar_id": 3, "lpar": "l", "partition_id": 3, "partition_name": "l"}
    values = (True, 1, 1.5, ("x",), "POWER9", "01VL950_099", "x")
    assert [n for n in names.split() if not any(differs(form, kind, base, n, value) for value in values)] == []
