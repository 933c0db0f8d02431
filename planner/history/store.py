"""The store: one DuckDB file with all samples. Adding is idempotent, whole or not at all, and blind to order.

Samples of the same entity, instant and span are one sample: of each figure the larger one counts, of the sources the
one with the smaller digest. Counters are kept as they were read and turned into usage from neighbour to neighbour,
however the files that hold them are cut. Nothing that :class:`History` answers depends on internal numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import InputError
from planner.findings import Finding, Severity, Source, errors, ordered
from planner.formats.open import Document
from planner.formats.samples import (
    MOST_SPAN_S,
    SERIAL,
    Context,
    Count,
    Extract,
    Kind,
    Sample,
    server_of_serial,
)
from planner.history.clock import Clock
from planner.history.sources import extract, has_lparstat, settings_of
from planner.units import show_duration

if TYPE_CHECKING:
    import duckdb

FORMAT = "planner-history"
VERSION = "1"
STEP_S = 300
_GAP_S = 900
_MOST_THOUSANDTHS = 4_096_000
_MOST_CHANGES = 20
_NONE = -1
_MOST_SLOTS = 200_000_000
_MOST_HELD = 500_000  # rows, before they are merged
_CODE = 1 << 20
_SERIES = 16
_FIRST, _LAST = 0, 1 << 40
_CHUNK = 8192  # slots asked for at a time
_SCHEMA = """
CREATE TABLE meta(key VARCHAR, value VARCHAR);
CREATE TABLE entity(id INTEGER, kind VARCHAR, name VARCHAR, server VARCHAR);
CREATE TABLE source(id INTEGER, digest VARCHAR, name VARCHAR, settings VARCHAR, stated BIGINT);
CREATE TABLE sample(entity INTEGER, t BIGINT, span INTEGER, physc INTEGER, ent INTEGER, mem_used INTEGER,
                    mem_total INTEGER, source INTEGER);
CREATE TABLE counter(entity INTEGER, t BIGINT, passed UBIGINT, used UBIGINT, ent INTEGER, mem_used INTEGER,
                     mem_total INTEGER, source INTEGER);
CREATE TABLE derived(entity INTEGER, t BIGINT, span INTEGER, physc INTEGER, ent INTEGER, mem_used INTEGER,
                     mem_total INTEGER, source INTEGER);
CREATE TABLE reset(entity INTEGER, t BIGINT);
CREATE VIEW usage AS SELECT * FROM sample UNION ALL SELECT * FROM derived;
"""
_SAMPLE = ("t", "span", "physc", "ent", "mem_used", "mem_total")
_COUNTER = ("t", "passed", "used", "ent", "mem_used", "mem_total")
_ENTITY_KEY = {"sample": "entity, t, span", "counter": "entity, t"}
_FIGURES = {"sample": ("physc", "ent", "mem_used", "mem_total"),
            "counter": ("passed", "used", "ent", "mem_used", "mem_total")}

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AddReport:
    """What adding did. ``added``: samples and counters that are new; ``known``: those that were there already;
    ``changed``: those of which another source now states more or a larger figure."""

    files: int
    added: int
    known: int
    changed: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """What is known of one entity. Instants are UTC; ``gaps`` are holes of more than 15 minutes and one sample;
    ``changes`` (when, from, to) the changes of server of an LPAR; ``resets`` of its counters."""

    kind: Kind
    name: str
    servers: tuple[str, ...]
    first_s: int
    last_s: int
    samples: int
    finest_span_s: int
    coarsest_span_s: int
    gaps: int
    gap_s: int
    longest_gap: tuple[int, int] | None
    resets: int
    changes: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A file that was added; ``stated``: its samples and counters."""

    name: str
    digest: str
    stated: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in a store, ordered by name."""

    zone: str
    series: tuple[SeriesSummary, ...]
    sources: tuple[SourceSummary, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Usage of several LPARs in slots of ``step_s``: rows as ``names``, columns as ``starts`` (UTC seconds).

    ``physc`` in thousandths of a core, ``memory_mib`` MiB; -1 where nothing is known. ``spans``: the commonest span
    of each LPAR's samples in seconds, 0 without any.
    """

    names: tuple[str, ...]
    step_s: int
    starts: NDArray[np.int64]
    physc: NDArray[np.int32]
    memory_mib: NDArray[np.int32]
    spans: tuple[int, ...]


@dataclass(slots=True)
class Columns:
    """Rows to be added, column by column; -1 stands for what a source does not state."""

    table: str
    entities: list[tuple[str, str, str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def sources(self, number: int) -> None:
        """Give the source to all rows that have none yet."""
        listed = self.values.setdefault("source", [])
        listed.extend([number] * (len(self.entities) - len(listed)))


def _sample_columns() -> Columns:
    return Columns("sample", [], {name: [] for name in _SAMPLE})


def _counter_columns() -> Columns:
    return Columns("counter", [], {name: [] for name in _COUNTER})


def _append(columns: Columns, row: Sample | Count) -> None:
    if isinstance(row, Sample):
        first: tuple[int | None, ...] = (row.end_s, row.span_s, row.physc)
    else:
        first = (row.at_s, row.time_cycles, row.used_cycles)
    columns.entities.append((row.kind.value, row.name, row.server))
    values = (*first, row.entitlement, row.memory_used_mib, row.memory_total_mib)
    names = _SAMPLE if columns.table == "sample" else _COUNTER
    for name, value in zip(names, values, strict=True):
        columns.values[name].append(_NONE if value is None else value)


def _no_batches() -> dict[str, Columns]:
    return {"sample": _sample_columns(), "counter": _counter_columns()}


@dataclass(slots=True)
class _Adding:
    """One call of :meth:`History.add` while it goes on. ``times`` holds the first and the last instant."""

    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    batches: dict[str, Columns] = field(default_factory=_no_batches)
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    keys: set[tuple[str, str]] = field(default_factory=set)
    times: tuple[int, ...] = ()
    started: dict[str, Document] = field(default_factory=dict)
    stopped: bool = False

    def say(self, findings: Iterable[Finding]) -> None:
        """Keep findings; from one that stands in the way on, nothing more is held."""
        kept = list(findings)
        self.findings += kept
        self.stopped = self.stopped or any(f.rule.startswith("history.") for f in errors(kept))

    def take(self, rows: Sequence[Sample | Count], number: int) -> None:
        """Hold these rows of a source."""
        for row in rows:
            _append(self.batches["sample" if isinstance(row, Sample) else "counter"], row)
        for columns in self.batches.values():
            columns.sources(number)
        ends = [*self.times, *(row.end_s if isinstance(row, Sample) else row.at_s for row in rows)]
        self.times = min(ends), max(ends)
        self.keys |= {(row.kind.value, row.name) for row in rows}

    def started_twice(self, source: Document, names: set[str]) -> list[Finding]:
        """Two runs of ``lparstat`` on one LPAR cannot begin at the one start that was given."""
        other = {name: self.started.setdefault(name, source) for name in sorted(names)}
        return [Finding("history.no-clock", Severity.ERROR, name, f"{source.name} and {first.name} are both of "
                        f"{name}, and both would begin at the start that was given", "add them one at a time",
                        Source(source.name)) for name, first in other.items() if first.digest != source.digest]


def _refuse(path: Path, message: str, fix: str, rule: str = "history.store") -> InputError:
    return InputError([Finding(rule, Severity.ERROR, path.name, message, fix, Source(str(path)))])


class History:
    """A store of usage. Open it with :meth:`open`; use it in a ``with`` statement or call :meth:`close`."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._db = connection

    @staticmethod
    def open(path: Path, *, read_only: bool = False) -> History:
        """Open a store; a new one is made unless ``read_only``. Raises InputError for any file that is none."""
        if path.is_dir() or not path.parent.is_dir():
            raise _refuse(path, "is a directory" if path.is_dir() else "its directory does not exist",
                          "name a file in a directory that exists")
        if not path.exists() and read_only:
            raise _refuse(path, "no such history", "make it with: planner history add SOURCE --store FILE")
        history = History(path, _connect(path, read_only))
        try:
            with history._mapped():
                history._check_or_make(read_only)
        except BaseException:
            history.close()
            raise
        return history

    def __enter__(self) -> History:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Write out what is still in the log beside the file (``.wal``) and let go of it."""
        with self._mapped():
            self._db.close()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """DuckDB's exceptions as InputError."""
        import duckdb  # start-up: who asks for no history does not wait for it

        try:
            yield
        except duckdb.Error as error:
            said = re.sub(r"\s+", " ", str(error).split("\n\n")[0])[:200]
            raise _refuse(self.path, f"the history cannot be read or written: {said}",
                          "restore it from a copy, or make a new one from the sources") from None

    def _check_or_make(self, read_only: bool) -> None:
        tables = {name for (name,) in self._db.execute(
            "SELECT table_name FROM information_schema.tables").fetchall()}
        if not tables and not read_only:
            with self._transaction():
                self._db.execute(_SCHEMA)
                self._set("format", FORMAT)
                self._set("version", VERSION)
        elif "meta" not in tables or self._get("format") != FORMAT:
            raise _refuse(self.path, "a DuckDB database, but no usage history", "give another file")
        elif self._get("version") != VERSION:
            raise _refuse(self.path, f"a usage history of version {self._get('version')}; this program reads {VERSION}",
                          "add the sources to a new file, or use the release that made it")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _get(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return str(row[0]) if row else ""

    def _set(self, key: str, value: str) -> None:
        self._db.execute("DELETE FROM meta WHERE key = ?", [key])
        self._db.execute("INSERT INTO meta VALUES (?, ?)", [key, value])

    @property
    def zone(self) -> str:
        """The IANA name of the site's zone; empty while no source needed it and none was given."""
        with self._mapped():
            return self._get("zone")

    def clock(self) -> Clock:
        """The site's clock: UTC where no zone was ever given."""
        return Clock(self.zone or "UTC")

    # --- adding -------------------------------------------------------------------------------------------------------

    def add(self, sources: Iterable[Document], zone: str | None = None, *, start: datetime | None = None,
            interval_s: int | None = None, lpar: str = "", servers: Mapping[str, str] | None = None,
            force_zone: bool = False) -> AddReport:
        """Add all usage in these files, in one transaction: when this returns, it will survive a crash.

        ``zone`` (IANA) is asked for once, when the first source with local times comes, and kept. Another one later is
        refused, unless ``force_zone``: then it holds for these sources alone. ``start``, ``interval_s`` and ``lpar``
        are for ``lparstat``, whose rows have no clock; ``servers`` gives names for serial numbers, which are kept: what
        stands under a serial number goes to the named server, now and later. Raises InputError with everything that
        stands in the way, and then nothing is added.
        """
        with self._mapped():
            clock = self._clock_for(zone, force_zone)
            adding = _Adding()
            with self._transaction():
                context = Context(clock, start, interval_s, lpar, self._learn(servers or {}, adding))
                for source in sources:
                    adding.files += 1
                    self._stage(extract(source, context), source, context, adding)
                    self._flush(adding, _MOST_HELD)
                if stopping := _stopping(adding.findings, bool(adding.times)):
                    raise InputError(ordered(stopping))
                if clock and not self._get("zone"):
                    self._set("zone", clock.name)
                self._flush(adding, 1)
                adding.findings += self._series_findings(adding, clock)
        added, known, changed = adding.counts
        return AddReport(adding.files, added, known, changed, ordered(adding.findings))

    def add_columns(self, columns: Columns, name: str, digest: str, zone: str | None = None) -> AddReport:
        """Add rows that stand in columns (numpy arrays or lists) already; for programs that make their own."""
        with self._mapped(), self._transaction():
            clock = self._clock_for(zone, force=False)
            if clock and not self._get("zone"):
                self._set("zone", clock.name)
            columns.sources(self._source(name, digest, "", len(columns.entities)))
            added, known, changed = self._merge(columns)
        return AddReport(1, added, known, changed, ())

    def _learn(self, servers: Mapping[str, str], adding: _Adding) -> dict[str, str]:
        """Keep these names of serial numbers, give them to what is there without a name; all that are known."""
        known: dict[str, str] = dict(self._db.execute(
            "SELECT key, value FROM meta WHERE starts_with(key, ?)", [SERIAL]).fetchall())
        for serial, name in sorted(servers.items()):
            was = known.setdefault(SERIAL + serial, name)
            if was == name:
                self._set(SERIAL + serial, name)
            else:
                adding.say([Finding(
                    "history.server-name", Severity.WARNING, name, f"serial number {serial} is {was} in this history: "
                    f"what nmon recorded there stays under {was}",
                    "correct the name in the estate, or make a new history of the sources")])
        found = {key.removeprefix(SERIAL): name for key, name in known.items()}
        adding.say(self._named(found))
        return found

    def _named(self, servers: Mapping[str, str]) -> list[Finding]:
        """Samples that stand under a serial number go to the server of that name, each once."""
        said: dict[tuple[str, str], None] = {}
        for number, kind, name, server in self._db.execute(
                "SELECT id, kind, name, server FROM entity WHERE starts_with(server, ?) ORDER BY server, kind, name",
                [SERIAL]).fetchall():
            named = server_of_serial(server.removeprefix(SERIAL), servers)
            if named != server:
                self._rename(number, (kind, name, named))
                said[server, named] = None
        return [Finding("history.server-named", Severity.INFO, named, f"what stood under {server} is of this server",
                        "nothing to do") for server, named in said]

    def _rename(self, number: int, key: _Key) -> None:
        """Let an entity be another; where that one has samples already, those of the same instant become one."""
        there = self._db.execute("SELECT id FROM entity WHERE kind = ? AND name = ? AND server = ?", key).fetchone()
        if there is None:
            self._db.execute("UPDATE entity SET server = ? WHERE id = ?", [key[2], number])
            return
        for table in ("derived", "reset"):
            self._db.execute(f"DELETE FROM {table} WHERE entity = {number}")
        for table in _FIGURES:
            self._db.execute(f"CREATE TEMP TABLE incoming AS SELECT * REPLACE ({there[0]}::INTEGER AS entity) "
                             f"FROM {table} WHERE entity = {number}")
            self._db.execute(f"DELETE FROM {table} WHERE entity = {number}")
            self._settle(table)
        self._db.execute("DELETE FROM entity WHERE id = ?", [number])

    def _clock_for(self, zone: str | None, force: bool) -> Clock | None:
        stored = self._get("zone")
        if zone and stored and zone != stored and not force:
            raise _refuse(self.path, f"the history's zone is {stored}, and {zone} is given",
                          "leave the zone out, or force it for sources that come from another zone", "history.zone")
        name = zone or stored
        return Clock(name) if name else None

    def _stage(self, found: Extract, source: Document, context: Context, adding: _Adding) -> None:
        """Put what a file says with what is to be merged, unless something in it stands in the way."""
        rows: list[Sample | Count] = [*found.samples, *found.counts]
        adding.say(found.findings)
        clockless = has_lparstat(source)
        settings = settings_of(context, found.local, clockless)
        known = self._db.execute("SELECT settings FROM source WHERE digest = ?", [source.digest]).fetchone()
        if rows and known and known[0] != settings:
            adding.say([Finding(
                "history.other-settings", Severity.ERROR, source.name, "this file was added before with another zone, "
                f"start, interval or LPAR: {str(known[0]).strip('|') or 'none'}", "give the same ones",
                Source(source.name))])
        if clockless:
            adding.say(adding.started_twice(source, {row.name for row in rows}))
        if not rows or adding.stopped:
            return
        number = self._source(source.name, source.digest, settings, len(rows))
        adding.take(rows, number)

    def _flush(self, adding: _Adding, least: int) -> None:
        """Merge what is held if it is that much."""
        if sum(len(columns.entities) for columns in adding.batches.values()) < least:
            return
        for columns in adding.batches.values():
            if columns.entities:
                merged = self._merge(columns)
                adding.counts = [one + more for one, more in zip(adding.counts, merged, strict=True)]
        adding.batches = _no_batches()

    def _source(self, name: str, digest: str, settings: str, stated: int) -> int:
        """The number of a source; of the names that the same bytes came under, the first in order is kept."""
        row = self._db.execute("SELECT id FROM source WHERE digest = ?", [digest]).fetchone()
        if row:
            self._db.execute("UPDATE source SET name = ? WHERE id = ? AND name > ?", [name, row[0], name])
            return int(row[0])
        number = int(self._db.execute("SELECT coalesce(max(id), -1) + 1 FROM source").fetchall()[0][0])
        self._db.execute("INSERT INTO source VALUES (?, ?, ?, ?, ?)", [number, digest, name, settings, stated])
        return number

    def _entities(self, keys: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
        known = {(kind, name, server): number for number, kind, name, server in
                 self._db.execute("SELECT id, kind, name, server FROM entity").fetchall()}
        new = sorted(set(keys) - known.keys())
        for number, key in enumerate(new, max(known.values(), default=-1) + 1):
            self._db.execute("INSERT INTO entity VALUES (?, ?, ?, ?)", [number, *key])
            known[key] = number
        return known

    def _merge(self, columns: Columns) -> tuple[int, int, int]:
        """Rows in, each once. Returns how many were new, known, changed."""
        key, figures = _ENTITY_KEY[columns.table], _FIGURES[columns.table]
        numbers = self._entities(dict.fromkeys(columns.entities))
        batch: dict[str, Any] = {"entity": np.array([numbers[one] for one in columns.entities], dtype=np.int32)}
        for name, values in columns.values.items():
            batch[name] = np.asarray(values, dtype=np.uint64 if name in ("passed", "used") else np.int64)
        self._db.register("batch", batch)
        stated = ", ".join(f"nullif({name}, -1) AS {name}" if name not in ("passed", "used") else name
                           for name in figures)
        once = _once(columns.table, f"(SELECT {key}, {stated}, source FROM batch)")
        self._db.execute(f"CREATE TEMP TABLE incoming AS {once}")
        self._db.unregister("batch")
        return self._settle(columns.table)

    def _settle(self, table: str) -> tuple[int, int, int]:
        """Take the rows of ``incoming`` into a table and drop it. Returns how many were new, known, changed."""
        key = _ENTITY_KEY[table]
        low, high = self._one("SELECT coalesce(min(t), 0), coalesce(max(t), 0) FROM incoming")
        self._db.execute(f"CREATE TEMP TABLE standing AS SELECT rowid AS row_id, r.* FROM {table} r "
                         f"SEMI JOIN incoming USING ({key}) WHERE r.t BETWEEN {low} AND {high}")
        self._db.execute(f"INSERT INTO {table} SELECT * FROM incoming ANTI JOIN standing USING ({key}) ORDER BY {key}")
        both = _once(table, "(SELECT * EXCLUDE (row_id) FROM standing UNION ALL SELECT * FROM incoming SEMI JOIN "
                            f"standing USING ({key}))")
        self._db.execute(f"CREATE TEMP TABLE changed AS {both} EXCEPT SELECT * EXCLUDE (row_id) FROM standing")
        self._db.execute(f"DELETE FROM {table} WHERE t BETWEEN {low} AND {high} AND rowid IN "
                         f"(SELECT row_id FROM standing SEMI JOIN changed USING ({key}))")
        self._db.execute(f"INSERT INTO {table} SELECT * FROM changed ORDER BY {key}")
        counted = self._one("SELECT (SELECT count(*) FROM incoming), (SELECT count(*) FROM standing), "
                            "(SELECT count(*) FROM changed)")
        if table == "counter":
            self._derive()
        self._db.execute("DROP TABLE incoming; DROP TABLE standing; DROP TABLE changed")
        return counted[0] - counted[1], counted[1] - counted[2], counted[2]

    def _one(self, query: str) -> tuple[int, ...]:
        return tuple(self._db.execute(query).fetchall()[0])

    def _derive(self) -> None:
        """Usage between neighbouring counters, anew from the counter before the incoming ones to the one after."""
        self._db.execute("""
            CREATE TEMP TABLE touched AS
            SELECT b.entity, b.low, coalesce((SELECT max(t) FROM counter c WHERE c.entity = b.entity AND c.t < b.low),
                                             b.low) AS before,
                   coalesce((SELECT min(t) FROM counter c WHERE c.entity = b.entity AND c.t > b.high), b.high) AS after
            FROM (SELECT entity, min(t) AS low, max(t) AS high FROM incoming GROUP BY entity) b""")
        for table in ("derived", "reset"):
            self._db.execute(f"DELETE FROM {table} AS d USING touched x "
                             "WHERE d.entity = x.entity AND d.t BETWEEN x.low AND x.after")
        self._db.execute("""
            CREATE TEMP TABLE step AS
            SELECT c.*, c.t - lag(c.t) OVER w AS span, c.passed::HUGEINT - lag(c.passed) OVER w AS dt,
                   c.used::HUGEINT - lag(c.used) OVER w AS du
            FROM counter c JOIN touched x ON x.entity = c.entity AND c.t BETWEEN x.before AND x.after
            WINDOW w AS (PARTITION BY c.entity ORDER BY c.t)""")
        sound = f"dt > 0 AND du >= 0 AND (2000 * du + dt) // (2 * dt) <= {_MOST_THOUSANDTHS}"
        self._db.execute(f"INSERT INTO derived SELECT entity, t, span, (2000 * du + dt) // (2 * dt), ent, mem_used, "
                         f"mem_total, source FROM step WHERE span <= {MOST_SPAN_S} AND {sound} ORDER BY entity, t")
        self._db.execute(f"INSERT INTO reset SELECT entity, t FROM step WHERE span IS NOT NULL AND NOT ({sound}) "
                         "ORDER BY entity, t")
        self._db.execute("DROP TABLE touched; DROP TABLE step")

    # --- what to say of it --------------------------------------------------------------------------------------------

    def _series_findings(self, adding: _Adding, clock: Clock | None) -> list[Finding]:
        """Gaps, resets and changes of server in and around what was just added."""
        series = {key: ids for key, ids in self._series().items() if key[:2] in adding.keys}
        low, high = self._around(series, min(adding.times), max(adding.times))
        found = [_gap_finding(name, gaps, clock) for (_, name, _), gaps in self._gaps(series, low, high).items()]
        found += [_change_finding(name, one, clock) for name, one in self._changes(series, low, high).items()]
        found += [Finding("history.reset", Severity.INFO, name, f"its counters were reset {number} times",
                          "the interval across a reset is left out: the LPAR was activated or moved there")
                  for (_, name, _), number in self._resets(series, low, high).items()]
        return [*found, *self._lone_counts(series)]

    def _lone_counts(self, series: Mapping[_Key, Mapping[int, str]]) -> list[Finding]:
        """Counters that have no neighbour yet say nothing of usage."""
        lone = {number for (number,) in self._db.execute(
            "SELECT entity FROM counter GROUP BY entity HAVING count(*) = 1").fetchall()}
        return [Finding("history.one-count", Severity.INFO, name, "one reading of its counters: no usage yet",
                        "add the readings before or after it")
                for (_, name, _), ids in series.items() if lone & ids.keys()]

    def _series(self) -> dict[_Key, dict[int, str]]:
        """Each series (kind, name, and server unless it is an LPAR) with its entities and their servers."""
        found: dict[_Key, dict[int, str]] = {}
        for number, kind, name, server in self._db.execute(
                "SELECT id, kind, name, server FROM entity ORDER BY kind, name, server").fetchall():
            found.setdefault((kind, name, "" if kind == Kind.LPAR else server), {})[number] = server
        return found

    def _around(self, series: Mapping[_Key, Mapping[int, str]], low: int, high: int) -> tuple[int, int]:
        """The range widened to the neighbours of each series."""
        before, after = self._one(f"""
            SELECT min(b), max(a) FROM (
                SELECT max(t) FILTER (WHERE t < {low}) AS b, min(t) FILTER (WHERE t > {high}) AS a
                FROM usage u JOIN {_numbered(series.values())} x ON x.id = u.entity GROUP BY x.number)""")
        return min(low, before if before is not None else low), max(high, after if after is not None else high)

    def _gaps(self, series: Mapping[_Key, Mapping[int, str]], low: int = _FIRST,
              high: int = _LAST) -> dict[_Key, list[tuple[int, int]]]:
        """Series → holes (from, to), in order; as many series at a time as memory is used for sensibly."""
        found: dict[_Key, list[tuple[int, int]]] = {}
        keys = list(series)
        for begin in range(0, len(keys), _SERIES):
            some = keys[begin:begin + _SERIES]
            rows = self._db.execute(f"""
                SELECT number, before, t - span FROM (
                    SELECT x.number, u.t, u.span, max(u.t) OVER (PARTITION BY x.number ORDER BY u.t, u.span
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                    FROM usage u JOIN {_numbered(series[key] for key in some)} x ON x.id = u.entity
                    WHERE u.t BETWEEN {low} AND {high})
                WHERE t - span - before > greatest(span, {_GAP_S}) ORDER BY ALL""").fetchall()
            for number, before, after in rows:
                found.setdefault(some[number], []).append((before, after))
        return found

    def _changes(self, series: Mapping[_Key, Mapping[int, str]], low: int = _FIRST,
                 high: int = _LAST) -> dict[str, list[tuple[int, str, str]]]:
        """LPAR → changes of server. A serial number and a name are not compared: they may be the same server."""
        found: dict[str, list[tuple[int, str, str]]] = {}
        for (kind, name, _), servers in series.items():
            for serial in (False, True):
                ids = {n: s for n, s in servers.items() if s and s.startswith(SERIAL) == serial}
                if kind == Kind.LPAR and len(ids) > 1:
                    found.setdefault(name, []).extend((at, ids[was], ids[now])
                                                      for at, was, now in self._changes_of(ids, low, high))
        return {name: sorted(changes) for name, changes in found.items() if changes}

    def _changes_of(self, ids: Mapping[int, str], low: int, high: int) -> list[tuple[int, int, int]]:
        """(when, from, to) of an LPAR's entities. Where it has samples on both at once, in the order of their names."""
        ranks = {number: rank for rank, number in enumerate(sorted(ids, key=lambda number: ids[number]))}
        table = ", ".join(f"({number}, {rank})" for number, rank in ranks.items())
        return self._db.execute(f"""
            SELECT t, was, entity FROM (
                SELECT u.t, u.entity, x.rank, lag(u.entity) OVER (ORDER BY u.t, x.rank) AS was
                FROM usage u JOIN (VALUES {table}) x(id, rank) ON x.id = u.entity WHERE u.t BETWEEN {low} AND {high})
            WHERE entity <> was ORDER BY t, rank""").fetchall()

    def _resets(self, series: Mapping[_Key, Mapping[int, str]], low: int = _FIRST,
                high: int = _LAST) -> dict[_Key, int]:
        counted = dict(self._db.execute(
            f"SELECT entity, count(*) FROM reset WHERE t BETWEEN {low} AND {high} GROUP BY entity").fetchall())
        totals = {key: sum(counted.get(number, 0) for number in ids) for key, ids in series.items()}
        return {key: total for key, total in totals.items() if total}

    def show(self) -> Summary:
        """What is in the store; the same for the same sources, however they were added."""
        with self._mapped():
            series = self._series()
            gaps, changes, resets = self._gaps(series), self._changes(series), self._resets(series)
            rows = self._extent()
            sources = self._db.execute("SELECT name, digest, stated FROM source ORDER BY ALL").fetchall()
            zone = self._get("zone")
        shown = tuple(_summary(row, gaps, changes, resets) for row in rows)
        return Summary(zone, shown, tuple(SourceSummary(*row) for row in sources))

    def _extent(self) -> list[tuple[Any, ...]]:
        return self._db.execute("""
            SELECT e.kind, e.name, CASE WHEN e.kind = 'lpar' THEN '' ELSE e.server END AS place,
                   coalesce(list_sort(list(DISTINCT e.server) FILTER (WHERE e.server <> '')), []) AS servers,
                   min(u.first), max(u.last), sum(u.n)::BIGINT, min(u.finest), max(u.coarsest)
            FROM (SELECT entity, min(t - span) AS first, max(t) AS last, count(*) AS n, min(span) AS finest,
                         max(span) AS coarsest FROM usage GROUP BY entity) u JOIN entity e ON e.id = u.entity
            GROUP BY e.kind, e.name, place ORDER BY e.kind, e.name, place""").fetchall()

    # --- asking -------------------------------------------------------------------------------------------------------

    def names(self, kind: Kind = Kind.LPAR) -> tuple[str, ...]:
        """The names of all entities of a kind, in order."""
        with self._mapped():
            return tuple(name for (name,) in self._db.execute(
                "SELECT DISTINCT name FROM entity WHERE kind = ? ORDER BY name", [kind.value]).fetchall())

    def lpars_on(self, server: str, start_s: int, end_s: int) -> tuple[str, ...]:
        """The LPARs with samples on a server between two instants, in order."""
        with self._mapped():
            return tuple(name for (name,) in self._db.execute(
                "SELECT DISTINCT e.name FROM usage u JOIN entity e ON e.id = u.entity WHERE e.kind = 'lpar' "
                "AND e.server = ? AND u.t > ? AND u.t - u.span < ? ORDER BY ALL", [server, start_s, end_s]).fetchall())

    def servers(self) -> tuple[str, ...]:
        """The servers on which LPARs were recorded, in order; by serial number where no source named them."""
        with self._mapped():
            return tuple(name for (name,) in self._db.execute(
                "SELECT DISTINCT server FROM entity WHERE kind = 'lpar' AND server <> '' ORDER BY ALL").fetchall())

    def first_seen(self) -> dict[str, int]:
        """LPAR → the beginning of its first sample (UTC seconds)."""
        with self._mapped():
            return dict(self._db.execute(
                "SELECT e.name, min(u.t - u.span) FROM usage u JOIN entity e ON e.id = u.entity WHERE e.kind = 'lpar' "
                "GROUP BY e.name ORDER BY e.name").fetchall())

    def extent(self) -> tuple[int, int] | None:
        """The beginning of the first sample and the end of the last (UTC seconds); None of an empty store."""
        with self._mapped():
            first, last = self._one("SELECT min(t - span), max(t) FROM usage")
        return None if first is None else (first, last)

    def samples(self, name: str, start_s: int, end_s: int, *, kind: Kind = Kind.LPAR,
                server: str | None = None) -> tuple[Sample, ...]:
        """An entity's samples that end after ``start_s`` and not after ``end_s``, in order of time."""
        on = "" if server is None else "AND e.server = ? "
        asked = [kind.value, name, start_s, end_s, *([] if server is None else [server])]
        with self._mapped():
            rows = self._db.execute(
                "SELECT e.server, u.t, u.span, u.physc, u.ent, u.mem_used, u.mem_total, s.digest FROM usage u "
                "JOIN entity e ON e.id = u.entity JOIN source s ON s.id = u.source "
                f"WHERE e.kind = ? AND e.name = ? AND u.t > ? AND u.t <= ? {on}"
                "ORDER BY u.t, u.span, e.server, u.physc, s.digest", asked).fetchall()
        return tuple(Sample(kind, name, *row) for row in rows)

    def grid(self, names: Sequence[str], start_s: int, end_s: int, *, step_s: int = STEP_S,
             kind: Kind = Kind.LPAR, server: str | None = None) -> Grid:
        """Usage of LPARs or pools (on one server only, if named) in slots of ``step_s`` seconds.

        A slot's figure is the mean, by span, of the samples whose middle lies in it; samples longer than a slot stand
        in every slot whose middle they cover. Where sources of different resolution meet, the finest counts.
        Raises InputError for more than 200 million figures.
        """
        first, last = start_s // step_s, -(-end_s // step_s)
        shape = (len(names), max(0, last - first))
        if shape[0] * shape[1] > _MOST_SLOTS:
            raise _refuse(self.path, f"{shape[1]:,} slots of {step_s} s for {shape[0]} names are too many at once",
                          "ask for a shorter period; see whether a clock was wrong with: planner history show",
                          "history.too-long")
        physc, memory = (np.full(shape, _NONE, dtype=np.int32) for _ in range(2))
        met: Counter[int] = Counter()
        with self._mapped():
            for begin in range(first, last, _CHUNK):
                found = self._slots(names, begin, min(begin + _CHUNK, last), step_s, kind, server)
                at = found["pos"], found["slot"] - first
                physc[at], memory[at] = found["physc"], found["mem"]
                codes, counts = np.unique(found["pos"].astype(np.int64) * _CODE + found["span"], return_counts=True)
                met.update(dict(zip(codes.tolist(), counts.tolist(), strict=True)))
        usual = {code // _CODE: code % _CODE for code, _ in sorted(met.items(), key=lambda one: (one[1], -one[0]))}
        starts = np.arange(first, max(first, last), dtype=np.int64) * step_s
        return Grid(tuple(names), step_s, starts, physc, memory, tuple(usual.get(n, 0) for n in range(len(names))))

    def _slots(self, names: Sequence[str], first: int, last: int, step: int, kind: Kind,
               server: str | None) -> dict[str, Any]:
        listed = {name: position for position, name in enumerate(names)}
        on = [] if server is None else [server]
        numbers = [(number, listed[name]) for number, name in self._db.execute(
            f"SELECT id, name FROM entity WHERE kind = ? {'AND server = ?' if on else ''} ORDER BY name, id",
            [kind.value, *on]).fetchall() if name in listed]
        middle = f"(2 * t - span) // {2 * step}"
        low, high = f"(2 * (t - span) + {step - 1}) // {2 * step}", f"(2 * t + {step - 1}) // {2 * step}"
        mean = "(2 * sum({0} * span) + sum(span) FILTER ({0} IS NOT NULL)) // " \
               "(2 * sum(span) FILTER ({0} IS NOT NULL))"
        query = f"""
            WITH part AS (
                SELECT x.pos, u.t, u.span, u.physc, u.mem_used FROM usage u JOIN wanted x ON x.id = u.entity
                WHERE u.t > {first * step} AND u.t < {last * step + MOST_SPAN_S} AND u.t - u.span < {last * step}),
            spread AS (
                SELECT pos, {middle} AS slot, span, physc, mem_used FROM part WHERE span < {step}
                UNION ALL
                SELECT pos, unnest(range({low}, {high})) AS slot, span, physc, mem_used FROM part
                WHERE span >= {step}),
            level AS (
                SELECT pos, slot, greatest(1, span // {step}) AS coarse, {mean.format('physc')} AS physc,
                       {mean.format('mem_used')} AS mem, min(span) AS span
                FROM spread WHERE slot >= {first} AND slot < {last} GROUP BY pos, slot, coarse)
            SELECT pos, slot, coalesce(arg_min(physc, coarse), -1)::INTEGER AS physc,
                   coalesce(arg_min(mem, coarse), -1)::INTEGER AS mem, arg_min(span, coarse)::INTEGER AS span
            FROM level GROUP BY pos, slot"""
        self._db.execute("CREATE TEMP TABLE wanted(id INTEGER, pos INTEGER)")
        try:
            self._db.execute("INSERT INTO wanted SELECT unnest(?), unnest(?)",
                             [[number for number, _ in numbers], [position for _, position in numbers]])
            found: dict[str, Any] = self._db.execute(query).fetchnumpy()
        finally:
            self._db.execute("DROP TABLE wanted")
        return found


def _once(table: str, rows: str) -> str:
    """A query of these rows, those of the same entity, instant and span as one."""
    key = _ENTITY_KEY[table].replace("entity, t", "r.entity, r.t").replace("span", "r.span")
    merged = ", ".join(f"max(r.{name}) AS {name}" for name in _FIGURES[table])
    return (f"SELECT {key}, {merged}, arg_min(r.source, s.digest) AS source FROM {rows} r "
            f"JOIN source s ON s.id = r.source GROUP BY {key}")


def _connect(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection that loads nothing from elsewhere and reads no other file."""
    import duckdb  # start-up: who asks for no history does not wait for it

    try:
        return duckdb.connect(str(path), read_only=read_only, config={
            "enable_external_access": "false", "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false"})
    except duckdb.Error as error:
        said = re.sub(r"\s+", " ", str(error))
    if "set lock" in said or "different configuration" in said:
        raise _refuse(path, "another program, or this one, has the history open", "wait until it is done")
    if said.startswith("IO Error: Cannot open file"):
        raise _refuse(path, f"the file cannot be {'opened' if path.exists() else 'made'} there: "
                      f"{said.rpartition(': ')[2]}", "check the permissions, or name a file in another directory")
    raise _refuse(path, f"no usage history, or a damaged one: {said[:160]}",
                  "give another file, or restore it from a copy")


def _stopping(findings: list[Finding], useful: bool) -> list[Finding]:
    """What stands in the way of adding: a question that has no answer yet, or sources without any usage."""
    said = [f for f in errors(findings) if f.rule.startswith("history.")]
    if said or useful:
        return said
    return [Finding("history.no-usage", Severity.ERROR, "sources", "no usage in any of these sources",
                    "give nmon recordings, lparstat with an interval, lslparutil, HMC Scanner or a mapped table"),
            *(f for f in findings if f.severity is not Severity.INFO)]


def _numbered(series: Iterable[Mapping[int, str]]) -> str:
    """A table of entities with the number of the series that each is of."""
    rows = ", ".join(f"({number}, {at})" for at, ids in enumerate(series) for number in ids)
    return f"(SELECT * FROM (VALUES {rows}) v(id, number))"


def _summary(row: tuple[Any, ...], gaps: dict[_Key, list[tuple[int, int]]],
             changes: dict[str, list[tuple[int, str, str]]], resets: dict[_Key, int]) -> SeriesSummary:
    kind, name, place, servers, first, last, number, finest, coarsest = row
    holes = gaps.get((kind, name, place), [])
    longest = max(holes, key=lambda hole: (hole[1] - hole[0], -hole[0]), default=None)
    return SeriesSummary(
        Kind(kind), name, tuple(servers), first, last, number, finest, coarsest, len(holes),
        sum(end - begin for begin, end in holes), longest, resets.get((kind, name, place), 0),
        tuple(changes.get(name, ())) if kind == Kind.LPAR else ())


def _shown(instant_s: int, clock: Clock | None) -> str:
    if clock is None:
        return f"{datetime.fromtimestamp(instant_s, UTC):%Y-%m-%d %H:%M} UTC"
    return f"{clock.local(instant_s):%Y-%m-%d %H:%M}"


def _gap_finding(name: str, gaps: list[tuple[int, int]], clock: Clock | None) -> Finding:
    begin, end = max(gaps, key=lambda gap: (gap[1] - gap[0], -gap[0]))
    total = show_duration(sum(b - a for a, b in gaps))
    return Finding("history.gap", Severity.WARNING, name,
                   f"{len(gaps)} gaps, {total} in all, the longest from {_shown(begin, clock)} to {_shown(end, clock)}"
                   if len(gaps) > 1 else f"a gap of {total} from {_shown(begin, clock)} to {_shown(end, clock)}",
                   "add what was recorded then, if anything was")


def _change_finding(name: str, changes: list[tuple[int, str, str]], clock: Clock | None) -> Finding:
    at, was, server = changes[0]
    if len(changes) > _MOST_CHANGES:
        return Finding("history.two-servers", Severity.WARNING, name,
                       f"seems to be on {was} and on {server} at once from {_shown(at, clock)} on",
                       "two LPARs of one name? their usage is averaged; give them different names")
    more = f", and {len(changes) - 1} more changes" if len(changes) > 1 else ""
    return Finding("history.changed-server", Severity.INFO, name,
                   f"ran on {was} and from {_shown(at, clock)} on {server}{more}",
                   "nothing to do: its usage goes with it")
