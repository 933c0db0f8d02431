"""Files that hold usage → samples and counters: nmon, lparstat with an interval, lslparutil, HMC Scanner, tables.

A mapped table of usage (``kind = "usage"``) has the fields ``time`` (``2026-11-30 14:05``, with or without an offset)
and ``name``, and may have ``entity`` (lpar, pool, server), ``server``, ``physc``, ``entitlement`` (cores),
``memory_used``, ``memory_total`` (with a unit in the mapping), ``span`` (seconds).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.findings import Finding, Severity, Source
from planner.formats import nmon, registry, table
from planner.formats.base import NonValue, Reading, Record, decode
from planner.formats.samples import Context, Count, Extract, Kind, Sample, spans, thousandths, whole
from planner.formats.values import decimal_from
from planner.formats.values import time as time_of

_GZIP = b"\x1f\x8b"
_BINARY = (b"PK", b"\xd0\xcf\x11\xe0")
_SINCE_BOOT = "input.since-boot"
_UNRECOGNISED = "input.unrecognised"
_TIME_ORDER = "input.time-order"  # said by :meth:`Extract.instants`, which knows when summer time ends
_MOST_COUNTER = (1 << 64) - 1
PHYSICAL_POOL = "physical pool"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that has been read: its name to show, the SHA-256 of its bytes, what the readers made of it."""

    name: str
    digest: str
    readings: tuple[Reading, ...]

    @staticmethod
    def of(readings: Iterable[Reading], name: str) -> SourceFile:
        """Readings that came from elsewhere than a file, identified by what they say."""
        kept = tuple(readings)
        said = hashlib.sha256()
        for reading in kept:
            said.update(repr((reading.kind, reading.host, reading.command)).encode())
            for record in reading.records:
                said.update(repr((record.kind, sorted(record.fields.items()))).encode())
        return SourceFile(name, said.hexdigest(), kept)


def read_sources(paths: Sequence[Path], mapping: table.Mapping | None = None, *,
                 but: Collection[Path] = ()) -> Iterator[SourceFile]:
    """The files under these paths, one at a time, ``but`` those that directories hold for another purpose.

    Raises InputError with all paths that are missing, at once.
    """
    missing = [_finding(str(path), "history.no-file", "no such file or directory", "check the path")
               for path in paths if not path.exists()]
    if missing:
        raise InputError(missing)
    others = {path.resolve() for path in but}
    for path in paths:
        for file, shown in _files(path):
            if file != path and file.resolve() in others:
                continue
            try:
                yield _read(file, shown, mapping)
            except OSError as error:
                raise InputError([_finding(shown, "input.unreadable", f"cannot be read: {error.strerror or error}",
                                           "check its permissions")]) from None


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    if path.is_file():
        yield path, path.name
        return
    for found in sorted(path.rglob("*")):
        if found.is_file() and not found.name.startswith((".", "~$")):
            yield found, found.relative_to(path).as_posix()


def _read(path: Path, shown: str, mapping: table.Mapping | None) -> SourceFile:
    """nmon is streamed, since a recording of a year is large; whatever a mapping fits is a table."""
    with path.open("rb") as stream:
        head = stream.read(4096)
        digest = hashlib.file_digest(stream, "sha256") if not stream.seek(0) else hashlib.sha256()
    if head.startswith((_GZIP, b"AAA,", b"\xef\xbb\xbfAAA,")):
        return SourceFile(shown, digest.hexdigest(), (nmon.read_file(path, shown),))
    data = path.read_bytes()
    readings = _mapped(data, shown, mapping) if mapping else None
    if readings is None:
        readings = registry.read_document(data, shown)
    return SourceFile(shown, digest.hexdigest(), tuple(readings))


def _mapped(data: bytes, shown: str, mapping: table.Mapping) -> list[Reading] | None:
    if data.startswith(_BINARY):
        return [table.read_bytes(data, shown, mapping)] if table.recognise_bytes(data, mapping) else None
    text, notes = decode(data, shown)
    if not table.recognise(text, mapping):
        return None
    reading = table.read(text, shown, mapping)
    return [replace(reading, findings=(*notes, *reading.findings))]


def _finding(file: str, rule: str, message: str, fix: str, severity: Severity = Severity.ERROR, *,
             subject: str = "", source: Source | None = None) -> Finding:
    return Finding(rule, severity, subject or file, message, fix, source or Source(file))


# --- what a source says -----------------------------------------------------------------------------------------------


def extract(source: SourceFile, context: Context) -> Extract:
    """All usage in a file. What cannot be used is a finding, never an exception."""
    out = Extract(source.name, context)
    for reading in source.readings:
        out.findings += [f for f in reading.findings if f.rule != _TIME_ORDER
                         and (f.severity is not Severity.INFO or f.rule == _SINCE_BOOT)]
        form = registry.by_kind(reading.kind)
        take = (form and form.samples) or _TAKERS.get(reading.kind)
        if take:
            take(out, reading)
    if not out.samples and not out.counts and {r.kind for r in source.readings} == {registry.UNRECOGNISED}:
        out.findings = [replace(f, severity=Severity.ERROR) if f.rule == _UNRECOGNISED else f for f in out.findings]
    if not out.samples and not out.counts and not any(
            f.severity is Severity.ERROR or f.rule == _UNRECOGNISED for f in out.findings):
        out.say("history.no-usage", Severity.INFO, "no usage in it",
                "nothing to do; see docs/history.md for what is read")
    return out


# --- lslparutil -------------------------------------------------------------------------------------------------------


def _hmc(out: Extract, reading: Reading) -> None:
    series: dict[tuple[Kind, str, str], list[Record]] = {}
    for record in reading.records:
        if record.kind.startswith("hmc-lslparutil-"):
            key = _hmc_entity(out, record)
            if key and isinstance(record.fields.get("time"), datetime):
                series.setdefault(key, []).append(record)
    for key in sorted(series):
        _hmc_series(out, key, series[key])


def _hmc_entity(out: Extract, record: Record) -> tuple[Kind, str, str] | None:
    what, fields = record.kind.rpartition("-")[2], record.fields
    server = str(fields.get("managed_system") or "")
    if what == "lpar" and isinstance(fields.get("lpar_name"), str):
        return Kind.LPAR, fields["lpar_name"], server
    if what == "pool":
        return Kind.POOL, PHYSICAL_POOL, server
    if what == "procpool" and isinstance(fields.get("shared_proc_pool_name"), str):
        return Kind.POOL, fields["shared_proc_pool_name"], server
    if what == "sys" and server:
        return Kind.SERVER, server, server
    out.once(f"entity {what}", "input.missing-value", Severity.WARNING,
             f"a sample of lslparutil -r {what} that does not say whose it is: left out",
             "keep the command line with its -m above the output, and list names", record.source)
    return None


def _hmc_series(out: Extract, key: tuple[Kind, str, str], records: list[Record]) -> None:
    instants = out.instants([record.fields["time"] for record in records], key[1])
    if instants is None:
        return
    timed = sorted(zip(instants, records, strict=True), key=lambda pair: pair[0])
    if key[0] is Kind.SERVER:
        lengths = spans([at for at, _ in timed])
        for (at, record), span in zip(timed, lengths, strict=True):
            out.sample(_hmc_server(record.fields, key[1], at, span), record.source)
        return
    for at, record in timed:
        count = _hmc_count(record.fields, key, at)
        if count is None:
            out.once(f"cycles {key[0]}", "input.missing-value", Severity.WARNING,
                     "a sample without the cycles used and the cycles of time: left out", "list all attributes",
                     record.source)
        else:
            out.counts.append(count)


def _hmc_server(fields: dict[str, Any], name: str, at: int, span: int) -> Sample:
    units, free = whole(fields.get("configurable_sys_proc_units")), whole(fields.get("curr_avail_sys_proc_units"))
    memory, spare = whole(fields.get("configurable_sys_mem")), whole(fields.get("curr_avail_sys_mem"))
    return Sample(Kind.SERVER, name, name, at, span, None, _less(units, free), _less(memory, spare), memory)


def _less(whole: int | None, free: int | None) -> int | None:
    return whole - free if whole is not None and free is not None and free <= whole else None


def _hmc_count(fields: dict[str, Any], key: tuple[Kind, str, str], at: int) -> Count | None:
    """Cores used are Δ(capped + uncapped cycles) / Δ time cycles; of a pool, Δ utilized / Δ time cycles."""
    names = ("capped_cycles", "uncapped_cycles") if key[0] is Kind.LPAR else ("utilized_pool_cycles",)
    parts = [whole(fields.get(name)) for name in names]
    dedicated = fields.get("curr_proc_mode") == "ded"
    if dedicated and len(parts) == 2 and parts[1] is None:
        parts[1] = 0
    passed, used = whole(fields.get("time_cycles")), sum(part or 0 for part in parts)
    if passed is None or None in parts or used > _MOST_COUNTER:
        return None
    processors = whole(fields.get("curr_procs"))
    entitled = processors * 100 if dedicated and processors is not None else whole(fields.get("curr_proc_units"))
    if key[0] is Kind.POOL:
        entitled = _less(whole(fields.get("configurable_pool_proc_units")),
                         whole(fields.get("curr_avail_pool_proc_units")))
    return Count(*key, at, passed, used, entitled, whole(fields.get("phys_run_mem")), whole(fields.get("curr_mem")))


# --- HMC Scanner ------------------------------------------------------------------------------------------------------

_SCANNER = {"scanner-lpar-usage": Kind.LPAR, "scanner-pool-usage": Kind.POOL}


def _scanner(out: Extract, reading: Reading) -> None:
    for record in reading.records:
        if record.fields.get("resolution") == "monthly":
            out.once("monthly", "history.too-coarse", Severity.INFO, "monthly averages are not kept",
                     "daily and hourly sheets of the workbook are", record.source)
        elif record.kind in _SCANNER:
            _scanner_series(out, record, _SCANNER[record.kind])


def _scanner_series(out: Extract, record: Record, kind: Kind) -> None:
    """A label is taken as the beginning of its day or hour; an hour that is not sampled is a gap."""
    fields = record.fields
    hourly = fields["resolution"] == "hourly"
    name, server = fields["name"], str(fields.get("managed_system_name") or "")
    starts: list[datetime] = list(fields["times"])
    begun = out.instants(starts, name)
    if begun is None or not starts:
        return
    ends = ([at + 3600 for at in begun] if hourly
            else out.instants([start + timedelta(days=1) for start in starts], name) or [])
    entitled = whole(fields.get("last_ent"))
    for at, end, value in zip(begun, ends, fields["values"], strict=True):
        if value is not None:
            out.sample(Sample(kind, name, server, end, end - at, thousandths(value), entitled), record.source)


# --- mapped tables ----------------------------------------------------------------------------------------------------

_USAGE_FIELDS = ("time", "name", "lpar", "entity", "server", "physc", "entitlement", "memory_used", "memory_total",
                 "span")
TABLE_USAGE = "table-usage"
_Row = tuple[tuple[Kind, str, str], datetime, Record]


def _table(out: Extract, reading: Reading) -> None:
    rows = [row for record in reading.records if record.kind == TABLE_USAGE and (row := _table_row(out, record))]
    rows.sort(key=lambda row: row[0])
    for key, series in groupby(rows, key=lambda row: row[0]):
        _table_series(out, key, list(series))


def _table_row(out: Extract, record: Record) -> _Row | None:
    fields = {name: value for name, value in record.fields.items() if not isinstance(value, NonValue)}
    for name in fields.keys() - set(_USAGE_FIELDS):
        out.once(f"field {name}", "input.unknown-column", Severity.WARNING, f"{name!r} is no field of usage: not used",
                 "one of: " + ", ".join(_USAGE_FIELDS), record.source)
    name = str(fields.get("name", fields.get("lpar", "")))
    try:
        kind = Kind(str(fields.get("entity", "lpar")).casefold())
        time = time_of(str(fields.get("time", "")).strip())
        if not name:
            raise ValueError("no name")
    except ValueError as error:
        text = str(error)
        _bad_row(out, record, text if "time" in text or "no name" in text else "entity is not lpar, pool or server")
        return None
    return (kind, name, str(fields.get("server", ""))), time, record


def _bad_row(out: Extract, record: Record, what: str) -> None:
    out.say("input.bad-value", Severity.WARNING, what, "the row is left out; correct it and add the file again",
            source=record.source)


def _table_series(out: Extract, key: tuple[Kind, str, str], rows: list[_Row]) -> None:
    instants = out.instants([time for _, time, _ in rows], key[1])
    if instants is None:
        return
    timed = sorted(zip(instants, (record for _, _, record in rows), strict=True), key=lambda pair: pair[0])
    lengths = spans([at for at, _ in timed])
    for (at, record), span in zip(timed, lengths, strict=True):
        try:
            out.sample(_table_sample(record.fields, key, at, span), record.source)
        except ValueError as error:
            _bad_row(out, record, str(error))


def _table_sample(fields: dict[str, Any], key: tuple[Kind, str, str], at: int, span: int) -> Sample:
    """A figure with a unit in the mapping is in the program's units; text is a number of cores, or of seconds."""
    physc = _quantity(fields, "physc", 1000, 10)
    entitled = _quantity(fields, "entitlement", 100, 1)
    stated = _quantity(fields, "span", 1, 1)
    for name in ("memory_used", "memory_total"):
        if isinstance(fields.get(name), str):
            raise ValueError(f"{name} has no unit: give it GB or MB in the mapping")
    return Sample(*key, at, stated or span, physc, entitled, whole(fields.get("memory_used")),
                  whole(fields.get("memory_total")))


def _quantity(fields: dict[str, Any], name: str, of_text: int, of_number: int) -> int | None:
    value = fields.get(name)
    if value is None or isinstance(value, NonValue):
        return None
    if not isinstance(value, str):
        return int(value) * of_number
    try:
        number = decimal_from(value)
    except ValueError:
        raise ValueError(f"{name}: {value[:40]!r} is not a number") from None
    if number < 0:
        raise ValueError(f"{name}: {value[:40]!r} is negative")
    return int((number * of_text + Decimal("0.5")) // 1)


_TAKERS: dict[str, Callable[[Extract, Reading], None]] = {
    "hmc-cli": _hmc, "hmc-scanner": _scanner, table.KIND: _table,
}


def serial_numbers(servers: Iterable[Any]) -> dict[str, str]:
    """Serial number → name of an estate's servers, for :class:`Context`."""
    return {server.serial: server.name for server in servers if server.serial}


def settings_of(context: Context, local: bool, clockless: bool) -> str:
    """What a person said that the meaning of a file depends on, as text that is compared."""
    zone = context.clock.name if context.clock and local else ""
    start = context.start.isoformat() if context.start and clockless else ""
    return "|".join((zone, start, str(context.interval_s or "") if clockless else "",
                     context.lpar if clockless else ""))


def has_lparstat(source: SourceFile) -> bool:
    """Whether rows without a clock are in it."""
    return any(reading.kind == "lparstat-interval" for reading in source.readings)
