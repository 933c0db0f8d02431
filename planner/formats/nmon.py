"""nmon of AIX (``topas_nmon``): configuration and one record for each snapshot; other sections are left out.

:func:`read_lines` takes any iterable of lines and holds on to no line. Two recordings in one file (``AAA,progname``
again) give two configurations. Records: ``nmon-config`` of what is taken from ``AAA`` and ``BBBL`` (capacities in
hundredths of a core, memory in MiB; ``runname`` is on AIX 5.3 the only name of the LPAR, ``lpar_name`` NonValue.NONE on
a full-system partition), ``nmon-sample`` with ``time`` (local, without zone), cores as float, ``entitled`` in
hundredths, memory in MiB and its shares in %, and the ``lparstat -i`` inside ``BBBP``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from planner.findings import Finding, Severity, Source
from planner.formats import lparstat_i, values
from planner.formats.base import Format, Reading, Record, clean, pick, stated
from planner.formats.facts import Intake, Partition, PartRef
from planner.formats.lines import Notes
from planner.formats.samples import Extract, Kind, Sample, server_of_serial, spans, thousandths, whole
from planner.formats.values import counter, number, percent, typed, used_cores
from planner.formats.values import time as time_of
from planner.units import many, some

#: Row after row says the same: each text is parsed once.
units, processors, mib_floor = map(lru_cache(4096), (values.units, values.processors, values.mib_floor))

KIND = "nmon"
CONFIG = "nmon-config"
SAMPLE = "nmon-sample"

MOST_SAMPLES = 200_000     # a year at 300 s is 105,120
_MOST_KEPT = 500           # lines of AAA, BBBL and lparstat -i; names of other sections

_SECTION = re.compile(r"[A-Z][A-Z0-9_]{1,40}")
_SNAPSHOT = re.compile(r"T[0-9]{4,9}")
_STARTED = re.compile(r"([0-9]{1,2}):([0-9]{2})[.:]([0-9]{2})")
_ARTEFACT = re.compile(r"n[- ]*")
_LINUX = ("OS,Linux", "x86,", "proc_cpuinfo")
_NO_LINES: dict[str, int] = {}  # shared by all samples


# --- columns and keys -------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    field: str
    parse: Callable[[str], Any]


#: section → column in the header → where it goes in a sample.
_COLUMNS: dict[str, dict[str, _Column]] = {
    "LPAR": {
        "PhysicalCPU": _Column("physc", used_cores), "virtualCPUs": _Column("virtual_cpus", processors),
        "entitled": _Column("entitled", units),
    },
    "PCPU_ALL": {"User": _Column("pcpu_user", used_cores), "Sys": _Column("pcpu_sys", used_cores)},
    "MEM": {"Real total(MB)": _Column("memory_total", mib_floor), "Real free(MB)": _Column("memory_free", mib_floor)},
    "MEMNEW": {"Process%": _Column("process_percent", percent), "System%": _Column("system_percent", percent)},
}
#: Columns that sum to PhysicalCPU as a percentage of another column.
_SUMS = (
    (("EC_User%", "EC_Sys%", "EC_Wait%", "EC_Idle%"), "entitled"),
    (("VP_User%", "VP_Sys%", "VP_Wait%", "VP_Idle%"), "virtualCPUs"),
    (("usedPoolCPU%",), "poolCPUs"),
)

Keys = dict[str, tuple[str, Callable[[str], Any]]]

_AAA: Keys = {
    "host": ("host", str), "runname": ("runname", str), "time": ("time", str), "date": ("date", str),
    "interval": ("interval", counter), "snapshots": ("snapshots", counter), "SerialNumber": ("serial_number", str),
    "AIX": ("aix", str),
}
_BBBL: Keys = {
    "lparno": ("lparno", counter), "lparname": ("lparname", str), "virtual cpu": ("virtual_cpu", processors),
    "max virtual": ("max_virtual", processors), "entitled capacity": ("entitled_capacity", units),
    "max memory mb": ("max_memory", mib_floor), "max memory": ("max_memory", mib_floor),
    "online memory": ("online_memory", mib_floor), "online memory mb": ("online_memory", mib_floor),
    "pool id": ("pool_id", counter), "flags": ("flags", lambda text: tuple(text.removesuffix(".").split())),
}


# --- one recording ----------------------------------------------------------------------------------------------------


@dataclass
class _NmonHeader:
    """The columns of a section, where those that are read stand, and whether a row has had a value for each."""

    names: list[str]
    wanted: list[tuple[int, _Column]]
    filled: bool = False


@dataclass
class _Recording:
    """What is kept of one run of nmon; samples, and the lines of their times, by the snapshot's name (``T0001``).
    ``latest``: section → the snapshot of its last row."""

    line: int
    config: dict[str, Any] = field(default_factory=dict)
    config_lines: dict[str, int] = field(default_factory=dict)
    lparstat: list[tuple[int, str]] = field(default_factory=list)
    headers: dict[str, _NmonHeader] = field(default_factory=dict)
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    latest: dict[str, str] = field(default_factory=dict)


class _NotAix(Exception):
    """The recording is of Linux, as the line says that is its argument."""


class _NmonReader:
    """Takes line after line; keeps configuration and samples only."""

    def __init__(self, file: str, first_line: int) -> None:
        self.file = file
        self.notes = Notes(file)
        self.now = _Recording(first_line)
        self.recordings = [self.now]
        self.others: dict[str, int] = {}
        self.other_lines = 0
        self.unread_keys: dict[str, int] = {}
        self.snapshots = 0
        self.taken: dict[str, Callable[[str, int], None]] = {
            "AAA": self.aaa, "BBBL": self.bbbl, "BBBP": self.bbbp, "ZZZZ": self.zzzz,
        }
        for section in _COLUMNS:
            self.taken[section] = self.rows_of(section)

    def lines(self, lines: Iterable[str], first_line: int) -> None:
        for at, line in enumerate(lines, first_line):
            section, comma, rest = line.partition(",")
            taken = self.taken.get(section)
            if taken and comma:
                taken(rest, at)
            elif section in self.others:
                self.other_lines += 1
            else:
                self.other(section, line, at)

    def other(self, section: str, line: str, at: int) -> None:
        """The first line of a section that is not read, or a line of no section."""
        text = line.strip()[:200]
        if _SECTION.fullmatch(section) and len(self.others) < _MOST_KEPT:
            self.others[section] = at
            self.other_lines += 1
        elif _ARTEFACT.match(text):
            self.notes.once("artefact", Severity.INFO, "input.unknown-text",
                            f"an artefact of nmon: {text[:80]!r}", "nothing to do", at)
        elif text:
            self.notes.unknown(text, "nmon", at)

    def bad(self, what: str, fix: str, at: int) -> None:
        self.notes.add(Severity.WARNING, "input.bad-value", what, fix, at)

    # --- configuration ------------------------------------------------------------------------------------------------

    def aaa(self, rest: str, at: int) -> None:
        if rest.startswith(_LINUX):
            raise _NotAix(at)
        key, comma, value = rest.partition(",")
        key, value = key.strip()[:80], value.strip()[:1000]
        if key == "progname" and (self.now.samples or self.now.times):
            self.now = _Recording(at)
            self.recordings.append(self.now)
        if not comma:
            self.notes.add(Severity.INFO, "input.missing-value", f"AAA without a value: {key!r}", "left out", at)
        elif key == "LPARNumberName":
            self.lpar_number_name(value, at)
        elif key != "progname":
            self.known(_AAA, key, value, f"AAA,{key}", at)

    def known(self, keys: Keys, key: str, value: str, what: str, at: int) -> None:
        """A line of configuration; what no one takes is counted."""
        if key in keys:
            self.config(*keys[key], value, what, at)
        elif len(self.unread_keys) < _MOST_KEPT:
            self.unread_keys.setdefault(key, at)

    def lpar_number_name(self, value: str, at: int) -> None:
        first, comma, name = value.partition(",")
        if comma:
            self.config("lpar_number", counter, first.strip(), "AAA,LPARNumberName", at)
        self.config("lpar_name", str, (name if comma else first).strip(), "AAA,LPARNumberName", at)

    def config(self, name: str, parse: Callable[[str], Any], value: str, what: str, at: int) -> None:
        if name in self.now.config:
            self.notes.once(f"twice {name}", Severity.WARNING, "input.duplicate-key", f"{what!r} stands twice",
                            "the first one counts", at)
        elif self.room(self.now.config, at):
            try:
                self.now.config[name] = typed(value, parse)
                self.now.config_lines[name] = at
            except ValueError as error:
                self.bad(f"{what!r}: {error}", "left out", at)

    def room(self, rows: Sized, at: int) -> bool:
        if len(rows) >= _MOST_KEPT:
            self.notes.once("configuration", Severity.ERROR, "input.too-large",
                            f"more than {_MOST_KEPT} lines of configuration: the rest is left out", "record again", at)
        return len(rows) < _MOST_KEPT

    def bbbl(self, rest: str, at: int) -> None:
        parts = [part.strip()[:1000] for part in rest.split(",", 2)]
        if len(parts) < 3:
            self.bad(f"BBBL without a value: {rest[:80]!r}", "left out", at)
            return
        key = " ".join(parts[1].lower().split())
        self.known(_BBBL, key, parts[2], f"BBBL,{parts[1]}", at)

    def bbbp(self, rest: str, at: int) -> None:
        parts = rest.split(",", 2)
        if len(parts) < 3 or parts[1].strip() != "lparstat -i":
            self.others.setdefault("BBBP", at)
            self.other_lines += 1
        elif self.room(self.now.lparstat, at):
            text = parts[2].strip()[:1000].replace("\r", " ").replace("\n", " ")
            self.now.lparstat.append((at, text.removeprefix('"').removesuffix('"')))

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def zzzz(self, rest: str, at: int) -> None:
        parts = [part.strip() for part in rest.split(",")]
        time = None
        with suppress(ValueError):
            time = time_of(f"{parts[2]} {parts[1]}") if len(parts) >= 3 and _SNAPSHOT.fullmatch(parts[0]) else None
        if time is None:
            self.bad(f"not ZZZZ,T0001,HH:MM:SS,DD-MON-YYYY: {rest[:60]!r}", "the snapshot is left out", at)
        elif parts[0] in self.now.times:
            self.now.closed.add(parts[0])
            self.notes.add(Severity.WARNING, "input.duplicate-key",
                           f"snapshot {parts[0]} starts twice (first in line {self.now.times[parts[0]]})",
                           "one recording per file; the first one counts", at)
        elif (sample := self.sample(parts[0], at)) is not None:
            sample["time"] = time
            self.now.times[parts[0]] = at

    def sample(self, snapshot: str, at: int) -> dict[str, Any] | None:
        """What is known of a snapshot; None when it is closed or there are too many."""
        if snapshot in self.now.closed:
            return None
        if snapshot not in self.now.samples:
            if self.snapshots >= MOST_SAMPLES:
                self.notes.once("samples", Severity.ERROR, "input.too-large",
                                f"more than {MOST_SAMPLES:,} snapshots: the rest is left out", "split the file", at)
                return None
            self.snapshots += 1
            self.now.samples[snapshot] = {}
        return self.now.samples[snapshot]

    def rows_of(self, section: str) -> Callable[[str, int], None]:
        def row(rest: str, at: int) -> None:
            snapshot, _, values = rest.partition(",")
            if _SNAPSHOT.fullmatch(snapshot):
                self.now.latest[section] = snapshot
                self.row(section, snapshot, values.split(","), at)
            else:
                self.header(section, values.split(","))
        return row

    def header(self, section: str, names: list[str]) -> None:
        names = [name.strip() for name in names]
        known = self.now.headers.get(section)
        if known is None or known.names != names:
            columns = _COLUMNS[section]
            wanted = [(names.index(name), column) for name, column in columns.items() if name in names]
            self.now.headers[section] = _NmonHeader(names, wanted)

    def row(self, section: str, snapshot: str, values: list[str], at: int) -> None:
        header = self.now.headers.get(section)
        if header is None:
            self.notes.once(f"no header {section}", Severity.WARNING, "input.truncated",
                            f"rows of {section} without a header before them", "record again", at)
        elif self.fits(section, header, values, at) and (sample := self.sample(snapshot, at)) is not None:
            self.values(section, header, values, sample, at)

    def fits(self, section: str, header: _NmonHeader, values: list[str], at: int) -> bool:
        """Whether a row has a value for each column; the last column may be missing from all rows."""
        while len(values) > len(header.names) and not values[-1].strip():
            values.pop()
        lacking = len(header.names) - len(values)
        if lacking == 0:
            header.filled = True
        elif lacking == 1 and not header.filled:
            self.notes.once(f"narrow {section}", Severity.WARNING, "input.missing-value",
                            f"{section} rows lack the last column {header.names[-1][:40]!r}", "read without it", at)
        else:
            self.notes.add(Severity.WARNING, "input.truncated" if lacking > 0 else "input.bad-value",
                           f"{section}: {len(values)} values under {len(header.names)} columns",
                           "this row is left out", at)
            return False
        return True

    def values(self, section: str, header: _NmonHeader, values: list[str], sample: dict[str, Any], at: int) -> None:
        if any(column.field in sample for _, column in header.wanted):
            self.notes.add(Severity.WARNING, "input.duplicate-key", f"{section} twice in one snapshot",
                           "the first row counts", at)
            return
        for index, column in header.wanted:
            if index >= len(values):
                continue
            try:
                sample[column.field] = column.parse(values[index].strip())
            except ValueError as error:
                self.bad(f"{section} {header.names[index]!r}: {error}", "this value is left out", at)
        if section == "LPAR":
            self.check_lpar(header, values, sample, at)

    def check_lpar(self, header: _NmonHeader, values: list[str], sample: dict[str, Any], at: int) -> None:
        """Refuse more cores than virtual processors; check that percentages fit the cores used."""
        used = sample.get("physc")
        if used is None:
            return
        if used > sample.get("virtual_cpus", used) * 1.05 + 0.1:
            self.bad(f"LPAR 'PhysicalCPU': {used} cores of {sample['virtual_cpus']} virtual processors",
                     "this value is left out", at)
            del sample["physc"]
            return
        row = dict(zip(header.names, values, strict=False))
        for names, base in _SUMS:
            if not _fits_sum(used, [row.get(name) for name in names], row.get(base)):
                self.notes.once("slip", Severity.WARNING, "input.column-slip",
                                f"LPAR: {' + '.join(names)} is not PhysicalCPU / {base} × 100",
                                "values may stand under the wrong header, or the LPAR was changed; "
                                "reported once per file", at)

    # --- the end ------------------------------------------------------------------------------------------------------

    def reading(self) -> Reading:
        records: list[Record] = []
        findings: list[Finding] = []
        for recording in self.recordings:
            if recording.config:
                records.append(Record(CONFIG, recording.config, Source(self.file, recording.line),
                                      recording.config_lines))
            embedded = _embedded(recording.lparstat, self.file)
            records += embedded.records
            findings += embedded.findings
            records += [Record(SAMPLE, sample, Source(self.file, recording.times[name]), _NO_LINES)
                        for name, sample in recording.samples.items() if len(sample) > 1 and name in recording.times]
            self.check(recording)
        self.tell_others()
        return Reading(KIND, tuple(records), (*self.notes.all(), *findings))

    def check(self, recording: _Recording) -> None:
        timeless = [name for name in recording.samples if name not in recording.times]
        empty = [name for name in recording.times if len(recording.samples[name]) == 1]
        if timeless:
            self.missing(f"{len(timeless)} snapshots without a time (ZZZZ), the first is {timeless[0]}", recording)
        if empty:
            self.missing(f"{len(empty)} snapshots without any row, the first is {empty[0]}", recording)
        if not recording.times:
            self.missing("no snapshot", recording)
        elif "LPAR" not in recording.headers:
            self.missing("no LPAR section: the cores used are not known", recording)
        if recording.config and not {"lpar_name", "lparname"} & recording.config.keys():
            self.missing("no name of the LPAR (AAA,LPARNumberName or BBBL,lparname)", recording)
        self.check_last(recording)
        self.check_order(recording)

    def check_last(self, recording: _Recording) -> None:
        """A snapshot that ends the recording without sections that the one before it has."""
        names = list(recording.times)[-2:]
        lost = [section for section, snapshot in recording.latest.items() if names[1:] and snapshot == names[0]]
        if lost:
            self.notes.add(Severity.WARNING, "input.truncated", f"the last snapshot, {names[1]}, lacks "
                           f"{some(sorted(lost), 20)}: the file is cut off, or nmon was stopped in it",
                           "copy it again; what is there is read", recording.times[names[1]])

    def missing(self, what: str, recording: _Recording) -> None:
        self.notes.add(Severity.WARNING, "input.missing-value", what, "record again, or read on without",
                       recording.line)

    def check_order(self, recording: _Recording) -> None:
        times = ((recording.samples[name]["time"], at) for name, at in recording.times.items())
        for (before, _), (after, at) in pairwise(times):
            if after < before:
                self.notes.once("order", Severity.WARNING, "input.time-order",
                                f"the clock goes back from {before} to {after}",
                                "a change from summer time, or a sorted file; reported once per file", at)

    def tell_others(self) -> None:
        if self.unread_keys:
            self.notes.add(Severity.INFO, "input.not-read",
                           f"keys of AAA and BBBL that no plan needs: {some(sorted(self.unread_keys), 20)}",
                           "nothing to do", min(self.unread_keys.values()))
        if self.others:
            self.notes.add(Severity.INFO, "input.not-read",
                           f"{many(self.other_lines, 'line')} of sections that are not read: "
                           f"{some(sorted(self.others), 20)}",
                           "nothing to do", min(self.others.values()))


def _fits_sum(used: float, parts: list[str | None], base: str | None) -> bool:
    """Whether the parts sum to ``used`` as a percentage of ``base``; True when one of them is not known."""
    try:
        total = sum(number(part.strip()) for part in parts if part is not None)
        whole = number(base.strip()) if base is not None else 0.0
    except ValueError:
        return True
    if None in parts or whole == 0:
        return True
    expected = used / whole * 100
    slack = 0.5 + 0.02 * expected + 0.1 / whole
    return abs(total - expected) <= slack or (expected > 100 and abs(total - 100) <= slack)  # above its entitlement


def _embedded(lines: list[tuple[int, str]], file: str) -> Reading:
    """The ``lparstat -i`` of BBBP, with sources that name the lines of the nmon file."""
    if not lines:
        return Reading(lparstat_i.KIND)
    numbers = [at for at, _ in lines]
    reading = lparstat_i.read("\n".join(text for _, text in lines), file)

    def moved(source: Source | None) -> Source | None:
        return Source(file, numbers[source.line - 1]) if source and source.line else source

    return Reading(
        lparstat_i.KIND,
        tuple(Record(r.kind, r.fields, Source(file, numbers[0]), {k: numbers[n - 1] for k, n in r.lines.items()})
              for r in reading.records),
        tuple(replace(f, source=moved(f.source)) for f in reading.findings),
    )


# --- the format -------------------------------------------------------------------------------------------------------

_HEAD = re.compile(r"^(?:AAA,progname,|ZZZZ,T[0-9]{4,9},[0-9]{2}:[0-9]{2}:)", re.MULTILINE)


def recognise(text: str) -> bool:
    """``AAA,progname`` or a ``ZZZZ`` line: nmon of AIX or of Linux."""
    return _HEAD.search(clean(text)) is not None


def read_lines(lines: Iterable[str], file: str, first_line: int = 1) -> Reading:
    """nmon from any iterable of lines, in one pass. nmon of Linux is refused with one finding and no records."""
    reader = _NmonReader(file, first_line)
    try:
        reader.lines(lines, first_line)
    except _NotAix as told:
        refusal = Finding("input.unsupported", Severity.WARNING, file, "nmon of Linux: only that of AIX is read",
                          "use lparstat with an interval on Linux on Power; leave other machines out",
                          Source(file, told.args[0]))
        return Reading(KIND, (), (refusal,))
    return reader.reading()


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """nmon from text; see :func:`read_lines`."""
    return read_lines(clean(text).split("\n"), file, first_line)


# --- what is taken ----------------------------------------------------------------------------------------------------


def _take_config(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    name = str(have.get("lparname") or have.get("lpar_name") or have.get("runname") or "")
    if not name:
        return
    values = pick(record, {
        "virtual_cpu": "virtual_processors", "max_virtual": "max_virtual_processors", "entitled_capacity":
        "entitlement_units", "online_memory": "memory_mib", "max_memory": "max_memory_mib", "pool_id": "pool_id"})
    values["os"] = ("AIX", record.source)
    if "aix" in have:
        values["os_level"] = (str(have["aix"]), record.where("aix"))
    flags = {str(flag).lower() for flag in have.get("flags", ())}
    if flags & {"shared", "dedicated"}:
        values["processors"] = ("shared" if "shared" in flags else "dedicated", record.where("flags"))
    ref = PartRef(str(have.get("serial_number", "")), have.get("lparno", have.get("lpar_number")), name)
    intake.partitions.append(Partition(ref, None, values, record.source))


def _take_samples(out: Extract, reading: Reading) -> None:
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
    recording: list[Record] = []
    for record in records:
        if record.kind == CONFIG:
            if recording:
                yield config, recording
            config, recording = dict(record.fields), []
        elif record.kind == SAMPLE:
            recording.append(record)
        else:
            config.setdefault("lpar_name_i", record.fields.get("partition_name"))
    if recording:
        yield config, recording


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
    for key in ("lpar_name", "lparname", "lpar_name_i", "runname", "host"):
        if isinstance(config.get(key), str):
            if key in ("runname", "host"):
                out.say("history.name-assumed", Severity.WARNING, f"no name of the LPAR: taken from {key}, "
                        f"{config[key]!r}", "check that the LPAR is called so", source=where)
            return str(config[key]).strip()
    out.say("input.missing-value", Severity.WARNING, "a recording that does not say whose it is", "it is left out",
            source=where)
    return ""


def _first_span(config: dict[str, Any], first: datetime, usual: int) -> int:
    """The first snapshot covers only the time since nmon was started."""
    clock = _STARTED.fullmatch(str(config.get("time", "")))
    if not clock or str(config.get("date", "")).upper() != first.strftime("%d-%b-%Y").upper():
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


def _physc(fields: dict[str, Any]) -> int | None:
    used = [fields["physc"]] if "physc" in fields else [fields.get("pcpu_user"), fields.get("pcpu_sys")]
    numbers = [part for part in used if isinstance(part, int | float)]
    return thousandths(sum(numbers)) if len(numbers) == len(used) else None


def _nmon_sample(fields: dict[str, Any], config: dict[str, Any], name: str, server: str, end: int, span: int) -> Sample:
    entitled = fields.get("entitled", config.get("entitled_capacity"))
    return Sample(Kind.LPAR, name, server, end, span, physc=_physc(fields), entitlement=whole(entitled),
                  memory_used_mib=_memory_used(fields), memory_total_mib=whole(fields.get("memory_total")))


def _memory_used(fields: dict[str, Any]) -> int | None:
    """Computational memory (processes and system) where it is stated; else all that is not free, caches included."""
    total, free = fields.get("memory_total"), fields.get("memory_free")
    shares = [fields.get("process_percent"), fields.get("system_percent")]
    if isinstance(total, int) and all(isinstance(share, int | float) for share in shares):
        percent = sum((Decimal(str(share)) for share in shares), Decimal(0))
        return min(total, int((percent * total / 100 + Decimal("0.5")) // 1))
    return total - free if isinstance(total, int) and isinstance(free, int) and free <= total else None


FORMAT = Format(KIND, recognise, read, {CONFIG: _take_config, lparstat_i.KIND: lparstat_i.take}, _take_samples)


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "they check the figures beside them": (("nmon-sample", "virtual_cpus"),),
}
