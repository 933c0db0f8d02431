"""njmon JSON of AIX, VIOS and Linux on Power: one document a snapshot, an array of them, or ``{"samples": […]}``.

Record ``njmon-config``, of the newest snapshot: ``name``, ``lpar_id``, ``serial``, sizes (``entitled`` in hundredths of
a core, memory in MiB), ``shared``, ``capped``, ``aix``. Record ``njmon-sample``, one a snapshot: ``time`` (UTC where it
is stated), ``span`` (seconds), ``physc`` (cores), ``entitled``, ``memory_used`` and ``memory_total``. On Linux the
section ``ppc64_lparcfg`` is a capture of ``/proc/ppc64/lparcfg``, which is read like any, and the host name stands for
the LPAR's where an older kernel does not say it. Memory that is used is computational (processes and system); on Linux
what is not available.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from planner.findings import Finding, Severity, Source
from planner.formats import values
from planner.formats.base import Format, Reading, Record, pick, stated
from planner.formats.facts import Intake, Partition, PartRef
from planner.formats.samples import Extract, Kind, Sample, server_of_serial, spans, thousandths

KIND = "njmon"
CONFIG, SAMPLE, LPARCFG = "njmon-config", "njmon-sample", "njmon-lparcfg"

#: What stands between snapshots, the frame of an array or of ``samples`` included.
_BETWEEN = re.compile(r'(?:[\s,\[\]}\ufeff]|\{\s*"samples"\s*:)*')
_AGENT = re.compile(r'"n[ij]mon_(?:version|command|mode)"')
_HEAD = 1 << 16
_MOST_DAMAGED = 50
_MOST_SPAN = 31 * 86400
_PAGES_IN_MIB = 256

Node = dict[str, Any]


def recognise(text: str) -> bool:
    """JSON that names the agent in its identity."""
    return text[:64].lstrip("\ufeff \t\r\n").startswith(("{", "[")) and _AGENT.search(text[:_HEAD]) is not None


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """All snapshots of one file, damaged ones counted in one finding."""
    log = _Log(file, first_line)
    newest: Node = {}
    for line, snapshot in _snapshots(log, text):
        newest = snapshot
        _sample(log, snapshot, line)
    _config(log, newest)
    host = _text(_node(newest.get("identity")), "hostname")
    return Reading(KIND, tuple(log.records), log.findings(), host=host)


@dataclass(slots=True)
class _Log:
    """Records of one file, and what is counted before it is told."""

    file: str
    line: int
    records: list[Record] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, fields: Node, line: int) -> None:
        known = {name: value for name, value in fields.items() if value not in (None, "")}
        self.records.append(Record(kind, known, Source(self.file, line)))

    def findings(self) -> tuple[Finding, ...]:
        return tuple(Finding("input.bad-value", Severity.WARNING, self.file, f"{message} ({count} times)",
                             "left out; the rest is used", Source(self.file, self.line))
                     for message, count in sorted(self.bad.items()))

    def figure(self, node: Node, name: str, parse: Callable[[str], Any]) -> Any:
        """A value; None where it is absent, or none that can be."""
        value = node.get(name)
        if not isinstance(value, str):
            return None
        try:
            return parse(value.strip())
        except ValueError as error:
            self.bad[f"{name}: {error}"[:120]] += 1
            return None


def _node(value: Any) -> Node:
    return value if isinstance(value, dict) else {}


def _text(node: Node, name: str) -> str:
    value = node.get(name)
    return value.strip() if isinstance(value, str) else ""


def _snapshots(log: _Log, text: str) -> Iterator[tuple[int, Node]]:
    """(line, snapshot), one held at a time. After a damaged one reading goes on where the next begins a line."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    at, line, counted = 0, log.line, 0
    while (at := _skip(text, at)) < len(text):
        line += text.count("\n", counted, at)
        counted = at
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            log.bad["a snapshot that is cut off or damaged"] += 1
            at = text.find("\n{", at)
            if at < 0 or log.bad.total() > _MOST_DAMAGED:
                return
            continue
        if isinstance(value, dict):
            yield line, value


def _skip(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _sample(log: _Log, snapshot: Node, line: int) -> None:
    stamp, use, cfg = (_node(snapshot.get(name)) for name in ("timestamp", "cpu_util", "ppc64_lparcfg"))
    utc = _text(stamp, "UTC")
    try:
        time = values.time(f"{utc.removesuffix('Z')}+0000" if utc else _text(stamp, "datetime"))
    except ValueError as error:
        log.bad[f"timestamp: {error}"[:120]] += 1
        return
    shared = _shared(log, snapshot)
    fields: Node = {"time": time,
                    "span": log.figure(stamp, "snapshot_seconds", lambda v: values.integral(v, _MOST_SPAN)),
                    "entitled": log.figure(use, "entitlement", lambda v: values.units(v, exact=False)),
                    "physc": log.figure(use, "physical_consumed" if shared is not False else "physical_busy",
                                        values.used_cores)}
    if cfg:
        fields["physc"] = log.figure(cfg, "physical_consumed", values.used_cores)
        fields["entitled"] = log.figure(cfg, "partition_entitled_capacity", values.hundredths)
    log.add(SAMPLE, fields | _whose(log, snapshot) | _memory(log, snapshot), line)


def _shared(log: _Log, snapshot: Node) -> bool | None:
    return log.figure(_node(snapshot.get("partition_type")), "shared_enabled", values.bit)  # type: ignore[no-any-return]


def _whose(log: _Log, snapshot: Node) -> Node:
    """Name, partition id and serial number; ``lpar_number_name`` is ``5,name``."""
    server, config, cfg = (_node(snapshot.get(name)) for name in ("server", "config", "ppc64_lparcfg"))
    number, _, name = _text(server, "lpar_number_name").partition(",")
    if not name and cfg:
        number = _text(cfg, "partition_id")
        name = _text(cfg, "partition_name") or _text(_node(snapshot.get("identity")), "hostname")
    return {"name": name.strip() or _text(config, "partitionname"),
            "lpar_id": log.figure({"lpar_id": number or None}, "lpar_id", values.whole),
            "serial": _text(server, "serial_no") or _text(cfg, "serial_number")}


def _memory(log: _Log, snapshot: Node) -> Node:
    memory, linux = _node(snapshot.get("memory")), _node(snapshot.get("proc_meminfo"))
    if memory:
        total, *used = (log.figure(memory, name, values.counter) for name in (
            "real_total", "real_process", "real_system"))
        unit = _PAGES_IN_MIB
    else:
        total, free = (log.figure(linux, name, values.counter) for name in (
            "MemTotal", "MemAvailable" if "MemAvailable" in linux else "MemFree"))
        used, unit = [None if None in (total, free) else total - free], 1024
    known = None not in (total, *used) and 0 <= sum(used) <= total
    return {"memory_total": None if total is None else total // unit,
            "memory_used": sum(used) // unit if known else None}


def _config(log: _Log, snapshot: Node) -> None:
    config, server, cfg = (_node(snapshot.get(name)) for name in ("config", "server", "ppc64_lparcfg"))
    if cfg:
        lines = [f"{key}={value}" for key, value in cfg.items() if isinstance(value, str) and key not in _OWN]
        log.add(LPARCFG, {"text": "\n".join(lines) + "\n"}, log.line)
    if config:
        log.add(CONFIG, _whose(log, snapshot) | {
            "entitled": log.figure(config, "entitled_proc_capacity", lambda v: values.units(v, exact=False)),
            "virtual_cpus": log.figure(config, "vcpus_online", values.processors),
            "max_virtual_cpus": log.figure(config, "vcpus_max", values.processors),
            "weight": log.figure(config, "cpucap_weightage", values.whole),
            "pool_id": log.figure(config, "processor_poolid", values.whole),
            "memory": log.figure(config, "mem_online", values.mib),
            "max_memory": log.figure(config, "mem_max", values.mib),
            "shared": _shared(log, snapshot), "aix": _level(log, server),
            "capped": log.figure(_node(snapshot.get("partition_type")), "capped", values.bit)}, log.line)
    if snapshot and not config and not cfg:
        log.bad["no section config or ppc64_lparcfg: not an LPAR of IBM Power, or an old agent"] += 1


#: What the agent adds to the keys of lparcfg.
_OWN = ("lparcfg_version", "physical_consumed", "pool_idle_cpu")


def _level(log: _Log, server: Node) -> str:
    """``7.100``, TL 5, SP 3, week 38 of 2018 → ``7100-05-03-1838``."""
    parts = [log.figure(server, name, values.whole) for name in (
        "aix_technology_level", "aix_service_pack", "aix_build_year", "aix_build_week")]
    version = log.figure(server, "aix_version", values.number)
    if version is None or None in parts:
        return ""
    level, pack, year, week = parts
    return f"{round(version * 1000)}-{level:02}-{pack:02}-{year % 100:02}{week:02}"


# --- what is taken ----------------------------------------------------------------------------------------------------


def _take_config(intake: Intake, record: Record, reading: Reading) -> None:
    have = stated(record)
    taken = pick(record, {"entitled": "entitlement_units", "virtual_cpus": "virtual_processors", "max_virtual_cpus":
                          "max_virtual_processors", "memory": "memory_mib", "max_memory": "max_memory_mib"})
    taken["os"] = ("AIX", record.source)
    if "aix" in have:
        taken["os_level"] = (have["aix"], record.source)
    if have.get("shared"):
        taken |= pick(record, {"pool_id": "pool_id", "weight": "weight"})
        if "capped" in have:
            taken["sharing"] = ("capped" if have["capped"] else "uncapped", record.source)
    if "shared" in have:
        taken["processors"] = ("shared" if have["shared"] else "dedicated", record.source)
    ref = PartRef(have.get("serial", ""), have.get("lpar_id"), have.get("name", ""))
    intake.partitions.append(Partition(ref, None, taken, record.source))


def _take_samples(out: Extract, reading: Reading) -> None:
    series: dict[tuple[str, str], list[Record]] = {}
    for record in reading.records:
        if record.kind == SAMPLE:
            server = server_of_serial(record.fields.get("serial"), out.context.servers)
            series.setdefault((record.fields.get("name", ""), server), []).append(record)
    for (name, server), records in sorted(series.items()):
        if not name:
            out.say("input.missing-value", Severity.WARNING, "snapshots that do not say whose they are", "left out",
                    source=records[0].source)
            continue
        instants = out.instants([record.fields["time"] for record in records], name) or []
        timed = sorted(zip(instants, records, strict=False), key=lambda pair: pair[0])
        lengths = spans([at for at, _ in timed], records[0].fields.get("span"))
        for (at, record), span in zip(timed, lengths, strict=True):
            _take_sample(out, record, (name, server), at, span)


def _take_sample(out: Extract, record: Record, whose: tuple[str, str], at: int, span: int) -> None:
    have = record.fields
    physc = have.get("physc")
    if physc is None:
        out.once("physc", "input.missing-value", Severity.INFO, "snapshots without the cores used: no load is taken "
                 "from them", "nothing to do", record.source)
        if "memory_used" not in have:
            return
    out.sample(Sample(Kind.LPAR, *whose, at, span, physc=None if physc is None else thousandths(physc),
                      entitlement=have.get("entitled"), memory_used_mib=have.get("memory_used"),
                      memory_total_mib=have.get("memory_total")), record.source)


def _inside(reading: Reading) -> Iterable[str]:
    return (record.fields["text"] for record in reading.records if record.kind == LPARCFG)


FORMAT = Format(KIND, recognise, read, {CONFIG: _take_config}, _take_samples, inside=_inside)


#: Reason → (record kind, fields) that are neither facts of an estate nor usage; ``*`` and ``?`` are wildcards.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {
    "a capture, which is read as what it is": ((LPARCFG, "text"),),
    "said once, with the configuration": ((SAMPLE, "lpar_id"),),
}
