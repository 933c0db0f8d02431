"""The HMC's performance data (PCM): ProcessedMetrics, AggregatedMetrics and LongTermMonitor JSON, and the Atom feeds.

Of each sample the processors and memory of partitions, VIOSes, shared processor pools and the server are read; what is
aggregated counts by its average. Cores used (physc) are ``utilizedCappedProcUnits + utilizedUncappedProcUnits``, of a
dedicated partition ``utilizedProcUnits``. The long-term monitor counts cycles, whose differences over those of
``timeBasedCycles`` are cores. Cores are decimals here, memory MiB; times have the console's offset.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from planner.findings import Severity
from planner.formats import values
from planner.formats.base import Format, Reading, Record, unframed
from planner.formats.lines import Notes
from planner.formats.samples import (
    PHYSICAL_POOL,
    Count,
    Extract,
    Kind,
    Sample,
    less,
    server_of_serial,
    spans,
    thousandths,
)

KIND = "pcm"

_ROOT = re.compile(r'"(?:systemUtil|lparUtil|energyUtil)"\s*:')
_FEED = "/rest/api/pcm/"
_UOM = "/xmlns/systems/power/firmware/uom/"
_LINK = re.compile(r"<link\s[^<>]{0,200}(?:application/|pcm\.)json")
_MODES = {"cap", "uncap"}
_NOT_RUNNING = {"open firmware", "error", "not available"}
_MOST_SPAN = 31 * 86400

Node = dict[str, Any]


def recognise(text: str) -> bool:
    """JSON of metrics by its outermost name, or a feed that links such files."""
    body, _ = unframed(text, 1)
    if body.lstrip("\ufeff \t\n").startswith("{"):
        return bool(_ROOT.search(body))
    return _FEED in text and "<feed" in text and _UOM not in text


def read(text: str, file: str, first_line: int = 1) -> Reading:
    """All samples of one file. A value that cannot be one is left out and counted in one finding."""
    text, line = unframed(text, first_line)
    log = _PcmNotes(file, line)
    if not text.lstrip("\ufeff \t\n").startswith("{"):
        log.say(Severity.INFO, "input.not-read", f"a feed that links {len(_LINK.findall(text))} files of metrics: "
                "the figures stand in those", "get the JSON files that it links and add them")
        return log.closed()
    try:
        answer = json.loads(text.lstrip("\ufeff"), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        log.say(Severity.WARNING, "input.truncated", f"the JSON cannot be read: {str(error)[:80]}",
                "get the file again; nothing of it is used")
        return log.closed()
    util = _node(_node(answer).get("systemUtil"))
    if not util:
        what = "energy" if "energyUtil" in _node(answer) else "memory as one partition's own agent sees it"
        log.say(Severity.INFO, "input.not-read", f"PCM figures of {what}", "no plan needs them")
        return log.closed()
    _read_samples(log, util)
    return log.closed()


class _PcmNotes(Notes):
    """With the records of one file, and what is counted before it is told."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(file)
        self.line = line
        self.records: list[Record] = []
        self.bad: Counter[str] = Counter()
        self.partial: Counter[str] = Counter()

    def say(self, severity: Severity, rule: str, message: str, fix: str) -> None:
        self.add(severity, rule, message, fix, self.line)

    def record(self, kind: str, fields: Node) -> None:
        stated = {name: value for name, value in fields.items() if value is not None}
        self.records.append(Record(kind, stated, self.source(self.line)))

    def closed(self) -> Reading:
        for message, count in sorted(self.bad.items()):
            self.say(Severity.WARNING, "input.bad-value", f"{message} ({count} times)", "the value is left out")
        for message, count in sorted(self.partial.items()):
            self.say(Severity.INFO, "input.partial", f"partial in {count} samples: {message}", "what they have is used")
        return Reading(KIND, tuple(self.records), self.all())


def _node(value: Any) -> Node:
    return value if isinstance(value, dict) else {}


def _nodes(value: Any) -> list[Node]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class _Figures:
    """Reads values; ``at``: where the average stands in an array of them."""

    log: _PcmNotes
    at: int

    def get(self, node: Node, name: str, parse: Callable[[str], Any] = values.used_cores) -> Any:
        """A figure; None where it is absent, null, or none that can be."""
        value = node.get(name)
        if isinstance(value, list):
            value = value[self.at] if self.at < len(value) else None
        if not isinstance(value, str):
            return None
        try:
            return parse(value.strip())
        except ValueError as error:
            self.log.bad[f"{name}: {error}"[:120]] += 1
            return None

    def processor(self, node: Node) -> Node:
        names = {"capped": "utilizedCappedProcUnits", "uncapped": "utilizedUncappedProcUnits",
                 "utilized": "utilizedProcUnits", "entitled": "entitledProcUnits"}
        return {ours: self.get(node, theirs) for ours, theirs in names.items()}

    def memory(self, node: Node, used: str, total: str) -> Node:
        return {"memory_used": self.get(node, used, values.mib_floor),
                "memory_total": self.get(node, total, values.mib_floor)}


def _read_samples(log: _PcmNotes, util: Node) -> None:
    info = _node(util.get("utilInfo"))
    order = info.get("metricArrayOrder")
    figures = _Figures(log, order.index("AVG") if isinstance(order, list) and "AVG" in order else 0)
    named = values.mtms(str(info.get("mtms", "")))
    server = _text(info, "name")
    whose: Node = {"server": server, "serial": named[2] if named and not server else None,
                   "span": figures.get(info, "frequency", lambda text: values.whole(text, _MOST_SPAN))}
    for sample in _nodes(util.get("utilSamples")) or _nodes([util.get("utilSample")]):
        head = _node(sample.get("sampleInfo")) or sample
        try:
            time = values.time(str(head.get("timeStamp", "")))
        except ValueError as error:
            log.bad[f"timeStamp: {error}"[:120]] += 1
            continue
        if str(head.get("status", "0")) not in ("0", "0.0"):
            message = next((str(one.get("errMsg") or one.get("errId")) for one in _nodes(head.get("errorInfo"))), "")
            log.partial[message[:100] or f"status {str(head.get('status'))[:20]}"] += 1
        base = whose | {"time": time}
        if "timeBasedCycles" in sample:
            _cycles(log, figures, sample, base)
        else:
            _units(log, figures, sample, base)


def _text(node: Node, name: str) -> str | None:
    value = node.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _units(log: _PcmNotes, figures: _Figures, sample: Node, base: Node) -> None:
    for part, used, total in _partitions(sample):
        processor = _node(part.get("processor"))
        fields = figures.processor(processor) | figures.memory(_node(part.get("memory")), used, total)
        if any(value is not None for value in fields.values()):
            log.record("pcm-lpar", base | fields | {"name": _text(part, "name"), "state": _text(part, "state"),
                                                 "mode": _text(processor, "mode")})
    server = _node(sample.get("serverUtil"))
    for pool in _pools(server):
        log.record("pcm-pool", base | {"name": _text(pool, "name"), "utilized": figures.get(pool, "utilizedProcUnits"),
                                    "entitled": figures.get(pool, "configuredProcUnits")})
    if server:
        processor, memory = _node(server.get("processor")), _node(server.get("memory"))
        log.record("pcm-server", base | {
            "utilized": figures.get(processor, "utilizedProcUnits"),
            "configurable": figures.get(processor, "configurableProcUnits"),
            "available": figures.get(processor, "availableProcUnits"),
            "memory_free": figures.get(memory, "availableMem", values.mib_floor),
            "memory_total": figures.get(memory, "configurableMem", values.mib_floor)})


def _partitions(sample: Node) -> Iterator[tuple[Node, str, str]]:
    """Each partition with its names for memory that is used, and that it has."""
    yield from ((part, "backedPhysicalMem", "logicalMem") for part in _nodes(sample.get("lparsUtil")))
    yield from ((part, "utilizedMem", "assignedMem") for part in _nodes(sample.get("viosUtil")))


def _pools(server: Node) -> Iterator[Node]:
    yield from _nodes(server.get("sharedProcessorPool"))
    if physical := _node(server.get("physicalProcessorPool")):
        yield {"name": PHYSICAL_POOL, "utilizedProcUnits": physical.get("utilizedProcUnits")}


def _cycles(log: _PcmNotes, figures: _Figures, sample: Node, base: Node) -> None:
    passed = base | {"time_cycles": figures.get(sample, "timeBasedCycles", values.integral)}
    for part, used, total in _partitions(sample):
        processor = _node(part.get("processor"))
        spelled = next((n for n in ("utilizedUnCappedProcCycles", "utilizedUncappedProcCycles") if n in processor), "")
        log.record("pcm-lpar-cycles", passed | figures.memory(_node(part.get("memory")), used, total) | {
            "name": _text(part, "name"), "used_cycles": figures.get(processor, "utilizedCappedProcCycles",
                                                                    values.integral),
            "more_cycles": figures.get(processor, spelled, values.integral)})
    for pool in _nodes(sample.get("sharedProcessorPool")):
        log.record("pcm-pool-cycles", passed | {"name": _text(pool, "name"), "used_cycles": figures.get(
            pool, "utilizedPoolCycles", values.integral)})


# --- what is taken ----------------------------------------------------------------------------------------------------

_KINDS = {"pcm-lpar": Kind.LPAR, "pcm-pool": Kind.POOL, "pcm-server": Kind.SERVER, "pcm-lpar-cycles": Kind.LPAR,
          "pcm-pool-cycles": Kind.POOL}


def take_samples(out: Extract, reading: Reading) -> None:
    series: dict[tuple[str, str, str], list[Record]] = {}
    for record in reading.records:
        server = record.fields.get("server") or server_of_serial(record.fields.get("serial"), out.context.servers)
        name = server if record.kind == "pcm-server" else record.fields.get("name", "")
        if name and server:
            series.setdefault((record.kind, name, server), []).append(record)
        else:
            out.once(f"whose {record.kind}", "input.missing-value", Severity.WARNING,
                     "samples that do not say whose they are: left out", "get the metrics of the managed system",
                     record.source)
    for (kind, name, server), records in sorted(series.items(), key=lambda item: item[0]):
        instants = out.instants([record.fields["time"] for record in records], name)
        timed = sorted(zip(instants or (), records, strict=False), key=lambda pair: pair[0])
        lengths = spans([at for at, _ in timed], records[0].fields.get("span"))
        for (at, record), span in zip(timed, lengths, strict=True):
            if kind.endswith("cycles"):
                _take_count(out, record, (_KINDS[kind], name, server), at)
            else:
                _take_sample(out, record, (_KINDS[kind], name, server), at, span)


def _take_sample(out: Extract, record: Record, key: tuple[Kind, str, str], at: int, span: int) -> None:
    have = record.fields
    used, total, physc = have.get("memory_used"), have.get("memory_total"), _physc(have)
    entitled = have.get("entitled")
    if key[0] is Kind.SERVER:
        entitled = less(have.get("configurable"), have.get("available"))
        used = less(total, have.get("memory_free"))
    if physc is None:
        out.once(f"physc {key[0]}", "input.missing-value", Severity.INFO,
                 "samples without the cores used (null, or a partition in firmware): no load is taken from them",
                 "nothing to do", record.source)
        if used is None and entitled is None:
            return
    out.sample(Sample(*key, at, span, None if physc is None else thousandths(physc),
                      None if entitled is None else round(entitled * 100), used, total), record.source)


def _physc(have: Node) -> float | None:
    """Cores used. A partition that stands in firmware spins: that is no load."""
    if str(have.get("state", "")).lower() in _NOT_RUNNING:
        return None
    if "capped" in have and "uncapped" in have and have.get("mode", "uncap") in _MODES:
        return float(have["capped"] + have["uncapped"])
    used = have.get("utilized")
    return used if have.get("mode") not in _MODES else None


def _take_count(out: Extract, record: Record, key: tuple[Kind, str, str], at: int) -> None:
    have = record.fields
    used = [have.get("used_cycles"), have.get("more_cycles", 0)]
    if have.get("time_cycles") is None or None in used or sum(used) > values.MOST_COUNT:
        out.once(f"cycles {key[0]}", "input.missing-value", Severity.WARNING,
                 "a sample without the cycles used and the cycles of time: left out", "get the file again",
                 record.source)
        return
    out.counts.append(Count(*key, at, have["time_cycles"], sum(used), None, have.get("memory_used"),
                            have.get("memory_total")))


FORMAT = Format(KIND, recognise, read, {}, take_samples)

#: All that is read is taken: figures of networks, storage and energy, limits and weights are not read at all.
NOT_TAKEN: dict[str, tuple[tuple[str, str], ...]] = {}
