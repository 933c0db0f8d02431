"""Of which system a listing of an HMC is whose command line, with its ``-m``, is not there.

What tells: a location code, an MTMS or ``logical_serial_num`` in the record, the only system that the rest of the file
names, the name of the file or of its folders, the only system that the files beside it name, the only one known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from planner.findings import Finding, Severity
from planner.formats.base import Reading, Record, stated
from planner.formats.capture import system_in
from planner.formats.hmc_attributes import LISTINGS
from planner.formats.hmc_cli import KIND as _HMC
from planner.formats.values import location
from planner.units import many

#: Record kind → the fields with a system's name, serial number and identifier.
_SYSTEMS = {"hmc-lssyscfg-sys": ("name", "serial_num", ""), "servers": ("name", "serial", ""),
            "rest-managed-system": ("system_name", "serial_number", "uuid"),
            "scanner-system": ("managed_system_name", "managed_system_serial", "")}
_NAMING = frozenset({_HMC, "hmc-rest", "hmc-scanner", "estate-workbook"})


@dataclass(slots=True)
class _Known:
    """Systems that some export names: ``names`` has their serial numbers and identifiers as well."""

    names: dict[str, str] = field(default_factory=dict)
    serials: set[str] = field(default_factory=set)

    def add(self, record: Record) -> None:
        name, serial, uuid = (str(record.fields.get(key) or "") for key in _SYSTEMS[record.kind])
        for alias in (name, serial, uuid):
            if alias and name:
                self.names.setdefault(alias, name)
        if serial:
            self.serials.add(serial)

    def name(self, reference: str) -> str:
        """The system of a name, serial number or MTMS; the reference itself where no export names it."""
        return self.names.get(reference) or self.names.get(reference.rpartition("*")[2]) or reference

    def of(self, record: Record) -> str:
        """The system that a record names; "" where it names none."""
        have = stated(record)
        if record.kind == "hmc-lssyscfg-sys":
            return str(have.get("name", ""))
        place = next((at for key in ("drc_name", "location_code") if (at := location(have.get(key)))), None)
        logical = str(have.get("logical_serial_num", ""))
        said = have.get("managed_system") or have.get("mtms") or (place and place.serial_num) or next(
            (serial for serial in sorted(self.serials) if logical.startswith(serial)), "")
        return self.name(str(said)) if said else ""


def placed(readings: Iterable[Reading]) -> Iterator[Reading]:
    """The readings; listings of an HMC without ``-m`` with the system of which they are, as far as anything tells."""
    every = list(readings)
    listings = [r for r in every if r.kind == _HMC]
    homeless = {r.records[0].source.file for r in listings if any(_is_homeless(one) for one in r.records)}
    if not homeless:
        yield from every
        return
    known = _Known()
    for record in (record for r in every if r.kind in _NAMING for record in r.records):
        if record.kind in _SYSTEMS:
            known.add(record)
    named: dict[str, set[str]] = {}
    for r in listings:
        for record in r.records:
            system = known.of(record)
            for scope in (record.source.file, record.source.file.rpartition("/")[0] + "/", "") if system else ():
                named.setdefault(scope, set()).add(system)
    named.setdefault("", set()).update(known.names.values())
    told: set[str] = set()
    for r in every:
        yield _place(r, known, named, told) if r.kind == _HMC and r.records else r


def _is_homeless(record: Record) -> bool:
    listing = LISTINGS.get(record.kind)
    return listing is not None and listing.of_system and "managed_system" not in record.fields


def _place(reading: Reading, known: _Known, named: dict[str, set[str]], told: set[str]) -> Reading:
    file = reading.records[0].source.file
    folder = file.rpartition("/")[0] + "/"
    alone = [next(iter(named[scope])) if len(named.get(scope, ())) == 1 else "" for scope in (file, folder, "")]
    system = alone[2] if reading.command.startswith("for ") else (  # a loop goes over several
        alone[0] or system_in(f"{reading.folder}/{file}", known.names) or alone[1] or alone[2])
    records, lost = [], 0
    for record in reading.records:
        of = (known.of(record) or system) if _is_homeless(record) else ""
        lost += _is_homeless(record) and not of
        records.append(replace(record, fields={"managed_system": of, **record.fields}) if of else record)
    if not lost or file in told:
        return replace(reading, records=tuple(records))
    told.add(file)
    said = Finding("input.missing-value", Severity.WARNING, file,
                   f"{many(lost, 'record')}: nothing says of which managed system",
                   "keep the command line with its -m above the output, or name the file or folder after the system",
                   reading.records[0].source)
    return replace(reading, records=tuple(records), findings=(*reading.findings, said))
