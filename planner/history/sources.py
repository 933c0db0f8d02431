"""Files that hold usage → samples and counters: nmon, lparstat with an interval, lslparutil, HMC Scanner, tables.

A mapped table of usage (``kind = "usage"``) has the fields ``time`` (``2026-11-30 14:05``, with or without an offset)
and ``name``, and may have ``entity`` (lpar, pool, server), ``server``, ``physc``, ``entitlement`` (cores),
``memory_used``, ``memory_total`` (with a unit in the mapping), ``span`` (seconds).
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.findings import Finding, Severity, Source
from planner.formats import nmon, registry, table
from planner.formats.base import NonValue, Reading, Record, decode
from planner.history.series import MOST_SPAN_S, Clock, ClockNotes, Count, Kind, Sample, spans
from planner.units import decimal_from

_GZIP = b"\x1f\x8b"
_BINARY = (b"PK", b"\xd0\xcf\x11\xe0")
_SINCE_BOOT = "input.since-boot"
_UNRECOGNISED = "input.unrecognised"
_TIME_ORDER = "input.time-order"  # said by :meth:`Extract.instants`, which knows when summer time ends
_REFUSED = "this row is left out"
_INTERVAL = re.compile(r"lparstat(?:\s+-\w+)*\s+([1-9][0-9]{0,5})(?:\s|$)")
_NMON_START = re.compile(r"([0-9]{1,2}):([0-9]{2})[.:]([0-9]{2})")
_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?)?\s*"
                   r"(Z|[+-]\d{2}:?\d{2})?")
_MOST_THOUSANDTHS = 4_096_000
_MOST_COUNTER = (1 << 64) - 1
PHYSICAL_POOL = "physical pool"
SERIAL = "serial "


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


@dataclass(frozen=True, slots=True)
class Context:
    """What the exports do not say and a person has to.

    ``start``, ``interval_s`` and ``lpar`` are of ``lparstat``, whose rows have no clock; ``servers`` gives the name of
    the server for a serial number (nmon knows no other).
    """

    clock: Clock | None = None
    start: datetime | None = None
    interval_s: int | None = None
    lpar: str = ""
    servers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Extract:
    """Samples, counters and findings of one file. ``local``: it holds times without a zone."""

    file: str
    context: Context
    samples: list[Sample] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    local: bool = False
    _told: set[str] = field(default_factory=set)

    def say(self, rule: str, severity: Severity, message: str, fix: str, *, subject: str = "",
            source: Source | None = None) -> None:
        self.findings.append(_finding(self.file, rule, message, fix, severity, subject=subject, source=source))

    def once(self, key: str, rule: str, severity: Severity, message: str, fix: str, source: Source) -> None:
        """A finding that stands for all of its kind in the file."""
        if key not in self._told:
            self._told.add(key)
            self.say(rule, severity, message, fix, source=source)

    def instants(self, times: Sequence[datetime], subject: str) -> list[int] | None:
        """UTC of one series' local times; None, with a finding, while the zone is not known."""
        if wrong := [time for time in times if not 1971 <= time.year <= 2200]:
            self.say("input.bad-value", Severity.WARNING, f"a clock that says {wrong[0]}", "the series is left out",
                     subject=subject)
            return None
        if all(time.tzinfo for time in times):
            return [round(time.timestamp()) for time in times]
        self.local = True
        if self.context.clock is None:
            self.once("zone", "history.zone-needed", Severity.ERROR,
                      "its times are local, without a zone, and the history's zone is not known yet",
                      "give the site's zone once, for example --zone Europe/Berlin", Source(self.file))
            return None
        notes = ClockNotes()
        found = self.context.clock.instants(times, notes)
        self._clock_findings(notes, subject)
        return found

    def _clock_findings(self, notes: ClockNotes, subject: str) -> None:
        zone = self.context.clock.name if self.context.clock else ""
        if notes.nonexistent:
            self.say("history.nonexistent-time", Severity.WARNING,
                     f"{len(notes.nonexistent)} times that {zone} leaves out when summer time begins, the first is "
                     f"{notes.nonexistent[0]}", "read as if the clock had not been changed; check the zone",
                     subject=subject)
        if notes.guessed:
            self.say("history.ambiguous-time", Severity.WARNING,
                     f"begins at {notes.guessed[0]}, which occurs twice in {zone} when summer time ends",
                     "taken as the first of the two", subject=subject)
        if notes.back:
            self.say("history.clock-jump", Severity.WARNING,
                     f"the clock goes back {len(notes.back)} times, the first from {notes.back[0][0]} to "
                     f"{notes.back[0][1]}", "samples of the same instant are merged, the larger figure counts",
                     subject=subject)

    def sample(self, sample: Sample, source: Source) -> None:
        """Keep a sample if it can be."""
        if not 0 < sample.span_s <= MOST_SPAN_S:
            self.once("span", "history.too-coarse", Severity.WARNING,
                      f"an average over {sample.span_s} s", "only averages over up to 25 hours are kept", source)
        elif sample.physc is not None and not 0 <= sample.physc <= _MOST_THOUSANDTHS:
            self.once("physc", "input.bad-value", Severity.WARNING,
                      f"{sample.physc / 1000} cores is more than any server has", "the sample is left out", source)
        else:
            self.samples.append(sample)


def extract(source: SourceFile, context: Context) -> Extract:
    """All usage in a file. What cannot be used is a finding, never an exception."""
    out = Extract(source.name, context)
    for reading in source.readings:
        out.findings += [f for f in reading.findings if f.rule != _TIME_ORDER
                         and (f.severity is not Severity.INFO or f.rule == _SINCE_BOOT)]
        take = _TAKERS.get(reading.kind)
        if take:
            take(out, reading)
    if not out.samples and not out.counts and {r.kind for r in source.readings} == {registry.UNRECOGNISED}:
        out.findings = [replace(f, severity=Severity.ERROR) if f.rule == _UNRECOGNISED else f for f in out.findings]
    if not out.samples and not out.counts and not any(
            f.severity is Severity.ERROR or f.rule == _UNRECOGNISED for f in out.findings):
        out.say("history.no-usage", Severity.INFO, "no usage in it",
                "nothing to do; see docs/history.md for what is read")
    return out


# --- nmon -------------------------------------------------------------------------------------------------------------


def _nmon(out: Extract, reading: Reading) -> None:
    recordings = list(_recordings(reading.records))
    for config, records in recordings:
        _recording(out, config, records)
    for (_, one), (_, other) in pairwise(recordings):
        if one and other:
            stop, start = one[-1].fields["time"], other[0].fields["time"]
            out.say("history.restart", Severity.INFO, f"nmon stopped at {stop} and was started again: its next "
                    f"snapshot is of {start}", "nothing to do", source=other[0].source)


def _recordings(records: Iterable[Record]) -> Iterator[tuple[dict[str, Any], list[Record]]]:
    """Each recording's configuration and snapshots; the name in ``lparstat -i`` counts as configuration."""
    config: dict[str, Any] = {}
    found: list[Record] = []
    for record in records:
        if record.kind == nmon.CONFIG:
            if found:
                yield config, found
            config, found = dict(record.fields), []
        elif record.kind == nmon.SAMPLE:
            found.append(record)
        else:
            config.setdefault("lpar_name_i", record.fields.get("partition_name"))
    if found:
        yield config, found


def _recording(out: Extract, config: dict[str, Any], records: list[Record]) -> None:
    first = records[0].source
    name = _nmon_name(out, config, first)
    if not name:
        return
    instants = out.instants([record.fields["time"] for record in records], name)
    if instants is None:
        return
    interval = config.get("interval") if isinstance(config.get("interval"), int) else None
    lengths = spans(instants, interval or None)
    lengths[0] = _first_span(config, records[0].fields["time"], lengths[0])
    _jumps(out, name, records, interval)
    asked = config.get("snapshots")
    if isinstance(asked, int) and len(records) < asked:
        out.say("history.stopped-early", Severity.INFO, f"nmon was to take {asked:,} snapshots, the file has "
                f"{len(records):,}", "was nmon stopped, is it running still, or is the file cut off?", subject=name,
                source=first)
    server = server_of_serial(config.get("serial_number"), out.context.servers)
    for record, end, span in zip(records, instants, lengths, strict=True):
        out.sample(_nmon_sample(record.fields, config, name, server, end, span), record.source)
    if not any(_physc(record.fields) is not None for record in records):
        out.say("history.no-physc", Severity.WARNING, "no snapshot states the cores used (sections LPAR and PCPU_ALL)",
                "record with nmon of AIX, which has them; memory is kept", subject=name, source=first)


def _nmon_name(out: Extract, config: dict[str, Any], where: Source) -> str:
    for key in ("lpar_name", "lparname", "lpar_name_i"):
        if isinstance(config.get(key), str):
            return str(config[key]).strip()
    for key in ("runname", "host"):
        if isinstance(config.get(key), str):
            out.say("history.name-assumed", Severity.WARNING, f"no name of the LPAR: taken from {key}, {config[key]!r}",
                    "check that the LPAR is called so", source=where)
            return str(config[key]).strip()
    out.say("input.missing-value", Severity.WARNING, "a recording that does not say whose it is", "it is left out",
            source=where)
    return ""


def _first_span(config: dict[str, Any], first: datetime, usual: int) -> int:
    """The first snapshot covers only the time since nmon was started."""
    clock = _NMON_START.fullmatch(str(config.get("time", "")))
    day = str(config.get("date", ""))
    if not clock or day.upper() not in (first.strftime("%d-%b-%Y").upper(),):
        return usual
    started = first.replace(hour=0, minute=0, second=0) + timedelta(
        hours=int(clock[1]), minutes=int(clock[2]), seconds=int(clock[3]))
    since = round((first - started).total_seconds())
    return since if 0 < since < usual else usual


def _jumps(out: Extract, name: str, records: list[Record], interval: int | None) -> None:
    """Within one recording nothing but a stopped LPAR or a clock set forward leaves a hole."""
    holes = [(a.fields["time"], b) for a, b in pairwise(records)
             if interval and (b.fields["time"] - a.fields["time"]).total_seconds() > 2 * interval + 3600]
    if holes:
        before, after = holes[0]
        out.say("history.clock-jump", Severity.WARNING,
                f"from {before} to {after.fields['time']} between two snapshots every {interval} s"
                + (f", and {len(holes) - 1} more such holes" if len(holes) > 1 else ""),
                "the LPAR was suspended, or its clock set; the hole stays a gap", subject=name, source=after.source)


def server_of_serial(serial: Any, servers: Mapping[str, str]) -> str:
    """The server's name where it is known; AIX prints the serial number with two digits of the plant before it."""
    if not isinstance(serial, str) or not serial.strip():
        return ""
    plain = serial.strip().rpartition(",")[2]
    known = sorted(name for stated, name in servers.items() if len(stated) >= 5 and plain.endswith(stated))
    return known[0] if known else SERIAL + plain


def _physc(fields: dict[str, Any]) -> int | None:
    used = fields.get("physc")
    if not isinstance(used, int | float):
        parts = [fields.get("pcpu_user"), fields.get("pcpu_sys")]
        numbers = [part for part in parts if isinstance(part, int | float)]
        used = sum(numbers) if len(numbers) == 2 else None
    return None if used is None else thousandths(used)


def thousandths(cores: float | Decimal) -> int:
    """Cores as thousandths of a core, half up."""
    return int((Decimal(str(cores)) * 1000 + Decimal("0.5")) // 1)


def _nmon_sample(fields: dict[str, Any], config: dict[str, Any], name: str, server: str, end: int, span: int) -> Sample:
    entitled = fields.get("entitled", config.get("entitled_capacity"))
    return Sample(Kind.LPAR, name, server, end, span, _physc(fields), _whole(entitled), _memory_used(fields),
                  _whole(fields.get("memory_total")))


def _memory_used(fields: dict[str, Any]) -> int | None:
    """Computational memory (processes and system) where it is stated; else all that is not free, caches included."""
    total, free = fields.get("memory_total"), fields.get("memory_free")
    shares = [fields.get("process_percent"), fields.get("system_percent")]
    if isinstance(total, int) and all(isinstance(share, int | float) for share in shares):
        percent = sum((Decimal(str(share)) for share in shares), Decimal(0))
        return min(total, int((percent * total / 100 + Decimal("0.5")) // 1))
    return total - free if isinstance(total, int) and isinstance(free, int) and free <= total else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


# --- lparstat with an interval ----------------------------------------------------------------------------------------


def _lparstat(out: Extract, reading: Reading) -> None:
    """The rows of all runs follow one another; a row that the reader refused has taken its time too."""
    refused = [f.source.line for f in reading.findings if f.fix == _REFUSED and f.source and f.source.line]
    lines: list[int] = list(refused)
    for record in reading.records:
        if record.fields.get("variant") == "utilisation" and not record.fields.get("since_boot"):
            lines += record.fields["row_lines"]
    for record in reading.records:
        if record.fields.get("variant") == "utilisation" and not record.fields.get("since_boot"):
            _lparstat_rows(out, record, reading, sorted(lines))


def _lparstat_rows(out: Extract, record: Record, reading: Reading, lines: list[int]) -> None:
    context = out.context
    stated = _INTERVAL.search(reading.command)
    interval = context.interval_s or (int(stated[1]) if stated else None)
    name = context.lpar or reading.host
    lacking = [what for value, what in ((context.start, "--start 'YYYY-MM-DD HH:MM'"), (interval, "--interval SECONDS"),
                                        (name, "--lpar NAME")) if not value]
    if lacking:
        out.once("lparstat", "history.no-clock", Severity.ERROR,
                 "lparstat prints no time of day, and not always its interval and whose output it is",
                 "give " + ", ".join(lacking) + " for this file alone, or use nmon", record.source)
        return
    assert context.start is not None and interval is not None
    started = out.instants([context.start], name)
    if started is None:
        return
    config, columns = record.fields["config"], record.fields["columns"]
    for row, line in zip(record.fields["rows"], record.fields["row_lines"], strict=True):
        where, number = Source(out.file, line), bisect_right(lines, line)
        used = _lparstat_physc(dict(zip(columns, row, strict=True)), config, record.fields.get("os", ""))
        if used is None:
            out.once("lparstat physc", "history.no-physc", Severity.WARNING,
                     "neither physc nor a number of threads per core (smt) to tell the cores used", "not known", where)
        out.sample(Sample(Kind.LPAR, name, "", started[0] + number * interval, interval, used,
                          _whole(config.get("ent")), None, _whole(config.get("mem"))), where)


def _lparstat_physc(row: dict[str, Any], config: dict[str, Any], system: str) -> int | None:
    """``physc``, or the busy share of a dedicated LPAR's cores (Linux counts cores in ``lcpu``, AIX threads)."""
    if isinstance(row.get("physc"), int | float):
        return thousandths(row["physc"])
    threads = 1 if system == "Linux" or config.get("smt") == "Off" else config.get("smt")
    busy = [row.get("%user"), row.get("%sys")]
    if config.get("type") != "Dedicated" or not isinstance(threads, int) or not threads or "lcpu" not in config:
        return None
    if not all(isinstance(share, int | float) for share in busy):
        return None
    return thousandths(sum((Decimal(str(share)) for share in busy), Decimal(0)) * config["lcpu"] / threads / 100)


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
    units, free = _whole(fields.get("configurable_sys_proc_units")), _whole(fields.get("curr_avail_sys_proc_units"))
    memory, spare = _whole(fields.get("configurable_sys_mem")), _whole(fields.get("curr_avail_sys_mem"))
    return Sample(Kind.SERVER, name, name, at, span, None, _less(units, free), _less(memory, spare), memory)


def _less(whole: int | None, free: int | None) -> int | None:
    return whole - free if whole is not None and free is not None and free <= whole else None


def _hmc_count(fields: dict[str, Any], key: tuple[Kind, str, str], at: int) -> Count | None:
    """Cores used are Δ(capped + uncapped cycles) / Δ time cycles; of a pool, Δ utilized / Δ time cycles."""
    names = ("capped_cycles", "uncapped_cycles") if key[0] is Kind.LPAR else ("utilized_pool_cycles",)
    parts = [_whole(fields.get(name)) for name in names]
    dedicated = fields.get("curr_proc_mode") == "ded"
    if dedicated and len(parts) == 2 and parts[1] is None:
        parts[1] = 0
    passed, used = _whole(fields.get("time_cycles")), sum(part or 0 for part in parts)
    if passed is None or None in parts or used > _MOST_COUNTER:
        return None
    processors = _whole(fields.get("curr_procs"))
    entitled = processors * 100 if dedicated and processors is not None else _whole(fields.get("curr_proc_units"))
    if key[0] is Kind.POOL:
        entitled = _less(_whole(fields.get("configurable_pool_proc_units")),
                         _whole(fields.get("curr_avail_pool_proc_units")))
    return Count(*key, at, passed, used, entitled, _whole(fields.get("phys_run_mem")), _whole(fields.get("curr_mem")))


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
    entitled = _whole(fields.get("last_ent"))
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
        time = _table_time(str(fields.get("time", "")))
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


def _table_time(text: str) -> datetime:
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise ValueError(f"time {text[:40]!r} is not like 2026-11-30 14:05 (seconds and an offset may follow)")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second)
        return datetime.fromisoformat(local.isoformat() + match[7]) if match[7] else local
    except ValueError:
        raise ValueError(f"time {text[:40]!r} is no time that exists") from None


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
    return Sample(*key, at, stated or span, physc, entitled, _whole(fields.get("memory_used")),
                  _whole(fields.get("memory_total")))


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
    nmon.KIND: _nmon, "lparstat-interval": _lparstat, "hmc-cli": _hmc, "hmc-scanner": _scanner, table.KIND: _table,
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
