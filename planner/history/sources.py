"""Documents that hold usage → samples and counters, by what their formats take of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.findings import Severity
from planner.formats import registry
from planner.formats.base import Reading, Record
from planner.formats.open import ARCHIVE, Document, documents
from planner.formats.samples import Context, Count, Extract, Kind, Sample, spans, thousandths, whole

_SINCE_BOOT = "input.since-boot"
_UNRECOGNISED = "input.unrecognised"
_TIME_ORDER = "input.time-order"  # said by :meth:`Extract.instants`, which knows when summer time ends
_MOST_COUNTER = (1 << 64) - 1
PHYSICAL_POOL = "physical pool"


def read_sources(paths: Sequence[Path], mapping: Path | None = None, *,
                 but: Collection[Path] = ()) -> Iterator[Document]:
    """What stands under these paths, one file or member of an archive at a time, ``but`` what directories hold for
    another purpose. Raises InputError where something cannot be read, for paths that are missing all at once."""
    for document in documents(paths, mapping, but=but, streamed=True):
        if document.problems:
            raise InputError(document.problems)
        if not _is_archive(document) or document.readings[0].findings:
            yield document


def _is_archive(document: Document) -> bool:
    """Whether it stands for an archive, whose members are documents of their own."""
    return {reading.kind for reading in document.readings} == {ARCHIVE}


def extract(source: Document, context: Context) -> Extract:
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
    if not out.samples and not out.counts and not _is_archive(source) and not any(
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


_TAKERS: dict[str, Callable[[Extract, Reading], None]] = {
    "hmc-cli": _hmc, "hmc-scanner": _scanner,
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


def has_lparstat(source: Document) -> bool:
    """Whether rows without a clock are in it."""
    return any(reading.kind == "lparstat-interval" for reading in source.readings)
