"""HMC Scanner workbooks (``.xls`` of BIFF8, and ``.xlsx``). Columns are found by their headers, tables by theirs.

Fields are named after the headers (``Curr Ent`` → ``curr_ent``). Units: memory in MiB, cores and entitlements in
hundredths of a core; usage as exported, in cores (None where nothing was sampled). An empty cell is
:attr:`NonValue.EMPTY`, a column that the sheet does not have no field at all. A powered-off LPAR has zeros on
``LPAR_CPU`` with ``status`` ``off``: they are what runs, not what is configured.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from planner.estate.model import DEFAULT_VSWITCH
from planner.findings import Finding, Severity, Source
from planner.formats import values
from planner.formats.base import (
    Format,
    NonValue,
    Reading,
    Record,
    TakeFacts,
    Taken,
    first,
    pick,
    profile_sizes,
    state_from,
    stated,
)
from planner.formats.capture import BY_TEXT, stated_time
from planner.formats.facts import (
    Client,
    DiskMapping,
    Ethernet,
    Hdisk,
    Intake,
    NpivPort,
    Partition,
    PartRef,
    Profile,
    Sea,
    Values,
    Vfc,
    ViosRef,
    VnicDevice,
    firmware_of,
    hpt_ratio_of,
    mode_of,
    percent_of,
    runs,
    sharing_of,
    state_of_system,
)
from planner.formats.samples import PHYSICAL_POOL, Extract, Kind, Sample, thousandths, whole
from planner.formats.vios_lsmap import BACKING, backing_kind
from planner.formats.workbook_cells import (
    Cell,
    CellLog,
    ErrorCell,
    Sheet,
    column_letters,
    non_value_of,
    open_workbook,
    sheet_names,
    text_of,
)
from planner.units import some

KIND = "hmc-scanner"

Parse = Callable[[Cell], Any]
Columns = dict[str, tuple[str, Parse]]

def _refuse_error(cell: Cell) -> None:
    if isinstance(cell, ErrorCell):
        raise ValueError("the cell shows an error such as #N/A, or digits were cut off as in 1.2E+15")


def _text(cell: Cell) -> str:
    _refuse_error(cell)
    if isinstance(cell, float) and not (math.isfinite(cell) and abs(cell) < 2**53):
        raise ValueError(f"{cell!r} is a number of which a workbook keeps 15 digits; text was expected")
    return text_of(cell)


def _of(parse: values.Parser) -> Parse:
    """A parser of a cell: a number as it is written in full, anything else as it is shown."""
    def of_cell(cell: Cell) -> Any:
        _refuse_error(cell)
        return parse(repr(cell) if isinstance(cell, float) and abs(cell) < 1e15 and cell % 1 else text_of(cell))
    return of_cell


_whole, _float, _flag = _of(values.integral), _of(values.number), _of(values.yes_no)
_units, _gib, _whole_or_any = _of(partial(values.units, exact=False)), _of(values.gib), _of(values.whole_or_any)


def _vp_e(cell: Cell) -> float | str:
    """100 × virtual processors / entitlement, or the word that says why there is no such number."""
    shown = text_of(cell)
    return shown if shown in ("Off", "Dedicated", "MicroLPAR") else _float(cell)


def _vlans(cell: Cell) -> tuple[int, ...]:
    vlans = tuple(int(one) for one in re.split(r"[\s,;]+", _text(cell)) if re.fullmatch(r"\d{1,4}", one))
    if len(vlans) != len(_text(cell).replace(",", " ").replace(";", " ").split()):
        raise ValueError(f"{_text(cell)[:40]!r} is not a list of VLAN ids")
    return vlans


def _list(cell: Cell) -> tuple[str, ...]:
    return tuple(one.strip() for one in re.split(r"[\n,]", _text(cell)) if one.strip())


def _guess(cell: Cell) -> Any:
    """A value of a column that has no parser here: numbers as they are, the rest as text."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell if isinstance(cell, bool) else _text(cell)
    number = _float(cell)
    return int(number) if number.is_integer() else number


def _snake(header: str) -> str:
    """``Curr Ent`` → ``curr_ent``, ``MinHugePages`` → ``min_huge_pages``, ``90% <=`` → ``90``."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", header)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _key(cell: Cell) -> str:
    return " ".join(text_of(cell).lower().split())


def _as(parse: Parse, *headers: str, **named: str) -> Columns:
    """Columns by header; GB and Cores in a header give way to what the field holds."""
    plain = {_key(h): (_snake(h.replace("GB", "Mem").replace("Cores", "Proc Units")), parse) for h in headers}
    return plain | {header: (name, parse) for name, header in named.items()}


_SYSTEM = _as(_text, "Managed System Name", "Managed System Serial")
_SYSTEM_FIELDS = tuple(name for name, _ in _SYSTEM.values())


@dataclass(frozen=True, slots=True)
class _SheetTable:
    """A table of a sheet: the headers by which it is known, its columns, the fields that no row lacks.

    ``unique``: no two rows have the same ``needed`` fields. ``open``: columns vary, so unknown ones are no news.
    ``blocks``: it stands once for each system, below the system's name.
    """

    kind: str
    known_by: frozenset[str]
    columns: Columns
    needed: tuple[str, ...] = ()
    unique: bool = False
    open: bool = False
    blocks: bool = False


def _table(kind: str, known_by: str, columns: Columns, needed: str = "", **kind_of: bool) -> _SheetTable:
    return _SheetTable(kind, frozenset(known_by.split("|")), columns, tuple(needed.split()), **kind_of)


_SUMMARY_COLUMNS: Columns = {
    **_as(_text, "Status", "Type Model", "CPU Type", "Mgr #1", "Mgr #2", "Prim SP", "Sec SP", "EC Number",
          "IPL Level", "Activated Level", "Deferred Level",
          managed_system_name="managed system", managed_system_serial="serial"),
    **_as(_float, "GHz"),
    **_as(_units, "Tot Cores", "Act Cores", "Deconf Cores", "Curr Avail Cores", "Pend Avail Cores", "Ded Cores",
          pool_size_proc_units="pool size"),
    **_as(_whole, "Virt Procs", "Perf Sample Rate", lpar_count="#lpar"),
    **_as(_gib, "Tot GB", "Act GB", "Deconf GB", "Firm GB", "Curr Avail GB", "Pend Avail GB"),
}
_LPAR_COLUMNS: Columns = {
    **_as(_text, "Name", "Status", "Environment", "OS Version", "Proc mode", "RMC IP", "RMC State",
          "Default profile", "Current profile", "Remote restart status"),
    **_as(_flag, "Pool data available", "Migration disabled", "Auto start", "Suspend capable",
          "Remote restart capable", "Simplified remote restart capable"),
    **_as(_text, "Sync current profile"), **_as(_whole, "ID"), **_SYSTEM,
}
_PROFILE_COLUMNS: Columns = {
    **_as(_text, "Lpar Name", "Profile Name", "Env", "MemMode", "HPT_ratio", "ProcMode", "ShMode", "ProcPoolName",
          "AffinityGrp", "BootMode", "ProcCompat"),
    **_as(_flag, "Active", "All Res", "ConnMonit", "AutoStart", "ErrReporting"),
    **_as(_gib, "MinMem", "DesMem", "MaxMem"), **_as(_float, "MemExp"),
    **_as(_units, "MinEnt", "DesEnt", "MaxEnt"),
    **_as(_whole, "ID", "MinHugePages", "DesHugePages", "MaxHugePages", "MinProc", "DesProc", "Weight",
          "ProcPoolID", "BSR_arrays", max_proc="maxproc"),
    **_SYSTEM,
}
_CPU_COLUMNS: Columns = {
    **_as(_text, "Name", "Status", "Mode", "Sharing Mode", "Pool Name"),
    **_as(_whole, "Min CPU", "Curr CPU", "Tgt CPU", "Max CPU", "Weight"),
    **_as(_units, "Min Ent", "Curr Ent", "Tgt Ent", "Max Ent", "Pool Resv", "Pool Max"),
    **_as(_vp_e, vp_e_percent="vp:e %"), **_SYSTEM,
}
_MEM_COLUMNS: Columns = {
    **_as(_text, "Name", "Mode", "AMS Prim VIOS", "AMS Sec VIOS", "AMS Curr VIOS"),
    **_as(_gib, "Min GB", "Curr GB", "Tgt GB", "Max GB"),
    **_as(_float, "ExpFact"), **_as(_whole, "AMS Weight"), **_as(_guess, "AMS Active", "AMS Max", "AMS Firmw"),
    **_SYSTEM,
}
_ETH_COLUMNS: Columns = {
    **_as(_text, "LPAR name", "State", "Virtual Switch", "MAC Address", mac_address="mac addresss"),
    **_as(_whole, "Slot", "Trunk Priority", "Port VLAN id"), **_as(_flag, "Required", "Trunk"),
    **_as(_vlans, "IEEE VLAN ids"),
}
_ADAPTER_COLUMNS: Columns = {
    **_as(_text, "LPAR name", "State", "Type", "Remote LPAR", "WWPN #1", "WWPN #2", "Physical FC Slot"),
    **_as(_whole, "Slot"), **_as(_whole_or_any, "Remote Slot"), **_as(_flag, "Required"), **_SYSTEM,
}
_MAP_COLUMNS: Columns = {
    **_as(_text, "VIOS", "Name", "Client", "VTD", "Status", "LUN", "Backing device", "Phys Loc", "Identifier"),
    **_as(_text, "Slot"), **_as(_flag, "Mirrored"), **_SYSTEM,
}
_SLOT_COLUMNS: Columns = {
    **_as(_text, "LPAR", "Adapter description", "Location", "drc_index"),
    **_as(_flag, "Reqrd"), **_as(_list, "Profiles desiring", "Profiles requiring"), **_SYSTEM,
}
_PORT_COLUMNS: Columns = {
    **_as(_text, "LPAR", "Physical Port", "Logical Port", "VNIC backing device"), **_SYSTEM,
}
_BY_SYSTEM = "managed system name|managed system serial"
_OF_LPAR = "name managed_system_serial"

#: Sheet (lower case, blanks for ``_``) → the tables that may stand on it.
_SHEETS: dict[str, tuple[_SheetTable, ...]] = {
    "system summary": (_table("scanner-system", "managed system|serial", _SUMMARY_COLUMNS,
                              "managed_system_name managed_system_serial", unique=True),),
    "lpar summary": (_table("scanner-lpar", "name|id|environment", _LPAR_COLUMNS, _OF_LPAR, unique=True),),
    "lpar profiles": (_table("scanner-profile", "lpar name|profile name", _PROFILE_COLUMNS,
                             "lpar_name profile_name managed_system_serial", unique=True),),
    "lpar cpu": (_table("scanner-lpar-cpu", "name|curr cpu", _CPU_COLUMNS, _OF_LPAR, unique=True),),
    "lpar mem": (_table("scanner-lpar-mem", "name|curr gb", _MEM_COLUMNS, _OF_LPAR, unique=True),),
    "physical slots": (_table("scanner-slot", "lpar|location", _SLOT_COLUMNS, "location managed_system_serial"),),
    "io slot children": (_table("scanner-slot-child", "physical location|wwpn",
                                _as(_text, "Physical Location", "WWPN"), open=True),),
    "virtual ethernet": (_table("scanner-veth", "lpar name|slot|port vlan id", _ETH_COLUMNS, "lpar_name slot",
                                blocks=True),),
    "virtual scsi": (_table("scanner-vscsi", "lpar name|slot|type", _ADAPTER_COLUMNS,
                            "lpar_name slot managed_system_serial"),),
    "vscsi map": (_table("scanner-vscsi-map", "vios|client|backing device", _MAP_COLUMNS,
                         "vios name managed_system_serial"),),
    "virtual fibre": (_table("scanner-vfc", "lpar name|slot|type", _ADAPTER_COLUMNS,
                             "lpar_name slot managed_system_serial"),),
    "sea": (_table("scanner-sea", "vios|sea|virt#1", {**_as(_text, "VIOS", "SEA"), **_SYSTEM}, open=True),
            _table("scanner-etherchannel", "vios|etherchannel", _SYSTEM, open=True),
            _table("scanner-entstat", "vios|sea|virt eth", _SYSTEM, open=True)),
    "fc": (_table("scanner-fc", "vios|fc", {**_as(_text, "VIOS", "FC", "WWPN"), **_SYSTEM}, open=True),
           _table("scanner-fc", _BY_SYSTEM, _SYSTEM, open=True)),
    "sriov phys ports": (_table("scanner-sriov-physical-port", _BY_SYSTEM, _SYSTEM, open=True),),
    "sriov logical ports": (_table("scanner-sriov-logical-port", "lpar|logical port", _PORT_COLUMNS, "", open=True),
                            _table("scanner-sriov-logical-port", _BY_SYSTEM, _SYSTEM, open=True)),
    "vnic": (_table("scanner-vnic", "lpar|slot|des mode", {**_as(_text, "LPAR"), **_as(_whole, "Slot"), **_SYSTEM},
                    open=True), _table("scanner-vnic", _BY_SYSTEM, _SYSTEM, open=True)),
}
#: Field → its parser, on whatever sheet a column of that name stands: what it holds has one type.
_TYPED: dict[str, Parse] = {name: parse for tables in _SHEETS.values() for table in tables
                            for name, parse in table.columns.values()}
_REQUIRED_SHEETS = {"System_Summary": "scanner-system", "LPAR_Summary": "scanner-lpar", "LPAR_CPU": "scanner-lpar-cpu",
                    "LPAR_MEM": "scanner-lpar-mem"}
#: Sheets without a fact of an estate, and why.
_LEFT_OUT = {
    "hmc": "the console itself", "service agent": "the console itself", "header": "how the workbook was made",
    "sw cores": "formulas stored uncalculated, of what LPAR_CPU has",
    "onoff cod": "licences on demand: only what is active counts", "cod events": "licences on demand",
    "ent sys pools": "licences on demand"}
#: Titles within the block of a system; the table of switches stands on its side, and adapters name theirs.
_LABELS = {"virtual switches", "virtual ethernet slots"}
_OF_SWITCHES = {"name", "vlan ids"}
_NO_TABLE = frozenset({"scanner-etherchannel", "scanner-entstat"})
_USAGE_SHEET = re.compile(r"(cpu pool|sys ram|lpar(?: cpu)?) (?:(daily|hourly|monthly) )?usage(?: n\d+)?")
_MONTH = re.compile(r"\d{4}[/-]\d{1,2}")
_USAGE_KINDS = {"cpu pool": "scanner-pool-usage", "lpar": "scanner-lpar-usage", "lpar cpu": "scanner-lpar-usage"}
#: What stands between the names and ``Date`` of a usage sheet; all but the entitlement follows from the samples.
_STATISTICS = frozenset(("days", "hours", "max", "avg", "reds %", "yellows %", "over cap %", "90% <=", "95% <=",
                         "last ent", "last size"))


@dataclass(slots=True)
class _ScanLog(CellLog):
    """The findings of one workbook."""

    fix: str = "correct the cell or run HMC Scanner again"

    def at(self, severity: Severity, rule: str, message: str, fix: str, sheet: Sheet | None, row: int = 0,
           column: int = 0) -> None:
        self.say(severity, rule, message, fix, sheet.source(self.file, row, column) if sheet else Source(self.file))

    def bad_cell(self, sheet: Sheet, row: int, column: int, message: str, rule: str = "input.bad-value") -> None:
        self.bad(rule, message, sheet.source(self.file, row, column), f"{sheet.name}!{column_letters(column)}",
                 Severity.WARNING)


@dataclass(frozen=True, slots=True)
class _TableHeader:
    """The header row of one table: the field and the parser of each of its columns."""

    table: _SheetTable
    columns: dict[int, tuple[str, Parse]]


def _lpar_of(fields: dict[str, Any]) -> tuple[Any, Any]:
    return fields.get("name"), fields.get("managed_system_serial")


@dataclass(slots=True)
class _Scan:
    """One workbook while it is read: the records so far and what the sheets to come need of them."""

    log: _ScanLog
    records: list[Record] = field(default_factory=list)
    systems: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[tuple[Any, ...], Source] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    off: set[tuple[Any, Any]] = field(default_factory=set)
    """(name, serial number of the system) of the LPARs that are off."""

    def add(self, kind: str, fields: dict[str, Any], sheet: Sheet, row: int, column: int = 0) -> None:
        if kind in _NO_TABLE:
            return
        lpar = _lpar_of(fields)
        if kind == "scanner-lpar-cpu" and fields.get("status") == "off":
            self.off.add(lpar)
        elif kind == "scanner-lpar-mem" and lpar in self.off:
            fields["status"] = "off"
        self.records.append(Record(kind, fields, sheet.source(self.log.file, row, column)))
        if kind == "scanner-system":
            self.systems.append(fields)

    def system(self, shown: str) -> dict[str, Any]:
        """The two system fields for a name, a serial number, or a title that holds the serial number."""
        words = re.split(r"[^\w-]+", shown)
        for fields in self.systems:
            names = {name: fields[name] for name in _SYSTEM_FIELDS if isinstance(fields.get(name), str)}
            if names.get("managed_system_name") == shown or names.get("managed_system_serial") in words:
                return names
        return {}

    def sampled(self, system: Any) -> bool:
        """Whether performance data were sampled: of the system, of any system when it is not known."""
        rates = {fields.get("managed_system_name"): fields.get("perf_sample_rate") for fields in self.systems}
        asked = [rates[system]] if system in rates else list(rates.values())
        return any(isinstance(rate, int) and rate > 0 for rate in asked)

    def pool_of(self, sheet: Sheet, row: int, column: int, fields: dict[str, Any]) -> None:
        """The physical pool of the system that the column is named after, where no System_Summary lists systems."""
        fields["managed_system_name"] = fields["headings"][-2]
        if (sheet.name, "") not in self.seen:
            self.seen[sheet.name, ""] = sheet.source(self.log.file, row, column)
            self.log.at(Severity.INFO, "history.assumed-pool", "no System_Summary says which systems there are: each "
                        f"column of {sheet.name} is taken for the physical pool of the system of its name",
                        "give the sheet System_Summary in the same file", sheet, row, column)

    def no_data(self, sheet: Sheet, row: int, column: int) -> None:
        """All zero where no sampling was on is no usage of 0: nothing was measured. Said once a sheet."""
        if sheet.name not in self.empty:
            self.empty.add(sheet.name)
            self.log.at(Severity.WARNING, "input.no-data",
                        f"{sheet.name} holds only zeros of systems " + (
                            "whose performance sampling was off" if self.systems else
                            "of which nothing says that they were sampled"),
                        "left out; switch sampling on at the HMC to get usage", sheet, row, column)


def is_sheet(name: str) -> bool:
    """Whether HMC Scanner has a sheet of this name."""
    key = _sheet_key(name)
    return key in _SHEETS or key in _LEFT_OUT or key == "vios disks" or _USAGE_SHEET.fullmatch(key) is not None


def headers_of(sheet: str) -> set[str]:
    """The headers that are known of a sheet, as they are compared."""
    return {header for table in _SHEETS.get(_sheet_key(sheet), ()) for header in table.columns}


def recognise_bytes(data: bytes) -> bool:
    """A workbook that has at least three of HMC Scanner's own sheets."""
    own = {_sheet_key(name) for name in sheet_names(data)} & (_SHEETS.keys() | _LEFT_OUT.keys() | {"vios disks"})
    return len(own - {"sea", "fc", "vnic", "hmc", "header", "service agent"}) >= 3


def read_bytes(data: bytes, file: str) -> Reading:
    """All sheets of one HMC Scanner workbook."""
    book = open_workbook(data, file)
    if isinstance(book, Finding):
        return Reading(KIND, (), (book,))
    reading = read_sheets(book.sheets, file)
    present = {_sheet_key(sheet.name) for sheet in book.sheets}
    missing = (Finding("input.missing-sheet", Severity.WARNING, file, f"the workbook has no sheet {name}",
                       "run HMC Scanner again and keep all its sheets", Source(file))
               for name in _REQUIRED_SHEETS if _sheet_key(name) not in present)
    return replace(reading, findings=(*reading.findings, *missing))


def read_sheets(sheets: Sequence[Sheet], file: str) -> Reading:
    """Sheets of one workbook, all or some."""
    scan = _Scan(_ScanLog(file))
    needed_first = ("system summary", "lpar cpu")
    for sheet in sorted(sheets, key=lambda sheet: _sheet_key(sheet.name) not in needed_first):
        _read_sheet(scan, sheet)
    _joined(scan.records)
    return Reading(KIND, tuple(scan.records), scan.log.closed(), taken=_taken(sheets))


def together(readings: Iterable[Reading]) -> list[Reading]:
    """Sheets that were saved as texts of their own, a folder of them, say together what one workbook says."""
    every = list(readings)
    folders: dict[tuple[str, str], list[int]] = {}
    for at, reading in enumerate(every):
        sources = (*(r.source for r in reading.records[:1]), *(f.source for f in reading.findings[:1]))
        source = next(iter(sources), None)
        if reading.kind == KIND and source and source.line:
            folders.setdefault((reading.folder, source.file.rpartition("/")[0]), []).append(at)
    for places in folders.values():
        records = [replace(r, fields=dict(r.fields)) for at in places for r in every[at].records]
        _completed_by_others(records)
        said = _said_of_all(records)
        taken = next((every[at].taken for at in places if _says_when(every[at])), None)
        for at in places:
            own, records = records[:len(every[at].records)], records[len(every[at].records):]
            every[at] = replace(every[at], records=tuple(own), findings=(*every[at].findings, *said),
                                taken=every[at].taken if _says_when(every[at]) else taken or every[at].taken)
            said = ()
    return every


def _says_when(reading: Reading) -> bool:
    return reading.taken is not None and reading.taken.by == BY_TEXT


def _completed_by_others(records: list[Record]) -> None:
    """The serial number of a system that is only named, which LPARs are off, and what :func:`_joined` joins."""
    scan = _Scan(_ScanLog(""))
    scan.systems = [r.fields for r in records if r.kind == "scanner-system"]
    scan.off = {_lpar_of(r.fields) for r in records if r.kind == "scanner-lpar-cpu" and r.fields.get("status") == "off"}
    for record in records:
        if "managed_system_serial" not in record.fields and "managed_system_name" in record.fields:
            record.fields.update(scan.system(str(record.fields["managed_system_name"])))
        if record.kind == "scanner-lpar-mem" and _lpar_of(record.fields) in scan.off:
            record.fields["status"] = "off"
    _joined(records)


def _said_of_all(records: list[Record]) -> tuple[Finding, ...]:
    """Of which systems these sheets are, and which of those are not there that make an estate."""
    there = {record.kind for record in records}
    lacking = [name for name, kind in _REQUIRED_SHEETS.items() if kind not in there]
    if not records or not lacking:
        return ()
    source = Source(records[0].source.file)
    systems = {str(r.fields["managed_system_name"]) for r in records if "managed_system_name" in r.fields}
    of = f" of {some(sorted(systems), 4)}" if systems else ""
    what, fix = (f"usage{of}, which makes no estate", "planner history add takes it") if there <= _USAGE.keys() else (
        f"sheets{of} as text; not among them: {', '.join(lacking)}",
        "save these sheets beside it, or give the workbook, unless other exports say the same")
    return (Finding("input.missing-sheet", Severity.INFO, source.file, f"HMC Scanner: {what}", fix, source),)


def _taken(sheets: Iterable[Sheet]) -> Taken | None:
    """When the console was asked: the date and time in the sheet *Header*."""
    cells = {text_of(row[0]): text_of(row[1]) for sheet in sheets if _sheet_key(sheet.name) == "header"
             for row in sheet.rows if len(row) > 1}
    return next((taken for of in ("Manager", "Generation")
                 if (taken := stated_time(f"{cells.get(f'{of} Date', '')} {cells.get(f'{of} Time', '')}"))), None)


def _joined(records: list[Record]) -> None:
    """What sheets say together: the VLANs of a SEA by the slots of its trunks, ports by where they stand."""
    of: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        of.setdefault(record.kind, []).append(stated(record))
    trunks = {(r.get("managed_system_name"), r.get("lpar_name"), r.get("slot")): r
              for r in of.get("scanner-veth", ()) if r.get("trunk") and "port_vlan_id" in r}
    names = _port_names(of)
    for record in records:
        have = stated(record)
        if record.kind == "scanner-sea":
            record.fields["vlans"] = _vlans_of(have, trunks)
        elif record.kind == "scanner-vfc" and "physical_fc_slot" in have:
            vios = have.get("lpar_name" if have.get("type") == "server" else "remote_lpar")
            record.fields["port"] = names.get((vios, have["physical_fc_slot"]), have["physical_fc_slot"])


def _vlans_of(sea: dict[str, Any], trunks: dict[tuple[Any, ...], dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    slots = [int(str(v)) for k, v in sea.items() if _VIRTUAL_SLOT.fullmatch(k) and re.fullmatch("[0-9]{1,6}", str(v))]
    rows = [trunks.get((sea.get("managed_system_name"), sea.get("vios"), slot)) for slot in slots]
    return tuple((str(r.get("virtual_switch") or DEFAULT_VSWITCH), vlan)
                 for r in rows if r for vlan in (r["port_vlan_id"], *r.get("ieee_vlan_ids", ())))


def _port_names(of: dict[str, list[dict[str, Any]]]) -> dict[tuple[Any, Any], str]:
    """(VIOS, location code) → the name of the port: sheet FC has its WWPN, IO_slot_children where that WWPN is."""
    names = [(r["vios"], _wwpn(r["wwpn"]), r["fc"]) for r in of.get("scanner-fc", ())
             if {"vios", "fc", "wwpn"} <= r.keys()]
    places = {_wwpn(r["wwpn"]): r["physical_location"] for r in of.get("scanner-slot-child", ())
              if {"physical_location", "wwpn"} <= r.keys()}
    return {(vios, places[wwpn]): str(name) for vios, wwpn, name in names if wwpn in places}


_VIRTUAL_SLOT = re.compile(r"virt_\d{1,3}_slot")


def _wwpn(text: Any) -> str:
    return str(text).lower().removeprefix("0x").replace(":", "")


def _sheet_key(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _read_sheet(scan: _Scan, sheet: Sheet) -> None:
    key = _sheet_key(sheet.name)
    usage = _USAGE_SHEET.fullmatch(key)
    if not sheet.rows:
        return
    if key in _SHEETS:
        _read_tables(scan, sheet, _SHEETS[key])
    elif key == "vios disks":
        _read_disks(scan, sheet)
    elif usage and usage[1] != "sys ram":
        _read_usage(scan, sheet, _USAGE_KINDS[usage[1]], usage[2])
    else:
        known = "memory of the whole server in use" if usage else _LEFT_OUT.get(key)
        scan.log.at(Severity.INFO if known else Severity.WARNING, "input.unknown-sheet",
                    f"the sheet {sheet.name!r} is not read", f"no plan needs it: {known}" if known else
                    "nothing to do unless it holds what the plan needs", sheet)


def _filled(row: Iterable[Cell]) -> list[int]:
    return [column for column, cell in enumerate(row) if text_of(cell)]


def _read_tables(scan: _Scan, sheet: Sheet, tables: tuple[_SheetTable, ...]) -> None:
    """Row by row: a header row opens a table, a lone cell between tables names the system of what follows."""
    header: _TableHeader | None = None
    block: dict[str, Any] = {}
    by_block, lone_titles = tables[0].blocks, tables[0].blocks or tables[0].open
    opened = False
    for number, row in enumerate(sheet.rows):
        filled = _filled(row)
        keys = [_key(cell) for cell in row]
        table = next((table for table in tables if table.known_by.issubset(keys)), None)
        if table:
            header, opened = _header(scan, sheet, number, table), True
            continue
        if not filled or (by_block and not header and keys[filled[0]] in _OF_SWITCHES):
            continue
        if lone_titles and len(filled) == 1:
            header = None
            if by_block and keys[filled[0]] not in _LABELS:
                block = _block(scan, sheet, number, filled[0])
        elif header and (len(filled) > 1 or len(header.columns) <= 2):
            _read_row(scan, sheet, number, header, block)
        else:
            scan.log.bad_cell(sheet, number, filled[0], f"{text_of(row[filled[0]])[:60]!r} stands outside any table",
                              "input.unknown-text")
    if not opened:
        known = " and ".join(sorted(tables[-1].known_by))
        scan.log.at(Severity.WARNING, "input.missing-column", f"{sheet.name} has no row of headers with {known}",
                    "keep the header row as HMC Scanner wrote it", sheet)


def _block(scan: _Scan, sheet: Sheet, row: int, column: int) -> dict[str, Any]:
    shown = text_of(sheet.rows[row][column])
    system = scan.system(shown)
    if not system and scan.systems:
        scan.log.at(Severity.WARNING, "input.unknown-name", f"{shown[:60]!r} is no managed system of System_Summary",
                    "taken as a system's name for the tables below it", sheet, row, column)
    return system or {"managed_system_name": shown}


def _header(scan: _Scan, sheet: Sheet, row: int, table: _SheetTable) -> _TableHeader:
    cells = sheet.rows[row]
    columns: dict[int, tuple[str, Parse]] = {}
    names: Counter[str] = Counter()
    own = dict(table.columns.values())
    for column, key in enumerate(_grouped(cells)):
        if key is None:
            continue
        name = _snake(text_of(cells[column]))
        name, parse = table.columns.get(key) or (name, own.get(name) or _TYPED.get(name, _guess))
        names[name] += 1
        columns[column] = (name if names[name] == 1 else f"{name}_{names[name]}", parse)
        if key not in table.columns and name not in own and not table.open:
            scan.log.at(Severity.WARNING, "input.unknown-column",
                        f"{sheet.name} has a column {text_of(cells[column])[:60]!r} that is not known",
                        f"kept as {name}; a newer HMC Scanner may mean something by it", sheet, row, column)
    for name in table.needed:
        if not names[name]:
            scan.log.at(Severity.WARNING, "input.missing-column", f"{sheet.name} has no column for {name}",
                        "keep all columns as HMC Scanner wrote them", sheet, row, 0)
    return _TableHeader(table, columns)


def _grouped(cells: tuple[Cell, ...]) -> Iterator[str | None]:
    """The key of each header; those between ``AMS->`` and ``<-AMS`` begin with ``ams``. None for no column."""
    group = ""
    for cell in cells:
        key = _key(cell)
        if key.endswith("->") or key.startswith("<-"):
            group = key[:-2].strip() + " " if key.endswith("->") else ""
            yield None
        else:
            yield group + key if key else None


def _read_row(scan: _Scan, sheet: Sheet, row: int, header: _TableHeader, block: dict[str, Any]) -> None:
    fields = dict(block)
    cells = sheet.rows[row]
    parsed = [_set(scan.log, fields, sheet, row, column, *one) for column, one in header.columns.items()]
    beside = [column for column in _filled(cells) if column not in header.columns and _key(cells[column])]
    for column in beside:
        message = f"{text_of(cells[column])[:60]!r} has no header"
        scan.log.bad_cell(sheet, row, column, message, "input.unknown-text")
    if sheet.lines and beside and not all(parsed):
        scan.log.bad_cell(sheet, row, 0, "its cells do not stand below their headers; left out", "input.bad-row")
        return
    _completed(header.table.kind, fields)
    if _acceptable(scan, sheet, row, header, fields):
        scan.add(header.table.kind, fields, sheet, row)


def _set(log: _ScanLog, fields: dict[str, Any], sheet: Sheet, row: int, column: int, name: str, parse: Parse) -> bool:
    """Whether the cell is what it should be; else it is told."""
    cells = sheet.rows[row]
    cell = cells[column] if column < len(cells) else None
    none = non_value_of(cell)
    try:
        fields[name] = parse(cell) if none is None else none
    except ValueError as error:
        log.bad_cell(sheet, row, column, f"{name}: {error}")
        return False
    return True


def _acceptable(scan: _Scan, sheet: Sheet, row: int, header: _TableHeader, fields: dict[str, Any]) -> bool:
    """Report needed fields without a value and rows that stand twice; the latter are left out, and of a text the
    former: a separator that was lost moves all behind it."""
    present = {name for name, _ in header.columns.values()}
    lacking = [name for name in header.table.needed if name in present and isinstance(fields.get(name), NonValue)]
    for name in lacking:
        column = next(c for c, (other, _) in header.columns.items() if other == name)
        scan.log.bad_cell(sheet, row, column, f"{name} is empty" + ("; left out" if sheet.lines else ""),
                          "input.missing-value")
    if lacking and sheet.lines:
        return False
    key = (header.table.kind, *(fields.get(name) for name in header.table.needed))
    here = sheet.source(scan.log.file, row)
    first = scan.seen.setdefault(key, here) if header.table.unique else here
    if first != here:
        shown = ", ".join(str(part) for part in key[1:])
        scan.log.bad_cell(sheet, row, 0, f"{shown} stands twice (first in {first.cell or first}); left out",
                          "input.duplicate-key")
        return False
    return True


_CLIENT = re.compile(r'0x([0-9a-fA-F]{1,8})(?:\s+"?([^"]*)"?)?')


def _completed(kind: str, fields: dict[str, Any]) -> None:
    """What the cells of a row say together: an id and a name inside a text, a flag that is set or not written."""
    if kind == "scanner-vscsi-map":
        _split_client(fields)
    elif kind == "scanner-slot" and fields.get("reqrd") is NonValue.EMPTY:
        fields["reqrd"] = False


def _split_client(fields: dict[str, Any]) -> None:
    """``0x0000000d "name"`` → ``client_lpar_id`` 13, ``client_lpar_name`` name; id 0 is any client, so none."""
    match = _CLIENT.fullmatch(str(fields.get("client", "")))
    if match:
        fields["client_lpar_id"] = int(match[1], 16) or NonValue.NONE
        fields["client_lpar_name"] = (match[2] or "").strip() or NonValue.EMPTY


def _read_disks(scan: _Scan, sheet: Sheet) -> None:
    """Sheet VIOS disks: one row a disk, one column a VIOS (``system@vios``) with the name the disk has there."""
    keys = [[_key(cell) for cell in row] for row in sheet.rows[:10]]
    top = next((number for number, row in enumerate(keys) if "uuid" in row), None)
    if top is None:
        scan.log.at(Severity.WARNING, "input.missing-column", f"{sheet.name} has no row of headers with UUID",
                    "keep the header row as HMC Scanner wrote it", sheet)
        return
    size = next((column for column, key in enumerate(keys[top]) if key.startswith("size")), None)
    vioses = {column: text_of(cell) for column, cell in enumerate(sheet.rows[top]) if "@" in text_of(cell)}
    for column in sorted(set(_filled(sheet.rows[top])) - {size, keys[top].index("uuid")} - vioses.keys()):
        scan.log.at(Severity.WARNING, "input.unknown-column", f"{sheet.name} has a column that is no system@vios",
                    "left out", sheet, top, column)
    for row in range(top + 1, len(sheet.rows)):
        if _filled(sheet.rows[row]):
            _read_disk(scan, sheet, row, keys[top].index("uuid"), size, vioses)


def _read_disk(scan: _Scan, sheet: Sheet, row: int, uuid: int, size: int | None, vioses: dict[int, str]) -> None:
    fields: dict[str, Any] = {}
    _set(scan.log, fields, sheet, row, uuid, "uuid", _text)
    if size is not None:
        _set(scan.log, fields, sheet, row, size, "size", _float)
    names: dict[str, Any] = {}
    for column, vios in vioses.items():
        _set(scan.log, names, sheet, row, column, vios, _text)
    fields["hdisks"] = tuple(
        (*_split_vios(vios), name) for vios, name in names.items() if not isinstance(name, NonValue))
    scan.add("scanner-vios-disk", fields, sheet, row)


def _split_vios(header: str) -> tuple[str, str]:
    system, _, vios = header.rpartition("@")
    return system, vios


def _read_usage(scan: _Scan, sheet: Sheet, kind: str, resolution: str | None) -> None:
    dates = next(((row, column) for row, cells in enumerate(sheet.rows[:60])
                  for column, cell in enumerate(cells[:5]) if _key(cell) == "date"), None)
    if dates and resolution != "monthly":
        _read_series(scan, sheet, kind, resolution or "daily", *dates)
        return
    if any(isinstance(cell, dt.date) or _MONTH.fullmatch(text_of(cell)) for cells in sheet.rows[:60] for cell in cells):
        scan.log.at(Severity.INFO, "history.too-coarse", f"{sheet.name} has monthly averages, which are not kept",
                    "daily and hourly sheets of the workbook are", sheet)
        return
    scan.log.at(Severity.WARNING, "input.missing-column", f"{sheet.name} has neither a Date row nor months as headers",
                "keep the sheet as HMC Scanner wrote it", sheet)


def _sample(log: _ScanLog, sheet: Sheet, row: int, column: int) -> float | None:
    cells = sheet.rows[row]
    cell = cells[column] if column < len(cells) else None
    if cell is None:
        return None
    if type(cell) is float and 0 <= cell < 1e9:
        return cell
    try:
        return None if non_value_of(cell) else float(_float(cell))
    except ValueError as error:
        log.bad_cell(sheet, row, column, str(error))
        return None


def _read_series(scan: _Scan, sheet: Sheet, kind: str, resolution: str, top: int, label: int) -> None:
    """Daily and hourly sheets: one column an LPAR (or a pool), statistics above ``Date``, samples below it."""
    statistics = [row for row in range(top) if _label(sheet, row, label) in _STATISTICS]
    above = _headings(sheet, min(statistics, default=top), label)
    rows = [(row, when) for row in range(top + 1, len(sheet.rows)) if (when := _when(scan.log, sheet, row, label))]
    times = tuple(when for _, when in rows)
    for column, headings in above.items():
        fields: dict[str, Any] = {"name": headings[-1], "resolution": resolution}
        if kind == "scanner-pool-usage" and (scan.system(headings[-1]) or not scan.systems):
            fields["name"], headings = PHYSICAL_POOL, (*headings, PHYSICAL_POOL)
        for heading in headings[:-1]:
            fields.update(scan.system(heading))
        fields["headings"] = headings
        if kind == "scanner-pool-usage" and not scan.systems:
            scan.pool_of(sheet, top, column, fields)
        for row in statistics:
            if _label(sheet, row, label) == "last ent":
                _set(scan.log, fields, sheet, row, column, "last_ent", _units)
        fields["times"] = times
        fields["values"] = tuple(_sample(scan.log, sheet, row, column) for row, _ in rows)
        if any(fields["values"]) or scan.sampled(fields.get("managed_system_name")):
            scan.add(kind, fields, sheet, top, column)
        else:
            scan.no_data(sheet, top, column)


def _label(sheet: Sheet, row: int, column: int) -> str:
    cells = sheet.rows[row]
    return _key(cells[column]) if column < len(cells) else ""


def _headings(sheet: Sheet, below: int, label: int) -> dict[int, tuple[str, ...]]:
    """What stands right above the statistics in each column, from top to bottom: the last one is the name."""
    first = below
    while first > 0 and any(column > label for column in _filled(sheet.rows[first - 1])):
        first -= 1
    above: dict[int, list[str]] = {}
    for row in range(first, below):
        for column in _filled(sheet.rows[row]):
            if column > label:
                above.setdefault(column, []).append(text_of(sheet.rows[row][column]))
    names = _filled(sheet.rows[below - 1]) if below > first else []
    return {column: tuple(above[column]) for column in names if column > label}


def _when(log: _ScanLog, sheet: Sheet, row: int, column: int) -> dt.datetime | None:
    """Local time of the managed system; the hour is 0 where only a day is given."""
    cells = sheet.rows[row]
    cell = cells[column] if column < len(cells) else None
    if isinstance(cell, dt.datetime):
        return cell
    if isinstance(cell, dt.date):
        return dt.datetime(cell.year, cell.month, cell.day)
    try:
        return values.time(text_of(cell)) if _filled(cells) else None
    except ValueError as error:
        log.bad_cell(sheet, row, column, str(error))
    return None


# --- what is taken ----------------------------------------------------------------------------------------------------


def _system(r: Record) -> str:
    have = stated(r)
    return str(have.get("managed_system_serial") or have.get("managed_system_name") or "")


def _ref(r: Record, name: str = "name") -> PartRef:
    have = stated(r)
    return PartRef(_system(r), have.get("id"), str(have.get(name, "")))


def _sys(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    name, serial = str(have["managed_system_name"]), str(have.get("managed_system_serial", ""))
    values = pick(r, {"type_model": "model", "managed_system_serial": "serial", "act_proc_units": "configurable_units",
                      "act_mem": "configurable_memory_mib"})
    release, level = (str(have.get(name, "")) for name in ("ec_number", "activated_level"))
    if firmware_of(release, level):
        values["firmware"] = (firmware_of(release, level), r.source)
    generation = re.search(r"POWER\d{1,2}\+?", str(have.get("cpu_type", "")), re.IGNORECASE)
    if generation:
        values["cpu_generation"] = (generation[0].upper(), r.where("cpu_type"))
    if "status" in have:
        values |= state_of_system(str(have["status"]), r.where("status"))
    for manager in ("mgr_1", "mgr_2"):
        intake.system(name, {**values, **pick(r, {manager: "console"})}, r.source, serial)
    if "firm_mem" in have:
        intake.firmware_total.setdefault(name, (have["firm_mem"], r.where("firm_mem")))


def _lpar(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    environment, version = str(have.get("environment", "")), str(have.get("os_version", ""))
    vios = environment == "vioserver" or version.startswith("VIOS") if environment else None
    values: Values = pick(r, {"id": "lpar_id", "migration_disabled": "migration_disabled"})
    values |= first(r, "profile", "current_profile", "default_profile")
    values |= state_from(r, "status")
    if "rmc_state" in have:
        values["rmc_active"] = (str(have["rmc_state"]).lower() == "active", r.source)
    if "proc_mode" in have:
        values["current_mode"] = (mode_of(str(have["proc_mode"])), r.source)
    values |= runs(environment, version, vios=vios, source=r.source)
    intake.partitions.append(Partition(_ref(r), vios, values, r.source))


def _cpu(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    dedicated = have.get("mode") == "ded"
    off = have.get("status") == "off"
    now = ("tgt_cpu", "curr_cpu", "tgt_ent", "curr_ent") if off else ("curr_cpu", "tgt_cpu", "curr_ent", "tgt_ent")
    values = first(r, "virtual_processors", *now[:2]) | first(r, "max_virtual_processors", "max_cpu")
    values["processors"] = ("dedicated" if dedicated else "shared", r.source)
    if dedicated:
        if "virtual_processors" in values:
            values["entitlement_units"] = (values["virtual_processors"][0] * 100, r.source)
    else:
        values |= first(r, "entitlement_units", *now[2:]) | pick(r, {"weight": "weight"})
        sharing = sharing_of(str(have.get("sharing_mode", "")))
        if sharing:
            values["sharing"] = (sharing, r.source)
    _sizes(intake, r, values, off)


def _sizes(intake: Intake, r: Record, values: Values, off: bool) -> None:
    """What runs; of an LPAR that is off, what it would get where its profile does not say it."""
    if off:
        intake.profiles.append(Profile(_ref(r), "", {}, values))
    else:
        intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _mem(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    off = have.get("status") == "off"
    sizes = first(r, "memory_mib", *(("tgt_mem", "curr_mem") if off else ("curr_mem", "tgt_mem")))
    sizes |= first(r, "max_memory_mib", "max_mem")
    _sizes(intake, r, sizes, off)
    values: Values = {}
    if "exp_fact" in have:
        values["memory_expansion_percent"] = (percent_of(have["exp_fact"]), r.where("exp_fact"))
    if have.get("mode") in ("ded", "shared"):
        values["memory_mode"] = ("shared" if have["mode"] == "shared" else "dedicated", r.source)
    intake.partitions.append(Partition(_ref(r), None, values, r.source))


def _eth(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "slot" in have and "port_vlan_id" in have:
        intake.ethernets.append(Ethernet(
            _ref(r, "lpar_name"), have["slot"], have["port_vlan_id"], tuple(sorted(have.get("ieee_vlan_ids", ()))),
            str(have.get("virtual_switch") or DEFAULT_VSWITCH), bool(have.get("trunk")), r.source))


def _adapter(into: str) -> TakeFacts:
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        if str(have.get("type", "")).lower() != "client" or "slot" not in have:
            return
        slot = have.get("remote_slot")
        wwpns = tuple(str(have[w]) for w in ("wwpn_1", "wwpn_2") if w in have)
        getattr(intake, into).append(Client(
            _ref(r, "lpar_name"), have["slot"], PartRef(_system(r), None, str(have.get("remote_lpar", ""))),
            slot if isinstance(slot, int) else None, wwpns, r.source))
    return take


def _slot(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if have.get("lpar"):
        place = ((str(have.get("location") or have.get("drc_index")),), r.source)
        ref = PartRef(_system(r), None, str(have["lpar"]))
        intake.partitions.append(Partition(ref, None, {"physical_adapters": place}, r.source))


def _each(ours: str, theirs: str) -> TakeFacts:
    """One more adapter that an LPAR has; a port behind a vNIC is its VIOS's."""
    def take(intake: Intake, r: Record, reading: Reading) -> None:
        have = stated(r)
        behind = str(have.get("vnic_backing_device", "")).lower() in ("1", "true", "yes")
        if have.get("lpar") and theirs in have and not behind:
            intake.has(PartRef(_system(r), None, str(have["lpar"])), ours, str(have[theirs]), r.where(theirs))
    return take


def _vnic(intake: Intake, r: Record, reading: Reading) -> None:
    """A vNIC, with VIOS and physical port of each of up to six backing devices; the sheet has no capacity of them."""
    _each("vnic_adapters", "slot")(intake, r, reading)
    have = stated(r)
    devices = [(n, str(have.get(f"vios{end}", "")), str(have.get(f"physical_port{end}", "")))
               for n, end in enumerate(("", "_2", "_3", "_4", "_5", "_6"), 1)]
    for n, vios, port in [one for one in devices if one[0] == 1 or any(one[1:])] if have.get("lpar") else ():
        if isinstance(have.get("slot"), int):
            intake.vnics.append(VnicDevice(PartRef(_system(r), None, str(have["lpar"])), have["slot"], n,
                                           PartRef(_system(r), None, vios), port, None, r.source))


def _profile(intake: Intake, r: Record, reading: Reading) -> None:
    values = pick(r, {"bsr_arrays": "bsr_arrays"})
    ratio = hpt_ratio_of(stated(r).get("hpt_ratio"))
    if ratio:
        values["hpt_ratio"] = (ratio, r.where("hpt_ratio"))
    intake.profiles.append(Profile(_ref(r, "lpar_name"), str(stated(r).get("profile_name", "")), values,
                                   profile_sizes(r, _DESIRED, "proc_mode", "sh_mode")))


_DESIRED = {"des_proc": "virtual_processors", "des_ent": "entitlement_units", "max_proc": "max_virtual_processors",
            "des_mem": "memory_mib", "max_mem": "max_memory_mib", "weight": "weight"}


def _sea(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "vios" in have and "sea" in have and have.get("vlans"):
        ref = ViosRef(str(have["vios"]), file=r.source.file)
        intake.seas.append(Sea(ref, str(have["sea"]), have["vlans"], r.source))


def _fc(intake: Intake, r: Record, reading: Reading) -> None:
    """A port that is linked; the sheet counts no virtual ports and names no fabric."""
    have = stated(r)
    if {"vios", "fc", "wwpn"} <= have.keys():
        ref = ViosRef(str(have["vios"]), file=r.source.file)
        intake.ports.append(NpivPort(ref, str(have["fc"]), "", None, r.source))


def _vfc(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if str(have.get("type", "")).lower() == "server" and "port" in have and "slot" in have:
        ref = ViosRef(str(have.get("lpar_name", "")), file=r.source.file)
        client = PartRef(_system(r), None, str(have.get("remote_lpar", "")))
        intake.vfcs.append(Vfc(ref, have["slot"], client, str(have["port"]), r.source))
    _FC_CLIENT(intake, r, reading)


def _backing(r: Record) -> str:
    have = stated(r)
    kind = backing_kind(have.get("backing_device"), have.get("vtd"), r.fields.get("phys_loc"))
    return BACKING.get(kind or "", "lv")


def _map(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "vtd" not in have:
        return
    slot = re.search(r"(\d+)$", str(have.get("slot", "")))
    device = str(have.get("backing_device", have["vtd"]))
    vios = ViosRef(str(have["vios"]), file=r.source.file)
    intake.vhosts.add((vios, None))
    client = PartRef(_system(r), have.get("client_lpar_id") or None, str(have.get("client_lpar_name", "")))
    intake.mappings.append(DiskMapping(vios, int(slot[1]) if slot else None, client, str(have["vtd"]), _backing(r),
                                       device, r.source, vhost=str(have.get("name", ""))))
    if "identifier" in have and device.startswith("hdisk"):
        intake.hdisks.append(Hdisk(vios, device, (f"uid:{have['identifier']}",), "", r.source))


def _disk(intake: Intake, r: Record, reading: Reading) -> None:
    have = stated(r)
    if "uuid" in have:
        for _, vios, hdisk in have.get("hdisks", ()):
            ref = ViosRef(vios, file=r.source.file)
            intake.hdisks.append(Hdisk(ref, hdisk, (f"uid:{have['uuid']}",), "", r.source))


_FC_CLIENT = _adapter("fc")
_FACTS: dict[str, TakeFacts] = {
    "scanner-system": _sys, "scanner-lpar": _lpar, "scanner-lpar-cpu": _cpu, "scanner-lpar-mem": _mem,
    "scanner-slot": _slot, "scanner-profile": _profile,
    "scanner-veth": _eth, "scanner-vscsi": _adapter("scsi"), "scanner-vfc": _vfc, "scanner-vscsi-map": _map,
    "scanner-vios-disk": _disk, "scanner-sea": _sea, "scanner-fc": _fc,
    "scanner-vnic": _vnic,
    "scanner-sriov-logical-port": _each("sriov_ports", "logical_port"),
}


_USAGE = {"scanner-lpar-usage": Kind.LPAR, "scanner-pool-usage": Kind.POOL}


def _take_samples(out: Extract, reading: Reading) -> None:
    for record in reading.records:
        if record.kind in _USAGE:
            _take_series(out, record, _USAGE[record.kind])


def _take_series(out: Extract, record: Record, kind: Kind) -> None:
    """A label is taken as the beginning of its day or hour; an hour that is not sampled is a gap."""
    fields = record.fields
    hourly = fields["resolution"] == "hourly"
    name, server = fields["name"], str(fields.get("managed_system_name") or "")
    starts: list[dt.datetime] = list(fields["times"])
    begun = out.instants(starts, name)
    if begun is None or not starts:
        return
    ends = ([at + 3600 for at in begun] if hourly
            else out.instants([start + dt.timedelta(days=1) for start in starts], name) or [])
    entitled = whole(fields.get("last_ent"))
    for at, end, value in zip(begun, ends, fields["values"], strict=True):
        if value is not None:
            out.sample(Sample(kind, name, server, end, end - at, thousandths(value), entitled), record.source)


FORMAT = Format(KIND, recognise_bytes, read_bytes, _FACTS, _take_samples, binary=True)


def known_fields() -> Iterator[tuple[str, str]]:
    """(record kind, field) of all columns that are typed here."""
    return ((table.kind, name) for tables in _SHEETS.values() for table in tables if table.kind not in _NO_TABLE
            for name, _ in table.columns.values())


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "named by its serial number": (
        ("scanner-*", "managed_system_name"),
    ),
    "of a profile, what says no size": (
        ("scanner-profile", "active affinity_grp all_res auto_start boot_mode conn_monit *_huge_pages env err_reporting"
         " max_ent mem_exp mem_mode min_* proc_compat proc_pool_*"),
    ),
    "restart, console and management of the LPAR: the same after a move": (
        ("scanner-lpar", "auto_start pool_data_available *remote_restart* rmc_ip suspend_capable"
         " sync_current_profile"),
    ),
    "a limit of the LPAR's profile, or a figure computed from two others": (
        ("scanner-lpar-cpu", "max_ent min_* vp_e_percent"),
        ("scanner-lpar-mem", "min_mem"),
    ),
    "the sheet names pools without their ids, by which LPARs and plans know them": (
        ("scanner-lpar-cpu", "pool_*"),
    ),
    "who pages for shared memory; whether it is shared is taken": (
        ("scanner-lpar-mem", "ams_*"),
    ),
    "power, processors' speed, addresses and what is free: a plan computes the last from what each partition holds": (
        ("scanner-system", "*avail* deconf_* ded_* deferred_level ghz ipl_level lpar_count"
         " perf_sample_rate pool_size_proc_units prim_sp sec_sp tot_* virt_procs"),
    ),
    "names and states of an adapter: it follows its LPAR as it is": (
        ("scanner-v*", "mac_address required state trunk_priority physical_fc_slot"),
        ("scanner-sea", "*"),
    ),
    "what the slot's adapter is; that an LPAR has it is enough": (
        ("scanner-slot", "adapter_description profiles_* reqrd"),
    ),
    "taken apart before: client_lpar_id and client_lpar_name": (
        ("scanner-vscsi-map", "client"),
    ),
    "the path's number and state on this VIOS, which a move makes anew": (
        ("scanner-vscsi-map", "lun mirrored status"),
    ),
    "the size of a disk does not move with the LPAR: the disk stays where it is": (
        ("scanner-vios-disk", "size"),
    ),
    "how a port is set and what passed through it": (
        ("scanner-fc", "*"),
    ),
    "where ports stand: it names the port behind a virtual adapter": (
        ("scanner-slot-child", "*"),
    ),
    "how a port or a vNIC is set, and physical ports: what stands in use is not counted by a plan": (
        ("scanner-sriov-*", "*"),
        ("scanner-vnic", "*"),
    ),
    "what stands above the name: the system, which is found by it": (
        ("scanner-*-usage", "headings managed_system_serial"),
    ),
}
