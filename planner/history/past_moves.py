"""Moves of the past, as logs tell of them: what was moved, how long it took, what is known of its bytes and movers.

Several sources tell of one move: a table, an HMC's events, syslog and error log of the LPAR. They are put together by
LPAR and overlapping time; of two that state the same the first in this order counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from planner.findings import Source
from planner.formats import evening_record
from planner.formats.base import Reading, Record, stated

#: Kind of reading → how it is called; the order in which they are trusted.
SOURCES = {"past-moves": "table", "hmc-events": "HMC events", "syslog": "syslog", "aix-errpt": "error log",
           evening_record.KIND: "record of an evening"}
VASI = "vios-vasistat"
KINDS = {*SOURCES, VASI}
"""The readings that tell of moves."""
_NEAR = timedelta(minutes=3)
_TICKED_S = 60.0
"""How exact a time is that a person has ticked."""
_NO_YEAR = 2000
"""The year of stamps that have none: a leap year, so that every day is in it."""
_ELAPSED = re.compile(r"(\d{1,6}) days (\d{1,2}) hours (\d{1,2}) minutes (\d{1,2}) seconds")


@dataclass(frozen=True, slots=True)
class PastMove:
    """What logs tell of one move; None: not told. Times are local; ``seconds``: end to end, with ``resolution_s``."""

    lpar: str
    by: str
    source: Source
    start: datetime | None = None
    end: datetime | None = None
    seconds: float | None = None
    resolution_s: float = 1.0
    dated: bool = True
    validation_s: float | None = None
    pre_s: float | None = None
    kernel_s: float | None = None
    post_s: float | None = None
    sent_bytes: float | None = None
    memory_mib: int | None = None
    max_memory_mib: int | None = None
    busy_cores: float | None = None
    source_server: str = ""
    target_server: str = ""
    source_mover: str = ""
    target_mover: str = ""
    link_mbit: int | None = None
    console: str = ""
    failed: bool | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """An operation of a VASI device, seen once: bytes of the LPAR's state, those left, seconds since its start; and how
    many the device had at that time."""

    vios: str
    stream: str
    total_bytes: int
    left_bytes: int
    seconds: float
    beside: int | None
    source: Source


def past_moves(readings: Iterable[Reading]) -> list[PastMove]:
    """The moves that these readings tell of, one each, by start and LPAR."""
    told: dict[str, list[PastMove]] = {kind: [] for kind in SOURCES}
    for reading in readings:
        if reading.kind in SOURCES:
            told[reading.kind] += _READERS[reading.kind](reading)
    of_lpar: dict[str, list[PastMove]] = {}
    for move in (move for kind in SOURCES for move in told[kind]):
        known = of_lpar.setdefault(move.lpar.casefold(), [])
        same = next((n for n, other in enumerate(known) if _same(other, move)), None)
        if same is None:
            known.append(move)
        else:
            known[same] = _merged(known[same], move)
    return sorted((m for moves in of_lpar.values() for m in moves),
                  key=lambda m: (m.start or m.end or datetime.min, m.lpar, m.source.file, m.source.line or 0))


def transfers(readings: Iterable[Reading]) -> list[Transfer]:
    """The operations of VASI devices; of each stream the one that was seen longest after its start."""
    latest: dict[tuple[str, str], Transfer] = {}
    for reading in readings:
        for record in reading.records if reading.kind == VASI else ():
            have = stated(record)
            total, left = have.get("total_bytes_to_transfer"), have.get("bytes_left_to_transfer")
            elapsed = _ELAPSED.search(str(have.get("elapsed_time", "")))
            if (isinstance(total, int) and isinstance(left, int) and left <= total and elapsed
                    and "Source" in str(have.get("operation_type"))):
                days, hours, minutes, seconds = map(int, elapsed.groups())
                one = Transfer(reading.host, str(have.get("stream_id", "")), total, left, float(
                    ((days * 24 + hours) * 60 + minutes) * 60 + seconds), have.get("active_operations"), record.source)
                key = (one.stream, "" if one.stream else f"{record.source}")
                if key not in latest or latest[key].seconds < one.seconds:
                    latest[key] = one
    return [latest[key] for key in sorted(latest)]


def _same(one: PastMove, other: PastMove) -> bool:
    """Whether two sources tell of one move of an LPAR: at overlapping times, a stamp without a year in any."""
    if one.by == other.by:
        return False
    year = None if one.dated and other.dated else _NO_YEAR
    spans = [_span(move, year) for move in (one, other)]
    if None in spans:
        return False
    (a, b), (c, d) = (span for span in spans if span)
    return a - _NEAR <= d and c - _NEAR <= b


def _span(move: PastMove, year: int | None) -> tuple[datetime, datetime] | None:
    times = [t for t in (move.start, move.end) if t]
    if not times:
        return None
    first, last = (t.replace(year=year or t.year) for t in (times[0], times[-1]))
    return first, max(first, last)


def _merged(first: PastMove, second: PastMove) -> PastMove:
    """The first with what it lacks from the second; its span is kept."""
    if first.seconds is None and second.seconds is not None:
        first = replace(first, start=second.start, end=second.end, seconds=second.seconds,
                        resolution_s=second.resolution_s)
    lacking = {f.name: value for f in fields(PastMove)
               if getattr(first, f.name) in (None, "") and (value := getattr(second, f.name)) not in (None, "")}
    return replace(first, **lacking, by=f"{first.by}, {second.by}")


def _lasted(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from start to end; a stamp without a year may pass New Year."""
    if start is None or end is None:
        return None
    seconds = (end.replace(tzinfo=None) - start.replace(tzinfo=None)).total_seconds()
    return seconds if seconds >= 0 else None


def _of_table(reading: Reading) -> Iterator[PastMove]:
    names = {"source": "source_server", "target": "target_server"}
    known = {f.name for f in fields(PastMove)}
    for record in reading.records:
        have: dict[str, Any] = {names.get(k, k): v.replace(tzinfo=None) if isinstance(v, datetime) else v
                                for k, v in stated(record).items()}
        if "lpar" in have:
            have.setdefault("seconds", _lasted(have.get("start"), have.get("end")))
            yield PastMove(by=SOURCES[reading.kind], source=record.source,
                           **{k: v for k, v in have.items() if k in known and k != "source"})


def _timed(record: Record) -> datetime | None:
    have = stated(record)
    at = have.get("time")
    if isinstance(at, datetime):
        return at.replace(tzinfo=None)
    try:
        return datetime.strptime(f"{_NO_YEAR} {' '.join(str(have.get('stamp')).split())}", "%Y %b %d %H:%M:%S")
    except ValueError:
        return None


def _of_hmc(reading: Reading) -> Iterator[PastMove]:
    """From the command that starts a migration to the event that ends it."""
    open_: dict[str, PastMove] = {}
    for record in sorted(reading.records, key=lambda r: (_timed(r) or datetime.min, r.source.line or 0)):
        have, at = stated(record), _timed(record)
        name = str(have.get("lpar", ""))
        if not name or at is None:
            continue
        if have["event"] == "started" and (name not in open_ or "migrlpar" in have["text"]):
            open_[name] = PastMove(name, SOURCES[reading.kind], record.source, at, console="HMC",
                                   source_server=str(have.get("source", "")), target_server=str(have.get("target", "")))
        elif have["event"] in ("completed", "aborted") and name in open_:
            yield _ended(open_.pop(name), at, failed=have["event"] == "aborted")
    yield from open_.values()


def _ended(move: PastMove, end: datetime, *, failed: bool, resolution: float = 1.0) -> PastMove:
    return replace(move, end=end, seconds=_lasted(move.start, end), failed=failed, resolution_s=resolution)


def _of_errpt(reading: Reading) -> Iterator[PastMove]:
    """From started to completed or aborted; the short form has whole minutes, and stands newest first."""
    moves: dict[str, PastMove] = {}
    numbered = [(_timed(r), -(r.source.line or 0), r) for r in reading.records]
    for at, _, record in sorted(((at, n, r) for at, n, r in numbered if at), key=lambda one: one[:2]):
        have = stated(record)
        name = str(have.get("node") or reading.host)
        resolution = 60.0 if "label" not in have else 1.0
        if have["event"] == "started":
            if name in moves:
                yield moves[name]
            moves[name] = PastMove(name, SOURCES[reading.kind], record.source, at, resolution_s=resolution)
        elif have["event"] in ("completed", "aborted"):
            begun = moves.pop(name, PastMove(name, SOURCES[reading.kind], record.source))
            yield _ended(begun, at, failed=have["event"] == "aborted", resolution=resolution)
    yield from moves.values()


def _of_syslog(reading: Reading) -> Iterator[PastMove]:
    """Each host's lines from the start of an operation to its end, with the phases of DRMGR."""
    hosts: dict[str, list[Record]] = {}
    for record in reading.records:
        hosts.setdefault(str(record.fields.get("host", "")), []).append(record)
    for host, records in hosts.items():
        own: list[Record] = []
        for record in records:
            event = record.fields["event"]
            if event == "started" and any(r.fields["event"] != "started" for r in own):
                yield _of_lines(host, own)
                own = []
            own.append(record)
            if event in ("completed", "aborted"):
                yield _of_lines(host, own)
                own = []
        if own:
            yield _of_lines(host, own)


def _of_lines(host: str, records: Sequence[Record]) -> PastMove:
    """One move of syslog. A phase begins with DRMGR's first word on it; what was before is not told apart."""
    first, last = _timed(records[0]), _timed(records[-1])
    if first and last and last < first and "stamp" in records[0].fields:
        last = last.replace(year=_NO_YEAR + 1)
    begun = records[0].fields["event"] == "started"
    ended = records[-1].fields["event"] in ("completed", "aborted")
    phases: dict[str, datetime] = {}
    for record in records:
        at = _timed(record)
        if at and "phase" in record.fields and record.fields["program"].lower().endswith("drmgr") and (
                record.fields["text"].lower().startswith("starting")):
            phases.setdefault(record.fields["phase"], at)
    marks: list[datetime | None] = [phases.get(name) for name in ("pre", "kernel", "post")]
    marks.append(last if ended else None)
    pre, kernel, post = (_lasted(a, b) for a, b in pairwise(marks))
    start, end = (first if begun else None), (last if ended else None)
    return PastMove(host, SOURCES["syslog"], records[0].source, start, end, _lasted(start, end), pre_s=pre,
                    kernel_s=kernel, post_s=post, dated="stamp" not in records[0].fields,
                    failed=records[-1].fields["event"] == "aborted" if ended else None)


def _of_record(reading: Reading) -> Iterator[PastMove]:
    """Each try of each move, as people ticked it: one that failed is over then, whatever became of it."""
    for record in (r for r in reading.records if r.kind == evening_record.MOVE):
        move: evening_record.MoveEvents = record.fields["move"]
        blank = PastMove(move.lpar, SOURCES[reading.kind], record.source, resolution_s=_TICKED_S,
                         source_server=move.source, target_server=move.target,
                         source_mover=move.source_mover, target_mover=move.target_mover)
        begun: evening_record.Event | None = None
        for event in move.events:
            if event.event == "started":
                begun = event
            elif begun and event.event in ("arrived", "failed"):
                yield replace(blank, start=begun.local, end=event.local, failed=event.event == "failed",
                              seconds=(event.at - begun.at).total_seconds())
                begun = None
        if begun:
            yield replace(blank, start=begun.local)


_READERS: dict[str, Any] = {"past-moves": _of_table, "hmc-events": _of_hmc, "aix-errpt": _of_errpt,
                            "syslog": _of_syslog, evening_record.KIND: _of_record}
